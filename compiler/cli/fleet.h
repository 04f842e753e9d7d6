// compile --hosts: what came of each host, and how it is told.
#pragma once

#include <cstddef>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "compiler/cli/compile.h"
#include "compiler/cli/console.h"

namespace firewright::cli {

// What compiling came to, without the bytes.
struct FleetArtifact {
  struct File {
    std::string part;
    std::string path;  // behind DIR/HOST/
    std::size_t bytes = 0;
  };
  Target target = Target::nftables;
  std::size_t exceptions = 0;
  std::size_t rules = 0;
  nlohmann::ordered_json proof;
  std::vector<File> files;
};

// Of all hosts whose policy came to the same.
struct FleetResult {
  Exit exit = Exit::ok;
  std::string said;                    // diagnostics as text
  nlohmann::ordered_json diagnostics;  // and as JSON
  std::vector<FleetArtifact> artifacts;
};

// Of one host.
struct FleetHost {
  std::string name;
  std::string policy;
  std::string folder;            // DIR/HOST
  std::size_t result = 0;        // the number of its FleetResult
  bool first_of_result = false;  // the others share it
  std::size_t written = 0;       // files; the others were there
  std::string error;             // of writing

  [[nodiscard]] bool failed(const std::vector<FleetResult>& results) const {
    return results[result].exit != Exit::ok || !error.empty();
  }
};

struct FleetCounts {
  std::size_t hosts = 0;
  std::size_t compiled = 0;   // and proved
  std::size_t shared = 0;     // the same as one of these
  std::size_t unchanged = 0;  // of both: all of their files were there
  std::size_t failed = 0;
  long long milliseconds = 0;
};
[[nodiscard]] FleetCounts count(const std::vector<FleetHost>& hosts,
                                const std::vector<FleetResult>& results);

// Diagnostics under the names of the hosts that they are about, and the line at the end.
void say_fleet(Console& console, const std::vector<FleetHost>& hosts,
               const std::vector<FleetResult>& results, const FleetCounts& counts);
[[nodiscard]] nlohmann::ordered_json fleet_json(const std::vector<FleetHost>& hosts,
                                                const std::vector<FleetResult>& results,
                                                const FleetCounts& counts);

}  // namespace firewright::cli
