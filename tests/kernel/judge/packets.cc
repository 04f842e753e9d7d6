#include "tests/kernel/judge/packets.h"

#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <span>

#include "compiler/semantics/meaning.h"
#include "compiler/semantics/witness.h"
#include "tests/kernel/harness/values.h"

namespace firewright::judge {
namespace {

using kernel::Random;
using semantics::Diagrams;
using semantics::Field;
using semantics::Node;

constexpr semantics::Budget budget{.nodes = 1'000'000, .time = std::chrono::seconds(10)};
constexpr std::size_t paths_per_hook = 24;
constexpr std::size_t most_leaves = 24;
constexpr std::size_t flows_per_hook = 8;
// Of each state that a packet was made for, as far as there are so many.
constexpr std::size_t least_of_a_state = 30;

class FromDiagram {
 public:
  FromDiagram(const ir::Program& program, std::uint64_t seed)
      : program_(program),
        programs_{&program},
        meanings_(programs_, semantics::FieldOrder::ports_first, budget),
        random_(seed),
        interfaces_(kernel::interfaces_of(program)) {}

  std::vector<ir::Packet> run() {
    for (const ir::Hook hook : {ir::Hook::inbound, ir::Hook::outbound, ir::Hook::forward}) {
      if (program_.find(hook) == nullptr) continue;
      const auto meaning = meanings_.meaning(program_, hook);
      if (!meaning) return {};  // beyond the budget: there are the others
      for (const auto leaf : leaves_of(*meaning)) witness_of(hook, *meaning, leaf);
      for (std::size_t i = 0; i < paths_per_hook; ++i) random_path(hook, *meaning);
    }
    return std::move(packets_);
  }

 private:
  std::set<std::uint32_t> leaves_of(Node root) {
    std::set<std::uint32_t> leaves;
    std::set<Node> known;
    std::vector<Node> left{root};
    while (!left.empty() && leaves.size() < most_leaves) {
      const Node node = left.back();
      left.pop_back();
      if (Diagrams::is_leaf(node)) {
        leaves.insert(Diagrams::value(node));
      } else if (known.insert(node).second) {
        for (const auto& edge : meanings_.diagrams().edges(node)) left.push_back(edge.child);
      }
    }
    return leaves;
  }

  void witness_of(ir::Hook hook, Node meaning, std::uint32_t leaf) {
    auto& diagrams = meanings_.diagrams();
    const Node set = diagrams.map(diagrams.new_operation(), meaning, [leaf](std::uint32_t value) {
      return Diagrams::leaf(value == leaf ? 1 : 0);
    });
    if (const auto found = semantics::witness(diagrams, meanings_.space(), hook, set))
      keep(found->packet);
  }

  // Down the diagram by random edges; a field that is not looked at has any of its ranks.
  void random_path(ir::Hook hook, Node node) {
    const auto& space = meanings_.space();
    std::vector<std::uint32_t> ranks(semantics::field_count + space.predicate_count());
    for (std::uint32_t level = 0; level < ranks.size(); ++level) {
      std::uint32_t first = 0;
      std::uint32_t last = space.last_rank(level);
      if (meanings_.diagrams().level(node) == level) {
        const auto edges = meanings_.diagrams().edges(node);
        const auto which = random_.below(edges.size());
        if (which > 0) first = edges[which - 1].last + 1;
        last = edges[which].last;
        node = edges[which].child;
      }
      ranks[level] =
          first + static_cast<std::uint32_t>(random_.below(std::uint64_t{last} - first + 1));
    }
    ir::Packet packet = space.packet(hook, ranks);
    if (random_.one_in(2)) to_upper_end(packet, ranks);
    keep(packet);
  }

  // Space::packet takes the first value of each range.
  void to_upper_end(ir::Packet& packet, std::span<const std::uint32_t> ranks) {
    const auto last = [&](Field field) {
      const auto& space = meanings_.space();
      return space.values(field, ranks[space.level(field)]).second;
    };
    if (packet.family() == Family::ipv4) {
      packet.source = Ipv4{static_cast<std::uint32_t>(last(Field::source4))};
      packet.destination = Ipv4{static_cast<std::uint32_t>(last(Field::destination4))};
    } else {
      packet.source = Ipv6{last(Field::source6)};
      packet.destination = Ipv6{last(Field::destination6)};
    }
    if (has_ports(packet.protocol)) {
      packet.source_port = Port{static_cast<std::uint16_t>(last(Field::source_port))};
      packet.destination_port = Port{static_cast<std::uint16_t>(last(Field::destination_port))};
    }
    packet.icmp = IcmpTypeCode{static_cast<std::uint16_t>(last(Field::icmp))};
  }

  void keep(ir::Packet packet) {
    if (packet.hook != ir::Hook::outbound) packet.in = same_for_all_rules(packet.in);
    if (packet.hook != ir::Hook::inbound) packet.out = same_for_all_rules(packet.out);
    // Nothing is forwarded over it.
    if (packet.hook == ir::Hook::forward && (packet.in == "lo" || packet.out == "lo")) return;
    const bool outbound = packet.hook == ir::Hook::outbound;
    packet.user = outbound ? std::optional(packet.user.value_or(OwnerId{0})) : std::nullopt;
    packet.group = outbound ? std::optional(packet.group.value_or(OwnerId{0})) : std::nullopt;
    packet.program.clear();
    packet.windows_service.clear();
    packets_.push_back(std::move(packet));
  }

  // An interface that exists here and that no pattern tells from `name`.
  std::string same_for_all_rules(const std::string& name) {
    if (std::ranges::find(interfaces_, name) != interfaces_.end()) return name;
    std::vector<std::string> same;
    for (const auto& candidate : interfaces_)
      if (candidate != "lo" && signature(candidate) == signature(name)) same.push_back(candidate);
    return same.empty() ? name : random_.of(same);
  }

  std::vector<bool> signature(const std::string& interface) {
    std::vector<bool> matched;
    for (const auto& chain : program_.chains)
      for (const auto& rule : chain.rules)
        for (const auto* set : {&rule.match.in, &rule.match.out})
          if (!set->is_any()) matched.push_back(set->contains(interface));
    return matched;
  }

  const ir::Program& program_;
  std::array<const ir::Program*, 1> programs_;
  semantics::Meanings meanings_;
  Random random_;
  std::vector<std::string> interfaces_;
  std::vector<ir::Packet> packets_;
};

// The first `sure` ones, then some of each state, then any.
std::vector<kernel::TestPacket> drawn(std::vector<kernel::TestPacket> packets, std::size_t sure,
                                      std::size_t most, Random& random) {
  if (packets.size() <= most) return packets;
  for (std::size_t i = packets.size() - 1; i > sure; --i)
    std::swap(packets[i], packets[sure + random.below(i - sure + 1)]);
  std::array<std::size_t, ir::StateSet::count> of_state{};
  std::stable_partition(packets.begin() + static_cast<std::ptrdiff_t>(sure), packets.end(),
                        [&](const kernel::TestPacket& packet) {
                          return of_state[static_cast<unsigned>(packet.packet.state)]++ <
                                 least_of_a_state;
                        });
  packets.resize(most);
  return packets;
}

}  // namespace

kernel::Choice packets_for(const ir::Program& program, const PacketOptions& options) {
  kernel::ChoiceOptions wanted{
      .seed = options.seed, .at_least = 2 * options.most, .flows_per_hook = flows_per_hook};
  wanted.besides = FromDiagram(program, options.seed).run();
  auto choice = kernel::choose(program, wanted);
  Random random(options.seed);
  choice.packets = drawn(std::move(choice.packets),
                         std::min(wanted.besides.size(), options.most / 2), options.most, random);
  return choice;
}

}  // namespace firewright::judge
