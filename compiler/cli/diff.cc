#include "compiler/analysis/diff.h"

#include "backends/proof.h"
#include "compiler/analysis/diff_text.h"
#include "compiler/cli/changes.h"
#include "compiler/cli/pair.h"
#include "compiler/diagnostics/render.h"
#include "compiler/lower/lower.h"

namespace firewright::cli {
namespace {

using analysis::Change;

analysis::Difference compare(Pair& pair, Target target, Sink& sink) {
  analysis::Vocabulary vocabulary;
  std::vector<semantics::Excluded> excluded;
  for (auto* operand : {&pair.before, &pair.after}) {
    if (operand->policy) {
      operand->program = lower::lower(operand->policy->policy,
                                      {.target = target, .today = operand->policy->today}, sink);
      vocabulary.add(operand->policy->policy, target);
    }
    if (operand->missing.empty()) continue;
    ir::Match family;
    ir::restrict_families(family, operand->missing);
    for (const auto hook : {ir::Hook::inbound, ir::Hook::outbound, ir::Hook::forward})
      excluded.push_back({.hook = hook, .match = family});
  }
  if (sink.has_errors()) return {};
  for (auto& unfiltered : backend::unfiltered(target))
    excluded.push_back({.hook = unfiltered.hook, .match = std::move(unfiltered.match)});
  const bool artifact = !pair.before.is_policy() || !pair.after.is_policy();
  analysis::DiffOptions options;
  options.excluded = excluded;
  options.match_limits_by_size = artifact;
  return analysis::diff(pair.before.program, pair.after.program, vocabulary, options);
}

Exit exit_of(const analysis::Difference& difference, DiffOptions::FailOn fail_on) {
  bool fails = false;
  switch (fail_on) {
    case DiffOptions::FailOn::widen: fails = difference.find(Change::accepted) != nullptr; break;
    case DiffOptions::FailOn::any: fails = !difference.classes.empty(); break;
    case DiffOptions::FailOn::none: break;
  }
  return fails ? Exit::no : Exit::ok;
}

}  // namespace

Exit diff(const DiffOptions& options, Console& console) {
  Sources sources;
  Sink sink;
  auto pair =
      load_pair(options.before, options.after, options.git, options.policy, console, sources, sink);
  if (!pair) return Exit::usage;
  if (!pair->trouble.empty()) {
    complain(console, pair->trouble);
    return Exit::system;
  }
  analysis::Difference difference;
  if (!sink.has_errors()) difference = compare(*pair, target_of(*pair, options.target), sink);
  const bool json = options.as == DiffOptions::As::json;
  if (sink.has_errors()) {
    if (json)
      print_json(console, diagnostics_json(sink, sources));
    else
      show(console, sink, sources);
    return Exit::no;
  }
  if (!difference.proved) sink.report(Kind::not_proved, {}, {"the difference", difference.why});
  if (json) {
    auto document = diagnostics_json(sink, sources);
    document.update(to_json(difference, pair->names, sources));
    print_json(console, document);
  } else {
    show(console, sink, sources);
  }
  if (!difference.proved) return Exit::not_proved;
  if (options.as == DiffOptions::As::text) console.out << to_text(difference, pair->names, sources);
  if (options.as == DiffOptions::As::markdown)
    console.out << to_markdown(difference, pair->names, sources);
  return exit_of(difference, options.fail_on);
}

}  // namespace firewright::cli
