// status: what stands, since when and whether for good; what it has counted; and whether the kernel
// still holds what was confirmed.

#include <algorithm>

#include "backends/host/counters.h"
#include "compiler/cli/build.h"
#include "compiler/cli/changes.h"
#include "compiler/cli/expiries.h"
#include "compiler/cli/host_state.h"
#include "compiler/cli/metrics.h"
#include "compiler/cli/neighbours.h"
#include "compiler/cli/options.h"
#include "compiler/lower/audit.h"
#include "compiler/policy/policy.h"

namespace firewright::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Counted {
  std::string exception;  // as its author called it; of audit mode: what it is about
  std::string counter;
  host::Count count;
};

struct Found {
  std::string policy, generation, backend, since;
  bool audit = false;
  bool failsafe = false;
  const host::Pending* pending = nullptr;
  std::optional<Kept> kept;  // what should stand
  std::vector<Counted> counted;
  std::vector<Expiry> expiries;
  std::optional<analysis::Difference> drift;  // none: it could not be looked at
  std::vector<std::string> notes;
};

// Counters of the program that stands, with the names of their exceptions.
std::vector<Counted> counted_by(const ir::Program& stands, const Standing& standing,
                                const Place& place) {
  std::map<std::string, host::Count> counts;
  if (place.backend == Target::nftables) {
    constexpr std::string_view prefix = "count-";
    for (const auto& [name, count] : host::counters(standing.tables.at(place.table)))
      counts[name.starts_with(prefix) ? name.substr(prefix.size()) : name] = count;
  } else {
    host::add_counters(standing.filter->v4, counts);
    host::add_counters(standing.filter->v6, counts);
  }
  std::vector<Counted> result;
  std::set<std::string> seen;
  for (const auto& chain : stands.chains)
    for (const auto& rule : chain.rules) {
      if (!rule.effects.count || !counts.contains(*rule.effects.count)) continue;
      if (!seen.insert(*rule.effects.count).second) continue;
      result.push_back({.exception = rule.origin.label,
                        .counter = *rule.effects.count,
                        .count = counts.at(*rule.effects.count)});
    }
  return result;
}

class Status {
 public:
  Status(const StatusOptions& options, Console& console) : options_(options), console_(console) {}

  Exit run() {
    const auto today = day_of(options_.at, console_);
    if (!today) return Exit::usage;
    today_ = *today;
    std::string error;
    host_ = HostState::open(options_.host, "status", HostState::IfDamaged::fail, error);
    if (!host_) return failed(error);
    found_.notes = host_->notes();
    if (!remember(error)) return failed(error);
    if (found_.kept)
      if (!look(error)) return failed(error);
    switch (options_.format) {
      case StatusFormat::text: print(); break;
      case StatusFormat::json: print_json(console_, document()); break;
      case StatusFormat::prometheus: console_.out << metrics(); break;
    }
    if (found_.failsafe || !found_.kept) return Exit::no;
    if (found_.drift && !found_.drift->proved) return Exit::not_proved;
    return found_.drift && found_.drift->classes.empty() ? Exit::ok : Exit::no;
  }

 private:
  Exit failed(const std::string& error) {
    if (options_.format == StatusFormat::json)
      print_json(console_, {{"error", error}, {"notes", found_.notes}});
    else
      complain(console_, error);
    if (options_.format == StatusFormat::prometheus) {
      Metrics metrics;
      tell_readable(metrics, false);
      console_.out << metrics.text();
    }
    return Exit::system;
  }

  // What the state says should stand.
  bool remember(std::string& error) {
    const auto& state = host_->state();
    if (state.pending) found_.pending = &*state.pending;
    std::optional<std::string> id = state.confirmed;
    if (found_.pending != nullptr) id = found_.pending->generation;
    const auto loaded = host::read_loaded(options_.host.run_dir);
    found_.failsafe = loaded && loaded->generation == failsafe_generation;
    if (!id) return true;
    found_.kept = read_kept(options_.host.state_dir, *id, error);
    if (!found_.kept) return false;
    found_.generation = *id;
    found_.policy = found_.kept->generation.policy;
    found_.backend = found_.kept->generation.backend;
    found_.audit = found_.kept->generation.audit;
    if (auto known = expiries(found_.kept->generation))
      found_.expiries = std::move(*known);
    else
      found_.notes.emplace_back("which exceptions expire is not known: its file is damaged");
    found_.since = loaded && loaded->generation == *id ? loaded->since : state.confirmed_since;
    return true;
  }

  bool look(std::string& error) {
    const auto& place = found_.kept->place;
    const auto standing = read_standing({place}, error);
    if (!standing) return false;
    const auto stands = decode(*standing, place, sources_, sink_);
    const auto wanted = decode(place, found_.kept->artifact, sources_, sink_);
    if (!wanted) {
      error = "the artifact that is kept cannot be read";
      return false;
    }
    if (!stands) {
      found_.notes.emplace_back("what stands at the policy's place cannot be read as a firewall");
      found_.drift.emplace().why = "the kernel's rules are not understood";
      return true;
    }
    if (!standing->empty(place)) found_.counted = counted_by(*stands, *standing, place);
    analysis::Vocabulary vocabulary;
    vocabulary.add(policy::Policy{}, place.backend);
    found_.drift = changes(*wanted, *stands, vocabulary, /*all=*/true);
    for (auto& text : neighbours(*wanted, place)) found_.notes.push_back(std::move(text));
    return true;
  }

  std::string state_in_words() const {
    if (found_.pending == nullptr) return "confirmed";
    if (!found_.pending->deadline) return "being loaded";
    return "to be confirmed by " + found_.pending->deadline->wall;
  }

  void print() {
    for (const auto& text : found_.notes) console_.err << "firewright: " << text << "\n";
    auto& out = console_.out;
    if (found_.failsafe)
      out << "THE FAILSAFE IS LOADED: the confirmed firewall could not be restored at boot\n";
    if (!found_.kept) {
      out << "no firewall was ever confirmed on this host\n";
      return;
    }
    out << "policy      " << found_.policy << (found_.audit ? ", audit: nothing is denied" : "")
        << "\n"
        << "generation  " << found_.generation << "\n"
        << "backend     " << found_.backend << "\n"
        << "state       " << state_in_words() << "\n"
        << "since       " << found_.since << "\n";
    if (const auto& undone = host_->state().undone)
      out << "undone      " << undone->at << ", generation " << undone->generation << ": "
          << undone->why << "\n";
    print_expiries();
    print_counters();
    print_drift();
  }

  // "inbound, by `no telnet`", "inbound, by the default, tcp"
  static std::string in_words(const Counted& one) {
    auto rest = std::string_view(one.counter).substr(one.counter.find('-') + 1);
    std::string words(rest.substr(0, rest.find('-')));
    rest.remove_prefix(std::min(rest.size(), words.size() + 1));
    if (rest.starts_with("deny-")) return words + ", by `" + one.exception + "`";
    if (rest.starts_with("default-"))
      return words + ", by the default, " + std::string(rest.substr(rest.find('-') + 1));
    return words + ", " + std::string(rest);
  }

  int days_left(const Expiry& expiry) const { return policy::days_between(today_, expiry.date); }

  void print_expiries() {
    for (const auto& expiry : found_.expiries) {
      const auto days = days_left(expiry);
      console_.out << "expires     " << policy::to_string(expiry.date) << ", `" << expiry.exception
                   << "`: ";
      if (days > 0)
        console_.out << "in " << counted(static_cast<std::size_t>(days), "day") << "\n";
      else
        console_.out << "has run out and is still in force; apply the policy again\n";
    }
  }

  void print_counters() {
    if (found_.audit) console_.out << "would have been denied\n";
    bool any = false;
    for (const auto& one : found_.counted) {
      if (!lower::is_audit_counter(one.counter) || one.count.packets == 0) continue;
      any = true;
      print(in_words(one), one.count);
    }
    if (found_.audit && !any) console_.out << "  nothing so far\n";
    any = false;
    for (const auto& one : found_.counted) {
      if (lower::is_audit_counter(one.counter)) continue;
      if (!std::exchange(any, true)) console_.out << "counted\n";
      print(one.exception.empty() ? one.counter : one.exception, one.count);
    }
  }
  void print(const std::string& what, const host::Count& count) {
    console_.out << "  " << what << ": " << counted(count.packets, "packet") << ", "
                 << counted(count.bytes, "byte") << "\n";
  }

  void print_drift() {
    if (!found_.drift) return;
    const std::string wanted = found_.pending == nullptr ? "confirmed" : "unconfirmed";
    if (!found_.drift->proved) {
      console_.err << "firewright: whether the kernel holds it is not known: " << found_.drift->why
                   << "\n";
    } else if (found_.drift->classes.empty()) {
      console_.out << "drift       none: the kernel holds it, over every packet\n";
    } else {
      console_.out << "drift       " << analysis::summary(*found_.drift) << "\n\n"
                   << analysis::to_text(*found_.drift, {.before = wanted, .after = "live"},
                                        sources_);
    }
  }

  Json document() {
    Json json;
    const auto& state = host_->state();
    json["notes"] = found_.notes;
    json["failsafe"] = found_.failsafe;
    json["loaded"] = found_.kept.has_value();
    if (state.undone)
      json["undone"] = {{"generation", state.undone->generation},
                        {"at", state.undone->at},
                        {"why", state.undone->why}};
    if (!found_.kept) return json;
    json["policy"] = found_.policy;
    json["generation"] = found_.generation;
    json["backend"] = found_.backend;
    json["audit"] = found_.audit;
    json["state"] = found_.pending == nullptr ? "confirmed" : "pending";
    if (found_.pending != nullptr && found_.pending->deadline)
      json["confirm_by"] = found_.pending->deadline->wall;
    json["since"] = found_.since;
    if (const auto age = age_in_seconds()) json["age_seconds"] = *age;
    json["expires"] = Json::array();
    for (const auto& expiry : found_.expiries)
      json["expires"].push_back({{"exception", expiry.exception},
                                 {"date", policy::to_string(expiry.date)},
                                 {"days", days_left(expiry)}});
    json["counters"] = Json::array();
    json["would_have_denied"] = Json::array();
    for (const auto& one : found_.counted)
      json[lower::is_audit_counter(one.counter) ? "would_have_denied" : "counters"].push_back(
          {{"exception", one.exception},
           {"counter", one.counter},
           {"packets", one.count.packets},
           {"bytes", one.count.bytes}});
    if (found_.drift)
      json["drift"] = to_json(*found_.drift, {.before = "confirmed", .after = "live"}, sources_);
    return json;
  }

  // A clock that was set back makes no firewall of the future.
  std::optional<std::int64_t> age_in_seconds() const {
    const auto since = host::seconds_of(found_.since);
    const auto now = host::seconds_of(host::utc_now());
    return since && now ? std::optional(std::max<std::int64_t>(0, *now - *since)) : std::nullopt;
  }

  static void tell_readable(Metrics& metrics, bool readable) {
    metrics.gauge("status_readable", "Whether the host's state and rules could be read.", readable);
  }

  std::string metrics() const {
    Metrics metrics;
    tell_readable(metrics, true);
    metrics.gauge("loaded", "Whether a policy should stand on this host.", found_.kept.has_value());
    metrics.gauge("failsafe", "Whether the failsafe stands in place of the confirmed policy.",
                  found_.failsafe);
    if (const auto& undone = host_->state().undone)
      if (const auto at = host::seconds_of(undone->at))
        metrics.gauge("undone_timestamp_seconds", "When a change was last undone.", *at);
    if (!found_.kept) return metrics.text();
    metrics.begin("policy_info", Metrics::Type::gauge, "The policy that should stand.");
    metrics.add(std::int64_t{1}, {{"policy", found_.policy},
                                  {"generation", found_.generation},
                                  {"backend", found_.backend}});
    metrics.gauge("audit", "Whether nothing is denied, only counted.", found_.audit);
    if (const auto since = host::seconds_of(found_.since))
      metrics.gauge("loaded_timestamp_seconds", "When the policy was loaded.", *since);
    if (const auto age = age_in_seconds())
      metrics.gauge("loaded_age_seconds", "How long the policy has been loaded.", *age);
    metrics.gauge("confirmation_pending", "Whether a change waits to be confirmed.",
                  found_.pending != nullptr);
    if (found_.pending != nullptr && found_.pending->deadline)
      if (const auto by = host::seconds_of(found_.pending->deadline->wall))
        metrics.gauge("confirmation_deadline_timestamp_seconds",
                      "When the change that waits is undone.", *by);
    if (found_.drift) {
      metrics.gauge("drift_known", "Whether the kernel's rules could be held against the policy.",
                    found_.drift->proved);
      if (found_.drift->proved)
        metrics.gauge("drift", "Whether the kernel's rules mean something else than the policy.",
                      !found_.drift->classes.empty());
    }
    tell_expiries(metrics);
    tell_counters(metrics);
    return metrics.text();
  }

  void tell_expiries(Metrics& metrics) const {
    if (found_.expiries.empty()) return;
    metrics.begin("exception_expires_days", Metrics::Type::gauge,
                  "Days until an exception should be closed; 0 and less: it is overdue.");
    for (const auto& expiry : found_.expiries)
      metrics.add(std::int64_t{days_left(expiry)},
                  {{"exception", expiry.exception}, {"date", policy::to_string(expiry.date)}});
  }

  void tell_counters(Metrics& metrics) const {
    const auto tell = [&](bool of_audit, std::string_view name, std::string_view help,
                          std::uint64_t host::Count::* number) {
      bool any = false;
      for (const auto& one : found_.counted) {
        if (lower::is_audit_counter(one.counter) != of_audit) continue;
        if (!std::exchange(any, true)) metrics.begin(name, Metrics::Type::counter, help);
        metrics.add(one.count.*number, {{"exception", one.exception}, {"counter", one.counter}});
      }
    };
    tell(false, "exception_packets_total", "Packets that an exception has counted.",
         &host::Count::packets);
    tell(false, "exception_bytes_total", "Bytes that an exception has counted.",
         &host::Count::bytes);
    tell(true, "would_have_denied_packets_total", "Packets that audit mode let through.",
         &host::Count::packets);
    tell(true, "would_have_denied_bytes_total", "Bytes that audit mode let through.",
         &host::Count::bytes);
  }

  const StatusOptions& options_;
  Console& console_;
  Sources sources_;
  Sink sink_;
  std::optional<HostState> host_;
  Found found_;
  policy::Date today_;
};

}  // namespace

Exit status(const StatusOptions& options, Console& console) {
  return Status(options, console).run();
}

}  // namespace firewright::cli
