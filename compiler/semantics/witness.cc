#include "compiler/semantics/witness.h"

#include <algorithm>
#include <array>
#include <string>

#include "compiler/semantics/boolean.h"

namespace firewright::semantics {
namespace {

using Values = std::pair<u128, u128>;  // inclusive
using Rank = std::uint32_t;

constexpr u128 v6(std::uint64_t high, std::uint64_t low) { return u128{high} << 64U | low; }
constexpr Values one(u128 value) { return {value, value}; }

// The host that a policy is for, and somebody else: RFC 5737 and RFC 3849.
constexpr u128 own4 = 0xC000020A;                     // 192.0.2.10
constexpr u128 other4 = 0xCB007109;                   // 203.0.113.9
constexpr u128 own6 = v6(0x20010db800000000, 0x10);   // 2001:db8::10
constexpr u128 other6 = v6(0x20010db800000009, 0x9);  // 2001:db8:0:9::9
constexpr u128 no_owner = u128{1} << 32U;

// Ordinary unicast addresses, the more ordinary first.
constexpr Values unicast4[] = {
    {0xCB007100, 0xCB0071FF},  // 203.0.113.0/24, documentation
    {0xC6336400, 0xC63364FF},  // 198.51.100.0/24, documentation
    {0xC0000200, 0xC00002FF},  // 192.0.2.0/24, documentation
    {0xC0A80000, 0xC0A8FFFF},  // 192.168.0.0/16
    {0x0A000000, 0x0AFFFFFF},  // 10.0.0.0/8
    {0xAC100000, 0xAC1FFFFF},  // 172.16.0.0/12
    {0xA9FF0000, 0xC5FFFFFF},  // public
    {0xCB007200, 0xDFFFFFFF}, {0x01000000, 0x7EFFFFFF}, {0x80000000, 0xDFFFFFFF},
};
constexpr Values unicast6[] = {
    {v6(0x20010db800000000, 0), v6(0x20010db8ffffffff, ~std::uint64_t{0})},  // documentation
    {v6(0x2000000000000000, 0), v6(0x3fffffffffffffff, ~std::uint64_t{0})},  // global
    {v6(0xfc00000000000000, 0), v6(0xfdffffffffffffff, ~std::uint64_t{0})},  // unique local
    {v6(0xfe80000000000000, 0), v6(0xfebfffffffffffff, ~std::uint64_t{0})},  // link local
    {v6(0x0001000000000000, 0), v6(0xfebfffffffffffff, ~std::uint64_t{0})},
};
// From the network and from the host itself alike, nothing is sent from these: unspecified,
// loopback, multicast, reserved (RFC 6890), IPv4-mapped.
constexpr Values sane_source4[] = {{0x01000000, 0x7EFFFFFF}, {0x80000000, 0xDFFFFFFF}};
constexpr Values sane_source6[] = {
    {v6(0x0001000000000000, 0), v6(0xfeffffffffffffff, ~std::uint64_t{0})}};

// The nth value above the beginning of a wide range looks like a host, and the first one like a
// network.
constexpr u128 host_in_prefix = 9;

// Which ranks of a level packets of the set can have, as sorted, disjoint, inclusive ranges.
class Feasible {
 public:
  Feasible(const Diagrams& diagrams, const Space& space, Node set, std::uint32_t level)
      : diagrams_(diagrams), level_(level), possible_(space.last_rank(level) + 1) {
    visit(set);
  }
  [[nodiscard]] bool operator[](Rank rank) const { return everything_ || possible_[rank]; }
  [[nodiscard]] Rank size() const { return static_cast<Rank>(possible_.size()); }

 private:
  void visit(Node node) {
    if (everything_ || node == Booleans::none) return;
    if (diagrams_.level(node) > level_) {
      everything_ = true;
      return;
    }
    if (!seen_.insert(static_cast<std::uint32_t>(node)).second) return;
    Rank first = 0;
    for (const auto& edge : diagrams_.edges(node)) {
      if (diagrams_.level(node) < level_)
        visit(edge.child);
      else if (edge.child != Booleans::none)
        std::fill(possible_.begin() + first, possible_.begin() + edge.last + 1, true);
      first = edge.last + 1;
    }
  }

  const Diagrams& diagrams_;
  std::uint32_t level_;
  std::vector<bool> possible_;
  bool everything_ = false;
  struct Seen {
    std::vector<bool> bits;
    std::pair<int, bool> insert(std::uint32_t at) {
      if (bits.size() <= at) bits.resize(std::size_t{at} * 2 + 1);
      const bool fresh = !bits[at];
      bits[at] = true;
      return {0, fresh};
    }
  } seen_;
};

class Choice {
 public:
  Choice(Diagrams& diagrams, const Space& space, ir::Hook hook, Node set)
      : diagrams_(diagrams),
        booleans_(diagrams),
        space_(space),
        hook_(hook),
        set_(set),
        ranks_(field_count + space.predicate_count()),
        values_(field_count) {}

  std::optional<Witness> run() {
    if (set_ == Booleans::none || diagrams_.exhausted()) return std::nullopt;
    prefer_sane_source();
    number(Field::family, {});
    number(Field::state, {});
    const bool v4 = values_[at(Field::family)] == 0;
    static constexpr Values protocols[] = {one(6), one(17), one(1), one(58)};
    number(Field::protocol, protocols);
    const Protocol protocol{static_cast<std::uint8_t>(values_[at(Field::protocol)])};
    static constexpr Values known_ports[] = {one(22),   one(443),  one(80),   one(53),
                                             one(25),   one(3389), one(445),  one(5432),
                                             one(3306), one(8080), {1, 65535}};
    static constexpr Values dynamic_ports[] = {one(40000), {49152, 65535}, {1024, 65535}};
    static constexpr Values echo4[] = {one(0x0800)};
    static constexpr Values echo6[] = {one(0x8000)};
    number(Field::destination_port, known_ports);
    number(Field::source_port, dynamic_ports);
    number(Field::icmp, v4 ? echo4 : echo6);
    addresses(v4);
    // Packets that others sent have no owner here, and one without it is the plainer packet.
    static constexpr Values owners[] = {one(no_owner), one(1000), {1000, 65533}};
    number(Field::user, owners);
    number(Field::group, owners);
    static constexpr Values profiles[] = {one(static_cast<u128>(ir::Profile::public_))};
    number(Field::profile, profiles);
    Witness witness;
    witness.packet.in = name(Field::in);
    witness.packet.out = name(Field::out);
    witness.packet.program = name(Field::program);
    witness.packet.windows_service = name(Field::windows_service);
    predicates(witness);
    if (diagrams_.exhausted() || set_ != Booleans::all) return std::nullopt;
    fill(witness.packet, v4, protocol);
    witness.ranks = ranks_;
    return witness;
  }

 private:
  static constexpr std::size_t at(Field field) { return static_cast<std::size_t>(field); }

  void prefer_sane_source() {
    const Edge by_family[] = {{0, any_of(Field::source4, sane_source4)},
                              {1, any_of(Field::source6, sane_source6)}};
    take_if_possible(booleans_.both(set_, diagrams_.make(space_.level(Field::family), by_family)));
    // An interface that is not the loopback one comes with it: both say "from outside".
    const auto& names = space_.names(Field::in);
    for (const auto field : {Field::in, Field::out})
      for (Rank rank = 0; rank < names.size(); ++rank)
        if (names[rank].kind == Space::Name::Kind::exact && names[rank].text == "lo")
          take_if_possible(booleans_.without(set_, literal(space_.level(field), rank, rank)));
  }

  void take_if_possible(Node narrower) {
    if (narrower != Booleans::none && !diagrams_.exhausted()) set_ = narrower;
  }

  // The ranks that hold one of the values.
  [[nodiscard]] Node any_of(Field field, std::span<const Values> values) {
    auto any = Booleans::none;
    for (const auto& [first, last] : values)
      any = booleans_.either(
          any, literal(space_.level(field), rank_of(field, first), rank_of(field, last)));
    return any;
  }

  [[nodiscard]] Node literal(std::uint32_t level, Rank first, Rank last) {
    std::array<Edge, 3> edges{};
    std::size_t count = 0;
    const auto end = space_.last_rank(level);
    if (first > 0) edges[count++] = {first - 1, Booleans::none};
    edges[count++] = {last, Booleans::all};
    if (last < end) edges[count++] = {end, Booleans::none};
    return diagrams_.make(level, std::span(edges).first(count));
  }

  [[nodiscard]] Rank rank_of(Field field, u128 value) const {
    Rank low = 0;
    Rank high = space_.last_rank(space_.level(field));
    while (low < high) {
      const Rank middle = low + (high - low + 1) / 2;
      if (space_.values(field, middle).first <= value)
        low = middle;
      else
        high = middle - 1;
    }
    return low;
  }

  void settle(std::uint32_t level, Rank rank) {
    ranks_[level] = rank;
    set_ = booleans_.both(set_, literal(level, rank, rank));
    // What is left looks at the level no more.
    set_ = diagrams_.combine(diagrams_.new_operation(), set_, set_,
                             [&](Node node, Node) -> std::optional<Node> {
                               if (Diagrams::is_leaf(node) || diagrams_.level(node) > level)
                                 return node;
                               if (diagrams_.level(node) < level) return std::nullopt;
                               return diagrams_.child(node, rank);
                             });
  }

  // The first wanted value that is possible, else the lowest.
  void number(Field field, std::span<const Values> wanted) {
    const auto level = space_.level(field);
    const Feasible feasible(diagrams_, space_, set_, level);
    const auto choose = [&](Rank rank, u128 value) {
      values_[at(field)] = value;
      settle(level, rank);
    };
    for (const auto& [first, last] : wanted) {
      const auto end = rank_of(field, last);
      for (Rank rank = rank_of(field, first); rank <= end; ++rank)
        if (feasible[rank]) {
          const auto [low, high] = space_.values(field, rank);
          return choose(rank, host_like(field, std::max(low, first), std::min(high, last)));
        }
    }
    for (Rank rank = 0; rank < feasible.size(); ++rank)
      if (feasible[rank]) {
        const auto [low, high] = space_.values(field, rank);
        return choose(rank, host_like(field, low, high));
      }
  }

  static u128 host_like(Field field, u128 low, u128 high) {
    const bool address = field == Field::source4 || field == Field::source6 ||
                         field == Field::destination4 || field == Field::destination6;
    if (!address || low == high) return low;
    if (low % 16 == 0 && high - low >= 15) return low + host_in_prefix;
    return low % 2 == 0 ? low + 1 : low;
  }

  void addresses(bool is_v4) {
    const auto list = [&](u128 first) {
      std::vector<Values> wanted{one(first)};
      if (is_v4)
        wanted.insert(wanted.end(), std::begin(unicast4), std::end(unicast4));
      else
        wanted.insert(wanted.end(), std::begin(unicast6), std::end(unicast6));
      return wanted;
    };
    const bool outbound = hook_ == ir::Hook::outbound;
    const auto own = is_v4 ? own4 : own6;
    const auto other = is_v4 ? other4 : other6;
    number(is_v4 ? Field::source4 : Field::source6, list(outbound ? own : other));
    number(is_v4 ? Field::destination4 : Field::destination6, list(outbound ? other : own));
    // The other family's fields are never looked at; their ranks are 0, as Space::ranks has it.
  }

  // The rank that a name belongs to.
  [[nodiscard]] Rank name_rank(Field field, const std::string& name) const {
    const auto& names = space_.names(field);
    auto best = static_cast<Rank>(names.size() - 1);
    std::size_t longest = 0;
    for (Rank rank = 0; rank + 1 < names.size(); ++rank) {
      if (names[rank].kind == Space::Name::Kind::exact && names[rank].text == name) return rank;
      if (names[rank].kind == Space::Name::Kind::wildcard && name.starts_with(names[rank].text) &&
          names[rank].text.size() >= longest) {
        longest = names[rank].text.size();
        best = rank;
      }
    }
    return best;
  }

  // A name of a region: of its wildcard, or one that nothing mentions.
  [[nodiscard]] std::string some_name(Field field, Rank rank) const {
    const auto& names = space_.names(field);
    std::vector<std::string> prefixes{"eth", "other"};
    for (char c = 'a'; c <= 'z'; ++c) prefixes.emplace_back(1, c);
    if (names[rank].kind == Space::Name::Kind::wildcard) {
      prefixes = {names[rank].text};
      // Where wildcards take every digit: "eth*" beside "eth0*" to "eth9*".
      for (char c = 'a'; c <= 'z'; ++c) prefixes.push_back(names[rank].text + c);
    }
    for (const auto& prefix : prefixes)
      for (std::size_t n = 0; n <= names.size(); ++n)  // so many can be taken, and no more
        if (auto text = prefix + std::to_string(n); name_rank(field, text) == rank) return text;
    return names[rank].text;
  }

  std::string name(Field field) {
    const auto level = space_.level(field);
    const bool interface = field == Field::in || field == Field::out;
    const bool absent = (field == Field::in && hook_ == ir::Hook::outbound) ||
                        (field == Field::out && hook_ == ir::Hook::inbound);
    const Feasible feasible(diagrams_, space_, set_, level);
    const auto settled = [&](Rank rank, std::string text) {
      settle(level, rank);
      return text;
    };
    // Not to be had on this hook, or nobody's program: without a name where that is possible.
    if (absent || !interface)
      if (const auto rank = name_rank(field, ""); feasible[rank]) return settled(rank, "");
    if (interface)
      for (const auto* usual : {"eth0", "eth1"})
        if (const auto rank = name_rank(field, usual); feasible[rank]) return settled(rank, usual);
    const auto& names = space_.names(field);
    for (const bool loopback : {false, true})
      for (Rank rank = 0; rank < names.size(); ++rank) {
        if (!feasible[rank] || (names[rank].text == "lo") != loopback) continue;
        if (names[rank].kind == Space::Name::Kind::exact) return settled(rank, names[rank].text);
        return settled(rank, some_name(field, rank));
      }
    return {};
  }

  void predicates(Witness& witness) {
    for (std::uint32_t i = 0; i < space_.predicate_count(); ++i) {
      const auto level = static_cast<std::uint32_t>(field_count + i);
      const Feasible feasible(diagrams_, space_, set_, level);
      const bool holds = feasible[1];
      settle(level, holds ? 1 : 0);
      if (holds) witness.holding.push_back(space_.predicate(level));
    }
  }

  void fill(ir::Packet& packet, bool is_v4, Protocol protocol) const {
    packet.hook = hook_;
    packet.state = static_cast<ir::ConntrackState>(values_[at(Field::state)]);
    packet.profile = static_cast<ir::Profile>(values_[at(Field::profile)]);
    packet.protocol = protocol;
    const auto address = [&](Field four, Field six) -> std::variant<Ipv4, Ipv6> {
      if (is_v4) return Ipv4{static_cast<std::uint32_t>(values_[at(four)])};
      return Ipv6{values_[at(six)]};
    };
    packet.source = address(Field::source4, Field::source6);
    packet.destination = address(Field::destination4, Field::destination6);
    if (has_ports(protocol)) {
      packet.source_port = Port{static_cast<std::uint16_t>(values_[at(Field::source_port)])};
      packet.destination_port =
          Port{static_cast<std::uint16_t>(values_[at(Field::destination_port)])};
    }
    packet.icmp = IcmpTypeCode{static_cast<std::uint16_t>(values_[at(Field::icmp)])};
    const auto owner = [&](Field field) -> std::optional<OwnerId> {
      if (values_[at(field)] == no_owner) return std::nullopt;
      return OwnerId{static_cast<std::uint32_t>(values_[at(field)])};
    };
    packet.user = owner(Field::user);
    packet.group = owner(Field::group);
  }

  Diagrams& diagrams_;
  Booleans booleans_;
  const Space& space_;
  ir::Hook hook_;
  Node set_;
  std::vector<std::uint32_t> ranks_;
  std::vector<u128> values_;
};

}  // namespace

ir::PredicateValue Witness::holds() const {
  return [this](const ir::Predicate& predicate) {
    return std::find(holding.begin(), holding.end(), predicate) != holding.end();
  };
}

std::optional<Witness> witness(Diagrams& diagrams, const Space& space, ir::Hook hook, Node set) {
  return Choice(diagrams, space, hook, set).run();
}

}  // namespace firewright::semantics
