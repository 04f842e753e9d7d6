// Port items: "22", "5000-5010". What is accepted lies in 1..65535, and its text reads back as the
// same interval. Protocol names and numbers likewise.
#include "compiler/net/address_set.h"
#include "fuzz/property.h"

using namespace firewright;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text_of(data, size);
  const auto parsed = parse_port_item(text);
  if (const auto* ports = std::get_if<Interval<Port>>(&parsed.value)) {
    FUZZ_PROPERTY(ports->first.value >= 1);
    FUZZ_PROPERTY(ports->first <= ports->last);
    const auto again = parse_port_item(to_string(*ports));
    const auto* same = std::get_if<Interval<Port>>(&again.value);
    FUZZ_PROPERTY(same != nullptr && *same == *ports);
  }
  if (const auto protocol = parse_protocol(text)) {
    const auto again = parse_protocol(to_string(*protocol));
    FUZZ_PROPERTY(again.has_value() && *again == *protocol);
  }
  if (const auto* icmp = find_icmp_name(text)) FUZZ_PROPERTY(icmp->v4 || icmp->v6);
  return 0;
}
