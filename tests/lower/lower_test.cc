#include "compiler/lower/lower.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "compiler/diagnostics/render.h"
#include "compiler/ir/evaluate.h"
#include "compiler/policy/read.h"

namespace firewright::lower {
namespace {

class NoOwners final : public policy::OwnerDatabase {
 public:
  [[nodiscard]] std::optional<OwnerId> user(const std::string&) const override {
    return std::nullopt;
  }
  [[nodiscard]] std::optional<OwnerId> group(const std::string&) const override {
    return std::nullopt;
  }
};

struct Lowered {
  ir::Program program;
  std::string diagnostics;
  bool failed = false;
};

Lowered lowered(const std::string& toml, Target target = Target::nftables) {
  MemoryFileSystem files;
  files.files["p.toml"] = toml;
  const NoOwners owners;
  Sources sources;
  Sink sink;
  Lowered result;
  const auto policy = policy::read_policy(
      "p.toml", std::nullopt,
      {.files = &files, .owners = &owners, .set_vars = {}, .vars_files = {}}, sources, sink);
  if (!sink.has_errors())
    result.program = lower(policy, {.target = target, .today = {2026, 6, 1}}, sink);
  sink.sort();
  result.failed = sink.has_errors();
  result.diagnostics = render_text(sink, sources);
  return result;
}

// The rules of one chain that come from exceptions or the default, one a line.
std::string rules(const std::string& toml, std::string_view chain = "inbound",
                  Target target = Target::nftables) {
  const auto result = lowered(toml, target);
  if (result.failed) return result.diagnostics;
  std::string out;
  const auto* found = result.program.find(chain);
  if (found == nullptr) return "no chain";
  for (const auto& rule : found->rules) {
    EXPECT_TRUE(ir::valid(rule.match)) << to_text(rule.match);
    if (rule.origin.kind != ir::OriginKind::exception &&
        rule.origin.kind != ir::OriginKind::default_log)
      continue;
    out += to_text(rule.match);
    if (rule.effects.log) out += " log '" + *rule.effects.log + "'";
    if (rule.effects.count) out += " count " + *rule.effects.count;
    out += " -> " + to_string(rule.verdict) + "\n";
  }
  return out;
}

std::string all_rules(const std::string& toml, std::string_view chain) {
  const auto result = lowered(toml);
  EXPECT_FALSE(result.failed) << result.diagnostics;
  std::string out;
  const auto* found = result.program.find(chain);
  if (found == nullptr) return "no chain";
  for (const auto& rule : found->rules)
    out += std::string(to_string(rule.origin.kind)) + ": " + to_text(rule.match) + " -> " +
           to_string(rule.verdict) + "\n";
  return out;
}

TEST(Lower, ThePolicyOfThreeWordsIsAWholeFirewall) {
  const std::string toml = "[inbound]\nallow = [\"ssh\"]\n";
  EXPECT_EQ(all_rules(toml, "inbound"),
            "loopback: in {\"lo\"} -> accept\n"
            "established: state {established, related} -> accept\n"
            "icmp-errors: family {ipv4} protocol {icmp} icmp {3/0-3/255, 11/0-12/255} -> accept\n"
            "icmp-errors: family {ipv6} protocol {icmpv6} icmp {1/0-4/255} -> accept\n"
            "neighbour-discovery: family {ipv6} protocol {icmpv6} icmp {130/0-136/255, "
            "143/0-143/255} -> accept\n"
            "drop-invalid: state {invalid} -> drop\n"
            "exception: protocol {tcp} dport {22} -> accept\n"
            "default: any -> drop\n");
  EXPECT_EQ(all_rules(toml, "outbound"), "default: any -> accept\n");
  EXPECT_EQ(all_rules(toml, "forward"), "default: any -> drop\n") << "nothing is forwarded at all";
}

TEST(Lower, ForwardingHasABaselineOnceSomethingIsForwarded) {
  EXPECT_EQ(all_rules("[forward]\nallow = [{ service = \"ssh\", in = \"eth0\", out = \"eth1\" }]\n",
                      "forward"),
            "established: state {established, related} -> accept\n"
            "icmp-errors: family {ipv4} protocol {icmp} icmp {3/0-3/255, 11/0-12/255} -> accept\n"
            "icmp-errors: family {ipv6} protocol {icmpv6} icmp {1/0-4/255} -> accept\n"
            "drop-invalid: state {invalid} -> drop\n"
            "exception: in {\"eth0\"} out {\"eth1\"} protocol {tcp} dport {22} -> accept\n"
            "default: any -> drop\n");
}

TEST(Lower, BaselineThatAnAllowCoversIsLeftOut) {
  EXPECT_EQ(all_rules("[baseline]\ndrop-invalid = false\n[inbound]\nallow = [\"ssh\", { protocol = "
                      "\"icmp\" }]\n",
                      "inbound"),
            "loopback: in {\"lo\"} -> accept\n"
            "established: state {established, related} -> accept\n"
            "exception: protocol {tcp} dport {22} -> accept\n"
            "exception: family {ipv4} protocol {icmp} -> accept\n"
            "exception: family {ipv6} protocol {icmpv6} -> accept\n"
            "default: any -> drop\n");
  for (const std::string keeps :
       {"[inbound]\nallow = [{ protocol = \"icmp\" }]\n",
        "[baseline]\ndrop-invalid = false\n[inbound]\nallow = [{ protocol = \"icmp\" }]\n"
        "deny = [\"icmp/echo-request\"]\n",
        "[baseline]\ndrop-invalid = false\n[inbound]\n"
        "allow = [{ protocol = \"icmp\", count = true }]\n"})
    EXPECT_NE(all_rules(keeps, "inbound").find("icmp-errors"), std::string::npos)
        << "an order or an effect hangs on it: " << keeps;
}

TEST(Lower, BaselineCanBeTakenAwayPieceByPiece) {
  EXPECT_EQ(
      all_rules("[baseline]\nloopback = false\nestablished = false\ndrop-invalid = false\n"
                "icmp-errors = false\nneighbour-discovery = false\n[inbound]\nallow = [\"ssh\"]\n",
                "inbound"),
      "exception: protocol {tcp} dport {22} -> accept\n"
      "default: any -> drop\n");
}

TEST(Lower, UnmanagedMakesNoChain) {
  EXPECT_EQ(
      all_rules("[inbound]\nallow = [\"ssh\"]\n[forward]\ndefault = \"unmanaged\"\n", "forward"),
      "no chain");
  EXPECT_TRUE(lowered("[forward]\ndefault = \"unmanaged\"\nallow = [\"ssh\"]\n").failed);
}

TEST(Lower, DeniesThenRejectsThenAllows) {
  EXPECT_EQ(rules("[inbound]\nallow = [\"ssh\"]\nreject = [\"tcp/113\"]\ndeny = [\"telnet\"]\n"),
            "protocol {tcp} dport {23} -> drop\n"
            "protocol {tcp} dport {113} -> reject tcp-reset\n"
            "protocol {tcp} dport {22} -> accept\n");
}

TEST(Lower, RejectAnswersTcpWithAResetAndTheRestWithAnError) {
  EXPECT_EQ(rules("[inbound]\nreject = [{ from = \"192.0.2.0/24\" }, \"dns\"]\n"),
            "family {ipv4} protocol {tcp} from4 {192.0.2.0/24} -> reject tcp-reset\n"
            "family {ipv4} from4 {192.0.2.0/24} -> reject port-unreachable\n"
            "protocol {tcp} dport {53} -> reject tcp-reset\n"
            "protocol {udp} dport {53} -> reject port-unreachable\n");
}

TEST(Lower, ServicesOfOneExceptionJoin) {
  EXPECT_EQ(rules("[inbound]\nallow = [{ service = [\"http\", \"https\", \"dns\", \"ping\"] }]\n"),
            "protocol {tcp} dport {53, 80, 443} -> accept\n"
            "protocol {udp} dport {53} -> accept\n"
            "family {ipv4} protocol {icmp} icmp {8/0-8/255} -> accept\n"
            "family {ipv6} protocol {icmpv6} icmp {128/0-128/255} -> accept\n");
  EXPECT_EQ(rules("[inbound]\nallow = [\"dns\"]\n"), "protocol {tcp, udp} dport {53} -> accept\n");
}

TEST(Lower, FamiliesAreNarrowedByAddresses) {
  EXPECT_EQ(rules("[inbound]\nallow = [{ service = \"ping\", from = \"192.0.2.0/24\" }]\n"),
            "family {ipv4} protocol {icmp} icmp {8/0-8/255} from4 {192.0.2.0/24} -> accept\n");
  EXPECT_EQ(
      rules(
          "[inbound]\nallow = [{ service = \"ssh\", from = [\"192.0.2.0/24\", \"2001:db8::/32\"], "
          "from-except = \"192.0.2.1\" }]\n"),
      "protocol {tcp} dport {22} from4 {192.0.2.0, 192.0.2.2-192.0.2.255} from6 {2001:db8::/32} -> "
      "accept\n");
  EXPECT_EQ(rules("[inbound]\nallow = [{ service = \"ssh\", from-except = \"192.0.2.0/24\" }]\n"),
            "protocol {tcp} dport {22} from4 {0.0.0.0-192.0.1.255, 192.0.3.0-255.255.255.255} -> "
            "accept\n")
      << "an exception from everything leaves IPv6 alone";
}

TEST(Lower, ANarrowingThatLeavesNothingIsAnError) {
  struct Case {
    std::string exception;
    std::string message;
  };
  for (const auto& [exception, message] : {
           Case{"{ from = \"192.0.2.1\", from-except = \"192.0.2.0/24\" }",
                "this exception matches no packet: `from-except` takes everything out of `from`"},
           Case{"{ from = \"192.0.2.1\", to = \"2001:db8::1\" }",
                "`from` is IPv4 only and `to` is IPv6 only: no packet is both"},
           Case{"{ from = \"192.0.2.1\", family = \"ipv6\" }",
                "`family` is IPv6 only and `from` is IPv4 only: no packet is both"},
           Case{"{ service = \"dhcpv6-client\", protocol = \"icmpv4\", family = \"ipv6\" }", ""},
           Case{"{ protocol = \"icmpv6\", family = \"ipv4\" }",
                "this exception matches no packet: nothing of this service or protocol exists in "
                "IPv4"},
       }) {
    const auto result = lowered("[inbound]\nallow = [" + exception + "]\n");
    EXPECT_TRUE(result.failed) << exception;
    EXPECT_NE(result.diagnostics.find(message), std::string::npos) << result.diagnostics;
  }
}

TEST(Lower, ExpiredExceptionsAreLeftOutWithAWarning) {
  const auto result = lowered(
      "[inbound]\nallow = [\"ssh\", { service = \"http\", expires = 2026-06-01 }, "
      "{ service = \"https\", expires = 2026-06-02 }]\n");
  EXPECT_FALSE(result.failed);
  EXPECT_NE(
      result.diagnostics.find("warning: `http` expired on 2026-06-01 and is left out [expired]"),
      std::string::npos)
      << result.diagnostics;
  const auto& rules = result.program.find("inbound")->rules;
  EXPECT_EQ(std::count_if(rules.begin(), rules.end(),
                          [](const auto& r) { return r.origin.kind == ir::OriginKind::exception; }),
            2);
}

TEST(Lower, OnlyOnLeavesTheExceptionOutElsewhere) {
  const std::string toml =
      "[inbound]\nallow = [\"ssh\", { service = \"rdp\", only-on = [\"netsh\"] }]\n";
  EXPECT_EQ(rules(toml), "protocol {tcp} dport {22} -> accept\n");
  EXPECT_EQ(rules(toml, "inbound", Target::netsh),
            "protocol {tcp} dport {22} -> accept\nprotocol {tcp, udp} dport {3389} -> accept\n");
}

TEST(Lower, ZonesBecomeInterfacesOrProfiles) {
  const std::string toml =
      "[zones]\noffice = { interfaces = [\"eth1\", \"wg*\"], profiles = [\"domain\", \"private\"] "
      "}\n"
      "[inbound]\nallow = [{ service = \"ssh\", in = \"office\" }]\n";
  EXPECT_EQ(rules(toml), "in {\"eth1\", \"wg*\"} protocol {tcp} dport {22} -> accept\n");
  EXPECT_EQ(rules(toml, "inbound", Target::netsh),
            "profile {domain, private} protocol {tcp} dport {22} -> accept\n");
  EXPECT_TRUE(lowered("[zones]\nhome = { profiles = [\"private\"] }\n"
                      "[inbound]\nallow = [{ service = \"ssh\", in = \"home\" }]\n")
                  .failed)
      << "a zone without interfaces says nothing on Linux";
}

TEST(Lower, LimitsCountNewConnectionsAndStandLast) {
  EXPECT_EQ(
      rules("[inbound]\nallow = [{ service = \"ssh\", limit = { rate = \"10/minute\", burst = 20, "
            "per = "
            "\"source\" } }, \"http\", { service = \"dns\", limit = { connections = 50 } }]\n"),
      "protocol {tcp} dport {80} -> accept\n"
      "state {new} protocol {tcp} dport {22} while {ssh:rate 10/minute burst 20 per source} -> "
      "accept\n"
      "state {new} protocol {tcp, udp} dport {53} while {dns:connections 50} -> accept\n");
}

TEST(Lower, EffectsFireForEveryMatchOfTheKindWhateverTheOrder) {
  EXPECT_EQ(
      rules("[inbound]\nallow = [\"http\", { service = \"http\", count = true, name = \"a\" }, "
            "{ service = \"http\", from = \"192.0.2.0/24\", log = true, name = \"b\" }, "
            "{ service = \"ssh\", log = \"ssh \", name = \"c\" }]\n"),
      "protocol {tcp} dport {80} count a -> next\n"
      "family {ipv4} protocol {tcp} dport {80} from4 {192.0.2.0/24} log 'b: ' -> accept\n"
      "protocol {tcp} dport {22} log 'ssh ' -> accept\n"
      "protocol {tcp} dport {80} -> accept\n"
      "protocol {tcp} dport {80} -> accept\n");
}

TEST(Lower, TheDefaultLogIsBounded) {
  EXPECT_EQ(rules("[inbound]\nlog = true\nallow = [\"ssh\"]\n"),
            "protocol {tcp} dport {22} -> accept\n"
            "while {default-log-inbound:rate 5/second burst 10} log 'inbound denied: ' -> next\n");
}

// Rules have no order: a permutation of the exceptions gives every packet the same verdict and
// effects.
TEST(Lower, PermutedExceptionsMeanTheSame) {
  const std::vector<std::pair<std::string, std::string>> parts = {
      {"allow", "service = \"ssh\", from = \"192.0.2.0/24\", count = true"},
      {"allow", "service = \"ssh\", from = \"192.0.2.0/25\", log = true, name = \"half\""},
      {"allow", "port = \"1-100\", protocol = [\"tcp\", \"udp\"], count = true, name = \"low\""},
      {"deny", "from = \"192.0.2.64/26\", log = \"deny \""},
      {"deny", "port = 23, protocol = \"tcp\""},
      {"reject", "port = [22, 25], protocol = \"tcp\", from = \"192.0.2.96-192.0.2.200\""},
      {"allow", "protocol = \"udp\", in = \"eth1\""},
  };
  std::mt19937 random(11);
  auto order = parts;
  const auto program_of = [](const auto& list) {
    std::string toml;
    for (const auto& [kind, keys] : list) {
      toml += "[[inbound." + kind + "]]\n";
      std::string line = keys;
      for (std::size_t at; (at = line.find(", ")) != std::string::npos && line.find('[') > at;)
        line.replace(at, 2, "\n");
      // Inline arrays hold commas of their own, so keys after one are split by hand.
      for (std::size_t at; (at = line.find("], ")) != std::string::npos;)
        line.replace(at, 3, "]\n");
      for (std::size_t at; (at = line.find("true, ")) != std::string::npos;)
        line.replace(at, 6, "true\n");
      for (std::size_t at; (at = line.find("\", from")) != std::string::npos;)
        line.replace(at, 3, "\"\n");
      toml += line + "\n";
    }
    const auto result = lowered(toml);
    EXPECT_FALSE(result.failed) << result.diagnostics << toml;
    return result.program;
  };
  const auto first = program_of(parts);
  for (int round = 0; round < 20; ++round) {
    std::shuffle(order.begin(), order.end(), random);
    const auto other = program_of(order);
    for (int i = 0; i < 500; ++i) {
      ir::Packet packet;
      packet.in = random() % 2 == 0 ? "eth0" : "eth1";
      packet.protocol = random() % 2 == 0 ? protocol::tcp : protocol::udp;
      packet.source = Ipv4{static_cast<std::uint32_t>(0xC0000200U + random() % 256)};
      packet.destination = Ipv4{0xC6336401};
      packet.destination_port = Port{static_cast<std::uint16_t>(1 + random() % 120)};
      const auto a = evaluate(first, packet);
      const auto b = evaluate(other, packet);
      ASSERT_EQ(a->verdict, b->verdict) << to_text(packet);
      const auto effects = [](const ir::Decision& decision) {
        std::vector<std::string> list;
        for (const auto* rule : decision.effects) list.push_back(rule->origin.label);
        std::sort(list.begin(), list.end());
        return list;
      };
      ASSERT_EQ(effects(*a), effects(*b)) << to_text(packet);
    }
  }
}

}  // namespace
}  // namespace firewright::lower
