#include "compiler/cli/standing.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "backends/host/delta.h"
#include "backends/host/dump.h"
#include "backends/host/filter_tables.h"
#include "backends/host/table.h"
#include "backends/iptables/decode.h"
#include "backends/iptables/update.h"
#include "backends/nftables/decode.h"
#include "compiler/semantics/compare.h"

namespace firewright::cli {
namespace {

using Json = nlohmann::json;

host::TableName name_of(const Place& place) { return host::inet_table(place.table); }

std::string as_text(const Json::binary_t& bytes) { return {bytes.begin(), bytes.end()}; }
Json as_binary(std::string_view text) {
  return Json::binary(Json::binary_t::container_type(text.begin(), text.end()));
}

Json to_json(const Place& place) {
  return {{"backend", to_string(place.backend)},
          {"table", place.table},
          {"beside", place.beside},
          {"chains", place.chains}};
}
std::optional<Place> place_from(const Json& json) {
  if (!json.is_object() || !json.contains("backend") || !json.contains("table") ||
      !json.contains("beside") || !json.contains("chains") || !json["backend"].is_string() ||
      !json["table"].is_string() || !json["beside"].is_boolean() || !json["chains"].is_array())
    return std::nullopt;
  Place place;
  const auto backend = json["backend"].get<std::string>();
  if (backend == to_string(Target::iptables))
    place.backend = Target::iptables;
  else if (backend != to_string(Target::nftables))
    return std::nullopt;
  place.table = json["table"];
  place.beside = json["beside"];
  for (const auto& chain : json["chains"]) {
    if (!chain.is_string()) return std::nullopt;
    place.chains.push_back(chain);
  }
  return place;
}

bool is_whole(const Place& place) { return !place.beside && place.chains.size() == 3; }

// `sets` are those that the rules to load refer to.
host::IptablesOptions options_for(const Place& place, bool dry_run, std::string_view sets) {
  host::IptablesOptions options;
  options.dry_run = dry_run;
  options.sets = sets;
  options.noflush = !is_whole(place);
  if (options.noflush) options.adapt = iptables::update;
  return options;
}

// The part of a saved filter table that is ours.
std::string ours(const Place& place, const std::string& saved) {
  if (is_whole(place)) return saved;
  return place.beside ? iptables::own_part(saved) : iptables::built_in_part(saved, place.chains);
}

std::string_view bytes_of(const backend::Artifact& artifact, std::string_view part) {
  const auto* found = artifact.find(part);
  return found == nullptr ? std::string_view{} : std::string_view(found->bytes);
}

std::optional<ir::Program> decode_tables(const std::string& v4, const std::string& v6,
                                         std::string_view sets, Sources& sources, Sink& sink) {
  std::vector<backend::ArtifactFile> files = {
      {.file = sources.add("iptables-save", v4), .part = "v4"},
      {.file = sources.add("ip6tables-save", v6), .part = "v6"}};
  if (!sets.empty())
    files.push_back({.file = sources.add("ipset-save", std::string(sets)), .part = "sets"});
  return iptables::decode(sources, files, sink);
}

std::optional<ir::Program> decode_messages(const std::string& name, std::string_view messages,
                                           Sources& sources, Sink& sink) {
  const std::vector<backend::ArtifactFile> files = {
      {.file = sources.add(name, std::string(messages)), .part = "batch"}};
  return nftables::decode(sources, files, sink);
}

// No value: one of them cannot be read, or that they are equal cannot be proved.
std::optional<bool> mean_the_same(const std::optional<ir::Program>& a,
                                  const std::optional<ir::Program>& b, std::string& error) {
  if (!a || !b) {
    error = "what the kernel holds cannot be read as a firewall";
    return std::nullopt;
  }
  const auto comparison = semantics::compare(*a, *b);
  if (comparison.answer == semantics::Answer::not_proved) {
    error = comparison.why;
    return std::nullopt;
  }
  return comparison.answer == semantics::Answer::equal;
}

const host::Remembered* of(const Known* known, const Place& place) {
  return known != nullptr && known->place == place ? &known->remembered : nullptr;
}

std::optional<bool> table_is(const Place& place, std::string_view wanted, std::string& error,
                             const Known* known = nullptr, std::uint32_t* ruleset = nullptr) {
  const auto dump = host::dump_nftables(error, name_of(place), of(known, place));
  if (!dump) return std::nullopt;
  if (ruleset != nullptr) *ruleset = dump->generation;
  const auto change =
      host::delta(dump->messages, wanted, name_of(place), error, {.recalled = &dump->recalled});
  if (!change) return std::nullopt;
  return change->batch.empty();
}

// The library throws for an impossible size, whatever it is told of exceptions.
Json from_cbor(std::string_view bytes) {
  try {
    return Json::from_cbor(bytes.begin(), bytes.end(), true, false);
  } catch (const Json::exception&) {
    return Json(Json::value_t::discarded);
  }
}

}  // namespace

Place place_of(Target backend, const Built& built) {
  Place place;
  place.backend = backend;
  if (backend == Target::nftables) place.table = built.options.nftables_table;
  if (backend == Target::iptables) {
    place.beside = built.options.iptables_coexist;
    if (!place.beside) place.chains = iptables::managed_chains(built.program);
  }
  return place;
}

std::string to_json_text(const Place& place) { return to_json(place).dump() + "\n"; }
std::optional<Place> place_from(std::string_view json_text) {
  return place_from(Json::parse(json_text, nullptr, false));
}

bool Standing::empty(const Place& place) const {
  if (place.backend == Target::nftables) return !tables.contains(place.table);
  if (!filter) return true;
  const auto nothing = ours(place, std::string(host::empty_filter));
  return ours(place, filter->v4) == nothing && ours(place, filter->v6) == nothing;
}

Known known_at(const Place& place, const backend::Artifact& artifact, std::uint32_t ruleset) {
  Known known{.place = place, .remembered = {.generation = ruleset, .sets = {}}};
  if (place.backend == Target::nftables)
    known.remembered.sets = host::large_sets(bytes_of(artifact, "batch"), name_of(place));
  return known;
}

std::optional<Standing> read_standing(const std::vector<Place>& places, std::string& error,
                                      const Known* known) {
  Standing standing;
  standing.places = places;
  for (const auto& place : places) {
    if (place.backend == Target::nftables) {
      auto dump = host::dump_nftables(error, name_of(place), of(known, place));
      if (!dump) return std::nullopt;
      standing.ruleset = dump->generation;
      if (!dump->messages.empty())
        standing.tables[place.table] = host::whole(std::move(*dump), name_of(place));
    } else if (!standing.filter) {
      standing.filter = host::save_filter(error);
      if (!standing.filter) return std::nullopt;
    }
  }
  return standing;
}

std::string pack(const Standing& standing) {
  Json json;
  json["places"] = Json::array();
  for (const auto& place : standing.places) json["places"].push_back(to_json(place));
  json["tables"] = Json::object();
  for (const auto& [name, messages] : standing.tables) json["tables"][name] = as_binary(messages);
  if (standing.filter) {
    json["v4"] = as_binary(standing.filter->v4);
    json["v6"] = as_binary(standing.filter->v6);
    json["sets"] = as_binary(standing.filter->sets);
  }
  const auto bytes = Json::to_cbor(json);
  return {bytes.begin(), bytes.end()};
}

std::optional<Standing> unpack(std::string_view bytes) {
  const auto json = from_cbor(bytes);
  if (!json.is_object() || !json.contains("places") || !json["places"].is_array() ||
      !json.contains("tables") || !json["tables"].is_object())
    return std::nullopt;
  Standing standing;
  for (const auto& entry : json["places"]) {
    const auto place = place_from(entry);
    if (!place) return std::nullopt;
    standing.places.push_back(*place);
  }
  for (const auto& [name, messages] : json["tables"].items()) {
    if (!messages.is_binary()) return std::nullopt;
    standing.tables[name] = as_text(messages.get_binary());
  }
  if (json.contains("v4") && json.contains("v6")) {
    if (!json["v4"].is_binary() || !json["v6"].is_binary()) return std::nullopt;
    standing.filter = {
        .v4 = as_text(json["v4"].get_binary()), .v6 = as_text(json["v6"].get_binary()), .sets = {}};
    if (json.contains("sets")) {
      if (!json["sets"].is_binary()) return std::nullopt;
      standing.filter->sets = as_text(json["sets"].get_binary());
    }
  }
  return standing;
}

Loaded load(const Place& place, const backend::Artifact& artifact, bool dry_run,
            const Known* known) {
  if (place.backend == Target::iptables)
    return {.result = host::load_iptables(bytes_of(artifact, "v4"), bytes_of(artifact, "v6"),
                                          options_for(place, dry_run, bytes_of(artifact, "sets"))),
            .changed = true,
            .note = {},
            .known = {}};
  auto change = host::put_table(name_of(place), bytes_of(artifact, "batch"),
                                {.dry_run = dry_run, .remembered = of(known, place)});
  Loaded loaded{.result = std::move(change.result),
                .changed = change.changed,
                .note = {},
                .known = {.place = place, .remembered = std::move(change.remembered)}};
  if (loaded.result.ok() && !change.refused_in_place.empty())
    loaded.note =
        "the table was made anew as a whole, and its counters with it: the change in place "
        "was refused: " +
        change.refused_in_place;
  return loaded;
}

host::Result clear(const Place& place, const Place& now) {
  if (place.backend == Target::nftables) return host::put_table(name_of(place), {}).result;
  if (now.backend == Target::iptables && is_whole(now)) return {};  // it has taken all
  // The other way to load iptables is in the same tables, and what is there now is to stay.
  Place old = place;
  if (now.backend == Target::iptables && !now.beside)
    std::erase_if(old.chains, [&](const std::string& chain) {
      return std::ranges::find(now.chains, chain) != now.chains.end();
    });
  if (!old.beside && old.chains.empty()) return {};
  std::string error;
  const auto saved = host::save_filter(error);
  if (!saved) return {.reason = host::Reason::io, .error = error};
  const auto emptied = [&](const std::string& stands) {
    if (old.beside) return iptables::own_part({});
    return iptables::built_in_part(
        {}, old.chains, now.beside ? iptables::own_jumps(stands, old.chains) : std::string());
  };
  auto options = options_for(place, false, {});
  options.noflush = true;
  if (old.beside) options.adapt = iptables::update;
  if (!old.beside) options.adapt = nullptr;
  return host::load_iptables(emptied(saved->v4), emptied(saved->v6), options);
}

host::Result put_back(const Standing& standing) {
  // A place that was empty comes last, and not after a failure: until what was there is back, the
  // change is better than nothing.
  auto places = standing.places;
  std::ranges::stable_partition(places, [&](const Place& at) { return !standing.empty(at); });
  for (const auto& place : places) {
    host::Result one;
    if (place.backend == Target::nftables) {
      const auto found = standing.tables.find(place.table);
      one = host::put_table(name_of(place), found == standing.tables.end()
                                                ? std::string_view{}
                                                : std::string_view(found->second))
                .result;
    } else if (standing.filter) {
      one = host::load_iptables(ours(place, standing.filter->v4), ours(place, standing.filter->v6),
                                options_for(place, false, standing.filter->sets));
    }
    if (!one.ok()) return one;
  }
  return {};
}

std::optional<bool> holds(const Place& place, const backend::Artifact& artifact, std::string& error,
                          Known* known) {
  if (place.backend == Target::nftables) {
    std::uint32_t ruleset = 0;
    const auto same = table_is(place, bytes_of(artifact, "batch"), error, known, &ruleset);
    if (same && *same && known != nullptr) *known = known_at(place, artifact, ruleset);
    return same;
  }
  const auto standing = read_standing({place}, error);
  if (!standing) return std::nullopt;
  Sources sources;
  Sink sink;
  return mean_the_same(decode(*standing, place, sources, sink),
                       decode(place, artifact, sources, sink), error);
}

std::optional<bool> holds(const Standing& standing, std::string& error) {
  std::optional<Standing> now;
  for (const auto& place : standing.places) {
    std::optional<bool> same;
    if (place.backend == Target::nftables) {
      const auto found = standing.tables.find(place.table);
      same = table_is(
          place,
          found == standing.tables.end() ? std::string_view{} : std::string_view(found->second),
          error);
    } else {
      if (!now) now = read_standing({place}, error);
      if (!now) return std::nullopt;
      Sources sources;
      Sink sink;
      same = mean_the_same(decode(*now, place, sources, sink),
                           decode(standing, place, sources, sink), error);
    }
    if (!same || !*same) return same;
  }
  return true;
}

std::optional<ir::Program> decode(const Standing& standing, const Place& place, Sources& sources,
                                  Sink& sink) {
  if (standing.empty(place)) return ir::Program{};
  if (place.backend == Target::nftables)
    return decode_messages("live", standing.tables.at(place.table), sources, sink);
  return decode_tables(ours(place, standing.filter->v4), ours(place, standing.filter->v6),
                       standing.filter->sets, sources, sink);
}

std::optional<ir::Program> decode(const Place& place, const backend::Artifact& artifact,
                                  Sources& sources, Sink& sink) {
  if (place.backend == Target::nftables)
    return decode_messages("artifact", bytes_of(artifact, "batch"), sources, sink);
  return decode_tables(std::string(bytes_of(artifact, "v4")), std::string(bytes_of(artifact, "v6")),
                       bytes_of(artifact, "sets"), sources, sink);
}

}  // namespace firewright::cli
