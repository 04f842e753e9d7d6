#include "backends/backend.h"
#include "backends/iptables/capable.h"
#include "backends/iptables/decode.h"
#include "backends/iptables/encode.h"
#include "backends/netsh/capable.h"
#include "backends/netsh/decode.h"
#include "backends/netsh/encode.h"
#include "backends/nftables/capable.h"
#include "backends/nftables/decode.h"
#include "backends/nftables/encode.h"

namespace firewright::backend {

const Backend& backend(Target target) {
  static constexpr Backend iptables{Target::iptables, iptables::capable, iptables::encode,
                                    iptables::decode, nullptr};
  static constexpr Backend nftables{Target::nftables, nftables::capable, nftables::encode,
                                    nftables::decode, nullptr};
  static constexpr Backend netsh{Target::netsh, netsh::capable, netsh::encode, netsh::decode,
                                 netsh::unfiltered};
  switch (target) {
    case Target::iptables: return iptables;
    case Target::nftables: return nftables;
    case Target::netsh: return netsh;
  }
  return nftables;
}

}  // namespace firewright::backend
