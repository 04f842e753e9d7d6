#include "backends/netsh/decode.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/backends/netsh/reading.h"

namespace firewright::netsh {
namespace {

using namespace test;
using ir::Hook;
using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::ElementsAreArray;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::StartsWith;

const std::string on = "advfirewall set allprofiles state on\n";
const std::string blocks =
    on + "advfirewall set allprofiles firewallpolicy blockinbound,allowoutbound\n";
const std::string add = "advfirewall firewall add rule ";

// The rules of a chain, one a line.
std::vector<std::string> rules(const Read& read, Hook hook = Hook::inbound) {
  if (!read.program) return read.errors;
  std::vector<std::string> lines;
  for (const auto& rule : read.program->find(hook)->rules) {
    EXPECT_TRUE(ir::valid(rule.match)) << ir::to_text(rule.match);
    EXPECT_EQ(rule.origin.kind, ir::OriginKind::decoded);
    const auto match = ir::to_text(rule.match);
    lines.push_back((match.empty() ? "any" : match) + " -> " + ir::to_string(rule.verdict));
  }
  return lines;
}

// What a rule with these tags matches, inbound unless they say otherwise; more than one if need be.
std::vector<std::string> said(const std::string& tags) {
  const bool out = tags.find("dir=out") != std::string::npos;
  const auto read =
      read_script(blocks + add + "name=x action=allow " + (out ? "" : "dir=in ") + tags + "\n");
  auto lines = rules(read, out ? Hook::outbound : Hook::inbound);
  if (read.program && !lines.empty()) lines.pop_back();  // the default
  for (auto& line : lines) {
    const auto end = line.find(" -> accept");
    if (end != std::string::npos) line.erase(end);
  }
  return lines;
}

std::vector<std::string> errors(const std::string& line) {
  return read_script(blocks + line + "\n").errors;
}

TEST(Decode, OneRule) {
  EXPECT_THAT(said(""), ElementsAre("any"));
  EXPECT_THAT(said("protocol=tcp localport=22"), ElementsAre("protocol {tcp} dport {22}"));
  EXPECT_THAT(said("protocol=udp localport=53,1000-2000 remoteport=1024-65535"),
              ElementsAre("protocol {udp} sport {1024-65535} dport {53, 1000-2000}"));
  EXPECT_THAT(said("dir=out protocol=tcp localport=1024-65535 remoteport=443"),
              ElementsAre("protocol {tcp} sport {1024-65535} dport {443}"));
  EXPECT_THAT(said("protocol=47"), ElementsAre("protocol {gre}"));
  EXPECT_THAT(said("protocol=6 localport=22,22,21"), ElementsAre("protocol {tcp} dport {21-22}"));
  EXPECT_THAT(said("profile=domain,private"), ElementsAre("profile {domain, private}"));
  EXPECT_THAT(said("profile=any"), ElementsAre("any"));
  EXPECT_THAT(said("program=\"C:\\Program Files\\x.exe\""),
              ElementsAre("program \"C:\\\\Program Files\\\\x.exe\""));
  EXPECT_THAT(said("service=W32Time"), ElementsAre("windows-service \"W32Time\""));
  EXPECT_THAT(said("enable=no"), IsEmpty());
  EXPECT_THAT(said("enable=yes security=notrequired edge=no interfacetype=any"),
              ElementsAre("any"));
}

TEST(Decode, Addresses) {
  EXPECT_THAT(said("remoteip=192.0.2.0/24 localip=198.51.100.7"),
              ElementsAre("family {ipv4} from4 {192.0.2.0/24} to4 {198.51.100.7}"));
  EXPECT_THAT(said("dir=out remoteip=192.0.2.0/24 localip=198.51.100.7"),
              ElementsAre("family {ipv4} from4 {198.51.100.7} to4 {192.0.2.0/24}"));
  EXPECT_EQ(said("remoteip=192.0.2.0/255.255.255.0"), said("remoteip=192.0.2.0/24"));
  EXPECT_EQ(said("remoteip=192.0.2.0-192.0.2.255"), said("remoteip=192.0.2.0/24"));
  EXPECT_EQ(said("remoteip=192.0.2.128/25,192.0.2.0/25"), said("remoteip=192.0.2.0/24"));
  EXPECT_THAT(said("remoteip=2001:DB8::/32,192.0.2.1"),
              ElementsAre("from4 {192.0.2.1} from6 {2001:db8::/32}"));
  EXPECT_THAT(said("remoteip=any localip=any"), ElementsAre("any"));
  // Only where both sides have a family.
  EXPECT_THAT(said("remoteip=2001:db8::/32,192.0.2.1 localip=198.51.100.7"),
              ElementsAre("family {ipv4} from4 {192.0.2.1} to4 {198.51.100.7}"));
}

TEST(Decode, Icmp) {
  EXPECT_THAT(said("protocol=icmpv4"), ElementsAre("family {ipv4} protocol {icmp}"));
  EXPECT_EQ(said("protocol=1"), said("protocol=icmpv4"));
  EXPECT_EQ(said("protocol=58"), said("protocol=icmpv6"));
  EXPECT_EQ(said("protocol=icmpv4:any,any"), said("protocol=icmpv4"));
  EXPECT_THAT(said("protocol=icmpv4:8,any"),
              ElementsAre("family {ipv4} protocol {icmp} icmp {8/0-8/255}"));
  EXPECT_THAT(said("protocol=icmpv6:1,4"),
              ElementsAre("family {ipv6} protocol {icmpv6} icmp {1/4}"));
  EXPECT_EQ(said("protocol=ICMPv4:8,Any"), said("protocol=icmpv4:8,any"));
}

// What only Windows knows: each keyword is a rule of its own.
TEST(Decode, Opaque) {
  EXPECT_THAT(said("remoteip=localsubnet,192.0.2.1"),
              ElementsAre("family {ipv4} from4 {192.0.2.1}",
                          "while {opaque:opaque \"remoteip=localsubnet\"}"));
  EXPECT_THAT(said("protocol=tcp localport=RPC,135,rpc-epmap"),
              ElementsAre(HasSubstr("dport {135}"), HasSubstr("localport=rpc\""),
                          HasSubstr("localport=rpc-epmap\"")));
  EXPECT_THAT(said("protocol=udp localport=teredo remoteip=LocalSubnet,DNS"),
              ElementsAre(HasSubstr("remoteip=localsubnet"), HasSubstr("remoteip=dns")));
  EXPECT_THAT(said("interfacetype=Wireless"), ElementsAre(HasSubstr("\"interfacetype=wireless\"")));
  EXPECT_THAT(said("edge=deferuser"), ElementsAre(HasSubstr("\"edge=deferuser\"")));
  EXPECT_THAT(said("service=any"), ElementsAre(HasSubstr("\"service=any\"")));
  // One note for each text.
  const auto rule = add + "name=x dir=in action=allow remoteip=localsubnet\n";
  const auto read = read_script(blocks + rule + rule);
  EXPECT_THAT(read.others, ElementsAre(StartsWith("artifact-opaque 3:1 `remoteip=localsubnet`")));
  EXPECT_THAT(read.errors, IsEmpty());
}

// As other people write: any case, short tags, blanks, contexts, batch files.
TEST(Decode, OtherPeoplesWriting) {
  const auto plain = said("protocol=tcp localport=22");
  EXPECT_EQ(said("Protocol=TCP LocalPort=22"), plain);
  EXPECT_EQ(said("prot = tcp localp= 22"), plain);
  EXPECT_EQ(said("protocol =tcp \"localport=22\""), plain);
  const auto whole = [&](const std::string& text) { return rules(read_script(blocks + text)); };
  const auto expected = whole(add + "name=\"my rule\" dir=in action=allow\n");
  ASSERT_EQ(expected.size(), 2U);
  EXPECT_EQ(whole("AdvFirewall Firewall Add Rule Name = \"my rule\" Dir = In Action = Allow"),
            expected);
  EXPECT_EQ(whole("advfirewall\r\nfirewall\r\n\r\nadd rule name=x dir=in action=allow\r\n..\r\n"),
            expected);
  EXPECT_EQ(whole("\tadvfirewall firewall\n add rule name=x dir=in action=allow\nexit\nnonsense\n"),
            expected);
  EXPECT_EQ(
      whole("@echo off\nrem it's \"me\nnetsh advfirewall firewall add rule name=\"a b\" dir=in "
            "action=allow >nul 2>&1\npause\n"),
      expected);
  EXPECT_EQ(whole("# a comment with one \" quote\n" + add + "name=x dir=in action=allow"),
            expected);
  EXPECT_EQ(whole(add + "name=\"caf\xc3\xa9\" dir=in action=allow\n"), expected);
}

TEST(Decode, BlockOverAllowOverDefault) {
  const auto read = read_script(
      blocks + add + "name=a dir=in action=allow protocol=tcp description=\"the web\"\n" + add +
      "name=b dir=out action=allow protocol=tcp\n" + add + "name=c dir=in action=block\n" + add +
      "name=d dir=out action=block protocol=udp\n");
  EXPECT_THAT(rules(read), ElementsAre("any -> drop", "protocol {tcp} -> accept", "any -> drop"));
  EXPECT_THAT(rules(read, Hook::outbound),
              ElementsAre("protocol {udp} -> drop", "protocol {tcp} -> accept", "any -> accept"));
  ASSERT_EQ(read.program->chains.size(), 2U);  // none for what is forwarded
  EXPECT_EQ(read.program->chains[0].name, "inbound");
  EXPECT_EQ(read.program->chains[0].policy, ir::VerdictKind::drop);
  EXPECT_EQ(read.program->chains[1].policy, ir::VerdictKind::accept);
  EXPECT_EQ(read.program->chains[0].rules[0].origin.label, "inbound 1");
  EXPECT_EQ(read.program->chains[0].rules[1].origin.label, "the web");
}

TEST(Decode, DeletedAndSet) {
  const std::string two = add + "name=a dir=in action=allow protocol=tcp localport=22\n" + add +
                          "name=a dir=out action=allow protocol=udp\n" + add +
                          "name=b dir=in action=block protocol=47 profile=public\n";
  const auto after = [&](const std::string& lines) {
    const auto read = read_script(blocks + two + lines);
    for (const auto& error : read.errors) ADD_FAILURE() << error;
    auto result = rules(read);
    auto more = rules(read, Hook::outbound);
    result.pop_back();
    more.pop_back();
    for (auto& line : more) result.push_back("out: " + line);
    return result;
  };
  const std::string gre = "profile {public} protocol {gre} -> drop";
  const std::string ssh = "protocol {tcp} dport {22} -> accept";
  const std::string udp = "out: protocol {udp} -> accept";
  const std::string fw = "advfirewall firewall ";
  EXPECT_THAT(after(""), ElementsAre(gre, ssh, udp));
  EXPECT_THAT(after(fw + "delete rule name=a"), ElementsAre(gre));
  EXPECT_THAT(after(fw + "delete rule a"), ElementsAre(gre));
  EXPECT_THAT(after(fw + "delete rule name=a dir=out"), ElementsAre(gre, ssh));
  EXPECT_THAT(after(fw + "delete rule name=a protocol=tcp localport=22"), ElementsAre(gre, udp));
  EXPECT_THAT(after(fw + "delete rule name=a localport=23 protocol=tcp"),
              ElementsAre(gre, ssh, udp));
  EXPECT_THAT(after(fw + "delete rule name=unknown"), ElementsAre(gre, ssh, udp));
  EXPECT_THAT(after(fw + "delete rule all dir=in"), ElementsAre(udp));
  EXPECT_THAT(after(fw + "delete rule name=all"), IsEmpty());
  EXPECT_THAT(after(fw + "delete rule name=all profile=public dir=in protocol=47"),
              ElementsAre(ssh, udp));
  EXPECT_THAT(after(fw + "set rule name=all new enable=no"), IsEmpty());
  EXPECT_THAT(after(fw + "set rule name=all dir=in new enable=no\n" + fw +
                    "set rule name=b new enable=yes"),
              ElementsAre(gre, udp));
  EXPECT_THAT(after(fw + "set rule group=\"@FirewallAPI.dll,-25000\" new enable=no"),
              ElementsAre(gre, ssh, udp));
  EXPECT_THAT(after(fw + "set rule name=b new action=allow protocol=6 localport=80 profile=any"),
              ElementsAre(ssh, "protocol {tcp} dport {80} -> accept", udp));
  EXPECT_THAT(after(fw + "set rule name=b new name=c\n" + fw + "delete rule name=b"),
              ElementsAre(gre, ssh, udp));
  EXPECT_THAT(after(fw + "set rule name=b new name=c\n" + fw + "delete rule name=c"),
              ElementsAre(ssh, udp));
  EXPECT_THAT(after("advfirewall firewall show rule name=all\nadvfirewall export x.wfw"),
              ElementsAre(gre, ssh, udp));
}

TEST(Decode, ChosenByEveryTag) {
  const std::string one = add +
                          "name=a dir=in action=allow protocol=tcp localip=192.0.2.1 "
                          "remoteip=198.51.100.0/24 localport=22 remoteport=1024-65535 "
                          "program=C:\\x.exe service=dnscache\n";
  const auto left = [&](const std::string& tag) {
    const auto read =
        read_script(blocks + one + "advfirewall firewall delete rule name=a " + tag + "\n");
    for (const auto& error : read.errors) ADD_FAILURE() << tag << ": " << error;
    return rules(read).size() - 1;
  };
  for (const auto* tag :
       {"localip=192.0.2.1", "remoteip=198.51.100.0/24", "remoteip=198.51.100.0-198.51.100.255",
        "remoteport=1024-65535", "program=C:\\x.exe", "service=dnscache"})
    EXPECT_EQ(left(tag), 0U) << tag;
  for (const auto* tag : {"localip=192.0.2.2", "remoteip=198.51.100.0/25", "remoteport=1024",
                          "program=C:\\y.exe", "service=other"})
    EXPECT_EQ(left(tag), 1U) << tag;
}

TEST(Decode, EveryTagCanBeSet) {
  const std::string plain = add + "name=a dir=in action=allow protocol=tcp";
  const auto set = [&](const std::string& tags) {
    return read_script(blocks + plain + "\nadvfirewall firewall set rule name=a new " + tags +
                       "\n");
  };
  for (const auto* tags :
       {"localip=192.0.2.1", "remoteip=198.51.100.0/24", "localport=22", "remoteport=1024-65535",
        "program=C:\\x.exe", "service=dnscache", "interfacetype=lan", "edge=yes", "description=x",
        "security=notrequired"}) {
    const auto written = read_script(blocks + plain + " " + tags + "\n");
    EXPECT_THAT(rules(set(tags)), ElementsAreArray(rules(written))) << tags;
    EXPECT_EQ(set(tags).errors, written.errors) << tags;
  }
  EXPECT_THAT(rules(set("dir=out"), Hook::outbound), Contains("protocol {tcp} -> accept"));
}

TEST(Decode, ProfileSettings) {
  const std::string policy = "advfirewall set allprofiles firewallpolicy ";
  const auto in = [&](const std::string& text) { return rules(read_script(text)); };
  const auto out = [&](const std::string& text) {
    return rules(read_script(text), Hook::outbound);
  };
  EXPECT_THAT(in(on + policy + "allowinbound,blockoutbound\n"), ElementsAre("any -> accept"));
  EXPECT_THAT(out(on + policy + "allowinbound,blockoutbound\n"), ElementsAre("any -> drop"));
  EXPECT_THAT(in(blocks + "advfirewall set publicprofile state off\n"),
              ElementsAre("profile {public} -> accept", "any -> drop"));
  EXPECT_THAT(
      in(blocks + "advfirewall set domainprofile firewallpolicy allowinbound,allowoutbound"),
      ElementsAre("profile {domain} -> accept", "profile {private, public} -> drop"));
  // No allow rule counts.
  EXPECT_THAT(in(blocks + add + "name=x dir=in action=allow\n" +
                 "advfirewall set privateprofile firewallpolicy BlockInboundAlways,AllowOutbound"),
              ElementsAre("profile {private} -> drop", "any -> accept", "any -> drop"));
  EXPECT_THAT(in(blocks + add + "name=x dir=in action=allow\nadvfirewall reset\n"),
              ElementsAre("any -> drop"));
  EXPECT_THAT(out(blocks + "advfirewall reset\n"), ElementsAre("any -> accept"));
}

// What the script leaves to the host stays open.
TEST(Decode, WhatIsNotSetIsNotKnown) {
  const auto read = read_script(add + "name=x dir=in action=allow protocol=tcp\n");
  EXPECT_THAT(
      rules(read),
      ElementsAre("profile {domain} while {opaque:opaque \"state of domain is off\"} -> accept",
                  HasSubstr("state of private is off"), HasSubstr("state of public is off"),
                  "protocol {tcp} -> accept", HasSubstr("firewallpolicy of domain allows inbound"),
                  HasSubstr("firewallpolicy of private allows inbound"),
                  HasSubstr("firewallpolicy of public allows inbound"), "any -> drop"));
  EXPECT_EQ(read.others.size(), 9U);
  EXPECT_THAT(read.others, Contains(HasSubstr("`firewallpolicy of public allows outbound`")));
}

TEST(Decode, OtherPeoplesRulesAreNotCompared) {
  const auto others = [&](const std::string& lines) { return read_script(blocks + lines).others; };
  const std::string set = "advfirewall firewall set rule ";
  EXPECT_THAT(
      others(set + "group=\"remote desktop\" new enable=Yes\n"),
      ElementsAre("artifact-not-compared 3:1 somebody else's `remote desktop` takes part in "
                  "filtering and is not compared"));
  EXPECT_THAT(others(set + "name=theirs new localport=80 protocol=tcp\n"),
              ElementsAre(HasSubstr("`theirs`")));
  EXPECT_THAT(others(set + "name=all new enable=yes\n"), ElementsAre(HasSubstr("every rule")));
  EXPECT_THAT(others("advfirewall reset\n"), ElementsAre(HasSubstr("what Windows ships with")));
  // What is deleted or off again takes no part.
  EXPECT_THAT(others("advfirewall reset\nadvfirewall firewall delete rule name=all\n"), IsEmpty());
  EXPECT_THAT(others(set + "name=x new enable=yes\n" + set + "name=all dir=in new enable=no\n" +
                     set + "name=all dir=out new enable=no\n"),
              IsEmpty());
  EXPECT_THAT(others(set + "name=x new enable=yes\n" + set + "name=all dir=in new enable=no\n"),
              ElementsAre(HasSubstr("`x`")));
  EXPECT_THAT(others("advfirewall set allprofiles settings remotemanagement enable\n"),
              ElementsAre(HasSubstr("`remotemanagement`")));
  EXPECT_THAT(others("advfirewall set allprofiles settings inboundusernotification enable\n"
                     "advfirewall set allprofiles logging maxfilesize 4096\n"),
              IsEmpty());
}

TEST(Decode, BadValuesAreRefused) {
  for (const char* tags : {"dir=both",
                           "enable=maybe",
                           "profile=home",
                           "profile=",
                           "protocol=icmp",
                           "protocol=256",
                           "protocol=-1",
                           "protocol=icmpv4:8",
                           "protocol=icmpv4:any,0",
                           "protocol=icmpv4:256,0",
                           "protocol=tcp:1,2",
                           "protocol=tcp localport=0",
                           "protocol=tcp localport=65536",
                           "protocol=tcp localport=80-22",
                           "protocol=tcp localport=22,",
                           "protocol=tcp localport=ssh",
                           "protocol=tcp localport=022",
                           "localport=22",
                           "protocol=any localport=22",
                           "protocol=icmpv4 localport=any",
                           "protocol=47 remoteport=1",
                           "remoteip=0.0.0.0/0",
                           "remoteip=0.0.0.0",
                           "remoteip=127.0.0.1",
                           "remoteip=126.0.0.0-128.0.0.0",
                           "remoteip=::",
                           "remoteip=::1/128",
                           "remoteip=::/0",
                           "remoteip=192.0.2.1/24",
                           "remoteip=192.0.2.0/255.0.255.0",
                           "remoteip=192.0.2.0/0.0.0.0",
                           "remoteip=192.0.2.9-192.0.2.1",
                           "remoteip=\"192.0.2.1 - 192.0.2.9\"",
                           "remoteip=192.0.2.1,",
                           "remoteip=example.com",
                           "remoteip=fe80::1%eth0",
                           "remoteip=192.0.2.1-2001:db8::1",
                           "remoteip=any,192.0.2.1",
                           "remoteip=localsubnet4",
                           "localip=localsubnet",
                           "localip=192.0.2.1 remoteip=2001:db8::1",
                           "protocol=icmpv6 remoteip=192.0.2.1",
                           "localip=192.0.2.1 interfacetype=lan",
                           "interfacetype=vpn",
                           "dir=out edge=yes",
                           "edge=maybe",
                           "protocol=tcp remoteport=rpc",
                           "protocol=udp localport=rpc",
                           "protocol=tcp localport=teredo",
                           "dir=out protocol=tcp localport=rpc",
                           "protocol=tcp localport=mDNS",
                           "program=a/b.exe",
                           "program=a*b",
                           "service=a\\b",
                           "program=\"caf\xc3\xa9\"",
                           "description=\"a|b\"",
                           "description=@x.dll,-1",
                           "group=x",
                           "pro=tcp",
                           "log=yes",
                           "=tcp",
                           "tcp",
                           "profile=any profile=any",
                           "name=y"})
    EXPECT_THAT(said(tags), ElementsAre(StartsWith("artifact-syntax 3:"))) << tags;
  for (const char* line : {"name=x dir=in", "name=x action=allow", "dir=in action=allow",
                           "name=all dir=in action=allow", "name=\"a|b\" dir=in action=allow",
                           "name=@x dir=in action=allow", "name= dir=in action=allow",
                           "name=\"x dir=in action=allow", "x dir=in action=allow"})
    EXPECT_THAT(errors(add + line), ElementsAre(StartsWith("artifact-syntax 3:"))) << line;
  for (const char* tags :
       {"action=bypass", "security=authenticate", "rmtcomputergrp=O:", "rmtusrgrp=D:"})
    EXPECT_THAT(errors(add + "name=x dir=in " + tags),
                ElementsAre(StartsWith("artifact-unknown 3:")))
        << tags;
}

TEST(Decode, BadLinesAreRefused) {
  for (const char* line :
       {"interface ip show config", "firewall set opmode disable", "advfirewall import x.wfw",
        "advfirewall set currentprofile state off",
        "advfirewall set allprofiles state notconfigured",
        "advfirewall set allprofiles settings localfirewallrules disable",
        "advfirewall set store gpo=host", "advfirewall set global ipsec x y",
        "advfirewall consec add rule", "advfirewall firewall add", "advfirewall firewall show",
        "netsh", "netsh -f other.txt", "netsh advfirewall reset & del x",
        "netsh advfirewall firewall delete rule name=%1", "echo off > x", "for %i in (1) do x",
        "advfirewall set allprofiles state", "add rule name=x dir=in action=allow"})
    EXPECT_THAT(errors(line), ElementsAre(StartsWith("artifact-unknown 3:1"))) << line;
  for (const auto& line :
       {std::string("advfirewall set allprofiles firewallpolicy blockinbound"),
        std::string("advfirewall set allprofiles firewallpolicy blockinbound,notconfigured"),
        std::string("advfirewall firewall delete rule"),
        std::string("advfirewall firewall delete rule dir=in"),
        std::string("advfirewall firewall set rule name=x"),
        std::string("advfirewall firewall set rule name=x new"),
        std::string("advfirewall firewall set rule new enable=no"),
        std::string("advfirewall firewall set rule group=x name=x new enable=no"),
        std::string("advfirewall firewall set rule group=x new action=allow"),
        std::string("advfirewall firewall set rule name=x enable=no new enable=no"),
        std::string("a\rb"), std::string("nul\0byte", 8), std::string("bell\a"),
        std::string("advfirewall \"reset"),
        add + "name=" + std::string(1000, 'x') + " dir=in action=allow"})
    EXPECT_THAT(errors(line), ElementsAre(StartsWith("artifact-syntax 3:"))) << line;
  EXPECT_THAT(read_script("\xef\xbb\xbf" + blocks).errors,
              ElementsAre(HasSubstr("byte order mark")));
  EXPECT_THAT(read_files({}).errors, ElementsAre(StartsWith("artifact-part-missing")));
  // A change that makes a rule impossible.
  EXPECT_THAT(errors(add + "name=x dir=in action=allow protocol=tcp localport=1\n" +
                     "advfirewall firewall set rule name=x new protocol=47"),
              ElementsAre(StartsWith("artifact-syntax 4:1")));
}

TEST(Decode, UnclearChoicesAreRefused) {
  const std::string rule = add + "name=Web dir=in action=allow profile=domain,private\n";
  for (const char* choice :
       {"delete rule name=web", "delete rule name=all profile=domain",
        "set rule name=WEB new enable=no", "set rule name=Web profile=private new enable=no"})
    EXPECT_THAT(errors(rule + "advfirewall firewall " + choice),
                ElementsAre(StartsWith("artifact-unknown 4:1")))
        << choice;
  EXPECT_THAT(errors(rule + "advfirewall firewall delete rule name=all profile=public"), IsEmpty());
  // Nobody else has rules of such names.
  EXPECT_THAT(
      errors("advfirewall firewall set rule name=firewright-0123456789abcdef new enable=yes"),
      ElementsAre(StartsWith("artifact-undefined 3:1")));
}

TEST(Decode, LongListsAreRefused) {
  const auto list = [](std::size_t n) {
    std::string text =
        "netsh advfirewall firewall add rule name=x dir=in action=allow protocol=tcp "
        "localport=";
    for (std::size_t i = 1; i <= n; ++i) text += (i > 1 ? "," : "") + std::to_string(2 * i);
    return text;
  };
  EXPECT_THAT(errors(list(1000)), IsEmpty());
  EXPECT_THAT(errors(list(1001)), ElementsAre(HasSubstr("more than 1000 ports")));
  EXPECT_THAT(errors(list(5000)), ElementsAre(HasSubstr("8191")));
}

TEST(Decode, KindsOfDiagnostics) {
  const std::string set = "advfirewall firewall set rule ";
  const std::string name = "firewright-0123456789abcdef";
  const std::string apply = "set \"FW_NEW=" + name + "\"\r\n:change\r\n" +
                            "\"%FW_NETSH%\" -f \"%FW_HERE%30-allow.txt\" || goto undo\r\n" +
                            "echo changed %FW_NEW%\r\n";
  const auto rule = [](const std::string& called) {
    return blocks + add + "name=" + called + " dir=in action=allow\n";
  };
  const std::vector<std::pair<Kind, Files>> cases{
      {Kind::artifact_syntax, {{"x", "advfirewall firewall delete rule\n"}}},
      {Kind::artifact_unknown, {{"x", "interface ip show config\n"}}},
      {Kind::artifact_undefined, {{"x", set + "name=" + name + " new enable=yes\n"}}},
      {Kind::artifact_opaque, {{"x", add + "name=x dir=in action=allow remoteip=dns\n"}}},
      {Kind::artifact_not_compared, {{"x", set + "name=x new enable=yes\n"}}},
      {Kind::artifact_part_missing, {{"apply", apply}}},
      {Kind::artifact_part_missing, {{"30-allow", rule(name)}, {"apply", "@echo off\r\n"}}},
      {Kind::artifact_conflict, {{"30-allow", rule("other")}, {"apply", apply}}},
      {Kind::artifact_conflict, {{"20-block", blocks}, {"30-allow", rule(name)}, {"apply", apply}}},
  };
  for (const auto& [kind, files] : cases)
    EXPECT_THAT(read_files(files).kinds, Contains(kind)) << id(kind);
  EXPECT_THAT(read_files({{"30-allow", rule(name)}, {"apply", apply}}).kinds, IsEmpty());
}

// The places that a rule's origin and a diagnostic point to.
TEST(Decode, Places) {
  Sources sources;
  Sink sink;
  const std::string line = add + "name=x dir=in action=allow remoteip=192.0.2.1";
  const auto file = sources.add("x", blocks + line + "\r\n");
  const std::vector<backend::ArtifactFile> files{{.file = file, .part = "30-allow"}};
  const auto program = decode(sources, files, sink);
  ASSERT_TRUE(program.has_value());
  const auto span = program->find(Hook::inbound)->rules[0].origin.span;
  EXPECT_EQ(sources.file(file).text().substr(span.begin, span.end - span.begin), line);
  EXPECT_THAT(errors(add + "name=x dir=in action=allow remoteip=no"),
              ElementsAre(StartsWith("artifact-syntax 3:58")));
}

}  // namespace
}  // namespace firewright::netsh
