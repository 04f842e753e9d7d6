// Address items: "192.0.2.0/24", "2001:db8::1-2001:db8::9". What is accepted is an interval, and
// its text reads back as the same one.
#include <string>

#include "compiler/net/address_set.h"
#include "fuzz/property.h"

namespace {

using namespace firewright;

template <class A>
void check(const Interval<A>& interval) {
  FUZZ_PROPERTY(interval.first <= interval.last);
  const auto again = parse_address_item(to_string(interval));
  const auto* same = std::get_if<Interval<A>>(&again.value);
  FUZZ_PROPERTY(same != nullptr && *same == interval);

  // Its prefixes follow one another without a gap, from end to end.
  auto next = interval.first;
  const auto prefixes = to_prefixes(interval);
  FUZZ_PROPERTY(!prefixes.empty());
  for (std::size_t i = 0; i < prefixes.size(); ++i) {
    const auto part = to_interval(prefixes[i]);
    FUZZ_PROPERTY(part.first == next);
    if (i + 1 == prefixes.size()) FUZZ_PROPERTY(part.last == interval.last);
    next.value = part.last.value + 1;
  }
  FUZZ_PROPERTY(as_prefix(interval).has_value() == (prefixes.size() == 1));
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto parsed = parse_address_item(fuzz::text_of(data, size));
  if (const auto* v4 = std::get_if<Interval<Ipv4>>(&parsed.value)) check(*v4);
  if (const auto* v6 = std::get_if<Interval<Ipv6>>(&parsed.value)) check(*v6);
  if (!parsed.suggestion.empty()) {
    // What is suggested must itself be accepted.
    const auto suggested = parse_address_item(parsed.suggestion);
    FUZZ_PROPERTY(!std::holds_alternative<AddressProblem>(suggested.value));
  }
  return 0;
}
