// What the phases do to a running firewall, at every step, for random programs and packets.
#include <gtest/gtest.h>

#include <random>

#include "backends/netsh/capable.h"
#include "backends/netsh/check.h"
#include "backends/netsh/encode.h"
#include "tests/backends/netsh/model.h"
#include "tests/backends/netsh/programs.h"

namespace firewright::netsh {
namespace {

using model::Firewall;
using namespace test;

class Random {
 public:
  explicit Random(std::uint32_t seed) : engine_(seed) {}
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(engine_()) % n; }
  bool one_in(std::size_t n) { return below(n) == 0; }
  template <class T>
  const T& pick(const std::vector<T>& from) {
    return from[below(from.size())];
  }

 private:
  std::mt19937 engine_;
};

const std::vector<std::string>& items() {
  static const std::vector<std::string> list{
      "192.0.2.0/24",  "192.0.2.128/25",  "198.51.100.7", "203.0.113.4-203.0.113.9",
      "2001:db8::/32", "2001:db8:1::/48", "2001:db8::7",  "fe80::/10"};
  return list;
}
const std::vector<std::string>& hosts() {
  static const std::vector<std::string> list{
      "192.0.2.0",    "192.0.2.127", "192.0.2.128", "192.0.2.255", "192.0.3.0",   "198.51.100.7",
      "203.0.113.3",  "203.0.113.4", "203.0.113.9", "0.0.0.0",     "2001:db8::7", "2001:db8::8",
      "2001:db8:1::", "2001:db7::1", "fe80::1",     "::",          "10.0.0.1"};
  return list;
}

AddressSet random_addresses(Random& random) {
  if (random.one_in(2)) return AddressSet::all();
  AddressSet set = address(random.pick(items()));
  while (random.one_in(2)) set = set | address(random.pick(items()));
  if (random.one_in(6)) set = AddressSet::all() - set;
  return set;
}

ir::Match random_match(Random& random) {
  ir::Match match;
  switch (random.below(7)) {
    case 0: break;
    case 1:
    case 2:
      match = tcp(std::vector<Interval<Port>>{{Port{22}, Port{22}}, {Port{80}, Port{90}}});
      break;
    case 3: match = tcp(22); break;
    case 4: match = udp(53); break;
    case 5:
      match = icmp(random.one_in(2) ? Family::ipv4 : Family::ipv6,
                   random.one_in(2) ? IcmpSet::all() : IcmpSet{types(3, 3), types(8, 8)});
      break;
    case 6:
      match.protocols = ProtocolSet{{protocol::tcp, protocol::tcp}, {protocol::esp, protocol::esp}};
      break;
  }
  match = to(from(match, random_addresses(random)), random_addresses(random));
  if (random.one_in(6))
    ir::restrict_families(match, {random.one_in(2) ? Family::ipv4 : Family::ipv6});
  if (random.one_in(6)) match.profiles = {ir::Profile::domain, ir::Profile::private_};
  if (random.one_in(8)) match.program = "C:\\app\\server.exe";
  return match;
}

ir::Chain random_chain(Random& random, ir::Hook hook) {
  const bool accepts = random.one_in(3);
  std::vector<ir::Rule> denies, allows;
  for (std::size_t n = random.below(3); n > 0; --n) {
    auto match = random_match(random);
    if (!match.families.empty()) denies.push_back(exception(match, ir::Verdict::drop(), "deny"));
  }
  for (std::size_t n = random.below(4); n > 0; --n) {
    auto match = random_match(random);
    if (!match.families.empty()) allows.push_back(exception(match, ir::Verdict::accept(), "allow"));
  }
  denies.insert(denies.end(), allows.begin(), allows.end());
  return chain(hook, denies, accepts);
}

ir::Program random_program(Random& random) {
  return {.chains = {random_chain(random, ir::Hook::inbound),
                     random_chain(random, ir::Hook::outbound)}};
}

std::vector<ir::Packet> random_packets(Random& random, std::size_t count) {
  std::vector<ir::Packet> packets;
  while (packets.size() < count) {
    ir::Packet packet;
    packet.hook = random.one_in(2) ? ir::Hook::inbound : ir::Hook::outbound;
    (packet.hook == ir::Hook::inbound ? packet.in : packet.out) = "eth0";
    packet.profile = random.pick(
        std::vector<ir::Profile>{ir::Profile::domain, ir::Profile::private_, ir::Profile::public_});
    const auto a = address(random.pick(hosts()));
    const auto b = address(random.pick(hosts()));
    if (a.v4.empty() != b.v4.empty()) continue;
    if (a.v6.empty()) {
      packet.source = a.v4.intervals()[0].first;
      packet.destination = b.v4.intervals()[0].first;
    } else {
      packet.source = a.v6.intervals()[0].first;
      packet.destination = b.v6.intervals()[0].first;
    }
    const Protocol icmp_here = a.v6.empty() ? protocol::icmp : protocol::icmpv6;
    packet.protocol = random.pick(std::vector<Protocol>{protocol::tcp, protocol::tcp, protocol::udp,
                                                        protocol::esp, icmp_here, Protocol{99}});
    if (has_ports(packet.protocol)) {
      packet.source_port = Port{40000};
      packet.destination_port = random.pick(
          std::vector<Port>{Port{21}, Port{22}, Port{53}, Port{80}, Port{90}, Port{91}});
    }
    if (packet.protocol == icmp_here)
      packet.icmp = IcmpTypeCode{static_cast<std::uint16_t>(
          random.pick(std::vector<unsigned>{1, 3, 8, 11, 128, 135, 137}) << 8U)};
    if (random.one_in(3)) packet.program = "C:\\app\\server.exe";
    packets.push_back(packet);
  }
  return packets;
}

bool accepted(const ir::Program& program, const ir::Packet& packet) {
  return ir::evaluate(program, packet)->verdict.kind == ir::VerdictKind::accept;
}

// Other people's rules.
Firewall random_firewall(Random& random) {
  Firewall firewall;
  for (const char* line :
       {"advfirewall firewall add rule name=CoreNet dir=in action=allow protocol=udp profile=any",
        "advfirewall firewall add rule name=CoreNet dir=out action=allow protocol=any profile=any",
        "advfirewall firewall add rule name=Web dir=in action=allow protocol=tcp localport=80-91 "
        "profile=domain",
        "advfirewall firewall add rule name=Ban dir=in action=block remoteip=192.0.2.0/25 "
        "profile=any",
        "advfirewall firewall add rule name=Ban dir=out action=block remoteip=198.51.100.7 "
        "profile=any"})
    if (random.one_in(2)) firewall.run(line);
  firewall.on = !random.one_in(4);
  firewall.block_inbound = !random.one_in(4);
  firewall.block_outbound = random.one_in(4);
  return firewall;
}

std::string show(const ir::Program& program) { return ir::to_text(program); }

constexpr std::uint32_t seeds = 300;

// A program that can be said, by approximation if need be.
ir::Program sayable(Random& random) {
  while (true) {
    Sink sink;
    auto said = capable(random_program(random), approximating(), sink);
    if (!sink.has_errors()) return said;
  }
}

TEST(Phases, ExactOrRefused) {
  std::size_t exact = 0;
  for (std::uint32_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const auto program = random_program(random);
    Sink sink;
    const auto said = capable(program, {}, sink);
    if (sink.has_errors()) continue;
    ++exact;
    ASSERT_EQ(said, program);
    Firewall firewall;
    const auto artifact = encode(said, {});
    ASSERT_TRUE(model::apply(artifact, "", firewall));
    for (const auto& packet : random_packets(random, 200))
      ASSERT_EQ(firewall.passes(packet), accepted(program, packet))
          << ir::to_text(packet) << "\n"
          << show(program) << artifact.parts[artifact.default_part].bytes;
  }
  EXPECT_GT(exact, seeds / 8);
}

TEST(Phases, ApproximationDeniesMoreAndIsSaidExactly) {
  std::size_t approximated = 0;
  for (std::uint32_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const auto program = random_program(random);
    Sink sink;
    const auto said = capable(program, approximating(), sink);
    if (sink.has_errors()) continue;
    ASSERT_EQ(sink.warnings() == 0, said == program);
    approximated += sink.warnings() > 0 ? 1 : 0;
    Sink again;
    ASSERT_EQ(capable(said, {}, again), said);
    ASSERT_FALSE(again.has_errors());
    Firewall firewall;
    ASSERT_TRUE(model::apply(encode(said, {}), "", firewall));
    for (const auto& packet : random_packets(random, 200)) {
      ASSERT_EQ(firewall.passes(packet), accepted(said, packet)) << ir::to_text(packet) << "\n"
                                                                 << show(said);
      if (accepted(said, packet)) {
        ASSERT_TRUE(accepted(program, packet)) << ir::to_text(packet) << "\n"
                                               << show(program) << show(said);
      }
    }
  }
  EXPECT_GT(approximated, seeds / 8);
}

// V23: no step lets in what neither the old nor the new firewall does, and none denies what both
// let in, but for the moment in which everybody's rules are off.
TEST(Phases, EveryStepLiesBetweenOldAndNew) {
  for (std::uint32_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const auto packets = random_packets(random, 100);
    Firewall firewall = random_firewall(random);
    std::string generation;
    for (int round = 0; round < 3; ++round) {
      const auto options = other_rules(random.one_in(2));
      const auto artifact = encode(sayable(random), options);
      const Firewall before = firewall;
      Firewall end = firewall;
      ASSERT_TRUE(model::apply(artifact, generation, end));
      const bool gap_out = artifact.find("50-others") != nullptr;
      ASSERT_TRUE(model::apply(
          artifact, generation, firewall, [&](std::string_view file, std::string_view line) {
            const bool moment =
                gap_out && file == "50-others" && line.find("enable=yes") == std::string::npos;
            const bool enabling =
                file == "50-others" && line.find("-block new") != std::string::npos;
            for (const auto& packet : packets) {
              const bool was = before.passes(packet), will = end.passes(packet);
              const bool is = firewall.passes(packet);
              ASSERT_TRUE(!is || was || will)
                  << "let in after " << line << ": " << ir::to_text(packet);
              ASSERT_TRUE(is || !was || !will || moment || enabling)
                  << "denied after " << line << ": " << ir::to_text(packet);
            }
          }));
      if (HasFatalFailure()) return;
      generation = model::generation_of(artifact);
      for (const auto& rule : firewall.rules)
        if (rule.name.starts_with("firewright-")) {
          ASSERT_TRUE(rule.name.starts_with(generation)) << rule.name;
        }
    }
  }
}

TEST(Phases, TwiceIsOnce) {
  for (std::uint32_t seed = 1; seed <= 50; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const auto artifact = encode(sayable(random), {});
    Firewall once;
    ASSERT_TRUE(model::apply(artifact, "", once));
    Firewall twice = once;
    ASSERT_TRUE(model::apply(artifact, model::generation_of(artifact), twice));
    EXPECT_EQ(once.rules.size(), twice.rules.size());
    for (const auto& packet : random_packets(random, 100))
      EXPECT_EQ(once.passes(packet), twice.passes(packet));
  }
}

TEST(Phases, RandomScriptsKeepTheRules) {
  for (std::uint32_t seed = 1; seed <= seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    Random random(seed);
    const auto artifact = encode(sayable(random), {});
    Expected expected;
    expected.blocks = artifact.find("20-block") != nullptr;
    expected.profiles = expected.programs = true;
    for (const auto& part : artifact.parts) {
      const auto mode = part.suffix.ends_with(".cmd") ? ScriptMode::batch : ScriptMode::file;
      for (const auto& finding : check_script(part.bytes, mode, expected))
        ADD_FAILURE() << part.name << ":" << finding.line << ": " << finding.rule << " "
                      << finding.text;
    }
  }
}

}  // namespace
}  // namespace firewright::netsh
