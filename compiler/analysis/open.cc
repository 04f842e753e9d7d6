// Lint of what the outside may reach, by the meaning of the program.

#include <algorithm>
#include <array>
#include <set>
#include <string_view>

#include "compiler/analysis/finding.h"
#include "compiler/analysis/outside.h"
#include "compiler/policy/catalogue.h"
#include "compiler/semantics/boolean.h"
#include "compiler/semantics/meaning.h"

namespace firewright::analysis {
namespace {

using semantics::Booleans;
using semantics::Diagrams;
using semantics::Field;
using semantics::Meanings;
using semantics::Node;
using semantics::Space;

constexpr std::size_t most_labels = 3;

constexpr u128 size_of(u128 first, u128 last) { return first > last ? 0 : last - first + 1; }

u128 sources_of(const ir::Match& match, Family family) { return public_size(match.source, family); }

// The interfaces that lead outside: none of those that the policy names, but for zones that are
// called so.
class Outside {
 public:
  explicit Outside(const policy::Policy& policy) : patterns_(outside_interfaces(policy)) {}
  [[nodiscard]] bool holds(const Space::Name& name) const {
    if (name.kind == Space::Name::Kind::other) return true;
    return std::any_of(patterns_.begin(), patterns_.end(), [&](const ir::InterfacePattern& p) {
      return p.matches(name.text) && (p.wildcard || name.kind == Space::Name::Kind::exact);
    });
  }
  [[nodiscard]] bool meets(const ir::Match& match) const {
    if (!match.profiles.contains(ir::Profile::public_)) return false;
    if (match.in.complemented()) return true;
    return std::any_of(
        match.in.patterns().begin(), match.in.patterns().end(), [&](const auto& pattern) {
          return holds(
              {.text = pattern.name,
               .kind = pattern.wildcard ? Space::Name::Kind::wildcard : Space::Name::Kind::exact});
        });
  }

 private:
  std::vector<ir::InterfacePattern> patterns_;
};

// What new connections from outside reach on one hook.
class Reach {
 public:
  Reach(Meanings& meanings, const Outside& outside, Node accepted)
      : diagrams_(meanings.diagrams()),
        space_(meanings.space()),
        outside_(outside),
        accepted_(accepted) {}

  // How many public sources reach the port from outside; nullopt: of a protocol without ports.
  [[nodiscard]] u128 sources(Family family, Protocol protocol, std::optional<Port> port) const {
    const std::optional<u128> number = port ? std::optional<u128>{port->value} : std::nullopt;
    return descend(accepted_, {family, protocol.value, number});
  }
  // Where a port's fate changes: the first one of each piece.
  [[nodiscard]] std::vector<Interval<Port>> pieces() const {
    std::vector<Interval<Port>> found;
    const auto level = space_.level(Field::destination_port);
    for (std::uint32_t rank = 0; rank <= space_.last_rank(level); ++rank) {
      const auto [first, last] = space_.values(Field::destination_port, rank);
      found.push_back(
          {Port{static_cast<std::uint16_t>(first)}, Port{static_cast<std::uint16_t>(last)}});
    }
    return found;
  }

 private:
  struct Query {
    Family family;
    u128 protocol;
    std::optional<u128> port;
  };

  // Fields in front of the sources: fixed by the query, or whichever lets the most in.
  [[nodiscard]] u128 descend(Node node, const Query& query) const {
    if (Diagrams::is_leaf(node)) return measure(node, query.family);
    const auto level = diagrams_.level(node);
    const auto field = space_.field(level);
    if (!field) return measure(node, query.family);
    switch (*field) {
      case Field::family: return descend(child(node, static_cast<u128>(query.family)), query);
      case Field::profile:
        return descend(child(node, static_cast<u128>(ir::Profile::public_)), query);
      case Field::state:
        return descend(child(node, static_cast<u128>(ir::ConntrackState::fresh)), query);
      case Field::protocol: return descend(child(node, query.protocol), query);
      case Field::destination_port:
        if (query.port) return descend(child(node, *query.port), query);
        return measure(node, query.family);
      case Field::in: return widest(node, query, true);
      case Field::out:
      case Field::icmp: return widest(node, query, false);
      case Field::source_port:
      case Field::source4:
      case Field::source6:
      case Field::destination4:
      case Field::destination6:
      case Field::user:
      case Field::group:
      case Field::program:
      case Field::windows_service: return measure(node, query.family);
    }
    return 0;
  }

  [[nodiscard]] u128 widest(Node node, const Query& query, bool from_outside) const {
    u128 most = 0;
    std::uint32_t rank = 0;
    for (const auto& edge : diagrams_.edges(node)) {
      bool wanted = !from_outside;
      for (; rank <= edge.last; ++rank)
        wanted = wanted || outside_.holds(space_.names(Field::in)[rank]);
      if (wanted) most = std::max(most, descend(edge.child, query));
    }
    return most;
  }

  [[nodiscard]] Node child(Node node, u128 value) const {
    const auto field = *space_.field(diagrams_.level(node));
    const auto edges = diagrams_.edges(node);
    const auto found = std::lower_bound(edges.begin(), edges.end(), value,
                                        [&](const semantics::Edge& edge, u128 wanted) {
                                          return space_.values(field, edge.last).second < wanted;
                                        });
    return found->child;
  }

  // How many public sources some packet below is accepted from.
  [[nodiscard]] u128 measure(Node node, Family family) const {
    if (Diagrams::is_leaf(node)) return node == Booleans::none ? 0 : public_size(family);
    const auto key = std::pair{node, family};
    if (const auto known = measured_.find(key); known != measured_.end()) return known->second;
    const auto source = family == Family::ipv4 ? Field::source4 : Field::source6;
    const auto level = diagrams_.level(node);
    u128 sum = 0;
    std::uint32_t first = 0;
    for (const auto& edge : diagrams_.edges(node)) {
      if (level < space_.level(source))
        sum = std::max(sum, measure(edge.child, family));
      else if (level > space_.level(source))
        return public_size(family);  // it is not the empty set
      else if (edge.child != Booleans::none)
        sum += public_part(family, space_.values(source, first).first,
                           space_.values(source, edge.last).second);
      first = edge.last + 1;
    }
    measured_.emplace(key, sum);
    return sum;
  }

  const Diagrams& diagrams_;
  const Space& space_;
  const Outside& outside_;
  Node accepted_;
  mutable std::map<std::pair<Node, Family>, u128> measured_;
};

// All accepting rules of one exception.
struct Allow {
  const policy::Exception* exception = nullptr;
  ir::Origin origin;
  std::vector<const ir::Rule*> rules;

  // How many public sources it lets in to a port from outside.
  [[nodiscard]] u128 sources(const Outside& outside, Family family, Protocol protocol,
                             std::optional<Port> port) const {
    u128 most = 0;
    for (const auto* rule : rules) {
      const auto& match = rule->match;
      if (!match.families.contains(family) || !match.protocols.contains(protocol)) continue;
      if (port && !match.destination_ports.contains(*port)) continue;
      if (outside.meets(match)) most = std::max(most, sources_of(match, family));
    }
    return most;
  }
};

bool is_risky(const policy::Service& service) {
  if (service.risk.empty()) return false;
  // Anybody can read along; that is for those to judge who use it. What administers a host or tells
  // its inside should not be open to everybody on top.
  if (service.risk == "cleartext")
    return service.category == "remote administration" ||
           service.category == "monitoring and logs" ||
           service.category == "directory and authentication";
  return true;
}

// One port, or a protocol of its own, that a service answers on.
struct Door {
  FamilySet families;
  Protocol protocol;
  std::optional<Interval<Port>> ports;
};

std::vector<Door> doors(const policy::Service& service) {
  std::vector<Door> all;
  for (const auto& transport : service.transports) {
    if (!transport.icmp.is_all()) continue;
    for (const auto& protocols : transport.protocols.intervals())
      for (unsigned p = protocols.first.value; p <= protocols.last.value; ++p) {
        const Protocol protocol{static_cast<std::uint8_t>(p)};
        if (transport.destination_ports.is_all())
          all.push_back({transport.families, protocol, std::nullopt});
        else
          for (const auto& ports : transport.destination_ports.intervals())
            all.push_back({transport.families, protocol, ports});
      }
  }
  return all;
}

// Ports that something harmless answers on as well: who opens those need not mean the other.
bool has_harmless_use(const Door& door) {
  static constexpr u128 widest = 16;  // a range of thousands says nothing of one of them
  for (const auto& service : policy::catalogue().services) {
    if (is_risky(service)) continue;
    for (const auto& other : doors(service)) {
      if (other.protocol != door.protocol || other.ports.has_value() != door.ports.has_value())
        continue;
      if (!door.ports) return true;
      if (size_of(other.ports->first.value, other.ports->last.value) > widest) continue;
      if (other.ports->first <= door.ports->first && door.ports->first <= other.ports->last)
        return true;
    }
  }
  return false;
}

class OpenOnHook {
 public:
  OpenOnHook(const policy::Policy& policy, const ir::Chain& chain, const Outside& outside,
             const Reach& reach, const WrittenExceptions& written)
      : policy_(policy), chain_(chain), outside_(outside), reach_(reach) {
    std::map<std::pair<Span, std::string>, std::size_t> index;
    for (const auto& rule : chain.rules) {
      if (rule.origin.kind != ir::OriginKind::exception ||
          rule.verdict.kind != ir::VerdictKind::accept)
        continue;
      const auto [entry, added] =
          index.try_emplace({rule.origin.span, rule.origin.label}, allows_.size());
      if (added)
        allows_.push_back({.exception = written.find(*chain.hook, rule.origin),
                           .origin = rule.origin,
                           .rules = {}});
      allows_[entry->second].rules.push_back(&rule);
    }
  }

  std::vector<Finding> run() {
    everything();
    services();
    ipv6();
    return std::move(findings_);
  }

 private:
  Diagnostic& add(Kind kind, const Allow& allow, std::vector<std::string> more) {
    more.insert(more.begin(), allow.origin.label);
    findings_.push_back({.diagnostic = {.kind = kind,
                                        .args = std::move(more),
                                        .span = allow.origin.span,
                                        .labels = {},
                                        .help = {}},
                         .exception = allow.exception});
    return findings_.back().diagnostic;
  }

  // --- every port, every protocol

  static std::string everything_of(const Allow& allow) {
    static constexpr u128 nearly_all_ports = 60'000;
    std::vector<std::string> protocols;
    for (const auto* rule : allow.rules) {
      const auto& match = rule->match;
      u128 ports = 0;
      for (const auto& i : match.destination_ports.intervals())
        ports += size_of(i.first.value, i.last.value);
      if (ports < nearly_all_ports || !match.icmp.is_all()) continue;
      if (match.protocols.is_all()) return "every protocol and port";
      for (const auto protocol : {protocol::tcp, protocol::udp, protocol::sctp, protocol::dccp})
        if (match.protocols.contains(protocol)) {
          auto text = to_string(protocol);
          if (std::find(protocols.begin(), protocols.end(), text) == protocols.end())
            protocols.push_back(std::move(text));
        }
    }
    return protocols.empty() ? "" : "every port of " + enumerated(protocols);
  }

  [[nodiscard]] bool from_anywhere(const Allow& allow) const {
    return std::any_of(allow.rules.begin(), allow.rules.end(), [&](const ir::Rule* rule) {
      return outside_.meets(rule->match) &&
             (is_any_source(Family::ipv4, sources_of(rule->match, Family::ipv4)) ||
              is_any_source(Family::ipv6, sources_of(rule->match, Family::ipv6)));
    });
  }

  void everything() {
    if (policy_[direction()].default_verdict == policy::DefaultVerdict::accept)
      findings_.push_back({.diagnostic = {.kind = Kind::lint_open_everything,
                                          .args = {"default", "everything that nothing denies"},
                                          .span = policy_[direction()].default_span,
                                          .labels = {},
                                          .help = "deny by default, and list what is welcome"},
                           .exception = nullptr});
    for (const auto& allow : allows_) {
      const auto what = everything_of(allow);
      if (what.empty()) continue;
      const bool anywhere = from_anywhere(allow);
      // What is forwarded is another host's to refuse, unless it comes from anywhere; and an
      // interface that leads inside is the author's own network.
      const bool outside = std::any_of(allow.rules.begin(), allow.rules.end(),
                                       [&](const auto* r) { return outside_.meets(r->match); });
      if (!outside || (*chain_.hook == ir::Hook::forward && !anywhere)) continue;
      add(Kind::lint_open_everything, allow, {what + (anywhere ? " from any source" : "")}).help =
          "name the services that are needed";
      if (anywhere) wide_open_.insert(&allow);
    }
  }

  // --- services that should not be open to any source

  [[nodiscard]] bool is_open(const Door& door, Family family) const {
    if (!door.families.contains(family)) return false;
    const auto open = [&](std::optional<Port> port) {
      return is_any_source(family, reach_.sources(family, door.protocol, port));
    };
    if (!door.ports) return open(std::nullopt);
    // All of a range: one port of it may be anything's.
    for (unsigned p = door.ports->first.value; p <= door.ports->last.value; ++p)
      if (!open(Port{static_cast<std::uint16_t>(p)})) return false;
    return true;
  }

  // Those who open a door that is open: who does so alone, else the widest.
  [[nodiscard]] std::vector<const Allow*> openers(const Door& door, Family family) const {
    std::vector<const Allow*> alone;
    std::vector<const Allow*> together;
    const auto port = door.ports ? std::optional(door.ports->first) : std::nullopt;
    for (const auto& allow : allows_) {
      const auto sources = allow.sources(outside_, family, door.protocol, port);
      if (is_any_source(family, sources)) alone.push_back(&allow);
      if (sources > 0) together.push_back(&allow);
    }
    return alone.empty() ? together : alone;
  }

  struct Opened {
    std::vector<std::string> services;  // risky ones, in the catalogue's order
    std::set<const Allow*> with;        // who opens them together with it
  };

  void services() {
    std::map<const Allow*, Opened> opened;
    std::map<const Allow*, Opened> opened_ssh;
    for (const auto& service : policy::catalogue().services) {
      if (!is_risky(service)) continue;
      for (const auto& door : doors(service))
        for (const auto family : FamilySet::all()) {
          if (!is_open(door, family)) continue;
          const auto by = openers(door, family);
          for (const auto* allow : by) {
            if (wide_open_.contains(allow) || !means(*allow, service, door)) continue;
            auto& entry = (service.name == "ssh" ? opened_ssh : opened)[allow];
            if (entry.services.empty() || entry.services.back() != service.name)
              entry.services.push_back(service.name);
            const bool alone = is_any_source(
                family,
                allow->sources(outside_, family, door.protocol,
                               door.ports ? std::optional(door.ports->first) : std::nullopt));
            if (!alone) entry.with.insert(by.begin(), by.end());
          }
        }
    }
    for (const auto& allow : allows_) {
      if (const auto found = opened_ssh.find(&allow); found != opened_ssh.end())
        label(add(Kind::lint_open_ssh, allow, {}), allow, found->second);
      if (const auto found = opened.find(&allow); found != opened.end())
        label(add(Kind::lint_open_service, allow, {enumerated(found->second.services)}), allow,
              found->second);
    }
  }

  static void label(Diagnostic& diagnostic, const Allow& allow, const Opened& opened) {
    diagnostic.help = "say who may, with `from` or `in`; if it is meant to be, `ignore = [\"" +
                      std::string(id(diagnostic.kind)) + "\"]` with a `reason`";
    for (const auto* other : opened.with)
      if (other != &allow && diagnostic.labels.size() < most_labels)
        diagnostic.labels.push_back(
            {.span = other->origin.span, .text = "together with this exception"});
  }

  // Whether who wrote the exception can have meant this service. One that is called by a name is
  // that one, and a number that stands for a harmless service as well may be that.
  [[nodiscard]] static bool means(const Allow& allow, const policy::Service& service,
                                  const Door& door) {
    if (allow.exception != nullptr)
      for (const auto& name : allow.exception->services) {
        const auto* named = policy::catalogue().find(name.value);
        if (named == nullptr) continue;
        if (named->name == service.name) return true;
        for (const auto& other : doors(*named))
          if (other.protocol == door.protocol && other.ports == door.ports) return false;
      }
    return !has_harmless_use(door);
  }

  // --- IPv6 open where IPv4 is restricted

  void ipv6() {
    std::map<const Allow*, std::set<const Allow*>> found;
    const auto pieces = reach_.pieces();
    for (const auto protocol : {protocol::tcp, protocol::udp, protocol::sctp})
      for (const auto& piece : pieces) {
        const auto port = piece.first;
        const auto v4 = reach_.sources(Family::ipv4, protocol, port);
        if (v4 == 0 || is_any_source(Family::ipv4, v4)) continue;
        if (!is_any_source(Family::ipv6, reach_.sources(Family::ipv6, protocol, port))) continue;
        for (const auto& allow : allows_) {
          if (!is_any_source(Family::ipv6, allow.sources(outside_, Family::ipv6, protocol, port)))
            continue;
          auto& restricted = found[&allow];
          for (const auto& other : allows_)
            if (&other != &allow && other.sources(outside_, Family::ipv4, protocol, port) > 0)
              restricted.insert(&other);
        }
      }
    for (const auto& allow : allows_) {
      const auto entry = found.find(&allow);
      if (entry == found.end()) continue;
      auto& diagnostic = add(Kind::lint_open_ipv6, allow, {});
      diagnostic.help = "give IPv6 the same restriction, or say `family = \"ipv4\"`";
      for (const auto& other : allows_)
        if (entry->second.contains(&other) && diagnostic.labels.size() < most_labels)
          diagnostic.labels.push_back(
              {.span = other.origin.span, .text = "restricts the same ports in IPv4"});
    }
  }

  [[nodiscard]] policy::Direction direction() const {
    return *chain_.hook == ir::Hook::forward ? policy::Direction::forward
                                             : policy::Direction::inbound;
  }

  const policy::Policy& policy_;
  const ir::Chain& chain_;
  const Outside& outside_;
  const Reach& reach_;
  std::vector<Allow> allows_;
  std::set<const Allow*> wide_open_;
  std::vector<Finding> findings_;
};

// Every door of a risky service, so that the space is cut at their ports.
ir::Program boundaries() {
  ir::Program program;
  program.chains.emplace_back();
  for (const auto& service : policy::catalogue().services) {
    if (!is_risky(service)) continue;
    for (const auto& door : doors(service)) {
      ir::Rule rule;
      rule.match.protocols = ProtocolSet::of(door.protocol);
      if (door.ports) rule.match.destination_ports = PortSet{*door.ports};
      program.chains.front().rules.push_back(std::move(rule));
    }
  }
  ir::Rule publics;
  publics.match.source = {.v4 = Ipv4Set{public4}, .v6 = Ipv6Set{public6}};
  program.chains.front().rules.push_back(std::move(publics));
  return program;
}

}  // namespace

std::optional<std::vector<Finding>> find_open(const policy::Policy& policy,
                                              const ir::Program& program,
                                              const WrittenExceptions& written,
                                              semantics::Budget budget) {
  const auto cuts = boundaries();
  const std::array programs{&program, &cuts};
  Meanings meanings(programs, semantics::FieldOrder::ports_first, budget);
  const Outside outside(policy);
  std::vector<Finding> findings;
  for (const auto& chain : program.chains) {
    if (chain.hook != ir::Hook::inbound && chain.hook != ir::Hook::forward) continue;
    const auto meaning = meanings.meaning(program, *chain.hook);
    if (!meaning) return std::nullopt;
    auto& diagrams = meanings.diagrams();
    const auto accepted =
        diagrams.map(diagrams.new_operation(), *meaning, [&](std::uint32_t outcome) {
          return meanings.outcomes()[outcome].verdict.kind == ir::VerdictKind::accept
                     ? Booleans::all
                     : Booleans::none;
        });
    if (diagrams.exhausted()) return std::nullopt;
    const Reach reach(meanings, outside, accepted);
    auto found = OpenOnHook(policy, chain, outside, reach, written).run();
    findings.insert(findings.end(), std::make_move_iterator(found.begin()),
                    std::make_move_iterator(found.end()));
  }
  return findings;
}

}  // namespace firewright::analysis
