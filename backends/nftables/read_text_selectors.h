// What a match of nft looks at: the words on its left-hand side.
//
// Interpreted: meta nfproto, l4proto, protocol, iif, iifname, oif, oifname, skuid, skgid; ct state;
// ip and ip6 saddr, daddr; ip protocol; ip6 nexthdr; sport and dport of tcp, udp, udplite, sctp,
// dccp and th; icmp and icmpv6 type, code. Everything else that a packet alone answers is opaque.
//
// `ip6 nexthdr` looks at the first header only and misses what stands behind extension headers. It
// is taken as the packet's protocol together with one opaque condition, that there are none.
//
// `iif` and `oif` hold numbers that nft looks up when it loads a script; they are taken as the
// names.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "backends/nftables/read_text_cursor.h"
#include "backends/nftables/read_text_values.h"
#include "compiler/net/types.h"

namespace firewright::nftables::script {

enum class Field : std::uint8_t {
  opaque,
  nf_proto,
  ether_type,
  l4_protocol,
  ip_protocol,
  ip6_next_header,
  in,
  out,
  source,
  destination,
  source_port,
  destination_port,
  icmp_type,
  icmp_code,
  user,
  group,
  state,
};

struct Selector {
  Field field = Field::opaque;
  Datatype type = Datatype::opaque;
  // What nft makes sure of before it looks: the packet's family and its protocol.
  std::optional<Family> family;
  std::optional<Protocol> protocol;
  u128 free = 0;         // the lowest bits, where a mask leaves them out
  bool changes = false;  // not the same in two places of a packet's way: random numbers
  std::string text;      // canonical
};

// Whether the word at the cursor begins a selector.
[[nodiscard]] bool is_selector(const Cursor& cursor);
// The selector at the cursor. No value: an error was reported.
[[nodiscard]] std::optional<Selector> read_selector(Cursor& cursor);

// The type that a set names: `ipv4_addr`.
[[nodiscard]] Datatype datatype(std::string_view name);

}  // namespace firewright::nftables::script
