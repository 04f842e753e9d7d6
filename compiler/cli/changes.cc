#include "compiler/cli/changes.h"

#include "compiler/analysis/diff_json.h"

namespace firewright::cli {
namespace {

constexpr semantics::Budget budget{.nodes = 4'000'000, .time = std::chrono::milliseconds(10'000)};

}  // namespace

analysis::Difference changes(const ir::Program& before, const ir::Program& after,
                             const analysis::Vocabulary& vocabulary, bool all) {
  analysis::DiffOptions options;
  options.explain_all = all;
  options.budget = budget;
  options.match_limits_by_size = true;
  return analysis::diff(before, after, vocabulary, options);
}

nlohmann::ordered_json to_json(const analysis::Difference& difference,
                               const analysis::DiffNames& names, const Sources& sources) {
  nlohmann::ordered_json json;
  json["before"] = names.before;
  json["after"] = names.after;
  json.update(analysis::to_json(difference, sources));
  return json;
}

}  // namespace firewright::cli
