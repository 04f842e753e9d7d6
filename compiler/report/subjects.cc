#include "compiler/report/subjects.h"

#include <algorithm>
#include <set>

#include "compiler/analysis/outside.h"
#include "compiler/analysis/words.h"
#include "compiler/lower/match.h"
#include "compiler/policy/catalogue.h"

namespace firewright::report {
namespace {

using policy::Direction;
using policy::Exception;

// More columns or rows than these nobody reads.
constexpr std::size_t most_lists = 12;
constexpr std::size_t most_services = 60;

const ir::InterfacePattern loopback{.name = "lo", .wildcard = false};

ir::Hook hook_of(Direction direction) {
  switch (direction) {
    case Direction::inbound: return ir::Hook::inbound;
    case Direction::outbound: return ir::Hook::outbound;
    case Direction::forward: return ir::Hook::forward;
  }
  return ir::Hook::inbound;
}

std::vector<const Exception*> exceptions_of(const policy::Policy& policy, Direction direction) {
  std::vector<const Exception*> all;
  for (const auto action : {policy::Action::allow, policy::Action::reject, policy::Action::deny})
    for (const auto& exception : policy[direction].exceptions)
      if (exception.action == action) all.push_back(&exception);
  return all;
}

// Everything that tells packets of a direction apart: exceptions, then assertions.
std::vector<const Exception*> spoken_of(const policy::Policy& policy, Direction direction) {
  auto all = exceptions_of(policy, direction);
  for (const auto& assertion : policy.assertions)
    if (assertion.set.direction == direction) all.push_back(&assertion.set);
  return all;
}

std::string join(const std::vector<std::string>& items, std::string_view between) {
  std::string text;
  for (const auto& item : items) text.append(text.empty() ? "" : between).append(item);
  return text;
}

// --- interfaces

// One side of a direction: a zone, an interface, or all others.
struct Side {
  std::string name;
  std::string about;
  ir::InterfaceSet interfaces;
  ir::ProfileSet profiles = ir::ProfileSet::all();
};

class Sides {
 public:
  Sides(const policy::Policy& policy, Direction direction, Target target)
      : policy_(policy), target_(target) {
    for (const auto& [name, zone] : policy.zones) add(name);
    for (const auto* exception : spoken_of(policy, direction)) {
      for (const auto& name : exception->in) add(name.value);
      for (const auto& name : exception->out) add(name.value);
    }
    add_others();
  }
  // Those that are named, then the others; none where nothing is named.
  [[nodiscard]] const std::vector<Side>& all() const { return sides_; }

 private:
  void add(const std::string& name) {
    if (name == "lo" || !seen_.insert(name).second) return;
    Exception probe;
    probe.in.push_back({.value = name, .span = {}});
    Sink sink;  // a zone without interfaces; the lowering says so where it matters
    const auto matches = lower::to_matches(policy_, probe, target_, sink);
    if (sink.has_errors() || matches.empty()) return;
    Side side{
        .name = name, .about = {}, .interfaces = matches[0].in, .profiles = matches[0].profiles};
    if (policy_.zones.contains(name)) side.about = say(side);
    sides_.push_back(std::move(side));
  }

  static std::string say(const Side& side) {
    std::vector<std::string> items;
    for (const auto& pattern : side.interfaces.patterns()) items.push_back(to_string(pattern));
    if (!side.profiles.is_all())
      for (const auto profile : side.profiles) items.emplace_back(to_string(profile));
    return join(items, ", ");
  }

  void add_others() {
    if (sides_.empty()) return;
    std::vector<ir::InterfacePattern> named{loopback};
    auto profiles = ir::ProfileSet::all();
    bool by_profile = false;
    for (const auto& side : sides_) {
      if (!side.profiles.is_all()) {
        by_profile = true;
        profiles = profiles - side.profiles;
      }
      if (!side.interfaces.is_any())
        named.insert(named.end(), side.interfaces.patterns().begin(),
                     side.interfaces.patterns().end());
    }
    if (by_profile && profiles.empty()) return;
    sides_.push_back({.name = by_profile ? "other networks" : "other interfaces",
                      .about = {},
                      .interfaces = ir::InterfaceSet::except(std::move(named)),
                      .profiles = profiles});
  }

  const policy::Policy& policy_;
  Target target_;
  std::set<std::string> seen_;
  std::vector<Side> sides_;
};

ir::Match match_of(const Side* in, const Side* out) {
  ir::Match match;
  if (in != nullptr) match.in = in->interfaces;
  if (in != nullptr) match.profiles = match.profiles & in->profiles;
  if (out != nullptr) match.out = out->interfaces;
  if (out != nullptr) match.profiles = match.profiles & out->profiles;
  return match;
}

void add_interfaces(const policy::Policy& policy, Direction direction, Target target,
                    std::vector<Subject>& parties) {
  const Sides sides(policy, direction, target);
  if (direction != Direction::forward) {
    for (const auto& side : sides.all()) {
      const bool in = direction == Direction::inbound;
      if (&side == &sides.all().back() && side.name.starts_with("other ")) break;  // the rest
      parties.push_back({.name = side.name,
                         .about = side.about,
                         .risk = {},
                         .packets = {match_of(in ? &side : nullptr, in ? nullptr : &side)}});
    }
    return;
  }
  for (const auto& in : sides.all())
    for (const auto& out : sides.all())
      parties.push_back({.name = in.name + " \u2192 " + out.name,
                         .about = {},
                         .risk = {},
                         .packets = {match_of(&in, &out)}});
}

// --- addresses

class AddressParties {
 public:
  AddressParties(const policy::Policy& policy, Direction direction,
                 const analysis::Vocabulary& vocabulary)
      : policy_(policy), sends_(direction == Direction::outbound), vocabulary_(vocabulary) {
    for (const auto* exception : spoken_of(policy, direction)) {
      add(sends_ ? exception->to : exception->from);
      add(sends_ ? exception->to_except : exception->from_except);
    }
  }

  void append_to(std::vector<Subject>& parties) {
    for (auto& list : lists_) parties.push_back(subject(std::move(list.first), list.second));
    if (beyond_ > 0)
      parties.push_back(subject(std::to_string(beyond_) + " other lists of addresses", rest_));
  }

 private:
  void add(const std::optional<policy::AddressList>& list) {
    if (!list) return;
    AddressSet literal;
    for (const auto& item : list->items) {
      if (const auto* name = std::get_if<std::string>(&item.value))
        add(*name, policy_.groups.at(*name).set);
      else if (const auto* four = std::get_if<Interval<Ipv4>>(&item.value))
        literal.v4 = literal.v4 | Ipv4Set{*four};
      else
        literal.v6 = literal.v6 | Ipv6Set{std::get<Interval<Ipv6>>(item.value)};
    }
    if (literal.empty()) return;
    add(to_text(analysis::say_addresses(vocabulary_, literal, literal.families())), literal);
  }

  void add(const std::string& name, const AddressSet& set) {
    if (set.empty() || set == AddressSet::all() || !seen_.insert(name).second) return;
    if (lists_.size() < most_lists) {
      lists_.emplace_back(name, set);
      return;
    }
    ++beyond_;
    rest_ = rest_ | set;
  }

  [[nodiscard]] Subject subject(std::string name, const AddressSet& set) const {
    ir::Match match;
    (sends_ ? match.destination : match.source) = set;
    ir::restrict_families(match, set.families());
    auto about = to_text(analysis::say_addresses({}, set, set.families()));
    if (about == name) about.clear();
    return {.name = std::move(name),
            .about = std::move(about),
            .risk = {},
            .packets = {std::move(match)}};
  }

  const policy::Policy& policy_;
  bool sends_;
  const analysis::Vocabulary& vocabulary_;
  std::set<std::string> seen_;
  std::vector<std::pair<std::string, AddressSet>> lists_;
  AddressSet rest_;
  std::size_t beyond_ = 0;
};

// --- services

std::vector<ir::Match> matches_of(const std::vector<policy::Transport>& transports) {
  Exception probe;
  probe.transports = {.value = transports, .span = {}};
  Sink sink;
  return lower::to_matches({}, probe, Target::nftables, sink);
}

class Services {
 public:
  explicit Services(const policy::Policy& policy) : policy_(policy) {}

  void add_named(const Exception& exception) {
    for (const auto& name : exception.services) add_service(name.value);
  }
  void add_unnamed(const Exception& exception) {
    if (exception.services.empty() && exception.transports)
      add(exception.subject, nullptr, exception.transports->value);
  }
  std::vector<Subject> take() {
    if (beyond_ > 0)
      services_.push_back({.name = std::to_string(beyond_) + " other services",
                           .about = {},
                           .risk = {},
                           .packets = std::move(rest_)});
    return std::move(services_);
  }

 private:
  void add_service(const std::string& name) {
    const auto own = policy_.services.find(name);
    if (own != policy_.services.end()) return add(name, nullptr, own->second.transports);
    if (const auto* known = policy::catalogue().find(name)) add(name, known, known->transports);
  }

  // `known`: the catalogue's.
  void add(const std::string& name, const policy::Service* known,
           const std::vector<policy::Transport>& transports) {
    if (!seen_.insert(name).second) return;
    auto packets = matches_of(transports);
    if (packets.empty() || std::ranges::any_of(services_, [&](const Subject& other) {
          return other.packets == packets;
        }))
      return;
    if (services_.size() < most_services) {
      services_.push_back({.name = name,
                           .about = known == nullptr ? "" : known->description,
                           .risk = known == nullptr ? "" : known->risk,
                           .packets = std::move(packets)});
      return;
    }
    ++beyond_;
    rest_.insert(rest_.end(), packets.begin(), packets.end());
  }

  const policy::Policy& policy_;
  std::set<std::string> seen_;
  std::vector<Subject> services_;
  std::vector<ir::Match> rest_;
  std::size_t beyond_ = 0;
};

// --- the world

// The public addresses of a family that no rule singles out.
template <class A>
IntervalSet<A> unnamed(const ir::Chain& chain, Family family, Interval<A> public_addresses,
                       IntervalSet<A> AddressSet::* member) {
  std::vector<Interval<A>> named;
  for (const auto& rule : chain.rules) {
    if (rule.origin.kind != ir::OriginKind::exception || !rule.match.families.contains(family))
      continue;
    const auto& set = rule.match.source.*member;
    const bool most =
        analysis::is_any_source(family, analysis::public_size(rule.match.source, family));
    const auto singled_out = most ? ~set : set;
    named.insert(named.end(), singled_out.intervals().begin(), singled_out.intervals().end());
  }
  const IntervalSet<A> everybody{public_addresses};
  auto rest = everybody - IntervalSet<A>(std::move(named));
  return rest.empty() ? everybody : rest;
}

}  // namespace

std::vector<Subject> parties(const policy::Policy& policy, Direction direction, Target target,
                             const analysis::Vocabulary& vocabulary) {
  std::vector<Subject> all;
  add_interfaces(policy, direction, target, all);
  // Zones tell what is forwarded; without them addresses do.
  if (direction != Direction::forward || all.empty())
    AddressParties(policy, direction, vocabulary).append_to(all);
  return all;
}

std::vector<Subject> services(const policy::Policy& policy, Direction direction) {
  Services all(policy);
  for (const auto* one : spoken_of(policy, direction)) all.add_named(*one);
  // What an assertion says by protocols and ports is mostly wider than a service.
  for (const auto* one : exceptions_of(policy, direction)) all.add_unnamed(*one);
  return all.take();
}

std::vector<Subject> joined(std::vector<Subject> own, std::vector<Subject> others) {
  const auto known = own.size();
  for (auto& other : others) {
    const auto end = own.begin() + static_cast<std::ptrdiff_t>(known);
    const bool there = std::any_of(own.begin(), end, [&](const Subject& subject) {
      return subject.name == other.name || subject.packets == other.packets;
    });
    if (!there) own.push_back(std::move(other));
  }
  return own;
}

std::string ports_of(const Subject& service) {
  std::vector<std::string> items;
  for (const auto& match : service.packets) {
    auto text = to_text(analysis::say_service({}, match));
    if (!match.source_ports.is_all()) text += " from certain ports";
    if (std::ranges::find(items, text) == items.end()) items.push_back(std::move(text));
  }
  constexpr std::size_t most = 6;
  const auto beyond = items.size() > most ? items.size() - most : 0;
  items.resize(items.size() - beyond);
  auto text = join(items, ", ");
  if (beyond > 0) text += " and " + std::to_string(beyond) + " more";
  return text;
}

std::vector<ir::Match> world(const policy::Policy& policy, const ir::Program& program,
                             Direction direction) {
  const auto* chain = program.find(hook_of(direction));
  if (chain == nullptr) return {};
  ir::Match base;
  base.source.v4 = unnamed(*chain, Family::ipv4, analysis::public4, &AddressSet::v4);
  base.source.v6 = unnamed(*chain, Family::ipv6, analysis::public6, &AddressSet::v6);
  base.profiles = {ir::Profile::public_};
  std::vector<ir::InterfacePattern> named{loopback};
  for (const auto& rule : chain->rules) {
    const auto& patterns = rule.match.in.patterns();
    named.insert(named.end(), patterns.begin(), patterns.end());
  }
  std::vector<ir::Match> matches{base};
  matches[0].in = ir::InterfaceSet::except(std::move(named));
  if (auto outside = analysis::outside_interfaces(policy); !outside.empty()) {
    matches.push_back(base);
    matches[1].in = ir::InterfaceSet::of(std::move(outside));
  }
  return matches;
}

}  // namespace firewright::report
