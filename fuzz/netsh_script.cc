// netsh scripts: any bytes as one phase, and as the batch file beside one. What decodes is a
// program whose every rule holds the invariants of the IR and has its place in the input.
#include "backends/netsh/decode.h"

#include <string>

#include "fuzz/property.h"

namespace {

using namespace firewright;

void check_program(const ir::Program& program, const Sources& sources) {
  FUZZ_PROPERTY(program.chains.size() == 2);
  for (const auto& chain : program.chains) {
    FUZZ_PROPERTY(!chain.rules.empty());
    for (const auto& rule : chain.rules) {
      FUZZ_PROPERTY(ir::valid(rule.match));
      FUZZ_PROPERTY(!rule.match.families.empty());
      FUZZ_PROPERTY(!rule.origin.label.empty());
      fuzz::check_span(rule.origin.span, sources);
    }
  }
  FUZZ_PROPERTY(!ir::to_text(program).empty());
}

void decode(const Sources& sources, std::vector<backend::ArtifactFile> files) {
  Sink sink;
  const auto program = netsh::decode(sources, files, sink);
  FUZZ_PROPERTY(program.has_value() == !sink.has_errors());
  fuzz::check_diagnostics(sink, sources);
  if (program) check_program(*program, sources);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Sources sources;
  const auto input = sources.add("script", std::string(fuzz::text_of(data, size)));
  const auto phase = sources.add("phase", "advfirewall set allprofiles state on\r\n");
  decode(sources, {{.file = input, .part = "30-allow"}});
  decode(sources, {{.file = phase, .part = "60-on"}, {.file = input, .part = "apply"}});
  return 0;
}
