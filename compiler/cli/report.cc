#include "compiler/report/page.h"

#include "backends/proof.h"
#include "compiler/cli/files.h"
#include "compiler/cli/pair.h"
#include "compiler/lower/lower.h"

namespace firewright::cli {
namespace {

constexpr semantics::Budget budget{.nodes = 20'000'000, .time = std::chrono::seconds(30)};

// A policy, lowered, and what is shown of it.
struct Shown {
  const Operand* operand = nullptr;
  ir::Program program;
  std::optional<report::Picture> picture;
};

Shown lowered(const Operand& operand, Target target, Sink& sink) {
  Shown shown;
  shown.operand = &operand;
  shown.program = lower::lower(operand.policy->policy,
                               {.target = target, .today = operand.policy->today}, sink);
  return shown;
}

bool draw(Shown& shown, const std::string& name, const Shown* beside, Target target,
          const ReportOptions& options, const Sources& sources) {
  const auto& policy = *shown.operand->policy;
  shown.picture =
      report::draw(policy.policy, shown.program,
                   {.file = name,
                    .target = target,
                    .today = policy.today,
                    .say_today = !options.policy.at.empty(),
                    .beside = beside == nullptr ? nullptr : &beside->operand->policy->policy,
                    .budget = budget},
                   sources);
  return shown.picture.has_value();
}

analysis::Difference compare(const Shown& before, const Shown& after, Target target) {
  analysis::Vocabulary vocabulary;
  vocabulary.add(before.operand->policy->policy, target);
  vocabulary.add(after.operand->policy->policy, target);
  std::vector<semantics::Excluded> excluded;
  for (auto& unfiltered : backend::unfiltered(target))
    excluded.push_back({.hook = unfiltered.hook, .match = std::move(unfiltered.match)});
  analysis::DiffOptions options;
  options.excluded = excluded;
  return analysis::diff(before.program, after.program, vocabulary, options);
}

// Nothing: an error was reported, or it is not proved.
std::optional<std::string> page_of(const Pair& pair, const ReportOptions& options,
                                   const Sources& sources, Sink& sink) {
  const bool two = pair.before.policy.has_value();
  const auto target = target_of(pair, options.target);
  auto after = lowered(pair.after, target, sink);
  auto before = two ? lowered(pair.before, target, sink) : Shown();
  if (sink.has_errors()) return std::nullopt;
  const auto give_up = [&]() -> std::optional<std::string> {
    sink.report(Kind::not_proved, {}, {"the report", "the budget of nodes and time is used up"});
    return std::nullopt;
  };
  if (!draw(after, pair.names.after, two ? &before : nullptr, target, options, sources))
    return give_up();
  if (!two) return report::page(*after.picture);
  if (!draw(before, pair.names.before, &after, target, options, sources)) return give_up();
  const auto difference = compare(before, after, target);
  if (!difference.proved) return give_up();
  return report::page(*before.picture, *after.picture, difference);
}

std::optional<Pair> load_one(const ReportOptions& options, Console& console, Sources& sources,
                             Sink& sink) {
  Pair pair;
  auto loaded = load(options.after, options.policy, console, sources, sink);
  if (!loaded) return std::nullopt;
  pair.after = std::move(*loaded);
  pair.names.after = options.after == "-" ? "policy" : options.after;
  return pair;
}

}  // namespace

Exit report(const ReportOptions& options, Console& console) {
  Sources sources;
  Sink sink;
  const bool one = options.before.empty() && options.git.empty();
  const auto pair = one ? load_one(options, console, sources, sink)
                        : load_pair(options.before, options.after, options.git, options.policy,
                                    console, sources, sink);
  if (!pair) return Exit::usage;
  if (!pair->trouble.empty()) {
    complain(console, pair->trouble);
    return Exit::system;
  }
  if (!pair->after.is_policy() || (!one && !pair->before.is_policy())) {
    complain(console, "a report is of policies, not of artifacts or a host");
    return Exit::usage;
  }
  std::optional<std::string> page;
  if (!sink.has_errors()) page = page_of(*pair, options, sources, sink);
  show(console, sink, sources);
  if (!page) {
    for (const auto& diagnostic : sink.diagnostics())
      if (diagnostic.kind == Kind::not_proved) return Exit::not_proved;
    return Exit::no;
  }
  if (options.output.empty()) {
    console.out << *page;
    return Exit::ok;
  }
  const OutputFile file{.path = options.output, .bytes = std::move(*page), .as_before = false};
  if (const auto error = write_files(std::span(&file, 1))) {
    complain(console, *error);
    return Exit::system;
  }
  return Exit::ok;
}

}  // namespace firewright::cli
