// The service catalogue: policies/services.toml, compiled into the binary.
#pragma once

#include <string_view>
#include <vector>

#include "compiler/policy/policy.h"

namespace firewright::policy {

// The text of policies/services.toml; defined by the build.
[[nodiscard]] std::string_view catalogue_text();

struct Catalogue {
  std::vector<Service> services;               // in the file's order
  std::map<std::string, std::size_t> by_name;  // names and aliases -> index

  [[nodiscard]] const Service* find(std::string_view name) const;
};
// Parsed once.
[[nodiscard]] const Catalogue& catalogue();

}  // namespace firewright::policy
