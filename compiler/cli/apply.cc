// apply: a policy becomes the firewall of this host, or nothing changes.
//
// The order matters. What is about to change is written down with what stands now, the watchdog is
// armed, and only then the kernel is touched; what it holds is read back and proved before anything
// counts as done. Whatever is killed or fails at any step, the next command finds out where it was.

#include <linux/capability.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <future>
#include <system_error>

#include "backends/host/forwarding.h"
#include "backends/host/ipset.h"
#include "backends/host/privileges.h"
#include "compiler/base/heap.h"
#include "compiler/base/sha256.h"
#include "compiler/cli/applied.h"
#include "compiler/cli/build.h"
#include "compiler/cli/certificate.h"
#include "compiler/cli/changes.h"
#include "compiler/cli/expiries.h"
#include "compiler/cli/guard.h"
#include "compiler/cli/host_state.h"
#include "compiler/cli/neighbours.h"
#include "compiler/cli/options.h"
#include "compiler/cli/prove.h"
#include "compiler/cli/rollback_timer.h"

namespace firewright::cli {
namespace {

// A host that forwards for containers or guests, and a policy that forwards nothing, contradict
// each other; nobody should find that out from silence.
void warn_of_forwarding(const policy::Policy& policy, Sink& sink) {
  const auto& forward = policy.forward;
  if (forward.default_verdict != policy::DefaultVerdict::drop &&
      forward.default_verdict != policy::DefaultVerdict::reject)
    return;
  std::string names;
  for (const auto& name : host::forwarding_interfaces())
    names += (names.empty() ? "`" : ", `") + name + "`";
  if (names.empty()) return;
  const Span span = forward.default_span.known() || policy.files.empty()
                        ? forward.default_span
                        : Span{.file = policy.files.front(), .begin = 0, .end = 0};
  sink.report(Kind::forwarding_host, span, {names}).help =
      "`[forward] default = \"unmanaged\"` leaves forwarding to whoever made them";
}

// Who may write a file of the policy decides this firewall.
void note_writers(const policy::Policy& policy, const Sources& sources,
                  std::vector<std::string>& notes) {
  std::vector<std::string> names;
  for (const auto id : policy.files) names.push_back(sources.file(id).name());
  for (const auto& list : policy.lists()) names.push_back(list.name);
  for (const auto& name : names) {
    struct stat status{};
    if (::stat(name.c_str(), &status) != 0 || !S_ISREG(status.st_mode)) continue;
    const bool everybody = (status.st_mode & S_IWOTH) != 0;
    if (!everybody && (status.st_mode & S_IWGRP) == 0) continue;
    notes.push_back("`" + name + "` may be written by " + (everybody ? "everybody" : "its group") +
                    ", not by its owner alone; whoever writes it decides this firewall");
  }
}

// To see of other people's processes whose connections are whose; CAP_SETPCAP to give up the rest.
constexpr std::array<unsigned, 3> whose_flows{CAP_SYS_PTRACE, CAP_DAC_READ_SEARCH, CAP_SETPCAP};

class Applying {
 public:
  Applying(const ApplyOptions& options, Console& console)
      : options_(options), console_(console), report_(options, console, sources_, sink_) {}

  Exit run() {
    if (const auto exit = compile()) return *exit;
    // What stands, and may have to be put back, may be iptables'.
    std::vector<unsigned> kept{CAP_NET_ADMIN, CAP_NET_RAW, CAP_SYS_MODULE};
    kept.insert(kept.end(), whose_flows.begin(), whose_flows.end());
    keep(std::move(kept));
    std::string error;
    host_ =
        HostState::open(options_.host, "apply " + options_.path, HostState::IfDamaged::anew, error);
    if (!host_) return report_.failed(error + "; nothing was changed");
    report_.notes.insert(report_.notes.begin(), host_->notes().begin(), host_->notes().end());
    if (const auto exit = blocked()) return *exit;
    if (const auto exit = look()) return *exit;
    if (const auto exit = end_proof()) return *exit;
    if (const auto exit = guard_host()) return *exit;
    give_up();
    if (options_.dry_run) return dry_run();
    if (already_so_) return keep();
    if (const auto exit = write_down()) return *exit;
    if (const auto exit = put()) return *exit;
    return settle();
  }

 private:
  using Stop = std::optional<Exit>;  // no value: go on

  // Who may not give up goes on: it is less safe, and no less right.
  static void keep(std::vector<unsigned> capabilities) {
    std::string kept_more;
    (void)host::keep_capabilities(capabilities, kept_more);
  }

  // What neither this command needs any more nor the rollback that it may leave waiting.
  void give_up() const {
    const bool iptables = std::ranges::any_of(
        places_, [](const Place& at) { return at.backend == Target::iptables; });
    std::string unfiltered;
    (void)host::refuse_system_calls(iptables, unfiltered);
    std::vector<unsigned> kept{CAP_NET_ADMIN};
    if (options_.end_denied_flows) kept.insert(kept.end(), whose_flows.begin(), whose_flows.end());
    if (iptables || host::has_legacy_tables() || host::has_sets()) kept.push_back(CAP_NET_RAW);
    if (iptables) kept.push_back(CAP_SYS_MODULE);
    keep(std::move(kept));
  }

  Stop compile() {
    read_ = cli::read(options_.path, options_.policy, console_, sources_, sink_);
    if (!read_) return Exit::usage;
    if (!sink_.has_errors())
      built_ = build(*read_, options_.backend, options_.approximate, sink_, options_.audit);
    if (sink_.has_errors()) return report_.refused();
    warn_of_forwarding(read_->policy, sink_);
    note_writers(read_->policy, sources_, report_.notes);
    if (!options_.dry_run)
      beside(uses_, [this] { return analysis::exception_uses(built_.program); });
    artifact_ = backend::backend(options_.backend).encode(built_.program, built_.options);
    beside(proving_, [this] {
      Sources sources;
      Sink sink;
      return prove(options_.backend, built_, artifact_, stem(options_.path), sources, sink,
                   !options_.dry_run);
    });
    place_ = place_of(options_.backend, built_);
    return proving_.valid() ? Stop{} : end_proof();
  }

  // Of a large policy, what takes long of the certificate is made while it is encoded, and the
  // proof while what stands is looked at; neither may do anything else.
  template <class Result, class Work>
  void beside(std::future<Result>& result, Work work) {
    constexpr std::size_t worth_a_thread = 256 << 10;
    std::size_t bytes = 0;
    for (const auto id : read_->policy.files) bytes += sources_.file(id).text().size();
    for (const auto& list : read_->policy.lists()) bytes += list.bytes;
    if (bytes < worth_a_thread) return;
    try {
      result = std::async(std::launch::async, [work = std::move(work)] {
        keep({});
        prepare_heap_of_thread();
        return work();
      });
    } catch (const std::system_error&) {
      result = {};  // no thread to be had: later, then
    }
  }

  // What is wrong is found again here, where it can be told at its place.
  Stop end_proof() {
    if (proving_.valid()) report_.proved = proving_.get();
    if (!report_.proved.equal())
      report_.proved = prove(options_.backend, built_, artifact_, stem(options_.path), sources_,
                             sink_, !options_.dry_run);
    if (sink_.has_errors()) return report_.refused();
    report_.built = &built_;
    return {};
  }

  // A change that waits for its confirmation is settled first.
  Stop blocked() {
    const auto& pending = host_->state().pending;
    if (!pending || options_.dry_run) return {};
    std::string words = "a change waits for its confirmation";
    if (pending->deadline) words += " until " + pending->deadline->wall;
    return report_.failed(words + " (" +
                          name_of_generation(options_.host.state_dir, pending->generation) +
                          "); say `firewright confirm` or `firewright rollback` first");
  }

  // What stands, and what would change.
  Stop look() {
    std::string error;
    if (const auto& confirmed = host_->state().confirmed) {
      if (auto kept = read_kept(options_.host.state_dir, *confirmed, error))
        confirmed_ = std::move(*kept);
      else if (host_->was_sound(*confirmed))  // where it stands would not be known
        return report_.failed(error + "; nothing was changed");
      else
        report_.notes.push_back("the confirmed firewall is not known any more: " + error);
    }
    places_ = {place_};
    if (confirmed_ && !(confirmed_->place == place_)) places_.push_back(confirmed_->place);
    if (const auto stands = host::read_loaded(options_.host.run_dir);
        stands && stands->generation == failsafe_generation &&
        std::ranges::find(places_, failsafe_place()) == places_.end())
      places_.push_back(failsafe_place());
    if (confirmed_) known_ = host_->known(*confirmed_);
    before_ = read_standing(places_, error, known());
    if (!before_) return report_.failed(error + "; nothing was changed");
    if (places_.size() == 1 && is_large() && confirmed_ && same_artifact(confirmed_->artifact) &&
        held(error)) {
      already_so_ = true;
      return {};
    }
    Sink of_kernel;
    const auto& old_place = places_.back();
    auto stands = decode(*before_, old_place, sources_, of_kernel);
    already_so_ = places_.size() == 1 && stands && is_so(*stands, error);
    analysis::Vocabulary vocabulary;
    vocabulary.add(read_->policy, options_.backend);
    if (!stands)
      report_.notes.emplace_back("what stands now cannot be read as a firewall and is replaced");
    else if (!already_so_)
      report_.difference =
          changes(*stands, built_.program, vocabulary, options_.policy.format == Format::json);
    return {};
  }

  // Nothing would be sent: the table is what it would be, or iptables holds this very artifact.
  bool is_so(const ir::Program& stands, std::string& error) {
    if (place_.backend == Target::iptables && (!confirmed_ || !same_artifact(confirmed_->artifact)))
      return false;
    return held(error) &&
           semantics::compare(built_.program, stands).answer == semantics::Answer::equal;
  }

  // Whether the kernel holds exactly the artifact. Then it is known in which generation.
  bool held(std::string& error) {
    Known known = known_.value_or(Known{});
    const auto same = holds(place_, artifact_, error, &known);
    if (!same || !*same) return false;
    host_->holds_in(known.remembered.generation);
    return true;
  }
  const Known* known() const { return known_ ? &*known_ : nullptr; }
  // Of so much the artifact was proved, and what stands is held against it message by message; less
  // is proved from the kernel's own words, and so is everything if that is asked for.
  bool is_large() const {
    return !options_.host.verify_full && !known_at(place_, artifact_, 0).remembered.sets.empty();
  }
  [[nodiscard]] bool same_artifact(const backend::Artifact& kept) const {
    return std::ranges::all_of(loaded_parts, [&](std::string_view name) {
      const auto* ours = artifact_.find(name);
      const auto* theirs = kept.find(name);
      if (ours == nullptr || theirs == nullptr) return ours == theirs;
      return ours->bytes == theirs->bytes;
    });
  }

  Stop guard_host() {
    report_.guarded = guard(built_.program, sources_);
    if (const auto& guarded = report_.guarded; !guarded.unknown.empty())
      report_.notes.push_back((guarded.assumed ? "only your own connection is looked at: "
                                               : "your own connection may not be known: ") +
                              guarded.unknown);
    if (options_.dry_run || options_.allow_lockout || already_so_) return {};
    if (report_.guarded.management() != nullptr) return report_.locks_out();
    return {};
  }

  Exit dry_run() {
    if (!already_so_)
      if (const auto checked = load(place_, artifact_, /*dry_run=*/true); !checked.result.ok())
        return report_.failed(checked.result.error);
    for (auto& text : neighbours(built_.program, place_)) report_.notes.push_back(std::move(text));
    return report_.would(!already_so_);
  }

  // The kernel holds it; only what is remembered may have to be written.
  Exit keep() {
    std::string error;
    const auto generation = write_generation(error);
    if (!generation) return report_.failed(error + "; nothing was changed");
    report_.generation = *generation;
    if (host_->state().confirmed != *generation) {
      const auto adopted = host_->adopt(*generation);
      if (!adopted.ok()) return report_.failed(adopted.error);
    }
    end_denied_flows();
    return report_.done(Applied::unchanged);
  }

  std::optional<std::string> write_generation(std::string& error) {
    const auto uses = uses_.valid() ? uses_.get() : analysis::exception_uses(built_.program);
    std::optional<nlohmann::ordered_json> made;
    if (uses)
      made = certificate(read_->policy,
                         {{.target = options_.backend,
                           .built = &built_,
                           .artifact = &artifact_,
                           .proved = &report_.proved,
                           .uses = &*uses}},
                         sources_);
    host::Generation generation;
    generation.backend = to_string(options_.backend);
    generation.policy = read_->policy.name.empty() ? stem(options_.path) : read_->policy.name;
    generation.audit = options_.audit;
    std::vector<host::LentFile> lent;
    for (const auto id : read_->policy.files) {
      const auto& file = sources_.file(id);
      lent.push_back({.name = "policy." + std::to_string(lent.size() + 1),
                      .origin = file.name(),
                      .bytes = file.text()});
    }
    for (const auto& part : artifact_.parts)
      lent.push_back({.name = "artifact." + part.name, .origin = {}, .bytes = part.bytes});
    generation.files.push_back({.name = "place.json", .origin = {}, .bytes = to_json_text(place_)});
    if (made) {
      const auto text = made->dump(2) + "\n";
      report_.certificate = hex(sha256(text));
      generation.files.push_back({.name = "certificate.json", .origin = {}, .bytes = text});
    } else {
      report_.notes.emplace_back("no certificate: the meaning needs more than the budget");
    }
    put_expiries(expiries(read_->policy, options_.backend, read_->today), generation);
    return host::write_generation(options_.host.state_dir, generation, error, lent);
  }

  // From here on the next command knows what was begun.
  Stop write_down() {
    std::string error;
    host::Pending pending;
    const auto generation = write_generation(error);
    const auto boot = generation ? host::read_boot_id(error) : std::nullopt;
    const auto token = boot ? host::random_token(error) : std::nullopt;
    const auto before =
        token ? host::write_before(options_.host.state_dir, pack(*before_), error) : std::nullopt;
    if (!before) return report_.failed(error + "; nothing was changed");
    report_.generation = *generation;
    pending.generation = *generation;
    pending.token = *token;
    pending.before = *before;
    pending.before_was_empty = before_->empty(before_->places.back());
    pending.boot_id = *boot;
    pending.process = host::own_process();
    if (options_.confirm) {
      pending.deadline = host::deadline_after(*options_.confirm, error);
      const auto watchdog = pending.deadline
                                ? arm_rollback(options_.host, *token, *options_.confirm, error)
                                : std::nullopt;
      if (!watchdog)
        return report_.failed("no rollback could be armed: " + error + "; nothing was changed");
      if (!watchdog->note.empty()) report_.notes.push_back(watchdog->note);
      pending.watchdog = host::to_string(*watchdog);
      report_.deadline = pending.deadline;
    }
    const auto watchdog = host::watchdog_from(pending.watchdog);
    if (const auto begun = host_->begin(std::move(pending)); !begun.ok()) {
      if (watchdog) host::disarm(*watchdog);
      return report_.failed(begun.error + "; nothing was changed");
    }
    return {};
  }

  // Into the kernel, and read back.
  Stop put() {
    auto loaded = load(place_, artifact_, false, known());
    if (!loaded.result.ok()) {
      // Of a transaction whose answer was lost nobody said whether it was made.
      std::string error;
      if (!holds(*before_, error).value_or(false)) return back(Exit::system, loaded.result.error);
      const auto forgotten = host_->forget();
      return report_.failed(loaded.result.error + "; nothing was changed" +
                            (forgotten.ok() ? "" : "; " + forgotten.error));
    }
    if (!loaded.note.empty()) report_.notes.push_back(loaded.note);
    known_ = options_.host.verify_full ? Known{} : std::move(loaded.known);
    if (const auto exit = is_large() ? hold_against_artifact() : prove_standing()) return exit;
    for (const auto& place : before_->places)
      if (!(place == place_))
        if (const auto gone = clear(place, place_); !gone.ok())
          return back(Exit::system, gone.error);
    return {};
  }

  Stop hold_against_artifact() {
    std::string error;
    if (held(error)) return {};
    return back(Exit::proof_failed, "the kernel does not hold what was loaded" +
                                        (error.empty() ? std::string() : ": " + error));
  }

  Stop prove_standing() {
    std::string error;
    auto stands = read_standing({place_}, error, known());
    if (!stands) return back(Exit::system, "what was loaded cannot be read back: " + error);
    host_->holds_in(stands->ruleset);
    auto program = decode(*stands, place_, sources_, sink_);
    if (!program) return back(Exit::proof_failed, "what was loaded cannot be read back");
    const auto comparison = semantics::compare(built_.program, *program);
    switch (comparison.answer) {
      case semantics::Answer::equal: break;
      case semantics::Answer::different:
        return back(Exit::proof_failed,
                    "what the kernel holds does not mean what the policy "
                    "means: " +
                        in_words(*comparison.difference, "kernel"));
      case semantics::Answer::not_proved:
        return back(Exit::not_proved, "what the kernel holds is not proved: " + comparison.why);
    }
    return {};
  }

  // The old firewall returns.
  Exit back(Exit exit, const std::string& why) {
    const auto undone = host_->undo(why);
    for (const auto& text : host_->notes()) report_.notes.push_back(text);
    return report_.failed(
        why + (undone.ok() ? "; the firewall before is back"
                           : "; and the firewall before could not be put back: " + undone.error),
        exit);
  }

  Exit settle() {
    const auto written = options_.confirm ? host_->loaded() : host_->confirm();
    if (!written.ok() && !written.changed) return back(Exit::system, written.error);
    if (!written.ok()) report_.notes.push_back(written.error);
    end_denied_flows();
    for (auto& text : neighbours(built_.program, place_)) report_.notes.push_back(std::move(text));
    return report_.done(options_.confirm ? Applied::pending : Applied::loaded);
  }

  void end_denied_flows() {
    if (!options_.end_denied_flows) return;
    const auto now = guard(built_.program, sources_);  // some may have come since
    if (now.assumed) {
      report_.notes.push_back("no connection was ended: " + now.unknown);
      return;
    }
    auto problems = end(now.denied);
    report_.ended = now.denied.size() - problems.size();
    for (auto& text : problems) report_.notes.push_back("not ended: " + text);
  }

  const ApplyOptions& options_;
  Console& console_;
  Sources sources_;
  Sink sink_;
  ApplyReport report_;
  std::optional<ReadPolicy> read_;
  Built built_;
  backend::Artifact artifact_;
  std::future<std::optional<std::vector<analysis::ExceptionUse>>> uses_;  // of what is built
  std::future<Proved> proving_;
  Place place_;
  std::vector<Place> places_;  // and where else a firewall of ours stands
  std::optional<HostState> host_;
  std::optional<Kept> confirmed_;
  std::optional<Standing> before_;
  std::optional<Known> known_;
  bool already_so_ = false;
};

}  // namespace

Exit apply(const ApplyOptions& options, Console& console) {
  return Applying(options, console).run();
}

}  // namespace firewright::cli
