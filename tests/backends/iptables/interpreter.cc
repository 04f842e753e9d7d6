#include "tests/backends/iptables/interpreter.h"

#include <cstdint>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <variant>

namespace firewright::iptables::test {
namespace {

[[noreturn]] void unknown(const std::string& what) { throw std::runtime_error("unknown: " + what); }

std::vector<std::string> split(const std::string& text, char at) {
  std::vector<std::string> parts;
  std::stringstream stream(text);
  for (std::string part; std::getline(stream, part, at);) parts.push_back(part);
  return parts;
}

unsigned long number(const std::string& text) {
  std::size_t used = 0;
  const auto value = std::stoul(text, &used);
  if (used != text.size()) unknown("number " + text);
  return value;
}

// "a", "a-b" or "a:b"
bool in_range(unsigned long value, const std::string& range, char at) {
  const auto ends = split(range, at);
  return number(ends.front()) <= value && value <= number(ends.back());
}

u128 address_value(const std::string& text) {
  if (const auto v4 = parse_ipv4(text)) return v4->value;
  if (const auto v6 = parse_ipv6(text)) return v6->value;
  unknown("address " + text);
}

u128 value_of(const std::variant<Ipv4, Ipv6>& address) {
  return std::visit([](auto a) { return static_cast<u128>(a.value); }, address);
}

bool in_prefix(const std::variant<Ipv4, Ipv6>& address, const std::string& text) {
  const unsigned bits = std::holds_alternative<Ipv4>(address) ? 32 : 128;
  const auto slash = text.find('/');
  const auto length = slash == std::string::npos ? bits : number(text.substr(slash + 1));
  if (length == 0) return true;
  const auto shift = bits - length;
  return value_of(address) >> shift == address_value(text.substr(0, slash)) >> shift;
}

bool in_address_range(const std::variant<Ipv4, Ipv6>& address, const std::string& text) {
  const auto ends = split(text, '-');
  const auto value = value_of(address);
  return address_value(ends.at(0)) <= value && value <= address_value(ends.at(1));
}

bool interface_is(const std::string& name, const std::string& pattern) {
  if (pattern.ends_with('+')) return name.starts_with(pattern.substr(0, pattern.size() - 1));
  return name == pattern;
}

unsigned protocol_number(const std::string& name) {
  static const std::map<std::string, unsigned> names{
      {"tcp", 6},  {"udp", 17}, {"icmp", 1},   {"ipv6-icmp", 58},
      {"esp", 50}, {"ah", 51},  {"sctp", 132}, {"udplite", 136}};
  const auto known = names.find(name);
  const auto value = known != names.end() ? known->second : static_cast<unsigned>(number(name));
  if (value == 0) unknown("-p 0, which is any protocol");
  return value;
}

bool icmp_is(const ir::Packet& packet, const std::string& type) {
  static const std::map<std::string, unsigned> v4{
      {"echo-reply", 0},           {"destination-unreachable", 3},
      {"source-quench", 4},        {"redirect", 5},
      {"echo-request", 8},         {"router-advertisement", 9},
      {"router-solicitation", 10}, {"time-exceeded", 11},
      {"parameter-problem", 12},   {"timestamp-request", 13},
      {"timestamp-reply", 14},     {"address-mask-request", 17},
      {"address-mask-reply", 18}};
  static const std::map<std::string, unsigned> v6{{"destination-unreachable", 1},
                                                  {"packet-too-big", 2},
                                                  {"time-exceeded", 3},
                                                  {"parameter-problem", 4},
                                                  {"echo-request", 128},
                                                  {"echo-reply", 129},
                                                  {"router-solicitation", 133},
                                                  {"router-advertisement", 134},
                                                  {"neighbour-solicitation", 135},
                                                  {"neighbour-advertisement", 136},
                                                  {"redirect", 137}};
  const bool is_v4 = packet.family() == Family::ipv4;
  const auto& names = is_v4 ? v4 : v6;
  const auto parts = split(type, '/');
  const auto named = names.find(parts[0]);
  const auto value = named != names.end() ? named->second : number(parts[0]);
  if (is_v4 && value == 255) unknown("--icmp-type 255, which is any type");
  return packet.icmp.type() == value &&
         (parts.size() == 1 || packet.icmp.code() == number(parts[1]));
}

bool state_is(ir::ConntrackState state, const std::string& list) {
  static const std::map<std::string, ir::ConntrackState> states{
      {"NEW", ir::ConntrackState::fresh},
      {"ESTABLISHED", ir::ConntrackState::established},
      {"RELATED", ir::ConntrackState::related},
      {"INVALID", ir::ConntrackState::invalid},
      {"UNTRACKED", ir::ConntrackState::untracked}};
  for (const auto& name : split(list, ',')) {
    const auto known = states.find(name);
    if (known == states.end()) unknown("state " + name);
    if (known->second == state) return true;
  }
  return false;
}

bool port_is(Port port, const std::string& list) {
  for (const auto& part : split(list, ','))
    if (in_range(port.value, part, ':')) return true;
  return false;
}

unsigned slots_of(const std::string& list) {
  unsigned slots = 0;
  for (const auto& part : split(list, ',')) slots += part.find(':') == std::string::npos ? 1 : 2;
  return slots;
}

// One rule against one packet.
class RuleReader {
 public:
  RuleReader(const TextTable& table, const TextRule& rule, const ir::Packet& packet,
             const LimitValue& holds)
      : table_(table), words_(rule.words), packet_(packet), holds_(holds) {}

  bool matches() {
    while (next_ < words_.size()) {
      const bool negated = words_[next_] == "!";
      if (negated) ++next_;
      const auto option = take();
      const auto holds = test(option);
      if (!holds) {
        if (negated) unknown("! before " + option);
      } else if (*holds == negated) {
        matched_ = false;
      }
    }
    return matched_;
  }

  std::string target, detail, comment;
  bool goes = false;  // and does not come back to this chain

 private:
  std::string take() {
    if (next_ >= words_.size()) unknown("end of a rule");
    return words_[next_++];
  }

  // Unset: the option tests nothing.
  std::optional<bool> test(const std::string& option) {
    if (option == "-m") return module(take());
    if (option == "-j") return jump();
    if (option == "-g") return go_to();
    if (option == "--comment") return note(comment);
    if (option == "-i") return interface_is(packet_.in, take());
    if (option == "-o") return interface_is(packet_.out, take());
    if (option == "-s") return in_prefix(packet_.source, take());
    if (option == "-d") return in_prefix(packet_.destination, take());
    if (option == "--src-range") return in_address_range(packet_.source, take());
    if (option == "--dst-range") return in_address_range(packet_.destination, take());
    if (option == "-p") return protocol();
    if (option == "--icmp-type") return icmp(Family::ipv4);
    if (option == "--icmpv6-type") return icmp(Family::ipv6);
    if (option == "--sport" || option == "--dport") return port(option);
    if (option == "--sports" || option == "--dports") return multiport(option);
    if (option == "--uid-owner") return owner(packet_.user);
    if (option == "--gid-owner") return owner(packet_.group);
    if (option == "--ctstate") return state_is(packet_.state, take());
    if (option == "--match-set") return in_set();
    if (option == "--limit" || option == "--hashlimit-upto") return limit(take());
    if (option == "--connlimit-upto") return limit(take());
    if (option == "--connlimit-mask" || option == "--limit-burst" ||
        option == "--hashlimit-burst" || option == "--hashlimit-name" ||
        option == "--hashlimit-mode" || option == "--hashlimit-htable-expire") {
      take();
      return std::nullopt;
    }
    if (option == "--connlimit-saddr") return std::nullopt;
    unknown("option " + option);
  }

  std::optional<bool> module(const std::string& name) {
    for (const auto* known : {"multiport", "iprange", "owner", "conntrack", "limit", "hashlimit",
                              "connlimit", "comment", "set"})
      if (name == known) {
        module_ = name;
        return std::nullopt;
      }
    unknown("match " + name);
  }

  std::optional<bool> jump() {
    target = take();
    if (target == "REJECT" && take() == "--reject-with") {
      detail = take();
      if (detail == "tcp-reset" && !(protocol_ == 6U && !protocol_negated_))
        unknown("tcp-reset without -p tcp");
    }
    if (target == "LOG" && next_ < words_.size()) {
      if (take() != "--log-prefix") unknown("option of LOG");
      detail = take();
    }
    if (next_ != words_.size()) unknown("words behind the target");
    return std::nullopt;
  }

  std::optional<bool> go_to() {
    target = take();
    goes = true;
    for (const auto* reserved : {"ACCEPT", "DROP", "REJECT", "RETURN", "LOG"})
      if (target == reserved) unknown("-g " + target);
    if (next_ != words_.size()) unknown("words behind the target");
    return std::nullopt;
  }

  std::optional<bool> note(std::string& into) {
    into = take();
    return std::nullopt;
  }

  bool protocol() {
    protocol_negated_ = next_ >= 2 && words_[next_ - 2] == "!";
    protocol_ = protocol_number(take());
    return packet_.protocol.value == *protocol_;
  }

  void require_protocol(std::initializer_list<unsigned> allowed, const std::string& option) const {
    for (const auto one : allowed)
      if (protocol_ == one && !protocol_negated_) return;
    unknown(option + " without its protocol");
  }

  bool icmp(Family family) {
    if (packet_.family() != family) unknown("ICMP of the other family");
    require_protocol({family == Family::ipv4 ? 1U : 58U}, "ICMP type");
    const auto type = take();
    // A negated type is still one of an ICMP packet.
    if (packet_.protocol.value != *protocol_) {
      matched_ = false;
      return false;
    }
    return icmp_is(packet_, type);
  }

  bool port(const std::string& option) {
    require_protocol({6, 17}, option);
    if (module_.starts_with("multiport")) unknown(option + " behind multiport");
    return port_is(option == "--sport" ? packet_.source_port : packet_.destination_port, take());
  }

  bool multiport(const std::string& option) {
    require_protocol({6, 17, 33, 132, 136}, option);
    if (module_ != "multiport") unknown(option + " without multiport");
    module_ = "multiport, used";
    const auto list = take();
    if (slots_of(list) > 15) unknown("more than 15 ports");
    return port_is(option == "--sports" ? packet_.source_port : packet_.destination_port, list);
  }

  bool owner(const std::optional<OwnerId>& id) {
    const auto range = take();
    return id && in_range(id->value, range, '-');
  }

  bool in_set() {
    if (module_ != "set") unknown("--match-set without its match");
    module_ = "set, used";
    const auto found = table_.sets.find(take());
    if (found == table_.sets.end()) unknown("a set");
    const auto& set = found->second;
    const auto directions = take();
    if ((set.family == "inet") != (packet_.family() == Family::ipv4)) unknown("family of a set");
    const bool ports = set.type.ends_with(",port");
    if (!ports && directions != "src" && directions != "dst") unknown("directions " + directions);
    if (ports && directions != "src,dst" && directions != "dst,dst")
      unknown("directions " + directions);
    const auto& address = directions.starts_with("src") ? packet_.source : packet_.destination;
    for (const auto& element : set.elements) {
      const auto parts = split(element, ',');
      if (set.type.starts_with("hash:ip") && parts[0].find('/') != std::string::npos)
        unknown("prefix in " + set.type);
      if (!in_prefix(address, parts[0])) continue;
      if (!ports) return true;
      const auto pair = split(parts.at(1), ':');
      if (packet_.protocol.value == protocol_number(pair.at(0)) &&
          packet_.destination_port.value == number(pair.at(1)))
        return true;
    }
    return false;
  }

  bool limit(const std::string& text) {
    return holds_(static_cast<unsigned>(number(split(text, '/').front())));
  }

  const TextTable& table_;
  const std::vector<std::string>& words_;
  const ir::Packet& packet_;
  const LimitValue& holds_;
  std::size_t next_ = 0;
  bool matched_ = true;
  std::optional<unsigned> protocol_;
  bool protocol_negated_ = false;
  std::string module_;
};

struct Walk {
  const TextTable& table;
  const ir::Packet& packet;
  const LimitValue& holds;
  TextDecision decision;

  // True: decided.
  bool chain(const std::string& name, int depth) {
    if (depth > 16) unknown("jumps this deep");
    const auto found = table.chains.find(name);
    if (found == table.chains.end()) unknown("chain " + name);
    for (const auto& rule : found->second) {
      RuleReader reader(table, rule, packet, holds);
      if (!reader.matches()) continue;
      if (reader.comment.starts_with("count "))
        decision.counts.push_back(reader.comment.substr(6, reader.comment.find(':') - 6));
      if (reader.target == "LOG") {
        decision.logs.push_back(reader.detail);
      } else if (reader.target == "RETURN") {
        return false;
      } else if (reader.target == "ACCEPT" || reader.target == "DROP") {
        decision.verdict = reader.target == "ACCEPT" ? "accept" : "drop";
        return true;
      } else if (reader.target == "REJECT") {
        decision.verdict = "reject " + reader.detail;
        return true;
      } else if (!reader.target.empty()) {
        if (chain(reader.target, depth + 1)) return true;
        if (reader.goes) return false;
      }
    }
    return false;
  }
};

}  // namespace

std::vector<std::string> split_words(const std::string& line) {
  std::vector<std::string> words;
  std::string word;
  bool quoted = false, escaped = false, started = false;
  for (const char c : line) {
    if (quoted && escaped) {
      word += c;
      escaped = false;
    } else if (quoted && c == '\\') {
      escaped = true;
    } else if (c == '"') {
      quoted = !quoted;
      started = true;
    } else if (c == ' ' && !quoted) {
      if (started) words.push_back(word);
      word.clear();
      started = false;
    } else {
      word += c;
      started = true;
    }
  }
  if (quoted) unknown("end of line in quotes: " + line);
  if (started) words.push_back(word);
  return words;
}

TextTable read_table(const std::string& text, const std::string& sets) {
  TextTable table;
  for (const auto& line : split(sets, '\n')) {
    if (line.starts_with('#')) continue;
    const auto words = split_words(line);
    if (words.size() == 10 && words[0] == "create" && words[3] == "family" &&
        words[5] == "hashsize" && words[7] == "maxelem" && words[9] == "-exist") {
      auto& set = table.sets[words[1]];
      if (!set.type.empty()) unknown("twice " + line);
      set.type = words[2];
      set.family = words[4];
    } else if (words.size() == 4 && words[0] == "add" && words[3] == "-exist" &&
               table.sets.contains(words[1])) {
      table.sets[words[1]].elements.push_back(words[2]);
    } else {
      unknown("line " + line);
    }
  }
  bool begun = false, committed = false;
  for (const auto& line : split(text, '\n')) {
    if (line.starts_with('#')) continue;
    if (committed) unknown("line behind COMMIT: " + line);
    if (line == "*filter" && !begun) {
      begun = true;
      continue;
    }
    if (!begun) unknown("line before *filter: " + line);
    auto words = split_words(line);
    if (line == "COMMIT") {
      committed = true;
    } else if (line.starts_with(':') && words.size() == 3 && words[2] == "[0:0]") {
      table.policies[words[0].substr(1)] = words[1];
      table.chains[words[0].substr(1)];
    } else if (words.size() > 2 && words[0] == "-A") {
      const auto chain = table.chains.find(words[1]);
      if (chain == table.chains.end()) unknown("chain " + words[1]);
      words.erase(words.begin(), words.begin() + 2);
      chain->second.push_back({std::move(words)});
    } else if (words.size() == 2 && words[0] == "-F") {
      if (!table.policies.contains(words[1])) unknown("chain " + words[1]);
    } else if (words.size() == 4 && words[0] == "-I" && words[2] == "-j") {
      table.jumps[words[1]] = words[3];
    } else {
      unknown("line " + line);
    }
  }
  if (!committed) unknown("end of file");
  return table;
}

TextDecision run(const TextTable& table, const ir::Packet& packet, const LimitValue& holds) {
  std::string base;
  switch (packet.hook) {
    case ir::Hook::inbound: base = "INPUT"; break;
    case ir::Hook::forward: base = "FORWARD"; break;
    case ir::Hook::outbound: base = "OUTPUT"; break;
  }
  if (const auto jump = table.jumps.find(base); jump != table.jumps.end()) base = jump->second;
  Walk walk{.table = table,
            .packet = packet,
            .holds = holds,
            .decision = {.verdict = "accept", .logs = {}, .counts = {}}};
  if (!table.chains.contains(base)) return walk.decision;  // not managed
  if (!walk.chain(base, 0) && table.policies.at(base) == "DROP") walk.decision.verdict = "drop";
  return walk.decision;
}

}  // namespace firewright::iptables::test
