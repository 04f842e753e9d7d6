// Random policies without a kernel: what compiles for a target is encoded, read back and proved to
// mean what the policy means; what does not is refused at the key that cannot be said.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "compiler/base/target.h"

namespace firewright::judge {

struct Soaked {
  std::size_t policies = 0;
  std::array<std::size_t, TargetSet::count> proved{};   // by target
  std::array<std::size_t, TargetSet::count> refused{};  // at a key
  std::vector<std::string> findings;                    // with seed and policy; at most some

  Soaked& operator+=(const Soaked& other);
};

[[nodiscard]] Soaked soak(std::uint64_t seed, std::size_t policies);
[[nodiscard]] std::string to_text(const Soaked& soaked);

}  // namespace firewright::judge
