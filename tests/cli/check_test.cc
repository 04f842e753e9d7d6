// `check`: what it proves and finds, and how that leaves the command.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <sstream>

#include "compiler/cli/run.h"

namespace firewright::cli {
namespace {

using testing::HasSubstr;

struct Run {
  Exit exit = Exit::ok;
  std::string out;
  std::string err;
};

Run check(const std::string& toml, const std::vector<std::string>& options = {}) {
  std::istringstream in(toml);
  std::ostringstream out;
  std::ostringstream err;
  Console console{.in = in, .out = out, .err = err};
  std::vector<std::string> arguments = {"check", "-", "--at", "2026-06-01"};
  arguments.insert(arguments.end(), options.begin(), options.end());
  const auto exit = cli::run(arguments, console);
  return {exit, out.str(), err.str()};
}

constexpr const char* office_only = R"([addresses]
office = "198.51.100.0/24"
[inbound]
allow = [{ service = "rdp", from = "office" }]
[[assert]]
name = "the office"
always = { direction = "inbound", service = "rdp", from = "office" }
)";

TEST(CheckAssertions, AreProved) {
  const auto result = check(office_only);
  EXPECT_EQ(result.exit, Exit::ok) << result.err;
  EXPECT_EQ(result.out,
            "-: ok, 1 exception, 1 assertion proved; nftables yes, iptables yes, netsh yes\n");
  EXPECT_EQ(result.err, "");
}

TEST(CheckAssertions, ThatFailAreANo) {
  const auto result = check(std::string(office_only) +
                            "[[assert]]\nnever = { direction = \"inbound\", service = \"rdp\" }\n");
  EXPECT_EQ(result.exit, Exit::no);
  EXPECT_THAT(result.err, HasSubstr("<stdin>:8:1: error: `never rdp` does not hold"));
  EXPECT_THAT(result.err, HasSubstr("<stdin>:4:10: note: accepted by this exception"));
  EXPECT_THAT(result.err, testing::Not(HasSubstr("on nftables")));
  EXPECT_THAT(result.out, HasSubstr("-: 1 error, 1 assertion proved"));
}

TEST(CheckAssertions, StandInTheJson) {
  const auto result =
      check(std::string(office_only) +
                "[[assert]]\nnever = { direction = \"inbound\", service = \"rdp\" }\n",
            {"--format", "json"});
  EXPECT_EQ(result.exit, Exit::no);
  EXPECT_EQ(result.err, "");
  const auto policy = nlohmann::json::parse(result.out).at("policies")[0];
  EXPECT_FALSE(policy.at("ok"));
  ASSERT_EQ(policy.at("assertions").size(), 2U);
  const auto& proved = policy.at("assertions")[0];
  EXPECT_EQ(proved.at("name"), "the office");
  EXPECT_EQ(proved.at("claim"), "always");
  EXPECT_TRUE(proved.at("proved"));
  EXPECT_FALSE(proved.contains("counterexample"));
  const auto& failed = policy.at("assertions")[1];
  EXPECT_FALSE(failed.at("proved"));
  EXPECT_EQ(failed.at("status"), "failed");
  EXPECT_EQ(failed.at("counterexample"), "tcp 198.51.100.9:40000 -> 192.0.2.10:3389 in eth0 new");
  EXPECT_EQ(policy.at("diagnostics")[0].at("id"), "assertion-failed");
}

TEST(CheckLint, WarningsAreANoWhenStrict) {
  const std::string toml = "[inbound]\nallow = [\"rdp\"]\n";
  const auto lenient = check(toml);
  EXPECT_EQ(lenient.exit, Exit::ok);
  EXPECT_THAT(lenient.err, HasSubstr("[open-service]"));
  EXPECT_THAT(lenient.out, HasSubstr("-: ok, 1 exception, 1 warning;"));
  EXPECT_EQ(check(toml, {"--strict"}).exit, Exit::no);
  const auto json = check(toml, {"--strict", "--format", "json"});
  EXPECT_EQ(json.exit, Exit::no);
  EXPECT_FALSE(nlohmann::json::parse(json.out).at("ok"));
}

TEST(CheckLint, NotesNeverAreANo) {
  const auto result = check("[inbound]\nallow = [\"ssh\"]\n", {"--strict"});
  EXPECT_EQ(result.exit, Exit::ok);
  EXPECT_THAT(result.err, HasSubstr("note: `ssh` opens ssh to any source [open-ssh]"));
}

TEST(CheckLint, IgnoredFindingsAreNone) {
  const auto result = check(
      "[[inbound.allow]]\nservice = \"rdp\"\nignore = [\"open-service\"]\n"
      "reason = \"a honeypot\"\n",
      {"--strict"});
  EXPECT_EQ(result.exit, Exit::ok);
  EXPECT_EQ(result.err, "");
}

TEST(CheckLint, IsSaidOnceForSeveralTargets) {
  const auto result = check("[inbound]\nallow = [\"rdp\", \"tcp/3389\"]\n");
  const auto first = result.err.find("[redundant]");
  ASSERT_NE(first, std::string::npos) << result.err;
  EXPECT_EQ(result.err.find("[redundant]", first + 1), std::string::npos) << result.err;
}

// An assertion about a zone is about interfaces on Linux and profiles on Windows.
TEST(CheckAssertions, HoldOnEachTarget) {
  const std::string toml = R"([zones]
lan = { interfaces = ["eth1"], profiles = ["private"] }
[[inbound.allow]]
service = "smb"
in = "lan"
[[assert]]
always = { direction = "inbound", service = "smb", in = "lan" }
)";
  const auto result = check(toml);
  EXPECT_EQ(result.exit, Exit::ok) << result.err;
  EXPECT_THAT(result.out, HasSubstr("1 assertion proved; nftables yes, iptables yes, netsh yes"));
}

}  // namespace
}  // namespace firewright::cli
