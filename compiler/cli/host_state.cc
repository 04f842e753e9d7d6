#include "compiler/cli/host_state.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "backends/host/proc.h"
#include "compiler/cli/expiries.h"
#include "compiler/cli/rollback_timer.h"

namespace firewright::cli {
namespace {

host::Result failure(std::string error) {
  return {.reason = host::Reason::io, .error = std::move(error)};
}

// Where the boot id is known to be this run's; so nothing can fail that would make it seem passed.
std::chrono::milliseconds left_in_this_run(const host::Deadline& deadline) {
  return std::chrono::milliseconds(
      std::max<std::int64_t>(0, deadline.boottime_ms - host::boottime_ms()));
}

// What a generation says of itself is enough.
bool nothing(std::string_view) { return false; }

// Of a write that did happen, and may not outlive a power failure.
bool stands(const host::Result& result) { return result.ok() || result.changed; }

}  // namespace

std::optional<Kept> read_kept(const std::string& state_dir, const std::string& id,
                              std::string& error) {
  constexpr std::string_view prefix = "artifact.";
  const auto wanted = [&](std::string_view name) {
    if (!name.starts_with(prefix)) return name == "place.json" || name == expiries_file;
    name.remove_prefix(prefix.size());
    return std::ranges::find(loaded_parts, name) != loaded_parts.end();
  };
  auto generation = host::read_generation(state_dir, id, error, wanted);
  if (!generation) return std::nullopt;
  Kept kept;
  const auto* place_text = generation->file("place.json");
  const auto place = place_text == nullptr ? std::nullopt : place_from(*place_text);
  if (!place) {
    error = "generation " + id + " does not say where it goes";
    return std::nullopt;
  }
  kept.place = *place;
  for (auto& file : generation->files)
    if (file.name.starts_with(prefix))
      kept.artifact.parts.push_back(
          {.name = file.name.substr(prefix.size()), .suffix = {}, .bytes = std::move(file.bytes)});
  std::erase_if(generation->files,
                [&](const host::GenerationFile& file) { return file.name.starts_with(prefix); });
  kept.generation = std::move(*generation);
  return kept;
}

Place failsafe_place() {
  return {.backend = Target::nftables, .table = "firewright", .beside = false, .chains = {}};
}

std::string name_of_generation(const std::string& state_dir, const std::string& id) {
  std::string error;
  const auto generation = host::read_generation(state_dir, id, error, nothing);
  return generation ? "`" + generation->policy + "` (" + id + ")" : "generation " + id;
}

std::optional<HostState> HostState::open(const HostOptions& options, const std::string& command,
                                         IfDamaged if_damaged, std::string& error) {
  auto lock = host::take_lock(options.run_dir, command, options.lock_wait, error);
  if (!lock) {
    if (::geteuid() != 0 && error.ends_with(std::generic_category().message(EACCES)))
      error += " (only root may change or look at a host's firewall)";
    return std::nullopt;
  }
  HostState host(options, std::move(*lock));
  auto read = host::read_state(options.state_dir);
  switch (read.found) {
    case host::Found::nothing: return host;
    case host::Found::sound: break;
    case host::Found::damaged:
      if (!read.state && if_damaged == IfDamaged::fail) {
        error = "the state of this host is damaged: " + read.error;
        return std::nullopt;
      }
      host.note("the state of this host is damaged: " + read.error +
                (read.state ? "" : "; it begins anew"));
      break;
    case host::Found::unreadable: error = read.error; return std::nullopt;
  }
  if (read.state) host.state_ = std::move(*read.state);
  host.damaged_ = std::move(read.damaged);
  const auto under_way = host.state_.pending;
  const auto settled = host.settle();
  if (under_way && !host.state_.pending && host.state_.confirmed != under_way->generation)
    host.ended_ = under_way->generation;
  if (settled.ok()) return host;
  error = settled.error;
  for (const auto& text : host.notes_) error.insert(0, text + "; ");
  return std::nullopt;
}

// --- what an earlier command left

host::Result HostState::settle() {
  if (!state_.pending) return {};
  const auto pending = *state_.pending;
  std::string error;
  const auto boot = host::read_boot_id(error);
  if (!boot) return failure(error);
  if (*boot != pending.boot_id) {
    note("the change to " + name_of_generation(options_.state_dir, pending.generation) +
         " was not confirmed before the system was started anew, and is undone");
    return drop_change("the system was started anew before it was confirmed");
  }
  switch (pending.phase) {
    case host::Pending::Phase::loading: return settle_interrupted(pending);
    case host::Pending::Phase::loaded: return settle_loaded(pending);
    case host::Pending::Phase::undoing: return settle_undoing(pending);
  }
  return {};
}

host::Result HostState::settle_interrupted(const host::Pending& pending) {
  const auto name = name_of_generation(options_.state_dir, pending.generation);
  std::string error;
  if (const auto kept = read_kept(options_.state_dir, pending.generation, error)) {
    const auto is_new = holds(kept->place, kept->artifact, error);
    if (is_new && *is_new) {
      // The place before may have been another one, which the command did not get to clear.
      if (const auto bytes = host::read_before(options_.state_dir, pending.before, error))
        if (const auto before = unpack(*bytes))
          for (const auto& place : before->places)
            if (!(place == kept->place))
              if (const auto gone = clear(place, kept->place); !gone.ok()) return gone;
      if (!pending.deadline) {
        note("an interrupted command had loaded " + name + "; it is confirmed now");
        return become(pending.generation);
      }
      note("an interrupted command had loaded " + name + "; it waits for its confirmation");
      if (const auto result = loaded(); !stands(result)) return result;
      return settle_loaded(*state_.pending);
    }
  }
  if (const auto bytes = host::read_before(options_.state_dir, pending.before, error))
    if (const auto before = unpack(*bytes)) {
      const auto is_old = holds(*before, error);
      if (is_old && *is_old) {
        note("a command that was to load " + name + " was interrupted; nothing had changed");
        return forget();
      }
    }
  note("a command that was to load " + name +
       " was interrupted, and the kernel held neither the old nor the new firewall");
  return undo("the command that made it was interrupted");
}

host::Result HostState::settle_loaded(const host::Pending& pending) {
  const auto name = name_of_generation(options_.state_dir, pending.generation);
  if (!pending.deadline) return become(pending.generation);  // only its last step was missing
  if (pending.deadline->boot_id != pending.boot_id ||
      left_in_this_run(*pending.deadline).count() == 0) {
    note("the change to " + name + " was not confirmed by " + pending.deadline->wall +
         " and is undone");
    return undo("it was not confirmed by " + pending.deadline->wall);
  }
  if (const auto watchdog = host::watchdog_from(pending.watchdog);
      watchdog && host::alive(*watchdog))
    return {};
  std::string error;
  const auto armed =
      arm_rollback(options_, pending.token, left_in_this_run(*pending.deadline), error);
  if (!armed) {
    note("nothing watches over the change to " + name + " any more (" + error + ")");
    return undo("its watchdog was gone");
  }
  note("nothing watched over the change to " + name + " any more; something does again");
  state_.pending->watchdog = host::to_string(*armed);
  const auto result = write();
  return stands(result) ? host::Result{} : result;
}

// Whoever undid it was interrupted, and may have got anywhere.
host::Result HostState::settle_undoing(const host::Pending& pending) {
  note("the undoing of the change to " +
       name_of_generation(options_.state_dir, pending.generation) +
       " was interrupted; it is done now");
  return undo("`firewright rollback` or its watchdog undid it, and was interrupted");
}

// --- steps of a change

host::Result HostState::write() { return host::write_state(options_.state_dir, state_); }

host::Result HostState::begin(host::Pending pending) {
  state_.pending = std::move(pending);
  auto result = write();
  if (!stands(result)) state_.pending.reset();
  return result;
}

host::Result HostState::loaded() {
  state_.pending->phase = host::Pending::Phase::loaded;
  auto result = write();
  if (!stands(result)) state_.pending->phase = host::Pending::Phase::loading;
  return result;
}

host::Result HostState::confirm() { return become(state_.pending->generation); }

bool HostState::was_sound(const std::string& generation) const {
  return std::ranges::find(damaged_, generation) == damaged_.end();
}

std::optional<bool> HostState::holds_change(std::string& error) {
  const auto kept = read_kept(options_.state_dir, state_.pending->generation, error);
  if (!kept) return std::nullopt;
  Known known;
  const auto same = holds(kept->place, kept->artifact, error, &known);
  if (same && *same) holds_in(known.remembered.generation);
  return same;
}

std::optional<Known> HostState::known(const Kept& confirmed) const {
  if (options_.verify_full) return std::nullopt;
  const auto loaded = host::read_loaded(options_.run_dir);
  if (!loaded || loaded->ruleset == 0 || loaded->generation != state_.confirmed ||
      loaded->network.empty() || loaded->network != host::network_namespace("/proc", ::getpid()))
    return std::nullopt;
  return known_at(confirmed.place, confirmed.artifact, loaded->ruleset);
}

host::Result HostState::adopt(const std::string& generation) { return become(generation); }

// A copy: it may be named by the change that ends here.
// NOLINTNEXTLINE(performance-unnecessary-value-param)
host::Result HostState::become(std::string generation) {
  std::string error;
  const auto kept = host::read_generation(options_.state_dir, generation, error, nothing);
  if (!kept) return failure(error);
  const auto old = state_;
  if (state_.confirmed != generation) state_.previous = state_.confirmed;
  state_.confirmed = generation;
  state_.confirmed_since = host::utc_now();
  state_.backend = kept->backend;
  state_.audit = kept->audit;
  state_.undone.reset();
  state_.pending.reset();
  auto result = write();
  if (!stands(result)) {
    state_ = old;
    return result;
  }
  if (old.pending)
    if (const auto watchdog = host::watchdog_from(old.pending->watchdog)) host::disarm(*watchdog);
  if (const auto boot = host::read_boot_id(error))
    if (const auto said = host::write_loaded(
            options_.run_dir, {.generation = generation,
                               .boot_id = *boot,
                               .since = state_.confirmed_since,
                               .ruleset = std::exchange(ruleset_, 0),
                               .network = host::network_namespace("/proc", ::getpid())});
        !said.ok())
      note(said.error);
  if (const auto swept = host::sweep(options_.state_dir, state_); !swept.ok()) note(swept.error);
  return result;
}

host::Result HostState::put_before_back(const host::Pending& pending) {
  std::string error;
  std::optional<Standing> before;
  if (const auto bytes = host::read_before(options_.state_dir, pending.before, error)) {
    before = unpack(*bytes);
    if (!before) error = "what the kernel held before cannot be read";
  }
  if (before) return cli::put_back(*before);
  if (!state_.confirmed) return failure(error);
  note(error + "; the last confirmed firewall is loaded in its place");
  const auto kept = read_kept(options_.state_dir, *state_.confirmed, error);
  if (!kept) return failure(error);
  auto result = load(kept->place, kept->artifact, false).result;
  if (!result.ok()) return result;
  const auto change = read_kept(options_.state_dir, pending.generation, error);
  if (change && !(change->place == kept->place)) result = clear(change->place, kept->place);
  return result;
}

host::Result HostState::undo(const std::string& why) {
  // So that the next command goes on with it. If that cannot be said, it is undone all the same.
  state_.pending->phase = host::Pending::Phase::undoing;
  (void)write();
  if (auto result = put_before_back(*state_.pending); !result.ok()) return result;
  if (const auto dropped = drop_change(why); !dropped.ok())
    note("the firewall before is back, and that could not be written down: " + dropped.error);
  return {};
}

host::Result HostState::drop_change(const std::string& why) {
  const auto pending = *state_.pending;
  state_.undone = {.generation = pending.generation, .at = host::utc_now(), .why = why};
  return forget();
}

host::Result HostState::forget() {
  const auto pending = *state_.pending;
  state_.pending.reset();
  auto result = write();
  if (!stands(result)) {
    state_.pending = pending;
    return result;
  }
  if (!options_.is_watchdog)
    if (const auto watchdog = host::watchdog_from(pending.watchdog)) host::disarm(*watchdog);
  if (const auto swept = host::sweep(options_.state_dir, state_); !swept.ok()) note(swept.error);
  return result;
}

}  // namespace firewright::cli
