#include "backends/host/forwarding.h"

#include <net/if.h>

#include <algorithm>
#include <memory>
#include <string_view>

namespace firewright::host {

std::vector<std::string> forwarding_interfaces() {
  // Docker and Podman, libvirt, LXC and LXD, CNI, Flannel, Calico, Cilium, Weave.
  static constexpr std::string_view prefixes[] = {"docker", "br-",     "podman", "virbr",
                                                  "lxcbr",  "lxdbr",   "cni",    "flannel",
                                                  "cali",   "cilium_", "weave",  "incusbr"};
  std::vector<std::string> found;
  const std::unique_ptr<struct if_nameindex, decltype(&::if_freenameindex)> list(
      ::if_nameindex(), &::if_freenameindex);
  if (!list) return found;
  for (const auto* entry = list.get(); entry->if_name != nullptr; ++entry) {
    const std::string_view name = entry->if_name;
    if (std::any_of(std::begin(prefixes), std::end(prefixes),
                    [&](std::string_view prefix) { return name.starts_with(prefix); }))
      found.emplace_back(name);
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace firewright::host
