#include "backends/nftables/read_text.h"

#include "backends/nftables/read_text_parser.h"
#include "backends/nftables/read_text_program.h"
#include "backends/nftables/read_text_tokens.h"

namespace firewright::nftables {

std::optional<ir::Program> decode_text(const Sources& sources, FileId file, Sink& sink) {
  const auto script = script::tokenize(sources, file, sink);
  if (!script) return std::nullopt;
  const auto tree = script::parse(*script, sink);
  if (!tree) return std::nullopt;
  return script::make_program(*script, *tree, sink);
}

}  // namespace firewright::nftables
