#include "backends/netsh/plan.h"

#include <algorithm>
#include <optional>

#include "backends/netsh/spell.h"

namespace firewright::netsh {
namespace {

using ir::Match;
using ir::VerdictKind;

bool intersect(const AddressSet& a, const AddressSet& b, FamilySet families) {
  return (families.contains(Family::ipv4) && a.v4.intersects(b.v4)) ||
         (families.contains(Family::ipv6) && a.v6.intersects(b.v6));
}

bool text_compatible(const std::string& a, const std::string& b) {
  return a.empty() || b.empty() || a == b;
}

// May say yes for two matches that meet in no packet (one family's sources, the other's
// destinations): that only costs a rule its easy way.
bool intersect(const Match& a, const Match& b) {
  const FamilySet families = a.families & b.families;
  return !families.empty() && a.protocols.intersects(b.protocols) &&
         a.source_ports.intersects(b.source_ports) &&
         a.destination_ports.intersects(b.destination_ports) && a.icmp.intersects(b.icmp) &&
         !(a.profiles & b.profiles).empty() && intersect(a.source, b.source, families) &&
         intersect(a.destination, b.destination, families) &&
         text_compatible(a.program, b.program) &&
         text_compatible(a.windows_service, b.windows_service);
}

bool contains(const AddressSet& a, const AddressSet& b) {
  return a.v4.contains(b.v4) && a.v6.contains(b.v6);
}

// Whether `a` holds for every packet of `b`, addresses aside.
bool contains_but_addresses(const Match& a, const Match& b) {
  return (b.families - a.families).empty() && a.protocols.contains(b.protocols) &&
         a.source_ports.contains(b.source_ports) &&
         a.destination_ports.contains(b.destination_ports) && a.icmp.contains(b.icmp) &&
         (b.profiles - a.profiles).empty() && (a.program.empty() || a.program == b.program) &&
         (a.windows_service.empty() || a.windows_service == b.windows_service);
}

void clear_empty_families(Match& match) {
  FamilySet families = match.families & match.source.families() & match.destination.families();
  ir::restrict_families(match, families);
}

// `match` without the packets of `cut`, if those differ in one side's addresses only. No families
// left: nothing is left of it.
std::optional<Match> subtract(const Match& match, const Match& cut) {
  if (!contains_but_addresses(cut, match)) return std::nullopt;
  Match rest = match;
  if (contains(cut.destination, match.destination))
    rest.source = match.source - cut.source;
  else if (contains(cut.source, match.source))
    rest.destination = match.destination - cut.destination;
  else
    return std::nullopt;
  clear_empty_families(rest);
  return rest;
}

bool speakable(const Match& match) { return unspeakable(match).empty(); }

// A rule for some ICMP of one family and nothing else, as the baseline has them.
bool only_icmp(const Match& match) {
  Match shape;
  shape.protocols = match.protocols;
  shape.icmp = match.icmp;
  const bool v4 = match.protocols == ProtocolSet::of(protocol::icmp);
  ir::restrict_families(shape, v4 ? FamilySet{Family::ipv4} : FamilySet{Family::ipv6});
  return (v4 || match.protocols == ProtocolSet::of(protocol::icmpv6)) && match == shape;
}

class Planner {
 public:
  explicit Planner(const ir::Chain& chain) : chain_(chain) {
    plan_.accepts_by_default = chain.policy == VerdictKind::accept;
    last_ = chain.rules.size();
    for (std::size_t i = 0; i < chain.rules.size(); ++i) {
      const auto& rule = chain.rules[i];
      if (rule.verdict.kind == VerdictKind::next || !matches_everything(rule.match)) continue;
      plan_.accepts_by_default = rule.verdict.kind == VerdictKind::accept;
      last_ = i;
      break;
    }
    for (std::size_t i = 0; i < last_; ++i)
      if (accepts(i)) accepted_.push_back({chain.rules[i].match, i});
  }

  Plan run() {
    for (std::size_t i = 0; i < last_; ++i)
      if (concerns_windows(chain_.rules[i]) && chain_.rules[i].verdict.kind == VerdictKind::drop)
        drop(i);
    if (!plan_.accepts_by_default) plan_.allows = std::move(accepted_);
    return std::move(plan_);
  }

 private:
  [[nodiscard]] bool accepts(std::size_t i) const {
    return concerns_windows(chain_.rules[i]) && chain_.rules[i].verdict.kind == VerdictKind::accept;
  }

  void drop(std::size_t index) {
    if (!plan_.accepts_by_default &&
        chain_.rules[index].origin.kind == ir::OriginKind::default_verdict)
      return;
    const Match& match = chain_.rules[index].match;
    std::vector<const Match*> before;
    std::vector<std::size_t> after;  // indices into accepted_
    for (std::size_t i = 0; i < accepted_.size(); ++i) {
      if (!intersect(accepted_[i].match, match)) continue;
      if (accepted_[i].rule < index)
        before.push_back(&accepted_[i].match);
      else
        after.push_back(i);
    }
    if (before.empty() && speakable(match)) {
      plan_.blocks.push_back({match, index});
      return;
    }
    if (after.empty() && !plan_.accepts_by_default) return;  // the default drops it as well
    const auto pieces = cut_down(match, before, after);
    if (pieces && std::all_of(pieces->begin(), pieces->end(), speakable)) {
      for (const auto& piece : *pieces) plan_.blocks.push_back({piece, index});
      return;
    }
    if (narrow(match, after)) return;
    (speakable(match) ? plan_.behind_accept : plan_.unspeakable).push_back(index);
  }

  // Parts of `match` that hold all its packets that something accepts below, and none that
  // something accepts before.
  [[nodiscard]] std::optional<std::vector<Match>> cut_down(
      const Match& match, const std::vector<const Match*>& before,
      const std::vector<std::size_t>& after) const {
    const auto wrong = unspeakable(match);
    if (std::find(wrong.begin(), wrong.end(), Unspeakable::protocol_in_other_family) != wrong.end())
      return std::nullopt;
    IcmpSet spared_v4, spared_v6;
    for (const Match* accepted : before) {
      if (!only_icmp(*accepted)) return std::nullopt;
      auto& spared = accepted->families.contains(Family::ipv4) ? spared_v4 : spared_v6;
      spared = spared | accepted->icmp;
    }
    ProtocolSet protocols = match.protocols;
    IcmpSet icmp_v4 = match.icmp, icmp_v6 = match.icmp;
    if (!plan_.accepts_by_default) {
      ProtocolSet needed;
      IcmpSet needed_v4, needed_v6;
      for (const std::size_t i : after) {
        const Match& accepted = accepted_[i].match;
        needed = needed | accepted.protocols;
        if (accepted.protocols.contains(protocol::icmp)) needed_v4 = needed_v4 | accepted.icmp;
        if (accepted.protocols.contains(protocol::icmpv6)) needed_v6 = needed_v6 | accepted.icmp;
      }
      protocols = protocols & needed;
      icmp_v4 = icmp_v4 & needed_v4;
      icmp_v6 = icmp_v6 & needed_v6;
    }
    if (protocols.is_all()) {
      if (!spared_v4.empty() || !spared_v6.empty()) return std::nullopt;
      return std::vector<Match>{match};
    }
    std::vector<Match> pieces;
    const ProtocolSet both{{protocol::icmp, protocol::icmp}, {protocol::icmpv6, protocol::icmpv6}};
    Match plain = match;
    plain.protocols = protocols - both;
    if (!plain.protocols.empty()) pieces.push_back(std::move(plain));
    const auto add_icmp = [&](Protocol p, Family family, const IcmpSet& types) {
      if (!protocols.contains(p) || !match.families.contains(family) || types.empty()) return;
      Match piece = match;
      piece.protocols = ProtocolSet::of(p);
      piece.icmp = types;
      ir::restrict_families(piece, {family});
      pieces.push_back(std::move(piece));
    };
    add_icmp(protocol::icmp, Family::ipv4, icmp_v4 - spared_v4);
    add_icmp(protocol::icmpv6, Family::ipv6, icmp_v6 - spared_v6);
    return pieces;
  }

  // Takes the packets of `match` out of what is accepted below it. All or nothing.
  bool narrow(const Match& match, const std::vector<std::size_t>& after) {
    if (plan_.accepts_by_default) return false;
    std::vector<Match> narrowed;
    for (const std::size_t i : after) {
      auto rest = subtract(accepted_[i].match, match);
      if (!rest || (!rest->families.empty() && !speakable(*rest))) return false;
      narrowed.push_back(std::move(*rest));
    }
    for (std::size_t k = 0; k < after.size(); ++k) accepted_[after[k]].match = narrowed[k];
    std::erase_if(accepted_,
                  [](const PlannedRule& planned) { return planned.match.families.empty(); });
    return true;
  }

  const ir::Chain& chain_;
  Plan plan_;
  std::size_t last_ = 0;  // the index of the rule that matches everything, or the number of rules
  std::vector<PlannedRule> accepted_;
};

}  // namespace

bool concerns_windows(const ir::Rule& rule) {
  switch (rule.origin.kind) {
    case ir::OriginKind::loopback:
    case ir::OriginKind::established:
    case ir::OriginKind::drop_invalid: return false;
    case ir::OriginKind::exception:
    case ir::OriginKind::icmp_errors:
    case ir::OriginKind::neighbour_discovery:
    case ir::OriginKind::default_log:
    case ir::OriginKind::default_verdict:
    case ir::OriginKind::decoded: return true;
  }
  return true;
}

bool matches_everything(const Match& match) { return match == Match{}; }

Plan plan(const ir::Chain& chain) { return Planner(chain).run(); }

}  // namespace firewright::netsh
