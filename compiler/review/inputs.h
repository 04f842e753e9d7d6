// Which files of a repository are policies, and which files a policy is made of.
//
// A policy is a TOML file that has a policy's shape and that no other one includes. Files that
// include one another in a circle, with nobody outside of it including them, are not lost: one of
// them counts as a policy.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "compiler/policy/read.h"

namespace firewright::review {

// Of one file, as if it were a policy. What reading it asked for, and so what it hangs on.
struct Inputs {
  std::string canonical;
  bool shaped = false;             // it says what becomes of packets, or includes others
  std::set<std::string> files;     // that were looked for, found or not; with lists of addresses
  std::set<std::string> patterns;  // of includes
  std::vector<std::string> parts;  // the canonical paths of what it includes, directly or not
};

[[nodiscard]] Inputs find_inputs(const std::string& path, const policy::ReadOptions& options);

// `files`: the inputs of all files that may be policies, by path.
[[nodiscard]] std::set<std::string> find_policies(const std::map<std::string, Inputs>& files);

}  // namespace firewright::review
