// hosts.toml: the hosts of a fleet, and what is known of each.
//
//   [hosts.web1]
//   facts = "facts/web1.json"         # JSON objects, as --vars takes them; or an array of paths
//   vars = { role = "web", ... }      # what the policy knows as ${role}; wins over `facts`
//   policy = "bastion.toml"           # in place of the one of the command line
//
// Paths are relative to the file. A host's name becomes the name of a folder, and has to be one.
#pragma once

#include <string>
#include <vector>

#include "compiler/policy/facts.h"

namespace firewright::policy {

struct Host {
  std::string name;
  Span span;
  std::vector<Spanned<std::string>> facts;  // paths as seen from this directory
  std::vector<Fact> vars;
  std::string policy;  // a path as seen from this directory; empty: none of its own
};

// Letters, digits, '.', '-' and '_'; no '.' and no '-' at the beginning; at most 253 bytes.
[[nodiscard]] bool is_host_name(std::string_view name);

// In the file's order.
[[nodiscard]] std::vector<Host> read_hosts(const std::string& path, const FileSystem& files,
                                           Sources& sources, Sink& sink);

}  // namespace firewright::policy
