#include "tests/backends/iptables/mutate.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "tests/backends/iptables/mutate_files.h"
#include "tests/backends/iptables/mutate_words.h"

namespace firewright::iptables::test {
namespace {

using namespace damage;  // NOLINT(google-build-using-namespace)

std::vector<MutantKind> all_damages() {
  const auto v = [](auto... options) { return std::vector<std::string>{options...}; };
  std::vector<MutantKind> kinds;
  const auto add = [&](MutantKind kind) { kinds.push_back(std::move(kind)); };

  add({"rule dropped", dropped});
  add({"rule moved to the top", [](const FileLines& l) { return at_the_end(l, true, false); }});
  add({"rule moved to the bottom", [](const FileLines& l) { return at_the_end(l, false, false); }});
  add({"rule copied to the top", [](const FileLines& l) { return at_the_end(l, true, true); }});
  add({"neighbours swapped", swapped});
  add({"chain policy changed", other_policy});
  add({"rule in another hook's chain", other_chain});
  add({"jump to another chain", other_jump});
  add({"all rules lost", emptied});
  add({"a chain's rules lost", chain_emptied});

  add(target_for("accept for drop", "DROP", {"-j", "ACCEPT"}));
  add(target_for("drop for accept", "ACCEPT", {"-j", "DROP"}));
  add(target_for("reject for accept", "ACCEPT", {"-j", "REJECT"}));
  add(target_for("reject for drop", "DROP", {"-j", "REJECT"}));
  add(target_for("drop for reject", "REJECT", {"-j", "DROP"}));
  add(target_for("return for accept", "ACCEPT", {"-j", "RETURN"}));
  add(target_for("no target for accept", "ACCEPT", {}));
  add(target_for("accept for return", "RETURN", {"-j", "ACCEPT"}));
  add(each_rule("goto for jump", [](const Words& words) {
    std::vector<Words> result;
    const auto at = place_of(words, "-j");
    if (!at || !words[*at + 1].starts_with("firewright-")) return result;
    result.push_back(words);
    result.back()[*at] = "-g";
    return result;
  }));
  add(value_of("reject with something else", v("--reject-with"), [](const std::string& kind) {
    if (kind == "tcp-reset") return std::vector<std::string>{"port-unreach"};
    return std::vector<std::string>{kind.starts_with("icmp6") ? "icmp6-adm-prohibited"
                                                              : "icmp-admin-prohibited"};
  }));

  add(option_for("source for destination", {{"-s", "-d"}, {"-d", "-s"}}));
  add(option_for("source range for destination range",
                 {{"--src-range", "--dst-range"}, {"--dst-range", "--src-range"}}));
  add(value_of("prefix one longer", v("-s", "-d"),
               [](const std::string& p) { return longer_prefix(p, 1); }));
  add(value_of("prefix one shorter", v("-s", "-d"),
               [](const std::string& p) { return longer_prefix(p, -1); }));
  add(value_of("another network", v("-s", "-d"), other_network));
  add(value_of("range ends later", v("--src-range", "--dst-range"),
               [](const std::string& r) { return range_end(r, false, 1); }));
  add(value_of("range ends earlier", v("--src-range", "--dst-range"),
               [](const std::string& r) { return range_end(r, false, -1); }));
  add(value_of("range begins later", v("--src-range", "--dst-range"),
               [](const std::string& r) { return range_end(r, true, 1); }));
  add(without("addresses lost", {{"-s", "*"}, {"-d", "*"}}));
  add(without("range lost",
              {{"-m", "iprange", "--src-range", "*"}, {"-m", "iprange", "--dst-range", "*"}}));

  add(each_rule("negation lost", not_negated));
  add(each_rule("negation added", negated));

  add(value_of("port plus one", v("--dport", "--sport"),
               [](const std::string& p) { return plus(p, 1, ""); }));
  add(value_of("port range ends earlier", v("--dport", "--sport"),
               [](const std::string& p) { return plus(p, -1, ":"); }));
  add(option_for("source port for destination port",
                 {{"--dport", "--sport"}, {"--dports", "--sports"}}));
  add(without("port lost", {{"--dport", "*"}, {"--sport", "*"}}));
  add(value_of("last port of a list missing", v("--dports", "--sports"),
               [](const std::string& list) { return without_item(list, true); }));
  add(value_of("first port of a list missing", v("--dports", "--sports"),
               [](const std::string& list) { return without_item(list, false); }));
  add(value_of("one port of a list plus one", v("--dports", "--sports"),
               [](const std::string& list) {
                 auto all = items(list);
                 const auto next =
                     plus(all.front(), 1, all.front().find(':') == std::string::npos ? "" : ":");
                 if (next.empty()) return next;
                 all.front() = next.front();
                 return std::vector<std::string>{list_of(all)};
               }));
  add(without("port list lost",
              {{"-m", "multiport", "--dports", "*"}, {"-m", "multiport", "--sports", "*"}}));

  add(value_of("udp for tcp", v("-p"), [](const std::string& p) {
    return p == "tcp"   ? std::vector<std::string>{"udp"}
           : p == "udp" ? std::vector<std::string>{"tcp"}
                        : std::vector<std::string>{};
  }));
  add(value_of("another protocol", v("-p"),
               [](const std::string&) { return std::vector<std::string>{"17", "132"}; }));
  add(without("protocol lost", {{"-p", "*"}}));
  add(value_of("another ICMP type", v("--icmp-type", "--icmpv6-type"), other_type));
  add(value_of("one code of an ICMP type", v("--icmp-type", "--icmpv6-type"),
               [](const std::string& type) {
                 if (type == "echo-request") return std::vector<std::string>{"8/1", "128/1"};
                 return std::vector<std::string>{"3/1", "1/1"};
               }));
  add(without("ICMP type lost", {{"--icmp-type", "*"}, {"--icmpv6-type", "*"}}));

  add(value_of("a state missing", v("--ctstate"),
               [](const std::string& list) { return without_item(list, true); }));
  add(value_of("a state more", v("--ctstate"), [](const std::string& list) {
    return std::vector<std::string>{list + ",UNTRACKED"};
  }));
  add(value_of("another state", v("--ctstate"), [](const std::string& list) {
    auto changed = other_item(list, "NEW", "INVALID");
    if (changed.front() == list) changed = other_item(list, "ESTABLISHED", "NEW");
    if (changed.front() == list) changed = other_item(list, "INVALID", "RELATED");
    return changed;
  }));
  add(without("state lost", {{"-m", "conntrack", "--ctstate", "*"}}));

  add(value_of("another interface", v("-i", "-o"), [](const std::string& name) {
    return std::vector<std::string>{name == "other7" ? "other8" : "other7"};
  }));
  add(value_of("interface as a wildcard", v("-i", "-o"), [](const std::string& name) {
    return name.ends_with('+') ? std::vector<std::string>{} : std::vector<std::string>{name + "+"};
  }));
  add(value_of("wildcard lost", v("-i", "-o"), [](const std::string& name) {
    return name.ends_with('+') ? std::vector<std::string>{name.substr(0, name.size() - 1)}
                               : std::vector<std::string>{};
  }));
  add(option_for("outgoing for incoming", {{"-i", "-o"}, {"-o", "-i"}}));
  add(without("interface lost", {{"-i", "*"}, {"-o", "*"}}));

  add(value_of("another user", v("--uid-owner", "--gid-owner"), [](const std::string& owner) {
    return plus(owner, 1, owner.find('-') == std::string::npos ? "" : "-");
  }));
  add(option_for("group for user",
                 {{"--uid-owner", "--gid-owner"}, {"--gid-owner", "--uid-owner"}}));
  add(without("user lost",
              {{"-m", "owner", "--uid-owner", "*"}, {"-m", "owner", "--gid-owner", "*"}}));

  add(value_of("a higher rate", v("--limit", "--hashlimit-upto"), faster));
  add(value_of("another unit", v("--limit", "--hashlimit-upto"), other_unit));
  add(value_of("another burst", v("--limit-burst", "--hashlimit-burst"),
               [](const std::string& burst) { return plus(burst, 1, ""); }));
  add(without("limit lost", {{"-m", "limit", "--limit", "*", "--limit-burst", "*"}}));
  add(without("no bucket for each source", {{"--hashlimit-mode", "*"}}));
  add(value_of("bucket for each destination", v("--hashlimit-mode"), [](const std::string&) {
    return std::vector<std::string>{"dstip", "srcip,srcport"};
  }));
  add(value_of("bucket forgotten early", v("--hashlimit-htable-expire"),
               [](const std::string&) { return std::vector<std::string>{"1000"}; }));
  add(option_for("over the rate", {{"--hashlimit-upto", "--hashlimit-above"}}));
  add({"two buckets become one", shared_bucket});
  add({"one bucket becomes two", apart_bucket});
  add(value_of("another number of connections", v("--connlimit-upto"),
               [](const std::string& count) { return plus(count, 1, ""); }));
  add(value_of("connections of all", v("--connlimit-mask"), [](const std::string& mask) {
    return std::vector<std::string>{mask == "0" ? "24" : "0"};
  }));
  add(option_for("over the number of connections", {{"--connlimit-upto", "--connlimit-above"}}));
  add(each_rule("a match behind the limit", [](const Words& words) {
    std::vector<Words> result;
    for (const auto* limit : {"limit", "hashlimit", "connlimit"}) {
      const auto at = place_of(words, limit);
      if (!at) continue;
      auto changed = words;
      const auto end = place_of(words, "-j").value_or(words.size());
      const Words more{"-m", "conntrack", "--ctstate", "NEW,ESTABLISHED,RELATED,INVALID,UNTRACKED"};
      changed.insert(changed.begin() + static_cast<std::ptrdiff_t>(end), more.begin(), more.end());
      result.push_back(std::move(changed));
    }
    return result;
  }));

  add(value_of("another log prefix", v("--log-prefix"), other_prefix));
  add(without("log prefix lost", {{"--log-prefix", "*"}}));
  add(target_for("log lost", "LOG", {}));
  add(each_rule("another log level", [](const Words& words) {
    std::vector<Words> result;
    if (!place_of(words, "LOG")) return result;
    result.push_back(words);
    result.back().insert(result.back().end(), {"--log-level", "debug"});
    return result;
  }));
  add(value_of("counter renamed", v("--comment"), [](const std::string& comment) {
    if (!comment.starts_with("\"count ")) return std::vector<std::string>{};
    return std::vector<std::string>{"\"count x" + comment.substr(7)};
  }));
  add(value_of("counter lost", v("--comment"), [](const std::string& comment) {
    if (!comment.starts_with("\"count ")) return std::vector<std::string>{};
    return std::vector<std::string>{"\"name: " + comment.substr(1)};
  }));
  return kinds;
}

std::vector<FileLines> renamed_chains(const FileLines& lines) {
  auto changed = lines;
  for (auto& line : changed)
    for (auto at = line.find("firewright-"); at != std::string::npos;
         at = line.find("firewright-", at + 1))
      if (at > 0 && (line[at - 1] == ':' || line[at - 1] == ' ')) line.replace(at, 11, "zz-");
  return {changed};
}

std::vector<FileLines> sorted_declarations(const FileLines& lines) {
  auto changed = lines;
  std::stable_sort(changed.begin(), changed.end(), [](const std::string& a, const std::string& b) {
    return a.starts_with(':') && b.starts_with(':') && a < b;
  });
  return {changed};
}

std::vector<MutantKind> all_harmless() {
  std::vector<MutantKind> kinds;
  kinds.push_back(value_of("another comment", {"--comment"}, [](const std::string& comment) {
    if (comment.starts_with("\"count ")) return std::vector<std::string>{};
    return std::vector<std::string>{"other"};
  }));
  kinds.push_back(each_rule("counters", [](const Words& words) {
    std::vector<Words> result{words};
    result.back().insert(result.back().begin(), "[12:3456]");
    return result;
  }));
  kinds.push_back(each_rule("counters behind", [](const Words& words) {
    std::vector<Words> result{words};
    result.back().insert(result.back().end(), {"-c", "1", "2"});
    return result;
  }));
  kinds.push_back({"rule twice in a row", [](const FileLines& lines) {
                     std::vector<FileLines> result;
                     for (const auto i : rules_in(lines)) {
                       // A second limit is a second bucket.
                       if (lines[i].find("limit") != std::string::npos) continue;
                       result.push_back(lines);
                       result.back().insert(result.back().begin() + static_cast<std::ptrdiff_t>(i),
                                            lines[i]);
                     }
                     return result;
                   }});
  kinds.push_back({"chains renamed", renamed_chains});
  kinds.push_back({"declarations sorted", sorted_declarations});
  kinds.push_back(value_of("protocol as a number", {"-p"}, [](const std::string& name) {
    return name == "tcp"         ? std::vector<std::string>{"6"}
           : name == "icmp"      ? std::vector<std::string>{"1"}
           : name == "ipv6-icmp" ? std::vector<std::string>{"icmpv6"}
                                 : std::vector<std::string>{};
  }));
  kinds.push_back(option_for("long options", {{"-s", "--source"},
                                              {"-d", "--dst"},
                                              {"-p", "--protocol"},
                                              {"-i", "--in-interface"},
                                              {"-o", "--out-interface"},
                                              {"-j", "--jump"},
                                              {"--dport", "--destination-port"}}));
  kinds.push_back(value_of("length of a whole address", {"-s", "-d"}, [](const std::string& text) {
    return text.find('/') == std::string::npos ? longer_prefix(text, 0)
                                               : std::vector<std::string>{};
  }));
  kinds.push_back(value_of("states in another order", {"--ctstate"}, [](const std::string& list) {
    auto all = items(list);
    std::reverse(all.begin(), all.end());
    return std::vector<std::string>{list_of(all)};
  }));
  kinds.push_back(
      value_of("units in short", {"--limit", "--hashlimit-upto"}, [](const std::string& rate) {
        return std::vector<std::string>{rate.substr(0, rate.find('/') + 2)};
      }));
  kinds.push_back(
      value_of("bucket's table renamed", {"--hashlimit-name"}, [](const std::string& name) {
        return std::vector<std::string>{std::string("x").append(name.substr(1))};
      }));
  return kinds;
}

}  // namespace

FileLines lines_of(const std::string& text) {
  FileLines lines;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find('\n', at);
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

std::string text_of(const FileLines& lines) {
  std::string text;
  for (const auto& line : lines) text += line + '\n';
  return text;
}

Words words_of(const std::string& line) {
  Words words;
  bool quoted = false, open = false;
  for (std::size_t i = 0; i < line.size(); ++i) {
    if (line[i] == ' ' && !quoted) {
      open = false;
      continue;
    }
    if (!open) words.emplace_back();
    open = true;
    words.back() += line[i];
    if (line[i] == '"') quoted = !quoted;
    if (line[i] == '\\' && quoted && i + 1 < line.size()) words.back() += line[++i];
  }
  return words;
}

const std::vector<MutantKind>& damages() {
  static const auto kinds = all_damages();
  return kinds;
}

const std::vector<MutantKind>& harmless_changes() {
  static const auto kinds = all_harmless();
  return kinds;
}

}  // namespace firewright::iptables::test