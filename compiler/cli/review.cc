#include "compiler/review/review.h"

#include <algorithm>
#include <functional>
#include <optional>
#include <set>

#include "backends/host/process.h"
#include "backends/proof.h"
#include "compiler/cli/checked.h"
#include "compiler/cli/fleet_jobs.h"
#include "compiler/cli/git_files.h"
#include "compiler/cli/options.h"
#include "compiler/policy/read.h"
#include "compiler/review/inputs.h"
#include "compiler/review/json.h"
#include "compiler/review/markdown.h"
#include "compiler/review/report.h"
#include "compiler/review/sarif.h"

namespace firewright::cli {
namespace {

using review::Inputs;
using review::PolicyReview;
using review::Status;

constexpr semantics::Budget budget{.nodes = 4'000'000, .time = std::chrono::seconds(20)};

// The two ends of what --git says.
struct Range {
  std::string base, head;
  std::string error;
};

Range range_of(const std::string& text) {
  Range range;
  const auto dots = text.find("..");
  const bool three = dots != std::string::npos && text.substr(dots).starts_with("...");
  if (dots == 0 || dots == std::string::npos) {
    range.error = "`" + text + "` names no " + (dots == 0 ? "base" : "head") +
                  "; write BASE..HEAD, or BASE... for what HEAD has changed since they parted";
    return range;
  }
  range.base = text.substr(0, dots);
  range.head = text.substr(dots + (three ? 3 : 2));
  if (range.head.empty()) range.head = "HEAD";
  if (!three) return range;
  const auto git = host::run({"git", "merge-base", "--", range.base, range.head}, {});
  if (git.ok())
    range.base = git.out.substr(0, git.out.find('\n'));
  else
    range.error = "`" + range.base + "` and `" + range.head + "` have no commit in common here" +
                  (git.err.empty() ? "" : ": " + failure(git)) + "; a shallow clone may lack it";
  return range;
}

// The files of one commit, as its policies see them.
struct Commit {
  Commit(const std::string& name, const std::vector<std::string>& on_disk,
         const std::shared_ptr<GitBlobs>& blobs)
      : git(name, on_disk, blobs), files(git) {}

  GitFiles git;
  RememberingFileSystem files;
  std::map<std::string, Inputs> inputs;  // of what may be a policy, by path
  std::set<std::string> policies;
};

bool is_toml(const std::string& path) { return path.ends_with(".toml"); }

// A policy at one commit.
struct Reading {
  Sources sources;
  Sink sink, ignored;
  ReadPolicy read;
  Checked checked;

  [[nodiscard]] review::Side side() const {
    review::Side side{.sources = &sources,
                      .policy = &read.policy,
                      .today = read.today,
                      .lowerings = {},
                      .said = &sink,
                      .ignored = &ignored};
    for (const auto& report : checked.reports)
      if (report.capable)
        side.lowerings.push_back({.target = report.target, .program = &report.program});
    return side;
  }
};

class Review {
 public:
  Review(const ReviewOptions& options, Console& console, policy::Date today)
      : options_(options), console_(console), today_(today), owners_(host_owners_) {
    for (const auto target : {Target::nftables, Target::iptables, Target::netsh}) {
      auto& excluded = comparing_.excluded[target];
      for (auto& unfiltered : backend::unfiltered(target))
        excluded.push_back({.hook = unfiltered.hook, .match = std::move(unfiltered.match)});
    }
    comparing_.budget = budget;
    comparing_.json = options.as == ReviewOptions::As::json;
  }

  Exit run() {
    const auto range = range_of(options_.git);
    if (!range.error.empty()) return trouble(range.error);
    const auto blobs = std::make_shared<GitBlobs>();
    base_.emplace(range.base, options_.policy.vars, blobs);
    head_.emplace(range.head, options_.policy.vars, blobs);
    for (const auto* commit : {&*base_, &*head_})
      if (!commit->git.error().empty()) return trouble(commit->git.error());
    if (const auto error = read_paths(); !error.empty()) return trouble(error);
    fetch_policies(*blobs);
    find_policies();
    find_subjects();
    fetch_inputs(*blobs);
    reviews_.resize(subjects_.size());
    in_parallel(subjects_.size(), [&](std::size_t i) { reviews_[i] = review_one(subjects_[i]); });
    if (!stopped_.empty()) {
      complain(console_, "stopped: " + stopped_);
      return Exit::system;
    }
    return print();
  }

 private:
  // A policy that the change touches, and what it is called on both sides.
  struct Subject {
    std::optional<std::string> before, after;
  };

  Exit trouble(const std::string& message) {
    complain(console_, "--git: " + message);
    return Exit::system;
  }

  // --- which policies

  // The paths of the command line as the repository has them.
  std::string read_paths() {
    const auto prefix = GitFiles::prefix();
    for (const auto& path : options_.paths) {
      auto normal = path.starts_with('/') ? std::string() : GitFiles::normal(prefix + path);
      const bool inside = !normal.empty();
      while (normal.ends_with('/')) normal.pop_back();
      if (normal == ".") normal.clear();
      const auto below = [&](const Commit& commit) {
        return std::ranges::any_of(commit.git.paths(),
                                   [&](const auto& file) { return is_below(file, normal); });
      };
      if (!inside || (!below(*base_) && !below(*head_)))
        return "there is no `" + path + "` in either commit";
      paths_.push_back(std::move(normal));
    }
    return {};
  }

  static bool is_below(const std::string& file, const std::string& folder) {
    return folder.empty() || file == folder || file.starts_with(folder + "/");
  }
  [[nodiscard]] bool is_wanted(const std::string& path) const {
    return paths_.empty() ||
           std::ranges::any_of(paths_, [&](const auto& wanted) { return is_below(path, wanted); });
  }

  void fetch_policies(GitBlobs& blobs) const {
    std::set<std::string> numbers;
    for (const auto* commit : {&*base_, &*head_})
      for (const auto& path : commit->git.paths())
        if (is_toml(path))
          if (auto number = commit->git.number(path); !number.empty())
            numbers.insert(std::move(number));
    blobs.fetch(numbers);
  }

  // Lists of addresses and the like, of those policies that will be read.
  void fetch_inputs(GitBlobs& blobs) const {
    std::set<std::string> numbers;
    const auto add = [&](const Commit& commit, const std::optional<std::string>& path) {
      if (!path) return;
      for (const auto& file : commit.inputs.at(*path).files)
        if (auto number = commit.git.number(file); !number.empty())
          numbers.insert(std::move(number));
    };
    for (const auto& subject : subjects_) {
      add(*base_, subject.before);
      add(*head_, subject.after);
    }
    blobs.fetch(numbers);
  }

  [[nodiscard]] policy::ReadOptions reading(const Commit& commit) const {
    return {.files = &commit.files,
            .owners = &owners_,
            .set_vars = options_.policy.set,
            .vars_files = options_.policy.vars,
            .facts = nullptr,
            .shared = nullptr};
  }

  void find_policies() {
    for (auto* commit : {&*base_, &*head_}) {
      std::vector<std::string> candidates;
      for (const auto& path : commit->git.paths())
        if (is_toml(path) || std::ranges::find(paths_, path) != paths_.end())
          candidates.push_back(path);
      std::vector<Inputs> found(candidates.size());
      in_parallel(candidates.size(), [&](std::size_t i) {
        if (commit == &*head_ && unchanged(candidates[i]))
          found[i] = base_->inputs.at(candidates[i]);
        else
          found[i] = review::find_inputs(candidates[i], reading(*commit));
      });
      for (std::size_t i = 0; i < candidates.size(); ++i)
        commit->inputs.emplace(candidates[i], std::move(found[i]));
      commit->policies = review::find_policies(commit->inputs);
      // What is named is meant, whatever includes it.
      for (const auto& path : paths_)
        if (commit->inputs.contains(path)) commit->policies.insert(path);
    }
  }

  // Whether everything that it is read from is the same at both commits.
  [[nodiscard]] bool unchanged(const std::string& path) const {
    const auto known = base_->inputs.find(path);
    if (known == base_->inputs.end()) return false;
    const auto& [name, inputs] = *known;
    return std::ranges::all_of(inputs.files,
                               [&](const std::string& file) {
                                 return base_->git.number(file) == head_->git.number(file) &&
                                        base_->files.canonical(file) ==
                                            head_->files.canonical(file);
                               }) &&
           std::ranges::all_of(inputs.patterns, [&](const std::string& pattern) {
             return base_->files.glob(pattern) == head_->files.glob(pattern);
           });
  }

  // From the name before to the name after.
  [[nodiscard]] std::map<std::string, std::string> renames() const {
    std::map<std::string, std::string> found;
    const auto git = host::run({"git", "diff-tree", "-r", "-z", "-M", "-l0", "--diff-filter=R",
                                "--name-status", base_->git.tree(), head_->git.tree()},
                               {});
    if (!git.ok()) return found;
    std::vector<std::string> words;  // "R100", OLD, NEW, ...
    for (std::size_t at = 0; at < git.out.size();) {
      const auto end = std::min(git.out.find('\0', at), git.out.size());
      words.push_back(git.out.substr(at, end - at));
      at = end + 1;
    }
    for (std::size_t i = 0; i + 2 < words.size(); i += 3) found.emplace(words[i + 1], words[i + 2]);
    return found;
  }

  void find_subjects() {
    const auto renamed = renames();
    std::set<std::string> taken;
    for (const auto& path : base_->policies) {
      Subject subject{.before = path, .after = std::nullopt};
      if (head_->inputs.contains(path)) {
        subject.after = path;
      } else if (const auto to = renamed.find(path); to != renamed.end() &&
                                                     head_->policies.contains(to->second) &&
                                                     !base_->policies.contains(to->second)) {
        subject.after = to->second;
      }
      if (subject.after) taken.insert(*subject.after);
      add_subject(std::move(subject));
    }
    for (const auto& path : head_->policies)
      if (!taken.contains(path))
        add_subject({.before = base_->inputs.contains(path) ? std::optional(path) : std::nullopt,
                     .after = path});
  }

  void add_subject(Subject subject) {
    const bool wanted = (subject.before && is_wanted(*subject.before)) ||
                        (subject.after && is_wanted(*subject.after));
    if (!wanted) return;
    if (subject.after) ++policies_;
    if (subject.before != subject.after || !unchanged(*subject.before))
      subjects_.push_back(std::move(subject));
  }

  // --- what becomes of each

  // Nothing that is thrown may leave a thread.
  void in_parallel(std::size_t count, const std::function<void(std::size_t)>& work) {
    run_jobs(count, options_.jobs, [&](std::size_t i) {
      try {
        work(i);
      } catch (const std::exception& error) {
        const std::scoped_lock lock(mutex_);
        stopped_ = error.what();
      }
    });
  }

  void read(const Commit& commit, const std::string& path, CheckWhat what,
            Reading& reading_of) const {
    reading_of.read.today = today_;
    reading_of.read.policy = policy::read_policy(path, std::nullopt, reading(commit),
                                                 reading_of.sources, reading_of.sink);
    what.targets = options_.targets;
    what.ignored = &reading_of.ignored;
    reading_of.checked = check_policy(what, reading_of.read, reading_of.sink);
  }

  // What has to be asked of the older side to know what is new in the newer one.
  static CheckWhat to_compare_with(const Reading& after) {
    CheckWhat what;
    what.assertions = std::ranges::any_of(after.sink.diagnostics(), [](const auto& diagnostic) {
      return diagnostic.kind == Kind::assertion_failed;
    });
    what.lint = !after.sink.diagnostics().empty() || !after.ignored.diagnostics().empty();
    return what;
  }

  PolicyReview review_one(const Subject& subject) const {
    PolicyReview result;
    if (!subject.after) {
      result.path = *subject.before;
      result.status = Status::removed;
      return result;
    }
    Reading before;
    Reading after;
    read(*head_, *subject.after, {}, after);
    if (subject.before && after.checked.compiles)
      read(*base_, *subject.before, to_compare_with(after), before);
    if (!after.checked.compiles) {
      if (!head_->policies.contains(*subject.after)) {
        result.status = Status::removed;
        result.remark = "it is a part of others now";
      } else {
        result = review::broken(after.sink, after.sources);
      }
    } else if (before.checked.compiles) {
      result = review::compare(before.side(), after.side(), comparing_);
    } else {
      result = review::introduce(after.side(), comparing_);
      if (subject.before)
        result.remark = base_->policies.contains(*subject.before) ? "it did not compile before"
                                                                  : "it was a part of others";
    }
    result.path = *subject.after;
    if (subject.before && subject.before != subject.after) result.renamed_from = *subject.before;
    return result;
  }

  // --- the answer

  Exit print() {
    const auto report = review::make_report(options_.git, policies_, std::move(reviews_));
    switch (options_.as) {
      case ReviewOptions::As::markdown: console_.out << review::to_markdown(report); break;
      case ReviewOptions::As::json: print_json(console_, review::to_json(report)); break;
      case ReviewOptions::As::sarif: print_json(console_, review::to_sarif(report)); break;
    }
    return exit_of(report);
  }

  // As of `check`: what is wrong before what is not known. As of `diff`: whether a change as such
  // is a no is for the caller to say.
  [[nodiscard]] Exit exit_of(const review::Report& report) const {
    bool fails = report.counts.broken > 0 || report.counts.failed_assertions > 0;
    switch (options_.fail_on) {
      case ReviewOptions::FailOn::widen:
        fails = fails || report.has(analysis::Change::accepted);
        break;
      case ReviewOptions::FailOn::risk: fails = fails || report.any_risk(); break;
      case ReviewOptions::FailOn::any: fails = fails || report.any_difference(); break;
      case ReviewOptions::FailOn::none: break;
    }
    if (fails) return Exit::no;
    return report.not_proved() ? Exit::not_proved : Exit::ok;
  }

  const ReviewOptions& options_;
  Console& console_;
  policy::Date today_;
  policy::HostOwnerDatabase host_owners_;
  policy::RememberingOwnerDatabase owners_;
  review::Options comparing_;
  std::vector<std::string> paths_;
  std::optional<Commit> base_, head_;
  std::size_t policies_ = 0;  // at HEAD, that were asked for
  std::vector<Subject> subjects_;
  std::vector<PolicyReview> reviews_;
  std::mutex mutex_;
  std::string stopped_;
};

}  // namespace

Exit review(const ReviewOptions& options, Console& console) {
  const auto today = day_of(options.policy.at, console);
  if (!today) return Exit::usage;
  return Review(options, console, *today).run();
}

}  // namespace firewright::cli
