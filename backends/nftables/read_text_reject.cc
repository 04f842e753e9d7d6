#include "backends/nftables/read_text_reject.h"

#include <cstdint>

#include "backends/nftables/read_text_names.h"

namespace firewright::nftables::script {
namespace {

using enum ir::RejectKind;

// Codes of destination-unreachable: RFC 792, RFC 1812.
std::optional<ir::RejectKind> icmp_kind(std::uint64_t code) {
  switch (code) {
    case 0: return net_unreachable;
    case 1: return host_unreachable;
    case 2: return proto_unreachable;
    case 3: return port_unreachable;
    case 9: return net_prohibited;
    case 10: return host_prohibited;
    case 13: return admin_prohibited;
    default: return std::nullopt;
  }
}

// RFC 4443.
std::optional<ir::RejectKind> icmpv6_kind(std::uint64_t code) {
  switch (code) {
    case 0: return net_unreachable;
    case 1: return admin_prohibited;
    case 3: return host_unreachable;
    case 4: return port_unreachable;
    case 5: return policy_fail;
    case 6: return reject_route;
    default: return std::nullopt;
  }
}

// linux/netfilter/nf_tables.h: nft_reject_inet_code.
std::optional<ir::RejectKind> icmpx_kind(std::uint64_t code) {
  switch (code) {
    case 0: return net_unreachable;
    case 1: return port_unreachable;
    case 2: return host_unreachable;
    case 3: return admin_prohibited;
    default: return std::nullopt;
  }
}

using Kinds = std::optional<ir::RejectKind> (*)(std::uint64_t);
using Names = std::optional<std::uint32_t> (*)(std::string_view);

std::optional<ir::RejectKind> take_code(Cursor& cursor, Kinds kinds, Names names) {
  cursor.take_word("type");
  std::optional<ir::RejectKind> kind;
  if (cursor.kind() == TokenKind::number) {
    if (const auto number = parse_number(cursor.spelling())) kind = kinds(*number);
  } else if (const auto number = names(cursor.word())) {
    kind = kinds(*number);
  }
  if (!kind) {
    cursor.expected("an answer that reject knows");
    return std::nullopt;
  }
  cursor.advance();
  return kind;
}

}  // namespace

std::optional<ir::RejectKind> read_reject(Cursor& cursor, Matches& matches, TableFamily family) {
  const auto first = cursor.position();
  cursor.advance();
  if (!cursor.take_word("with")) return port_unreachable;
  if (cursor.take_word("tcp")) {
    if (!cursor.take_word("reset")) {
      cursor.expected("`reset`");
      return std::nullopt;
    }
    if (!matches.narrow_to(protocol::tcp, cursor.since(first))) return std::nullopt;
    return tcp_reset;
  }
  if (cursor.take_word("icmp")) {
    if (!matches.narrow_to(Family::ipv4, cursor.since(first))) return std::nullopt;
    return take_code(cursor, icmp_kind, icmp_code_number);
  }
  if (cursor.take_word("icmpv6")) {
    if (!matches.narrow_to(Family::ipv6, cursor.since(first))) return std::nullopt;
    return take_code(cursor, icmpv6_kind, icmpv6_code_number);
  }
  if (cursor.word() == "icmpx") {
    if (family != TableFamily::inet) {
      cursor.conflict("icmpx is for tables of both families", cursor.here());
      return std::nullopt;
    }
    cursor.advance();
    return take_code(cursor, icmpx_kind, icmpx_code_number);
  }
  cursor.expected("`tcp reset`, `icmp`, `icmpv6` or `icmpx`");
  return std::nullopt;
}

}  // namespace firewright::nftables::script
