#include "backends/netsh/check.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace firewright::netsh {
namespace {

const std::string add = "advfirewall firewall add rule ";
const std::string named = add + "name=firewright-0123456789abcdef ";
const std::string good = named + "dir=in action=allow profile=any protocol=tcp localport=22";

std::vector<std::string> rules(std::string_view text, ScriptMode mode = ScriptMode::file,
                               const Expected& expected = {}) {
  std::vector<std::string> result;
  for (const auto& finding : check_script(text, mode, expected)) result.push_back(finding.rule);
  return result;
}
std::vector<std::string> rules_of_line(const std::string& line, ScriptMode mode = ScriptMode::file,
                                       const Expected& expected = {}) {
  return rules(line + "\r\n", mode, expected);
}
using Rules = std::vector<std::string>;

std::string repeated(std::size_t count, const std::string& stem, const std::string& end) {
  std::string text;
  for (std::size_t i = 0; i < count; ++i)
    text += (i == 0 ? "" : ",") + stem + std::to_string(2 * i + 1) + end;
  return text;
}

TEST(Check, GoodLines) {
  for (const std::string& line :
       {good, std::string("# a comment"), std::string("#"), std::string(""),
        std::string("advfirewall set allprofiles state on"),
        std::string("advfirewall set allprofiles firewallpolicy blockinbound,allowoutbound"),
        std::string("advfirewall firewall delete rule name=firewright-0123456789abcdef"),
        std::string("advfirewall firewall set rule name=all dir=in new enable=no"),
        std::string(
            "advfirewall firewall set rule name=firewright-0123456789abcdef new enable=yes"),
        good + " description=\"in-1 ssh\"", good + " remoteip=192.0.2.0/24,198.51.100.1",
        good + " remoteip=2001:db8::/32 localip=2001:db8::1",
        named + "dir=out action=allow profile=any protocol=icmpv6:128,any",
        named + "dir=in action=allow profile=any protocol=50",
        named + "dir=in action=allow profile=any protocol=any"})
    EXPECT_EQ(rules_of_line(line), Rules{}) << line;
}

struct Bad {
  const char* rule;
  std::string line;
};

TEST(Check, OneBadLineForEachRule) {
  const std::string tail = " dir=in action=allow profile=any protocol=tcp";
  const std::vector<Bad> table{
      {"V1", "netsh " + good},
      {"V1", "advfirewall reset"},
      {"V1", "advfirewall firewall show rule name=all"},
      {"V1", "advfirewall set allprofiles state off"},
      {"V1", "advfirewall set allprofiles firewallpolicy blockinbound"},
      {"V1", "#comment"},
      {"V1", "advfirewall firewall set rule name=firewright-0123456789abcdef new action=allow"},
      {"V2", "# a\tb"},
      {"V2", "# caf\xc3\xa9"},
      {"V2", "# " + std::string(1000, 'x')},
      {"V3", good + " Enable=yes"},
      {"V3", good + " interface=any"},
      {"V3", good + " profile=any"},
      {"V3", good + " enable"},
      {"V4", named + "action=allow profile=any protocol=tcp"},
      {"V4", named + "dir=in profile=any protocol=tcp"},
      {"V4", add + "dir=in action=allow profile=any"},
      {"V4", "advfirewall firewall delete rule dir=in"},
      {"V5", add + "name=\"firewright-0123456789abcdef\"" + tail},
      {"V5", good + " description=\"a b\"c\"d\""},
      {"V5", good + " description=\"open"},
      {"V6", add + "name=all" + tail},
      {"V6", add + "name=ALL" + tail},
      {"V6", good + " description=a|b"},
      {"V6", good + " description=@x.dll,-1"},
      {"V7", named + "dir=inbound action=allow profile=any protocol=tcp"},
      {"V8", named + "dir=in action=bypass profile=any protocol=tcp"},
      {"V9", named + "dir=in action=allow profile=any protocol=icmp"},
      {"V9", named + "dir=in action=allow profile=any protocol=icmpv4:8"},
      {"V9", named + "dir=in action=allow profile=any protocol=icmpv4:8,256"},
      {"V9", named + "dir=in action=allow profile=any protocol=256"},
      {"V9", named + "dir=in action=allow profile=any protocol=06"},
      {"V10", named + "dir=in action=allow profile=any localport=22"},
      {"V10", named + "dir=in action=allow profile=any protocol=132 localport=22"},
      {"V10", named + "dir=in action=allow profile=any protocol=any remoteport=22"},
      {"V11", named + tail.substr(1) + " localport=0"},
      {"V11", named + tail.substr(1) + " localport=0-65535"},
      {"V11", named + tail.substr(1) + " localport=any"},
      {"V11", named + tail.substr(1) + " localport=65536"},
      {"V11", named + tail.substr(1) + " localport=80-22"},
      {"V11", named + tail.substr(1) + " localport=22-22"},
      {"V11", named + tail.substr(1) + " localport=80,22"},
      {"V11", named + tail.substr(1) + " localport=22,23"},
      {"V12", named + tail.substr(1) + " localport=RPC"},
      {"V13", good + " remoteip=0.0.0.0/0"},
      {"V13", good + " remoteip=::/0"},
      {"V13", good + " remoteip=0.0.0.0"},
      {"V13", good + " remoteip=0.0.0.0-9.255.255.255"},
      {"V13", good + " remoteip=127.0.0.1"},
      {"V13", good + " remoteip=1.0.0.0-200.0.0.0"},
      {"V13", good + " remoteip=::1"},
      {"V13", good + " remoteip=::-2001:db8::1"},
      {"V13", good + " remoteip=192.0.2.9-192.0.2.1"},
      {"V13", good + " remoteip=192.0.2.1/24"},
      {"V13", good + " remoteip=192.0.2.0/255.255.255.0"},
      {"V13", good + " remoteip=2001:DB8::1"},
      {"V13", good + " remoteip=192.0.2.1,"},
      {"V13", good + " remoteip=any"},
      {"V13", good + " remoteip=localsubnet"},
      {"V15", good + " localip=LocalSubnet"},
      {"V16", good + " localip=192.0.2.1 remoteip=2001:db8::1"},
      {"V16", good + " localip=192.0.2.1,2001:db8::2 remoteip=192.0.2.9,2001:db8::1"},
      {"V17", good + " interfacetype=lan"},
      {"V18", good + " program=C:\\a.exe"},
      {"V18", good + " service=W3SVC"},
      {"V18", good + " edge=yes"},
      {"V18", good + " security=authenticate"},
      {"V18", good + " rmtusrgrp=D:"},
      {"V19", named + "dir=in action=allow protocol=tcp"},
      {"V19", named + "dir=in action=allow profile=home protocol=tcp"},
      {"V19", named + "dir=in action=allow profile=private protocol=tcp"},
      {"V20", add + "name=mine" + tail},
      {"V20", "advfirewall firewall delete rule name=\"Remote Desktop\""},
      {"V20", "advfirewall firewall set rule name=all new enable=no"},
      {"V20", "advfirewall firewall set rule name=all dir=in new enable=yes"},
      {"V21", named + "dir=in action=block profile=any protocol=tcp"},
  };
  for (const auto& bad : table) EXPECT_EQ(rules_of_line(bad.line), Rules{bad.rule}) << bad.line;
}

TEST(Check, NoValue) {
  EXPECT_EQ(rules_of_line(good + " description="), (Rules{"V3", "V6"}));
  EXPECT_EQ(rules_of_line(good + " remoteip="), (Rules{"V3", "V13"}));
}

TEST(Check, LineEnds) {
  EXPECT_EQ(rules(good + "\n"), Rules{"V2"});
  EXPECT_EQ(rules(good), Rules{"V2"});
  EXPECT_EQ(rules(good + "\r"), Rules{"V2"});
  EXPECT_EQ(rules(good + "\r\n" + good), Rules{"V2"});
  EXPECT_EQ(rules(""), Rules{});
}

TEST(Check, LongLists) {
  // A line that long breaks V2 as well.
  EXPECT_EQ(rules_of_line(good + " remoteip=" + repeated(1001, "2001:db8::", "")),
            (Rules{"V2", "V14"}));
  EXPECT_EQ(rules_of_line(named + "dir=in action=allow profile=any protocol=tcp localport=" +
                          repeated(1001, "", "")),
            (Rules{"V2", "V11"}));
}

TEST(Check, TwoGenerations) {
  const auto other = add + "name=firewright-fedcba9876543210 dir=in action=allow profile=any";
  EXPECT_EQ(rules(good + "\r\n" + other + "\r\n"), Rules{"V20"});
  const auto findings = check_script(good + "\r\n" + other + "\r\n", ScriptMode::file);
  ASSERT_EQ(findings.size(), 1U);
  EXPECT_EQ(findings[0].line, 2U);
}

TEST(Check, WhatThePolicyAsksFor) {
  Expected expected;
  expected.blocks = expected.profiles = expected.programs = expected.services = true;
  expected.keywords = expected.interface_types = true;
  for (const std::string& line :
       {named + "dir=in action=block profile=private,public protocol=tcp",
        good + " program=\"C:\\Program Files\\a.exe\" service=W3SVC",
        good + " remoteip=LocalSubnet",
        named + "dir=in action=allow profile=any protocol=tcp localport=RPC",
        good + " interfacetype=lan"})
    EXPECT_EQ(rules_of_line(line, ScriptMode::file, expected), Rules{}) << line;
  EXPECT_EQ(rules_of_line(named + "dir=out action=allow profile=any protocol=tcp localport=RPC",
                          ScriptMode::file, expected),
            Rules{"V12"});
  EXPECT_EQ(rules_of_line(good + " service=any", ScriptMode::file, expected), Rules{"V18"});
  EXPECT_EQ(rules_of_line(good + " program=C:/a.exe", ScriptMode::file, expected), Rules{"V18"});
  EXPECT_EQ(
      rules_of_line(good + " interfacetype=lan localip=192.0.2.1", ScriptMode::file, expected),
      Rules{"V17"});
}

TEST(Check, BatchFiles) {
  const auto batch = [](const std::string& text) { return rules(text, ScriptMode::batch); };
  EXPECT_EQ(batch("netsh -f a.txt || goto failed\r\n"), Rules{});
  EXPECT_EQ(batch("netsh -f a.txt\r\nif errorlevel 1 goto failed\r\n"), Rules{});
  EXPECT_EQ(batch("netsh -f a.txt\r\nnetsh advfirewall firewall show rule "
                  "name=firewright-0123456789abcdef && goto failed\r\n"),
            Rules{});
  EXPECT_EQ(batch("netsh -f a.txt\r\n"), Rules{"V22"});
  EXPECT_EQ(batch("netsh -f a.txt\r\necho done\r\n"), Rules{"V22"});
  EXPECT_EQ(batch("\"%FW_NETSH%\" advfirewall import a.wfw >nul\r\n"), Rules{"V22"});
  EXPECT_EQ(batch("netsh advfirewall reset || goto failed\r\n"), Rules{"V1"});
  EXPECT_EQ(batch("if exist a netsh -f a.txt || goto failed\r\n"), Rules{"V1"});
  EXPECT_EQ(batch("netsh advfirewall firewall delete rule name=%FW_OLD%-block >nul\r\n"), Rules{});
  EXPECT_EQ(batch("netsh " + good + " description=\"100% & more\" || goto failed\r\n"),
            Rules{"V6"});
  EXPECT_EQ(
      batch("netsh " + add + "name=%FW_NEW% dir=in action=allow profile=any || goto failed\r\n"),
      (Rules{"V6", "V20"}));
  EXPECT_EQ(batch("rem " + std::string(8000, 'x') + "\r\n"), Rules{"V2"});
  EXPECT_EQ(batch("echo caf\xc3\xa9\r\n"), Rules{"V2"});
}

}  // namespace
}  // namespace firewright::netsh
