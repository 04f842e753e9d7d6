#include "tests/kernel/harness/choose.h"

#include <set>

#include "tests/kernel/harness/values.h"

namespace firewright::kernel {
namespace {

using ir::ConntrackState;
using ir::Hook;

constexpr std::string_view usual_source4 = "198.51.100.7", usual_destination4 = "192.0.2.10",
                           usual_source6 = "2001:db8:51::7", usual_destination6 = "2001:db8::10";
constexpr unsigned echo_request4 = 8, echo_request6 = 128;

TestPacket bare(const ir::Packet& packet) {
  return {.packet = packet,
          .tcp = TcpKind::syn,
          .bad_checksum = false,
          .untracked = false,
          .quote = std::nullopt};
}

IcmpTypeCode type(unsigned number) {
  return IcmpTypeCode{static_cast<std::uint16_t>(number << 8U)};
}

// A raw socket takes it for "this host" and sends elsewhere than told.
bool is_unspecified(const std::variant<Ipv4, Ipv6>& address) {
  return address == std::variant<Ipv4, Ipv6>(Ipv4{}) || address == std::variant<Ipv4, Ipv6>(Ipv6{});
}

class Chooser {
 public:
  Chooser(const ir::Program& program, const ChoiceOptions& options)
      : program_(program), options_(options), random_(options.seed) {
    choice_.interfaces = interfaces_of(program);
  }

  Choice run() {
    for (const Hook hook : {Hook::inbound, Hook::outbound, Hook::forward}) {
      const auto* chain = program_.find(hook);
      hooks_.push_back({.hook = hook, .chain = chain, .pools = {}});
      hooks_.back().pools = pools_of(
          chain != nullptr ? *chain
                           : ir::Chain{.name = "", .hook = hook, .policy = {}, .rules = {}},
          choice_.interfaces, random_);
    }
    for (const auto& packet : options_.besides) emit(packet, packet.state);
    for (const auto& place : hooks_) {
      if (place.chain != nullptr)
        for (const auto& rule : place.chain->rules) try_rule(place, rule.match);
      try_flows(place);
      if (place.hook != Hook::forward) try_neighbour_discovery(place);
    }
    // A bound, so that a program whose packets are all known cannot keep us here.
    for (std::size_t i = 0;
         choice_.packets.size() < options_.at_least && i < 50 * options_.at_least; ++i)
      try_random(hooks_[random_.below(10) < 6 ? 0 : random_.below(2) + 1]);
    return std::move(choice_);
  }

 private:
  struct Place {
    Hook hook;
    const ir::Chain* chain;
    Pools pools;
  };

  void emit(const TestPacket& packet) {
    if (choice_.packets.size() >= options_.at_most) return;
    if (packet.packet.family() == Family::ipv6 && is_ipv6_extension(packet.packet.protocol)) return;
    if (packet.packet.hook == Hook::outbound && is_unspecified(packet.packet.destination)) return;
    if (known_.insert(to_text(packet)).second) choice_.packets.push_back(packet);
  }
  void emit(const ir::Packet& packet, ConntrackState state) { emit(in_state(packet, state)); }

  // The packet made so that connection tracking puts it into this state, as far as its protocol
  // can.
  TestPacket in_state(ir::Packet packet, ConntrackState state) {
    packet.state = state;
    TestPacket result = bare(packet);
    switch (state) {
      case ConntrackState::fresh:
        if (random_.one_in(4)) result.tcp = TcpKind::ack;
        break;
      case ConntrackState::untracked: result.untracked = true; break;
      case ConntrackState::established:
      case ConntrackState::related: result.tcp = TcpKind::ack; break;
      case ConntrackState::invalid: {
        const TcpKind kinds[] = {TcpKind::reset, TcpKind::syn_ack, TcpKind::fin, TcpKind::null,
                                 TcpKind::christmas_tree};
        result.tcp = kinds[random_.below(std::size(kinds))];
        result.bad_checksum = packet.protocol != protocol::tcp;
        break;
      }
    }
    return result;
  }

  static void own_by_root(ir::Packet& packet) {
    packet.user = OwnerId{0};
    packet.group = OwnerId{0};
  }

  // A packet that the match holds for, in a state that it names.
  ir::Packet inside(const Place& place, const ir::Match& match, Family family) {
    ir::Packet packet;
    packet.hook = place.hook;
    packet.in = interface_in(match.in, place.pools.in);
    packet.out = interface_in(match.out, place.pools.out);
    if (family == Family::ipv4) {
      packet.source = member(match.source.v4, *parse_ipv4(usual_source4), random_);
      packet.destination = member(match.destination.v4, *parse_ipv4(usual_destination4), random_);
    } else {
      packet.source = member(match.source.v6, *parse_ipv6(usual_source6), random_);
      packet.destination = member(match.destination.v6, *parse_ipv6(usual_destination6), random_);
    }
    packet.protocol = member(match.protocols, protocol::tcp, random_);
    packet.source_port = member(match.source_ports, Port{40000}, random_);
    packet.destination_port = member(match.destination_ports, Port{22}, random_);
    packet.icmp =
        member(match.icmp, type(family == Family::ipv4 ? echo_request4 : echo_request6), random_);
    if (place.hook == Hook::outbound) {
      packet.user = member(match.users, OwnerId{0}, random_);
      packet.group = member(match.groups, OwnerId{0}, random_);
    }
    packet.state = match.states.contains(ConntrackState::fresh) ? ConntrackState::fresh
                   : match.states.empty()                       ? ConntrackState::fresh
                                                                : *match.states.begin();
    return packet;
  }

  // Not lo unless it has to be: there other rules decide.
  std::string interface_in(const ir::InterfaceSet& set, const std::vector<std::string>& pool) {
    std::vector<std::string> fitting;
    for (const auto& name : pool)
      if (name != "lo" && set.contains(name)) fitting.push_back(name);
    if (!fitting.empty()) return random_.of(fitting);
    return set.contains("lo") && !pool.empty() && !pool.front().empty() ? "lo" : pool.front();
  }

  void try_rule(const Place& place, const ir::Match& match) {
    for (const Family family : match.families) {
      const ir::Packet base = inside(place, match, family);
      for (const ConntrackState state :
           {base.state, ConntrackState::fresh, ConntrackState::invalid, ConntrackState::untracked})
        emit(base, state);
      vary_layer3(place, match, base);
      vary_layer4(place, match, base);
    }
  }

  template <class Field, class Value>
  void vary(const ir::Packet& base, Field field, const std::vector<Value>& values) {
    for (const auto& value : values) {
      ir::Packet packet = base;
      field(packet) = value;
      emit(packet, base.state);
    }
  }
  // All of the set's boundaries; for a set that is everything, one value that other rules name.
  template <class T>
  std::vector<T> edges(const IntervalSet<T>& set, const std::vector<T>& pool) {
    if (set.is_all() || set.empty()) return {random_.of(pool)};
    return boundaries(set, random_);
  }

  void vary_layer3(const Place& place, const ir::Match& match, const ir::Packet& base) {
    const auto names = [this](const ir::InterfaceSet& set, const std::vector<std::string>& pool) {
      return set.is_any() ? std::vector<std::string>{random_.of(pool)} : pool;
    };
    vary(base, [](ir::Packet& p) -> auto& { return p.in; }, names(match.in, place.pools.in));
    vary(base, [](ir::Packet& p) -> auto& { return p.out; }, names(match.out, place.pools.out));
    const auto source = [](ir::Packet& p) -> auto& { return p.source; };
    const auto destination = [](ir::Packet& p) -> auto& { return p.destination; };
    if (base.family() == Family::ipv4) {
      vary(base, source, edges(match.source.v4, place.pools.source4));
      vary(base, destination, edges(match.destination.v4, place.pools.destination4));
    } else {
      vary(base, source, edges(match.source.v6, place.pools.source6));
      vary(base, destination, edges(match.destination.v6, place.pools.destination6));
    }
    if (place.hook != Hook::outbound) return;
    vary(
        base, [](ir::Packet& p) -> auto& { return p.user; }, edges(match.users, place.pools.users));
    vary(
        base, [](ir::Packet& p) -> auto& { return p.group; },
        edges(match.groups, place.pools.groups));
  }

  void vary_layer4(const Place& place, const ir::Match& match, const ir::Packet& base) {
    const Pools& pools = place.pools;
    const auto protocol = [](ir::Packet& p) -> auto& { return p.protocol; };
    vary(base, protocol, edges(match.protocols, pools.protocols));
    vary(base, protocol,
         std::vector{protocol::tcp, protocol::udp, protocol::icmp, protocol::icmpv6});
    const auto& icmps = base.family() == Family::ipv4 ? pools.icmp4 : pools.icmp6;
    vary(base, [](ir::Packet& p) -> auto& { return p.icmp; }, edges(match.icmp, icmps));
    if (is_icmp_of(base.family(), base.protocol)) try_other_family(place, base);
    if (!has_ports(base.protocol)) return;
    vary(
        base, [](ir::Packet& p) -> auto& { return p.source_port; },
        edges(match.source_ports, pools.source_ports));
    const auto ports = edges(match.destination_ports, pools.destination_ports);
    vary(base, [](ir::Packet& p) -> auto& { return p.destination_port; }, ports);
    // The ports of one protocol are not those of another.
    ir::Packet other = base;
    other.protocol = base.protocol == protocol::tcp ? protocol::udp : protocol::tcp;
    vary(other, [](ir::Packet& p) -> auto& { return p.destination_port; }, ports);
  }

  // One family's ICMP in the other family is nobody's ICMP, whatever its types look like.
  void try_other_family(const Place& place, const ir::Packet& base) {
    ir::Packet other = base;
    if (base.family() == Family::ipv4) {
      other.source = *parse_ipv6(usual_source6);
      other.destination = *parse_ipv6(usual_destination6);
    } else {
      other.source = *parse_ipv4(usual_source4);
      other.destination = *parse_ipv4(usual_destination4);
    }
    const auto& icmps = base.family() == Family::ipv4 ? place.pools.icmp4 : place.pools.icmp6;
    for (const IcmpTypeCode icmp : {base.icmp, random_.of(icmps), random_.of(icmps)}) {
      other.icmp = icmp;
      emit(other, base.state);
    }
  }

  ir::Packet random_packet(const Place& place, Family family, bool wild) {
    const Pools& pools = place.pools;
    const auto far = [&] { return wild && random_.one_in(4); };
    ir::Packet packet;
    packet.hook = place.hook;
    packet.in = random_.of(pools.in);
    packet.out = random_.of(pools.out);
    if (family == Family::ipv4) {
      packet.source =
          far() ? Ipv4{static_cast<std::uint32_t>(random_.bits())} : random_.of(pools.source4);
      packet.destination =
          far() ? Ipv4{static_cast<std::uint32_t>(random_.bits())} : random_.of(pools.destination4);
    } else {
      const u128 global = static_cast<u128>(0x20010db8U) << 96U;
      packet.source = far() ? Ipv6{global | random_.bits()} : random_.of(pools.source6);
      packet.destination = far() ? Ipv6{global | random_.bits()} : random_.of(pools.destination6);
    }
    const Protocol usual[] = {protocol::tcp, protocol::udp,
                              family == Family::ipv4 ? protocol::icmp : protocol::icmpv6};
    packet.protocol = random_.below(4) != 0 ? usual[random_.below(3)]
                      : far()               ? Protocol{static_cast<std::uint8_t>(random_.bits())}
                                            : random_.of(pools.protocols);
    const auto port = [&](const std::vector<Port>& pool) {
      return far() ? Port{static_cast<std::uint16_t>(random_.bits())} : random_.of(pool);
    };
    packet.source_port = port(pools.source_ports);
    packet.destination_port = port(pools.destination_ports);
    packet.icmp = random_.of(family == Family::ipv4 ? pools.icmp4 : pools.icmp6);
    if (place.hook == Hook::outbound) {
      packet.user = random_.of(pools.users);
      packet.group = random_.of(pools.groups);
    }
    return packet;
  }

  void try_random(const Place& place) {
    const Family family = random_.one_in(2) ? Family::ipv4 : Family::ipv6;
    const auto roll = random_.below(20);
    emit(random_packet(place, family, true), roll < 15   ? ConntrackState::fresh
                                             : roll < 18 ? ConntrackState::invalid
                                                         : ConntrackState::untracked);
  }

  void try_flows(const Place& place) {
    for (std::size_t i = 0; i < options_.flows_per_hook; ++i) {
      const Family family = i % 2 == 0 ? Family::ipv4 : Family::ipv6;
      ir::Packet first = random_packet(place, family, false);
      if (first.in == "lo" || first.out == "lo") continue;
      const Protocol own_icmp = family == Family::ipv4 ? protocol::icmp : protocol::icmpv6;
      const Protocol protocols[] = {protocol::tcp, protocol::udp, own_icmp, protocol::esp};
      first.protocol = protocols[i / 2 % std::size(protocols)];
      first.icmp = type(family == Family::ipv4 ? echo_request4 : echo_request6);
      if (place.hook == Hook::outbound) own_by_root(first);
      choice_.flows.push_back(bare(first));
      const ir::Packet answer = reversed(first);
      emit(first, ConntrackState::established);
      emit(answer, ConntrackState::established);
      try_errors_about(first);
      try_errors_about(answer);
    }
  }

  // ICMP errors from somewhere on the way back to who has sent `packet`.
  void try_errors_about(const ir::Packet& packet) {
    const bool v4 = packet.family() == Family::ipv4;
    ir::Packet error = reversed(packet);
    error.protocol = v4 ? protocol::icmp : protocol::icmpv6;
    if (v4)
      error.source = *parse_ipv4("203.0.113.254");
    else
      error.source = *parse_ipv6("2001:db8:113::fe");
    const std::vector<unsigned> codes =
        v4 ? std::vector<unsigned>{0x0301, 0x0304, 0x0400, 0x0b00, 0x0c00}
           : std::vector<unsigned>{0x0101, 0x0200, 0x0300, 0x0400};
    for (const unsigned code : codes) {
      error.icmp = IcmpTypeCode{static_cast<std::uint16_t>(code)};
      TestPacket related = in_state(error, ConntrackState::related);
      related.quote = packet;
      emit(related);
    }
  }

  void try_neighbour_discovery(const Place& place) {
    const bool inbound = place.hook == Hook::inbound;
    struct Message {
      unsigned type;
      std::string_view source, destination;
    };
    const Message messages[] = {{130, "fe80::1", "ff02::1"},
                                {131, "fe80::9", "ff02::1"},
                                {132, "fe80::9", inbound ? "ff02::1" : "ff02::2"},
                                {133, "fe80::9", inbound ? "ff02::1" : "ff02::2"},
                                {134, "fe80::1", "ff02::1"},
                                {135, "::", "ff02::1"},
                                {135, "fe80::9", "2001:db8::10"},
                                {136, "fe80::9", "2001:db8::10"},
                                {136, "2001:db8::9", "ff02::1"},
                                {137, "fe80::1", "2001:db8::10"},
                                {143, "fe80::9", inbound ? "ff02::1" : "ff02::16"}};
    for (const auto& message : messages) {
      for (const char* interface : {"eth0", "other0"}) {
        ir::Packet packet;
        packet.hook = place.hook;
        (inbound ? packet.in : packet.out) = interface;
        packet.source = parse_ipv6(message.source).value();
        packet.destination = parse_ipv6(message.destination).value();
        packet.protocol = protocol::icmpv6;
        packet.icmp = type(message.type);
        packet.state = ConntrackState::untracked;
        if (!inbound) own_by_root(packet);
        emit(bare(packet));
      }
    }
  }

  const ir::Program& program_;
  const ChoiceOptions& options_;
  Random random_;
  std::vector<Place> hooks_;
  std::set<std::string> known_;
  Choice choice_;
};

}  // namespace

Choice choose(const ir::Program& program, const ChoiceOptions& options) {
  return Chooser(program, options).run();
}

}  // namespace firewright::kernel
