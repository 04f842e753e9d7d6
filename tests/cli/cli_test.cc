#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "tests/cli/command.h"

namespace firewright::cli {
namespace {

namespace fs = std::filesystem;

constexpr const char* small = "[inbound]\nallow = [\"ssh\", \"http\"]\n";

using Folder = InFolder;

TEST(Usage, SaysWhatIsWrongAndWhereHelpIs) {
  struct Case {
    std::vector<std::string> arguments;
    std::string err;
  };
  for (const auto& [arguments, err] : {
           Case{{}, "A subcommand is required"},
           Case{{"chek"}, "there is no command `chek`; did you mean `check`?"},
           Case{{"check"}, "POLICY is required"},
           Case{{"compile", "-"}, "--target is required"},
           Case{{"compile", "-", "--target", "pf"}, "`pf` is not one of iptables|netsh|nftables"},
           Case{{"compile", "-", "--target", "netsh", "--target", "iptables"},
                "several targets need a folder"},
           Case{{"compile", "-", "--target", "netsh", "-o", "x", "--part", "y"},
                "-o writes all parts"},
           Case{{"check", "-", "--at", "yesterday"}, "--at: `yesterday` is not a date"},
           Case{{"check", "-", "--no-such"}, "--no-such"},
           Case{{"explain", "-"}, "PACKET is required"},
       }) {
    const auto result = run(arguments, small);
    EXPECT_EQ(result.exit, Exit::usage) << err;
    EXPECT_EQ(result.out, "") << err;
    EXPECT_NE(result.err.find(err), std::string::npos) << result.err;
  }
}

TEST(Usage, HelpAndVersionGoToStandardOutput) {
  for (const std::vector<std::string>& arguments : {std::vector<std::string>{"--help"},
                                                    {"check", "--help"},
                                                    {"apply", "--help"},
                                                    {"--version"}}) {
    const auto result = run(arguments);
    EXPECT_EQ(result.exit, Exit::ok);
    EXPECT_NE(result.out, "");
    EXPECT_EQ(result.err, "");
  }
  EXPECT_EQ(run({"--version"}).out.substr(0, 11), "firewright ");
}

TEST(Check, SaysWhichTargetsCanSayThePolicy) {
  const auto result = run({"check", "-"}, small);
  EXPECT_EQ(result.exit, Exit::ok);
  EXPECT_EQ(result.out, "-: ok, 2 exceptions, 1 note; nftables yes, iptables yes, netsh yes\n");
  EXPECT_NE(result.err.find("[open-ssh]"), std::string::npos) << result.err;
}

TEST(Check, ATargetThatIsNamedMustBeAble) {
  const std::string toml = "[inbound]\nallow = [{ service = \"ssh\", count = true }]\n";
  EXPECT_EQ(run({"check", "-"}, toml).exit, Exit::ok);
  const auto result = run({"check", "-", "--target", "netsh"}, toml);
  EXPECT_EQ(result.exit, Exit::no);
  EXPECT_NE(result.err.find("<stdin>:2:"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("[cannot-say]"), std::string::npos) << result.err;
}

TEST(Check, ReportsAllErrorsOfAFile) {
  const auto result = run(
      {"check", "-"}, "[inbound]\nalow = []\ndefault = \"dorp\"\nallow = [\"shh\", \"tcp/0\"]\n");
  EXPECT_EQ(result.exit, Exit::no);
  for (const auto* place :
       {"<stdin>:2:1: error", "<stdin>:3:11: error", "<stdin>:4:10: error", "<stdin>:4:1"})
    EXPECT_NE(result.err.find(place), std::string::npos) << place << " in\n" << result.err;
}

TEST(Check, JsonHoldsTheSame) {
  const auto good = run({"check", "-", "--format", "json"}, small);
  EXPECT_EQ(good.exit, Exit::ok);
  const auto document = nlohmann::json::parse(good.out);
  EXPECT_TRUE(document.at("ok"));
  EXPECT_TRUE(document.at("policies")[0].at("targets").at("netsh"));
  const auto bad = run({"check", "-", "--format", "json"}, "[inbound]\nallow = [\"shh\"]\n");
  EXPECT_EQ(bad.exit, Exit::no);
  EXPECT_EQ(bad.err, "");
  const auto entry = nlohmann::json::parse(bad.out).at("policies")[0].at("diagnostics")[0];
  EXPECT_EQ(entry.at("line"), 2);
  EXPECT_EQ(entry.at("severity"), "error");
}

TEST_F(Folder, CheckTakesSeveralPolicies) {
  const auto a = write("a.toml", small);
  const auto b = write("b.toml", "nonsense");
  const auto result = run({"check", a, b});
  EXPECT_EQ(result.exit, Exit::no);
  EXPECT_NE(result.out.find("a.toml: ok"), std::string::npos);
  EXPECT_NE(result.out.find("b.toml: 1 error"), std::string::npos) << result.out;
}

TEST_F(Folder, CompileWritesAllPartsOfAllTargets) {
  const auto policy = write("web.toml", small);
  const auto result = run({"compile", policy, "--target", "iptables", "--target", "nftables", "-o",
                           (folder_ / "out").string()});
  EXPECT_EQ(result.exit, Exit::ok) << result.err;
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(files(), (std::vector<std::string>{"out/web.nft", "out/web.nlbatch", "out/web.v4.rules",
                                               "out/web.v6.rules", "web.toml"}));
}

TEST_F(Folder, APolicyWithErrorsWritesNothing) {
  const auto policy = write("web.toml", "[inbound]\nallow = [\"shh\"]\n");
  const auto result =
      run({"compile", policy, "--target", "nftables", "-o", (folder_ / "out").string()});
  EXPECT_EQ(result.exit, Exit::no);
  EXPECT_EQ(result.out, "");
  EXPECT_EQ(files(), std::vector<std::string>{"web.toml"});
}

TEST_F(Folder, OneTargetThatRefusesStopsAll) {
  const auto policy =
      write("web.toml", "[inbound]\nallow = [{ service = \"ssh\", count = true }]\n");
  const auto result = run({"compile", policy, "--target", "nftables", "--target", "netsh", "-o",
                           (folder_ / "out").string()});
  EXPECT_EQ(result.exit, Exit::no);
  EXPECT_EQ(files(), std::vector<std::string>{"web.toml"});
}

TEST_F(Folder, WhatCannotBeWrittenIsTheSystemsRefusal) {
  const auto policy = write("web.toml", small);
  const auto in_the_way = write("file", "");
  const auto result = run({"compile", policy, "--target", "nftables", "-o", in_the_way});
  EXPECT_EQ(result.exit, Exit::system);
  EXPECT_NE(result.err.find("firewright: cannot "), std::string::npos) << result.err;
  EXPECT_EQ(files(), (std::vector<std::string>{"file", "web.toml"}));
}

TEST(Compile, PartsGoToStandardOutput) {
  const auto v4 = run({"compile", "-", "--target", "iptables"}, small);
  EXPECT_EQ(v4.exit, Exit::ok);
  EXPECT_NE(v4.out.find("*filter"), std::string::npos);
  EXPECT_NE(v4.err.find("-: 2 exceptions, "), std::string::npos) << v4.err;
  const auto v6 = run({"compile", "-", "--target", "iptables", "--part", "v6"}, small);
  EXPECT_NE(v6.out.find("ipv6-icmp"), std::string::npos);
  const auto wrong = run({"compile", "-", "--target", "iptables", "--part", "v5"}, small);
  EXPECT_EQ(wrong.exit, Exit::usage);
  EXPECT_NE(wrong.err.find("this target has `v4`, `v6`"), std::string::npos) << wrong.err;
}

TEST(Compile, JsonCarriesTheParts) {
  const auto result = run({"compile", "-", "--target", "nftables", "--format", "json"}, small);
  EXPECT_EQ(result.exit, Exit::ok);
  EXPECT_EQ(result.err, "");
  const auto parts = nlohmann::json::parse(result.out).at("artifacts")[0].at("parts");
  EXPECT_NE(parts[0].at("text").get<std::string>().find("table inet firewright"),
            std::string::npos);
  EXPECT_FALSE(parts[1].at("base64").get<std::string>().empty());
}

TEST(Explain, NamesTheExceptionThatDecides) {
  const auto result = run({"explain", "-", "tcp 203.0.113.9:40000 -> 192.0.2.10:22 in eth0"},
                          "[inbound]\nallow = [{ service = \"ssh\", reason = \"admins\" }]\n");
  EXPECT_EQ(result.exit, Exit::ok);
  EXPECT_EQ(result.out,
            "accept  tcp 203.0.113.9:40000 -> 192.0.2.10:22 in eth0 new\n"
            "  by `ssh` (<stdin>:2:10): admins\n");
}

TEST(Explain, ADenyByDefaultNamesWhatCameNearest) {
  const auto result =
      run({"explain", "-", "tcp 203.0.113.9:40000 -> 192.0.2.10:22 in eth0"},
          "[inbound]\nallow = [\"dns\", { service = \"ssh\", from = \"192.0.2.0/24\" }]\n");
  EXPECT_EQ(result.out.substr(0, result.out.find("dns")),
            "drop  tcp 203.0.113.9:40000 -> 192.0.2.10:22 in eth0 new\n"
            "  by the default of inbound\n"
            "  nearest exceptions:\n"
            "    accept by `ssh from 192.0.2.0/24` (<stdin>:2:17)\n"
            "      but the source is 203.0.113.9\n"
            "    accept by `");
}

TEST(Explain, SaysWhatHappensOverALimit) {
  const auto result = run({"explain", "-", "tcp 203.0.113.9 -> 192.0.2.10:22 in eth0"},
                          "[inbound]\nallow = [{ service = \"ssh\", limit = { rate = "
                          "\"10/minute\", per = \"source\" } }]\n");
  EXPECT_NE(result.out.find("while its limit lasts; over it: drop"), std::string::npos)
      << result.out;
}

TEST(Explain, ABadPacketIsShownWithItsPlace) {
  const auto result = run({"explain", "-", "tcp 203.0.113.9 -> 192.0.2.10"}, small);
  EXPECT_EQ(result.exit, Exit::no);
  EXPECT_NE(result.err.find(
                "<packet>:1:20: error: this is not a packet: the destination port is missing"),
            std::string::npos)
      << result.err;
}

TEST(Services, ListsTheCatalogueOrOneOfIt) {
  EXPECT_NE(run({"services"}).out.find("  ssh "), std::string::npos);
  EXPECT_EQ(run({"services", "https"}).out.substr(0, 14), "https  tcp/443");
  const auto wrong = run({"services", "htps"});
  EXPECT_EQ(wrong.exit, Exit::no);
  EXPECT_NE(wrong.err.find("did you mean `https`?"), std::string::npos) << wrong.err;
  const auto document = nlohmann::json::parse(run({"services", "--format", "json"}).out);
  EXPECT_GE(document.at("services").size(), 150U);
}

TEST(Output, AFullDiskIsTheSystemsRefusal) {
  std::istringstream in(small);
  std::ofstream out("/dev/full");
  std::ostringstream err;
  Console console{.in = in, .out = out, .err = err};
  EXPECT_EQ(cli::run({"compile", "-", "--target", "nftables"}, console), Exit::system);
  EXPECT_NE(err.str().find("cannot write to standard output"), std::string::npos);
}

}  // namespace
}  // namespace firewright::cli
