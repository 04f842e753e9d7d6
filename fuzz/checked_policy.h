// What must hold of every policy, whoever wrote it: the same for all targets that read policies.
//
// Whatever the files are, every place of a diagnostic lies in its file, and what is TOML has one
// form that says the same. What is accepted means the same after formatting, and for each firewall
// it is either refused at a place, or encoded, decoded and not found different.
#pragma once

#include <string>
#include <vector>

#include "compiler/base/file_system.h"

namespace firewright::fuzz {

struct PolicyInput {
  MemoryFileSystem files;
  std::string root = "policy.toml";
  std::vector<std::string> set_vars;
  std::vector<std::string> vars_files;
};

// Ends the run where a property is broken.
void check_policy(const PolicyInput& input);

}  // namespace firewright::fuzz
