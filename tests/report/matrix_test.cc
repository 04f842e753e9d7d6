// What a matrix says, for policies whose meaning is plain, and for random ones packet by packet.

#include "compiler/report/matrix.h"

#include <gtest/gtest.h>

#include <random>

#include "compiler/ir/evaluate.h"
#include "compiler/report/subjects.h"
#include "tests/report/drawn.h"

namespace firewright::report {
namespace {

using policy::Direction;

TEST(Matrix, SaysWhatIsMeantAndNotWhatIsWritten) {
  const auto drawn = draw_text(R"(
[addresses]
office = ["203.0.113.0/24"]

[inbound]
allow = ["http", "https", { service = "ssh", from = "office" }]
deny = [{ service = "https", name = "closed for now" }, { service = "ssh", from = "203.0.113.7" }]
)");
  EXPECT_EQ(drawn->cell(Direction::inbound, "http", "office"), "yes");
  EXPECT_EQ(drawn->cell(Direction::inbound, "http", "anyone else"), "yes");
  EXPECT_EQ(drawn->cell(Direction::inbound, "https", "office"), "no");
  EXPECT_EQ(drawn->cell(Direction::inbound, "https", "anyone else"), "no");
  EXPECT_EQ(drawn->cell(Direction::inbound, "ssh", "office"),
            "in part: from office except 203.0.113.7 by ssh from office");
  EXPECT_EQ(drawn->cell(Direction::inbound, "ssh", "203.0.113.7"), "no");
  EXPECT_EQ(drawn->cell(Direction::inbound, "ssh", "anyone else"), "no");
  EXPECT_EQ(drawn->cell(Direction::inbound, "anything else", "anyone else"), "no");
}

TEST(Matrix, OrderAndSpellingMakeNoDifference) {
  const auto rows = [](const char* text) {
    const auto drawn = draw_text(text);
    std::string all;
    for (const auto& row : drawn->of(Direction::inbound).rows)
      for (const auto& cell : row.cells) all += row.service.name + " " + Drawn::say(cell) + "\n";
    return all;
  };
  const auto one = rows(
      "[inbound]\nallow = [\"ssh\", { service = \"http\", from = \"192.0.2.0/24\", name = \"web\" "
      "}]\n"
      "deny = [{ from = \"192.0.2.7\" }]\n");
  const auto two = rows(
      "[[inbound.deny]]\nfrom = [\"192.0.2.7-192.0.2.7\"]\n[[inbound.allow]]\nservice = \"ssh\"\n"
      "[[inbound.allow]]\nname = \"web\"\nservice = [\"http\"]\nfrom = [\"192.0.2.0/25\", "
      "\"192.0.2.128/25\"]\n");
  EXPECT_NE(one, "");
  EXPECT_EQ(one, two);
}

TEST(Matrix, TellsLimitsFromOpenings) {
  const auto drawn =
      draw_text("[[inbound.allow]]\nname = \"admin\"\nservice = \"ssh\"\nlimit = \"10/minute\"\n");
  EXPECT_EQ(drawn->cell(Direction::inbound, "ssh", "anyone"),
            "limited: within the limit `admin` (10/minute, burst 5) by admin");
  EXPECT_EQ(drawn->openings(Direction::inbound),
            "ssh limited: within the limit `admin` (10/minute, burst 5) by admin");
}

TEST(Matrix, OfAWholeDirection) {
  const auto drawn = draw_text("[inbound]\n[forward]\ndefault = \"unmanaged\"\n");
  EXPECT_EQ(drawn->of(Direction::inbound).whole, Answer::no);
  EXPECT_TRUE(drawn->of(Direction::inbound).rows.empty());
  EXPECT_EQ(drawn->of(Direction::outbound).whole, Answer::yes);
  EXPECT_FALSE(drawn->of(Direction::forward).managed);
}

TEST(Matrix, ForwardsBetweenZones) {
  const auto drawn = draw_text(R"(
zones.lan.interfaces = ["eth1"]
zones.wan.interfaces = ["eth0"]
[[forward.allow]]
in = "lan"
out = "wan"
[[forward.allow]]
service = "https"
in = "wan"
out = "lan"
to = "192.0.2.10"
)");
  EXPECT_EQ(drawn->cell(Direction::forward, "https", "lan \u2192 wan"), "yes");
  EXPECT_EQ(drawn->cell(Direction::forward, "anything else", "lan \u2192 wan"), "yes");
  EXPECT_EQ(drawn->cell(Direction::forward, "https", "wan \u2192 lan"),
            "in part: to 192.0.2.10 by https to 192.0.2.10 in wan out lan");
  const auto& shut = drawn->of(Direction::forward).shut;
  EXPECT_EQ(shut.size(), 7U);  // nine pairs of lan, wan and others
  EXPECT_EQ(drawn->openings(Direction::forward),
            "https in part: to 192.0.2.10 in wan out lan by https to 192.0.2.10 in wan out lan");
}

// Who is singled out is not the world, nor does a list of the unwelcome make it smaller.
TEST(Matrix, TheWorldIsWhoIsNotSingledOut) {
  const auto drawn = draw_text(R"(
addresses.office = ["203.0.113.0/24", "2001:db8::/32"]
addresses.bad = ["198.51.100.0/24"]
zones.lan.interfaces = ["eth1"]
[inbound]
allow = [
  { service = "ssh", from = "office" },
  { service = "https", from-except = "bad" },
  { service = "dns", in = "lan" },
  { service = "rdp", family = "ipv6" },
]
deny = [{ from = "192.0.2.0/24" }]
)");
  EXPECT_EQ(drawn->openings(Direction::inbound),
            "https yes:  by https from all except bad; rdp in part: ipv6 by rdp");
}

TEST(Matrix, OfWindowsSpeaksOfNetworks) {
  const auto drawn = draw_text(
      "zones.inside.profiles = [\"domain\", \"private\"]\n"
      "[inbound]\nallow = [{ service = \"rdp\", in = \"inside\" }, \"https\"]\n",
      Target::netsh);
  EXPECT_EQ(drawn->cell(Direction::inbound, "rdp", "inside"), "yes");
  EXPECT_EQ(drawn->cell(Direction::inbound, "rdp", "anyone else"), "no");
  EXPECT_EQ(drawn->openings(Direction::inbound), "https yes:  by https");
}

// Groups of addresses and services beyond what anybody reads are counted together, and exactly.
TEST(Matrix, ManyAreOneColumnAndOneRow) {
  std::string text = "[inbound]\nallow = [";
  for (int i = 1; i <= 80; ++i)
    text += "{ protocol = \"tcp\", port = " + std::to_string(9000 + i) + ", from = \"10.0." +
            std::to_string(i) + ".0/24\" },";
  const auto drawn = draw_text(text + "]\n");
  EXPECT_EQ(drawn->of(Direction::inbound).rows.size(), 62U);     // 60, the others, and the rest
  EXPECT_EQ(drawn->of(Direction::inbound).parties.size(), 14U);  // 12, the others, and the rest
  EXPECT_EQ(drawn->cell(Direction::inbound, "tcp/9001", "10.0.1.0/24"), "yes");
  EXPECT_EQ(drawn->cell(Direction::inbound, "tcp/9001", "68 other lists of addresses"), "no");
  EXPECT_EQ(drawn->cell(Direction::inbound, "20 other services", "anyone else"), "no");
  EXPECT_EQ(drawn->cell(Direction::inbound, "anything else", "10.0.1.0/24"), "no");
}

// --- random policies

class Random {
 public:
  explicit Random(unsigned seed) : engine_(seed) {}
  std::size_t below(std::size_t n) {
    return std::uniform_int_distribution<std::size_t>(0, n - 1)(engine_);
  }
  template <class List>
  auto pick(const List& list) {
    return list[below(std::size(list))];
  }
  bool one_in(std::size_t n) { return below(n) == 0; }

 private:
  std::mt19937 engine_;
};

std::string random_policy(Random& random) {
  static constexpr const char* services[] = {"service = \"ssh\"",
                                             "service = [\"http\", \"https\"]",
                                             "service = \"dns\"",
                                             "service = \"ping\"",
                                             "protocol = \"tcp\", port = \"20-90\"",
                                             "protocol = \"udp\"",
                                             "protocol = [\"tcp\", \"esp\"]"};
  static constexpr const char* peers[] = {
      "a", "b", "192.0.2.0/25", "192.0.2.64/26", "2001:db8::7", "10.0.0.0/8"};
  static constexpr const char* sides[] = {"lan", "wan", "eth2"};
  std::string text =
      "addresses.a = [\"192.0.2.0/24\", \"2001:db8::/64\"]\naddresses.b = [\"192.0.2.128/25\"]\n"
      "zones.lan.interfaces = [\"eth1\"]\nzones.wan.interfaces = [\"eth0\", \"ppp*\"]\n";
  for (const auto* direction : {"inbound", "outbound", "forward"}) {
    text += std::string("[") + direction + "]\n";
    if (random.one_in(3)) text += "default = \"accept\"\n";
    for (const auto* action : {"allow", "deny", "reject"}) {
      text += std::string(action) + " = [";
      for (auto n = random.below(4); n > 0; --n) {
        std::string entry;
        const auto add = [&](const std::string& key) {
          entry += (entry.empty() ? "" : ", ") + key;
        };
        if (!random.one_in(4)) add(random.pick(services));
        for (const auto* key : {"from", "to", "from-except"})
          if (random.one_in(4)) add(std::string(key) + " = \"" + random.pick(peers) + "\"");
        const std::string way(direction);
        if (way != "outbound" && random.one_in(3))
          add(std::string("in = \"") + random.pick(sides) + "\"");
        if (way != "inbound" && random.one_in(3))
          add(std::string("out = \"") + random.pick(sides) + "\"");
        if (std::string(action) == "allow" && random.one_in(5)) add("limit = \"5/hour\"");
        text += "{ " + entry + " }, ";
      }
      text += "]\n";
    }
  }
  return text;
}

ir::Packet random_packet(Random& random, ir::Hook hook) {
  static constexpr const char* interfaces[] = {"eth0", "eth1", "eth2", "eth3", "ppp0"};
  static constexpr std::uint32_t fours[] = {0xC0000201, 0xC0000250, 0xC00002F0,
                                            0x0A000001, 0xCB007109, 0x08080808};
  static constexpr u128 sixes[] = {(u128{0x20010db8} << 96U) + 7, (u128{0x20010db8} << 96U) + 9,
                                   (u128{0x20010db9} << 96U) + 1};
  static constexpr std::uint8_t protocols[] = {6, 17, 50, 1, 58, 47};
  static constexpr std::uint16_t ports[] = {22, 53, 80, 443, 20, 90, 91, 4000};
  ir::Packet packet;
  packet.hook = hook;
  if (hook != ir::Hook::outbound) packet.in = random.pick(interfaces);
  if (hook != ir::Hook::inbound) packet.out = random.pick(interfaces);
  if (random.one_in(2)) {
    packet.source = Ipv4{random.pick(fours)};
    packet.destination = Ipv4{random.pick(fours)};
  } else {
    packet.source = Ipv6{random.pick(sixes)};
    packet.destination = Ipv6{random.pick(sixes)};
  }
  packet.protocol = Protocol{random.pick(protocols)};
  packet.source_port = Port{40000};
  packet.destination_port = Port{random.pick(ports)};
  const std::uint8_t echo = packet.family() == Family::ipv4 ? 8 : 128;
  packet.icmp = IcmpTypeCode{static_cast<std::uint16_t>((random.one_in(2) ? echo : 200) * 256)};
  return packet;
}

bool is_baselines(const ir::Decision& decision) {
  return decision.rule != nullptr &&
         (decision.rule->origin.kind == ir::OriginKind::icmp_errors ||
          decision.rule->origin.kind == ir::OriginKind::neighbour_discovery);
}

// The names of the subjects that a packet belongs to; of none, that of the rest.
std::vector<std::string> names_of(const std::vector<Subject>& subjects, const ir::Packet& packet,
                                  const std::vector<std::string>& rest) {
  std::vector<std::string> names;
  for (const auto& subject : subjects)
    if (std::ranges::any_of(subject.packets,
                            [&](const ir::Match& match) { return matches(match, packet); }))
      names.push_back(subject.name);
  return names.empty() ? rest : names;
}

struct Seen {
  unsigned yes = 0, no = 0, limited = 0, part = 0;
};

void expect_packet(const Drawn& drawn, Direction direction, const ir::Packet& packet, Seen& seen) {
  const auto& matrix = drawn.of(direction);
  const auto all = ir::evaluate(drawn.program, packet, [](const ir::Predicate&) { return true; });
  const auto over = ir::evaluate(drawn.program, packet, [](const ir::Predicate&) { return false; });
  ASSERT_TRUE(all && over);
  if (is_baselines(*all)) return;
  const bool possible = all->verdict.kind == ir::VerdictKind::accept;
  const bool sure = over->verdict.kind == ir::VerdictKind::accept;
  const auto check = [&](Answer answer) {
    const auto text = to_text(packet) + " of " + std::string(to_string(answer));
    switch (answer) {
      case Answer::yes:
        EXPECT_TRUE(possible && sure) << text;
        ++seen.yes;
        break;
      case Answer::no:
        EXPECT_FALSE(possible || sure) << text;
        ++seen.no;
        break;
      case Answer::limited:
        EXPECT_TRUE(possible) << text;
        ++seen.limited;
        break;
      case Answer::part: ++seen.part; break;
      case Answer::empty: ADD_FAILURE() << text; break;
    }
  };
  if (matrix.rows.empty()) return check(matrix.whole);
  const auto& policy = drawn.reading.policy;
  analysis::Vocabulary vocabulary;
  vocabulary.add(policy, Target::nftables);
  const auto of_parties = names_of(parties(policy, direction, Target::nftables, vocabulary), packet,
                                   {"anyone", "anyone else", "anywhere else"});
  const auto of_services =
      names_of(services(policy, direction), packet, {"anything", "anything else"});
  bool found = false;
  for (std::size_t p = 0; p < matrix.parties.size(); ++p) {
    if (std::ranges::find(of_parties, matrix.parties[p].name) == of_parties.end()) continue;
    for (const auto& row : matrix.rows) {
      if (std::ranges::find(of_services, row.service.name) == of_services.end()) continue;
      found = true;
      check(row.cells[p].answer);
    }
  }
  for (const auto& party : of_parties)
    if (std::ranges::find(matrix.shut, party) != matrix.shut.end()) {
      found = true;
      check(Answer::no);
    }
  EXPECT_TRUE(found) << "no cell holds " << to_text(packet);
}

TEST(Matrix, HoldsOfEveryPacketOfRandomPolicies) {
  Seen seen;
  for (unsigned seed = 1; seed <= 30; ++seed) {
    Random random(seed);
    const auto text = random_policy(random);
    policy::Reading probe;
    probe.read_text(text);
    if (!probe.sink.has_errors())
      (void)lower::lower(probe.policy, {.target = Target::nftables, .today = today}, probe.sink);
    if (probe.sink.has_errors()) continue;  // an exception that matches nothing
    const auto drawn = draw_text(text);
    for (const auto direction : policy::DirectionSet::all())
      for (int i = 0; i < 60; ++i)
        expect_packet(*drawn, direction, random_packet(random, static_cast<ir::Hook>(direction)),
                      seen);
    ASSERT_FALSE(HasFailure()) << "seed " << seed << "\n" << text;
  }
  EXPECT_GT(seen.yes, 300U);
  EXPECT_GT(seen.no, 300U);
  EXPECT_GT(seen.limited, 0U);
  EXPECT_GT(seen.part, 300U);
}

}  // namespace
}  // namespace firewright::report
