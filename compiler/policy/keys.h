// Every key that a policy file may have, section by section, in one table.
//
// The reader refuses what is not listed here; the schema and the manual are held against it.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/policy/policy.h"

namespace firewright::policy {

enum class Section : std::uint8_t {
  root,
  policy,
  baseline,
  direction,     // [inbound], [outbound], [forward]
  exception,     // an entry of allow, deny or reject
  limit,         // `limit` as a table
  address_file,  // { file = "..." }
  zone,
  assertion,      // an entry of assert
  assertion_set,  // its never or always
  target,
  target_iptables,
  target_nftables,
  target_netsh,
  catalogue_service,  // not of a policy: an entry of policies/services.toml
  last = catalogue_service
};

struct Key {
  Section section;
  std::string_view name;
  std::string_view holds;  // what its value is, in a few words
  std::string_view about;  // what it is for, in a sentence or two
  // Of an exception's keys: the directions that know it, and whether it narrows the packets (an
  // assertion's set has the narrowing ones only).
  DirectionSet directions = DirectionSet::all();
  bool narrows = false;
};

[[nodiscard]] std::span<const Key> all_keys();
// The keys of one section, in the manual's order. `assertion_set` has `direction` of its own and
// all that narrows an exception.
[[nodiscard]] std::vector<std::string> key_names(Section section);
[[nodiscard]] const Key* find_key(Section section, std::string_view name);
// "an exception", "`[baseline]`", ...
[[nodiscard]] std::string_view describe(Section section);
// What is meant by a key of other tools' making ("dport"); empty: nothing known.
[[nodiscard]] std::string_view synonym(Section section, std::string_view name);

}  // namespace firewright::policy
