#include "backends/nftables/read_text_selectors.h"

#include <algorithm>
#include <array>
#include <utility>

namespace firewright::nftables::script {
namespace {

enum class Needs : std::uint8_t {
  nothing,
  ipv4,
  ipv6,
  tcp,
  udp,
  udplite,
  sctp,
  dccp,
  icmp,
  icmpv6,
  igmp,
  esp,
  ah,
  comp,
};

struct Known {
  std::string_view first;
  std::string_view second;
  Field field;
  Datatype type;
  Needs needs;
};

using F = Field;
using T = Datatype;
using N = Needs;

// Sorted.
constexpr std::array known = std::to_array<Known>({
    {"ah", "hdrlength", F::opaque, T::opaque, N::ah},
    {"ah", "nexthdr", F::opaque, T::opaque, N::ah},
    {"ah", "reserved", F::opaque, T::opaque, N::ah},
    {"ah", "sequence", F::opaque, T::opaque, N::ah},
    {"ah", "spi", F::opaque, T::opaque, N::ah},
    {"comp", "cpi", F::opaque, T::opaque, N::comp},
    {"comp", "flags", F::opaque, T::opaque, N::comp},
    {"comp", "nexthdr", F::opaque, T::opaque, N::comp},
    {"ct", "avgpkt", F::opaque, T::opaque, N::nothing},
    {"ct", "bytes", F::opaque, T::opaque, N::nothing},
    {"ct", "direction", F::opaque, T::opaque, N::nothing},
    {"ct", "event", F::opaque, T::opaque, N::nothing},
    {"ct", "expiration", F::opaque, T::opaque, N::nothing},
    {"ct", "helper", F::opaque, T::opaque, N::nothing},
    {"ct", "id", F::opaque, T::opaque, N::nothing},
    {"ct", "l3proto", F::opaque, T::opaque, N::nothing},
    {"ct", "label", F::opaque, T::opaque, N::nothing},
    {"ct", "mark", F::opaque, T::opaque, N::nothing},
    {"ct", "packets", F::opaque, T::opaque, N::nothing},
    {"ct", "protocol", F::opaque, T::opaque, N::nothing},
    {"ct", "secmark", F::opaque, T::opaque, N::nothing},
    {"ct", "state", F::state, T::state, N::nothing},
    {"ct", "status", F::opaque, T::opaque, N::nothing},
    {"ct", "zone", F::opaque, T::opaque, N::nothing},
    {"dccp", "dport", F::destination_port, T::port, N::dccp},
    {"dccp", "sport", F::source_port, T::port, N::dccp},
    {"dccp", "type", F::opaque, T::opaque, N::dccp},
    {"dst", "hdrlength", F::opaque, T::opaque, N::ipv6},
    {"dst", "nexthdr", F::opaque, T::opaque, N::ipv6},
    {"esp", "sequence", F::opaque, T::opaque, N::esp},
    {"esp", "spi", F::opaque, T::opaque, N::esp},
    {"ether", "daddr", F::opaque, T::opaque, N::nothing},
    {"ether", "saddr", F::opaque, T::opaque, N::nothing},
    {"ether", "type", F::opaque, T::opaque, N::nothing},
    {"exthdr", "dst", F::opaque, T::opaque, N::ipv6},
    {"exthdr", "frag", F::opaque, T::opaque, N::ipv6},
    {"exthdr", "hbh", F::opaque, T::opaque, N::ipv6},
    {"exthdr", "mh", F::opaque, T::opaque, N::ipv6},
    {"exthdr", "rt", F::opaque, T::opaque, N::ipv6},
    {"frag", "frag-off", F::opaque, T::opaque, N::ipv6},
    {"frag", "id", F::opaque, T::opaque, N::ipv6},
    {"frag", "more-fragments", F::opaque, T::opaque, N::ipv6},
    {"frag", "nexthdr", F::opaque, T::opaque, N::ipv6},
    {"frag", "reserved", F::opaque, T::opaque, N::ipv6},
    {"hbh", "hdrlength", F::opaque, T::opaque, N::ipv6},
    {"hbh", "nexthdr", F::opaque, T::opaque, N::ipv6},
    {"icmp", "checksum", F::opaque, T::opaque, N::icmp},
    {"icmp", "code", F::icmp_code, T::icmp_code, N::icmp},
    {"icmp", "gateway", F::opaque, T::opaque, N::icmp},
    {"icmp", "id", F::opaque, T::opaque, N::icmp},
    {"icmp", "mtu", F::opaque, T::opaque, N::icmp},
    {"icmp", "sequence", F::opaque, T::opaque, N::icmp},
    {"icmp", "type", F::icmp_type, T::icmp_type, N::icmp},
    {"icmpv6", "checksum", F::opaque, T::opaque, N::icmpv6},
    {"icmpv6", "code", F::icmp_code, T::icmpv6_code, N::icmpv6},
    {"icmpv6", "id", F::opaque, T::opaque, N::icmpv6},
    {"icmpv6", "max-delay", F::opaque, T::opaque, N::icmpv6},
    {"icmpv6", "mtu", F::opaque, T::opaque, N::icmpv6},
    {"icmpv6", "packet-too-big", F::opaque, T::opaque, N::icmpv6},
    {"icmpv6", "parameter-problem", F::opaque, T::opaque, N::icmpv6},
    {"icmpv6", "sequence", F::opaque, T::opaque, N::icmpv6},
    {"icmpv6", "type", F::icmp_type, T::icmpv6_type, N::icmpv6},
    {"igmp", "checksum", F::opaque, T::opaque, N::igmp},
    {"igmp", "group", F::opaque, T::opaque, N::igmp},
    {"igmp", "mrt", F::opaque, T::opaque, N::igmp},
    {"igmp", "type", F::opaque, T::opaque, N::igmp},
    {"ip", "checksum", F::opaque, T::opaque, N::ipv4},
    {"ip", "daddr", F::destination, T::ipv4, N::ipv4},
    {"ip", "dscp", F::opaque, T::opaque, N::ipv4},
    {"ip", "ecn", F::opaque, T::opaque, N::ipv4},
    {"ip", "frag-off", F::opaque, T::opaque, N::ipv4},
    {"ip", "hdrlength", F::opaque, T::opaque, N::ipv4},
    {"ip", "id", F::opaque, T::opaque, N::ipv4},
    {"ip", "length", F::opaque, T::opaque, N::ipv4},
    {"ip", "protocol", F::ip_protocol, T::protocol, N::ipv4},
    {"ip", "saddr", F::source, T::ipv4, N::ipv4},
    {"ip", "ttl", F::opaque, T::opaque, N::ipv4},
    {"ip", "version", F::opaque, T::opaque, N::ipv4},
    {"ip6", "daddr", F::destination, T::ipv6, N::ipv6},
    {"ip6", "dscp", F::opaque, T::opaque, N::ipv6},
    {"ip6", "ecn", F::opaque, T::opaque, N::ipv6},
    {"ip6", "flowlabel", F::opaque, T::opaque, N::ipv6},
    {"ip6", "hoplimit", F::opaque, T::opaque, N::ipv6},
    {"ip6", "length", F::opaque, T::opaque, N::ipv6},
    {"ip6", "nexthdr", F::ip6_next_header, T::protocol, N::ipv6},
    {"ip6", "saddr", F::source, T::ipv6, N::ipv6},
    {"ip6", "version", F::opaque, T::opaque, N::ipv6},
    {"meta", "cgroup", F::opaque, T::opaque, N::nothing},
    {"meta", "cpu", F::opaque, T::opaque, N::nothing},
    {"meta", "day", F::opaque, T::opaque, N::nothing},
    {"meta", "hour", F::opaque, T::opaque, N::nothing},
    {"meta", "ibrname", F::opaque, T::opaque, N::nothing},
    {"meta", "iif", F::in, T::interface_index, N::nothing},
    {"meta", "iifgroup", F::opaque, T::opaque, N::nothing},
    {"meta", "iifkind", F::opaque, T::opaque, N::nothing},
    {"meta", "iifname", F::in, T::interface, N::nothing},
    {"meta", "iiftype", F::opaque, T::opaque, N::nothing},
    {"meta", "ipsec", F::opaque, T::opaque, N::nothing},
    {"meta", "l4proto", F::l4_protocol, T::protocol, N::nothing},
    {"meta", "length", F::opaque, T::opaque, N::nothing},
    {"meta", "mark", F::opaque, T::opaque, N::nothing},
    {"meta", "nfproto", F::nf_proto, T::nf_proto, N::nothing},
    {"meta", "obrname", F::opaque, T::opaque, N::nothing},
    {"meta", "oif", F::out, T::interface_index, N::nothing},
    {"meta", "oifgroup", F::opaque, T::opaque, N::nothing},
    {"meta", "oifkind", F::opaque, T::opaque, N::nothing},
    {"meta", "oifname", F::out, T::interface, N::nothing},
    {"meta", "oiftype", F::opaque, T::opaque, N::nothing},
    {"meta", "pkttype", F::opaque, T::opaque, N::nothing},
    {"meta", "priority", F::opaque, T::opaque, N::nothing},
    {"meta", "protocol", F::ether_type, T::ether_type, N::nothing},
    {"meta", "random", F::opaque, T::opaque, N::nothing},
    {"meta", "rtclassid", F::opaque, T::opaque, N::nothing},
    {"meta", "secmark", F::opaque, T::opaque, N::nothing},
    {"meta", "skgid", F::group, T::group, N::nothing},
    {"meta", "skuid", F::user, T::user, N::nothing},
    {"meta", "time", F::opaque, T::opaque, N::nothing},
    {"mh", "checksum", F::opaque, T::opaque, N::ipv6},
    {"mh", "hdrlength", F::opaque, T::opaque, N::ipv6},
    {"mh", "nexthdr", F::opaque, T::opaque, N::ipv6},
    {"mh", "type", F::opaque, T::opaque, N::ipv6},
    {"rt", "classid", F::opaque, T::opaque, N::nothing},
    {"rt", "hdrlength", F::opaque, T::opaque, N::ipv6},
    {"rt", "ipsec", F::opaque, T::opaque, N::nothing},
    {"rt", "mtu", F::opaque, T::opaque, N::nothing},
    {"rt", "nexthdr", F::opaque, T::opaque, N::ipv6},
    {"rt", "seg-left", F::opaque, T::opaque, N::ipv6},
    {"rt", "type", F::opaque, T::opaque, N::ipv6},
    {"sctp", "checksum", F::opaque, T::opaque, N::sctp},
    {"sctp", "dport", F::destination_port, T::port, N::sctp},
    {"sctp", "sport", F::source_port, T::port, N::sctp},
    {"sctp", "vtag", F::opaque, T::opaque, N::sctp},
    {"socket", "mark", F::opaque, T::opaque, N::nothing},
    {"socket", "transparent", F::opaque, T::opaque, N::nothing},
    {"socket", "wildcard", F::opaque, T::opaque, N::nothing},
    {"tcp", "ackseq", F::opaque, T::opaque, N::tcp},
    {"tcp", "checksum", F::opaque, T::opaque, N::tcp},
    {"tcp", "doff", F::opaque, T::opaque, N::tcp},
    {"tcp", "dport", F::destination_port, T::port, N::tcp},
    {"tcp", "flags", F::opaque, T::opaque, N::tcp},
    {"tcp", "reserved", F::opaque, T::opaque, N::tcp},
    {"tcp", "sequence", F::opaque, T::opaque, N::tcp},
    {"tcp", "sport", F::source_port, T::port, N::tcp},
    {"tcp", "urgptr", F::opaque, T::opaque, N::tcp},
    {"tcp", "window", F::opaque, T::opaque, N::tcp},
    {"th", "dport", F::destination_port, T::port, N::nothing},
    {"th", "sport", F::source_port, T::port, N::nothing},
    {"udp", "checksum", F::opaque, T::opaque, N::udp},
    {"udp", "dport", F::destination_port, T::port, N::udp},
    {"udp", "length", F::opaque, T::opaque, N::udp},
    {"udp", "sport", F::source_port, T::port, N::udp},
    {"udplite", "checksum", F::opaque, T::opaque, N::udplite},
    {"udplite", "csumcov", F::opaque, T::opaque, N::udplite},
    {"udplite", "dport", F::destination_port, T::port, N::udplite},
    {"udplite", "sport", F::source_port, T::port, N::udplite},
});

constexpr bool before(const Known& a, const Known& b) {
  return a.first != b.first ? a.first < b.first : a.second < b.second;
}
static_assert(std::is_sorted(known.begin(), known.end(), before));

// Those of meta that nft takes without the word.
constexpr std::array alone = std::to_array<std::string_view>(
    {"iif",       "iifname", "oif",      "oifname",  "mark",    "skuid", "skgid",
     "iiftype",   "oiftype", "iifgroup", "oifgroup", "pkttype", "cpu",   "cgroup",
     "rtclassid", "ibrname", "obrname",  "time",     "day",     "hour"});

// First words of longer or other selectors, all opaque.
constexpr std::array others =
    std::to_array<std::string_view>({"fib", "numgen", "jhash", "symhash", "osf", "ipsec"});

const Known* find(std::string_view first, std::string_view second) {
  const Known wanted{first, second, F::opaque, T::opaque, N::nothing};
  const auto* place = std::lower_bound(known.begin(), known.end(), wanted, before);
  if (place == known.end() || place->first != first || place->second != second) return nullptr;
  return place;
}

bool is_header(std::string_view word) {
  const auto* place =
      std::lower_bound(known.begin(), known.end(), word,
                       [](const Known& k, std::string_view w) { return k.first < w; });
  return place != known.end() && place->first == word;
}

void set_needs(Selector& selector, Needs needs) {
  switch (needs) {
    case Needs::nothing: return;
    case Needs::ipv4: selector.family = Family::ipv4; return;
    case Needs::ipv6: selector.family = Family::ipv6; return;
    case Needs::tcp: selector.protocol = protocol::tcp; return;
    case Needs::udp: selector.protocol = protocol::udp; return;
    case Needs::udplite: selector.protocol = protocol::udplite; return;
    case Needs::sctp: selector.protocol = protocol::sctp; return;
    case Needs::dccp: selector.protocol = protocol::dccp; return;
    case Needs::icmp: selector.protocol = protocol::icmp; return;
    case Needs::icmpv6: selector.protocol = protocol::icmpv6; return;
    case Needs::igmp: selector.protocol = protocol::igmp; return;
    case Needs::esp: selector.protocol = protocol::esp; return;
    case Needs::ah: selector.protocol = protocol::ah; return;
    case Needs::comp: selector.protocol = Protocol{108}; return;
  }
}

// How many words the selectors take that are longer than two.
std::uint32_t long_selector(const Cursor& cursor) {
  const auto first = cursor.word();
  const auto second = cursor.word(1);
  if (first == "ct" && (second == "original" || second == "reply")) {
    const auto third = cursor.word(2);
    return third == "ip" || third == "ip6" ? 4 : 3;
  }
  // `ip option rr ptr`, `tcp option maxseg size`, `sctp chunk data type`: a field or `exists`
  // behind.
  if ((second == "option" && (first == "ip" || first == "tcp")) ||
      (second == "chunk" && first == "sctp")) {
    const bool ends =
        cursor.word(3).empty() || cursor.word(3) == "exists" || cursor.word(3) == "missing";
    return ends ? 3 : 4;
  }
  if (first == "rt" && second == "nexthop") return 2;
  if (first == "rt" && (second == "ip" || second == "ip6")) return 3;
  if (first == "socket" && second == "cgroupv2") return 4;
  if (first == "osf") return second == "ttl" ? 4 : 2;
  if (first == "numgen") return cursor.word(4) == "offset" ? 6 : 4;
  if (first == "ipsec") {
    const std::uint32_t at = cursor.word(2) == "spnum" ? 4 : 2;
    return cursor.word(at) == "ip" || cursor.word(at) == "ip6" ? at + 2 : at + 1;
  }
  if (first == "fib") {
    std::uint32_t count = 2;
    while (cursor.kind(count) == TokenKind::dot) count += 2;
    return count + 1;
  }
  return 0;
}

Selector opaque(Cursor& cursor, std::uint32_t words) {
  Selector selector;
  const auto first = cursor.position();
  const auto word = cursor.word();
  selector.changes = word == "numgen";
  if (word == "tcp") selector.protocol = protocol::tcp;
  if (word == "ip") selector.family = Family::ipv4;
  cursor.advance(words);
  selector.text = cursor.text({first, cursor.position()});
  return selector;
}

}  // namespace

bool is_selector(const Cursor& cursor) {
  const auto word = cursor.word();
  if (word.empty()) return cursor.kind() == TokenKind::at;
  return is_header(word) || std::find(alone.begin(), alone.end(), word) != alone.end() ||
         std::find(others.begin(), others.end(), word) != others.end();
}

std::optional<Selector> read_selector(Cursor& cursor) {
  if (cursor.kind() == TokenKind::at) {  // @th,16,16: bits of the packet
    const bool whole = !cursor.word(1).empty() && cursor.kind(2) == TokenKind::comma &&
                       cursor.kind(3) == TokenKind::number && cursor.kind(4) == TokenKind::comma &&
                       cursor.kind(5) == TokenKind::number;
    if (!whole) {
      cursor.expected("a match; bits of a packet are @HEADER,OFFSET,LENGTH");
      return std::nullopt;
    }
    return opaque(cursor, 6);
  }
  auto first = cursor.word();
  auto second = cursor.word(1);
  std::uint32_t words = 2;
  const auto* entry = find(first, second);
  if (entry == nullptr) {
    if (const auto more = long_selector(cursor); more != 0) return opaque(cursor, more);
    if (std::find(alone.begin(), alone.end(), first) != alone.end()) {
      second = first;
      first = "meta";
      words = 1;
      entry = find(first, second);
    }
  }
  if (entry == nullptr) {
    if (is_header(first)) cursor.advance();
    cursor.unknown();
    return std::nullopt;
  }
  cursor.advance(words);
  Selector selector{.field = entry->field,
                    .type = entry->type,
                    .family = {},
                    .protocol = {},
                    .changes = second == "random",
                    .text = std::string(first) + " " + std::string(second)};
  set_needs(selector, entry->needs);
  return selector;
}

Datatype datatype(std::string_view name) {
  struct Named {
    std::string_view name;
    Datatype type;
  };
  static constexpr std::array types = std::to_array<Named>({{"ipv4_addr", T::ipv4},
                                                            {"ipv6_addr", T::ipv6},
                                                            {"inet_service", T::port},
                                                            {"inet_proto", T::protocol},
                                                            {"nf_proto", T::nf_proto},
                                                            {"nfproto", T::nf_proto},
                                                            {"ifname", T::interface},
                                                            {"iface_index", T::interface_index},
                                                            {"uid", T::user},
                                                            {"gid", T::group},
                                                            {"ct_state", T::state},
                                                            {"icmp_type", T::icmp_type},
                                                            {"icmp_code", T::icmp_code},
                                                            {"icmpv6_type", T::icmpv6_type},
                                                            {"icmpv6_code", T::icmpv6_code}});
  for (const auto& entry : types)
    if (entry.name == name) return entry.type;
  return Datatype::opaque;
}

}  // namespace firewright::nftables::script
