// iptables-restore files of both families and the sets that they refer to, the second and the third
// behind a line with nothing but `%`.
// Whatever the bytes are: an answer or an error with a place. What is understood is a program that
// the evaluator can walk, and reading it twice gives it twice.
#include <array>
#include <string>
#include <utility>
#include <vector>

#include "backends/iptables/decode.h"
#include "compiler/ir/evaluate.h"
#include "fuzz/property.h"

using namespace firewright;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text_of(data, size);
  Sources sources;
  Sink sink;
  std::vector<backend::ArtifactFile> files;
  auto rest = text;
  for (const auto& [name, part] : std::array<std::pair<const char*, const char*>, 3>{
           {{"rules.v4", "v4"}, {"rules.v6", "v6"}, {"sets.ipset", "sets"}}}) {
    const auto cut = rest.find("\n%\n");
    const auto one = rest.substr(0, cut == std::string_view::npos ? cut : cut + 1);
    files.push_back({.file = sources.add(name, std::string(one)), .part = part});
    if (cut == std::string_view::npos) break;
    rest.remove_prefix(cut + 3);
  }
  const auto program = iptables::decode(sources, files, sink);
  FUZZ_PROPERTY(program.has_value() == !sink.has_errors());
  fuzz::check_diagnostics(sink, sources);
  if (!program) return 0;

  for (const auto& chain : program->chains)
    for (const auto& rule : chain.rules) {
      FUZZ_PROPERTY(ir::valid(rule.match));
      FUZZ_PROPERTY(rule.match.families.size() == 1);
      FUZZ_PROPERTY(rule.origin.span.known());
      fuzz::check_span(rule.origin.span, sources);
    }
  for (const auto hook : {ir::Hook::inbound, ir::Hook::outbound, ir::Hook::forward}) {
    ir::Packet packet;
    packet.hook = hook;
    packet.in = "eth0";
    FUZZ_PROPERTY(ir::evaluate(*program, packet).has_value());
    packet.source = packet.destination = Ipv6{1};
    FUZZ_PROPERTY(
        ir::evaluate(*program, packet, [](const ir::Predicate&) { return false; }).has_value());
  }
  Sink second;
  const auto again = iptables::decode(sources, files, second);
  FUZZ_PROPERTY(again.has_value() && *again == *program);
  return 0;
}
