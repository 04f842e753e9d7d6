#include "tests/kernel/judge/random_values.h"

#include "compiler/net/types.h"

namespace firewright::judge {
namespace {

using Words = std::vector<std::string>;

std::string quoted(const std::string& text) { return "\"" + text + "\""; }

// One alone, or an array.
std::string array_of(const Words& items) {
  if (items.size() == 1) return items[0];
  std::string text;
  for (const auto& item : items) text += (text.empty() ? "[" : ", ") + item;
  return text + "]";
}

}  // namespace

std::string Values::address4() {
  const std::vector<std::uint32_t> networks{0xc0000200, 0xc0000200, 0xc6336400,
                                            0xcb007100, 0x0a010200, 0xac100900};
  const std::uint32_t network = random_.of(networks);
  const std::uint32_t near =
      network | static_cast<std::uint32_t>(random_.below(random_.one_in(2) ? 16 : 256));
  switch (random_.below(6)) {
    case 0:
    case 1: return quoted(to_string(Ipv4{near}));
    case 2: {
      const auto length = static_cast<std::uint32_t>(random_.one_in(5) ? 33 - 1 - random_.below(32)
                                                                       : 20 + random_.below(12));
      const std::uint32_t mask = length == 0 ? 0 : 0xffffffffU << (32 - length);
      return quoted(to_string(Ipv4{near & mask}) + "/" + std::to_string(length));
    }
    case 3: {
      const auto length = 24 + random_.below(8);
      return quoted(to_string(Ipv4{near & (0xffffffffU << (32 - length))}) + "/" +
                    std::to_string(length));
    }
    default: {
      const auto last =
          near + static_cast<std::uint32_t>(1 + random_.below(random_.one_in(4) ? 2000 : 40));
      return quoted(to_string(Ipv4{near}) + "-" + to_string(Ipv4{last}));
    }
  }
}

std::string Values::address6() {
  const u128 global = u128{0x20010db8U} << 96U;
  const std::vector<u128> networks{global, global, global | u128{0x51U} << 80U,
                                   global | u128{0x113U} << 80U, u128{0xfd000001U} << 96U};
  const u128 network = random_.of(networks);
  const u128 near = network | u128{random_.below(random_.one_in(2) ? 16 : 65536)};
  switch (random_.below(5)) {
    case 0:
    case 1: return quoted(to_string(Ipv6{near}));
    case 2: {
      const auto length = static_cast<unsigned>(random_.one_in(2)   ? 112 + random_.below(16)
                                                : random_.one_in(4) ? random_.below(128)
                                                                    : 32 + random_.below(65));
      const u128 mask = length == 0 ? u128{0} : ~u128{0} << (128U - length);
      return quoted(to_string(Ipv6{near & mask}) + "/" + std::to_string(length));
    }
    default:
      return quoted(to_string(Ipv6{near}) + "-" +
                    to_string(Ipv6{near + 1 + random_.below(random_.one_in(4) ? 5000 : 40)}));
  }
}

std::vector<std::string> Values::some_addresses(Families families, std::size_t most) {
  Words items;
  const auto add = [&](Families family) {
    for (auto n = 1 + random_.below(most); n > 0; --n) items.push_back(address(family));
  };
  if (families != Families::v6) add(Families::v4);
  if (families != Families::v4) add(Families::v6);
  return items;
}

std::string Values::few_addresses(Families families) {
  return array_of(some_addresses(families, random_.one_in(3) ? 2 : 1));
}

std::string Values::addresses(Families families) {
  if (random_.one_in(5)) {
    const Words v4{R"("g4")", R"("g4")", R"("n4")"};
    const Words v6{R"("g6")", R"("g6")", R"("n6")"};
    if (families == Families::v4) return random_.of(v4);
    if (families == Families::v6) return random_.of(v6);
    return R"("gx")";
  }
  auto items = some_addresses(families, random_.one_in(3) ? 6 : 2);
  if (random_.one_in(8)) items.push_back(families == Families::v6 ? R"("g6")" : R"("g4")");
  return array_of(items);
}

std::vector<Field> Values::groups() {
  const auto list = [&](Families families, std::size_t most) {
    std::string text = "[";
    for (const auto& item : some_addresses(families, most)) text += item + ", ";
    return text + "]";
  };
  const auto most = [&]() -> std::size_t { return random_.one_in(8) ? 90 : 5; };
  return {{"g4", list(Families::v4, most())},
          {"g6", list(Families::v6, most())},
          {"gx", list(Families::both, most())},
          {"n4", "[\"g4\", " + address4() + "]"},
          {"n6", "[\"g6\", " + address6() + "]"}};
}

std::vector<Field> Values::services() {
  const auto number = [&] { return std::to_string(1 + random_.below(65535)); };
  const std::string first = number();
  const std::string second = number();
  const std::string third = number();
  return {{"s0", "[\"tcp/" + first + "\", \"udp/5000-5010\"]"},
          {"s1", "[\"tcp/" + second + "," + third + ",80-90\"]"},
          {"s2", R"(["icmp/echo-request", "udp/53", "tcp/53"])"}};
}

Families Values::families() {
  const auto roll = random_.below(5);
  return roll < 2 ? Families::v4 : roll < 4 ? Families::v6 : Families::both;
}

std::string Values::port() {
  const Words usual{"22",   "53",   "80",   "443",   "1023",         "1024",
                    "8080", "5000", "5011", "65535", R"("1-65535")", R"("1024-65535")"};
  switch (random_.below(4)) {
    case 0: return std::to_string(1 + random_.below(65535));
    case 1: {
      const auto low = 1 + random_.below(random_.one_in(2) ? 100 : 65000);
      return quoted(std::to_string(low) + "-" +
                    std::to_string(low + 1 + random_.below(random_.one_in(2) ? 8 : 500)));
    }
    default: return random_.of(usual);
  }
}

std::string Values::ports() {
  Words items;
  for (auto n = random_.one_in(3) ? 1 + random_.below(random_.one_in(5) ? 25 : 5) : 1; n > 0; --n)
    items.push_back(port());
  return array_of(items);
}

std::vector<Field> Values::with_ports() {
  const Words protocols{
      R"("tcp")",  R"("tcp")",  R"("tcp")",     R"("udp")", R"("udp")",     R"(["tcp", "udp"])",
      R"("sctp")", R"("dccp")", R"("udplite")", "6",        R"([17, 132])", R"(["udp", "dccp"])"};
  std::vector<Field> fields{
      {"protocol", plain_ ? protocols[random_.below(5)] : random_.of(protocols)}};
  if (!random_.one_in(6)) fields.push_back({"port", ports()});
  if (random_.one_in(5)) fields.push_back({"source-port", ports()});
  return fields;
}

std::vector<Field> Values::icmp(Families& families) {
  if (random_.one_in(2)) {
    const Words names{
        R"("echo-request")",  R"("echo-reply")",        R"("destination-unreachable")",
        R"("time-exceeded")", R"("parameter-problem")", R"(["echo-request", "echo-reply"])"};
    std::vector<Field> fields{{"protocol", R"("icmp")"}};
    if (!random_.one_in(4)) fields.push_back({"icmp-type", random_.of(names)});
    return fields;
  }
  if (families == Families::both) families = random_.one_in(2) ? Families::v4 : Families::v6;
  const bool v4 = families == Families::v4;
  std::vector<Field> fields{{"protocol", random_.one_in(4) ? (v4 ? "1" : "58")
                                         : v4              ? R"("icmpv4")"
                                                           : R"("icmpv6")"}};
  const auto type = [&] {
    const auto number = random_.one_in(4)   ? random_.below(256)
                        : v4                ? random_.below(19)
                        : random_.one_in(3) ? 1 + random_.below(18)
                                            : 128 + random_.below(18);
    if (!random_.one_in(3)) return quoted(std::to_string(number));
    return quoted(std::to_string(number) + "/" +
                  std::to_string(random_.below(random_.one_in(9) ? 256 : 5)));
  };
  Words types;
  for (auto n = random_.below(4); n > 0; --n) types.push_back(type());
  if (!types.empty()) fields.push_back({"icmp-type", array_of(types)});
  return fields;
}

std::vector<Field> Values::protocol(Families& families) {
  switch (random_.below(plain_ ? 6 : 9)) {
    case 0:
    case 1: {
      const Words names{R"("ssh")",   R"("http")", R"("https")",     R"("dns")",  R"("ntp")",
                        R"("ping")",  R"("rdp")",  R"("wireguard")", R"("mdns")", R"("traceroute")",
                        R"("ipsec")", R"("s0")",   R"("s1")",        R"("s2")"};
      Words some;
      for (auto n = random_.one_in(2) ? 1 : 1 + random_.below(4); n > 0; --n)
        some.push_back(random_.of(names));
      return {{"service", array_of(some)}};
    }
    case 2:
    case 3:
    case 4:
    case 5: return with_ports();
    case 6: return icmp(families);
    case 7: {
      const Words names{R"("esp")", R"("gre")",          "89",      "253",
                        "0",        R"(["esp", "tcp"])", R"("ah")", R"(["ipip", 112])",
                        "255",      R"(["udp", 47])",    "4",       R"("igmp")"};
      auto protocol = random_.of(names);
      // Extension headers are no protocol in IPv6.
      if (protocol == R"("ah")" || protocol == "0") families = Families::v4;
      return {{"protocol", std::move(protocol)}};
    }
    default: return {};
  }
}

std::string Values::short_form() {
  const Words forms{R"("ssh")",
                    R"("https")",
                    R"("ping")",
                    R"("tcp/8080")",
                    R"("udp/5000-5010")",
                    R"("tcp/22,80,443")",
                    R"("icmp/echo-request")",
                    R"("icmpv4/13")",
                    R"("icmpv6/129")",
                    R"("s0")",
                    R"("s2")",
                    R"("tcp/1-21,23-65535")",
                    R"("icmpv4/3/4")",
                    R"("udp/53")"};
  return random_.of(forms);
}

std::string Values::interface() {
  const Words names{R"("eth0")", R"("eth1")", R"("wg*")",           R"("z0")",
                    R"("z1")",   R"("lan*")", R"("br-lan.100")",    R"(["eth0", "z1"])",
                    R"("lan2")", R"("e*")",   R"(["wg*", "dmz0"])", R"("wg0")"};
  if (plain_) return R"("z1")";
  return random_.of(names);
}

std::string Values::owner() {
  const Words owners{R"("root")",
                     "0",
                     "33",
                     "1000",
                     R"("0-999")",
                     R"([0, "1000-1999"])",
                     R"("65534-100000")",
                     R"([33, 34, 36, 1000])",
                     R"("0-4294967294")"};
  return random_.of(owners);
}

std::string Values::rate() {
  const Words units{"second", "minute", "hour", "day"};
  const auto count = 1 + random_.below(random_.one_in(6) ? 5000 : 60);
  return quoted(std::to_string(count) + "/" + random_.of(units));
}

std::string Values::log() {
  const Words prefixes{"true", R"("x ")", R"("fw: ")", R"("a 'quoted' one")",
                       R"("twenty-nine characters, all ")"};
  return random_.of(prefixes);
}

std::string Values::name() {
  const Words names{R"("web")", R"("the second")", R"("web")", R"("it's \"this\"")", R"("grün")"};
  return random_.of(names);
}

}  // namespace firewright::judge
