// What a host remembers of its firewall: which policy is confirmed, which was before, and which
// change is under way.
//
//   STATE/state.json         the only file that says so; replaced as a whole
//   STATE/generations/ID/    one policy as it was loaded: its files, artifact and certificate, and
//                            a manifest with the digest of each; ID is the manifest's digest, so a
//                            generation never changes and the same policy is the same generation
//   STATE/before/DIGEST      what the kernel held before a change that is not confirmed yet
//   RUN/loaded.json          what this run of the system has loaded, and when
//
// Reads and writes; decides nothing. Whoever writes holds the lock (lock.h). Everything that is
// read is checked against its digest: damage is told, never taken for state.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backends/host/deadline.h"
#include "backends/host/host.h"
#include "backends/host/process_id.h"

namespace firewright::host {

// A change that is being made, or made and not confirmed.
struct Pending {
  enum class Phase { loading, loaded, undoing };
  std::string generation;         // 16 hex digits
  std::string token;              // random; names this change to its watchdog
  std::string before;             // digest of what was there, as write_before gave it; or empty
  bool before_was_empty = false;  // there was no firewall of ours
  Phase phase = Phase::loading;
  std::optional<Deadline> deadline;  // none: not to be confirmed, only under way
  std::string boot_id;               // of the system's run in which it began
  ProcessId process;                 // who does it
  std::string watchdog;              // who undoes it, as to_string(Watchdog) puts it; or empty
  bool operator==(const Pending&) const = default;
};

// A change that was undone, so that the next command can tell its author.
struct Undone {
  std::string generation;
  std::string at;   // RFC 3339, UTC
  std::string why;  // for people: "not confirmed by 2026-01-31T12:00:00Z"
  bool operator==(const Undone&) const = default;
};

struct State {
  std::string backend;                   // "nftables", "iptables"; empty: nothing was ever loaded
  std::optional<std::string> confirmed;  // generations
  std::optional<std::string> previous;
  std::string confirmed_since;  // RFC 3339, UTC
  bool audit = false;           // the confirmed one only logs what it would deny
  std::optional<Pending> pending;
  std::optional<Undone> undone;  // the last one
  bool operator==(const State&) const = default;
};

enum class Found {
  nothing,     // nothing was ever kept here
  sound,       // all of it is as it was written
  damaged,     // something is missing or is not what was written
  unreadable,  // it could not be looked at: permission, I/O, a folder that others may write to
};

struct [[nodiscard]] StateRead {
  Found found = Found::nothing;
  // Also when something else is damaged, such as the previous generation: state.json itself is
  // sound then.
  std::optional<State> state;
  std::vector<std::string> damaged;  // generations that are named by it and cannot be read
  std::string error;                 // which file, and what is wrong with it; one line each
  Reason reason = Reason::none;      // of unreadable
};

// Needs no lock: a state that is replaced meanwhile is read again.
StateRead read_state(const std::string& state_dir);

// See replace_file for `changed`.
Result write_state(const std::string& state_dir, const State& state);

struct GenerationFile {
  std::string name;    // within the generation: letters, digits, '.', '-', '_'; no '.' first
  std::string origin;  // where it was read; empty for what was made
  std::string bytes;
  bool operator==(const GenerationFile&) const = default;
};

struct Generation {
  std::string backend;
  std::string policy;  // its name
  bool audit = false;
  std::vector<GenerationFile> files;
  [[nodiscard]] const std::string* file(std::string_view name) const;
  bool operator==(const Generation&) const = default;
};

// A file of a generation whose bytes somebody else keeps.
struct LentFile {
  std::string name;
  std::string origin;
  std::string_view bytes;
};

// Its ID. One that is there already and sound is kept; a damaged one is written anew. On a host
// without state it first writes one that says that nothing is confirmed. `lent` come before its own
// files.
[[nodiscard]] std::optional<std::string> write_generation(const std::string& state_dir,
                                                          const Generation& generation,
                                                          std::string& error,
                                                          std::span<const LentFile> lent = {});
// Files in the order in which they were written; with `wanted` those that it holds for, and the
// others are not looked at.
using Wanted = std::function<bool(std::string_view name)>;
[[nodiscard]] std::optional<Generation> read_generation(const std::string& state_dir,
                                                        const std::string& id, std::string& error,
                                                        const Wanted& wanted = {});

// The digest that names the bytes.
[[nodiscard]] std::optional<std::string> write_before(const std::string& state_dir,
                                                      std::string_view bytes, std::string& error);
[[nodiscard]] std::optional<std::string> read_before(const std::string& state_dir,
                                                     const std::string& digest, std::string& error);

// Removes generations and befores that `state` does not name, and what killed commands left half
// written. Nothing else, ever.
Result sweep(const std::string& state_dir, const State& state);

struct Loaded {
  std::string generation;
  std::string boot_id;
  std::string since;  // RFC 3339, UTC
  // The kernel held exactly this when its ruleset had this generation, in this network namespace
  // (proc.h). 0: not known.
  std::uint32_t ruleset = 0;
  std::string network;
  bool operator==(const Loaded&) const = default;
};
// Also removes what killed commands left half written there.
Result write_loaded(const std::string& run_dir, const Loaded& loaded);
// Nothing where there is none, it is damaged, or it is of an earlier run of the system: all that
// is lost is since when.
[[nodiscard]] std::optional<Loaded> read_loaded(const std::string& run_dir);

// The same boot, and the process that makes the change still runs.
[[nodiscard]] bool at_work(const Pending& pending);

// 16 random hex digits; nothing where the kernel has none to give.
[[nodiscard]] std::optional<std::string> random_token(std::string& error);

}  // namespace firewright::host
