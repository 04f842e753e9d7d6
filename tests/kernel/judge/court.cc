#include "tests/kernel/judge/court.h"

#include <algorithm>
#include <cstring>
#include <numeric>
#include <optional>
#include <set>

#include "tests/kernel/harness/compiled.h"
#include "tests/kernel/harness/judge.h"
#include "tests/kernel/judge/packets.h"
#include "tests/kernel/judge/packing.h"
#include "tests/kernel/judge/random_policy.h"

namespace firewright::judge {
namespace {

using kernel::Choice;
using kernel::Compiled;
using kernel::HarnessError;
using kernel::Loader;
using kernel::OnLimits;
using kernel::Tally;
using kernel::TestBed;

constexpr std::size_t policies_in_a_namespace = 50;
// Packets whose notes are read at once.
constexpr std::size_t packets_at_once = 12000;
constexpr unsigned patience = 600;  // seconds for one namespace
constexpr std::size_t most_findings = 20;
constexpr std::size_t most_questions = 250;

// One policy as one target understands it.
struct Case {
  std::uint64_t seed = 0;
  Target target = Target::nftables;
  Compiled compiled;
  Choice choice;
};

std::optional<Case> make_case(std::uint64_t seed, Target target, const RandomPolicy& policy,
                              const CourtOptions& options) {
  Case made{.seed = seed,
            .target = target,
            .compiled = kernel::compile("policy.toml", target, to_toml(policy)),
            .choice = {}};
  if (!made.compiled.ok()) return std::nullopt;
  if (options.damage) options.damage(made.compiled.artifact);
  made.choice = packets_for(made.compiled.program, {.seed = seed, .most = options.packets});
  return made;
}

void count(Judged& judged, Loader loader, const Tally& tally) {
  const auto which = static_cast<std::size_t>(loader);
  ++judged.policies[which];
  judged.packets[which] += tally.arrived;
  for (std::size_t i = 0; i < judged.by_state.size(); ++i) judged.by_state[i] += tally.by_state[i];
  for (std::size_t i = 0; i < judged.by_hook.size(); ++i) judged.by_hook[i] += tally.by_hook[i];
  judged.accepted += tally.accepted;
  judged.dropped += tally.dropped;
  judged.rejected += tally.rejected;
  judged.answers += tally.answers;
  judged.mismatches += tally.mismatches.size();
}

std::string pack(const Session& session) {
  static_assert(std::is_trivially_copyable_v<Judged>);
  Writer writer;
  writer.bytes.assign(reinterpret_cast<const char*>(&session.judged), sizeof session.judged);
  writer.number(session.findings.size());
  for (const auto& finding : session.findings) {
    writer.number(finding.seed);
    writer.number(static_cast<std::uint64_t>(finding.loader));
    writer.number(finding.packet);
    writer.text(finding.text);
  }
  return writer.bytes;
}

Session unpack(std::string_view bytes) {
  Session session;
  if (bytes.size() < sizeof session.judged) throw HarnessError("a session that was cut off");
  std::memcpy(static_cast<void*>(&session.judged), bytes.data(), sizeof session.judged);
  Bytes reader{bytes.substr(sizeof session.judged)};
  for (auto left = reader.number(); left > 0; --left) {
    Finding finding;
    finding.seed = reader.number();
    finding.loader = static_cast<Loader>(reader.number());
    finding.packet = reader.number();
    finding.text = reader.text();
    session.findings.push_back(std::move(finding));
  }
  return session;
}

std::vector<Case> cases_of(const CourtOptions& options, Judged& judged) {
  std::vector<Case> cases;
  for (std::uint64_t seed = options.seed; seed < options.seed + options.policies; ++seed) {
    const RandomPolicy policy = random_policy(seed, Limits::plentiful);
    ++judged.generated;
    const auto before = cases.size();
    for (const Target target : {Target::iptables, Target::nftables})
      if (auto made = make_case(seed, target, policy, options)) cases.push_back(std::move(*made));
    if (cases.size() == before) ++judged.not_a_policy;
  }
  return cases;
}

std::vector<std::string> interfaces_of_all(const std::vector<Case>& cases) {
  std::set<std::string> names;
  for (const auto& tried : cases)
    names.insert(tried.choice.interfaces.begin(), tried.choice.interfaces.end());
  names.insert("lo");
  return {names.begin(), names.end()};
}

// The cases of one loader, one after the other. Rules are only ever exchanged; notes are read when
// there are many.
class Trials {
 public:
  Trials(TestBed& bed, Loader loader, Session& session)
      : bed_(bed), loader_(loader), session_(session) {}

  void attempt(const Case& tried) {
    if (const auto error = kernel::load_instead(loader_, tried.compiled.artifact)) {
      ++session_.judged.mismatches;
      return report(tried, Finding::none, *error);
    }
    if (observations_.size() + tried.choice.packets.size() > packets_at_once) finish();
    under_way_.emplace_back(&tried, observations_.size());
    bed_.send(tried.choice.packets, observations_);
  }

  void finish() {
    TestBed::read(observations_);
    for (const auto& [tried, first] : under_way_) {
      const auto& packets = tried->choice.packets;
      const auto begin = observations_.begin() + static_cast<std::ptrdiff_t>(first);
      const Tally tally = kernel::judge(
          tried->compiled.program, packets,
          {begin, begin + static_cast<std::ptrdiff_t>(packets.size())}, OnLimits::never_over);
      count(session_.judged, loader_, tally);
      for (const auto& mismatch : tally.mismatches)
        report(*tried, mismatch.which,
               to_text(mismatch.packet) + ": expected " + mismatch.expected + ", seen " +
                   mismatch.seen);
    }
    TestBed::forget();
    under_way_.clear();
    observations_.clear();
  }

 private:
  void report(const Case& tried, std::size_t packet, std::string text) {
    if (session_.findings.size() < most_findings)
      session_.findings.push_back({tried.seed, loader_, packet, std::move(text)});
  }

  TestBed& bed_;
  Loader loader_;
  Session& session_;
  std::vector<std::pair<const Case*, std::size_t>> under_way_;
  std::vector<kernel::Observation> observations_;
};

// In the namespace of the caller.
Session in_session(const CourtOptions& options) {
  Session session;
  const auto cases = cases_of(options, session.judged);
  TestBed bed(interfaces_of_all(cases));
  for (const auto& tried : cases)
    for (const auto& flow : tried.choice.flows) bed.open_flow(flow);
  bed.start_measuring();
  for (const Loader loader : kernel::all_loaders) {
    Trials trials(bed, loader, session);
    for (const auto& tried : cases)
      if (tried.target == kernel::target_of(loader)) trials.attempt(tried);
    trials.finish();
    kernel::unload(loader);
  }
  return session;
}

// What becomes of the packets under this policy, as text; empty where nothing is wrong.
std::string wrong_with(const RandomPolicy& policy, Loader loader, const Choice& choice,
                       const CourtOptions& options) {
  auto compiled = kernel::compile("policy.toml", kernel::target_of(loader), to_toml(policy));
  if (!compiled.ok()) return "";
  if (options.damage) options.damage(compiled.artifact);
  const auto trial = kernel::try_packets(choice, [&]() -> std::optional<std::string> {
    return kernel::load_at_once(loader, compiled.artifact);
  });
  if (!trial.outcome.done()) return choice.packets.empty() ? trial.outcome.text : "";
  const auto tally =
      kernel::judge(compiled.program, choice.packets, trial.observations, OnLimits::never_over);
  return tally.mismatches.empty() ? "" : kernel::report(tally, 1);
}

}  // namespace

Judged& Judged::operator+=(const Judged& other) {
  const auto add = [](auto& to, const auto& from) {
    std::transform(from.begin(), from.end(), to.begin(), to.begin(), std::plus<>{});
  };
  add(policies, other.policies);
  add(packets, other.packets);
  add(by_state, other.by_state);
  add(by_hook, other.by_hook);
  generated += other.generated;
  not_a_policy += other.not_a_policy;
  accepted += other.accepted;
  dropped += other.dropped;
  rejected += other.rejected;
  answers += other.answers;
  mismatches += other.mismatches;
  failures += other.failures;
  return *this;
}

Session hold_court(const CourtOptions& options) {
  Session all;
  for (std::size_t done = 0; done < options.policies; done += policies_in_a_namespace) {
    CourtOptions part = options;
    part.seed += done;
    part.policies = std::min(policies_in_a_namespace, options.policies - done);
    const auto outcome = kernel::in_namespace([&] { return pack(in_session(part)); }, patience);
    if (!outcome.done()) {
      all.failure = "policies from seed " + std::to_string(part.seed) + ": " + outcome.text;
      return all;
    }
    auto session = unpack(outcome.text);
    all.judged += session.judged;
    for (auto& finding : session.findings)
      if (all.findings.size() < most_findings) all.findings.push_back(std::move(finding));
  }
  return all;
}

std::string shrunk_text(const Finding& finding, const CourtOptions& options) {
  const auto policy = random_policy(finding.seed, Limits::plentiful);
  const std::string text = to_text(finding) + "\n";
  auto made = make_case(finding.seed, kernel::target_of(finding.loader), policy, options);
  if (!made) return text + "it does not compile any more\n";
  Choice choice = made->choice;
  if (finding.packet == Finding::none)
    choice.packets.clear();
  else
    choice.packets = {choice.packets.at(finding.packet)};
  const auto still = [&](const RandomPolicy& smaller) {
    return !wrong_with(smaller, finding.loader, choice, options).empty();
  };
  if (!still(policy)) return text + "not seen again alone\n" + to_toml(policy);
  const auto smallest = shrunk(policy, still, most_questions);
  return text + "--- smallest policy\n" + to_toml(smallest) + "---\n" +
         wrong_with(smallest, finding.loader, choice, options);
}

std::string to_text(const Finding& finding) {
  return "seed " + std::to_string(finding.seed) + ", " + std::string(to_string(finding.loader)) +
         ": " + finding.text;
}

std::string to_text(const Judged& judged) {
  const auto number = [](std::size_t value) { return std::to_string(value); };
  std::string text = "policies: " + number(judged.generated) + " generated, " +
                     number(judged.not_a_policy) + " refused by the compiler\n";
  for (const Loader loader : kernel::all_loaders) {
    const auto which = static_cast<std::size_t>(loader);
    text += "  " + std::string(to_string(loader)) + ": " + number(judged.policies[which]) +
            " policies, " + number(judged.packets[which]) + " packets\n";
  }
  text += "packets by state:";
  for (const auto state : ir::StateSet::all())
    text += " " + std::string(to_string(state)) + " " +
            number(judged.by_state[static_cast<unsigned>(state)]);
  text += "\npackets by hook: inbound " + number(judged.by_hook[0]) + ", outbound " +
          number(judged.by_hook[1]) + ", forward " + number(judged.by_hook[2]);
  text += "\nexpected: accept " + number(judged.accepted) + ", drop " + number(judged.dropped) +
          ", reject " + number(judged.rejected) + " (answers seen " + number(judged.answers) +
          ")\npackets judged: " +
          number(std::accumulate(judged.packets.begin(), judged.packets.end(), std::size_t{0})) +
          ", mismatches: " + number(judged.mismatches) + "\n";
  return text;
}

}  // namespace firewright::judge
