#include "backends/netsh/check_values.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <map>
#include <utility>
#include <variant>

#include "compiler/net/address_set.h"

namespace firewright::netsh {
namespace {

constexpr std::size_t most_entries = 1000;

// A decimal number without leading zeros, at most `limit`.
std::optional<unsigned> number(std::string_view text, unsigned limit) {
  if (text.empty() || text.size() > 5 || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  unsigned value = 0;
  for (const char c : text) {
    if (c < '0' || c > '9') return std::nullopt;
    value = value * 10 + static_cast<unsigned>(c - '0');
  }
  if (value > limit) return std::nullopt;
  return value;
}

std::string quoted(std::string_view text) { return "`" + std::string(text) + "`"; }

bool one_of(std::string_view word, const std::vector<std::string_view>& words) {
  const std::string lower = lower_case(word);
  return std::find(words.begin(), words.end(), lower) != words.end();
}

template <class A>
bool is_family(const ParsedAddress& parsed) {
  return std::holds_alternative<Interval<A>>(parsed.value);
}

template <class A>
bool meets(Interval<A> interval, A first, A last) {
  return interval.first <= last && first <= interval.last;
}

// Nothing: fine. The addresses that netsh does not take are the unspecified one and loopback.
std::optional<std::string> forbidden(const ParsedAddress& parsed) {
  if (is_family<Ipv4>(parsed)) {
    const auto interval = std::get<Interval<Ipv4>>(parsed.value);
    if (meets(interval, Ipv4{0}, Ipv4{0})) return "holds 0.0.0.0";
    if (meets(interval, Ipv4{0x7f000000}, Ipv4{0x7fffffff})) return "holds loopback addresses";
  } else if (is_family<Ipv6>(parsed)) {
    if (meets(std::get<Interval<Ipv6>>(parsed.value), Ipv6{0}, Ipv6{1})) return "holds :: or ::1";
  }
  return std::nullopt;
}

std::string canonical(const ParsedAddress& parsed) {
  if (is_family<Ipv4>(parsed)) return to_string(std::get<Interval<Ipv4>>(parsed.value));
  if (is_family<Ipv6>(parsed)) return to_string(std::get<Interval<Ipv6>>(parsed.value));
  return {};
}

}  // namespace

std::string lower_case(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return result;
}

std::vector<std::string> split_list(std::string_view value) {
  std::vector<std::string> items;
  while (true) {
    const auto comma = value.find(',');
    items.emplace_back(value.substr(0, comma));
    if (comma == std::string_view::npos) return items;
    value.remove_prefix(comma + 1);
  }
}

bool is_port_keyword(std::string_view word) {
  return one_of(word, {"rpc", "rpc-epmap", "teredo", "iphttps"});
}
bool is_address_keyword(std::string_view word) {
  return one_of(word, {"localsubnet", "dns", "dhcp", "wins", "defaultgateway"});
}

std::optional<Wrong> check_protocol(std::string_view value) {
  if (value == "any" || value == "tcp" || value == "udp" || value == "icmpv4" ||
      value == "icmpv6" || number(value, 255))
    return std::nullopt;
  const Wrong wrong{"V9", quoted(value) + " is no protocol"};
  if (!value.starts_with("icmpv4:") && !value.starts_with("icmpv6:")) return wrong;
  const auto parts = split_list(value.substr(7));
  if (parts.size() != 2 || !number(parts[0], 255)) return wrong;
  if (parts[1] != "any" && !number(parts[1], 255)) return wrong;
  return std::nullopt;
}

bool has_port_tags(std::string_view protocol) { return protocol == "tcp" || protocol == "udp"; }

std::optional<Wrong> check_ports(std::string_view value, bool keywords) {
  const auto items = split_list(value);
  if (items.size() > most_entries) return Wrong{"V11", "more than 1000 ports"};
  unsigned next = 1;  // the lowest port that may follow without touching the one before
  for (const auto& item : items) {
    if (is_port_keyword(item)) {
      if (!keywords) return Wrong{"V12", quoted(item)};
      continue;
    }
    const auto dash = item.find('-');
    const auto first = number(item.substr(0, dash), 65535);
    const auto last = dash == std::string::npos ? first : number(item.substr(dash + 1), 65535);
    if (!first || !last || *first == 0) return Wrong{"V11", quoted(item) + " is no port"};
    if (dash != std::string::npos && *first >= *last)
      return Wrong{"V11", quoted(item) + " is no range"};
    if (*first < next) return Wrong{"V11", quoted(item) + " is not behind the ports before it"};
    next = *last + 2;
  }
  return std::nullopt;
}

std::optional<Wrong> check_addresses(std::string_view value, bool keywords, FamilySet& families) {
  std::map<std::string, std::size_t> counts;
  for (const auto& item : split_list(value)) {
    if (is_address_keyword(item)) {
      if (!keywords) return Wrong{"V13", quoted(item) + " is a keyword"};
      continue;
    }
    const auto parsed = parse_address_item(item);
    if (item.empty() || canonical(parsed) != item)
      return Wrong{"V13", quoted(item) + " is no canonical address"};
    if (item.ends_with("/0")) return Wrong{"V13", quoted(item) + " is every address"};
    if (const auto why = forbidden(parsed)) return Wrong{"V13", quoted(item) + " " + *why};
    const bool v4 = is_family<Ipv4>(parsed);
    families.insert(v4 ? Family::ipv4 : Family::ipv6);
    const bool range = item.find('-') != std::string::npos;
    if (++counts[std::string(v4 ? "IPv4 " : "IPv6 ") + (range ? "ranges" : "subnets")] >
        most_entries)
      return Wrong{"V14", "more than 1000 addresses of one kind"};
  }
  return std::nullopt;
}

std::optional<Wrong> check_profiles(std::string_view value, bool expected) {
  if (value == "any") return std::nullopt;
  std::vector<std::string> seen;
  for (const auto& item : split_list(value)) {
    const bool known = item == "domain" || item == "private" || item == "public";
    if (!known || std::find(seen.begin(), seen.end(), item) != seen.end())
      return Wrong{"V19", quoted(item) + " is no profile"};
    seen.push_back(item);
  }
  if (!expected) return Wrong{"V19", "the policy names no profiles"};
  return std::nullopt;
}

std::optional<Wrong> check_text(std::string_view value, bool batch) {
  if (value.empty() || value.size() > 9999) return Wrong{"V6", "1 to 9999 characters"};
  if (value.find('|') != std::string_view::npos) return Wrong{"V6", "`|` in a text"};
  if (value[0] == '@') return Wrong{"V6", "`@` in front of a text"};
  if (batch && value.find_first_of("%^&<>!") != std::string_view::npos)
    return Wrong{"V6", "a character that cmd.exe gives a meaning to"};
  return std::nullopt;
}

std::optional<Wrong> check_program(std::string_view value) {
  if (value.empty() || value.size() > 259 ||
      value.find_first_of("/*?\"<>|") != std::string_view::npos || value.back() == '\\')
    return Wrong{"V18", quoted(value) + " is no program"};
  return std::nullopt;
}

std::optional<Wrong> check_service(std::string_view value) {
  if (value.empty() || value.size() > 259 ||
      value.find_first_of("/\\|") != std::string_view::npos || lower_case(value) == "any")
    return Wrong{"V18", quoted(value) + " is no service"};
  return std::nullopt;
}

}  // namespace firewright::netsh
