#include "backends/netsh/encode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "backends/netsh/check.h"
#include "tests/backends/netsh/model.h"
#include "tests/backends/netsh/programs.h"

namespace firewright::netsh {
namespace {

using namespace test;
using ir::Hook;
using ir::Verdict;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;

ir::Rule allow(ir::Match match, std::string label) {
  return exception(std::move(match), Verdict::accept(), std::move(label));
}
ir::Rule deny(ir::Match match, std::string label) {
  return exception(std::move(match), Verdict::drop(), std::move(label));
}

std::string bytes(const backend::Artifact& artifact, std::string_view part) {
  const auto* found = artifact.find(part);
  return found == nullptr ? "none" : found->bytes;
}

// A phase file's commands, with the generation's name as NAME.
std::vector<std::string> commands(const backend::Artifact& artifact, std::string_view part) {
  std::vector<std::string> result;
  for (auto line : model::lines_of(bytes(artifact, part))) {
    if (line.starts_with("#")) continue;
    const auto at = line.find("firewright-");
    if (at != std::string::npos) line.replace(at, 27, "NAME");
    result.push_back(line);
  }
  return result;
}

// Without the baseline's ICMP, which is the same everywhere, and the words that all lines begin
// with. A block rule's line begins with "block", the rest of its name.
std::vector<std::string> rules(const ir::Program& program, std::string_view part = "30-allow") {
  auto lines = commands(encode(program, {}), part);
  std::erase_if(lines, [](const std::string& line) {
    return line.find("icmp-errors") != std::string::npos ||
           line.find("neighbour-discovery") != std::string::npos;
  });
  const std::string head = "advfirewall firewall add rule name=NAME";
  for (auto& line : lines) line.erase(0, line.starts_with(head) ? head.size() + 1 : 0);
  return lines;
}

ir::Program web_server() {
  auto ssh = allow(from(tcp(22), addresses({"192.0.2.0/24", "2001:db8::/32"})), "ssh");
  ssh.origin.reason = "for the administrators";
  return server({allow(tcp({{Port{80}, Port{80}}, {Port{443}, Port{443}}}), "web"), ssh});
}

TEST(Encode, AWholeArtifact) {
  backend::Options options;
  options.policy_name = "web server";
  const auto artifact = encode(web_server(), options);
  std::vector<std::string> suffixes;
  for (const auto& part : artifact.parts) suffixes.push_back(part.suffix);
  EXPECT_THAT(suffixes, ElementsAre(".netsh/10-clean.txt", ".netsh/30-allow.txt",
                                    ".netsh/40-default.txt", ".netsh/50-others.txt",
                                    ".netsh/60-on.txt", ".netsh/apply.cmd", ".netsh/rollback.cmd"));
  EXPECT_EQ(artifact.parts[artifact.default_part].name, "30-allow");

  const std::string name = model::generation_of(artifact);
  ASSERT_EQ(name, "firewright-4edbe4d13433065f");
  const std::string head = "# Firewright, generation " + name + "\r\n# policy: web server\r\n";
  const std::string add = "advfirewall firewall add rule name=" + name + " dir=in action=allow ";
  const std::string nd = " profile=any description=\"in-5 neighbour-discovery\"\r\n";
  EXPECT_EQ(bytes(artifact, "30-allow"),
            head + "# allow rules, those for remote administration first\r\n" + add +
                "protocol=tcp remoteip=192.0.2.0/24 localport=22 profile=any "
                "description=\"in-8 ssh: for the administrators\"\r\n" +
                add +
                "protocol=tcp remoteip=2001:db8::/32 localport=22 profile=any "
                "description=\"in-8 ssh: for the administrators\"\r\n" +
                add + "protocol=icmpv4:3,any profile=any description=\"in-3 icmp-errors\"\r\n" +
                add + "protocol=icmpv4:11,any profile=any description=\"in-3 icmp-errors\"\r\n" +
                add + "protocol=icmpv4:12,any profile=any description=\"in-3 icmp-errors\"\r\n" +
                add + "protocol=icmpv6:1,any profile=any description=\"in-4 icmp-errors\"\r\n" +
                add + "protocol=icmpv6:2,any profile=any description=\"in-4 icmp-errors\"\r\n" +
                add + "protocol=icmpv6:3,any profile=any description=\"in-4 icmp-errors\"\r\n" +
                add + "protocol=icmpv6:4,any profile=any description=\"in-4 icmp-errors\"\r\n" +
                add + "protocol=icmpv6:130,any" + nd + add + "protocol=icmpv6:131,any" + nd + add +
                "protocol=icmpv6:132,any" + nd + add + "protocol=icmpv6:133,any" + nd + add +
                "protocol=icmpv6:134,any" + nd + add + "protocol=icmpv6:135,any" + nd + add +
                "protocol=icmpv6:136,any" + nd + add + "protocol=icmpv6:143,any" + nd + add +
                "protocol=tcp localport=80,443 profile=any description=\"in-7 web\"\r\n");
  EXPECT_EQ(bytes(artifact, "10-clean"),
            head +
                "# remains of an earlier try; nothing to delete is an error here\r\n"
                "advfirewall firewall delete rule name=" +
                name + "\r\n");
  EXPECT_EQ(bytes(artifact, "40-default"),
            head +
                "# what no rule decides\r\n"
                "advfirewall set allprofiles firewallpolicy blockinbound,allowoutbound\r\n");
  EXPECT_THAT(commands(artifact, "50-others"),
              ElementsAre("advfirewall firewall set rule name=all dir=in new enable=no",
                          "advfirewall firewall set rule name=NAME new enable=yes"));
  EXPECT_THAT(commands(artifact, "60-on"), ElementsAre("advfirewall set allprofiles state on"));
}

TEST(Encode, OtherPeoplesRules) {
  EXPECT_EQ(encode(web_server(), other_rules(false)).find("50-others"), nullptr);
  // Both directions deny: both lose their other rules.
  const auto both = encode(server({deny(tcp(23), "no"), allow(tcp(22), "ssh")}, {}, false), {});
  EXPECT_THAT(commands(both, "50-others"),
              ElementsAre("advfirewall firewall set rule name=all dir=in new enable=no",
                          "advfirewall firewall set rule name=all dir=out new enable=no",
                          "advfirewall firewall set rule name=NAME-block new enable=yes",
                          "advfirewall firewall set rule name=NAME new enable=yes"));
  // A direction that accepts the rest keeps its other rules: without its block rules it would be
  // open.
  const ir::Program open{.chains = {chain(Hook::inbound, {deny(tcp(23), "no")}, true),
                                    chain(Hook::outbound, {}, true)}};
  EXPECT_EQ(encode(open, {}).find("50-others"), nullptr);
  EXPECT_THAT(commands(encode(open, {}), "40-default"),
              ElementsAre("advfirewall set allprofiles firewallpolicy allowinbound,allowoutbound"));
}

TEST(Encode, AllowsNeedNoRuleWhereTheRestIsAccepted) {
  EXPECT_THAT(rules(server({}, {allow(tcp(443), "https"), deny(tcp(25), "smtp")}, true)),
              IsEmpty());
  EXPECT_THAT(rules(server({}, {allow(tcp(443), "https")}, false)),
              ElementsAre("dir=out action=allow protocol=tcp remoteport=443 profile=any "
                          "description=\"out-6 https\""));
}

TEST(Encode, DeniesBlock) {
  const auto block = [](std::vector<ir::Rule> inbound) {
    return rules(server(inbound), "20-block");
  };
  EXPECT_THAT(block({deny(from(tcp(22), address("192.0.2.1")), "bad"), allow(tcp(22), "ssh")}),
              ElementsAre("block dir=in action=block "
                          "protocol=tcp remoteip=192.0.2.1 localport=22 profile=any "
                          "description=\"in-7 bad\""));
  // A deny of everything leaves the baseline's ICMP alone: it is said for what is allowed below.
  EXPECT_THAT(
      block({deny(from({}, address("192.0.2.1")), "bad"), allow(tcp(22), "ssh"),
             allow(icmp(Family::ipv4, IcmpSet{types(3, 3), types(8, 8)}), "ping")}),
      ElementsAre("block dir=in action=block protocol=tcp "
                  "remoteip=192.0.2.1 profile=any description=\"in-7 bad\"",
                  "block dir=in action=block "
                  "protocol=icmpv4:8,any remoteip=192.0.2.1 profile=any description=\"in-7 bad\""));
  // Where nothing is allowed below, the default denies already.
  EXPECT_THAT(block({deny(from({}, address("192.0.2.1")), "bad")}), ElementsAre("none"));
  // An allow of every protocol loses the addresses instead.
  const auto program = server({deny(from({}, address("192.0.2.128/25")), "bad"),
                               allow(from({}, address("192.0.2.0/24")), "good")});
  EXPECT_THAT(rules(program, "20-block"), ElementsAre("none"));
  EXPECT_THAT(rules(program),
              ElementsAre("dir=in action=allow protocol=any remoteip=192.0.2.0/25 profile=any "
                          "description=\"in-8 good\""));
}

TEST(Encode, TheNameIsTheContents) {
  const auto name = [](const ir::Program& program, const backend::Options& options = {}) {
    return model::generation_of(encode(program, options));
  };
  const auto one = name(web_server());
  EXPECT_EQ(one, name(web_server()));
  EXPECT_NE(one, name(server({allow(tcp(22), "ssh")})));
  EXPECT_NE(one, name(web_server(), other_rules(false)));
  auto renamed = web_server();
  renamed.chains[0].rules[6].origin.label = "site";
  EXPECT_NE(one, name(renamed));
  EXPECT_NE(name(server({}, {}, true)), name(server({}, {}, false)));
  EXPECT_EQ(encode(web_server(), {}).parts[0].bytes, encode(web_server(), {}).parts[0].bytes);
}

TEST(Encode, NothingAnAuthorWritesLeavesItsValue) {
  const std::vector<std::string> hostile{"\" dir=out action=allow",
                                         "a\r\nadvfirewall reset",
                                         "100%PATH%",
                                         "a | b",
                                         "-- x",
                                         "^",
                                         "a & b",
                                         "wow!",
                                         "@FirewallAPI.dll,-25000",
                                         "all",
                                         "ALL",
                                         "<script>",
                                         "caf\xc3\xa9",
                                         "# x",
                                         "name=all",
                                         "tail\\",
                                         "'",
                                         std::string(5000, 'x'),
                                         std::string("nul\0byte", 8),
                                         "new enable=no"};
  for (const auto& text : hostile) {
    SCOPED_TRACE(text);
    auto rule = allow(tcp(22), text);
    rule.origin.reason = text;
    backend::Options options;
    options.policy_name = text;
    const auto artifact = encode(server({rule}), options);
    for (const auto& part : artifact.parts) {
      const auto mode = part.suffix.ends_with(".cmd") ? ScriptMode::batch : ScriptMode::file;
      for (const auto& finding : check_script(part.bytes, mode))
        ADD_FAILURE() << part.name << ":" << finding.line << ": " << finding.rule << " "
                      << finding.text;
    }
    // Nothing but the comment and the description differs from a harmless text.
    options.policy_name.clear();
    model::Firewall firewall, plain;
    ASSERT_TRUE(model::apply(artifact, "", firewall));
    ASSERT_TRUE(model::apply(encode(server({allow(tcp(22), "ssh")}), options), "", plain));
    EXPECT_EQ(firewall.rules.size(), plain.rules.size());
    for (const auto& each : firewall.rules) EXPECT_EQ(each.name, model::generation_of(artifact));
  }
}

TEST(Encode, DescriptionsAreReadable) {
  const auto described = [](std::string label) {
    auto line = rules(server({allow(tcp(22), std::move(label))})).at(0);
    return line.substr(line.find("description="));
  };
  EXPECT_EQ(described("ssh"), "description=\"in-7 ssh\"");
  EXPECT_EQ(described("the \"big\" one"), "description=\"in-7 the 'big' one\"");
  EXPECT_EQ(described("@x.dll,-1"), "description=\"in-7 @x.dll,-1\"");
  EXPECT_EQ(described("all "), "description=\"in-7 all\"");
}

}  // namespace
}  // namespace firewright::netsh
