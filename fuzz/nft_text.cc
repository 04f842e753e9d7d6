// nft scripts. Whatever the bytes are: an answer or an error with a place. What is understood is a
// program that the evaluator and the printer can walk, and reading it twice gives it twice.
#include "backends/nftables/read_text.h"

#include <string>

#include "compiler/ir/evaluate.h"
#include "fuzz/property.h"

using namespace firewright;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Sources sources;
  Sink sink;
  const auto file = sources.add("ruleset.nft", std::string(fuzz::text_of(data, size)));
  const auto program = nftables::decode_text(sources, file, sink);
  FUZZ_PROPERTY(program.has_value() == !sink.has_errors());
  fuzz::check_diagnostics(sink, sources);
  if (!program) return 0;

  for (const auto& chain : program->chains)
    for (const auto& rule : chain.rules) {
      FUZZ_PROPERTY(ir::valid(rule.match));
      FUZZ_PROPERTY(rule.origin.span.known());
      fuzz::check_span(rule.origin.span, sources);
    }
  for (const auto hook : {ir::Hook::inbound, ir::Hook::outbound, ir::Hook::forward}) {
    ir::Packet packet;
    packet.hook = hook;
    packet.in = "eth0";
    FUZZ_PROPERTY(ir::evaluate(*program, packet).has_value());
  }
  Sink second;
  const auto again = nftables::decode_text(sources, file, second);
  FUZZ_PROPERTY(again.has_value() && *again == *program);
  return 0;
}
