// What a policy says, read and resolved: every group, service, zone and variable that its files
// name has been looked up, every value checked by itself. What it means for packets is the
// lowering's matter; how it was written stays known by spans, for every diagnostic to come.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "compiler/base/source.h"
#include "compiler/base/target.h"
#include "compiler/net/address_set.h"

namespace firewright::policy {

enum class Direction : std::uint8_t { inbound, outbound, forward, last = forward };
using DirectionSet = EnumSet<Direction>;
enum class Action : std::uint8_t { allow, deny, reject };
enum class DefaultVerdict : std::uint8_t { drop, reject, accept, unmanaged };
[[nodiscard]] std::string_view to_string(Direction direction);
[[nodiscard]] std::string_view to_string(Action action);

// A calendar day, proleptic Gregorian.
struct Date {
  int year = 1970;
  unsigned month = 1;
  unsigned day = 1;
  auto operator<=>(const Date&) const = default;
};
[[nodiscard]] std::string to_string(Date date);  // "2026-12-31"
[[nodiscard]] std::optional<Date> parse_date(std::string_view text);
[[nodiscard]] int days_between(Date from, Date to);  // negative: `to` was before

// One product of layer-4 sets; what a service or an exception's protocol and port keys stand for is
// a union of these. ICMP comes as one Transport a family: protocol 1 in IPv4, 58 in IPv6.
struct Transport {
  FamilySet families = FamilySet::all();
  ProtocolSet protocols = ProtocolSet::all();
  PortSet source_ports = PortSet::all();
  PortSet destination_ports = PortSet::all();
  IcmpSet icmp = IcmpSet::all();
  bool operator==(const Transport&) const = default;
};

struct Service {
  std::string name;
  Span span;  // not known for one of the catalogue
  std::vector<Transport> transports;
  std::string description;
  std::string category;
  std::string risk;   // of the catalogue; empty: none
  bool used = false;  // the policy's own: named by an exception or an assertion
};

// One item as written: a literal interval or a group's name.
struct AddressItem {
  std::variant<Interval<Ipv4>, Interval<Ipv6>, std::string> value;
  Span span;
};

// A `from`, `to`, `from-except` or `to-except`: the items, and the set they come to.
struct AddressList {
  std::vector<AddressItem> items;
  AddressSet set;
  Span span;
};

// A file of addresses, one a line. It is not kept.
struct ListFile {
  std::string name;  // as it is shown
  std::size_t bytes = 0;
  std::string sha256;
};

struct AddressGroup {
  std::string name;
  Span span;
  AddressSet set;               // resolved: items, groups they name, and files
  std::vector<ListFile> files;  // that it names itself
  bool used = false;            // named by an exception, an assertion or another group that is used
};

struct Zone {
  std::string name;
  Span span;
  std::vector<Spanned<std::string>> interfaces;  // "eth0", "wg*"
  std::vector<Spanned<std::string>> profiles;    // "domain", "private", "public"
  bool used = false;
};

enum class TimeUnit : std::uint8_t { second, minute, hour, day };
struct RateLimit {
  std::uint32_t packets = 0;
  TimeUnit unit = TimeUnit::second;
  std::uint32_t burst = 5;  // unless said: 5, the default of iptables and nftables alike
  bool per_source = false;
};
struct Limit {
  std::optional<RateLimit> rate;
  std::optional<std::uint32_t> connections;
  bool connections_per_source = false;
  Span span;
};

// `log`: what to log with. No prefix: `true` was said, and the exception's label serves.
struct Log {
  std::optional<std::string> prefix;
  Span span;
};

// An exception. Also the packet set of an assertion, where only the narrowing keys are allowed.
struct Exception {
  Direction direction = Direction::inbound;
  Action action = Action::allow;
  Span span;                        // of the whole entry
  std::size_t index = 0;            // its place in its array, over all files, in reading order
  std::optional<std::string> text;  // the string form, as written
  // What it is about, as written, for the label: "ssh", "tcp/8080", "icmp/echo-request"; may be
  // empty.
  std::string subject;

  std::vector<Spanned<std::string>> services;  // names used, of the catalogue or the policy
  // Union of all that `service`, `protocol`, `port`, `source-port`, `icmp-type` or the string form
  // stand for. Unset: any.
  std::optional<Spanned<std::vector<Transport>>> transports;
  std::optional<AddressList> from, to, from_except, to_except;
  std::vector<Spanned<std::string>> in, out;  // zone or interface names; empty: any
  std::optional<Spanned<Family>> family;
  std::optional<Spanned<OwnerSet>> user, group;
  std::optional<Spanned<std::string>> program, windows_service;
  std::optional<Limit> limit;
  std::optional<Log> log;
  bool count = false;
  std::optional<Spanned<Date>> expires;
  std::optional<Spanned<std::string>> name, reason, owner, ticket;
  std::optional<Spanned<TargetSet>> only_on;
  std::vector<Spanned<std::string>> ignore;  // ids of findings that are meant to be

  // The name, or what was written in a few words: "ssh", "tcp/8080", "rdp from office". Unique in
  // no way.
  [[nodiscard]] std::string label() const;
};

struct Assertion {
  enum class Claim : std::uint8_t { never, always };
  Claim claim = Claim::never;
  std::optional<Spanned<std::string>> name;
  Exception set;
  Span span;
};

struct Baseline {
  bool loopback = true;
  bool established = true;
  bool drop_invalid = true;
  bool icmp_errors = true;
  bool neighbour_discovery = true;
};

struct DirectionPolicy {
  DefaultVerdict default_verdict = DefaultVerdict::drop;
  Span default_span;  // not known where unsaid
  std::optional<Log> log;
  std::vector<Exception> exceptions;  // allow, deny and reject together, in reading order
};

// How many exceptions of one kind are held: by their number, as rules, or as lookups in sets.
enum class NftablesLayout : std::uint8_t { automatic, readable, structured };
enum class IptablesMode : std::uint8_t { replace, coexist };
// Long lists and many exceptions: as trees of chains, or in sets of ipset.
enum class IptablesSets : std::uint8_t { none, ipset };
struct TargetOptions {
  IptablesMode iptables_mode = IptablesMode::replace;          // [target.iptables] mode
  IptablesSets iptables_sets = IptablesSets::none;             // [target.iptables] sets
  std::string nftables_table = "firewright";                   // [target.nftables] table
  NftablesLayout nftables_layout = NftablesLayout::automatic;  // [target.nftables] layout
  // [target.netsh] other-rules: what becomes of inbound rules that others have made
  bool netsh_disable_others = true;
};

struct Policy {
  std::string name, description, owner;  // of `policy`; may be empty
  std::vector<FileId> files;             // the root first, then includes in reading order
  std::map<std::string, AddressGroup> groups;
  std::map<std::string, Service> services;  // the policy's own; the catalogue is apart
  std::map<std::string, Zone> zones;
  Baseline baseline;
  DirectionPolicy inbound, outbound, forward;
  std::vector<Assertion> assertions;
  TargetOptions target;

  [[nodiscard]] const DirectionPolicy& operator[](Direction direction) const;
  [[nodiscard]] DirectionPolicy& operator[](Direction direction);
  // The files of addresses that its groups name, each once, by name.
  [[nodiscard]] std::vector<ListFile> lists() const;
};

}  // namespace firewright::policy
