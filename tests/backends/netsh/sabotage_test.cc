// The encoder, damaged between planning and spelling: the proof notices each damage.
#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <utility>

#include "backends/netsh/encode.h"
#include "backends/netsh/generation.h"
#include "tests/backends/netsh/examples.h"
#include "tests/backends/netsh/programs.h"
#include "tests/backends/netsh/reading.h"

namespace firewright::netsh {
namespace {

using namespace test;
using semantics::Answer;

// Damages the plans; false: there was nothing to damage.
using Damage = std::function<bool(Plans&, const ir::Program&)>;

// Every planned rule, until one is damaged.
Damage in_rule(std::function<bool(PlannedRule&, const ir::Chain&)> change, bool blocks = false) {
  return [=](Plans& plans, const ir::Program& program) {
    for (const auto hook : {ir::Hook::inbound, ir::Hook::outbound}) {
      auto& plan = hook == ir::Hook::inbound ? plans.inbound : plans.outbound;
      for (auto& rule : blocks ? plan.blocks : plan.allows)
        if (change(rule, *program.find(hook))) return true;
    }
    return false;
  };
}
Damage in_match(std::function<bool(ir::Match&)> change) {
  return [=](Plans& plans, const ir::Program& program) {
    const auto in_planned = [&](PlannedRule& rule, const ir::Chain&) { return change(rule.match); };
    return in_rule(in_planned)(plans, program) || in_rule(in_planned, true)(plans, program);
  };
}

// The set without its last interval; false: nothing would be left.
template <class T>
bool shorten(IntervalSet<T>& set) {
  if (set.intervals().size() < 2) return false;
  set =
      IntervalSet<T>(std::vector<Interval<T>>(set.intervals().begin(), set.intervals().end() - 1));
  return true;
}

bool is_icmp(const ir::Match& match) { return !match.icmp.is_all(); }

bool widen_last(PortSet& ports) {
  if (ports.is_all() || ports.intervals().back().last == Port{65535}) return false;
  const Port next{static_cast<std::uint16_t>(ports.intervals().back().last.value + 1)};
  ports = ports | PortSet::of(next);
  return true;
}

struct Sabotage {
  const char* name;
  Damage damage;
};

const std::vector<Sabotage>& of_plans() {
  static const std::vector<Sabotage> list{
      {"forgets the last allow",
       [](Plans& p, const ir::Program&) {
         if (p.inbound.allows.empty()) return false;
         p.inbound.allows.pop_back();
         return true;
       }},
      {"forgets a block",
       [](Plans& p, const ir::Program&) {
         if (p.inbound.blocks.empty()) return false;
         p.inbound.blocks.erase(p.inbound.blocks.begin());
         return true;
       }},
      {"forgets all of outbound",
       [](Plans& p, const ir::Program&) {
         const bool some = !p.outbound.allows.empty() || !p.outbound.blocks.empty();
         p.outbound.allows.clear();
         p.outbound.blocks.clear();
         return some;
       }},
      {"allows what is to be blocked",
       [](Plans& p, const ir::Program&) {
         if (p.inbound.blocks.empty()) return false;
         p.inbound.allows.push_back(p.inbound.blocks.back());
         p.inbound.blocks.pop_back();
         return true;
       }},
      {"blocks what is to be allowed",
       [](Plans& p, const ir::Program&) {
         if (p.inbound.allows.empty()) return false;
         p.inbound.blocks.push_back(p.inbound.allows.back());
         p.inbound.allows.pop_back();
         return true;
       }},
      {"takes inbound for outbound",
       [](Plans& p, const ir::Program& program) {
         if (program.chains[0].rules.size() != program.chains[1].rules.size()) return false;
         std::swap(p.inbound, p.outbound);
         return true;
       }},
      {"accepts inbound by default",
       [](Plans& p, const ir::Program&) {
         return !std::exchange(p.inbound.accepts_by_default, true);
       }},
      {"drops outbound by default",
       [](Plans& p, const ir::Program&) {
         return std::exchange(p.outbound.accepts_by_default, false);
       }},
      {"accepts outbound by default",
       [](Plans& p, const ir::Program&) {
         return !std::exchange(p.outbound.accepts_by_default, true);
       }},
      {"does not cut a block down",
       in_rule(
           [](PlannedRule& rule, const ir::Chain& chain) {
             return std::exchange(rule.match, chain.rules[rule.rule].match) != rule.match;
           },
           true)},
      {"does not narrow an allow", in_rule([](PlannedRule& rule, const ir::Chain& chain) {
         return std::exchange(rule.match, chain.rules[rule.rule].match) != rule.match;
       })},
      {"joins two allows to one product",
       [](Plans& p, const ir::Program&) {
         auto& allows = p.inbound.allows;
         for (std::size_t i = 1; i < allows.size(); ++i) {
           auto& a = allows[i - 1].match;
           const auto& b = allows[i].match;
           if (is_icmp(a) || is_icmp(b) || a.protocols != b.protocols) continue;
           a.destination_ports = a.destination_ports | b.destination_ports;
           a.source = a.source | b.source;
           a.families = a.families | b.families;
           allows.erase(allows.begin() + static_cast<std::ptrdiff_t>(i));
           return true;
         }
         return false;
       }},
  };
  return list;
}

const std::vector<Sabotage>& of_matches() {
  static const std::vector<Sabotage> list{
      {"takes the source for the destination", in_match([](ir::Match& m) {
         if (m.source == m.destination) return false;
         std::swap(m.source, m.destination);
         return true;
       })},
      {"takes the source port for the destination's", in_match([](ir::Match& m) {
         if (m.source_ports == m.destination_ports) return false;
         std::swap(m.source_ports, m.destination_ports);
         return true;
       })},
      {"loses the last IPv4 address", in_match([](ir::Match& m) { return shorten(m.source.v4); })},
      {"loses the last ports", in_match([](ir::Match& m) { return shorten(m.destination_ports); })},
      {"ends a range of ports one too late",
       in_match([](ir::Match& m) { return widen_last(m.destination_ports); })},
      {"loses the source", in_match([](ir::Match& m) {
         if (m.source.is_all() || !m.families.is_all()) return false;
         m.source = AddressSet::all();
         return true;
       })},
      {"forgets IPv6", in_match([](ir::Match& m) {
         if (is_icmp(m) || !m.families.is_all() || m.source.is_all()) return false;
         ir::restrict_families(m, {Family::ipv4});
         return true;
       })},
      {"forgets IPv4", in_match([](ir::Match& m) {
         if (is_icmp(m) || !m.families.is_all() || m.source.is_all()) return false;
         ir::restrict_families(m, {Family::ipv6});
         return true;
       })},
      {"knows no profiles", in_match([](ir::Match& m) {
         return !std::exchange(m.profiles, ir::ProfileSet::all()).is_all();
       })},
      {"knows one profile only", in_match([](ir::Match& m) {
         return std::exchange(m.profiles, ir::ProfileSet{ir::Profile::domain}).size() > 1;
       })},
      {"forgets the program",
       in_match([](ir::Match& m) { return !std::exchange(m.program, "").empty(); })},
      {"forgets the service",
       in_match([](ir::Match& m) { return !std::exchange(m.windows_service, "").empty(); })},
      {"takes udp for tcp", in_match([](ir::Match& m) {
         if (m.protocols != ProtocolSet::of(protocol::tcp)) return false;
         m.protocols = ProtocolSet::of(protocol::udp);
         return true;
       })},
      {"loses a protocol", in_match([](ir::Match& m) { return shorten(m.protocols); })},
      {"says any protocol", in_match([](ir::Match& m) {
         if (m.protocols.is_all() || is_icmp(m)) return false;
         m.protocols = ProtocolSet::all();
         m.source_ports = m.destination_ports = PortSet::all();
         return true;
       })},
      {"knows no ICMP types",
       in_match([](ir::Match& m) { return !std::exchange(m.icmp, IcmpSet::all()).is_all(); })},
      {"loses the last ICMP types", in_match([](ir::Match& m) { return shorten(m.icmp); })},
      {"knows ICMP code 0 only", in_match([](ir::Match& m) {
         if (!is_icmp(m)) return false;
         m.icmp = IcmpSet::of(m.icmp.intervals()[0].first);
         return true;
       })},
  };
  return list;
}

// On how many of the examples the sabotage is caught.
std::size_t caught(const Sabotage& sabotage) {
  std::size_t count = 0;
  for (const auto& example : all_examples()) {
    SCOPED_TRACE(std::string(sabotage.name) + ": " + example.name);
    auto planned = plans(example.program);
    if (!sabotage.damage(planned, example.program)) continue;
    const auto artifact = artifact_of(generation(example.program, planned, example.options));
    const auto read = read_files(files_of(artifact));
    if (!read.program) {
      ++count;
      continue;
    }
    const auto comparison = compare_filtered(example.program, *read.program);
    EXPECT_EQ(contradiction(example.program, *read.program, comparison, 200), "");
    count += comparison.answer == Answer::different ? 1 : 0;
  }
  return count;
}

TEST(Sabotage, OfPlansIsCaught) {
  for (const auto& sabotage : of_plans()) EXPECT_GT(caught(sabotage), 0U) << sabotage.name;
}

TEST(Sabotage, OfMatchesIsCaught) {
  for (const auto& sabotage : of_matches()) EXPECT_GT(caught(sabotage), 0U) << sabotage.name;
  EXPECT_GE(of_plans().size() + of_matches().size(), 20U);
}

TEST(Sabotage, WithoutItNothingIsCaught) {
  EXPECT_EQ(caught({"nothing", [](Plans&, const ir::Program&) { return true; }}), 0U);
}

}  // namespace
}  // namespace firewright::netsh
