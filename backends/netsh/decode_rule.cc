#include "backends/netsh/decode_rule.h"

#include <algorithm>
#include <array>
#include <utility>

namespace firewright::netsh {
namespace {

constexpr std::size_t tag_count = RuleTags::count;

const std::array<std::string_view, tag_count>& tag_names() {
  static const auto names = [] {
    std::array<std::string_view, tag_count> all;
    for (const auto tag : RuleTags::all()) all[static_cast<std::size_t>(tag)] = to_string(tag);
    return all;
  }();
  return names;
}

// One of a few words; its place among them.
std::optional<std::size_t> one_of(std::string_view value,
                                  std::initializer_list<std::string_view> words) {
  const auto* const found = std::find_if(words.begin(), words.end(), [&](std::string_view word) {
    return equal_ignoring_case(value, word);
  });
  if (found == words.end()) return std::nullopt;
  return static_cast<std::size_t>(found - words.begin());
}

ValueProblem read_flag(std::string_view value, std::string_view yes, std::string_view no,
                       bool& flag) {
  const auto found = one_of(value, {yes, no});
  if (!found)
    return "`" + std::string(value) + "` is neither `" + std::string(yes) + "` nor `" +
           std::string(no) + "`";
  flag = *found == 0;
  return std::nullopt;
}

ValueProblem read_word(std::string_view value, std::initializer_list<std::string_view> words,
                       std::string& into) {
  const auto found = one_of(value, words);
  if (!found) return "`" + std::string(value) + "` is no such value";
  into = *found == 0 ? std::string() : in_lower_case(value);  // the first one is the default
  return std::nullopt;
}

class FieldReader {
 public:
  FieldReader(RuleTags allowed, Sink& sink) : allowed_(allowed), sink_(sink) {}

  std::optional<RuleFields> run(std::span<const Argument> arguments) {
    bool sound = true;
    for (const auto& argument : arguments) sound = read(argument) && sound;
    if (!sound) return std::nullopt;
    return std::move(fields_);
  }

 private:
  bool wrong(const Argument& argument, std::string what) {
    sink_.report(Kind::artifact_syntax, argument.span, {"netsh", std::move(what)});
    return false;
  }
  bool unknown(const Argument& argument, std::string_view help) {
    sink_
        .report(Kind::artifact_unknown, argument.span,
                {std::string(argument.tag) + "=" + std::string(argument.value)})
        .help = help;
    return false;
  }

  bool read(const Argument& argument) {
    if (argument.tag.empty())
      return wrong(argument, "`" + std::string(argument.value) + "` is no tag with a value");
    const auto index = find_tag(argument.tag, tag_names());
    if (!index)
      return wrong(argument, "`" + std::string(argument.tag) + "` is no tag, or short for several");
    const auto tag = static_cast<RuleTag>(*index);
    if (!allowed_.contains(tag))
      return wrong(argument, "`" + std::string(to_string(tag)) + "` has no place here");
    if (fields_.present.contains(tag))
      return wrong(argument, "`" + std::string(to_string(tag)) + "` is said twice");
    fields_.present.insert(tag);
    if (argument.value.empty())
      return wrong(argument, "`" + std::string(to_string(tag)) + "` has no value");
    // netsh reads files in the machine's code page, which is not known.
    const bool text = tag == RuleTag::name || tag == RuleTag::group || tag == RuleTag::description;
    if (!text && std::any_of(argument.value.begin(), argument.value.end(),
                             [](char c) { return c < ' ' || c > '~'; }))
      return wrong(argument, "`" + std::string(to_string(tag)) + "` is not plain ASCII");
    return take(tag, argument);
  }

  bool take(RuleTag tag, const Argument& argument) {
    const auto value = argument.value;
    auto& into = fields_.values;
    ValueProblem problem;
    switch (tag) {
      case RuleTag::name: into.name = value; break;
      case RuleTag::group: into.group = value; break;
      case RuleTag::description:
        problem = check_rule_text(value, false);
        into.description = value;
        break;
      case RuleTag::dir: problem = read_flag(value, "in", "out", into.inbound); break;
      case RuleTag::action:
        if (equal_ignoring_case(value, "bypass"))
          return unknown(argument,
                         "`bypass` lets hosts past every block rule; only IPsec knows "
                         "which ones");
        problem = read_flag(value, "allow", "block", into.allows);
        break;
      case RuleTag::enable: problem = read_flag(value, "yes", "no", into.enabled); break;
      case RuleTag::profile: problem = read_profiles(value, into.profiles); break;
      case RuleTag::protocol: problem = read_protocol(value, into.transport); break;
      case RuleTag::localip: problem = read_addresses(value, true, into.local); break;
      case RuleTag::remoteip: problem = read_addresses(value, false, into.remote); break;
      case RuleTag::localport: problem = read_ports(value, into.local_ports); break;
      case RuleTag::remoteport: problem = read_ports(value, into.remote_ports); break;
      case RuleTag::program:
        problem = check_program_path(value);
        into.program = value;
        break;
      case RuleTag::service:
        problem = check_service_name(value);
        into.service = value;
        break;
      case RuleTag::interfacetype:
        problem = read_word(value, {"any", "lan", "wireless", "ras"}, into.interface_type);
        break;
      case RuleTag::edge:
        problem = read_word(value, {"no", "yes", "deferapp", "deferuser"}, into.edge);
        break;
      case RuleTag::security:
        if (!equal_ignoring_case(value, "notrequired"))
          return unknown(argument, "which hosts have authenticated is known to IPsec alone");
        break;
      case RuleTag::rmtcomputergrp:
      case RuleTag::rmtusrgrp:
        return unknown(argument, "who is at the other end is known to IPsec alone");
    }
    return !problem || wrong(argument, std::string(to_string(tag)) + ": " + *problem);
  }

  const RuleTags allowed_;
  Sink& sink_;
  RuleFields fields_;
};

FamilySet families_of(const AddressList& addresses) {
  if (addresses.any || !addresses.keywords.empty()) return FamilySet::all();
  return addresses.set.families();
}

FamilySet families_of(const TransportValue& transport) {
  if (transport.protocol == protocol::icmp) return {Family::ipv4};
  if (transport.protocol == protocol::icmpv6) return {Family::ipv6};
  return FamilySet::all();
}

// [MS-FASP] 2.2.37: which of Windows' own ports go with what.
ValueProblem check_port_keywords(const StoredRule& rule) {
  const bool tcp = rule.transport.protocol == protocol::tcp;
  for (const auto keyword : rule.local_ports.keywords) {
    const bool right_protocol = tcp != (keyword == PortKeyword::teredo);
    if (!rule.inbound || !right_protocol)
      return "`localport=" + std::string(to_string(keyword)) + "` is for inbound " +
             (keyword == PortKeyword::teredo ? "UDP" : "TCP");
  }
  for (const auto keyword : rule.remote_ports.keywords)
    if (rule.inbound || !tcp || keyword != PortKeyword::iphttps)
      return "`remoteport=" + std::string(to_string(keyword)) + "` is no remote port here";
  return std::nullopt;
}

}  // namespace

std::string_view to_string(RuleTag tag) {
  switch (tag) {
    case RuleTag::name: return "name";
    case RuleTag::group: return "group";
    case RuleTag::dir: return "dir";
    case RuleTag::action: return "action";
    case RuleTag::enable: return "enable";
    case RuleTag::description: return "description";
    case RuleTag::profile: return "profile";
    case RuleTag::protocol: return "protocol";
    case RuleTag::localip: return "localip";
    case RuleTag::remoteip: return "remoteip";
    case RuleTag::localport: return "localport";
    case RuleTag::remoteport: return "remoteport";
    case RuleTag::program: return "program";
    case RuleTag::service: return "service";
    case RuleTag::interfacetype: return "interfacetype";
    case RuleTag::edge: return "edge";
    case RuleTag::security: return "security";
    case RuleTag::rmtcomputergrp: return "rmtcomputergrp";
    case RuleTag::rmtusrgrp: return "rmtusrgrp";
  }
  return {};
}

std::optional<RuleFields> read_rule_fields(std::span<const Argument> arguments, RuleTags allowed,
                                           Sink& sink) {
  return FieldReader(allowed, sink).run(arguments);
}

ValueProblem check_rule(const StoredRule& rule) {
  if (auto wrong = check_rule_text(rule.name, true)) return wrong;
  const bool has_port_tags =
      rule.transport.protocol == protocol::tcp || rule.transport.protocol == protocol::udp;
  if (!has_port_tags && !(rule.local_ports.any && rule.remote_ports.any))
    return "ports are for TCP and UDP only";
  if (auto wrong = check_port_keywords(rule)) return wrong;
  if (!rule.interface_type.empty() && !rule.local.any)
    return "`interfacetype` and `localip` exclude each other";
  if (!rule.edge.empty() && !rule.inbound) return "`edge` is for inbound rules";
  if ((families_of(rule.local) & families_of(rule.remote) & families_of(rule.transport)).empty())
    return "protocol, localip and remoteip have no family in common";
  return std::nullopt;
}

Chosen is_chosen(const StoredRule& rule, const RuleFields& fields) {
  const auto& wanted = fields.values;
  bool unclear = false;
  for (const auto tag : fields.present) {
    bool same = true;
    switch (tag) {
      case RuleTag::name: same = rule.name == wanted.name; break;
      case RuleTag::group: same = rule.group == wanted.group; break;
      case RuleTag::dir: same = rule.inbound == wanted.inbound; break;
      case RuleTag::profile:
        same = !(rule.profiles & wanted.profiles).empty();
        unclear = unclear || rule.profiles != wanted.profiles;
        break;
      case RuleTag::protocol: same = rule.transport == wanted.transport; break;
      case RuleTag::localip: same = rule.local == wanted.local; break;
      case RuleTag::remoteip: same = rule.remote == wanted.remote; break;
      case RuleTag::localport: same = rule.local_ports == wanted.local_ports; break;
      case RuleTag::remoteport: same = rule.remote_ports == wanted.remote_ports; break;
      case RuleTag::program: same = rule.program == wanted.program; break;
      case RuleTag::service: same = rule.service == wanted.service; break;
      case RuleTag::action:
      case RuleTag::enable:
      case RuleTag::description:
      case RuleTag::interfacetype:
      case RuleTag::edge:
      case RuleTag::security:
      case RuleTag::rmtcomputergrp:
      case RuleTag::rmtusrgrp: break;  // nothing is chosen by these
    }
    if (!same) return Chosen::no;
  }
  return unclear ? Chosen::unclear : Chosen::yes;
}

void change_fields(StoredRule& rule, const RuleFields& fields) {
  const auto& said = fields.values;
  for (const auto tag : fields.present) {
    switch (tag) {
      case RuleTag::name: rule.name = said.name; break;
      case RuleTag::group: break;  // no tag behind `new`
      case RuleTag::dir: rule.inbound = said.inbound; break;
      case RuleTag::action: rule.allows = said.allows; break;
      case RuleTag::enable: rule.enabled = said.enabled; break;
      case RuleTag::description: rule.description = said.description; break;
      case RuleTag::profile: rule.profiles = said.profiles; break;
      case RuleTag::protocol: rule.transport = said.transport; break;
      case RuleTag::localip: rule.local = said.local; break;
      case RuleTag::remoteip: rule.remote = said.remote; break;
      case RuleTag::localport: rule.local_ports = said.local_ports; break;
      case RuleTag::remoteport: rule.remote_ports = said.remote_ports; break;
      case RuleTag::program: rule.program = said.program; break;
      case RuleTag::service: rule.service = said.service; break;
      case RuleTag::interfacetype: rule.interface_type = said.interface_type; break;
      case RuleTag::edge: rule.edge = said.edge; break;
      case RuleTag::security:
      case RuleTag::rmtcomputergrp:
      case RuleTag::rmtusrgrp: break;  // not required is the only value that is read
    }
  }
}

}  // namespace firewright::netsh
