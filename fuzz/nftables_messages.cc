// Netlink messages of nftables: any bytes as a batch or a dump. What is decoded holds valid rules,
// each with a place.
#include <string>

#include "backends/nftables/decode.h"
#include "fuzz/property.h"

namespace {

using namespace firewright;

void check_program(const ir::Program& program, const Sources& sources) {
  for (const auto& chain : program.chains)
    for (const auto& rule : chain.rules) {
      FUZZ_PROPERTY(valid(rule.match));
      FUZZ_PROPERTY(rule.origin.span.known());
      fuzz::check_span(rule.origin.span, sources);
      if (!rule.verdict.chain.empty()) FUZZ_PROPERTY(program.find(rule.verdict.chain) != nullptr);
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Sources sources;
  Sink sink;
  const auto file = sources.add("messages", std::string(fuzz::text_of(data, size)));
  const backend::ArtifactFile files[] = {{.file = file, .part = "batch"}};
  const auto program = nftables::decode(sources, files, sink);
  FUZZ_PROPERTY(program.has_value() != sink.has_errors());
  if (program) check_program(*program, sources);
  fuzz::check_diagnostics(sink, sources);
  return 0;
}
