// Rules that Windows comes with, as somebody recorded them: what the IR can say of them goes
// through our lines and back without a loss, what it cannot is listed, and the decoder reads every
// one in its own words, or refuses it for a stated reason.
//
// The record is not part of this repository. FIREWRIGHT_CORPUS names the folder that has it, as
// netsh/default-rules.tsv; without it a few rules of our own stand in.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <map>
#include <set>

#include "backends/netsh/capable.h"
#include "backends/netsh/check.h"
#include "backends/netsh/encode.h"
#include "backends/netsh/spell.h"
#include "compiler/base/file_system.h"
#include "tests/backends/netsh/programs.h"
#include "tests/backends/netsh/reading.h"
#include "tests/backends/netsh/recorded_rules.h"

namespace firewright::netsh {
namespace {

using namespace test;
using ir::Hook;
using ::testing::ElementsAre;
using ::testing::IsEmpty;

const Expected expected_words{.blocks = true, .profiles = true, .programs = true, .services = true};

Hook hook_of(const RecordedRule& rule) { return rule.inbound() ? Hook::inbound : Hook::outbound; }
bool allows(const RecordedRule& rule) { return rule.action == "allow"; }

std::string joined(const std::vector<std::string>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
  return text;
}

// --- reading lines back

struct Back {
  std::vector<ir::Rule> here, there;  // of the rule's direction and of the other, without defaults
  std::vector<std::string> errors;
};
// The lines where everything is on and denied, or, for a rule that blocks, allowed.
Back read_back(const RecordedRule& rule, const std::vector<std::string>& lines) {
  std::string text = "advfirewall set allprofiles state on\r\n";
  text += "advfirewall set allprofiles firewallpolicy ";
  text += allows(rule) ? "blockinbound,blockoutbound\r\n" : "allowinbound,allowoutbound\r\n";
  for (const auto& line : lines) text += line + "\r\n";
  const auto read = read_script(text);
  Back back{.here = {}, .there = {}, .errors = read.errors};
  if (!read.program) return back;
  for (const auto hook : {Hook::inbound, Hook::outbound}) {
    auto rules = read.program->find(hook)->rules;
    EXPECT_EQ(rules.back().origin.label, "firewallpolicy");
    rules.pop_back();
    (hook == hook_of(rule) ? back.here : back.there) = std::move(rules);
  }
  return back;
}

// The rules say these meanings, in any order, with the action of the record.
void expect_meanings(const RecordedRule& rule, const std::vector<ir::Rule>& rules,
                     const std::vector<Meaning>& wanted) {
  std::vector<std::string> have, want;
  for (const auto& each : rules) {
    EXPECT_EQ(each.verdict, allows(rule) ? ir::Verdict::accept() : ir::Verdict::drop());
    EXPECT_TRUE(ir::valid(each.match)) << ir::to_text(each.match);
    auto match = each.match;
    std::vector<std::string> words;
    for (const auto& predicate : match.predicates)
      words.push_back(std::get<ir::OpaqueMatch>(predicate.test).text);
    match.predicates.clear();
    std::sort(words.begin(), words.end());
    have.push_back(ir::to_text(match) + " & " + joined(words));
  }
  for (const auto& meaning : wanted) {
    auto words = meaning.unsaid;
    std::sort(words.begin(), words.end());
    want.push_back(ir::to_text(meaning.match) + " & " + joined(words));
  }
  EXPECT_THAT(have, ::testing::UnorderedElementsAreArray(want));
}

// --- what can be said

ir::Rule exception_of(const RecordedRule& rule, const ir::Match& match) {
  return exception(match, allows(rule) ? ir::Verdict::accept() : ir::Verdict::drop(),
                   harmless(rule.name, 200));
}

// As an exception of a policy it is neither refused nor changed.
void expect_capable(const RecordedRule& rule, const std::vector<Meaning>& meanings) {
  std::vector<ir::Rule> rules;
  for (const auto& meaning : meanings) rules.push_back(exception_of(rule, meaning.match));
  // A rule that blocks says something where the rest is allowed.
  auto program = rule.inbound() ? server(rules) : server({}, rules, !allows(rule));
  if (rule.inbound() && !allows(rule)) program.chains[0] = chain(Hook::inbound, rules, true);
  Sink sink;
  EXPECT_EQ(capable(program, {}, sink), program);
  for (const auto& diagnostic : sink.diagnostics()) ADD_FAILURE() << diagnostic.message();
}

std::vector<std::string> spelled(const RecordedRule& rule, const std::vector<Meaning>& meanings) {
  std::vector<std::string> lines;
  for (const auto& meaning : meanings)
    for (auto& line :
         add_rule_lines(meaning.match, {.hook = hook_of(rule),
                                        .action = allows(rule) ? Action::allow : Action::block,
                                        .name = "firewright-0123456789abcdef",
                                        .description = harmless(rule.name, 200)}))
      lines.push_back(std::move(line));
  return lines;
}

// The same match, action, direction, profile and enabled state after a way through our own lines.
void expect_round_trip(const RecordedRule& rule, const std::vector<Meaning>& meanings) {
  for (const auto& meaning : meanings) {
    EXPECT_TRUE(ir::valid(meaning.match));
    EXPECT_THAT(unspeakable(meaning.match), IsEmpty());
  }
  expect_capable(rule, meanings);
  auto lines = spelled(rule, meanings);
  EXPECT_EQ(lines.size(), meanings.size());
  std::string script;
  for (const auto& line : lines) script += line + "\r\n";
  for (const auto& finding : check_script(script, ScriptMode::file, expected_words))
    ADD_FAILURE() << finding.rule << " " << finding.text << ": " << script;

  const auto back = read_back(rule, lines);
  EXPECT_THAT(back.errors, IsEmpty());
  expect_meanings(rule, back.here, meanings);
  EXPECT_THAT(back.there, IsEmpty());
  // A rule that is not enabled filters nothing, and the IR holds what filters.
  for (auto& line : lines) line += " enable=" + rule.enable;
  const auto itself = read_back(rule, lines);
  EXPECT_THAT(itself.errors, IsEmpty());
  expect_meanings(rule, itself.here, rule.enabled() ? meanings : std::vector<Meaning>{});
}

// --- the record's own words

// What the decoder refuses, each with the beginning of its message.
const std::map<std::string, std::string>& refused_words() {
  static const std::map<std::string, std::string> words{
      // netsh's help and Microsoft's reference do not list these two.
      {"localport=mdns", "not netsh as it is known here: localport: `mDNS` is no port"},
      {"localport=ply2disc", "not netsh as it is known here: localport: `Ply2Disc` is no port"},
      // Only IPsec knows.
      {"rmtcomputergrp", "`rmtcomputergrp="},
      {"rmtusrgrp", "`rmtusrgrp="},
      {"security=authenticate", "`security="},
  };
  return words;
}

void expect_read_directly(const RecordedRule& rule, const std::vector<Meaning>& meanings) {
  std::set<std::string> refusals;
  for (const auto& word : unsaid(meanings))
    if (refused_words().contains(word)) refusals.insert(refused_words().at(word));
  for (const auto* enable : {"yes", "no"}) {
    const auto back = read_back(rule, direct_lines(rule, enable));
    ASSERT_EQ(back.errors.size(), refusals.size()) << joined(back.errors);
    for (const auto& refusal : refusals)
      EXPECT_THAT(back.errors, ::testing::Contains(::testing::HasSubstr(refusal)));
    if (!refusals.empty()) continue;
    // A word that the IR has learnt to say is one that is no longer missing here.
    const bool there = std::string_view(enable) == "yes";
    expect_meanings(rule, back.here, there ? meanings : std::vector<Meaning>{});
    EXPECT_THAT(back.there, IsEmpty());
  }
}

struct Counts {
  std::map<std::string, int> rules;  // for each list of words that the IR cannot say
  int lost_descriptions = 0;         // that no line can have
};
// Looks at each rule.
Counts judge(const std::vector<RecordedRule>& rules) {
  Counts counts;
  std::vector<ir::Rule> inbound, outbound;
  for (const auto& rule : rules) {
    SCOPED_TRACE("line " + std::to_string(rule.line) + ": " + rule.name);
    const auto said = meanings(rule);
    if (!said) {
      ADD_FAILURE() << "not understood";
      continue;
    }
    const auto words = unsaid(*said);
    ++counts.rules[joined(words)];
    counts.lost_descriptions += can_be_quoted(rule.description) ? 0 : 1;
    expect_read_directly(rule, *said);
    if (!words.empty()) continue;
    expect_round_trip(rule, *said);
    if (!allows(rule)) continue;
    for (const auto& meaning : *said)
      (rule.inbound() ? inbound : outbound).push_back(exception_of(rule, meaning.match));
  }
  // All that is allowed, enabled or not, as one policy of a host.
  const auto program = server(inbound, outbound, false);
  const auto read = read_files(files_of(encode(program, {})));
  EXPECT_THAT(read.errors, IsEmpty());
  if (read.program) {
    const auto comparison = compare_filtered(program, *read.program);
    EXPECT_EQ(comparison.answer, semantics::Answer::equal) << comparison.why;
  }
  return counts;
}

// --- rules of our own

RecordedRule rule_of(std::string name) {
  RecordedRule rule;
  rule.name = std::move(name);
  rule.description = "A rule of ours";
  rule.enable = "yes";
  rule.dir = "in";
  rule.profile = "domain,private,public";
  rule.group = "Examples";
  rule.localip = rule.remoteip = rule.localport = rule.remoteport = "any";
  rule.protocol = "tcp";
  rule.edge = "no";
  rule.interfacetype = "any";
  rule.security = "notrequired";
  rule.source = "local_setting";
  rule.action = "allow";
  return rule;
}

// One that differs from an ordinary rule in these cells.
struct Sample {
  const char* name;
  std::vector<std::pair<std::string RecordedRule::*, const char*>> cells;
};
const std::vector<Sample>& samples() {
  using R = RecordedRule;
  static const std::vector<Sample> list{
      {"Everything", {{&R::protocol, "any"}, {&R::localport, ""}, {&R::remoteport, ""}}},
      {"A web server",
       {{&R::localport, "80,443,8000-8009"},
        {&R::profile, "domain,private"},
        {&R::program, "%SystemRoot%\\system32\\example.exe"},
        {&R::service, "Example"}}},
      {"Out, and not enabled",
       {{&R::dir, "out"},
        {&R::enable, "no"},
        {&R::protocol, "udp"},
        {&R::remoteport, "53"},
        {&R::program, "%ProgramFiles(x86)%\\An Example\\example.exe"}}},
      {"Blocked",
       {{&R::action, "block"}, {&R::remoteip, "192.0.2.0/24,198.51.100.1-198.51.100.9"}}},
      {"Two ICMP types",
       {{&R::protocol, "icmpv6"},
        {&R::types, "3:4,128:any"},
        {&R::localip, "fe80::/64"},
        {&R::localport, ""},
        {&R::remoteport, ""}}},
      {"By number",
       {{&R::protocol, "41"},
        {&R::localport, ""},
        {&R::remoteport, ""},
        {&R::program, "System"},
        {&R::description, "Called \"6in4\" elsewhere"}}},
      {"R\u00e8gle", {{&R::remoteip, "localsubnet"}, {&R::localport, "445"}}},
      {"Neighbours and others",
       {{&R::remoteip, "localsubnet,fe80::/64,ff02::1-ff02::1"}, {&R::edge, "yes"}}},
      {"Remote procedures", {{&R::localport, "RPC"}}},
      {"Through a tunnel",
       {{&R::dir, "out"}, {&R::remoteport, "IPHTTPS"}, {&R::profile, "public"}}},
      {"Names", {{&R::protocol, "udp"}, {&R::localport, "mDNS"}}},
      {"In the air", {{&R::interfacetype, "wireless"}, {&R::edge, "deferapp"}}},
      {"For some", {{&R::security, "authenticate"}, {&R::rmtusrgrp, "O:LSD:(A;;CC;;;S-1-5-2)"}}},
  };
  return list;
}

std::string sample_table() {
  std::string text = table_head();
  for (const auto& sample : samples()) {
    auto rule = rule_of(sample.name);
    for (const auto& [cell, word] : sample.cells) rule.*cell = word;
    std::string line;
    for (const auto& word :
         {rule.name,          rule.description,    rule.enable,    rule.dir,      rule.profile,
          rule.group,         rule.localip,        rule.remoteip,  rule.protocol, rule.types,
          rule.localport,     rule.remoteport,     rule.edge,      rule.program,  rule.service,
          rule.interfacetype, rule.rmtcomputergrp, rule.rmtusrgrp, rule.security, rule.source,
          rule.action})
      line += (line.empty() ? "" : "\t") + cell_of(word);
    text += line + "\n";
  }
  return text;
}

TEST(Recorded, ACellIsAWordInTwoKindsOfQuotes) {
  EXPECT_EQ(cell_word(R"("""any""")"), "any");
  EXPECT_EQ(cell_word(R"("""""")"), "");
  EXPECT_EQ(cell_word(R"("%SystemRoot%""\\system32\\a.exe""")"), R"(%SystemRoot%\system32\a.exe)");
  EXPECT_EQ(cell_word(R"("""a \""b\"" c""")"), R"(a "b" c)");
  for (const auto* broken : {"", "\"", "any", R"("a"b")", R"("""a")", R"("a\")", R"("a""")"})
    EXPECT_EQ(cell_word(broken), std::nullopt) << broken;
  for (const std::string word : {"", "a b", R"(C:\x "y".exe)", "%A%"})
    EXPECT_EQ(cell_word(cell_of(word)), word);
}

TEST(Recorded, ATableHasItsHeadAndAllItsCells) {
  std::string why;
  EXPECT_FALSE(read_table("\"name\"\n", why));
  EXPECT_EQ(why, "line 1 is not the head of such a table");
  EXPECT_FALSE(read_table(table_head() + "\"a\"\t\"b\"\n", why));
  EXPECT_EQ(why, "line 2 has 2 cells");
  auto text = sample_table();
  text.back() = 'x';
  EXPECT_FALSE(read_table(text, why));
  EXPECT_EQ(why, "line 14, action: \"\"\"allow\"\"\"x");
}

TEST(Recorded, WhatIsNotUnderstoodIsNoMeaning) {
  const std::vector<std::pair<std::string RecordedRule::*, const char*>> broken{
      {&RecordedRule::profile, "home"},     {&RecordedRule::protocol, "icmp"},
      {&RecordedRule::protocol, "256"},     {&RecordedRule::types, "8"},
      {&RecordedRule::types, "8:x"},        {&RecordedRule::localport, "65536"},
      {&RecordedRule::remoteport, "1-2-3"}, {&RecordedRule::localip, "192.0.2.256"},
      {&RecordedRule::remoteip, ""},
  };
  for (const auto& [cell, word] : broken) {
    auto rule = rule_of("x");
    EXPECT_TRUE(meanings(rule));
    rule.*cell = word;
    EXPECT_EQ(meanings(rule).has_value(), *word == '\0') << word;
  }
}

TEST(Recorded, RulesOfOurOwn) {
  std::string why;
  const auto rules = read_table(sample_table(), why);
  ASSERT_TRUE(rules) << why;
  const std::map<std::string, int> counts{
      {"", 6},
      {"remoteip=localsubnet", 1},
      {"edge=yes remoteip=localsubnet", 1},
      {"localport=rpc", 1},
      {"remoteport=iphttps", 1},
      {"localport=mdns", 1},
      {"edge=deferapp interfacetype=wireless", 1},
      {"rmtusrgrp security=authenticate", 1},
  };
  const auto judged = judge(*rules);
  EXPECT_EQ(judged.rules, counts);
  EXPECT_EQ(judged.lost_descriptions, 1);
}

// --- the record

std::string corpus_folder() {
  const char* folder = std::getenv("FIREWRIGHT_CORPUS");
  return folder == nullptr || *folder == '\0' ? "" : std::string(folder) + "/netsh";
}

std::string read_whole(const std::string& path) {
  const auto content = DiskFileSystem().read(path, 1 << 24);
  if (!content.text) ADD_FAILURE() << path << ": " << content.error;
  return content.text.value_or("");
}

class Corpus : public testing::Test {
 protected:
  void SetUp() override {
    if (corpus_folder().empty())
      GTEST_SKIP() << "FIREWRIGHT_CORPUS names no folder with recorded rules in "
                      "netsh/default-rules.tsv";
  }
};

// Everything that Windows comes with and the IR cannot say: how many rules for each reason.
TEST_F(Corpus, EachRuleIsSaidOrListed) {
  std::string why;
  const auto rules = read_table(read_whole(corpus_folder() + "/default-rules.tsv"), why);
  ASSERT_TRUE(rules) << why;
  EXPECT_EQ(rules->size(), 341U);
  const std::map<std::string, int> counts{
      {"", 141},
      // The addresses of the networks that the host is in: they change while it runs.
      {"remoteip=localsubnet", 144},
      // Ports that Windows hands out by itself.
      {"localport=rpc", 11},
      {"localport=rpc-epmap", 9},
      {"remoteip=localsubnet localport=rpc", 8},
      {"remoteip=localsubnet localport=rpc-epmap", 7},
      {"localport=teredo", 1},
      {"localport=iphttps", 1},
      {"remoteport=iphttps", 1},
      // The same, in words that netsh is not documented to take.
      {"localport=mdns", 1},
      {"localport=ply2disc", 1},
      // Whether it came through a tunnel of Windows, and what the program says to that.
      {"edge=yes", 8},
      {"edge=deferapp", 8},
  };
  const auto judged = judge(*rules);
  EXPECT_EQ(judged.rules, counts);
  EXPECT_EQ(judged.lost_descriptions, 1);
}

// What `show rule` printed, the values at column 38: the table was made from it, by other people.
TEST_F(Corpus, TheTableIsWhatWasShown) {
  std::string why;
  const auto rules = read_table(read_whole(corpus_folder() + "/default-rules.tsv"), why);
  ASSERT_TRUE(rules) << why;
  std::multiset<std::string> listed;
  for (const auto& rule : *rules) listed.insert(rule.name);

  const auto text = read_whole(corpus_folder() + "/show-rule-all-verbose.ja.txt");
  std::multiset<std::string> shown;
  std::string previous;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    const auto line = text.substr(at, end - at);
    at = end + 1;
    if (line.starts_with("----------") && previous.find(':') != std::string::npos) {
      const auto value = previous.find_first_not_of(' ', previous.find(':') + 1);
      shown.insert(value == std::string::npos ? "" : previous.substr(value));
    }
    previous = line;
  }
  EXPECT_EQ(shown, listed);
}

}  // namespace
}  // namespace firewright::netsh
