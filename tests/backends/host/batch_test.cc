// Loading a batch: all of it or nothing, and a clear word about which.
#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <functional>
#include <string>
#include <vector>

#include "backends/host/host.h"
#include "backends/host/messages.h"
#include "backends/host/process.h"
#include "backends/nftables/batch.h"
#include "tests/backends/in_namespace.h"

namespace firewright::host {
namespace {

// One chain that accepts or drops TCP.
nftables::Ruleset table(nftables::VerdictCode verdict) {
  nftables::Rule rule;
  rule.statements.emplace_back(nftables::Match{.field = nftables::Field::l4proto,
                                               .negated = false,
                                               .value = nftables::Range{6, 6},
                                               .implied = false});
  rule.statements.emplace_back(nftables::Verdict{.code = verdict, .chain = {}});
  nftables::Chain chain{
      .name = "input",
      .base = nftables::BaseHook{.hook = ir::Hook::inbound, .priority = 0, .policy_accepts = false},
      .rules = {rule}};
  nftables::Ruleset ruleset;
  ruleset.table = "firewright";
  ruleset.chains = {chain};
  return ruleset;
}

std::string listing() { return run({"nft", "list", "ruleset"}, {}).out; }

std::string reason_text(Reason reason) {
  switch (reason) {
    case Reason::none: return "none";
    case Reason::permission: return "permission";
    case Reason::unsupported: return "unsupported";
    case Reason::refused: return "refused";
    case Reason::raced: return "raced";
    case Reason::io: return "io";
  }
  return "";
}
std::string text(const Result& result) { return reason_text(result.reason) + " " + result.error; }

void expect_in_namespace(const std::function<std::string()>& body, const std::string& expected) {
  const auto ran = test::in_namespace(body);
  if (!ran.refused.empty()) GTEST_SKIP() << ran.refused;
  EXPECT_EQ(ran.output, expected);
}

TEST(LoadBatch, LoadsAndReplaces) {
  expect_in_namespace(
      [] {
        for (const auto verdict : {nftables::VerdictCode::accept, nftables::VerdictCode::drop})
          if (const auto result = load_batch(to_batch(table(verdict))); !result.ok())
            return text(result);
        const auto list = listing();
        return list.find("meta l4proto tcp drop") != std::string::npos &&
                       list.find("accept") == std::string::npos
                   ? std::string("replaced")
                   : list;
      },
      "replaced");
}

TEST(LoadBatch, ADryRunChangesNothing) {
  expect_in_namespace(
      [] {
        (void)load_batch(to_batch(table(nftables::VerdictCode::accept)));
        const auto before = listing();
        const auto result =
            load_batch(to_batch(table(nftables::VerdictCode::drop)), {.dry_run = true});
        return text(result) + (listing() == before ? "unchanged" : "changed");
      },
      "none unchanged");
}

// The second rule jumps to a chain that is not there.
nftables::Ruleset broken() {
  auto ruleset = table(nftables::VerdictCode::accept);
  nftables::Rule rule;
  rule.statements.emplace_back(
      nftables::Verdict{.code = nftables::VerdictCode::jump, .chain = "nowhere"});
  ruleset.chains[0].rules.push_back(rule);
  return ruleset;
}

TEST(LoadBatch, ARefusedBatchNamesTheMessageAndChangesNothing) {
  for (const bool dry_run : {false, true})
    expect_in_namespace(
        [dry_run] {
          (void)load_batch(to_batch(table(nftables::VerdictCode::drop)));
          const auto before = listing();
          const auto result = load_batch(to_batch(broken()), {.dry_run = dry_run});
          return text(result) + (listing() == before ? "; unchanged" : "; changed");
        },
        "refused kernel refused message 6 (new rule in chain input): No such file or directory; "
        "unchanged");
}

TEST(LoadBatch, WithoutTheRightToDoSo) {
  expect_in_namespace(
      [] {
        (void)load_batch(to_batch(table(nftables::VerdictCode::drop)));
        __user_cap_header_struct header{_LINUX_CAPABILITY_VERSION_3, 0};
        __user_cap_data_struct none[2]{};
        if (syscall(SYS_capset, &header, none) != 0) return std::string("capabilities stay");
        return text(load_batch(to_batch(table(nftables::VerdictCode::accept))));
      },
      "permission not allowed to change the firewall (CAP_NET_ADMIN is needed): Operation not "
      "permitted");
}

TEST(LoadBatch, WhatIsNoBatch) {
  const std::string batch = to_batch(table(nftables::VerdictCode::drop));
  for (const auto& bytes :
       {std::string(), std::string("*filter\nCOMMIT\n"), batch.substr(0, batch.size() - 20),
        batch.substr(20), batch.substr(0, batch.size() - 3), batch + "x"})
    EXPECT_EQ(text(load_batch(bytes)), "refused this is not an nftables batch");
}

// A million bytes and more in one send.
TEST(LoadBatch, LargeTransactions) {
  auto ruleset = table(nftables::VerdictCode::drop);
  nftables::Set set{.name = "from-x-v4",
                    .type = nftables::DataType::ipv4_addr,
                    .elements = {},
                    .dynamic = false,
                    .size = 0,
                    .timeout_seconds = 0,
                    .comment = {}};
  for (std::uint32_t i = 0; i < 100000; ++i)
    set.elements.keys.push_back({0x0a000000U + 2 * i, 0x0a000000U + 2 * i});
  ruleset.sets.push_back(set);
  expect_in_namespace([&] { return text(load_batch(to_batch(ruleset))); }, "none ");
}

// The end of each message that is long enough is lent.
Batch with_lent_ends(std::string_view bytes) {
  const Batch plain{.own = std::string(bytes), .lent = {}};
  const auto messages = split_batch(plain);
  Batch batch;
  for (const auto& message : *messages) {
    const auto begin = static_cast<std::size_t>(message.bytes.data() - plain.own.data());
    const auto kept = message.bytes.size() - (message.bytes.size() > 64 ? 4 : 0);
    batch.own += bytes.substr(begin, kept);
    if (kept < message.bytes.size())
      batch.lent.push_back({.before = batch.own.size(), .bytes = bytes.substr(begin + kept, 4)});
  }
  return batch;
}

std::string described(const Batch& batch) {
  const auto messages = split_batch(batch);
  if (!messages) return "no batch";
  std::string text;
  for (const auto& message : *messages)
    text += std::to_string(message.sequence) + " " + describe(message) + "\n";
  return text;
}

TEST(LoadBatch, WithLentBytes) {
  // So many pieces that they cannot be sent as such.
  auto ruleset = table(nftables::VerdictCode::drop);
  ruleset.chains[0].rules.resize(600, ruleset.chains[0].rules[0]);
  const auto many = to_batch(ruleset);
  const auto few = to_batch(table(nftables::VerdictCode::accept));
  const auto wrong = to_batch(broken());
  nftables::Ruleset nothing;
  nothing.table = "firewright";
  for (const auto& bytes : {many, few, wrong}) {
    const auto lent = with_lent_ends(bytes);
    EXPECT_EQ(lent.joined(), bytes);
    EXPECT_EQ(lent.size(), bytes.size());
    EXPECT_EQ(described(lent), described({.own = bytes, .lent = {}}));
    EXPECT_FALSE(lent.lent.empty());
  }
  expect_in_namespace(
      [&] {
        std::string seen;
        for (const auto& bytes : {many, few}) {
          (void)load_batch(bytes);
          const auto whole = listing();
          (void)load_batch(to_batch(nothing));
          seen += text(load_batch(with_lent_ends(bytes), {.dry_run = true}));
          seen += listing() == whole ? "; loaded" : "; a dry run";
          seen += "; " + text(load_batch(with_lent_ends(bytes)));
          seen += listing() == whole ? "; the same\n" : "; another\n" + listing();
        }
        return seen + text(load_batch(with_lent_ends(wrong)));
      },
      "none ; a dry run; none ; the same\nnone ; a dry run; none ; the same\n"
      "refused kernel refused message 6 (new rule in chain input): No such file or directory");
}

TEST(Messages, LentBytesStandWithinOneMessage) {
  const auto bytes = to_batch(table(nftables::VerdictCode::drop));
  const auto sound = with_lent_ends(bytes);
  ASSERT_TRUE(split_batch(sound));
  for (std::size_t i = 0; i < sound.lent.size(); ++i) {
    auto moved = sound;
    moved.lent[i].before -= 8;
    auto longer = sound;
    longer.lent[i].bytes = bytes;
    auto gone = sound;
    gone.lent.erase(gone.lent.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_FALSE(split_batch(longer)) << i;
    EXPECT_FALSE(split_batch(gone)) << i;
    EXPECT_NE(moved.joined(), bytes) << i;
  }
}

TEST(Messages, Describe) {
  const Batch batch{.own = to_batch(broken()), .lent = {}};
  const auto messages = split_batch(batch);
  ASSERT_TRUE(messages);
  std::vector<std::string> texts;
  for (const auto& message : *messages)
    texts.push_back(std::to_string(message.sequence) + " " + describe(message));
  EXPECT_EQ(texts,
            (std::vector<std::string>{"0 begin of the transaction", "1 new table firewright",
                                      "2 delete table firewright", "3 new table firewright",
                                      "4 new chain input", "5 new rule in chain input",
                                      "6 new rule in chain input", "7 end of the transaction"}));
}

}  // namespace
}  // namespace firewright::host
