// What is known of large sets without asking the kernel: it is what the kernel would have said, and
// it is not believed when it may have changed.
#include "backends/host/remembered.h"

#include <gtest/gtest.h>
#include <sys/utsname.h>

#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>

#include "backends/host/delta.h"
#include "backends/host/dump.h"
#include "tests/backends/host/tables.h"

namespace firewright::host {
namespace {

using namespace test_tables;

constexpr std::uint32_t many = 30000;

// A set of so many addresses, looked into by a rule.
Ruleset large(std::uint32_t count, std::vector<nftables::Rule> more = {}) {
  more.insert(more.begin(), from_list());
  auto ruleset = table(std::move(more));
  std::vector<Range> keys;
  for (std::uint32_t i = 0; i < count; ++i)
    keys.push_back({0x0a000000 + 2 * i, 0x0a000000 + 2 * i});
  ruleset.sets = {set_of(std::move(keys))};
  // Without it the kernel's table grows while it is read, and a dump may miss elements.
  ruleset.sets[0].size = 1U << 16U;
  return ruleset;
}

std::string difference(std::string_view live, std::string_view wanted) {
  std::string error;
  const auto change = delta(live, wanted, ours, error);
  if (!change) return error + "\n";
  return change->empty() ? "same\n"
                         : "differs, messages " + std::to_string(change->messages) + "\n";
}

std::size_t elements_in(std::string_view messages) {
  std::size_t count = 0;
  for (const auto& [name, lists] : large_sets(messages, ours)) count += count_elements(lists);
  return count;
}

Dump dumped(const Remembered* remembered) {
  std::string error;
  auto dump = dump_nftables(error, ours, remembered);
  if (!dump) throw std::runtime_error(error);
  dump->messages = whole(*dump, ours);
  return std::move(*dump);
}

// As `apply` asks, without a copy of the elements.
std::string difference_to_recalled(const Remembered& remembered, std::string_view wanted) {
  std::string error;
  const auto dump = dump_nftables(error, ours, &remembered);
  if (!dump) return error + "\n";
  if (elements_in(dump->messages) != 0 || dump->recalled.size() != 1) return "not recalled\n";
  const auto change = delta(dump->messages, wanted, ours, error, {.recalled = &dump->recalled});
  if (!change) return error + "\n";
  return change->empty() ? "same\n" : std::to_string(change->messages) + " messages\n";
}

// Linux 6.15 and later.
bool kernel_counts_elements() {
  utsname name{};
  if (uname(&name) != 0) return false;
  char* rest = nullptr;
  const auto major = std::strtol(name.release, &rest, 10);
  const auto minor = *rest == '.' ? std::strtol(rest + 1, nullptr, 10) : 0;
  return major > 6 || (major == 6 && minor >= 15);
}

TEST(Remembered, OnlyLargeSetsWithNames) {
  const auto batch = to_batch(large(many));
  const auto sets = large_sets(batch, ours);
  ASSERT_EQ(sets.size(), 1U);
  EXPECT_EQ(sets.begin()->first, "from-list-v4");
  EXPECT_EQ(count_elements(sets.begin()->second), many);
  EXPECT_TRUE(large_sets(to_batch(large(1000)), ours).empty());
  EXPECT_TRUE(large_sets(batch, inet_table("another")).empty());
  // Cut off in the middle of a message.
  EXPECT_TRUE(large_sets(std::string_view(batch).substr(0, batch.size() - 3), ours).empty());
}

TEST(Remembered, GenerationsLeaveZeroOut) {
  EXPECT_EQ(next_generation(7), 8U);
  EXPECT_EQ(next_generation(0xffffffffU), 1U);
}

TEST(Remembered, IsWhatTheKernelSays) {
  expect_in_namespace(
      [] {
        const auto batch = to_batch(large(many));
        const auto change = put_table(ours, batch);
        const auto asked = dumped(nullptr);
        const auto known = dumped(&change.remembered);
        std::string text = change.remembered.generation == known.generation ? "" : "another\n";
        // Asked, the kernel's answers are no lists to keep; known, they are those of the batch.
        text += std::to_string(elements_in(asked.messages)) + " " +
                std::to_string(elements_in(known.messages)) + "\n";
        return text + difference(asked.messages, batch) + difference(known.messages, batch) +
               difference(asked.messages, known.messages) +
               difference(known.messages, asked.messages) +
               difference_to_recalled(change.remembered, batch);
      },
      "0 30000\nsame\nsame\nsame\nsame\nsame\n");
}

TEST(Remembered, IsForgottenWhenAnybodyChangedAnything) {
  expect_in_namespace(
      [] {
        const auto batch = to_batch(large(many));
        const auto change = put_table(ours, batch);
        const auto known = [&] {
          const auto dump = dumped(&change.remembered);
          return std::to_string(elements_in(dump.messages)) + " " +
                 difference(dump.messages, batch);
        };
        auto text = known();
        text += script("table ip another {}\n");
        text += known();
        text += script("delete element inet firewright from-list-v4 { 10.0.0.0 }\n");
        text += known();
        return text;
      },
      "30000 same\n0 same\n0 differs, messages 1\n");
}

// Where the kernel tells how many elements a set has, what is remembered has to agree.
TEST(Remembered, HasToAgreeWithTheCount) {
  expect_in_namespace(
      [] {
        (void)put_table(ours, to_batch(large(many)));
        const auto generation = dumped(nullptr).generation;
        const auto wrong = to_batch(large(many - 1));
        const Remembered remembered{.generation = generation, .sets = large_sets(wrong, ours)};
        const auto dump = dumped(&remembered);
        return std::to_string(elements_in(dump.messages));
      },
      // Linux before 6.15 has nothing to compare, and is taken at its generation's word.
      kernel_counts_elements() ? "0" : std::to_string(many - 1));
}

TEST(Remembered, AChangeOfOneElementIsOneMessage) {
  expect_in_namespace(
      [] {
        const auto first = to_batch(large(many));
        const auto second = to_batch(large(many + 1));
        const auto before = put_table(ours, first);
        const auto change =
            put_table(ours, second, {.dry_run = false, .remembered = &before.remembered});
        std::string text = std::to_string(change.delta.messages) + "\n";
        text += difference(dumped(nullptr).messages, second);
        text += difference(dumped(&change.remembered).messages, second);
        // What was there before can be put back.
        const auto back =
            put_table(ours, change.before, {.dry_run = false, .remembered = &change.remembered});
        return text + (back.result.ok() ? "" : back.result.error) +
               difference(dumped(nullptr).messages, first) +
               difference(dumped(&back.remembered).messages, first);
      },
      "1\nsame\nsame\nsame\nsame\n");
}

// A set that is new beside it, and needs a transaction before the one that counts.
TEST(Remembered, OutlivesAPreparation) {
  expect_in_namespace(
      [] {
        auto intervals = set_of({{0, 0xff}, {0xc0000200, 0xc00002ff}, {0xc0000300, 0xffffffff}});
        intervals.name = "blocks";
        auto second = large(many, {rule({match(Field::nfproto, Range{NFPROTO_IPV4, NFPROTO_IPV4}),
                                         match(Field::ip_saddr, nftables::SetName{"blocks"}),
                                         verdict(VerdictCode::drop)})});
        second.sets.push_back(intervals);
        const auto wanted = to_batch(second);
        const auto first = to_batch(large(many));
        const auto before = put_table(ours, first);
        const auto change =
            put_table(ours, wanted, {.dry_run = false, .remembered = &before.remembered});
        const auto known = dumped(&change.remembered);
        return change.result.error + (change.prepared > 0 ? "prepared\n" : "at once\n") +
               std::to_string(elements_in(known.messages)) + "\n" +
               difference(known.messages, wanted) + difference(dumped(nullptr).messages, wanted);
      },
      "prepared\n30000\nsame\nsame\n");
}

// The kernel's table of a set without a declared size grows while it is read.
TEST(Dump, ASetThatStillGrowsIsReadWhole) {
  if (!kernel_counts_elements()) GTEST_SKIP() << "this kernel does not say how many there are";
  expect_in_namespace(
      [] {
        auto ruleset = large(many);
        ruleset.sets[0].size = 0;
        const auto batch = to_batch(ruleset);
        std::string text;
        for (int i = 0; i < 5; ++i) {
          (void)put_table(ours, batch);
          text += difference(dumped(nullptr).messages, batch);
          (void)put_table(ours, {});
        }
        return text;
      },
      "same\nsame\nsame\nsame\nsame\n");
}

TEST(Remembered, OtherTablesAreReadWithoutOurs) {
  expect_in_namespace(
      [] {
        (void)put_table(ours, to_batch(large(many)));
        std::string error;
        std::string text = script(
            "table ip another { set s { type ipv4_addr; elements = { 192.0.2.1 }; }\n"
            "chain c { ip saddr @s drop; }; }\n");
        const auto all = dump_nftables(error);
        const auto others = dump_nftables_without(error, {ours});
        if (!all || !others) return error;
        const TableName another{NFPROTO_IPV4, "another"};
        const auto alone = dump_nftables(error, another);
        text += others->messages == alone->messages ? "theirs\n" : "not theirs\n";
        return text + (all->messages.size() > others->messages.size() ? "without ours" : "all");
      },
      "theirs\nwithout ours");
}

}  // namespace
}  // namespace firewright::host
