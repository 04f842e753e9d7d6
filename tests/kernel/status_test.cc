// What `status` says: what is counted, what has drifted, what others do, and audit mode.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <map>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/kernel/life.h"
#include "tests/kernel/life_policies.h"
#include "tests/kernel/skip.h"

namespace firewright::kernel {
namespace {

using nlohmann::json;
using testing::HasSubstr;
using testing::Not;

TEST(Status, CountsAndFindsDrift) {
  for (const std::string backend : {"nftables", "iptables"}) {
    IN_NAMESPACE([&] {
      const Life life;
      must_run({"ip", "link", "set", "lo", "up"});
      life.must_apply(one, {"--backend", backend});
      const auto sound = life.run({"status"});
      if (backend == "nftables")
        must_run({"nft", "insert", "rule", "inet", "firewright", "input", "tcp", "dport", "23",
                  "accept"});
      else
        must_run({"iptables", "-I", "INPUT", "-p", "tcp", "--dport", "23", "-j", "ACCEPT"});
      const auto drifted = life.run({"status"});
      const auto document = json::parse(life.run({"status", "--format", "json"}).out);
      return check(sound.status == 0, said(sound)) +
             check(sound.out.find("http: 0 packets") != std::string::npos, said(sound)) +
             check(drifted.status == 1 && drifted.out.find("telnet") != std::string::npos,
                   said(drifted)) +
             check(!document["drift"]["equal"], "equal") +
             check(document["drift"]["newly_accepted"]["count"] == 1, document.dump());
    });
    EXPECT_EQ(text, "") << backend;
  }
}

// Metrics: everything of `status`, in samples whose names nobody may change.
TEST(Status, AsMetrics) {
  IN_NAMESPACE([] {
    const Life life;
    const std::string policy =
        "[policy]\nname = \"the \\\"web\\\"\"\n[inbound]\nallow = [\"ssh\",\n"
        "  { service = \"http\", count = true, expires = 2030-01-31, name = \"web\" },\n"
        "  { service = \"rdp\", expires = 2030-01-31, name = \"far\", only-on = \"netsh\" }]\n";
    const auto samples = [&](std::vector<std::string> more) {
      std::vector<std::string> command{"status", "--format", "prometheus"};
      command.insert(command.end(), more.begin(), more.end());
      std::istringstream in(life.run(command).out);
      std::map<std::string, std::string> found;
      for (std::string line; std::getline(in, line);)
        if (!line.starts_with('#'))
          found[line.substr(0, line.rfind(' '))] = line.substr(line.rfind(' ') + 1);
      return found;
    };
    const auto is = [](std::map<std::string, std::string> all, const std::string& name,
                       const std::string& value) {
      return check(all[name] == value, name + " is " + all[name] + ", not " + value);
    };
    auto none = samples({});
    std::string problems =
        is(none, "firewright_loaded", "0") + is(none, "firewright_status_readable", "1");
    life.must_apply(policy, {"--at", "2029-12-30"});
    auto all = samples({"--at", "2029-12-31"});
    problems +=
        is(all, "firewright_loaded", "1") + is(all, "firewright_drift", "0") +
        is(all, "firewright_confirmation_pending", "0") +
        is(all, "firewright_exception_expires_days{exception=\"web\",date=\"2030-01-31\"}", "31") +
        is(all, "firewright_exception_packets_total{exception=\"web\",counter=\"web\"}", "0");
    problems += check(all.contains("firewright_loaded_age_seconds"), "no age");
    for (const auto& [name, value] : all)
      problems += check(name.find("\"far\"") == std::string::npos, "not loaded here: " + name);
    must_run(
        {"nft", "insert", "rule", "inet", "firewright", "input", "tcp", "dport", "23", "accept"});
    problems += is(samples({}), "firewright_drift", "1");
    const auto late = life.run({"status", "--at", "2030-01-31"});
    problems += check(
        late.out.find("`web`: has run out and is still in force") != std::string::npos, said(late));
    life.must_apply(two, {"--confirm", "1m"});
    all = samples({});
    problems += is(all, "firewright_confirmation_pending", "1");
    problems +=
        check(all.contains("firewright_confirmation_deadline_timestamp_seconds"), "no deadline");
    (void)life.run({"rollback"});
    life.write("state/state.json", "not a state");
    problems += is(samples({}), "firewright_status_readable", "0");
    return problems;
  });
  EXPECT_EQ(text, "");
}

// What others do that the policy's author has to know.
TEST(Status, NamesOtherBaseChainsAndRedirects) {
  IN_NAMESPACE([] {
    const Life life;
    life.must_apply("[inbound]\nallow = [\"ssh\", \"http\"]\n[forward]\ndefault = \"unmanaged\"\n");
    must_run({"nft", "-f", "-"},
             "table inet strict { chain i { type filter hook input priority 10; policy accept;\n"
             "tcp dport 80 drop\n}\n}\n"
             "table ip published { chain pre { type nat hook prerouting priority -100;\n"
             "tcp dport 8080 dnat to 172.17.0.2:80\n}\n}\n");
    return said(life.run({"status"}));
  });
  EXPECT_THAT(text, HasSubstr("exit 0"));
  EXPECT_THAT(text, HasSubstr("denies what the policy allows: inbound http"));
  EXPECT_THAT(text, HasSubstr("8080"));
  EXPECT_THAT(text, HasSubstr("forwarding is left unmanaged"));
}

TEST(Status, AuditDeniesNothingAndShowsWhatItWouldHave) {
  for (const std::string backend : {"nftables", "iptables"}) {
    IN_NAMESPACE([&] {
      const Life life;
      must_run({"ip", "link", "set", "lo", "up"});
      must_run({"ip", "link", "add", "v0", "type", "veth", "peer", "name", "v1"});
      must_run({"ip", "addr", "add", "198.51.100.1/24", "dev", "v0"});
      must_run({"ip", "link", "set", "v0", "up"});
      must_run({"ip", "link", "set", "v1", "up"});
      // What leaves over v0 is denied by the default of outbound.
      const std::string policy =
          "[outbound]\ndefault = \"drop\"\ndeny = [{ service = \"smtp\", name = \"no mail\" }]\n";
      const auto audited = life.must_apply(policy, {"--audit", "--backend", backend});
      const auto send = [](const std::string& port) {
        return run({"bash", "-c", "echo x > /dev/udp/198.51.100.9/" + port});
      };
      const auto sent = send("9");
      const auto status = life.run({"status"});
      std::string problems =
          check(audited.find("audit: nothing is denied") != std::string::npos, audited) +
          check(sent.status == 0, said(sent)) +
          check(status.status == 0 &&
                    status.out.find("outbound, by the default, udp: 1 packet") != std::string::npos,
                said(status));
      life.must_apply(policy, {"--backend", backend});
      const auto denied = send("9");
      return problems + check(denied.status != 0, "audit still stands") +
             check(life.run({"status"}).out.find("audit") == std::string::npos, "audit in status");
    });
    EXPECT_EQ(text, "") << backend;
  }
}

}  // namespace
}  // namespace firewright::kernel
