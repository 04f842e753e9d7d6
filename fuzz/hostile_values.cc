#include "fuzz/hostile_values.h"

#include <array>
#include <span>

namespace firewright::fuzz {
namespace {

using Words = std::span<const std::string_view>;

std::string pick(Words words, Random& random) {
  return std::string(words[random() % words.size()]);
}
bool once_in(std::uint64_t n, Random& random) { return random() % n == 0; }

constexpr std::string_view groups[] = {R"("g0")", R"("g1")", R"("g2")", R"("g3")"};
constexpr std::string_view addresses[] = {
    R"("192.0.2.1")",
    R"("198.51.100.0/24")",
    R"("203.0.113.64/26")",
    R"("10.0.0.0/8")",
    R"("0.0.0.0/0")",
    R"("0.0.0.0")",
    R"("255.255.255.255")",
    R"("0.0.0.0-255.255.255.255")",
    R"("192.0.2.1-192.0.2.254")",
    R"("192.0.2.255-192.0.3.0")",
    R"("128.0.0.0/1")",
    R"("127.255.255.255-128.0.0.0")",
    R"("192.0.2.0/31")",
    R"("224.0.0.0/4")",
    R"("0.0.0.1-255.255.255.254")",
    R"("2001:db8::/32")",
    R"("2001:db8::1")",
    R"("::/0")",
    R"("::")",
    R"("::1")",
    R"("ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff")",
    R"("2001:db8::-2001:db8::ffff:ffff")",
    R"("::1-ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe")",
    R"("8000::/1")",
    R"("fe80::/10")",
    R"("ff02::/16")",
    R"("2001:db8::ffff:ffff:ffff:ffff-2001:db8:0:1::")",
};
constexpr std::string_view bad_addresses[] = {
    R"("192.0.2.1/24")",
    R"("host.example")",
    R"("::ffff:192.0.2.1")",
    R"("fe80::1%eth0")",
    R"("192.0.2.9-192.0.2.1")",
    R"("192.0.2.1-2001:db8::1")",
    R"("")",
    "1",
};
constexpr std::string_view ports[] = {
    "22",
    "1",
    "65535",
    "80",
    "443",
    R"("1-65535")",
    R"("1024-65535")",
    R"("65534-65535")",
    R"("1-2")",
    R"("5000-5010")",
    R"("5011-5020")",
    R"("8080")",
};
constexpr std::string_view bad_ports[] = {"0", "65536", R"("9-1")", R"("-1")", "-1", R"("http")"};
constexpr std::string_view protocols[] = {
    R"("tcp")",
    R"("udp")",
    R"("sctp")",
    R"("dccp")",
    R"("udplite")",
    R"("icmp")",
    R"("icmpv4")",
    R"("icmpv6")",
    R"("esp")",
    R"("gre")",
    R"("ospf")",
    "0",
    "255",
    "6",
    "17",
    "1",
    "58",
    "41",
    R"(["tcp", "udp"])",
    R"(["esp", "ah", 50])",
};
constexpr std::string_view services[] = {
    R"("ssh")",        R"("http")",      R"("https")", R"("ping")",  R"("dns")",
    R"("rdp")",        R"("wireguard")", R"("vrrp")",  R"("ipsec")", R"("mdns")",
    R"("traceroute")", R"("s0")",        R"("s1")",
};
constexpr std::string_view short_forms[] = {
    R"("tcp/8080")",       R"("udp/5000-5010")", R"("tcp/22,80,443")", R"("icmp/echo-request")",
    R"("icmpv4/3/4")",     R"("icmpv6/135")",    R"("tcp/1-65535")",   R"("tcp/1-21,23-65535")",
    R"("icmpv4/255/255")", R"("icmpv6/0")",      R"("tcp/0")",         R"("nothing/1")",
};
constexpr std::string_view icmp_types[] = {
    R"("echo-request")",
    R"("echo-reply")",
    R"("0")",
    R"("255")",
    R"("3/4")",
    R"("8/0")",
    R"("255/255")",
    R"("128")",
    R"(["0", "8", "13/0"])",
    R"("destination-unreachable")",
};
constexpr std::string_view interfaces[] = {
    R"("eth0")", R"("wg*")",        R"("z0")",     R"("z1")", R"("lo")",   R"("a-name-of-fifte")",
    R"("e*")",   R"("br-lan.100")", R"("eth0:1")", R"("*")",  R"("eth+")", R"("!eth0")",
    R"("a\"b")", R"("a b")",
};
// Texts for people: they reach comments, prefixes and names on every platform.
constexpr std::string_view texts[] = {
    R"("a")",
    R"("web server")",
    R"('it"s')",
    R"("it's")",
    R"("back\\slash\\")",
    R"("100% $HOME `id`")",
    R"("; accept # comment")",
    R"("-j ACCEPT")",
    R"("*/ /*")",
    R"("{ }")",
    R"("gr\u00fc\u00df")",
    R"("\U0001F525 wall")",
    R"(" blank ")",
    R"("--comment")",
    R"("COMMIT")",
    R"("@x")",
    R"("\"")",
    R"("name=x dir=in")",
    R"("^|&<>%PATH%")",
    R"("\u202e")",
    R"("a\nb")",
    R"("")",
    R"("~")",
};
constexpr std::string_view limits[] = {
    R"("10/minute")",
    R"("1/second")",
    R"("1/day")",
    R"("4294967295/second")",
    R"("10000/second")",
    R"("0/second")",
    R"("1/week")",
    R"({ rate = "10/minute", burst = 1 })",
    R"({ rate = "10/minute", burst = 20, per = "source" })",
    R"({ rate = "7/hour", burst = 4294967295 })",
    R"({ connections = 1, per = "source" })",
    R"({ connections = 50 })",
    R"({ connections = 4294967295 })",
    R"({ rate = "3/day", connections = 2, per = "source" })",
    R"({ burst = 0 })",
};
constexpr std::string_view owners[] = {R"("root")",
                                       "0",
                                       "1000",
                                       "4294967294",
                                       "4294967295",
                                       R"("0-999")",
                                       R"("0-4294967295")",
                                       R"([1, "5-9"])",
                                       R"("nobody-of-here")"};
constexpr std::string_view dates[] = {"2030-12-31", "2000-01-01", "2026-01-01",
                                      "9999-12-31", "0001-01-01", "2028-02-29"};
constexpr std::string_view targets[] = {R"(["iptables"])", R"(["nftables"])", R"(["netsh"])",
                                        R"(["iptables", "nftables"])", R"(["iptables", "netsh"])"};
constexpr std::string_view flags[] = {"true", "true", "true", "false"};
constexpr std::string_view verdicts[] = {R"("drop")", R"("reject")", R"("accept")",
                                         R"("unmanaged")"};
constexpr std::string_view programs[] = {R"('C:\Windows\System32\svchost.exe')",
                                         R"('%ProgramFiles%\a b\c.exe')", R"('C:\x"y.exe')",
                                         R"("/usr/bin/x")"};
constexpr std::string_view anything[] = {"1",          "-1",           "9223372036854775807",
                                         "true",       R"("x")",       "[]",
                                         "{}",         "1.5",          "2030-01-01",
                                         R"("${v0}")", R"("a${v1}b")", R"("$${v0}")",
                                         "07:32:00",   R"([["x"]])",   R"("""
two lines""")"};

// One, or some of them in an array.
std::string one_or_some(Words words, Random& random) {
  if (!once_in(3, random)) return pick(words, random);
  std::string text = "[";
  for (auto n = 1 + random() % 5; n > 0; --n) text += pick(words, random) + (n > 1 ? ", " : "");
  return text + "]";
}

// A prefix of one bit pattern and one length.
std::string random_prefix(Random& random) {
  const auto length = random() % 33;
  auto bits = static_cast<std::uint32_t>(random());
  bits = length == 0 ? 0 : bits & (0xffffffffU << (32 - length));
  std::string text = "\"";
  for (unsigned shift = 32; shift > 0; shift -= 8)
    text += std::to_string((bits >> (shift - 8)) & 0xffU) + (shift > 8 ? "." : "/");
  return text + std::to_string(length) + "\"";
}

std::string address_item(Random& random) {
  switch (random() % 16) {
    case 0:
    case 1:
    case 2: return pick(groups, random);
    case 3:
    case 4: return random_prefix(random);
    case 5: return once_in(4, random) ? pick(bad_addresses, random) : pick(addresses, random);
    default: return pick(addresses, random);
  }
}

std::string address_items(Random& random) {
  if (once_in(2, random)) return address_item(random);
  std::string text = "[";
  for (auto n = 1 + random() % 6; n > 0; --n) text += address_item(random) + (n > 1 ? ", " : "");
  return text + "]";
}

std::string port_items(Random& random) {
  if (once_in(40, random)) return pick(bad_ports, random);
  if (once_in(4, random)) return std::to_string(1 + random() % 65535);
  return one_or_some(ports, random);
}

std::string long_text(Random& random) {
  constexpr std::array<std::size_t, 6> sizes{29, 30, 127, 128, 200, 201};
  return "\"" + std::string(sizes[random() % sizes.size()], 'x') + "\"";
}

std::string text_value(Random& random) {
  return once_in(8, random) ? long_text(random) : pick(texts, random);
}

std::string log_value(Random& random) { return once_in(2, random) ? "true" : text_value(random); }

// What more goes with `protocol`.
std::string protocol_entries(Random& random) {
  switch (random() % 4) {
    case 0: return "protocol = " + pick(protocols, random);
    case 1: return "protocol = \"icmp\", icmp-type = " + pick(icmp_types, random);
    case 2:
      return "protocol = \"tcp\", port = " + port_items(random) +
             (once_in(3, random) ? ", source-port = " + port_items(random) : "");
    default: return "protocol = [\"tcp\", \"udp\"], port = " + port_items(random);
  }
}

constexpr std::string_view exception_keys[] = {
    "service",   "from",   "to",      "from-except", "to-except", "in",
    "out",       "family", "user",    "group",       "program",   "windows-service",
    "limit",     "log",    "count",   "expires",     "name",      "reason",
    "owner",     "ticket", "only-on", "protocol",    "port",      "source-port",
    "icmp-type", "from",   "to",      "service",
};

constexpr std::string_view directions[] = {"inbound", "inbound", "outbound", "forward"};
constexpr std::string_view actions[] = {"allow", "allow", "deny", "reject"};

std::string assertion(Random& random) {
  const std::string claim = once_in(2, random) ? "never" : "always";
  auto text = "[[assert]]\n" + claim + " = { direction = \"" + pick(directions, random) + "\"";
  if (once_in(2, random)) text += ", service = " + one_or_some(services, random);
  if (once_in(2, random)) text += ", from = " + address_items(random);
  return text + " }\n";
}

std::string target_section(Random& random) {
  constexpr std::string_view sections[] = {
      "[target.iptables]\nmode = \"coexist\"\n", "[target.nftables]\ntable = \"t\"\n",
      "[target.nftables]\nlayout = \"structured\"\n", "[target.nftables]\nlayout = \"readable\"\n",
      "[target.netsh]\nother-rules = \"keep\"\n"};
  return pick(sections, random);
}

std::string zone_section(Random& random) {
  auto text = "[zones.z" + std::to_string(random() % 2) + "]\n";
  if (!once_in(4, random)) text += "interfaces = [" + pick(interfaces, random) + "]\n";
  if (once_in(2, random)) text += "profiles = [\"private\"]\n";
  return text;
}

}  // namespace

std::string value_for(std::string_view key, Random& random) {
  if (once_in(50, random)) return pick(anything, random);
  if (key == "from" || key == "to" || key == "from-except" || key == "to-except")
    return address_items(random);
  if (key == "port" || key == "source-port") return port_items(random);
  if (key == "protocol") return pick(protocols, random);
  if (key == "service") return one_or_some(services, random);
  if (key == "icmp-type") return pick(icmp_types, random);
  if (key == "in" || key == "out" || key == "interfaces") return one_or_some(interfaces, random);
  if (key == "family") return once_in(2, random) ? R"("ipv4")" : R"("ipv6")";
  if (key == "user" || key == "group") return pick(owners, random);
  if (key == "program" || key == "windows-service") return pick(programs, random);
  if (key == "limit") return pick(limits, random);
  if (key == "log") return log_value(random);
  if (key == "count" || key == "loopback" || key == "established" || key == "drop-invalid" ||
      key == "icmp-errors" || key == "neighbour-discovery")
    return pick(flags, random);
  if (key == "expires") return pick(dates, random);
  if (key == "name" || key == "reason" || key == "owner" || key == "ticket" ||
      key == "description" || key == "table")
    return text_value(random);
  if (key == "only-on") return pick(targets, random);
  if (key == "default") return pick(verdicts, random);
  if (key == "burst" || key == "connections") return std::to_string(random() % 100);
  if (key.starts_with("g")) return address_items(random);  // groups
  return pick(anything, random);
}

std::string exception_entry(Random& random) {
  const auto key = pick(exception_keys, random);
  return key + " = " + value_for(key, random);
}

std::string exception_text(Random& random) {
  if (once_in(4, random)) return pick(services, random);
  if (once_in(4, random)) return pick(short_forms, random);
  std::string text = "{ ";
  text +=
      once_in(2, random) ? protocol_entries(random) : "service = " + one_or_some(services, random);
  if (once_in(2, random)) text += ", from = " + address_items(random);
  if (once_in(4, random)) text += ", to = " + address_items(random);
  if (once_in(5, random)) text += ", from-except = " + address_items(random);
  if (once_in(6, random)) text += ", limit = " + pick(limits, random);
  if (once_in(5, random)) text += ", log = " + log_value(random);
  if (once_in(6, random)) text += ", count = true";
  if (once_in(3, random)) text += ", name = " + text_value(random);
  return text + " }";
}

std::string section_text(Random& random) {
  const auto number = std::to_string(random() % 4);
  switch (random() % 9) {
    case 0: return "[addresses]\ng" + number + " = " + address_items(random) + "\n";
    case 1: return "[services]\ns" + number + " = " + pick(short_forms, random) + "\n";
    case 2: return zone_section(random);
    case 3: return "[vars]\nv" + number + " = " + address_items(random) + "\n";
    case 4: return assertion(random);
    case 5: return target_section(random);
    case 6:
      return "[baseline]\nestablished = " + pick(flags, random) +
             "\ndrop-invalid = " + pick(flags, random) + "\n";
    case 7:
      return "[" + pick(directions, random) + "]\ndefault = " + pick(verdicts, random) +
             "\nlog = " + log_value(random) + "\n";
    default:
      return "[[" + pick(directions, random) + "." + pick(actions, random) + "]]\n" +
             exception_entry(random) + "\n" + exception_entry(random) + "\n";
  }
}

}  // namespace firewright::fuzz
