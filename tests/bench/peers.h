// Other managers of firewalls - ufw, firewalld, ferm - with n exceptions of a source and a port,
// written the way each of them keeps it, and loaded by it.
//
// They run where the mounts are their own, over copies of their folders: what the machine has
// configured stays as it is. They may come from a folder of unpacked packages.
#pragma once

#include <string>
#include <vector>

#include "tests/bench/group.h"

namespace firewright::bench {

struct Peer {
  std::string name;

  // Empty: it can be had here.
  [[nodiscard]] std::string missing(const Bench& bench) const;
};
[[nodiscard]] std::vector<Peer> peers();

// Writes its configuration, untimed, and loads it into the network of this thread, timed.
[[nodiscard]] Finished run_peer(const Bench& bench, const Peer& peer, int exceptions);

}  // namespace firewright::bench
