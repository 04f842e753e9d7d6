// Random programs as the lowering makes them, and packets that meet their rules.
#pragma once

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/ir/evaluate.h"
#include "compiler/ir/program.h"

namespace firewright::netsh::test {

class Random {
 public:
  explicit Random(std::uint32_t seed) : engine_(seed) {}
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(engine_()) % n; }
  bool one_in(std::size_t n) { return below(n) == 0; }
  template <class T>
  const T& pick(const std::vector<T>& from) {
    return from[below(from.size())];
  }

 private:
  std::mt19937 engine_;
};

[[nodiscard]] ir::Program random_program(Random& random);
// The same, approximated if need be, so that it can be said.
[[nodiscard]] ir::Program sayable_program(Random& random);
[[nodiscard]] std::vector<ir::Packet> random_packets(Random& random, std::size_t count);

}  // namespace firewright::netsh::test
