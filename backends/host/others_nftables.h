// Rules of address translation from nftables, and what they need to know of sets.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backends/host/attributes.h"
#include "backends/host/others_rules.h"

namespace firewright::host {

namespace nat {

struct Element {
  std::string key;
  std::string key_end;  // inclusive; empty: none
  std::string data;
  std::string chain;  // where a verdict goes
  bool ends_interval = false;
};

struct Range {
  std::string first, last;
  std::string chain;  // where a verdict goes
};

struct SetContent {
  bool intervals = false;
  std::vector<Element> elements;
};

using Name = std::pair<std::string, std::string>;  // table with its family, name

// The value of the first attribute of a type; none: empty, or 0.
[[nodiscard]] inline std::string_view get(std::string_view attributes, std::uint16_t type) {
  return find_attribute(attributes, type).value_or("");
}
[[nodiscard]] inline std::string get_text(std::string_view attributes, std::uint16_t type) {
  return std::string(text_of(get(attributes, type)));
}
[[nodiscard]] inline std::uint32_t get_number(std::string_view attributes, std::uint16_t type) {
  return big_endian_u32(get(attributes, type)).value_or(0);
}
// "goto chain"; empty for accept and the like.
[[nodiscard]] std::string chain_of_verdict(std::string_view data);

}  // namespace nat

// From NFTA_RULE_EXPRESSIONS, field by field. What it does not know makes a rule inexact, never
// narrower. A map of verdicts makes a rule of each of its elements, which are in order.
[[nodiscard]] std::vector<NatRule> read_nat_rule(unsigned family, const std::string& table,
                                                 std::string_view expressions,
                                                 const std::map<nat::Name, nat::SetContent>& sets);

}  // namespace firewright::host
