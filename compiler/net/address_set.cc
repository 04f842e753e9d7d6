#include "compiler/net/address_set.h"

#include <charconv>

namespace firewright {
namespace {

template <class A>
constexpr unsigned width = sizeof(A{}.value) * 8;

template <class A>
auto host_mask(unsigned length) {
  using Raw = decltype(A{}.value);
  return length == 0 ? static_cast<Raw>(~Raw{0})
                     : static_cast<Raw>((Raw{1} << (width<A> - length)) - 1);
}

template <class A>
Interval<A> interval_of(Prefix<A> prefix) {
  return {prefix.address,
          A{static_cast<decltype(A{}.value)>(prefix.address.value | host_mask<A>(prefix.length))}};
}

// The number of low bits of an aligned block that starts at `first` and does not pass `last`.
template <class A>
unsigned block_bits(A first, A last) {
  unsigned bits = 0;
  if (first == last) return bits;  // most are
  while (bits < width<A>) {
    const auto mask = host_mask<A>(width<A> - bits - 1);
    if ((first.value & mask) != 0 || static_cast<decltype(mask)>(first.value | mask) > last.value)
      break;
    ++bits;
  }
  return bits;
}

template <class A>
std::vector<Prefix<A>> prefixes_of(Interval<A> interval) {
  std::vector<Prefix<A>> prefixes;
  A at = interval.first;
  for (;;) {
    const Prefix<A> prefix{at, width<A> - block_bits(at, interval.last)};
    prefixes.push_back(prefix);
    const A end = interval_of(prefix).last;
    if (end == interval.last) return prefixes;
    at.value = static_cast<decltype(at.value)>(end.value + 1);
  }
}

template <class A>
std::optional<Prefix<A>> prefix_of(Interval<A> interval) {
  const Prefix<A> prefix{interval.first, width<A> - block_bits(interval.first, interval.last)};
  if (interval_of(prefix).last != interval.last) return std::nullopt;
  return prefix;
}

template <class A>
std::string prefix_text(Prefix<A> prefix) {
  auto text = to_string(prefix.address);
  if (prefix.length < width<A>) text += "/" + std::to_string(prefix.length);
  return text;
}

template <class A>
std::string interval_text(Interval<A> interval) {
  if (const auto prefix = prefix_of(interval)) return prefix_text(*prefix);
  return to_string(interval.first) + "-" + to_string(interval.last);
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t") - first + 1);
}

ParsedAddress problem(AddressProblem what, std::string suggestion = {}) {
  return {.value = what, .suggestion = std::move(suggestion)};
}

bool looks_like_ipv4(std::string_view text) {
  if (text.empty() || text.find('.') == std::string_view::npos) return false;
  return text.find_first_not_of("0123456789.") == std::string_view::npos;
}

// What is wrong with a text that should have been an address.
AddressProblem address_problem(std::string_view text) {
  if (text.find(':') != std::string_view::npos && text.find('%') != std::string_view::npos)
    return AddressProblem::zone_index;
  return looks_like_ipv4(text) ? AddressProblem::bad_octet : AddressProblem::not_an_address;
}

template <class A>
ParsedAddress parsed_prefix(A address, std::string_view length_text) {
  unsigned length = 0;
  const auto* end = length_text.data() + length_text.size();
  const auto [stop, error] = std::from_chars(length_text.data(), end, length);
  if (error == std::errc::result_out_of_range) return problem(AddressProblem::prefix_too_long);
  if (error != std::errc{} || stop != end || (length_text.size() > 1 && length_text[0] == '0'))
    return problem(AddressProblem::bad_prefix_length);
  if (length > width<A>) return problem(AddressProblem::prefix_too_long);
  const auto mask = host_mask<A>(length);
  const A network{static_cast<decltype(mask)>(address.value & static_cast<decltype(mask)>(~mask))};
  if (length < width<A> && network != address)
    return problem(AddressProblem::host_bits, prefix_text(Prefix<A>{network, length}));
  return {.value = interval_of(Prefix<A>{network, length}), .suggestion = {}};
}

template <class A>
ParsedAddress parsed_range(A first, A last) {
  if (last < first)
    return problem(AddressProblem::reversed_range, to_string(last) + "-" + to_string(first));
  return {.value = Interval<A>{first, last}, .suggestion = {}};
}

ParsedAddress parse_range(std::string_view low, std::string_view high) {
  const auto low4 = parse_ipv4(low);
  const auto high4 = parse_ipv4(high);
  const auto low6 = parse_ipv6(low);
  const auto high6 = parse_ipv6(high);
  if (low4 && high4) return parsed_range(*low4, *high4);
  if (low6 && high6) {
    if (is_ipv4_mapped(*low6) || is_ipv4_mapped(*high6))
      return problem(AddressProblem::ipv4_mapped);
    return parsed_range(*low6, *high6);
  }
  if ((low4 && high6) || (low6 && high4)) return problem(AddressProblem::mixed_families);
  if (!low4 && !low6) return problem(address_problem(low));
  return problem(address_problem(high));
}

}  // namespace

std::string to_string(Prefix<Ipv4> prefix) { return prefix_text(prefix); }
std::string to_string(Prefix<Ipv6> prefix) { return prefix_text(prefix); }
Interval<Ipv4> to_interval(Prefix<Ipv4> prefix) { return interval_of(prefix); }
Interval<Ipv6> to_interval(Prefix<Ipv6> prefix) { return interval_of(prefix); }
std::vector<Prefix<Ipv4>> to_prefixes(Interval<Ipv4> interval) { return prefixes_of(interval); }
std::vector<Prefix<Ipv6>> to_prefixes(Interval<Ipv6> interval) { return prefixes_of(interval); }
std::optional<Prefix<Ipv4>> as_prefix(Interval<Ipv4> interval) { return prefix_of(interval); }
std::optional<Prefix<Ipv6>> as_prefix(Interval<Ipv6> interval) { return prefix_of(interval); }
std::string to_string(Interval<Ipv4> interval) { return interval_text(interval); }
std::string to_string(Interval<Ipv6> interval) { return interval_text(interval); }

std::string to_string(Interval<Port> interval) {
  auto text = std::to_string(interval.first.value);
  if (interval.last != interval.first) text += "-" + std::to_string(interval.last.value);
  return text;
}

FamilySet AddressSet::families() const {
  FamilySet families;
  if (!v4.empty()) families.insert(Family::ipv4);
  if (!v6.empty()) families.insert(Family::ipv6);
  return families;
}

AddressSet operator|(const AddressSet& a, const AddressSet& b) {
  return {.v4 = a.v4 | b.v4, .v6 = a.v6 | b.v6};
}
AddressSet operator&(const AddressSet& a, const AddressSet& b) {
  return {.v4 = a.v4 & b.v4, .v6 = a.v6 & b.v6};
}
AddressSet operator-(const AddressSet& a, const AddressSet& b) {
  return {.v4 = a.v4 - b.v4, .v6 = a.v6 - b.v6};
}

ParsedAddress parse_address_item(std::string_view text) {
  text = trim(text);
  if (const auto slash = text.find('/'); slash != std::string_view::npos) {
    const auto address = text.substr(0, slash);
    const auto length = text.substr(slash + 1);
    if (const auto v4 = parse_ipv4(address)) return parsed_prefix(*v4, length);
    if (const auto v6 = parse_ipv6(address)) {
      if (is_ipv4_mapped(*v6)) return problem(AddressProblem::ipv4_mapped);
      return parsed_prefix(*v6, length);
    }
    return problem(address_problem(address));
  }
  if (const auto v4 = parse_ipv4(text))
    return {.value = Interval<Ipv4>{*v4, *v4}, .suggestion = {}};
  if (const auto v6 = parse_ipv6(text)) {
    if (is_ipv4_mapped(*v6))
      return problem(AddressProblem::ipv4_mapped,
                     to_string(Ipv4{static_cast<std::uint32_t>(v6->value)}));
    return {.value = Interval<Ipv6>{*v6, *v6}, .suggestion = {}};
  }
  if (const auto dash = text.find('-'); dash != std::string_view::npos) {
    const auto low = trim(text.substr(0, dash));
    const auto high = trim(text.substr(dash + 1));
    const bool low_is_address = parse_ipv4(low) || parse_ipv6(low) ||
                                address_problem(low) != AddressProblem::not_an_address;
    if (low_is_address) return parse_range(low, high);
  }
  return problem(address_problem(text));
}

ParsedPorts parse_port_item(std::string_view text) {
  text = trim(text);
  if (text.empty()) return {PortProblem::empty};
  const auto parse_one = [](std::string_view digits, Port& port) -> std::optional<PortProblem> {
    digits = trim(digits);
    if (digits.empty() || digits.find_first_not_of("0123456789") != std::string_view::npos)
      return PortProblem::not_a_port;
    unsigned long value = 0;
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    if (error != std::errc{} || value > 65535) return PortProblem::too_large;
    if (value == 0) return PortProblem::zero;
    if (digits[0] == '0') return PortProblem::not_a_port;  // "022": octal to some readers
    port = Port{static_cast<std::uint16_t>(value)};
    return std::nullopt;
  };
  const auto dash = text.find('-');
  Interval<Port> interval{};
  if (const auto bad = parse_one(text.substr(0, dash), interval.first)) return {*bad};
  interval.last = interval.first;
  if (dash != std::string_view::npos)
    if (const auto bad = parse_one(text.substr(dash + 1), interval.last)) return {*bad};
  if (interval.last < interval.first) return {PortProblem::reversed_range};
  return {interval};
}

}  // namespace firewright
