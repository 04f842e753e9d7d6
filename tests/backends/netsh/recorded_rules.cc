#include "tests/backends/netsh/recorded_rules.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "tests/backends/netsh/lines.h"

namespace firewright::netsh::test {
namespace {

struct Column {
  std::string_view head;
  std::string RecordedRule::* cell;
};
constexpr std::array columns{
    Column{"name", &RecordedRule::name},
    Column{"description", &RecordedRule::description},
    Column{"enable", &RecordedRule::enable},
    Column{"dir", &RecordedRule::dir},
    Column{"profile", &RecordedRule::profile},
    Column{"group", &RecordedRule::group},
    Column{"localip", &RecordedRule::localip},
    Column{"remoteip", &RecordedRule::remoteip},
    Column{"protocol", &RecordedRule::protocol},
    Column{"type:code[,...]", &RecordedRule::types},
    Column{"localport", &RecordedRule::localport},
    Column{"remoteport", &RecordedRule::remoteport},
    Column{"edge", &RecordedRule::edge},
    Column{"program", &RecordedRule::program},
    Column{"service", &RecordedRule::service},
    Column{"interfacetype", &RecordedRule::interfacetype},
    Column{"rmtcomputergrp", &RecordedRule::rmtcomputergrp},
    Column{"rmtusrgrp", &RecordedRule::rmtusrgrp},
    Column{"security", &RecordedRule::security},
    Column{"(rule_source)", &RecordedRule::source},
    Column{"action", &RecordedRule::action},
};

std::vector<std::string_view> pieces(std::string_view text, char between) {
  std::vector<std::string_view> result;
  for (;;) {
    const auto end = text.find(between);
    result.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return result;
    text.remove_prefix(end + 1);
  }
}

bool is_any(std::string_view cell) { return cell.empty() || cell == "any"; }

std::string lower_case(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  return result;
}

std::optional<unsigned> number(std::string_view text, unsigned most) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || value > most) return std::nullopt;
  return value;
}

// A list of one side: the numbers of it, unless there are none, and each of its words.
template <class Set>
struct Side {
  bool all = true;
  Set numbers;
  std::vector<std::string> words;
};

std::optional<Side<AddressSet>> read_addresses(std::string_view cell) {
  Side<AddressSet> side;
  if (is_any(cell)) return side;
  side.all = false;
  for (const auto item : pieces(cell, ',')) {
    const auto parsed = parse_address_item(item);
    AddressSet one;
    if (const auto* v4 = std::get_if<Interval<Ipv4>>(&parsed.value)) one.v4 = Ipv4Set{*v4};
    if (const auto* v6 = std::get_if<Interval<Ipv6>>(&parsed.value)) one.v6 = Ipv6Set{*v6};
    side.numbers = side.numbers | one;
    if (!one.empty()) continue;
    if (!std::all_of(item.begin(), item.end(), [](char c) { return c >= 'a' && c <= 'z'; }))
      return std::nullopt;
    side.words.emplace_back(item);
  }
  return side;
}

std::optional<Side<PortSet>> read_ports(std::string_view cell) {
  Side<PortSet> side;
  if (is_any(cell)) return side;
  side.all = false;
  for (const auto item : pieces(cell, ',')) {
    const auto ends = pieces(item, '-');
    const auto first = number(ends.front(), 65535);
    const auto last = number(ends.back(), 65535);
    if (first && last && ends.size() <= 2) {
      side.numbers = side.numbers | PortSet{{Port{static_cast<std::uint16_t>(*first)},
                                             Port{static_cast<std::uint16_t>(*last)}}};
      continue;
    }
    if (item.empty() || (item[0] >= '0' && item[0] <= '9')) return std::nullopt;
    side.words.push_back(lower_case(item));
  }
  return side;
}

// Replaces each meaning by one for the numbers of the side and one for each of its words.
template <class Set, class Put>
void spread(std::vector<Meaning>& meanings, const Side<Set>& side, std::string_view tag,
            const Put& put) {
  if (side.all) return;
  std::vector<Meaning> spread;
  for (const auto& meaning : meanings) {
    if (!side.numbers.empty()) {
      auto narrowed = meaning;
      put(narrowed.match) = side.numbers;
      spread.push_back(std::move(narrowed));
    }
    for (const auto& word : side.words) {
      auto with_word = meaning;
      with_word.unsaid.push_back(std::string(tag) + "=" + word);
      spread.push_back(std::move(with_word));
    }
  }
  meanings = std::move(spread);
}

bool read_profiles(std::string_view cell, ir::ProfileSet& profiles) {
  profiles = {};
  for (const auto item : pieces(cell, ',')) {
    if (item == "domain")
      profiles.insert(ir::Profile::domain);
    else if (item == "private")
      profiles.insert(ir::Profile::private_);
    else if (item == "public")
      profiles.insert(ir::Profile::public_);
    else
      return false;
  }
  return true;
}

bool read_protocol(std::string_view cell, ir::Match& match) {
  if (cell == "any") return true;
  if (cell == "tcp")
    match.protocols = ProtocolSet::of(protocol::tcp);
  else if (cell == "udp")
    match.protocols = ProtocolSet::of(protocol::udp);
  else if (cell == "icmpv4" || cell == "icmpv6") {
    const bool v4 = cell == "icmpv4";
    match.protocols = ProtocolSet::of(v4 ? protocol::icmp : protocol::icmpv6);
    ir::restrict_families(match, {v4 ? Family::ipv4 : Family::ipv6});
  } else if (const auto said = number(cell, 255)) {
    match.protocols = ProtocolSet::of(Protocol{static_cast<std::uint8_t>(*said)});
  } else {
    return false;
  }
  return true;
}

// "8:any" and "3:4".
std::optional<IcmpSet> read_type(std::string_view item) {
  const auto parts = pieces(item, ':');
  const auto type = number(parts[0], 255);
  if (parts.size() != 2 || !type) return std::nullopt;
  const auto code = number(parts[1], 255);
  if (!code && parts[1] != "any") return std::nullopt;
  const auto first = static_cast<std::uint16_t>(*type * 256 + code.value_or(0));
  const auto last = static_cast<std::uint16_t>(code ? first : first + 255);
  return IcmpSet{{IcmpTypeCode{first}, IcmpTypeCode{last}}};
}

std::vector<std::string> words_beside(const RecordedRule& rule) {
  std::vector<std::string> words;
  if (rule.edge != "no") words.push_back("edge=" + rule.edge);
  if (!is_any(rule.interfacetype)) words.push_back("interfacetype=" + rule.interfacetype);
  if (!rule.rmtcomputergrp.empty()) words.emplace_back("rmtcomputergrp");
  if (!rule.rmtusrgrp.empty()) words.emplace_back("rmtusrgrp");
  if (rule.security != "notrequired") words.push_back("security=" + rule.security);
  return words;
}

std::string tag(std::string_view name, const std::string& value) {
  if (value.empty()) return {};
  const bool blank = value.find(' ') != std::string::npos;
  return " " + std::string(name) + (blank ? "=\"" + value + "\"" : "=" + value);
}

}  // namespace

std::optional<std::string> cell_word(std::string_view cell) {
  // The spreadsheet's quotes.
  if (cell.size() < 2 || cell.front() != '"' || cell.back() != '"') return std::nullopt;
  cell = cell.substr(1, cell.size() - 2);
  std::string shell;
  for (std::size_t i = 0; i < cell.size(); ++i) {
    if (cell[i] == '"' && (++i == cell.size() || cell[i] != '"')) return std::nullopt;
    shell += cell[i];
  }
  // The shell's.
  std::string word;
  bool inside = false;
  for (std::size_t i = 0; i < shell.size(); ++i) {
    if (shell[i] == '"')
      inside = !inside;
    else if (shell[i] != '\\')
      word += shell[i];
    else if (++i < shell.size())
      word += shell[i];
    else
      return std::nullopt;
  }
  return inside ? std::nullopt : std::optional(word);
}

std::string cell_of(std::string_view word) {
  std::string cell = R"(""")";
  for (const char c : word) {
    if (c == '\\') cell += c;
    if (c == '"') cell += R"(\")";
    cell += c;
  }
  return cell + R"(""")";
}

std::string table_head() {
  std::string line;
  for (const auto& column : columns)
    line += (line.empty() ? "\"" : "\t\"") + std::string(column.head) + "\"";
  return line + "\n";
}

std::optional<std::vector<RecordedRule>> read_table(std::string_view text, std::string& why) {
  const auto head = table_head();
  if (!text.starts_with(head)) {
    why = "line 1 is not the head of such a table";
    return std::nullopt;
  }
  text.remove_prefix(head.size());
  std::vector<RecordedRule> rules;
  for (std::size_t line = 2; !text.empty(); ++line) {
    const auto end = text.find('\n');
    const auto cells = pieces(text.substr(0, end), '\t');
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    RecordedRule rule;
    rule.line = line;
    if (cells.size() != columns.size()) {
      why = "line " + std::to_string(line) + " has " + std::to_string(cells.size()) + " cells";
      return std::nullopt;
    }
    for (std::size_t i = 0; i < columns.size(); ++i) {
      auto word = cell_word(cells[i]);
      if (!word) {
        why = "line " + std::to_string(line) + ", " + std::string(columns[i].head) + ": " +
              std::string(cells[i]);
        return std::nullopt;
      }
      rule.*columns[i].cell = std::move(*word);
    }
    rules.push_back(std::move(rule));
  }
  return rules;
}

std::optional<std::vector<Meaning>> meanings(const RecordedRule& rule) {
  const bool inbound = rule.inbound();
  Meaning base{.match = {}, .unsaid = {}};
  base.match.program = rule.program;
  base.match.windows_service = rule.service;
  const auto local = read_addresses(rule.localip);
  const auto remote = read_addresses(rule.remoteip);
  const auto local_ports = read_ports(rule.localport);
  const auto remote_ports = read_ports(rule.remoteport);
  if (!read_profiles(rule.profile, base.match.profiles) ||
      !read_protocol(rule.protocol, base.match) || !local || !remote || !local_ports ||
      !remote_ports)
    return std::nullopt;

  std::vector<Meaning> result{base};
  if (!rule.types.empty()) {
    result.clear();
    for (const auto item : pieces(rule.types, ',')) {
      const auto types = read_type(item);
      if (!types) return std::nullopt;
      result.push_back(base);
      result.back().match.icmp = *types;
    }
  }
  spread(result, *local, "localip",
         [&](ir::Match& m) -> auto& { return inbound ? m.destination : m.source; });
  spread(result, *remote, "remoteip",
         [&](ir::Match& m) -> auto& { return inbound ? m.source : m.destination; });
  spread(result, *local_ports, "localport",
         [&](ir::Match& m) -> auto& { return inbound ? m.destination_ports : m.source_ports; });
  spread(result, *remote_ports, "remoteport",
         [&](ir::Match& m) -> auto& { return inbound ? m.source_ports : m.destination_ports; });
  const auto beside = words_beside(rule);
  for (auto& meaning : result) {
    meaning.unsaid.insert(meaning.unsaid.end(), beside.begin(), beside.end());
    ir::restrict_families(meaning.match, meaning.match.families);
  }
  // Of lists of both families, some addresses have nothing to talk to.
  std::erase_if(result, [](const Meaning& m) { return m.match.families.empty(); });
  return result;
}

std::vector<std::string> unsaid(const std::vector<Meaning>& meanings) {
  std::vector<std::string> words;
  for (const auto& meaning : meanings)
    for (const auto& word : meaning.unsaid)
      if (std::find(words.begin(), words.end(), word) == words.end()) words.push_back(word);
  return words;
}

bool can_be_quoted(std::string_view value) { return value.find('"') == std::string_view::npos; }

std::vector<std::string> direct_lines(const RecordedRule& rule, std::string_view enable) {
  std::vector<std::string> protocols;
  if (rule.types.empty()) protocols.push_back(rule.protocol);
  if (!rule.types.empty())
    for (const auto item : pieces(rule.types, ','))
      protocols.push_back(rule.protocol + ":" + replaced(std::string(item), ":", ","));
  std::vector<std::string> lines;
  const auto description = can_be_quoted(rule.description) ? rule.description : "";
  for (const auto& protocol : protocols) {
    const bool has_edge = rule.inbound() || rule.edge != "no";
    lines.push_back("advfirewall firewall add rule" + tag("name", rule.name) +
                    tag("dir", rule.dir) + tag("action", rule.action) +
                    tag("description", description) + tag("enable", std::string(enable)) +
                    tag("profile", rule.profile) + tag("localip", rule.localip) +
                    tag("remoteip", rule.remoteip) + tag("protocol", protocol) +
                    tag("localport", rule.localport) + tag("remoteport", rule.remoteport) +
                    (has_edge ? tag("edge", rule.edge) : "") + tag("program", rule.program) +
                    tag("service", rule.service) + tag("interfacetype", rule.interfacetype) +
                    tag("rmtcomputergrp", rule.rmtcomputergrp) + tag("rmtusrgrp", rule.rmtusrgrp) +
                    tag("security", rule.security));
  }
  return lines;
}

}  // namespace firewright::netsh::test
