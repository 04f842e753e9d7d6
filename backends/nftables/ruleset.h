// An nftables table as a value: what `nft list table` would show, before it is text or netlink.
//
// Rules are at the level of nft's own language, one statement for each thing a person would write.
// What nft adds by itself, for example `meta l4proto tcp` in front of `tcp dport`, is here as well,
// marked `implied`: text leaves it out, netlink does not. So both renderings come from one
// structure, and a builder decides alone what is matched and in which order.
//
// Invariants: elements of a set are sorted and disjoint. A statement refers to sets, objects and
// chains of the same table only. Names are nft identifiers and no keywords of nft; strings hold no
// quote and no control character (names.h makes them so, capable.h refuses what cannot be made so).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "compiler/base/integers.h"
#include "compiler/ir/program.h"

namespace firewright::nftables {

enum class DataType : std::uint8_t {
  ifname,  // the value's 16 bytes are the name's, the first one highest
  nf_proto,
  inet_proto,
  uid,
  gid,
  ct_state,  // a mask
  ipv4_addr,
  ipv6_addr,
  inet_service,
  icmp_type,
  icmp_code,
  icmpv6_type,
  icmpv6_code,
};

enum class Field : std::uint8_t {
#define FIREWRIGHT_NFT_FIELD(name, text, type, source, place, description, index) name,
#include "backends/nftables/fields.def"
#undef FIREWRIGHT_NFT_FIELD
};

// Values from `first` to `last`, in host order. An interface wildcard is the range of its prefix.
struct Range {
  u128 first = 0;
  u128 last = 0;
  [[nodiscard]] bool single() const { return first == last; }
  bool operator==(const Range&) const = default;
  auto operator<=>(const Range&) const = default;
};

enum class VerdictCode : std::uint8_t { accept, drop, jump, go_to, return_ };
struct Verdict {
  VerdictCode code = VerdictCode::drop;
  std::string chain;  // for jump and go_to
  bool operator==(const Verdict&) const = default;
};

// The members of a set or map of one field. Flat, because there may be a million.
struct Elements {
  std::vector<Range> keys;
  std::vector<Verdict> verdicts;  // of a verdict map: one a key; of a set: empty
  [[nodiscard]] bool is_map() const { return !verdicts.empty(); }
  [[nodiscard]] bool has_intervals() const;
  bool operator==(const Elements&) const = default;
};

// --- statements

struct SetName {
  std::string name;
  bool operator==(const SetName&) const = default;
};

// `ip saddr != 192.0.2.0/24`, `tcp dport { 22, 80 }`, `ip saddr @office`.
struct Match {
  Field field{};
  bool negated = false;
  std::variant<Range, Elements, SetName> value;
  bool implied = false;
  bool operator==(const Match&) const = default;
};

// `ip saddr & 255.255.255.0 . tcp dport @input-allow-from24-port-v4`: a lookup of several fields at
// once, or of the leading bits of one.
struct KeyPart {
  Field field{};
  unsigned bits = 0;  // that count, from the highest; the others are zero in the set
  bool operator==(const KeyPart&) const = default;
};
struct MatchTuple {
  std::vector<KeyPart> parts;
  std::string set;
  bool operator==(const MatchTuple&) const = default;
};

// `ct state established,related`: one of these bits is set.
struct MatchStates {
  std::uint32_t mask = 0;
  bool operator==(const MatchStates&) const = default;
};

// `ct state vmap { established : accept, invalid : drop }`
struct VerdictMap {
  Field field{};
  Elements elements;
  bool operator==(const VerdictMap&) const = default;
};

// `limit rate 10/minute burst 20 packets`
struct Limit {
  std::uint64_t rate = 0;
  ir::TimeUnit unit = ir::TimeUnit::second;
  std::uint32_t burst = 0;
  bool operator==(const Limit&) const = default;
};

// `ct count 50`: matches while no more than that are open.
struct ConnectionCount {
  std::uint32_t count = 0;
  bool operator==(const ConnectionCount&) const = default;
};

// `update @set { ip saddr limit rate ... }`: one limit for each value of a field. `update` starts
// the element's timeout anew with each packet, `add` leaves it.
struct DynamicSet {
  std::string set;
  Field key{};
  bool update = false;
  std::variant<Limit, ConnectionCount> test;
  bool operator==(const DynamicSet&) const = default;
};

struct UseLimit {  // `limit name "x"`
  std::string name;
  bool operator==(const UseLimit&) const = default;
};
struct UseCounter {  // `counter name "x"`
  std::string name;
  bool operator==(const UseCounter&) const = default;
};
struct Log {
  std::string prefix;  // empty: none
  bool operator==(const Log&) const = default;
};
struct Reject {
  ir::RejectKind kind{};
  // The family that the rule is known to match, if only one: `reject` alone means another thing
  // there.
  std::optional<Family> family;
  bool operator==(const Reject&) const = default;
};

using Statement = std::variant<Match, MatchTuple, MatchStates, VerdictMap, Limit, ConnectionCount,
                               DynamicSet, UseLimit, UseCounter, Log, Reject, Verdict>;

struct Rule {
  std::vector<Statement> statements;
  std::string comment;
  bool operator==(const Rule&) const = default;
};

// --- what a table holds

struct BaseHook {
  ir::Hook hook{};
  std::int32_t priority = 0;  // 0 is "filter"
  bool policy_accepts = false;
  bool operator==(const BaseHook&) const = default;
};
struct Chain {
  std::string name;
  std::optional<BaseHook> base;
  std::vector<Rule> rules;
  bool operator==(const Chain&) const = default;
};

struct Set {
  std::string name;
  DataType type{};
  Elements elements;
  bool dynamic = false;    // filled by packets
  std::uint32_t size = 0;  // 0: not declared
  std::uint64_t timeout_seconds = 0;
  std::string comment;
  bool operator==(const Set&) const = default;
};

// Keys of one or more fields, each a single value, so that the kernel can hash them. They lie one
// after the other as bytes, the highest first, because there may be a million.
struct TupleSet {
  std::string name;
  std::vector<DataType> types;
  std::string keys;                         // ascending, each once
  std::uint32_t size = 0;                   // that the kernel makes room for
  [[nodiscard]] std::size_t width() const;  // bytes of a key
  bool operator==(const TupleSet&) const = default;
};

struct NamedLimit {
  std::string name;
  Limit limit;
  bool operator==(const NamedLimit&) const = default;
};

struct Ruleset {
  std::string table;  // of family inet
  std::vector<std::string> counters;
  std::vector<NamedLimit> limits;
  std::vector<Set> sets;
  std::vector<TupleSet> tuple_sets;
  std::vector<Chain> chains;
  bool operator==(const Ruleset&) const = default;
};

}  // namespace firewright::nftables
