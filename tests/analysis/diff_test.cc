#include "compiler/analysis/diff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "compiler/analysis/diff_text.h"
#include "compiler/analysis/markdown.h"
#include "tests/analysis/checked.h"
#include "tests/semantics/random_programs.h"

namespace firewright::analysis {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

struct Compared {
  Checked before, after;
  Difference difference;

  Compared(const std::string& old_text, const std::string& new_text, DiffOptions options = {})
      : before(old_text), after(new_text) {
    EXPECT_FALSE(before.sink.has_errors()) << before.said();
    EXPECT_FALSE(after.sink.has_errors()) << after.said();
    Vocabulary vocabulary;
    vocabulary.add(before.policy, Target::nftables);
    vocabulary.add(after.policy, Target::nftables);
    difference = diff(before.programs[0], after.programs[0], vocabulary, options);
    EXPECT_TRUE(difference.proved);
  }

  [[nodiscard]] std::vector<std::string> sentences(Change change) const {
    std::vector<std::string> list;
    if (const auto* found = difference.find(change))
      for (const auto& box : found->boxes) list.push_back(box.words.sentence());
    return list;
  }
  // Of the class's first box.
  [[nodiscard]] std::string after_text(Change change) const {
    return say(difference.find(change)->boxes[0].after, ir::Hook::inbound, after.sources);
  }
};

TEST(DiffTest, NothingChanges) {
  const std::string policy = "[inbound]\nallow = [\"ssh\", \"http\"]\n";
  const Compared same(policy, policy);
  EXPECT_TRUE(same.difference.classes.empty());
  EXPECT_EQ(summary(same.difference), "no packet is treated differently");
  // Another way to say it.
  EXPECT_TRUE(Compared(policy, "[inbound]\nallow = [\"tcp/80\", \"tcp/22\", \"ssh\"]\n")
                  .difference.classes.empty());
}

TEST(DiffTest, AnOpening) {
  const Compared changed(
      "[inbound]\nallow = [\"ssh\"]\n",
      "[addresses]\noffice = [\"203.0.113.0/24\", \"2001:db8:10::/48\"]\n"
      "[inbound]\nallow = [\"ssh\", { service = \"http\", from = \"office\" }]\n");
  EXPECT_THAT(changed.sentences(Change::accepted), ElementsAre("inbound http from office"));
  EXPECT_EQ(changed.difference.classes.size(), 1U);
  EXPECT_EQ(summary(changed.difference), "1 newly accepted");
  EXPECT_EQ(widest_opening(changed.difference), "inbound http from office");
  const auto& box = changed.difference.classes[0].boxes[0];
  EXPECT_EQ(to_text(box.witness.packet), "tcp 203.0.113.9:40000 -> 192.0.2.10:80 in eth0 new");
  EXPECT_EQ(say(box.before, box.hook, changed.before.sources), "drop, by the default of inbound");
  EXPECT_EQ(say(box.after, box.hook, changed.after.sources),
            "accept, by `http from office` (p.toml:4)");
}

TEST(DiffTest, APingIsOneBoxInBothFamilies) {
  const Compared changed("[inbound]\nallow = [\"ssh\"]\n",
                         "[inbound]\nallow = [\"ssh\", \"ping\"]\n");
  EXPECT_THAT(changed.sentences(Change::accepted), ElementsAre("inbound ping from any"));
}

TEST(DiffTest, ClassesComeInOrder) {
  const Compared changed(
      "[inbound]\nallow = [\"ssh\", \"http\", { service = \"https\", count = true }]\n",
      "[inbound]\nallow = [\"ssh\", \"smtp\", { service = \"https\", log = \"x\" }]\n"
      "reject = [\"smb\"]\n");
  std::vector<Change> order;
  for (const auto& found : changed.difference.classes) order.push_back(found.change);
  EXPECT_THAT(order,
              ElementsAre(Change::accepted, Change::denied, Change::refusal, Change::effects));
  EXPECT_THAT(changed.sentences(Change::accepted), ElementsAre("inbound smtp from any"));
  EXPECT_THAT(changed.sentences(Change::denied), ElementsAre("inbound http from any"));
  EXPECT_THAT(changed.sentences(Change::refusal), ElementsAre("inbound smb from any"));
  EXPECT_THAT(changed.sentences(Change::effects), ElementsAre("inbound https from any"));
  EXPECT_EQ(changed.after_text(Change::refusal), "reject tcp-reset, by `smb` (p.toml:3)");
  EXPECT_EQ(changed.after_text(Change::effects), "accept, by `https` (p.toml:2); log `x`");
}

TEST(DiffTest, ALimitIsAConditionLikeOthers) {
  const Compared changed("[inbound]\nallow = [\"ssh\"]\n",
                         "[inbound]\nallow = [{ service = \"ssh\", limit = \"10/minute\" }]\n");
  EXPECT_THAT(changed.sentences(Change::denied),
              ElementsAre("inbound ssh from any; untracked",
                          "inbound ssh from any; new; over the limit `ssh` (10/minute, burst 5)"));
  EXPECT_TRUE(changed.difference.find(Change::accepted) == nullptr);
}

TEST(DiffTest, AWiderSourceOfTheSameLimitIsNoOtherLimit) {
  const auto policy = [](const std::string& from) {
    return "[inbound]\nallow = [{ service = \"ssh\", limit = \"10/minute\", from = " + from +
           " }]\n";
  };
  const Compared changed(policy("\"192.0.2.0/25\""), policy("\"192.0.2.0/24\""));
  EXPECT_THAT(changed.sentences(Change::accepted),
              ElementsAre("inbound ssh from 192.0.2.128/25; new; within the limit "
                          "`ssh-from-192-0-2-0-25` (10/minute, burst 5)"));
}

TEST(DiffTest, ShufflingChangesNothing) {
  const std::string first =
      "[inbound]\nallow = [\"http\", { service = \"ssh\", from = \"192.0.2.1\", limit = "
      "\"5/hour\", "
      "name = \"ssh\" }, { service = \"ssh\", from = \"192.0.2.2\", limit = \"5/hour\", name = "
      "\"ssh\", count = true }, { port = 99, protocol = \"tcp\", count = true, name = \"c\" }, { "
      "port = 98, protocol = \"tcp\", count = true, name = \"c\" }]\n";
  const std::string second =
      "[inbound]\nallow = [{ port = 98, protocol = \"tcp\", count = true, name = \"c\" }, { "
      "service "
      "= \"ssh\", from = \"192.0.2.2\", limit = \"5/hour\", name = \"ssh\", count = true }, { "
      "service = \"ssh\", from = \"192.0.2.1\", limit = \"5/hour\", name = \"ssh\" }, { port = 99, "
      "protocol = \"tcp\", count = true, name = \"c\" }, \"http\"]\n";
  const Compared shuffled(first, second);
  EXPECT_EQ(summary(shuffled.difference), "no packet is treated differently");
}

TEST(DiffTest, AllExceptionsOfABoxAreNamed) {
  const Compared changed("[inbound]\nallow = [\"http\"]\n",
                         "[inbound]\nallow = [\"http\", { service = \"ssh\", from = "
                         "\"192.0.2.0/25\", name = \"a\" }, {"
                         " service = \"ssh\", from = \"192.0.2.128/25\", name = \"b\" }]\n");
  EXPECT_THAT(changed.sentences(Change::accepted), ElementsAre("inbound ssh from 192.0.2.0/24"));
  EXPECT_EQ(changed.after_text(Change::accepted), "accept, by `a` (p.toml:2), `b` (p.toml:2)");
}

TEST(DiffTest, AnUnmanagedDirectionIsLeftToOthers) {
  const Compared changed("[forward]\ndefault = \"drop\"\n[inbound]\nallow = [\"ssh\"]\n",
                         "[forward]\ndefault = \"unmanaged\"\n[inbound]\nallow = [\"ssh\"]\n");
  EXPECT_THAT(changed.sentences(Change::accepted),
              ElementsAre("forward anything from any to any; in any state"));
  const auto& box = changed.difference.classes[0].boxes[0];
  EXPECT_EQ(say(box.after, box.hook, changed.after.sources), "accept, left to others");
}

std::string many(std::size_t count, std::uint16_t first_port) {
  std::string text = "[inbound]\nallow = [";
  for (std::size_t i = 0; i < count; ++i)
    text += "{ protocol = \"tcp\", port = " + std::to_string(first_port + 2 * i) +
            ", from = \"10.0." + std::to_string(i) + ".0/24\" }, ";
  return text + "]\n";
}

TEST(DiffTest, TwelveAreShownAndTheShareOfTheRestIsSaid) {
  const Compared changed("[inbound]\nallow = [\"ssh\"]\n", many(20, 1000));
  const auto* opened = changed.difference.find(Change::accepted);
  ASSERT_NE(opened, nullptr);
  EXPECT_EQ(opened->boxes.size(), 20U);
  EXPECT_EQ(opened->shown, 12U);
  EXPECT_NEAR(opened->beyond_shown, 0.4, 1e-9);
  EXPECT_EQ(opened->beyond_all, 0);
  const auto text = to_text(changed.difference, {"a", "b"}, changed.after.sources);
  EXPECT_THAT(text, HasSubstr("\n  and 8 more, which hold 40% of these packets\n"));
}

TEST(DiffTest, WhatChainsInARowAcceptIsSaidByTheLastThatSaysIt) {
  const auto rule = [](std::uint16_t port, ir::Verdict verdict, const std::string& label) {
    ir::Rule one;
    one.match.protocols = ProtocolSet::of(protocol::tcp);
    one.match.destination_ports = PortSet::of(Port{port});
    one.verdict = std::move(verdict);
    one.origin.label = label;
    return one;
  };
  const auto hook = ir::Hook::inbound;
  ir::Program before;
  before.chains = {{"a", hook, ir::VerdictKind::drop, {rule(22, ir::Verdict::accept(), "first")}},
                   {"b", hook, ir::VerdictKind::accept, {rule(22, ir::Verdict::drop(), "second")}}};
  auto after = before;
  after.chains[1].rules.clear();
  const auto opened = diff(before, after, {}, {});
  ASSERT_EQ(opened.classes.size(), 1U);
  const auto& box = opened.classes[0].boxes[0];
  EXPECT_EQ(say(box.before, hook, {}), "drop, by `second`");
  EXPECT_EQ(say(box.after, hook, {}), "accept, by `first`");
}

TEST(DiffTest, ExcludedPacketsAreLeftOut) {
  Checked before("[inbound]\nallow = [\"ssh\"]\n");
  Checked after("[inbound]\nallow = [\"ssh\", \"http\"]\n");
  ir::Match v6;
  ir::restrict_families(v6, {Family::ipv6});
  const std::vector<semantics::Excluded> excluded = {{.hook = ir::Hook::inbound, .match = v6}};
  DiffOptions options;
  options.excluded = excluded;
  const auto difference = diff(before.programs[0], after.programs[0], {}, options);
  ASSERT_EQ(difference.classes.size(), 1U);
  EXPECT_EQ(difference.classes[0].boxes[0].words.sentence(), "inbound ipv4 tcp/80 from any");
}

TEST(DiffTest, WithoutABudgetNothingIsSaid) {
  Checked before("[inbound]\nallow = [\"ssh\"]\n");
  Checked after(many(200, 1000));
  DiffOptions options;
  options.budget.nodes = 50;
  const auto difference = diff(before.programs[0], after.programs[0], {}, options);
  EXPECT_FALSE(difference.proved);
  EXPECT_NE(difference.why, "");
  EXPECT_TRUE(difference.classes.empty());
}

// --- what is untrusted

TEST(DiffTextTest, NamesDoNotBecomeMarkup) {
  const Compared changed(
      "[inbound]\nallow = [\"ssh\"]\n",
      "[inbound]\nallow = [\"ssh\", { service = \"http\", name = \"a`|<b>@x\" }]\n");
  const DiffNames names{.before = "o|ld`.toml", .after = "new.toml"};
  const auto markdown = to_markdown(changed.difference, names, changed.after.sources);
  EXPECT_THAT(markdown, HasSubstr("`a'\u00a6<b>@x`"));
  EXPECT_THAT(markdown, HasSubstr("`o\u00a6ld'.toml`"));
  const auto text = to_text(changed.difference, names, changed.after.sources);
  EXPECT_THAT(text, HasSubstr("by `a'|<b>@x` (p.toml:2)"));
}

TEST(DiffTextTest, BackticksInARowDoNotEndCode) {
  for (const std::string row : {"``", "```", "````", "`````"}) {
    // As many backticks as open a piece of code end it: none may be longer than the one that opens.
    const auto markdown = plain_markdown("by `" + row + "<img>" + row + "` and <b>");
    EXPECT_EQ(markdown.find("``"), std::string::npos) << markdown;
    EXPECT_THAT(markdown, HasSubstr("and &lt;b&gt;"));
    std::string outside;
    bool code = false;
    for (const char c : markdown) {
      if (c == '`')
        code = !code;
      else if (!code)
        outside += c;
    }
    EXPECT_FALSE(code) << markdown;
    EXPECT_EQ(outside.find('<'), std::string::npos) << markdown;
  }
}

// --- random programs

std::string outcome_of(const ir::Program& program, const ir::Packet& packet,
                       const ir::PredicateValue& holds) {
  const auto decision = ir::evaluate(program, packet, holds);
  if (!decision) return "none";
  auto text = to_string(decision->verdict);
  std::vector<std::string> effects;
  for (const auto* rule : decision->effects) {
    if (rule->effects.log) effects.push_back(" log " + *rule->effects.log);
    if (rule->effects.count) effects.push_back(" count " + *rule->effects.count);
  }
  std::sort(effects.begin(), effects.end());
  effects.erase(std::unique(effects.begin(), effects.end()), effects.end());
  for (const auto& effect : effects) text += effect;
  return text;
}

TEST(DiffOfRandomProgramsTest, BoxesAreExactlyTheDifferenceAndWitnessesAreConfirmed) {
  std::size_t classes = 0;
  std::size_t confirmed = 0;
  for (unsigned seed = 1; seed <= 150; ++seed) {
    semantics::RandomPrograms random(seed);
    const auto before = random.program();
    auto after = seed % 3 == 0 ? random.program() : before;
    if (seed % 3 != 0 && !after.chains[0].rules.empty())
      after.chains[0].rules.erase(
          after.chains[0].rules.begin() +
          random.below(static_cast<std::uint32_t>(after.chains[0].rules.size())));
    DiffOptions options;
    options.boxes = 5000;
    // Names of opaque predicates mean the same on both sides here.
    options.match_limits_by_size = false;
    const auto difference = diff(before, after, {}, options);
    ASSERT_TRUE(difference.proved);
    // Counters may have been renamed; count only what the boxes say of verdicts and logs.
    for (const auto& found : difference.classes) {
      ++classes;
      EXPECT_EQ(found.beyond_all, 0) << "seed " << seed;
      for (const auto& box : found.boxes) {
        const auto was = outcome_of(before, box.witness.packet, box.witness.holds());
        const auto is = outcome_of(after, box.witness.packet, box.witness.holds());
        ASSERT_NE(was, is) << "seed " << seed << " " << to_text(box.witness.packet) << "\n"
                           << to_text(before) << to_text(after);
        ++confirmed;
        EXPECT_EQ(to_string(box.before.verdict),
                  was.substr(0, was.find(" log")).substr(0, was.find(" count")));
        const bool opened = box.after.verdict.kind == ir::VerdictKind::accept &&
                            box.before.verdict.kind != ir::VerdictKind::accept;
        EXPECT_EQ(opened, found.change == Change::accepted);
      }
    }
    for (int i = 0; i < 200; ++i) {
      auto packet = random.packet();
      const auto bits = random.below(8);
      const ir::PredicateValue holds = [&](const ir::Predicate& p) {
        return (bits >> static_cast<unsigned>(p.instance[1] - '0') & 1U) != 0;
      };
      const bool differs = outcome_of(before, packet, holds) != outcome_of(after, packet, holds);
      bool inside = false;
      for (const auto& found : difference.classes)
        for (const auto& box : found.boxes)
          for (const auto& one : box.boxes) inside = inside || contains(one, packet, holds);
      ASSERT_EQ(inside, differs) << "seed " << seed << " " << to_text(packet) << "\n"
                                 << to_text(before) << to_text(after);
    }
  }
  EXPECT_GT(classes, 100U);
  EXPECT_GT(confirmed, 500U);
}

TEST(DiffOfRandomProgramsTest, OfAProgramWithItselfThereIsNone) {
  for (unsigned seed = 1; seed <= 50; ++seed) {
    semantics::RandomPrograms random(seed);
    const auto program = random.program();
    auto copy = program;
    // Not the shortcut for equal programs: a rule that does nothing more.
    copy.chains[0].rules.insert(copy.chains[0].rules.begin(), ir::Rule{});
    const auto difference = diff(program, copy, {}, {});
    EXPECT_TRUE(difference.proved);
    EXPECT_TRUE(difference.classes.empty()) << "seed " << seed;
  }
}

}  // namespace
}  // namespace firewright::analysis
