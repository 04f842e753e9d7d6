#include "compiler/cli/pair.h"

#include "compiler/cli/git_files.h"

namespace firewright::cli {
namespace {

std::optional<Pair> load_from_git(const std::string& path, const std::string& git,
                                  const PolicyOptions& options, Console& console, Sources& sources,
                                  Sink& sink) {
  Pair pair;
  const auto dots = git.find("..");
  const auto base = git.substr(0, dots);
  if (base.empty() || path == "-" || path.starts_with('/')) {
    pair.trouble = base.empty() ? "--git: `" + git + "` names no base; write BASE..HEAD"
                                : "--git: name the policy by its path in the repository";
    return pair;
  }
  const auto in_root = GitFiles::prefix() + path;
  const auto load_commit = [&](const std::string& commit, Operand& operand) {
    const GitFiles files(commit, options.vars);
    if (!files.error().empty()) {
      pair.trouble = "--git: " + files.error();
      return true;
    }
    auto loaded = load(in_root, options, console, sources, sink, &files);
    if (loaded) operand = std::move(*loaded);
    return loaded.has_value();
  };
  if (!load_commit(base, pair.before)) return std::nullopt;
  pair.names.before = base + ":" + in_root;
  if (!pair.trouble.empty()) return pair;
  if (dots == std::string::npos) {  // the work tree
    auto loaded = load(path, options, console, sources, sink);
    if (!loaded) return std::nullopt;
    pair.after = std::move(*loaded);
    pair.names.after = path;
    return pair;
  }
  auto head = git.substr(dots + 2);
  if (head.empty()) head = "HEAD";
  if (!load_commit(head, pair.after)) return std::nullopt;
  pair.names.after = head + ":" + in_root;
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

}  // namespace

std::optional<Pair> load_pair(const std::string& before_name, const std::string& after_name,
                              const std::string& git, const PolicyOptions& options,
                              Console& console, Sources& sources, Sink& sink) {
  if (!git.empty()) return load_from_git(after_name, git, options, console, sources, sink);
  Pair pair;
  pair.names = {.before = before_name, .after = after_name};
  auto before = load(before_name, options, console, sources, sink);
  if (!before) return std::nullopt;
  auto after = load(after_name, options, console, sources, sink);
  if (!after) return std::nullopt;
  pair.before = std::move(*before);
  pair.after = std::move(*after);
  return pair;
}

Target target_of(const Pair& pair, std::optional<Target> wanted) {
  if (wanted) return *wanted;
  for (const auto* operand : {&pair.before, &pair.after})
    if (const auto known = platform(operand->kind)) return *known;
  return choose_target(pair);
}

}  // namespace firewright::cli
