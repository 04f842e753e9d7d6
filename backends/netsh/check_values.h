// The values of a rule's tags, each looked at by itself: what is wrong with one, or nothing.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/net/types.h"

namespace firewright::netsh {

struct Wrong {
  std::string rule;
  std::string text;
};

[[nodiscard]] std::optional<Wrong> check_protocol(std::string_view value);
[[nodiscard]] bool has_port_tags(std::string_view protocol);
[[nodiscard]] std::optional<Wrong> check_ports(std::string_view value, bool keywords);
// `families` gets those that the list names.
[[nodiscard]] std::optional<Wrong> check_addresses(std::string_view value, bool keywords,
                                                   FamilySet& families);
[[nodiscard]] bool is_port_keyword(std::string_view word);
[[nodiscard]] bool is_address_keyword(std::string_view word);
[[nodiscard]] std::optional<Wrong> check_profiles(std::string_view value, bool expected);
[[nodiscard]] std::optional<Wrong> check_text(std::string_view value, bool batch);
[[nodiscard]] std::optional<Wrong> check_program(std::string_view value);
[[nodiscard]] std::optional<Wrong> check_service(std::string_view value);
[[nodiscard]] std::vector<std::string> split_list(std::string_view value);
[[nodiscard]] std::string lower_case(std::string_view text);

}  // namespace firewright::netsh
