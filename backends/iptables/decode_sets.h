// The sets of ipset, read from what `ipset save` prints and `ipset restore` takes.
//
// Sets of the types hash:ip, hash:net, hash:ip,port and hash:net,port are interpreted, unless their
// elements expire, are exceptions from others (`nomatch`), or are made smaller by a mask. Others
// are known by name only. Commands other than `create` and `add`, and what the kernel would not
// take, are errors.
//
// Written apart from the encoder, as all of the decoder.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/iptables/decode_text.h"
#include "compiler/ir/program.h"

namespace firewright::iptables::decoder {

// Some of a set's elements with ports, as a product.
struct SetProduct {
  Protocol protocol;
  PortSet ports;
  AddressSet addresses;
};

struct KnownSet {
  Family family = Family::ipv4;
  bool with_ports = false;  // two directions instead of one
  bool interpreted = true;
  AddressSet addresses;              // without ports
  std::vector<SetProduct> products;  // with ports; no element is in two of them
};
using SetTable = std::map<std::string, KnownSet, std::less<>>;

// No value: an error was reported.
[[nodiscard]] std::optional<SetTable> read_sets(FileId file, std::string_view text, Sink& sink);

}  // namespace firewright::iptables::decoder
