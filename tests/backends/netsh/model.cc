#include "tests/backends/netsh/model.h"

#include <algorithm>
#include <variant>

#include "backends/netsh/command.h"

namespace firewright::netsh::model {
namespace {

std::vector<std::string> items(std::string_view list) {
  std::vector<std::string> result;
  std::size_t begin = 0;
  while (begin <= list.size()) {
    const auto end = std::min(list.find(',', begin), list.size());
    result.emplace_back(list.substr(begin, end - begin));
    begin = end + 1;
  }
  return result;
}

AddressSet addresses(const std::string& list) {
  AddressSet set;
  for (const auto& item : items(list)) {
    const auto parsed = parse_address_item(item);
    if (const auto* v4 = std::get_if<Interval<Ipv4>>(&parsed.value)) set.v4 = set.v4 | Ipv4Set{*v4};
    if (const auto* v6 = std::get_if<Interval<Ipv6>>(&parsed.value)) set.v6 = set.v6 | Ipv6Set{*v6};
  }
  return set;
}

PortSet ports(const std::string& list) {
  PortSet set;
  for (const auto& item : items(list)) {
    const auto parsed = parse_port_item(item);
    if (const auto* port = std::get_if<Interval<Port>>(&parsed.value)) set = set | PortSet{*port};
  }
  return set;
}

void set_protocol(StoredRule& rule, const std::string& text) {
  if (text == "any") return;
  if (text == "tcp")
    rule.protocol = Protocol{6};
  else if (text == "udp")
    rule.protocol = Protocol{17};
  else if (text.starts_with("icmpv"))
    rule.protocol = Protocol{text[5] == '4' ? std::uint8_t{1} : std::uint8_t{58}};
  else
    rule.protocol = Protocol{static_cast<std::uint8_t>(std::stoi(text))};
  const auto colon = text.find(':');
  if (colon == std::string::npos) return;
  const auto pair = items(text.substr(colon + 1));
  const auto type = static_cast<unsigned>(std::stoi(pair[0])) << 8U;
  const bool any = pair[1] == "any";
  const auto code = any ? 0U : static_cast<unsigned>(std::stoi(pair[1]));
  const auto last = any ? type + 255 : type + code;
  rule.icmp = IcmpSet{{IcmpTypeCode{static_cast<std::uint16_t>(type + code)},
                       IcmpTypeCode{static_cast<std::uint16_t>(last)}}};
}

ir::ProfileSet profiles(const std::string& list) {
  ir::ProfileSet set;
  for (const auto& item : items(list)) {
    if (item == "any") return ir::ProfileSet::all();
    if (item == "domain") set.insert(ir::Profile::domain);
    if (item == "private") set.insert(ir::Profile::private_);
    if (item == "public") set.insert(ir::Profile::public_);
  }
  return set;
}

StoredRule stored(const Command& command) {
  StoredRule rule;
  for (const auto& tag : command.tags) {
    if (tag.name == "name") rule.name = tag.value;
    if (tag.name == "dir") rule.inbound = tag.value == "in";
    if (tag.name == "action") rule.allow = tag.value == "allow";
    if (tag.name == "profile") rule.profiles = profiles(tag.value);
    if (tag.name == "protocol") set_protocol(rule, tag.value);
    if (tag.name == "localip") rule.local = addresses(tag.value);
    if (tag.name == "remoteip") rule.remote = addresses(tag.value);
    if (tag.name == "localport") rule.local_ports = ports(tag.value);
    if (tag.name == "remoteport") rule.remote_ports = ports(tag.value);
    if (tag.name == "program") rule.program = tag.value;
    if (tag.name == "service") rule.service = tag.value;
  }
  return rule;
}

bool selected(const StoredRule& rule, const Command& command) {
  const auto name = command.value("name");
  const auto dir = command.value("dir");
  return (name == "all" || name == rule.name) && (!dir || (*dir == "in") == rule.inbound);
}

bool holds(const std::optional<AddressSet>& set, const std::variant<Ipv4, Ipv6>& address) {
  if (!set) return true;
  if (const auto* v4 = std::get_if<Ipv4>(&address)) return set->v4.contains(*v4);
  return set->v6.contains(std::get<Ipv6>(address));
}

bool matches(const StoredRule& rule, const ir::Packet& packet) {
  const bool inbound = packet.hook == ir::Hook::inbound;
  if (!rule.enabled || rule.inbound != inbound || !rule.profiles.contains(packet.profile))
    return false;
  if (rule.protocol && *rule.protocol != packet.protocol) return false;
  if (rule.protocol == protocol::icmp && packet.family() != Family::ipv4) return false;
  if (rule.protocol == protocol::icmpv6 && packet.family() != Family::ipv6) return false;
  if (rule.icmp && !rule.icmp->contains(packet.icmp)) return false;
  if (!holds(rule.local, inbound ? packet.destination : packet.source)) return false;
  if (!holds(rule.remote, inbound ? packet.source : packet.destination)) return false;
  const Port local = inbound ? packet.destination_port : packet.source_port;
  const Port remote = inbound ? packet.source_port : packet.destination_port;
  if (rule.local_ports && !rule.local_ports->contains(local)) return false;
  if (rule.remote_ports && !rule.remote_ports->contains(remote)) return false;
  return (rule.program.empty() || rule.program == packet.program) &&
         (rule.service.empty() || rule.service == packet.windows_service);
}

}  // namespace

int Firewall::run(std::string_view line) {
  const auto command = parse_command(line);
  if (!command) return 2;
  switch (command->kind) {
    case CommandKind::blank:
    case CommandKind::comment: return 0;
    case CommandKind::other: return 2;
    case CommandKind::add_rule: rules.push_back(stored(*command)); return 0;
    case CommandKind::delete_rule:
      return std::erase_if(rules, [&](const StoredRule& r) { return selected(r, *command); }) > 0
                 ? 0
                 : 1;
    case CommandKind::set_rule: {
      int code = 1;
      for (auto& rule : rules) {
        if (!selected(rule, *command)) continue;
        for (const auto& tag : command->new_tags)
          if (tag.name == "enable") rule.enabled = tag.value == "yes";
        code = 0;
      }
      return code;
    }
    case CommandKind::set_profiles: {
      if (command->words.size() != 2) return 2;
      const auto& value = command->words[1].text;
      if (command->words[0].text == "state") {
        on = value == "on";
        return 0;
      }
      block_inbound = value.starts_with("blockinbound,");
      block_outbound = value.ends_with(",blockoutbound");
      return 0;
    }
  }
  return 2;
}

bool Firewall::passes(const ir::Packet& packet) const {
  if (!on) return true;
  bool allowed = false;
  for (const auto& rule : rules) {
    if (!matches(rule, packet)) continue;
    if (!rule.allow) return false;
    allowed = true;
  }
  return allowed || !(packet.hook == ir::Hook::inbound ? block_inbound : block_outbound);
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const auto end = text.find("\r\n");
    lines.emplace_back(text.substr(0, end));
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 2);
  }
  return lines;
}

std::string generation_of(const backend::Artifact& artifact) {
  const std::string& text = artifact.find("apply")->bytes;
  const auto begin = text.find("FW_NEW=") + 7;
  return text.substr(begin, text.find('"', begin) - begin);
}

bool apply(const backend::Artifact& artifact, const std::string& old_generation, Firewall& firewall,
           const std::function<void(std::string_view, std::string_view)>& after) {
  const std::string begin = "\"%FW_NETSH%\" ";
  const std::string delete_old = "advfirewall firewall delete rule name=%FW_OLD%";
  const bool replaces = !old_generation.empty() && old_generation != generation_of(artifact);
  bool started = false;
  for (const auto& line : lines_of(artifact.find("apply")->bytes)) {
    if (line == ":change") started = true;
    if (started && line.starts_with("echo changed ")) return true;
    if (!started || !line.starts_with(begin)) continue;
    const std::string command = line.substr(begin.size());
    if (command.starts_with(delete_old)) {
      if (!replaces) continue;
      const bool block = command.find("-block") != std::string::npos;
      const std::string text =
          "advfirewall firewall delete rule name=" + old_generation + (block ? "-block" : "");
      firewall.run(text);
      after("", text);
    } else if (command.starts_with("-f ")) {
      const std::size_t name = command.find("HERE%") + 5;
      const auto file = command.substr(name, command.find(".txt") - name);
      const bool must = command.find("|| goto") != std::string::npos;
      const auto* part = artifact.find(file);
      if (part == nullptr) return false;
      for (const auto& each : lines_of(part->bytes)) {
        const int code = firewall.run(each);
        after(file, each);
        if (must && code != 0) return false;
      }
    }
  }
  return false;
}

}  // namespace firewright::netsh::model
