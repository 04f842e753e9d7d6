// One table of a kernel that others use at the same time.
#include <gtest/gtest.h>

#include <atomic>
#include <string>
#include <thread>

#include "backends/host/dump.h"
#include "backends/host/live.h"
#include "backends/host/table.h"
#include "tests/backends/host/tables.h"

namespace firewright::host {
namespace {

using namespace test_tables;

constexpr const char* foreign = R"(
table ip nat {
  chain PREROUTING {
    type nat hook prerouting priority dstnat; policy accept;
    fib daddr type local counter packets 3 bytes 180 jump DOCKER
  }
  chain DOCKER {
    iifname "docker0" return
    tcp dport 8080 dnat to 172.17.0.2:80
  }
}
table inet f2b-table {
  set addr-set-sshd {
    type ipv4_addr; flags timeout; timeout 10h; elements = { 192.0.2.5, 198.51.100.7 }
  }
  chain f2b-chain {
    type filter hook input priority -1; policy accept;
    tcp dport 22 ip saddr @addr-set-sshd reject
  }
}
table ip6 firewright {
  chain input {
    type filter hook input priority 0; policy accept;
  }
}
table ip filter {
  map ports {
    type inet_service : verdict; flags interval; elements = { 1-5 : accept, 9 : drop }
  }
  chain LIBVIRT_FWI {
    oifname "virbr0" ct state related,established accept
    tcp dport vmap @ports
  }
}
)";

TEST(PutTable, TablesOfOthersStayAsTheyAre) {
  expect_in_namespace(
      [] {
        if (const auto wrong = script(foreign); !wrong.empty()) return "skip: " + wrong;
        const auto all = [] {
          auto text = nft({"-s", "-a", "list", "ruleset"});
          // Seconds pass.
          for (std::size_t at = 0; (at = text.find(" expires ", at)) != std::string::npos;)
            text.erase(at, text.find_first_of(",\n }", at + 9) - at);
          return text;
        };
        const auto before = all();
        for (std::uint16_t i = 0; i < 100; ++i) {
          auto ruleset = table({port(i), from_list(), port(static_cast<std::uint16_t>(i % 7))});
          ruleset.sets = {set_of(addresses({i, i + 1U, 200}))};
          ruleset.chains[0].base->hook = i % 10 == 0 ? ir::Hook::forward : ir::Hook::inbound;
          if (const auto text = put(ruleset);
              !text.starts_with("changed,") && !text.starts_with("changed whole"))
            return text;
        }
        (void)put_table(ours, {});
        return all() == before ? std::string("same") : all() + before;
      },
      "same");
}

TEST(PutTable, AStaleGenerationIsRefused) {
  expect_in_namespace(
      [] {
        std::string error;
        std::string text = put(table({port(1)}));
        const auto dump = dump_nftables(error);
        if (!dump) return error;
        text += script("add table ip other");
        const auto before = nft({"list", "ruleset"});
        for (const bool dry_run : {true, false}) {
          const auto result = load_batch(to_batch(table({port(2)})),
                                         {.dry_run = dry_run, .generation = dump->generation});
          text +=
              (result.reason == Reason::raced ? "raced: " : "not raced: ") + result.error + "\n";
        }
        text += nft({"list", "ruleset"}) == before ? "same\n" : "changed\n";
        const auto now = dump_nftables(error);
        return text + (load_batch(to_batch(table({port(2)})), {.generation = now->generation}).ok()
                           ? "loaded"
                           : "not loaded");
      },
      "changed, messages 4, rules 0+2-0\n"
      "raced: somebody else has changed the ruleset meanwhile\n"
      "raced: somebody else has changed the ruleset meanwhile\n"
      "same\nloaded");
}

TEST(PutTable, WithoutTheRightToDoSo) {
  expect_in_namespace(
      [] {
        (void)put(table({port(1)}));
        if (setuid(65534) != 0) return std::string("still root");
        const auto result = put_table(ours, to_batch(table({port(2)}))).result;
        return (result.reason == Reason::permission ? "permission: " : "other: ") + result.error;
      },
      "permission: the kernel does not list its ruleset: Operation not permitted (CAP_NET_ADMIN is "
      "needed)");
}

TEST(DumpNftables, OfOneTable) {
  expect_in_namespace(
      [] {
        std::string error;
        std::string text;
        const auto none = dump_nftables(error, ours);
        text += none && none->messages.empty() ? "none\n" : "some\n";
        text += script(foreign);
        auto ruleset = table({port(22), from_list(), from_list_inline()});
        ruleset.sets = {set_of(addresses({1, 2}))};
        ruleset.counters = {"count-x"};
        text += put(ruleset);
        const auto all = dump_nftables(error);
        const auto one = dump_nftables(error, ours);
        if (!all || !one) return error;
        const auto rest = without_tables(all->messages, {ours});
        text += one->generation == all->generation ? "one generation\n" : "two\n";
        text += without_tables(one->messages, {ours}).empty() ? "nothing else\n" : "more\n";
        text +=
            rest.size() + one->messages.size() == all->messages.size() ? "all of it" : "not all";
        return text;
      },
      "none\nchanged, messages 11, rules 0+4-0, sets 0+1-0\none generation\nnothing else\nall of "
      "it");
}

// Another table as fast as it can, while 300 times ours is changed.
TEST(PutTable, AgainstAWriterWithoutAPause) {
  const std::string batches[] = {to_batch(table({port(22), port(80)})),
                                 to_batch(table({port(443), port(22)}))};
  const auto body = [&]() -> std::string {
    auto other_table = table({port(1)});
    other_table.table = "other";
    const auto other_batch = to_batch(other_table);
    std::atomic<bool> stop = false;
    std::atomic<std::size_t> written = 0;
    std::thread other([&] {
      while (!stop)
        if (load_batch(other_batch).ok()) ++written;
    });
    std::string wrong;
    for (int round = 0; round < 300 && wrong.empty(); ++round) {
      const auto& batch = batches[round % 2];
      if (const auto change = put_table(ours, batch); !change.changed)
        wrong = "round " + std::to_string(round) + ": " + shown(change);
      // Nobody else writes our table, so that there is nothing left to do.
      else if (const auto again = put_table(ours, batch); again.changed || !again.result.ok())
        wrong = "round " + std::to_string(round) + ", again: " + shown(again);
    }
    stop = true;
    other.join();
    return written == 0 ? "the other never wrote" : wrong;
  };
  expect_in_namespace(body, "");
}

// Two that both write our table: one wins each time, and neither leaves a mixture.
TEST(PutTable, TwoWritersOfOneTable) {
  const std::string batches[] = {to_batch(table({port(22), port(80), port(81)})),
                                 to_batch(table({port(443), port(81), port(22)}))};
  const auto body = [&]() -> std::string {
    const auto write = [&](const std::string& batch, std::string& wrong) {
      for (int round = 0; round < 100 && wrong.empty(); ++round)
        if (const auto change = put_table(ours, batch); !change.result.ok())
          wrong = change.result.error;
        else if (!change.refused_in_place.empty())
          wrong = change.refused_in_place;
    };
    std::string wrong[2];
    std::thread other([&] { write(batches[1], wrong[1]); });
    write(batches[0], wrong[0]);
    other.join();
    std::size_t equal = 0;
    std::string error;
    const auto dump = dump_nftables(error, ours);
    for (const auto& batch : batches)
      if (const auto rest = delta(dump->messages, batch, ours, error); rest && rest->empty())
        ++equal;
    return wrong[0] + wrong[1] + (equal == 1 ? "" : "a mixture");
  };
  expect_in_namespace(body, "");
}

}  // namespace
}  // namespace firewright::host
