#include "backends/netsh/decode.h"

#include "backends/netsh/decode_driver.h"
#include "backends/netsh/decode_program.h"
#include "backends/netsh/decode_script.h"
#include "backends/netsh/decode_store.h"

namespace firewright::netsh {

std::optional<ir::Program> decode(const Sources& sources,
                                  std::span<const backend::ArtifactFile> files, Sink& sink) {
  const auto errors = sink.errors();
  FirewallStore store(sink);
  bool any = false;
  for (const auto& file : files) {
    if (file.part == "apply" || file.part == "rollback") continue;
    run_script(sources, file.file, store, sink);
    any = true;
  }
  if (!any) sink.report(Kind::artifact_part_missing, {}, {"no phase is among its files"});
  check_driver(sources, files, store, sink);
  store.finish();
  if (sink.errors() != errors) return std::nullopt;
  return to_program(store, sink);
}

}  // namespace firewright::netsh
