// The host's memory of its firewall, opened for a command that changes it: the lock is held, and
// what an interrupted command left is settled first.
//
// There is at most one change under way. It is written down before the kernel is touched, with what
// the kernel held before; so whatever is killed and whenever, the next command finds the old
// firewall or the new one and knows which it has to be.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/host/lock.h"
#include "backends/host/state.h"
#include "compiler/cli/host_options.h"
#include "compiler/cli/standing.h"

namespace firewright::cli {

// The parts of an artifact that a host loads; the others are for people.
inline constexpr std::array<std::string_view, 4> loaded_parts{"batch", "v4", "v6", "sets"};

// A generation as something to load: the policy, the artifact's text for people and the certificate
// are left where they are.
struct Kept {
  host::Generation generation;  // without the artifact
  Place place;
  backend::Artifact artifact;
};
[[nodiscard]] std::optional<Kept> read_kept(const std::string& state_dir, const std::string& id,
                                            std::string& error);

class HostState {
 public:
  // Takes the lock, reads the state and settles. No value: `error` says why. `command` is what
  // others are told the holder is at. A state that cannot be read is an error, or, with `anew`,
  // noted and begun anew.
  enum class IfDamaged { fail, anew };
  [[nodiscard]] static std::optional<HostState> open(const HostOptions& options,
                                                     const std::string& command,
                                                     IfDamaged if_damaged, std::string& error);

  [[nodiscard]] const host::State& state() const { return state_; }
  [[nodiscard]] const HostOptions& options() const { return options_; }
  // Whether a generation that the state names could be read when this was opened. One that could,
  // and cannot any more, is no damage: that is for a later time.
  [[nodiscard]] bool was_sound(const std::string& generation) const;
  // The change that this found under way and that did not become the firewall.
  [[nodiscard]] const std::optional<std::string>& ended() const { return ended_; }
  // What was found and done about it, for people; and what could not be.
  [[nodiscard]] const std::vector<std::string>& notes() const { return notes_; }
  [[nodiscard]] std::vector<std::string>& notes() { return notes_; }

  // Writes down that a change begins.
  [[nodiscard]] host::Result begin(host::Pending pending);
  // The change is loaded and waits for its confirmation.
  [[nodiscard]] host::Result loaded();
  // The change becomes the confirmed firewall.
  [[nodiscard]] host::Result confirm();
  // Whether the kernel holds the change. No value: it cannot be told.
  [[nodiscard]] std::optional<bool> holds_change(std::string& error);
  // The kernel holds what becomes the confirmed firewall in this generation of its ruleset, to be
  // written down with it.
  void holds_in(std::uint32_t ruleset) { ruleset_ = ruleset; }
  // What was written down so, where it still may be true.
  [[nodiscard]] std::optional<Known> known(const Kept& confirmed) const;
  // Puts back what the kernel held before the change. `why` is told to the next command. When that
  // is done and could not be written down, it is a note, and the change still waits in `state()`.
  [[nodiscard]] host::Result undo(const std::string& why);
  // The change did not reach the kernel.
  [[nodiscard]] host::Result forget();
  // A firewall that is confirmed without being loaded anew: the kernel holds it already.
  [[nodiscard]] host::Result adopt(const std::string& generation);
  // Without touching the kernel: a change that a restart of the system has taken away.
  [[nodiscard]] host::Result drop_change(const std::string& why);

 private:
  HostState(HostOptions options, host::Lock lock)
      : options_(std::move(options)), lock_(std::move(lock)) {}

  [[nodiscard]] host::Result settle();
  [[nodiscard]] host::Result settle_interrupted(const host::Pending& pending);
  [[nodiscard]] host::Result settle_loaded(const host::Pending& pending);
  [[nodiscard]] host::Result settle_undoing(const host::Pending& pending);
  [[nodiscard]] host::Result write();
  [[nodiscard]] host::Result become(std::string generation);
  [[nodiscard]] host::Result put_before_back(const host::Pending& pending);
  void note(std::string text) { notes_.push_back(std::move(text)); }

  HostOptions options_;
  host::Lock lock_;
  host::State state_;
  std::uint32_t ruleset_ = 0;         // 0: not known
  std::vector<std::string> damaged_;  // generations
  std::optional<std::string> ended_;
  std::vector<std::string> notes_;
};

// Where the failsafe goes.
[[nodiscard]] Place failsafe_place();
// What `loaded.json` calls it.
inline constexpr std::string_view failsafe_generation = "0000000000000000";

// "web.toml (3f2a...)", for people.
[[nodiscard]] std::string name_of_generation(const std::string& state_dir, const std::string& id);

}  // namespace firewright::cli
