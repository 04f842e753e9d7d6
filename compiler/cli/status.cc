// status: what stands, since when and whether for good; what it has counted; and whether the kernel
// still holds what was confirmed.

#include <algorithm>

#include "backends/host/counters.h"
#include "compiler/cli/build.h"
#include "compiler/cli/changes.h"
#include "compiler/cli/host_state.h"
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
    std::string error;
    host_ = HostState::open(options_.host, "status", HostState::IfDamaged::fail, error);
    if (!host_) return failed(error);
    found_.notes = host_->notes();
    if (!remember(error)) return failed(error);
    if (found_.kept)
      if (!look(error)) return failed(error);
    const bool json = options_.format == Format::json;
    if (json)
      print_json(console_, document());
    else
      print();
    if (found_.failsafe || !found_.kept) return Exit::no;
    if (found_.drift && !found_.drift->proved) return Exit::not_proved;
    return found_.drift && found_.drift->classes.empty() ? Exit::ok : Exit::no;
  }

 private:
  Exit failed(const std::string& error) {
    if (options_.format == Format::json)
      print_json(console_, {{"error", error}, {"notes", found_.notes}});
    else
      complain(console_, error);
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

  const StatusOptions& options_;
  Console& console_;
  Sources sources_;
  Sink sink_;
  std::optional<HostState> host_;
  Found found_;
};

}  // namespace

Exit status(const StatusOptions& options, Console& console) {
  return Status(options, console).run();
}

}  // namespace firewright::cli
