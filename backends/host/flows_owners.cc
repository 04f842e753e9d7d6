// Which processes hold the sockets of flows.
#include <map>

#include "backends/host/flows.h"
#include "backends/host/proc.h"

namespace firewright::host {

void name_owners(std::vector<Flow>& flows, const std::string& proc) {
  std::map<std::uint32_t, std::string> holders;
  for (const auto& flow : flows)
    for (const auto& socket : flow.sockets)
      if (socket.inode != 0) holders[socket.inode];
  if (holders.empty()) return;
  for (const auto id : process_ids(proc)) {
    const auto inodes = socket_inodes(proc, id);
    if (!inodes) continue;
    for (const auto inode : *inodes) {
      const auto holder = holders.find(inode);
      if (holder == holders.end()) continue;
      // Of several the last: the child that serves, rather than the parent that accepted.
      if (const auto process = read_process(proc, id)) holder->second = to_string(*process);
    }
  }
  for (auto& flow : flows)
    for (const auto& socket : flow.sockets)
      if (const auto holder = holders.find(socket.inode);
          holder != holders.end() && !holder->second.empty())
        flow.owner = holder->second;
}

}  // namespace firewright::host
