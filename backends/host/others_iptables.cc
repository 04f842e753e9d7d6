// Reads the nat table of a saved text of iptables.
#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "backends/host/others_rules.h"

namespace firewright::host {
namespace {

// The words of a line; quotes and backslashes as iptables-save writes them.
std::vector<std::string> words_of(std::string_view line) {
  std::vector<std::string> words;
  std::string word;
  bool any = false;
  bool quoted = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (c == '\\' && quoted && i + 1 < line.size()) {
      word += line[++i];
    } else if (c == '"') {
      quoted = !quoted;
      any = true;
    } else if ((c == ' ' || c == '\t' || c == '\r') && !quoted) {
      if (any) words.push_back(std::exchange(word, {}));
      any = false;
    } else {
      word += c;
      any = true;
    }
  }
  if (any) words.push_back(word);
  return words;
}

std::optional<Interval<Port>> parse_ports(std::string_view text, char dash) {
  std::uint16_t first = 0;
  std::uint16_t last = 0;
  const auto at = text.find(dash);
  const auto low = text.substr(0, at);
  const auto high = at == std::string_view::npos ? low : text.substr(at + 1);
  const auto whole = [](std::string_view digits, std::uint16_t& value) {
    const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
    return error == std::errc{} && end == digits.data() + digits.size();
  };
  if (!whole(low, first) || !whole(high, last) || first > last) return std::nullopt;
  return Interval<Port>{Port{first}, Port{last}};
}

std::optional<PortSet> parse_port_list(std::string_view text) {
  std::vector<Interval<Port>> list;
  while (!text.empty()) {
    const auto item = text.substr(0, text.find(','));
    const auto interval = parse_ports(item, ':');
    if (!interval) return std::nullopt;
    list.push_back(*interval);
    text.remove_prefix(std::min(text.size(), item.size() + 1));
  }
  return PortSet(std::move(list));
}

class RuleReader {
 public:
  RuleReader(std::vector<std::string> words, Family family) : words_(std::move(words)) {
    ir::restrict_families(rule_.match, FamilySet{family});
  }

  NatRule read() {
    for (at_ = 2; at_ < words_.size(); ++at_) {
      if (words_[at_] == "!") {
        negated_ = true;
        continue;
      }
      if (!option()) rule_.exact = false;
      negated_ = false;
    }
    return std::move(rule_);
  }

 private:
  [[nodiscard]] std::string next() { return at_ + 1 < words_.size() ? words_[++at_] : ""; }

  // False: it says something that is not understood.
  bool option() {
    const auto& name = words_[at_];
    if (name == "-s") return addresses(rule_.match.source);
    if (name == "-d") return addresses(rule_.match.destination);
    if (name == "-i") return interface();
    if (name == "-p") return protocol();
    if (name == "--sport" || name == "--sports") return ports(rule_.match.source_ports);
    if (name == "--dport" || name == "--dports") return ports(rule_.match.destination_ports);
    if (name == "--dst-type") {
      rule_.to_this_host_only = !negated_ && next() == "LOCAL";
      return rule_.to_this_host_only;
    }
    if (name == "-j" || name == "-g") return target();
    if (name == "--to-destination") return destination();
    if (name == "--to-ports") return target_ports(next());
    // What a match asks is in its options.
    if (name == "-m" || name == "--comment") return !next().empty();
    return name == "--random" || name == "--persistent";
  }

  bool addresses(AddressSet& set) {
    const auto parsed = parse_address_item(next());
    AddressSet given;
    if (const auto* v4 = std::get_if<Interval<Ipv4>>(&parsed.value)) given.v4 = Ipv4Set{*v4};
    if (const auto* v6 = std::get_if<Interval<Ipv6>>(&parsed.value)) given.v6 = Ipv6Set{*v6};
    if (given.empty()) return false;
    set = negated_ ? set - given : set & given;
    return true;
  }

  bool interface() {
    ir::InterfacePattern pattern{.name = next(), .wildcard = false};
    if (pattern.name.ends_with('+')) {
      pattern.name.pop_back();
      pattern.wildcard = true;
    }
    if (pattern.name.empty()) return !negated_;  // "+" is every interface
    return intersect(rule_.match.in, negated_ ? ir::InterfaceSet::except({pattern})
                                              : ir::InterfaceSet::of({pattern}));
  }

  bool protocol() {
    auto name = next();
    if (name == "ipv6-icmp") name = "icmpv6";
    const auto parsed = parse_protocol(name);
    if (!parsed) return false;
    const auto given = ProtocolSet::of(*parsed);
    rule_.match.protocols = negated_ ? ~given : given;
    return true;
  }

  bool ports(PortSet& set) {
    const auto given = parse_port_list(next());
    if (!given) return false;
    set = negated_ ? set - *given : set & *given;
    return true;
  }

  bool target() {
    const auto name = next();
    if (name == "DNAT" || name == "REDIRECT")
      rule_.redirects = true;
    else if (name != "ACCEPT" && name != "RETURN" && name != "LOG" && name != "MARK")
      rule_.jumps.push_back(name);
    return true;
  }

  bool target_ports(std::string_view text) {
    const auto interval = parse_ports(text.substr(0, text.find('/')), '-');
    if (interval) rule_.ports.push_back(*interval);
    return interval.has_value();
  }

  // "172.17.0.2:80", "192.0.2.1-192.0.2.9:80-90", ":80", "[2001:db8::2]:80", "2001:db8::2"
  bool destination() {
    const auto text = next();
    std::string_view address = text;
    std::string_view ports;
    if (text.starts_with('[')) {
      const auto close = text.find(']');
      if (close == std::string::npos) return false;
      address = address.substr(1, close - 1);
      ports = std::string_view(text).substr(std::min(text.size(), close + 2));
    } else if (std::count(text.begin(), text.end(), ':') == 1) {
      address = address.substr(0, text.find(':'));
      ports = std::string_view(text).substr(text.find(':') + 1);
    }
    bool understood = ports.empty() || target_ports(ports);
    if (address.empty()) return understood;
    const auto parsed = parse_address_item(address);
    if (const auto* v4 = std::get_if<Interval<Ipv4>>(&parsed.value))
      rule_.addresses.emplace_back(*v4);
    else if (const auto* v6 = std::get_if<Interval<Ipv6>>(&parsed.value))
      rule_.addresses.emplace_back(*v6);
    else
      understood = false;
    return understood;
  }

  std::vector<std::string> words_;
  std::size_t at_ = 0;
  bool negated_ = false;
  NatRule rule_;
};

}  // namespace

std::vector<NatTable> nat_tables_of_iptables(std::string_view saved, Family family) {
  std::vector<NatTable> tables;
  bool inside = false;
  while (!saved.empty()) {
    const auto line = saved.substr(0, saved.find('\n'));
    saved.remove_prefix(std::min(saved.size(), line.size() + 1));
    if (line.starts_with('*')) {
      inside = line.starts_with("*nat");
      if (inside)
        tables.push_back({.name = family == Family::ipv4 ? "ip nat" : "ip6 nat",
                          .chains = {},
                          .prerouting = {"PREROUTING"}});
    }
    if (!inside || !line.starts_with("-A ")) continue;
    auto words = words_of(line);
    if (words.size() < 2) continue;
    const auto chain = words[1];
    tables.back().chains[chain].push_back(RuleReader(std::move(words), family).read());
  }
  return tables;
}

}  // namespace firewright::host
