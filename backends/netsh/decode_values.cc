#include "backends/netsh/decode_values.h"

#include <array>
#include <cstddef>
#include <variant>
#include <vector>

#include "backends/netsh/decode_words.h"

namespace firewright::netsh {
namespace {

// [MS-FASP] 2.2.5 to 2.2.13: the most entries of a list of one kind.
constexpr std::size_t most_entries = 1000;

std::string quoted(std::string_view text) { return "`" + std::string(text) + "`"; }

// Decimal digits, without a sign and without zeros in front.
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

// Calls `each` with the items between commas until it finds something wrong.
template <class Each>
ValueProblem for_items(std::string_view list, const Each& each) {
  for (;;) {
    const auto comma = list.find(',');
    if (ValueProblem wrong = each(list.substr(0, comma))) return wrong;
    if (comma == std::string_view::npos) return std::nullopt;
    list.remove_prefix(comma + 1);
  }
}

template <class Keyword>
std::optional<Keyword> find_keyword(std::string_view item) {
  for (const auto keyword : EnumSet<Keyword>::all())
    if (equal_ignoring_case(item, to_string(keyword))) return keyword;
  return std::nullopt;
}

// --- addresses

std::string_view describe(AddressProblem problem) {
  switch (problem) {
    case AddressProblem::not_an_address: return "is no address";
    case AddressProblem::bad_octet: return "is no IPv4 address";
    case AddressProblem::prefix_too_long:
    case AddressProblem::bad_prefix_length: return "has no possible prefix length";
    case AddressProblem::host_bits:
      return "has bits set behind its prefix, and what netsh makes of them is not known";
    case AddressProblem::ipv4_mapped: return "is an IPv4 address in IPv6 form";
    case AddressProblem::zone_index: return "has a zone index";
    case AddressProblem::mixed_families: return "goes from one family to the other";
    case AddressProblem::reversed_range: return "runs backwards";
  }
  return "is no address";
}

// "192.0.2.0/255.255.255.0" with the mask as a length; nothing: the mask is none.
std::optional<std::string> with_length(std::string_view item, std::size_t slash) {
  const auto mask = parse_ipv4(item.substr(slash + 1));
  if (!mask) return std::nullopt;
  unsigned length = 0;
  while (length < 32 && (mask->value & (0x80000000U >> length)) != 0) ++length;
  const auto contiguous = length == 0 ? 0U : 0xffffffffU << (32 - length);
  if (mask->value != contiguous) return std::nullopt;
  return std::string(item.substr(0, slash + 1)) + std::to_string(length);
}

template <class A>
bool meets(const Interval<A>& interval, A first, A last) {
  return interval.first <= last && first <= interval.last;
}

ValueProblem check_filtered(std::string_view item, const Interval<Ipv4>& interval) {
  if (meets(interval, Ipv4{0}, Ipv4{0}))
    return quoted(item) + " holds 0.0.0.0, which netsh refuses";
  if (meets(interval, Ipv4{0x7f000000}, Ipv4{0x7fffffff}))
    return quoted(item) + " holds loopback addresses, which no rule filters";
  return std::nullopt;
}
ValueProblem check_filtered(std::string_view item, const Interval<Ipv6>& interval) {
  if (meets(interval, Ipv6{0}, Ipv6{1}))
    return quoted(item) + " holds :: or ::1, which netsh refuses";
  return std::nullopt;
}

// Collects a list and sorts it once.
class AddressCollector {
 public:
  ValueProblem add(std::string_view item) {
    if (item.find_first_of(" \t") != std::string_view::npos)
      return quoted(item) + " has a blank in it";
    const auto slash = item.find('/');
    std::string by_length;
    if (slash != std::string_view::npos && item.find('.', slash) != std::string_view::npos) {
      const auto rewritten = with_length(item, slash);
      if (!rewritten) return quoted(item) + " has no possible mask";
      by_length = *rewritten;
    }
    const std::string_view canonical = by_length.empty() ? item : std::string_view(by_length);
    if (canonical.ends_with("/0")) return quoted(item) + " is every address: the word is `any`";
    const auto parsed = parse_address_item(canonical);
    const bool range = item.find('-') != std::string_view::npos;
    if (const auto* v4 = std::get_if<Interval<Ipv4>>(&parsed.value))
      return take(item, *v4, v4_, counts_[range ? 0 : 1]);
    if (const auto* v6 = std::get_if<Interval<Ipv6>>(&parsed.value))
      return take(item, *v6, v6_, counts_[range ? 2 : 3]);
    return quoted(item) + " " + std::string(describe(std::get<AddressProblem>(parsed.value)));
  }
  [[nodiscard]] AddressSet set() && {
    return {.v4 = Ipv4Set(std::move(v4_)), .v6 = Ipv6Set(std::move(v6_))};
  }

 private:
  template <class A>
  static ValueProblem take(std::string_view item, const Interval<A>& interval,
                           std::vector<Interval<A>>& into, std::size_t& count) {
    if (auto wrong = check_filtered(item, interval)) return wrong;
    if (++count > most_entries)
      return "more than " + std::to_string(most_entries) + " addresses of one kind";
    into.push_back(interval);
    return std::nullopt;
  }

  std::vector<Interval<Ipv4>> v4_;
  std::vector<Interval<Ipv6>> v6_;
  std::array<std::size_t, 4> counts_{};
};

}  // namespace

std::string_view to_string(AddressKeyword keyword) {
  switch (keyword) {
    case AddressKeyword::localsubnet: return "localsubnet";
    case AddressKeyword::dns: return "dns";
    case AddressKeyword::dhcp: return "dhcp";
    case AddressKeyword::wins: return "wins";
    case AddressKeyword::defaultgateway: return "defaultgateway";
  }
  return {};
}

std::string_view to_string(PortKeyword keyword) {
  switch (keyword) {
    case PortKeyword::rpc: return "rpc";
    case PortKeyword::rpc_epmap: return "rpc-epmap";
    case PortKeyword::iphttps: return "iphttps";
    case PortKeyword::teredo: return "teredo";
  }
  return {};
}

ValueProblem read_protocol(std::string_view value, TransportValue& transport) {
  transport = {};
  if (equal_ignoring_case(value, "any")) return std::nullopt;
  const auto colon = value.find(':');
  const auto name = value.substr(0, colon);
  if (equal_ignoring_case(name, "icmpv4"))
    transport.protocol = protocol::icmp;
  else if (equal_ignoring_case(name, "icmpv6"))
    transport.protocol = protocol::icmpv6;
  else if (colon != std::string_view::npos)
    return quoted(value) + " is no protocol";
  else if (equal_ignoring_case(name, "tcp"))
    transport.protocol = protocol::tcp;
  else if (equal_ignoring_case(name, "udp"))
    transport.protocol = protocol::udp;
  else if (const auto said = number(name, 255))
    transport.protocol = Protocol{static_cast<std::uint8_t>(*said)};
  else
    return quoted(value) + " is no protocol";
  if (colon == std::string_view::npos) return std::nullopt;

  const auto pair = value.substr(colon + 1);
  const auto comma = pair.find(',');
  if (comma == std::string_view::npos) return quoted(value) + " has no code: `any` is one";
  const auto type_word = pair.substr(0, comma);
  const auto code_word = pair.substr(comma + 1);
  const bool any_code = equal_ignoring_case(code_word, "any");
  if (equal_ignoring_case(type_word, "any"))
    return any_code ? ValueProblem() : quoted(value) + " has a code and no type";
  const auto type = number(type_word, 255);
  const auto code = any_code ? std::optional(0U) : number(code_word, 255);
  if (!type || !code) return quoted(value) + " is no ICMP type and code";
  const auto first = static_cast<std::uint16_t>(*type * 256 + *code);
  const auto last = static_cast<std::uint16_t>(any_code ? first + 255 : first);
  transport.icmp = {IcmpTypeCode{first}, IcmpTypeCode{last}};
  return std::nullopt;
}

ValueProblem read_ports(std::string_view value, PortList& ports) {
  ports = {};
  if (equal_ignoring_case(value, "any")) return std::nullopt;
  ports.any = false;
  std::vector<Interval<Port>> intervals;
  auto wrong = for_items(value, [&](std::string_view item) -> ValueProblem {
    if (const auto keyword = find_keyword<PortKeyword>(item)) {
      ports.keywords.insert(*keyword);
      return std::nullopt;
    }
    const auto dash = item.find('-');
    const auto first = number(item.substr(0, dash), 65535);
    const auto last = dash == std::string_view::npos ? first : number(item.substr(dash + 1), 65535);
    if (!first || !last) return quoted(item) + " is no port";
    if (*first == 0) return "what netsh makes of port 0 is not known";
    if (*first > *last) return quoted(item) + " runs backwards";
    if (intervals.size() == most_entries)
      return "more than " + std::to_string(most_entries) + " ports";
    intervals.push_back(
        {Port{static_cast<std::uint16_t>(*first)}, Port{static_cast<std::uint16_t>(*last)}});
    return std::nullopt;
  });
  ports.set = PortSet(std::move(intervals));
  return wrong;
}

ValueProblem read_addresses(std::string_view value, bool local, AddressList& addresses) {
  addresses = {};
  if (equal_ignoring_case(value, "any")) return std::nullopt;
  addresses.any = false;
  AddressCollector collector;
  auto wrong = for_items(value, [&](std::string_view item) -> ValueProblem {
    const auto keyword = find_keyword<AddressKeyword>(item);
    if (!keyword) return collector.add(item);
    if (local) return quoted(item) + " is no word for a local address";
    addresses.keywords.insert(*keyword);
    return std::nullopt;
  });
  addresses.set = std::move(collector).set();
  return wrong;
}

ValueProblem read_profiles(std::string_view value, ir::ProfileSet& profiles) {
  profiles = {};
  return for_items(value, [&](std::string_view item) -> ValueProblem {
    if (equal_ignoring_case(item, "any")) {
      profiles = ir::ProfileSet::all();
      return std::nullopt;
    }
    for (const auto profile : ir::ProfileSet::all()) {
      if (!equal_ignoring_case(item, ir::to_string(profile))) continue;
      profiles.insert(profile);
      return std::nullopt;
    }
    return quoted(item) + " is no profile";
  });
}

// [MS-FASP] 2.2.37; a text that begins with `@` names a string of a library, 2.2.33.
ValueProblem check_rule_text(std::string_view value, bool is_name) {
  if (value.empty() || value.size() > 9999)
    return std::string(is_name ? "a name" : "a description") + " has 1 to 9999 characters";
  if (value.find('|') != std::string_view::npos) return quoted(value) + " has `|` in it";
  if (value[0] == '@') return quoted(value) + " begins with `@`";
  if (is_name && equal_ignoring_case(value, "all")) return "a rule cannot be called `all`";
  return std::nullopt;
}

ValueProblem check_program_path(std::string_view value) {
  if (value.empty() || value.size() > 259 ||
      value.find_first_of("/*?\"<>|") != std::string_view::npos)
    return quoted(value) + " is no program's path";
  return std::nullopt;
}

ValueProblem check_service_name(std::string_view value) {
  if (value.empty() || value.size() > 259 || value.find_first_of("/\\|") != std::string_view::npos)
    return quoted(value) + " is no service's short name";
  return std::nullopt;
}

}  // namespace firewright::netsh
