#include "compiler/analysis/example_packet.h"

#include <algorithm>

namespace firewright::analysis {
namespace {

using semantics::Field;
using semantics::Space;

// Addresses of RFC 5737 and RFC 3849; the host's own and somebody else's.
constexpr Ipv4 own4{0xC000020A};
constexpr Ipv4 other4{0xCB007109};
constexpr u128 documentation6 = u128{0x20010db8} << 96U;
constexpr Ipv6 own6{documentation6 + 0x10};
constexpr Ipv6 other6{documentation6 + (u128{9} << 64U) + 9};
constexpr u128 first_unicast4 = 0x01000000;
constexpr u128 host_in_prefix = 9;

ir::Packet plain_packet(ir::Hook hook, bool v4) {
  ir::Packet packet;
  packet.hook = hook;
  if (hook != ir::Hook::outbound) packet.in = "eth0";
  if (hook != ir::Hook::inbound) packet.out = hook == ir::Hook::forward ? "eth1" : "eth0";
  packet.source_port = Port{40000};
  packet.destination_port = Port{443};
  const bool sends = hook == ir::Hook::outbound;
  if (v4) {
    packet.source = sends ? own4 : other4;
    packet.destination = sends ? other4 : own4;
  } else {
    packet.source = sends ? own6 : other6;
    packet.destination = sends ? other6 : own6;
  }
  packet.icmp = IcmpTypeCode{v4 ? std::uint16_t{0x0800} : std::uint16_t{0x8000}};
  return packet;
}

u128 number_of(const std::variant<Ipv4, Ipv6>& address) {
  return std::visit([](auto value) { return u128{value.value}; }, address);
}

// `wanted` where it lies in the interval, else something in it that looks like a host's address.
u128 address_in(u128 wanted, u128 low, u128 high) {
  if (wanted >= low && wanted <= high) return wanted;
  if (low < first_unicast4 && high >= first_unicast4 + host_in_prefix) low = first_unicast4;
  return high - low >= host_in_prefix ? low + host_in_prefix : low;
}

}  // namespace

ExamplePackets::ExamplePackets(const Space& space, ir::Hook hook) : space_(space), hook_(hook) {
  const auto nothing_holds = [](const ir::Predicate&) { return false; };
  plain_ = space.ranks(plain_packet(hook, true), nothing_holds);
  const auto v6 = space.ranks(plain_packet(hook, false), nothing_holds);
  for (const auto field : {Field::source6, Field::destination6})
    plain_[space.level(field)] = v6[space.level(field)];
}

std::string ExamplePackets::interface(Field field, std::uint32_t rank,
                                      const std::string& otherwise) const {
  const auto& names = space_.names(field);
  if (names[rank].kind != Space::Name::Kind::other) return otherwise;
  const auto mentioned = [&](const std::string& text) {
    return std::any_of(names.begin(), names.end(), [&](const Space::Name& name) {
      return name.kind == Space::Name::Kind::exact
                 ? name.text == text
                 : name.kind == Space::Name::Kind::wildcard && text.starts_with(name.text);
    });
  };
  for (const auto* usual : {"eth0", "eth1", "eth2"})
    if (!mentioned(usual)) return usual;
  return otherwise;
}

Example ExamplePackets::in_box(std::span<const Side> box) const {
  auto ranks = plain_;
  for (const auto& side : box)
    ranks[side.level] = std::clamp(ranks[side.level], side.first, side.last);
  Example example;
  for (std::size_t i = 0; i < space_.predicate_count(); ++i) {
    const auto level = static_cast<std::uint32_t>(semantics::field_count + i);
    if (ranks[level] != 0) example.holding.push_back(space_.predicate(level));
  }
  auto& packet = example.packet;
  packet = space_.packet(hook_, ranks);
  const auto rank = [&](Field field) { return ranks[space_.level(field)]; };
  if (!packet.in.empty()) packet.in = interface(Field::in, rank(Field::in), packet.in);
  if (!packet.out.empty()) packet.out = interface(Field::out, rank(Field::out), packet.out);
  const auto is_other = [&](Field field) {
    return space_.names(field)[rank(field)].kind == Space::Name::Kind::other;
  };
  if (is_other(Field::program)) packet.program.clear();
  if (is_other(Field::windows_service)) packet.windows_service.clear();

  const bool v4 = packet.family() == Family::ipv4;
  const auto plain = plain_packet(hook_, v4);
  const auto address = [&](Field field, const std::variant<Ipv4, Ipv6>& wanted) {
    const auto [low, high] = space_.values(field, rank(field));
    return address_in(number_of(wanted), low, high);
  };
  const auto source = address(v4 ? Field::source4 : Field::source6, plain.source);
  const auto destination =
      address(v4 ? Field::destination4 : Field::destination6, plain.destination);
  if (v4) {
    packet.source = Ipv4{static_cast<std::uint32_t>(source)};
    packet.destination = Ipv4{static_cast<std::uint32_t>(destination)};
  } else {
    packet.source = Ipv6{source};
    packet.destination = Ipv6{destination};
  }
  const auto port = [&](Field field, Port wanted) {
    const auto [low, high] = space_.values(field, rank(field));
    const auto value = std::clamp<u128>(wanted.value, low, high);
    return Port{static_cast<std::uint16_t>(value == 0 && high > 0 ? 1 : value)};
  };
  if (has_ports(packet.protocol)) {
    packet.source_port = port(Field::source_port, plain.source_port);
    packet.destination_port = port(Field::destination_port, plain.destination_port);
  }
  return example;
}

}  // namespace firewright::analysis
