// Programs for the tests of the nftables backend: some by hand, any number at random.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "compiler/ir/program.h"

namespace firewright::test {

// An accept rule of an exception with this label.
[[nodiscard]] ir::Rule allow(std::string label, ir::Match match);
[[nodiscard]] ir::Match tcp(std::uint16_t port);
[[nodiscard]] ir::Match udp(std::uint16_t port);
[[nodiscard]] ir::Match with_source(ir::Match match, std::vector<std::string> items);
[[nodiscard]] ir::Match with_destination(ir::Match match, std::vector<std::string> items);
[[nodiscard]] ir::Match fresh_with(ir::Match match, std::vector<ir::Predicate> predicates);

// One chain with these rules and a last `drop`.
[[nodiscard]] ir::Program program(std::vector<ir::Rule> rules, ir::Hook hook = ir::Hook::inbound);

// What a policy that allows ssh, http and https is lowered to.
[[nodiscard]] ir::Program web_server();

// What the example policies do not hold: a map of states, limits that rules share, answers, names
// that are counted, ranges that are left out.
[[nodiscard]] ir::Program many_things();

// Rules of every kind that the backend can say. The same seed, the same program.
[[nodiscard]] ir::Program random_program(std::uint32_t seed);
// Many exceptions that differ in addresses and ports, so that they become lookups.
[[nodiscard]] ir::Program crowd(std::uint32_t seed);

}  // namespace firewright::test
