#include "backends/nftables/encode.h"

#include "backends/nftables/batch.h"
#include "backends/nftables/build.h"
#include "backends/nftables/text.h"

namespace firewright::nftables {

backend::Artifact encode(const ir::Program& program, const backend::Options& options) {
  const Ruleset ruleset = build(program, options);
  return {.parts = {{.name = "text", .suffix = ".nft", .bytes = to_text(ruleset)},
                    {.name = "batch", .suffix = ".nlbatch", .bytes = to_batch(ruleset)}},
          .default_part = 0};
}

}  // namespace firewright::nftables
