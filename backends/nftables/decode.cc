#include "backends/nftables/decode.h"

#include "backends/nftables/decode_program.h"
#include "backends/nftables/read_text.h"

namespace firewright::nftables {

std::optional<ir::Program> decode(const Sources& sources,
                                  std::span<const backend::ArtifactFile> files, Sink& sink) {
  if (files.size() != 1) {
    sink.report(Kind::artifact_part_missing, {}, {"it takes one file, `batch` or `text`"});
    return std::nullopt;
  }
  const auto& file = files.front();
  if (file.part == "batch") return netlink::decode_messages(sources, file.file, sink);
  if (file.part == "text") return decode_text(sources, file.file, sink);
  sink.report(Kind::artifact_kind, {.file = file.file, .begin = 0, .end = 0},
              {file.part, "nftables has the parts `batch` and `text`"});
  return std::nullopt;
}

}  // namespace firewright::nftables
