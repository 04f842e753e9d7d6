// confirm and rollback: how a change that waits ends, and how the last one is taken back.

#include "compiler/cli/build.h"
#include "compiler/cli/host_state.h"
#include "compiler/cli/options.h"
#include "compiler/semantics/compare.h"

namespace firewright::cli {
namespace {

using Json = nlohmann::ordered_json;

class Report {
 public:
  Report(Format format, Console& console) : json_(format == Format::json), console_(console) {}

  Exit failed(const std::string& error, const std::vector<std::string>& notes, Exit exit) {
    if (json_)
      print_json(console_, {{"result", "failed"}, {"error", error}, {"notes", notes}});
    else
      say_notes(notes);
    if (!json_) complain(console_, error);
    return exit;
  }

  Exit done(const std::string& result, const std::string& generation, const std::string& sentence,
            const std::vector<std::string>& notes) {
    if (json_) {
      print_json(console_, {{"result", result}, {"generation", generation}, {"notes", notes}});
    } else {
      say_notes(notes);
      console_.out << sentence << "\n";
    }
    return Exit::ok;
  }

 private:
  void say_notes(const std::vector<std::string>& notes) {
    for (const auto& text : notes) console_.err << "firewright: " << text << "\n";
  }

  bool json_;
  Console& console_;
};

// Why nothing waits for confirmation.
std::string nothing_waits(const HostState& host) {
  std::string words = "no change waits for its confirmation";
  if (const auto& undone = host.state().undone)
    words += "; the last one was undone at " + undone->at + ": " + undone->why;
  return words;
}

// The previous firewall comes back and is the confirmed one; the confirmed one is the previous.
Exit to_previous(HostState& host, Report& report) {
  const auto& dir = host.options().state_dir;
  const auto nothing = [&](const std::string& error, Exit exit = Exit::system) {
    return report.failed(error + "; nothing was changed", host.notes(), exit);
  };
  if (!host.state().previous)
    return nothing(nothing_waits(host) + "; and there is no previous firewall to go back to",
                   Exit::no);
  const auto id = *host.state().previous;
  std::string error;
  const auto previous = read_kept(dir, id, error);
  if (!previous) return nothing(error);
  std::vector<Place> places{previous->place};
  if (const auto& now = host.state().confirmed) {
    const auto confirmed = read_kept(dir, *now, error);
    if (!confirmed && host.was_sound(*now)) return nothing(error);
    if (confirmed && !(confirmed->place == previous->place)) places.push_back(confirmed->place);
  }
  const auto standing = read_standing(places, error);
  if (!standing) return nothing(error);
  host::Pending pending;
  const auto boot = host::read_boot_id(error);
  const auto token = boot ? host::random_token(error) : std::nullopt;
  const auto before = token ? host::write_before(dir, pack(*standing), error) : std::nullopt;
  if (!before) return nothing(error);
  pending.generation = id;
  pending.token = *token;
  pending.before = *before;
  pending.before_was_empty = standing->empty(places.back());
  pending.boot_id = *boot;
  pending.process = host::own_process();
  if (const auto begun = host.begin(std::move(pending)); !begun.ok()) return nothing(begun.error);
  auto loaded = load(previous->place, previous->artifact, false);
  auto result = std::move(loaded.result);
  for (const auto& place : places)
    if (result.ok() && !(place == previous->place)) result = clear(place, previous->place);
  if (result.ok()) {
    if (host.options().verify_full) loaded.known = {};
    const auto same = holds(previous->place, previous->artifact, error, &loaded.known);
    if (same && *same) host.holds_in(loaded.known.remembered.generation);
    if (!same || !*same)
      result = {.reason = host::Reason::io,
                .error = "the kernel does not hold what was loaded" +
                         (error.empty() ? "" : ": " + error)};
  }
  if (!result.ok()) {
    const auto undone = host.undo(result.error);
    return report.failed(
        result.error + (undone.ok() ? "; the firewall before is back" : "; " + undone.error),
        host.notes(), Exit::system);
  }
  if (const auto kept = host.confirm(); !kept.ok())
    return report.failed(kept.error, host.notes(), Exit::system);
  return report.done("rolled-back", id, "back to " + name_of_generation(dir, id), host.notes());
}

}  // namespace

Exit confirm(const ConfirmOptions& options, Console& console) {
  Report report(options.format, console);
  std::string error;
  auto host = HostState::open(options.host, "confirm", HostState::IfDamaged::fail, error);
  if (!host) return report.failed(error, {}, Exit::system);
  if (!host->state().pending) return report.failed(nothing_waits(*host), host->notes(), Exit::no);
  const auto id = host->state().pending->generation;
  const auto stands = host->holds_change(error);
  if (!stands) return report.failed(error, host->notes(), Exit::system);
  if (!*stands)
    return report.failed(
        "the kernel does not hold the change to " + name_of_generation(options.host.state_dir, id) +
            " any more; `firewright rollback` undoes it, `firewright status` shows "
            "the difference",
        host->notes(), Exit::no);
  if (const auto kept = host->confirm(); !kept.ok())
    return report.failed(kept.error, host->notes(), Exit::system);
  return report.done("confirmed", id, "confirmed " + name_of_generation(options.host.state_dir, id),
                     host->notes());
}

Exit rollback(const RollbackOptions& options, Console& console) {
  Report report(options.format, console);
  std::string error;
  auto host_options = options.host;
  host_options.is_watchdog = !options.token.empty();
  auto host = HostState::open(host_options, "rollback", HostState::IfDamaged::fail, error);
  if (!host) return report.failed(error, {}, Exit::system);
  const auto& pending = host->state().pending;
  // Confirmed or undone meanwhile: whoever held the lock first has decided.
  if (!options.token.empty() && (!pending || pending->token != options.token))
    return report.done("nothing", {}, "that change waits no more", host->notes());
  // It was found half made, half undone or not confirmed in time. One step back is what was asked
  // for, not two.
  if (const auto& ended = host->ended())
    return report.done("rolled-back", *ended,
                       "undid the change to " + name_of_generation(options.host.state_dir, *ended),
                       host->notes());
  if (!pending && options.waiting)
    return report.done("nothing", {}, "no change waits", host->notes());
  if (!pending) return to_previous(*host, report);
  const auto id = pending->generation;
  const auto name = name_of_generation(options.host.state_dir, id);
  const auto undone = host->undo(options.token.empty() ? "`firewright rollback` undid it"
                                                       : "it was not confirmed in time");
  if (!undone.ok()) return report.failed(undone.error, host->notes(), Exit::system);
  // The watchdog, too, comes again until it is done.
  if (host->state().pending)
    return report.failed(
        "the change to " + name + " is undone, and the next command writes it down", host->notes(),
        Exit::system);
  return report.done("rolled-back", id, "undid the change to " + name, host->notes());
}

}  // namespace firewright::cli
