// The IR: what a firewall says, with nothing left to look up.
//
// A Program is a list of chains; a chain hooked to inbound, outbound or forward is where packets
// start. Several chains on one hook run one after another, in the order of the list: accept ends
// one of them, drop and reject are final. A rule matches a product of sets, one for each packet
// field; the first rule whose match holds and whose verdict is not `next` decides. Programs come
// from two sides: lowering a policy gives one flat chain for each managed hook, and decoding an
// artifact gives chains with jumps.
//
// Value types with defaulted equality: two programs are equal when they say the same in the same
// way.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "compiler/base/enum_set.h"
#include "compiler/base/source.h"
#include "compiler/net/address_set.h"
#include "compiler/net/types.h"

namespace firewright::ir {

enum class Hook : std::uint8_t { inbound, outbound, forward, last = forward };
[[nodiscard]] std::string_view to_string(Hook hook);

// Exactly one holds for each packet (linux/netfilter/nf_conntrack_common.h: the bits of `ct
// state`).
enum class ConntrackState : std::uint8_t {
  fresh,  // "new", which C++ keeps for itself
  established,
  related,
  invalid,
  untracked,
  last = untracked
};
using StateSet = EnumSet<ConntrackState>;
[[nodiscard]] std::string_view to_string(ConntrackState state);

// Windows network categories.
enum class Profile : std::uint8_t { domain, private_, public_, last = public_ };
using ProfileSet = EnumSet<Profile>;
[[nodiscard]] std::string_view to_string(Profile profile);

// "eth0", or with `wildcard` every name that begins with it: "wg*". A wildcard with an empty name
// is not a pattern; that is InterfaceSet::any().
struct InterfacePattern {
  std::string name;
  bool wildcard = false;

  [[nodiscard]] bool matches(std::string_view interface) const;
  bool operator==(const InterfacePattern&) const = default;
  auto operator<=>(const InterfacePattern&) const = default;
};
[[nodiscard]] std::string to_string(const InterfacePattern& pattern);

// The interfaces that match one of the patterns, or, complemented, those that match none. `any` is
// the complement of no patterns. Canonical: patterns sorted, none contained in another.
class InterfaceSet {
 public:
  InterfaceSet() = default;  // any
  [[nodiscard]] static InterfaceSet any() { return {}; }
  [[nodiscard]] static InterfaceSet of(std::vector<InterfacePattern> patterns);
  [[nodiscard]] static InterfaceSet except(std::vector<InterfacePattern> patterns);

  [[nodiscard]] bool is_any() const { return complemented_ && patterns_.empty(); }
  [[nodiscard]] bool empty() const { return !complemented_ && patterns_.empty(); }
  [[nodiscard]] bool complemented() const { return complemented_; }
  [[nodiscard]] const std::vector<InterfacePattern>& patterns() const { return patterns_; }
  [[nodiscard]] bool contains(std::string_view interface) const;
  bool operator==(const InterfaceSet&) const = default;
  auto operator<=>(const InterfaceSet&) const = default;

 private:
  InterfaceSet(std::vector<InterfacePattern> patterns, bool complemented);
  std::vector<InterfacePattern> patterns_;
  bool complemented_ = true;
};

enum class TimeUnit : std::uint8_t { second, minute, hour, day, last = day };
[[nodiscard]] std::string_view to_string(TimeUnit unit);
[[nodiscard]] std::uint64_t seconds(TimeUnit unit);

// A token bucket: holds `burst` tokens, gains `packets` each `unit`; true while a token is left.
struct RateLimit {
  std::uint32_t packets = 0;
  TimeUnit unit = TimeUnit::second;
  std::uint32_t burst = 5;
  bool per_source = false;  // one bucket for each source address
  bool operator==(const RateLimit&) const = default;
  auto operator<=>(const RateLimit&) const = default;
};

// True while no more than `connections` are open at once, this one included.
struct ConnectionLimit {
  std::uint32_t connections = 0;
  bool per_source = false;
  bool operator==(const ConnectionLimit&) const = default;
  auto operator<=>(const ConnectionLimit&) const = default;
};

// An imported match that the model does not interpret, keyed by its canonical text.
struct OpaqueMatch {
  std::string text;
  bool operator==(const OpaqueMatch&) const = default;
  auto operator<=>(const OpaqueMatch&) const = default;
};

// A condition on something other than the packet's fields. Two predicates are the same one, that
// is, they share their buckets, when `instance` and parameters are equal. Names of instances are
// unique in a program, and of the letters, digits and '-' only.
struct Predicate {
  std::string instance;
  std::variant<RateLimit, ConnectionLimit, OpaqueMatch> test;
  bool operator==(const Predicate&) const = default;
  auto operator<=>(const Predicate&) const = default;
};

// A product of sets. The default is the match that everything satisfies.
//
// Invariants, held by `valid(Match)`:
// - a family that is not in `families` has empty address sets, one that is has none empty;
// - source_ports or destination_ports other than all: every protocol in `protocols` has ports;
// - icmp other than all: `protocols` is {icmp} and `families` is {ipv4}, or {icmpv6} and {ipv6}.
struct Match {
  FamilySet families = FamilySet::all();
  InterfaceSet in;
  InterfaceSet out;
  ProfileSet profiles = ProfileSet::all();  // Windows only
  StateSet states = StateSet::all();
  ProtocolSet protocols = ProtocolSet::all();
  PortSet source_ports = PortSet::all();
  PortSet destination_ports = PortSet::all();
  IcmpSet icmp = IcmpSet::all();
  AddressSet source = AddressSet::all();
  AddressSet destination = AddressSet::all();
  OwnerSet users = OwnerSet::all();   // outbound only
  OwnerSet groups = OwnerSet::all();  // outbound only
  std::string program;                // Windows only; empty: any
  std::string windows_service;        // Windows only; empty: any
  std::vector<Predicate> predicates;  // all must hold

  bool operator==(const Match&) const = default;
};
[[nodiscard]] bool valid(const Match& match);
// Restricts `match` to `families` and clears what the invariants want cleared.
void restrict_families(Match& match, FamilySet families);

enum class RejectKind : std::uint8_t {
  tcp_reset,
  port_unreachable,
  host_unreachable,  // ICMPv6: address unreachable
  net_unreachable,   // ICMPv6: no route
  admin_prohibited,
  proto_unreachable,  // IPv4 only
  net_prohibited,     // IPv4 only
  host_prohibited,    // IPv4 only
  policy_fail,        // IPv6 only
  reject_route,       // IPv6 only
  last = reject_route
};
[[nodiscard]] std::string_view to_string(RejectKind kind);

enum class VerdictKind : std::uint8_t { accept, drop, reject, next, jump, go_to, return_ };
struct Verdict {
  VerdictKind kind = VerdictKind::next;              // next: go on with the rule below
  RejectKind reject = RejectKind::port_unreachable;  // for reject
  std::string chain;                                 // for jump and go_to

  static Verdict accept() { return {.kind = VerdictKind::accept, .reject = {}, .chain = {}}; }
  static Verdict drop() { return {.kind = VerdictKind::drop, .reject = {}, .chain = {}}; }
  static Verdict next() { return {.kind = VerdictKind::next, .reject = {}, .chain = {}}; }
  static Verdict rejected(RejectKind kind) {
    return {.kind = VerdictKind::reject, .reject = kind, .chain = {}};
  }
  bool operator==(const Verdict&) const = default;
};
[[nodiscard]] std::string to_string(const Verdict& verdict);

// What a rule does besides its verdict.
struct Effects {
  std::optional<std::string> log;    // with this prefix, which may be empty
  std::optional<std::string> count;  // under this name, unique to an exception
  [[nodiscard]] bool empty() const { return !log && !count; }
  bool operator==(const Effects&) const = default;
};

enum class OriginKind : std::uint8_t {
  exception,
  loopback,
  established,
  icmp_errors,
  neighbour_discovery,
  drop_invalid,
  default_log,  // logs what the default denies
  default_verdict,
  decoded,
};
[[nodiscard]] std::string_view to_string(OriginKind kind);

// Where a rule comes from. Places do not take part in equality: the same policy in another folder
// means the same.
struct Origin {
  OriginKind kind = OriginKind::decoded;
  std::string label;   // an exception's name or, if it has none, a short description of it
  std::string reason;  // as its author wrote it; may be empty
  Span span;
  bool operator==(const Origin& other) const {
    return kind == other.kind && label == other.label && reason == other.reason;
  }
};

struct Rule {
  Match match;
  Effects effects;
  Verdict verdict;
  Origin origin;
  bool operator==(const Rule&) const = default;
};

struct Chain {
  std::string name;          // unique in the program
  std::optional<Hook> hook;  // a base chain; otherwise reached by jumps
  // What a packet gets that reaches the end of a base chain: accept or drop. Lowered chains end in
  // an explicit rule, so that nothing gets that far.
  VerdictKind policy = VerdictKind::accept;
  std::vector<Rule> rules;
  bool operator==(const Chain&) const = default;
};

struct Program {
  std::vector<Chain> chains;

  // The first chain on the hook.
  [[nodiscard]] const Chain* find(Hook hook) const;
  [[nodiscard]] const Chain* find(std::string_view name) const;
  bool operator==(const Program&) const = default;
};

// The canonical text: one rule a line, sets in ascending order, fields that are "any" left out.
// Equal programs give equal text and different ones different text.
[[nodiscard]] std::string to_text(const Program& program);
[[nodiscard]] std::string to_text(const Match& match);

}  // namespace firewright::ir
