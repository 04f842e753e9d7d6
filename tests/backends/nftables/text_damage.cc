#include "tests/backends/nftables/text_damage.h"

#include <algorithm>
#include <regex>
#include <utility>

namespace firewright::test {
namespace {

using Change = std::function<std::string(const std::smatch&)>;

// At most `limit` of the first `count` numbers, spread evenly.
std::vector<std::size_t> spread(std::size_t count, std::size_t limit) {
  std::vector<std::size_t> chosen;
  const auto take = std::min(count, limit);
  for (std::size_t i = 0; i < take; ++i) chosen.push_back(i * count / take);
  return chosen;
}

TextDamage at_each(std::string name, const std::string& pattern, Change change) {
  return {std::move(name), [pattern = std::regex(pattern), change = std::move(change)](
                               const std::string& text, std::size_t limit) {
            std::vector<std::smatch> places(std::sregex_iterator(text.begin(), text.end(), pattern),
                                            std::sregex_iterator());
            std::vector<std::string> damaged;
            for (const auto i : spread(places.size(), limit)) {
              const auto& place = places[i];
              damaged.push_back(text);
              damaged.back().replace(static_cast<std::size_t>(place.position(0)),
                                     static_cast<std::size_t>(place.length(0)), change(place));
            }
            return damaged;
          }};
}

TextDamage replaced(std::string name, const std::string& pattern, std::string with) {
  return at_each(std::move(name), pattern,
                 [with = std::move(with)](const std::smatch& m) { return m.format(with); });
}

// Adds to the number in the pattern's second group; the first and third stay.
TextDamage added(std::string name, const std::string& pattern, long by) {
  return at_each(std::move(name), pattern, [by](const std::smatch& m) {
    return m[1].str() + std::to_string(std::stol(m[2].str()) + by) + m[3].str();
  });
}

// --- rules: lines of two tabs that are no part of a set, an object or a chain's head

struct Lines {
  std::vector<std::string> all;
  std::vector<std::size_t> rules;
};

Lines lines_of(const std::string& text) {
  Lines lines;
  bool in_chain = false;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    lines.all.push_back(text.substr(at, end - at));
    at = end + 1;
    const auto& line = lines.all.back();
    if (line.starts_with("\tchain ")) in_chain = true;
    if (line.starts_with("\t}")) in_chain = false;
    if (in_chain && line.starts_with("\t\t") && !line.starts_with("\t\ttype "))
      lines.rules.push_back(lines.all.size() - 1);
  }
  return lines;
}

std::string joined(const std::vector<std::string>& lines) {
  std::string text;
  for (const auto& line : lines) text += line + "\n";
  return text;
}

TextDamage at_each_rule(std::string name,
                        std::function<void(std::vector<std::string>&, std::size_t)> change) {
  return {std::move(name),
          [change = std::move(change)](const std::string& text, std::size_t limit) {
            const auto lines = lines_of(text);
            std::vector<std::string> damaged;
            for (const auto i : spread(lines.rules.size(), limit)) {
              auto all = lines.all;
              change(all, lines.rules[i]);
              damaged.push_back(joined(all));
            }
            return damaged;
          }};
}

void swap_with_next(std::vector<std::string>& lines, std::size_t i) {
  if (lines[i + 1].starts_with("\t\t")) std::swap(lines[i], lines[i + 1]);
}

void move_to_front(std::vector<std::string>& lines, std::size_t i) {
  const auto rule = lines[i];
  auto front = i;
  while (!lines[front - 1].starts_with("\tchain ") && !lines[front - 1].starts_with("\t\ttype "))
    --front;
  lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(i));
  lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(front), rule);
}

void behind_the_last(std::vector<std::string>& lines, std::size_t i) {
  const auto rule = lines[i];
  auto last = i;
  while (lines[last + 1].starts_with("\t\t")) ++last;
  lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(last) + 1, rule);
  lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(i));
}

TextDamage cut(std::string name, std::size_t parts) {
  return {std::move(name), [parts](const std::string& text, std::size_t limit) {
            std::vector<std::string> damaged;
            for (const auto i : spread(parts, limit))
              damaged.push_back(text.substr(0, text.size() * (i + 1) / (parts + 1)));
            return damaged;
          }};
}

const std::string octets = R"(\d+\.\d+\.\d+\.)";

std::vector<TextDamage> of_ports() {
  return {
      added("port up", R"(([ds]port (?:!= )?(?:\{ )?)(\d+)( ))", 1),
      added("port down", R"(([ds]port (?:!= )?(?:\{ )?)([1-9]\d*)( ))", -1),
      added("last port of a range up", R"(([ds]port [^"\n]*?\d+-)(\d+)([ ,]))", 1),
      added("first port of a range down", R"(([ds]port (?:\{ )?)([1-9]\d*)(-))", -1),
      replaced("last element lost", R"((\{ [^{}\n]*), [^{},\n]+ \})", "$1 }"),
      replaced("first element lost", R"(\{ [^{},\n]+, )", "{ "),
      replaced("element added", R"(port \{ )", "port { 4242, "),
      replaced("destination port for source port", "dport", "sport"),
      replaced("tcp for udp", "udp dport", "tcp dport"),
      replaced("udp for tcp", "tcp dport", "udp dport"),
      replaced("ports lost", R"((tcp|udp) dport (\{[^}]*\}|\S+) )", "meta l4proto $1 "),
      replaced("negation added", R"((dport|saddr|iifname) (?!!=))", "$1 != "),
      replaced("negation lost", "!= ", ""),
  };
}

std::vector<TextDamage> of_addresses() {
  return {
      at_each("IPv4 prefix longer", "(" + octets + R"(\d+/)(\d+))",
              [](const std::smatch& m) {
                return m[1].str() + std::to_string(std::stol(m[2].str()) + 1);
              }),
      at_each("IPv4 prefix shorter", "(" + octets + R"(\d+/)(\d+))",
              [](const std::smatch& m) {
                return m[1].str() + std::to_string(std::stol(m[2].str()) - 1);
              }),
      at_each("IPv6 prefix longer", R"((:/)(\d+))",
              [](const std::smatch& m) {
                return m[1].str() + std::to_string(std::stol(m[2].str()) + 1);
              }),
      at_each("IPv6 prefix shorter", R"((:/)(\d+))",
              [](const std::smatch& m) {
                return m[1].str() + std::to_string(std::stol(m[2].str()) - 1);
              }),
      added("IPv4 address up", "(ip [sd]addr (?:\\{ )?" + octets + R"()(\d+)([ ,\n]))", 1),
      added("end of an IPv4 range up", "(-" + octets + R"()(\d+)())", 1),
      replaced("another IPv6 network", "2001:db8:", "2001:db9:"),
      replaced("destination for source", "saddr", "daddr"),
      replaced("source for destination", "daddr", "saddr"),
      replaced("address lost", R"(ip6? [sd]addr (?:!= )?(\{[^}]*\}|\S+) )", ""),
      replaced("the other family", R"(ip saddr (\S+) )", "ip6 saddr $1 "),
      replaced("a set's element lost", R"((elements = \{ )[^,]+,\s*)", "$1"),
      replaced("a set's end lost", R"((elements = \{ [^}]*),[^,}]+\})", "$1 }"),
      replaced("another set", R"(addr @from-[\w-]+)", "addr @limit-nothing"),
  };
}

std::vector<TextDamage> of_other_matches() {
  return {
      replaced("family turned", "nfproto ipv4", "nfproto ipv6"),
      replaced("family turned back", "nfproto ipv6", "nfproto ipv4"),
      replaced("family lost", R"(meta nfproto \S+ )", ""),
      replaced("another protocol", R"(meta l4proto (\w+) )", "meta l4proto gre "),
      replaced("protocol lost", R"(meta l4proto \S+ )", ""),
      replaced("protocol turned", R"(meta l4proto (?!!=))", "meta l4proto != "),
      replaced("another ICMP type", "type echo-request", "type echo-reply"),
      replaced("an ICMP type more", R"((icmpv?6? type) \{ )", "$1 { 200, "),
      replaced("the other ICMP", R"(icmp type)", "icmpv6 type"),
      replaced("a state lost", "established,related", "established"),
      replaced("a state more", "ct state established,", "ct state new,established,"),
      replaced("another state", "ct state invalid", "ct state new"),
      replaced("state lost", R"(ct state new )", ""),
      replaced("states compared as a whole", "ct state established,", "ct state == established,"),
      replaced("another interface", R"("lo")", R"("lo0")"),
      replaced("wildcard lost", R"(\*")", "\""),
      replaced("wildcard added", R"x(([io]ifname "[\w-]+)")x", "$1*\""),
      replaced("out for in", "iifname", "oifname"),
      replaced("in for out", "oifname", "iifname"),
      replaced("interface lost", R"([io]ifname "\S+ )", ""),
      added("another user", R"((skuid (?:!= )?(?:\{ )?)(\d+)([ -]))", 1),
  };
}

std::vector<TextDamage> of_statements() {
  return {
      replaced("drop for accept", R"(\baccept( comment|\n))", "drop$1"),
      replaced("accept for drop", R"(\bdrop( comment|\n))", "accept$1"),
      replaced("return for accept", R"(\baccept( comment|\n))", "return$1"),
      replaced("verdict lost", R"( accept( comment|\n))", "$1"),
      replaced("a map's verdict turned", ": accept", ": drop"),
      replaced("another answer", R"(reject(\n| comment))", "reject with icmpx admin-prohibited$1"),
      replaced("drop for reject", R"(reject[^"\n]*?(\n| comment))", "drop$1"),
      added("rate up", R"((rate )(\d+)(/))", 1),
      added("burst up", R"((burst )(\d+)( packets))", 1),
      replaced("another unit", R"(/minute burst)", "/hour burst"),
      replaced("over a rate", R"(limit rate (?!over))", "limit rate over "),
      replaced(
          "limit before the conditions",
          R"(\t\t((?:ip|tcp|udp|ct|iifname|meta) [^\n]*?)(limit (?:rate \S+ burst \d+ packets|name "\S+") ))",
          "\t\t$2$1"),
      replaced("limit lost", R"(limit (rate \S+ burst \d+ packets|name "\S+") )", ""),
      replaced("limit of each source lost", R"((update|add) @\S+ \{[^}]*\} )", ""),
      added("more connections", R"((ct count )(\d+)( ))", 1),
      replaced("bucket forgotten early", R"(timeout \S+)", "timeout 1s"),
      replaced("another log prefix", R"(log prefix ")", "log prefix \"x"),
      replaced("log's level added", R"((log prefix "[^"]*"))", "$1 level debug"),
      replaced("log lost", R"(log prefix "[^"]*" ?)", ""),
      replaced("counter lost", R"(counter name "[^"]*" )", ""),
      replaced("another counter", R"(counter name "count-)", "counter name \"other-"),
      replaced("jump elsewhere", R"(jump limit-\S+)", "jump nowhere"),
      replaced("jump lost", R"(jump limit-\S+)", "accept"),
  };
}

std::vector<TextDamage> of_structure() {
  return {
      at_each_rule("rule lost",
                   [](auto& lines, std::size_t i) {
                     lines.erase(lines.begin() + static_cast<std::ptrdiff_t>(i));
                   }),
      at_each_rule("rules swapped", swap_with_next),
      at_each_rule("rule moved to the front", move_to_front),
      at_each_rule("rule moved to the end", behind_the_last),
      at_each_rule("rule commented out",
                   [](auto& lines, std::size_t i) { lines[i].insert(2, "# "); }),
      at_each_rule("rule joined with the next",
                   [](auto& lines, std::size_t i) { lines[i] += " \\"; }),
      at_each_rule("half a rule",
                   [](auto& lines, std::size_t i) { lines[i].resize(lines[i].size() / 2); }),
      replaced("another hook", "hook input", "hook output"),
      replaced("another hook back", "hook output", "hook forward"),
      replaced("another kind of chain", "type filter hook input", "type nat hook input"),
      replaced("a table of one family", R"(\ntable inet (\S+) \{)", "\ntable ip $1 {"),
      replaced("table asleep", R"((\ntable inet \S+ \{\n))", "$1\tflags dormant\n"),
      replaced("everything deleted", R"(\}\n$)", "}\nflush ruleset\n"),
      replaced("ranges undeclared", "\t\tflags interval\n", ""),
      replaced("quote lost", R"("(\n|\s))", "$1"),
      replaced("brace lost", R"(\})", ""),
      replaced("word misspelt", R"(\b(accept|dport|saddr|state)\b)", "x$1"),
      replaced("type of a set changed", "type ipv4_addr", "type ipv6_addr"),
      cut("cut off", 9),
  };
}

}  // namespace

const std::vector<TextDamage>& text_damages() {
  static const auto all = [] {
    std::vector<TextDamage> list;
    for (auto part :
         {of_ports(), of_addresses(), of_other_matches(), of_statements(), of_structure()})
      list.insert(list.end(), part.begin(), part.end());
    return list;
  }();
  return all;
}

const std::vector<TextDamage>& text_rewordings() {
  static const std::vector<TextDamage> all{
      // Every base chain ends in a rule of its own.
      replaced("policy turned", "policy drop;", "policy accept;"),
      replaced("policy turned back", "policy accept;", "policy drop;"),
      replaced("priority as a number", "priority filter", "priority 0"),
      replaced("another priority", "priority filter", "priority filter - 10"),
      replaced("single port in braces", R"((dport|sport) (\d+) )", "$1 { $2 } "),
      replaced("states in braces", "ct state established,related ",
               "ct state { established, related } "),
      replaced("states with a bar", "established,related", "related | established"),
      replaced("counters that count", R"(\baccept( comment|\n))",
               "counter packets 1 bytes 2 accept$1"),
      replaced("comment lost", R"( comment "[^"]*"\n)", "\n"),
      replaced("meta in front", R"(iifname ")", "meta iifname \""),
      replaced("names without quotes", R"x(iifname "([a-z]+\d*)")x", "iifname $1"),
      replaced("equal signs", R"(([ds]port) (?!!=))", "$1 == "),
      replaced("a family that is known", R"(\t\tip saddr)", "\t\tmeta nfproto ipv4 ip saddr"),
      replaced("a protocol that is known", R"((tcp dport))", "meta l4proto tcp $1"),
      replaced("a larger set", R"(size \d+)", "size 1000000"),
      replaced("traced", R"(\t\t(tcp dport))", "\t\tmeta nftrace set 1 $1"),
      replaced("default level", R"((log prefix "[^"]*"))", "$1 level warn"),
      replaced("semicolons", R"((accept|drop)\n)", "$1; "),
      replaced("chain left alone", R"(\n(\tchain input))", "\n\tchain unused { drop; }\n$1"),
      at_each_rule("rule said twice",
                   [](auto& lines, std::size_t i) {
                     // But a bucket without a name said twice is two buckets.
                     if (lines[i].find("limit rate") != std::string::npos ||
                         lines[i].find("ct count") != std::string::npos)
                       return;
                     lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(i), lines[i]);
                   }),
      at_each_rule("comment between rules",
                   [](auto& lines, std::size_t i) {
                     lines.insert(lines.begin() + static_cast<std::ptrdiff_t>(i), "# {\n");
                   }),
      at_each_rule("rule over two lines",
                   [](auto& lines, std::size_t i) {
                     const auto blank = lines[i].find(' ');
                     if (blank != std::string::npos) lines[i].insert(blank, " \\\n");
                   }),
  };
  return all;
}

}  // namespace firewright::test
