#include "compiler/analysis/diff.h"

#include "backends/proof.h"
#include "compiler/analysis/diff_text.h"
#include "compiler/cli/changes.h"
#include "compiler/cli/git_files.h"
#include "compiler/cli/operand.h"
#include "compiler/diagnostics/render.h"
#include "compiler/lower/lower.h"

namespace firewright::cli {
namespace {

using analysis::Change;

// What is compared, as the user named it.
struct Pair {
  Operand before, after;
  analysis::DiffNames names;
  std::string trouble;  // what kept it from being read, of no diagnostic
};

std::optional<Pair> load_from_git(const DiffOptions& options, Console& console, Sources& sources,
                                  Sink& sink) {
  Pair pair;
  const auto dots = options.git.find("..");
  const auto base = options.git.substr(0, dots);
  const auto& path = options.after;
  if (base.empty() || path == "-" || path.starts_with('/')) {
    pair.trouble = base.empty() ? "--git: `" + options.git + "` names no base; write BASE..HEAD"
                                : "--git: name the policy by its path in the repository";
    return pair;
  }
  const auto in_root = GitFiles::prefix() + path;
  const auto load_commit = [&](const std::string& commit, Operand& operand) {
    const GitFiles files(commit, options.policy.vars);
    if (!files.error().empty()) {
      pair.trouble = "--git: " + files.error();
      return true;
    }
    auto loaded = load(in_root, options.policy, console, sources, sink, &files);
    if (loaded) operand = std::move(*loaded);
    return loaded.has_value();
  };
  if (!load_commit(base, pair.before)) return std::nullopt;
  pair.names.before = base + ":" + in_root;
  if (!pair.trouble.empty()) return pair;
  if (dots == std::string::npos) {  // the work tree
    auto loaded = load(path, options.policy, console, sources, sink);
    if (!loaded) return std::nullopt;
    pair.after = std::move(*loaded);
    pair.names.after = path;
    return pair;
  }
  auto head = options.git.substr(dots + 2);
  if (head.empty()) head = "HEAD";
  if (!load_commit(head, pair.after)) return std::nullopt;
  pair.names.after = head + ":" + in_root;
  return pair;
}

std::optional<Pair> load_pair(const DiffOptions& options, Console& console, Sources& sources,
                              Sink& sink) {
  if (!options.git.empty()) return load_from_git(options, console, sources, sink);
  Pair pair;
  pair.names = {.before = options.before, .after = options.after};
  auto before = load(options.before, options.policy, console, sources, sink);
  if (!before) return std::nullopt;
  auto after = load(options.after, options.policy, console, sources, sink);
  if (!after) return std::nullopt;
  pair.before = std::move(*before);
  pair.after = std::move(*after);
  return pair;
}

// The first target that can say every policy exactly; Linux before Windows.
Target choose_target(const Pair& pair) {
  for (const auto target : {Target::nftables, Target::iptables, Target::netsh}) {
    Sink sink;
    for (const auto* operand : {&pair.before, &pair.after})
      if (operand->policy) (void)build(*operand->policy, target, false, sink);
    if (!sink.has_errors()) return target;
  }
  return Target::nftables;
}

Target target_of(const DiffOptions& options, const Pair& pair) {
  if (options.target) return *options.target;
  for (const auto* operand : {&pair.before, &pair.after})
    if (const auto known = platform(operand->kind)) return *known;
  return choose_target(pair);
}

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
  auto pair = load_pair(options, console, sources, sink);
  if (!pair) return Exit::usage;
  if (!pair->trouble.empty()) {
    complain(console, pair->trouble);
    return Exit::system;
  }
  analysis::Difference difference;
  if (!sink.has_errors()) difference = compare(*pair, target_of(options, *pair), sink);
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
