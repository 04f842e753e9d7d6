// Packets as `explain` reads them. What is accepted, printed and read again is the same packet.
#include "compiler/analysis/packet_text.h"

#include <string>

#include "fuzz/property.h"

using namespace firewright;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Sources sources;
  Sink sink;
  const auto file = sources.add("packet", std::string(fuzz::text_of(data, size)));
  const auto packet = analysis::parse_packet(file, sources, sink);
  FUZZ_PROPERTY(packet.has_value() == !sink.has_errors());
  fuzz::check_diagnostics(sink, sources);
  if (!packet) return 0;

  const auto text = ir::to_text(*packet);
  Sink second;
  const auto again = analysis::parse_packet(sources.add("again", text), sources, second);
  FUZZ_PROPERTY(again.has_value());
  FUZZ_PROPERTY(ir::to_text(*again) == text);
  return 0;
}
