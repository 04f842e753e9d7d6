// A rule as Windows stores it, read from the tags of a command.
//
// The same fields, some of them present, are what a rule is chosen by (delete, set) and what it is
// changed to (set ... new).
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include "backends/netsh/decode_values.h"
#include "backends/netsh/decode_words.h"
#include "compiler/diagnostics/diagnostic.h"

namespace firewright::netsh {

enum class RuleTag : std::uint8_t {
  name,
  group,  // of rules that were not made with netsh
  dir,
  action,
  enable,
  description,
  profile,
  protocol,
  localip,
  remoteip,
  localport,
  remoteport,
  program,
  service,
  interfacetype,
  edge,
  security,
  rmtcomputergrp,
  rmtusrgrp,
  last = rmtusrgrp
};
using RuleTags = EnumSet<RuleTag>;
[[nodiscard]] std::string_view to_string(RuleTag tag);

struct StoredRule {
  std::string name;
  std::string group;
  std::string description;
  bool inbound = true;
  bool allows = true;
  bool enabled = true;
  ir::ProfileSet profiles = ir::ProfileSet::all();
  TransportValue transport;
  AddressList local, remote;
  PortList local_ports, remote_ports;
  std::string program, service;
  std::string interface_type;  // in lower case; empty: any
  std::string edge;            // likewise; empty: no
  Span span;                   // of the line that added it
};

// Fields of a rule, as many as were said.
struct RuleFields {
  RuleTags present;
  StoredRule values;
};

// Reads arguments that may name `allowed` tags. No value: an error was reported.
[[nodiscard]] std::optional<RuleFields> read_rule_fields(std::span<const Argument> arguments,
                                                         RuleTags allowed, Sink& sink);

// What a whole rule must not be, whatever its fields are each by itself; nothing: it is well.
[[nodiscard]] ValueProblem check_rule(const StoredRule& rule);

// Whether a rule has every one of the fields. Values are compared as sets of packets, not as text.
// A rule of more or fewer profiles than the ones asked for, some of them the same, is `unclear`:
// nothing documents whether it is chosen.
enum class Chosen : std::uint8_t { no, yes, unclear };
[[nodiscard]] Chosen is_chosen(const StoredRule& rule, const RuleFields& fields);
void change_fields(StoredRule& rule, const RuleFields& fields);

}  // namespace firewright::netsh
