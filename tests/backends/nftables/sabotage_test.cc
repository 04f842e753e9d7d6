// An encoder that goes wrong between building a ruleset and spelling it: the proof notices, from
// the messages and from the text.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "backends/nftables/batch.h"
#include "backends/nftables/build.h"
#include "backends/nftables/capable.h"
#include "backends/nftables/text.h"
#include "tests/backends/nftables/decoding.h"
#include "tests/backends/nftables/programs.h"
#include "tests/backends/nftables/text_reading.h"

namespace firewright::nftables {
namespace {

struct Sabotage {
  std::string name;
  // Whether there was anything to alter.
  std::function<bool(Ruleset& ruleset)> alter;
  bool only_messages = false;  // the text does not hold what is altered
};

// Alters the first statement that `change` takes.
template <class Kind, class Change>
std::function<bool(Ruleset&)> first(Change change) {
  return [change](Ruleset& ruleset) {
    for (auto& chain : ruleset.chains)
      for (auto& rule : chain.rules)
        for (auto& statement : rule.statements)
          if (auto* wanted = std::get_if<Kind>(&statement); wanted != nullptr && change(*wanted))
            return true;
    return false;
  };
}

std::function<bool(Ruleset&)> without(std::function<bool(const Statement&)> unwanted) {
  return [unwanted](Ruleset& ruleset) {
    for (auto& chain : ruleset.chains)
      for (auto& rule : chain.rules)
        if (std::erase_if(rule.statements, unwanted) > 0) return true;
    return false;
  };
}

bool implies(const Statement& statement, Field field) {
  const auto* match = std::get_if<Match>(&statement);
  return match != nullptr && match->implied && match->field == field;
}

// What a match compares with, if it is one range.
Range* range_of(Match& match) { return match.implied ? nullptr : std::get_if<Range>(&match.value); }

std::function<bool(Ruleset&)> swap_fields(Field a, Field b) {
  return first<Match>([a, b](Match& match) {
    if (match.field != a && match.field != b) return false;
    match.field = match.field == a ? b : a;
    return true;
  });
}

std::function<bool(Ruleset&)> verdicts(VerdictCode from, VerdictCode to) {
  return first<Verdict>([from, to](Verdict& verdict) {
    if (verdict.code != from) return false;
    verdict.code = to;
    return true;
  });
}

std::vector<Sabotage> of_matches() {
  std::vector<Sabotage> all;
  all.push_back({"a list loses its last entry", first<Match>([](Match& match) {
                   auto* elements = std::get_if<Elements>(&match.value);
                   if (elements == nullptr || elements->keys.size() < 2) return false;
                   elements->keys.pop_back();
                   return true;
                 })});
  all.push_back({"a list loses all but its first entry", first<Match>([](Match& match) {
                   auto* elements = std::get_if<Elements>(&match.value);
                   if (elements == nullptr || elements->keys.size() < 2) return false;
                   const auto only = elements->keys.front();
                   match.value = only;
                   return true;
                 })});
  all.push_back({"a named set loses its last entry", [](Ruleset& ruleset) {
                   for (auto& set : ruleset.sets)
                     if (set.elements.keys.size() > 1) {
                       set.elements.keys.pop_back();
                       return true;
                     }
                   return false;
                 }});
  all.push_back({"a range ends one later", first<Match>([](Match& match) {
                   auto* range = range_of(match);
                   if (range == nullptr || match.field == Field::nfproto) return false;
                   ++range->last;
                   return true;
                 })});
  all.push_back({"a value is one higher", first<Match>([](Match& match) {
                   auto* range = range_of(match);
                   if (range == nullptr || !range->single() || match.field == Field::nfproto)
                     return false;
                   range->first = ++range->last;
                   return true;
                 })});
  all.push_back({"a wildcard is taken for a name", first<Match>([](Match& match) {
                   auto* range = range_of(match);
                   if (range == nullptr || range->single() || match.field != Field::iifname)
                     return false;
                   range->last = range->first;
                   return true;
                 })});
  all.push_back({"a negation is forgotten",
                 first<Match>([](Match& match) { return std::exchange(match.negated, false); })});
  all.push_back({"a negation is invented", first<Match>([](Match& match) {
                   if (match.implied || match.field == Field::nfproto) return false;
                   return !std::exchange(match.negated, true);
                 })});
  all.push_back({"the family is not implied",
                 without([](const Statement& s) { return implies(s, Field::nfproto); }), true});
  all.push_back({"the protocol is not implied",
                 without([](const Statement& s) { return implies(s, Field::l4proto); }), true});
  all.push_back({"source and destination ports are swapped",
                 swap_fields(Field::tcp_dport, Field::tcp_sport)});
  all.push_back({"source and destination addresses are swapped",
                 swap_fields(Field::ip_saddr, Field::ip_daddr)});
  all.push_back(
      {"IPv6 sources are taken for destinations", swap_fields(Field::ip6_saddr, Field::ip6_daddr)});
  all.push_back(
      {"the incoming interface is the outgoing one", swap_fields(Field::iifname, Field::oifname)});
  all.push_back(
      {"ICMP types are taken for codes", swap_fields(Field::icmp_type, Field::icmp_code)});
  all.push_back({"a set of tuples loses a key", [](Ruleset& ruleset) {
                   if (ruleset.tuple_sets.empty()) return false;
                   auto& set = ruleset.tuple_sets.front();
                   set.keys.erase(set.keys.size() / set.width() / 2 * set.width(), set.width());
                   return true;
                 }});
  all.push_back({"a mask lets another address in", first<MatchTuple>([](MatchTuple& tuple) {
                   for (auto& part : tuple.parts)
                     if (part.bits > 9) {
                       --part.bits;
                       return true;
                     }
                   return false;
                 })});
  all.push_back({"a tuple looks at the other end", first<MatchTuple>([](MatchTuple& tuple) {
                   for (auto& part : tuple.parts) {
                     if (part.field != Field::ip_saddr && part.field != Field::ip_daddr) continue;
                     part.field = part.field == Field::ip_saddr ? Field::ip_daddr : Field::ip_saddr;
                     return true;
                   }
                   return false;
                 })});
  all.push_back({"a lookup is forgotten", without([](const Statement& s) {
                   return std::holds_alternative<MatchTuple>(s);
                 })});
  all.push_back({"a state is forgotten", first<MatchStates>([](MatchStates& states) {
                   states.mask &= states.mask - 1;
                   return true;
                 })});
  all.push_back({"states do not matter", without([](const Statement& s) {
                   return std::holds_alternative<MatchStates>(s);
                 })});
  all.push_back({"a map of states is turned round", first<VerdictMap>([](VerdictMap& map) {
                   for (auto& verdict : map.elements.verdicts)
                     verdict.code = verdict.code == VerdictCode::accept ? VerdictCode::drop
                                                                        : VerdictCode::accept;
                   return true;
                 })});
  return all;
}

std::vector<Sabotage> of_limits() {
  std::vector<Sabotage> all;
  all.push_back({"a rate is doubled", first<Limit>([](Limit& limit) {
                   limit.rate *= 2;
                   return true;
                 })});
  all.push_back({"a burst is lost", first<Limit>([](Limit& limit) {
                   limit.burst = 5;
                   return true;
                 })});
  all.push_back({"a unit is mistaken", first<Limit>([](Limit& limit) {
                   limit.unit =
                       limit.unit == ir::TimeUnit::hour ? ir::TimeUnit::minute : ir::TimeUnit::hour;
                   return true;
                 })});
  all.push_back({"a limit is forgotten",
                 without([](const Statement& s) { return std::holds_alternative<Limit>(s); })});
  all.push_back({"a shared limit becomes two", [](Ruleset& ruleset) {
                   if (ruleset.limits.empty()) return false;
                   auto other = ruleset.limits[0];
                   other.name += "-other";
                   ruleset.limits.push_back(other);
                   return first<UseLimit>([&](UseLimit& use) {
                     use.name = other.name;
                     return true;
                   })(ruleset);
                 }});
  all.push_back({"a limit of each source is one for all", [](Ruleset& ruleset) {
                   for (auto& chain : ruleset.chains)
                     for (auto& rule : chain.rules)
                       for (auto& statement : rule.statements)
                         if (auto* dynamic = std::get_if<DynamicSet>(&statement);
                             dynamic != nullptr && std::holds_alternative<Limit>(dynamic->test)) {
                           statement = Limit(std::get<Limit>(dynamic->test));
                           return true;
                         }
                   return false;
                 }});
  all.push_back({"buckets are forgotten early", [](Ruleset& ruleset) {
                   for (auto& set : ruleset.sets)
                     if (set.timeout_seconds > 1) {
                       set.timeout_seconds = 1;
                       return true;
                     }
                   return false;
                 }});
  all.push_back({"buckets are not kept alive", first<DynamicSet>([](DynamicSet& dynamic) {
                   return std::exchange(dynamic.update, false);
                 })});
  all.push_back({"one connection more", first<ConnectionCount>([](ConnectionCount& count) {
                   ++count.count;
                   return true;
                 })});
  return all;
}

std::vector<Sabotage> of_rules() {
  std::vector<Sabotage> all;
  all.push_back({"accept for drop", verdicts(VerdictCode::drop, VerdictCode::accept)});
  all.push_back({"drop for accept", verdicts(VerdictCode::accept, VerdictCode::drop)});
  all.push_back({"a verdict is forgotten",
                 without([](const Statement& s) { return std::holds_alternative<Verdict>(s); })});
  all.push_back({"an answer of another kind", first<Reject>([](Reject& reject) {
                   reject.kind = ir::RejectKind::admin_prohibited;
                   return true;
                 })});
  all.push_back({"a log without its prefix",
                 first<Log>([](Log& log) { return !std::exchange(log.prefix, {}).empty(); })});
  all.push_back({"a log is forgotten",
                 without([](const Statement& s) { return std::holds_alternative<Log>(s); })});
  all.push_back({"a count under another name", [](Ruleset& ruleset) {
                   if (ruleset.counters.empty()) return false;
                   ruleset.counters.emplace_back("count-other");
                   return first<UseCounter>([](UseCounter& use) {
                     use.name = "count-other";
                     return true;
                   })(ruleset);
                 }});
  all.push_back({"the first rule is forgotten", [](Ruleset& ruleset) {
                   auto& rules = ruleset.chains.front().rules;
                   rules.erase(rules.begin());
                   return true;
                 }});
  all.push_back({"rules in reverse", [](Ruleset& ruleset) {
                   auto& rules = ruleset.chains.front().rules;
                   std::reverse(rules.begin(), rules.end());
                   return rules.size() > 1;
                 }});
  all.push_back({"the last rule and the policy are lost", [](Ruleset& ruleset) {
                   ruleset.chains.front().rules.pop_back();
                   ruleset.chains.front().base->policy_accepts = true;
                   return true;
                 }});
  all.push_back({"a chain on another hook", [](Ruleset& ruleset) {
                   auto& hook = ruleset.chains.front().base->hook;
                   hook = hook == ir::Hook::inbound ? ir::Hook::outbound : ir::Hook::inbound;
                   return true;
                 }});
  all.push_back({"a chain is not written", [](Ruleset& ruleset) {
                   ruleset.chains.erase(ruleset.chains.begin());
                   return true;
                 }});
  return all;
}

std::vector<Sabotage> all_sabotages() {
  auto all = of_matches();
  for (auto more : {of_limits(), of_rules()})
    for (auto& one : more) all.push_back(std::move(one));
  return all;
}

struct Original {
  std::string name;
  ir::Program program;
  Ruleset ruleset;
};
std::vector<Original> originals() {
  std::vector<Original> all;
  for (const auto& example : test::examples())
    all.push_back({example.name, example.program, build(example.sayable, example.options)});
  all.push_back({"many things", test::many_things(), build(test::many_things(), {})});
  for (std::uint32_t seed = 0, found = 0; found < 6; ++seed) {
    const auto crowd = test::crowd(seed);
    auto ruleset = build(crowd, {});
    if (ruleset.tuple_sets.empty()) continue;
    all.push_back({"crowd " + std::to_string(seed), crowd, std::move(ruleset)});
    ++found;
  }
  for (const std::uint32_t seed : {1U, 3U, 7U})
    all.push_back({"seed " + std::to_string(seed), test::random_program(seed),
                   build(test::random_program(seed), {})});
  return all;
}

// Whether what was written is found to be wrong, whatever that takes.
bool caught(const Original& original, const std::string& part, const std::string& bytes) {
  const auto decoded = test::decode(part, bytes);
  EXPECT_EQ(decoded.broken, "");
  if (!decoded.program) return true;
  const auto comparison = semantics::compare(original.program, *decoded.program);
  EXPECT_EQ(test::contradiction(original.program, *decoded.program, comparison, 50), "");
  return comparison.answer == semantics::Answer::different;
}

TEST(Sabotage, IsCaught) {
  const auto sabotages = all_sabotages();
  ASSERT_GE(sabotages.size(), 20U);
  const auto all = originals();
  for (const auto& sabotage : sabotages) {
    bool in_messages = false;
    bool in_text = sabotage.only_messages;
    for (const auto& original : all) {
      if (in_messages && in_text) break;
      SCOPED_TRACE(sabotage.name + " in " + original.name);
      auto ruleset = original.ruleset;
      if (!sabotage.alter(ruleset)) continue;
      in_messages = in_messages || caught(original, "batch", to_batch(ruleset));
      in_text = in_text || caught(original, "text", to_text(ruleset));
    }
    EXPECT_TRUE(in_messages) << sabotage.name;
    EXPECT_TRUE(in_text) << sabotage.name;
  }
}

// What is caught above is the alteration, and not the way there.
TEST(Sabotage, WithoutItNothingIs) {
  for (const auto& original : originals()) {
    SCOPED_TRACE(original.name);
    EXPECT_FALSE(caught(original, "batch", to_batch(original.ruleset)));
    EXPECT_FALSE(caught(original, "text", to_text(original.ruleset)));
  }
}

}  // namespace
}  // namespace firewright::nftables
