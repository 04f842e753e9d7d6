// What of ours stands in the kernel: read, put there, taken back, and read as a program.
//
// A place is where a policy's firewall goes: a table of nftables, or the filter tables of iptables,
// wholly or own chains beside other people's rules. Nothing outside of the given places is touched.
#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backends/backend.h"
#include "backends/host/host.h"
#include "backends/host/live.h"
#include "backends/host/remembered.h"
#include "compiler/cli/build.h"

namespace firewright::cli {

struct Place {
  Target backend = Target::nftables;
  std::string table;                // nftables: of family inet
  bool beside = false;              // iptables: own chains beside other people's rules; or else
  std::vector<std::string> chains;  // the built-in ones, whose rules are all ours
  bool operator==(const Place&) const = default;
};
[[nodiscard]] Place place_of(Target backend, const Built& built);
[[nodiscard]] std::string to_json_text(const Place& place);
[[nodiscard]] std::optional<Place> place_from(std::string_view json_text);

// What the kernel holds at some places.
struct Standing {
  std::vector<Place> places;
  std::map<std::string, std::string> tables;  // nftables: the kernel's messages, by table
  std::optional<host::Saved> filter;          // iptables: the filter tables, with counters
  std::uint32_t ruleset = 0;  // nftables: the generation that the last table was read in; not kept
  // Nothing of ours is there.
  [[nodiscard]] bool empty(const Place& place) const;
};

// What is known of the large sets at a place, to read it without asking for each element
// (remembered.h). Views into the artifact that it was made of.
struct Known {
  Place place;
  host::Remembered remembered;
};
// The kernel holds the artifact in this generation of its ruleset.
[[nodiscard]] Known known_at(const Place& place, const backend::Artifact& artifact,
                             std::uint32_t ruleset);

[[nodiscard]] std::optional<Standing> read_standing(const std::vector<Place>& places,
                                                    std::string& error,
                                                    const Known* known = nullptr);
// As bytes to keep, and back.
[[nodiscard]] std::string pack(const Standing& standing);
[[nodiscard]] std::optional<Standing> unpack(std::string_view bytes);

struct [[nodiscard]] Loaded {
  host::Result result;
  bool changed = false;
  std::string note;  // what the administrator should know of the way; empty: nothing
  Known known;
};
// An artifact at its place; nothing is sent when it stands there already (nftables).
Loaded load(const Place& place, const backend::Artifact& artifact, bool dry_run,
            const Known* known = nullptr);
// Nothing of ours at the place any more, where `now` is what our firewall has moved to.
host::Result clear(const Place& place, const Place& now);
// At all its places what was there.
host::Result put_back(const Standing& standing);

// Whether the kernel holds exactly this: the same structure in nftables, the same meaning in
// iptables. No value: it cannot be told. If it does, `known` is made to say so.
[[nodiscard]] std::optional<bool> holds(const Place& place, const backend::Artifact& artifact,
                                        std::string& error, Known* known = nullptr);
[[nodiscard]] std::optional<bool> holds(const Standing& standing, std::string& error);

// What stands there as a program. A place where nothing is gives a program without chains.
[[nodiscard]] std::optional<ir::Program> decode(const Standing& standing, const Place& place,
                                                Sources& sources, Sink& sink);
[[nodiscard]] std::optional<ir::Program> decode(const Place& place,
                                                const backend::Artifact& artifact, Sources& sources,
                                                Sink& sink);

}  // namespace firewright::cli
