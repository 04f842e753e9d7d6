// A table made to be another one, in place: whatever was there before, the kernel then holds what
// it would hold had the other one been loaded alone.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "backends/host/host.h"
#include "backends/host/process.h"
#include "backends/host/table.h"
#include "backends/nftables/capable.h"
#include "backends/nftables/encode.h"
#include "tests/backends/in_namespace.h"
#include "tests/backends/nftables/programs.h"
#include "tests/backends/nftables/text_reading.h"

namespace firewright::nftables {
namespace {

const host::TableName ours{1, "firewright"};  // NFPROTO_INET

// What nft shows. The order in which chains, sets and objects were made is no part of it.
std::string listing() {
  const auto text = host::run({"nft", "-s", "list", "ruleset"}, {}).out;
  std::vector<std::string> blocks(1);
  for (std::size_t at = 0; at < text.size();) {
    const auto end = text.find('\n', at) + 1;
    const auto line = text.substr(at, end - at);
    at = end;
    if (line == "}\n" || line == "\n") continue;
    if (line.starts_with("\t") && !line.starts_with("\t\t") && line != "\t}\n")
      blocks.emplace_back();
    blocks.back() += line;
  }
  std::sort(blocks.begin() + 1, blocks.end());
  std::string sorted;
  for (const auto& block : blocks) sorted += block;
  return sorted;
}

std::string put(const std::string& batch) {
  const auto change = host::put_table(ours, batch);
  if (!change.result.ok()) return "refused: " + change.result.error;
  if (!change.refused_in_place.empty()) return "not in place: " + change.refused_in_place;
  return {};
}

// Empty, or what is wrong: b is put over a and over itself, and what was before is put back.
std::string change(const std::string& a, const std::string& b) {
  if (auto wrong = put(a); !wrong.empty()) return "first: " + wrong;
  const auto first = listing();
  const auto changed = host::put_table(ours, b);
  if (!changed.result.ok()) return "second: " + changed.result.error;
  if (!changed.refused_in_place.empty()) return "not in place: " + changed.refused_in_place;
  if (changed.delta.whole) return "made anew";
  const auto second = listing();
  const auto again = host::put_table(ours, b);
  if (!again.result.ok()) return "again: " + again.result.error;
  if (again.changed || !again.delta.empty())
    return "again: " + std::to_string(again.delta.messages) + " messages";
  const auto back = host::put_table(ours, changed.before);
  if (!back.result.ok()) return "back: " + back.result.error;
  if (!back.refused_in_place.empty()) return "back, not in place: " + back.refused_in_place;
  if (const auto now = listing(); now != first) return "restored:\n" + now + "and was\n" + first;
  if (!test::enter_namespace().empty()) return "no second namespace";
  if (const auto loaded = host::load_batch(b); !loaded.ok()) return "alone: " + loaded.error;
  const auto alone = listing();
  return second == alone ? "" : "there is\n" + second + "and alone\n" + alone;
}

void expect_in_namespace(const std::function<std::string()>& body, const std::string& expected) {
  const auto ran = test::in_namespace(body);
  if (!ran.refused.empty()) GTEST_SKIP() << ran.refused;
  EXPECT_EQ(ran.output, expected);
}

std::string batch(const ir::Program& program, const backend::Options& options = {}) {
  Sink sink;
  return encode(capable(program, options, sink), options).find("batch")->bytes;
}

TEST(PutTable, EveryExamplePolicyInPlaceOfEveryOther) {
  for (const auto& a : test::examples())
    for (const auto& b : test::examples()) {
      SCOPED_TRACE(a.name + " -> " + b.name);
      expect_in_namespace(
          [&] { return change(batch(a.sayable, a.options), batch(b.sayable, b.options)); }, "");
    }
}

TEST(PutTable, RandomPrograms) {
  for (std::uint32_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const auto a = batch(test::random_program(seed));
    const auto b = batch(test::random_program(seed + 1000));
    expect_in_namespace([&] { return change(a, b); }, "");
  }
}

// One rule more, one less, one moved, one changed.
TEST(PutTable, RandomProgramsWithOneRuleChanged) {
  for (std::uint32_t seed = 0; seed < 100; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const auto program = test::random_program(seed);
    auto other = program;
    auto& rules = other.chains[seed % other.chains.size()].rules;
    const auto place = seed % rules.size();
    switch (seed % 4) {
      case 0: rules.erase(rules.begin() + static_cast<std::ptrdiff_t>(place)); break;
      case 1:
        rules.insert(rules.begin() + static_cast<std::ptrdiff_t>(place),
                     test::allow("new", test::tcp(12345)));
        break;
      case 2: std::swap(rules.front(), rules[place]); break;
      default: rules[place].match = test::udp(54321); break;
    }
    expect_in_namespace([&] { return change(batch(program), batch(other)); }, "");
  }
}

// However long the policy, a small change is a small transaction.
TEST(PutTable, OneExceptionOfTwoThousand) {
  const auto exceptions = [](std::uint32_t left_out) {
    std::vector<ir::Rule> rules;
    for (std::uint32_t i = 0; i < 2001; ++i)
      if (i != left_out)
        rules.push_back(
            test::allow("exception " + std::to_string(i),
                        test::with_source(
                            test::tcp(static_cast<std::uint16_t>(1000 + 7 * i)),
                            {"10.0." + std::to_string(i / 200) + "." + std::to_string(i % 200)})));
    return batch(test::program(std::move(rules)));
  };
  const auto less = exceptions(1234);
  const auto more = exceptions(2001);
  expect_in_namespace(
      [&] {
        std::string text;
        for (const auto* wanted : {&less, &more, &less}) {
          const auto change = host::put_table(ours, *wanted);
          text += change.result.error + std::to_string(change.delta.messages) + " messages, " +
                  std::to_string(change.delta.kept_rules) + " rules stay\n";
        }
        return text;
      },
      "6 messages, 0 rules stay\n1 messages, 2 rules stay\n1 messages, 2 rules stay\n");
}

}  // namespace
}  // namespace firewright::nftables
