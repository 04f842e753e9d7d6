#include "tests/backends/netsh/damage.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>

#include "tests/backends/netsh/lines.h"
#include "tests/backends/netsh/model.h"

namespace firewright::netsh::test {
namespace {

using Change = std::function<std::optional<std::string>(const std::string&)>;

// Every line that `change` has another text for; an empty one goes.
Damage in_lines(std::string name, Change change) {
  return {std::move(name), [change](const Files& files, std::size_t limit) {
            struct Place {
              std::size_t file;
              std::size_t line;
              std::string text;
            };
            std::vector<Place> places;
            std::vector<std::vector<std::string>> lines;
            for (std::size_t f = 0; f < files.size(); ++f) {
              lines.push_back(model::lines_of(files[f].second));
              for (std::size_t l = 0; l < lines[f].size(); ++l)
                if (auto text = change(lines[f][l]); text && *text != lines[f][l])
                  places.push_back({f, l, std::move(*text)});
            }
            std::vector<Files> result;
            const auto step = std::max<std::size_t>(1, places.size() / limit);
            for (std::size_t i = 0; i < places.size(); i += step) {
              const auto& place = places[i];
              Files damaged = files;
              std::string bytes;
              for (std::size_t l = 0; l < lines[place.file].size(); ++l) {
                const auto& text = l == place.line ? place.text : lines[place.file][l];
                if (l != place.line || !text.empty()) bytes += text + "\r\n";
              }
              damaged[place.file].second = std::move(bytes);
              result.push_back(std::move(damaged));
            }
            return result;
          }};
}

// Only lines that add a rule.
Damage in_rules(std::string name, Change change) {
  return in_lines(std::move(name), [change](const std::string& line) {
    return adds_rule(line) ? change(line) : std::nullopt;
  });
}

// One of the tags of a rule; `change` gives its new value, "" to take it away.
Damage in_tag(std::string name, std::vector<std::string> tags,
              std::function<std::optional<std::string>(const std::string&)> change) {
  return in_rules(std::move(name), [=](const std::string& line) -> std::optional<std::string> {
    for (const auto& tag : tags) {
      const auto value = value_of(line, tag);
      if (!value) continue;
      const auto changed = change(*value);
      if (!changed) continue;
      return with_value(line, tag, changed->empty() ? std::nullopt : changed);
    }
    return std::nullopt;
  });
}

// One value of a tag for another.
Damage in_value(std::string name, const std::string& tag, const std::string& from,
                const std::string& to) {
  return in_tag(std::move(name), {tag}, [=](const std::string& value) {
    return value == from ? std::optional(to) : std::nullopt;
  });
}

Damage rename_tag(std::string name, const std::string& from, const std::string& to) {
  return in_rules(std::move(name), [=](const std::string& line) -> std::optional<std::string> {
    if (!value_of(line, from) || value_of(line, to)) return std::nullopt;
    return with_tag(line, from, to);
  });
}

Damage append(std::string name, const std::string& tag) {
  return in_rules(std::move(name),
                  [=](const std::string& line) { return std::optional(line + " " + tag); });
}

Damage in_text(std::string name, const std::string& what, const std::string& by) {
  return in_lines(std::move(name), [=](const std::string& line) -> std::optional<std::string> {
    if (line.find(what) == std::string::npos || line.starts_with("#")) return std::nullopt;
    return by.empty() ? std::string() : replaced(line, what, by);
  });
}

// The files as a whole.
Damage in_files(std::string name, std::function<std::optional<Files>(Files)> change) {
  return {std::move(name), [change](const Files& files, std::size_t) {
            std::vector<Files> result;
            if (auto damaged = change(files)) result.push_back(std::move(*damaged));
            return result;
          }};
}

std::size_t index_of(const Files& files, std::string_view part) {
  std::size_t i = 0;
  while (i < files.size() && files[i].first != part) ++i;
  return i;
}

Damage without_file(const std::string& part) {
  return in_files(part + " missing", [=](Files files) -> std::optional<Files> {
    const auto at = index_of(files, part);
    if (at == files.size()) return std::nullopt;
    files.erase(files.begin() + static_cast<std::ptrdiff_t>(at));
    return files;
  });
}

// A line more at the end of a phase.
Damage more_in(const std::string& part, const std::string& line) {
  return in_files(part + " and " + line, [=](Files files) -> std::optional<Files> {
    const auto at = index_of(files, part);
    if (at == files.size()) return std::nullopt;
    files[at].second += line + "\r\n";
    return files;
  });
}

// --- values

struct Ends {
  u128 first, last;
  bool v4;
};

std::optional<Ends> ends_of(const std::string& item) {
  const auto parsed = parse_address_item(item);
  if (const auto* v4 = std::get_if<Interval<Ipv4>>(&parsed.value))
    return Ends{v4->first.value, v4->last.value, true};
  if (const auto* v6 = std::get_if<Interval<Ipv6>>(&parsed.value))
    return Ends{v6->first.value, v6->last.value, false};
  return std::nullopt;
}

std::optional<std::string> item_of(const Ends& ends) {
  if (ends.first > ends.last) return std::nullopt;
  if (ends.v4)
    return to_string(Interval<Ipv4>{Ipv4{static_cast<std::uint32_t>(ends.first)},
                                    Ipv4{static_cast<std::uint32_t>(ends.last)}});
  return to_string(Interval<Ipv6>{Ipv6{ends.first}, Ipv6{ends.last}});
}

// The first address of a list that can be changed.
Damage in_address(std::string name, std::function<void(Ends&)> change) {
  return in_tag(std::move(name), {"remoteip", "localip"},
                [=](const std::string& value) -> std::optional<std::string> {
                  auto items = split(value);
                  for (auto& item : items) {
                    auto ends = ends_of(item);
                    if (!ends) continue;
                    const auto before = *ends;
                    change(*ends);
                    const auto changed = item_of(*ends);
                    if (!changed || (ends->first == before.first && ends->last == before.last))
                      continue;
                    item = *changed;
                    return join(items);
                  }
                  return std::nullopt;
                });
}

unsigned number(const std::string& text) { return static_cast<unsigned>(std::stoul(text)); }

Damage in_ports(std::string name, std::function<void(unsigned&, unsigned&)> change) {
  return in_tag(std::move(name), {"localport", "remoteport"},
                [=](const std::string& value) -> std::optional<std::string> {
                  auto items = split(value);
                  auto& item = items.back();
                  const auto dash = item.find('-');
                  auto first = number(item.substr(0, dash));
                  auto last = dash == std::string::npos ? first : number(item.substr(dash + 1));
                  change(first, last);
                  if (first > last || last > 65535) return std::nullopt;
                  item = std::to_string(first);
                  if (first != last) item += "-" + std::to_string(last);
                  return join(items);
                });
}

// An ICMP type and code.
Damage in_icmp(std::string name, std::function<std::string(std::string, std::string)> change) {
  return in_tag(std::move(name), {"protocol"},
                [=](const std::string& value) -> std::optional<std::string> {
                  const auto pair = split(value);
                  const auto colon = value.find(':');
                  if (colon == std::string::npos) return std::nullopt;
                  return value.substr(0, colon) + change(pair[0].substr(colon + 1), pair[1]);
                });
}

Damage without_item(std::string name, std::vector<std::string> tags, bool last) {
  return in_tag(std::move(name), std::move(tags),
                [=](const std::string& value) -> std::optional<std::string> {
                  auto items = split(value);
                  if (items.size() < 2) return std::nullopt;
                  items.erase(last ? items.end() - 1 : items.begin());
                  return join(items);
                });
}

Damage without_tag(const std::string& tag) {
  return in_tag("no " + tag, {tag},
                [](const std::string&) { return std::optional<std::string>(""); });
}

std::vector<Damage> of_values() {
  return {
      in_address("first address less one", [](Ends& e) { e.first -= 1; }),
      in_address("first address plus one", [](Ends& e) { e.first += 1; }),
      in_address("last address less one", [](Ends& e) { e.last -= 1; }),
      in_address("last address plus one", [](Ends& e) { e.last += 1; }),
      in_address("upper half only", [](Ends& e) { e.first += (e.last - e.first + 1) / 2; }),
      in_address("lower half only", [](Ends& e) { e.last -= (e.last - e.first + 1) / 2; }),
      in_address("twice as wide",
                 [](Ends& e) {
                   const u128 size = e.last - e.first + 1;
                   (e.first & size) == 0 ? e.last += size : e.first -= size;
                 }),
      in_address("the neighbour",
                 [](Ends& e) {
                   const u128 size = e.last - e.first + 1;
                   e.first += size;
                   e.last += size;
                 }),
      without_item("first address lost", {"remoteip", "localip"}, false),
      without_item("last address lost", {"remoteip", "localip"}, true),
      without_tag("remoteip"),
      rename_tag("remoteip as localip", "remoteip", "localip"),
      in_tag("an address of the other family", {"remoteip"},
             [](const std::string& value) {
               const bool v4 = value.find(':') == std::string::npos;
               return std::optional<std::string>(v4 ? "2001:db8::/32" : "192.0.2.0/24");
             }),
      in_tag("an address more", {"remoteip"},
             [](const std::string& value) {
               const bool v4 = value.find(':') == std::string::npos;
               return std::optional(value + (v4 ? ",198.51.100.254" : ",2001:db8:ffff::7"));
             }),
      in_tag("a keyword more", {"remoteip"},
             [](const std::string& value) { return std::optional(value + ",localsubnet"); }),
      in_tag("every address as /0", {"remoteip"},
             [](const std::string&) { return std::optional<std::string>("0.0.0.0/0"); }),
      in_ports("port plus one",
               [](unsigned& first, unsigned& last) {
                 ++first;
                 ++last;
               }),
      in_ports("port less one",
               [](unsigned& first, unsigned& last) {
                 --first;
                 --last;
               }),
      in_ports("range one longer", [](unsigned&, unsigned& last) { ++last; }),
      in_ports("range begins one earlier", [](unsigned& first, unsigned&) { --first; }),
      in_ports("range one shorter", [](unsigned&, unsigned& last) { --last; }),
      without_item("first port lost", {"localport", "remoteport"}, false),
      without_item("last port lost", {"localport", "remoteport"}, true),
      without_tag("localport"),
      without_tag("remoteport"),
      rename_tag("localport as remoteport", "localport", "remoteport"),
      rename_tag("remoteport as localport", "remoteport", "localport"),
      in_value("udp for tcp", "protocol", "tcp", "udp"),
      in_value("tcp for udp", "protocol", "udp", "tcp"),
      in_tag("any protocol", {"protocol"},
             [](const std::string&) { return std::optional<std::string>("any"); }),
      in_icmp("the next ICMP type",
              [](const std::string& type, const std::string& code) {
                return ":" + std::to_string(number(type) + 1) + "," + code;
              }),
      in_icmp("ICMP code 0 only",
              [](const std::string& type, const std::string&) { return ":" + type + ",0"; }),
      in_icmp("every ICMP type", [](const std::string&, const std::string&) { return ""; }),
      in_icmp("ICMP without a code",
              [](const std::string& type, const std::string&) { return ":" + type; }),
      in_tag("ICMP of the other family", {"protocol"},
             [](const std::string& value) -> std::optional<std::string> {
               if (!value.starts_with("icmpv")) return std::nullopt;
               return replaced(value, value[5] == '4' ? "icmpv4" : "icmpv6",
                               value[5] == '4' ? "icmpv6" : "icmpv4");
             }),
  };
}

std::vector<Damage> of_rules() {
  const auto gone = [](const std::string&) { return std::optional<std::string>(""); };
  return {
      in_rules("rule lost", gone),
      in_rules("rule as a comment",
               [](const std::string& line) { return std::optional("# " + line); }),
      in_rules("line cut short",
               [](const std::string& line) {
                 return std::optional(line.substr(0, line.find(" profile=") - 1));
               }),
      in_value("block for allow", "action", "allow", "block"),
      in_value("allow for block", "action", "block", "allow"),
      in_value("bypass for allow", "action", "allow", "bypass"),
      in_value("out for in", "dir", "in", "out"),
      in_value("in for out", "dir", "out", "in"),
      without_tag("dir"),
      without_tag("program"),
      without_tag("service"),
      in_tag("another program", {"program"},
             [](const std::string&) { return std::optional<std::string>("C:\\other.exe"); }),
      in_tag("another service", {"service"},
             [](const std::string&) { return std::optional<std::string>("other"); }),
      in_tag("any service", {"service"},
             [](const std::string&) { return std::optional<std::string>("any"); }),
      in_value("one profile for any", "profile", "any", "domain"),
      in_tag("any for some profiles", {"profile"},
             [](const std::string& value) {
               return value == "any" ? std::nullopt : std::optional<std::string>("any");
             }),
      without_item("a profile lost", {"profile"}, true),
      append("disabled", "enable=no"),
      append("of one kind of interface", "interfacetype=lan"),
      append("through an edge", "edge=yes"),
      append("authenticated", "security=authenticate"),
      append("a tag twice", "profile=any"),
      append("an unknown tag", "log=yes"),
      in_tag("another name", {"name"},
             [](const std::string&) { return std::optional<std::string>("other"); }),
      without_tag("name"),
      in_lines("a quote lost",
               [](const std::string& line) -> std::optional<std::string> {
                 if (!adds_rule(line) || !line.ends_with('"')) return std::nullopt;
                 return line.substr(0, line.size() - 1);
               }),
  };
}

std::vector<Damage> of_phases() {
  const std::string set = "advfirewall set ";
  return {
      in_text("inbound default accepts", "blockinbound,", "allowinbound,"),
      in_text("inbound default drops", "allowinbound,", "blockinbound,"),
      in_text("inbound blocks always", "blockinbound,", "blockinboundalways,"),
      in_text("outbound default drops", ",allowoutbound", ",blockoutbound"),
      in_text("outbound default accepts", ",blockoutbound", ",allowoutbound"),
      in_text("defaults of one profile", "allprofiles firewallpolicy",
              "privateprofile firewallpolicy"),
      in_text("defaults lost", "advfirewall set allprofiles firewallpolicy", ""),
      in_text("off", "allprofiles state on", "allprofiles state off"),
      in_text("on in one profile", "allprofiles state on", "publicprofile state on"),
      in_text("state lost", "advfirewall set allprofiles state on", ""),
      in_lines("our rules stay off",
               [](const std::string& line) -> std::optional<std::string> {
                 if (!line.ends_with(" new enable=yes")) return std::nullopt;
                 return std::string();
               }),
      in_text("our rules turned off", " new enable=yes", " new enable=no"),
      in_lines("somebody else's rules turned on",
               [](const std::string& line) -> std::optional<std::string> {
                 const auto at = line.find("rule name=firewright-");
                 if (!line.ends_with(" new enable=yes") || at == std::string::npos)
                   return std::nullopt;
                 return line.substr(0, at) + "rule name=firewright-0123456789abcdef new enable=yes";
               }),
      in_lines("the phase ends early",
               [](const std::string& line) -> std::optional<std::string> {
                 if (!adds_rule(line)) return std::nullopt;
                 return "exit\r\n" + line;
               }),
      in_lines("everything is deleted",
               [](const std::string& line) -> std::optional<std::string> {
                 if (!line.starts_with("advfirewall set ")) return std::nullopt;
                 return line + "\r\nadvfirewall firewall delete rule name=all";
               }),
      more_in("60-on", "advfirewall firewall delete rule name=all dir=in"),
      more_in("60-on", "advfirewall reset"),
      more_in("60-on", "advfirewall firewall add rule name=other dir=in action=allow"),
      more_in("60-on", set + "domainprofile state off"),
      more_in("60-on", set + "currentprofile state off"),
      more_in("60-on", "advfirewall import c:\\other.wfw"),
      more_in("60-on", "interface set interface name=x admin=disabled"),
      without_file("10-clean"),
      without_file("20-block"),
      without_file("30-allow"),
      without_file("40-default"),
      without_file("50-others"),
      without_file("60-on"),
      in_files("rules deleted after they are added",
               [](Files files) -> std::optional<Files> {
                 const auto clean = index_of(files, "10-clean");
                 if (clean == files.size()) return std::nullopt;
                 files.push_back(files[clean]);
                 return files;
               }),
      in_text("apply.cmd leaves a phase out", "-f \"%FW_HERE%30-allow", ""),
      in_text("apply.cmd runs another phase", "-f \"%FW_HERE%40-default", "-f \"%FW_HERE%41-other"),
      in_text("apply.cmd overlooks a failure", "60-on.txt\" 1>&2 || goto back", "60-on.txt\""),
      in_text("apply.cmd knows another name", "set \"FW_NEW=firewright-",
              "set \"FW_NEW=firewright-0"),
      in_text("apply.cmd deletes what is new", "delete rule name=%FW_OLD% ",
              "delete rule name=%FW_NEW% "),
      in_text("apply.cmd opens everything", "advfirewall export \"%FW_STATE%\\new.wfw\"",
              "advfirewall set allprofiles firewallpolicy allowinbound,allowoutbound"),
  };
}

std::string shout(std::string text) {
  for (char& c : text)
    if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
  return text;
}

}  // namespace

const std::vector<Damage>& damages() {
  static const auto list = [] {
    auto all = of_values();
    for (const auto& more : {of_rules(), of_phases()})
      all.insert(all.end(), more.begin(), more.end());
    return all;
  }();
  return list;
}

const std::vector<Damage>& rewordings() {
  static const std::vector<Damage> list{
      in_rules("rule twice", [](const std::string& line) { return line + "\r\n" + line; }),
      in_rules("a comment before a rule",
               [](const std::string& line) { return "# name=all \" dir=out\r\n" + line; }),
      in_rules("a blank line", [](const std::string& line) { return "\r\n" + line; }),
      in_rules("more blanks",
               [](const std::string& line) { return replaced(line, " dir=", "   dir="); }),
      in_rules("blanks round =",
               [](const std::string& line) { return replaced(line, " dir=", " dir = "); }),
      in_rules("no profile",
               [](const std::string& line) { return replaced(line, " profile=any", ""); }),
      in_rules("a short tag",
               [](const std::string& line) { return replaced(line, " action=", " act="); }),
      in_value("capitals", "protocol", "tcp", "TCP"),
      in_tag("a number for a name", {"protocol"},
             [](const std::string& value) -> std::optional<std::string> {
               if (value == "tcp") return "6";
               return value == "udp" ? std::optional<std::string>("17") : std::nullopt;
             }),
      rename_tag("a tag in capitals", "localport", "LocalPort"),
      in_tag("another description", {"description"},
             [](const std::string&) { return std::optional<std::string>("\"something else\""); }),
      in_rules("defaults said",
               [](const std::string& line) {
                 return line + " enable=yes interfacetype=any security=notrequired";
               }),
      in_tag("quotes without need", {"localport", "remoteip"},
             [](const std::string& value) { return "\"" + value + "\""; }),
      in_tag("the other way round", {"localport", "remoteport", "remoteip", "localip"},
             [](const std::string& value) {
               auto items = split(value);
               std::reverse(items.begin(), items.end());
               return items.size() < 2 ? std::nullopt : std::optional(join(items));
             }),
      in_tag("an address twice", {"remoteip"},
             [](const std::string& value) { return value + "," + split(value)[0]; }),
      in_tag("a range for a prefix", {"remoteip", "localip"},
             [](const std::string& value) -> std::optional<std::string> {
               const auto ends = ends_of(value);
               if (!ends || value.find('/') == std::string::npos) return std::nullopt;
               return *item_of({ends->first, ends->first, ends->v4}) + "-" +
                      *item_of({ends->last, ends->last, ends->v4});
             }),
      in_tag("a mask for a length", {"remoteip", "localip"},
             [](const std::string& value) -> std::optional<std::string> {
               const auto ends = ends_of(value);
               const auto slash = value.find('/');
               if (!ends || !ends->v4 || slash == std::string::npos) return std::nullopt;
               const auto host_bits = static_cast<std::uint32_t>(ends->last - ends->first);
               return value.substr(0, slash + 1) + to_string(Ipv4{~host_bits});
             }),
      in_text("commands in capitals", "advfirewall set allprofiles",
              shout("advfirewall set allprofiles")),
      in_files("line ends of other systems",
               [](Files files) {
                 for (auto& [part, bytes] : files)
                   if (part != "apply" && part != "rollback") std::erase(bytes, '\r');
                 return std::optional(files);
               }),
      in_files("without the batch files",
               [](Files files) {
                 std::erase_if(files, [](const auto& file) {
                   return file.first == "apply" || file.first == "rollback";
                 });
                 return std::optional(files);
               }),
      more_in("60-on", "advfirewall set allprofiles logging droppedconnections enable"),
      more_in("60-on", "advfirewall firewall show rule name=all"),
      more_in("60-on", "exit"),
      more_in("60-on", "advfirewall firewall delete rule name=\"somebody else's\""),
  };
  return list;
}

}  // namespace firewright::netsh::test
