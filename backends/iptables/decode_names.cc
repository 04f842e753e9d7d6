#include "backends/iptables/decode_names.h"

#include <algorithm>
#include <charconv>
#include <span>
#include <string>

namespace firewright::iptables::decoder {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

struct Named {
  std::string_view name;
  std::uint16_t value;
};

// netbase's /etc/protocols, and xtables_chain_protos of libxtables.
constexpr Named protocols[] = {
    {"tcp", 6},        {"udp", 17},         {"icmp", 1},
    {"ipv6-icmp", 58}, {"icmpv6", 58},      {"all", 0},
    {"ip", 0},         {"hopopt", 0},       {"igmp", 2},
    {"ggp", 3},        {"ipencap", 4},      {"ip-encap", 4},
    {"st", 5},         {"egp", 8},          {"igp", 9},
    {"pup", 12},       {"hmp", 20},         {"xns-idp", 22},
    {"rdp", 27},       {"iso-tp4", 29},     {"dccp", 33},
    {"xtp", 36},       {"ddp", 37},         {"idpr-cmtp", 38},
    {"ipv6", 41},      {"ipv6-route", 43},  {"ipv6-frag", 44},
    {"idrp", 45},      {"rsvp", 46},        {"gre", 47},
    {"esp", 50},       {"ipsec-esp", 50},   {"ah", 51},
    {"ipsec-ah", 51},  {"skip", 57},        {"ipv6-nonxt", 59},
    {"ipv6-opts", 60}, {"rspf", 73},        {"vmtp", 81},
    {"eigrp", 88},     {"ospf", 89},        {"ospfigp", 89},
    {"ax.25", 93},     {"ipip", 94},  // not 4, which is ipencap
    {"etherip", 97},   {"encap", 98},       {"pim", 103},
    {"ipcomp", 108},   {"vrrp", 112},       {"l2tp", 115},
    {"isis", 124},     {"sctp", 132},       {"fc", 133},
    {"ipv6-mh", 135},  {"mh", 135},         {"mobility-header", 135},
    {"udplite", 136},  {"mpls-in-ip", 137}, {"manet", 138},
    {"hip", 139},      {"shim6", 140},      {"wesp", 141},
    {"rohc", 142},     {"ethernet", 143},
};

constexpr Named services[] = {
    {"ssh", 22},           {"http", 80},     {"www", 80},          {"https", 443},
    {"domain", 53},        {"smtp", 25},     {"ntp", 123},         {"ftp", 21},
    {"ftp-data", 20},      {"telnet", 23},   {"pop3", 110},        {"pop3s", 995},
    {"imap", 143},         {"imap2", 143},   {"imaps", 993},       {"snmp", 161},
    {"ldap", 389},         {"ldaps", 636},   {"submission", 587},  {"syslog", 514},
    {"bootps", 67},        {"bootpc", 68},   {"tftp", 69},         {"sunrpc", 111},
    {"nfs", 2049},         {"mysql", 3306},  {"isakmp", 500},      {"postgresql", 5432},
    {"netbios-ns", 137},   {"kerberos", 88}, {"netbios-dgm", 138}, {"netbios-ssn", 139},
    {"microsoft-ds", 445}, {"ident", 113},   {"auth", 113},
};

struct IcmpNamed {
  std::string_view name;
  std::uint8_t type;
  std::int16_t code;  // -1: all
};

constexpr IcmpNamed icmp4[] = {
    {"echo-reply", 0, -1},
    {"pong", 0, -1},
    {"destination-unreachable", 3, -1},
    {"network-unreachable", 3, 0},
    {"host-unreachable", 3, 1},
    {"protocol-unreachable", 3, 2},
    {"port-unreachable", 3, 3},
    {"fragmentation-needed", 3, 4},
    {"source-route-failed", 3, 5},
    {"network-unknown", 3, 6},
    {"host-unknown", 3, 7},
    {"network-prohibited", 3, 9},
    {"host-prohibited", 3, 10},
    {"tos-network-unreachable", 3, 11},
    {"tos-host-unreachable", 3, 12},
    {"communication-prohibited", 3, 13},
    {"host-precedence-violation", 3, 14},
    {"precedence-cutoff", 3, 15},
    {"source-quench", 4, -1},
    {"redirect", 5, -1},
    {"network-redirect", 5, 0},
    {"host-redirect", 5, 1},
    {"tos-network-redirect", 5, 2},
    {"tos-host-redirect", 5, 3},
    {"echo-request", 8, -1},
    {"ping", 8, -1},
    {"router-advertisement", 9, -1},
    {"router-solicitation", 10, -1},
    {"time-exceeded", 11, -1},
    {"ttl-exceeded", 11, -1},
    {"ttl-zero-during-transit", 11, 0},
    {"ttl-zero-during-reassembly", 11, 1},
    {"parameter-problem", 12, -1},
    {"ip-header-bad", 12, 0},
    {"required-option-missing", 12, 1},
    {"timestamp-request", 13, -1},
    {"timestamp-reply", 14, -1},
    {"address-mask-request", 17, -1},
    {"address-mask-reply", 18, -1},
};

constexpr IcmpNamed icmp6[] = {
    {"destination-unreachable", 1, -1},
    {"no-route", 1, 0},
    {"communication-prohibited", 1, 1},
    {"beyond-scope", 1, 2},
    {"address-unreachable", 1, 3},
    {"port-unreachable", 1, 4},
    {"failed-policy", 1, 5},
    {"reject-route", 1, 6},
    {"packet-too-big", 2, -1},
    {"time-exceeded", 3, -1},
    {"ttl-exceeded", 3, -1},
    {"ttl-zero-during-transit", 3, 0},
    {"ttl-zero-during-reassembly", 3, 1},
    {"parameter-problem", 4, -1},
    {"bad-header", 4, 0},
    {"unknown-header-type", 4, 1},
    {"unknown-option", 4, 2},
    {"echo-request", 128, -1},
    {"ping", 128, -1},
    {"echo-reply", 129, -1},
    {"pong", 129, -1},
    {"router-solicitation", 133, -1},
    {"router-advertisement", 134, -1},
    {"neighbour-solicitation", 135, -1},
    {"neighbor-solicitation", 135, -1},
    {"neighbour-advertisement", 136, -1},
    {"neighbor-advertisement", 136, -1},
    {"redirect", 137, -1},
};

struct RejectNamed {
  std::string_view name;
  ir::RejectKind kind;
};

constexpr RejectNamed rejects4[] = {
    {"icmp-port-unreachable", ir::RejectKind::port_unreachable},
    {"port-unreach", ir::RejectKind::port_unreachable},
    {"tcp-reset", ir::RejectKind::tcp_reset},
    {"tcp-rst", ir::RejectKind::tcp_reset},
    {"icmp-net-unreachable", ir::RejectKind::net_unreachable},
    {"net-unreach", ir::RejectKind::net_unreachable},
    {"icmp-host-unreachable", ir::RejectKind::host_unreachable},
    {"host-unreach", ir::RejectKind::host_unreachable},
    {"icmp-proto-unreachable", ir::RejectKind::proto_unreachable},
    {"proto-unreach", ir::RejectKind::proto_unreachable},
    {"icmp-net-prohibited", ir::RejectKind::net_prohibited},
    {"net-prohib", ir::RejectKind::net_prohibited},
    {"icmp-host-prohibited", ir::RejectKind::host_prohibited},
    {"host-prohib", ir::RejectKind::host_prohibited},
    {"icmp-admin-prohibited", ir::RejectKind::admin_prohibited},
    {"admin-prohib", ir::RejectKind::admin_prohibited},
};

constexpr RejectNamed rejects6[] = {
    {"icmp6-port-unreachable", ir::RejectKind::port_unreachable},
    {"port-unreach", ir::RejectKind::port_unreachable},
    {"tcp-reset", ir::RejectKind::tcp_reset},
    {"icmp6-no-route", ir::RejectKind::net_unreachable},
    {"no-route", ir::RejectKind::net_unreachable},
    {"icmp6-adm-prohibited", ir::RejectKind::admin_prohibited},
    {"adm-prohibited", ir::RejectKind::admin_prohibited},
    {"icmp6-addr-unreachable", ir::RejectKind::host_unreachable},
    {"addr-unreach", ir::RejectKind::host_unreachable},
    {"icmp6-policy-fail", ir::RejectKind::policy_fail},
    {"policy-fail", ir::RejectKind::policy_fail},
    {"icmp6-reject-route", ir::RejectKind::reject_route},
    {"reject-route", ir::RejectKind::reject_route},
};

// syslog(3), as libxt_LOG names them.
constexpr Named log_levels[] = {
    {"emerg", 0},   {"panic", 0}, {"alert", 1},  {"crit", 2}, {"err", 3},   {"error", 3},
    {"warning", 4}, {"warn", 4},  {"notice", 5}, {"info", 6}, {"debug", 7},
};

template <class Entry>
const Entry* entry_of(std::span<const Entry> table, std::string_view name) {
  const auto found = std::find_if(table.begin(), table.end(),
                                  [&](const Entry& entry) { return same_name(entry.name, name); });
  return found == table.end() ? nullptr : &*found;
}

constexpr IcmpTypeCode joined(unsigned type, unsigned code) {
  return IcmpTypeCode{static_cast<std::uint16_t>(type << 8U | code)};
}

// The kernel takes IPv4's type 255 for any (icmp_type_code_match() of xt_tcpudp.c), whatever the
// code.
IcmpSet icmp_set(unsigned type, std::optional<unsigned> code, Family family) {
  if (type == 255 && family == Family::ipv4) return IcmpSet::all();
  return IcmpSet{{joined(type, code.value_or(0)), joined(type, code.value_or(255))}};
}

}  // namespace

std::optional<std::uint32_t> number(std::string_view text, std::uint32_t max) {
  if (text.empty() || (text.size() > 1 && text[0] == '0')) return std::nullopt;
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > max) return std::nullopt;
  return value;
}

bool same_name(std::string_view a, std::string_view b) {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return lower(x) == lower(y); });
}

std::optional<Protocol> protocol_of(std::string_view text) {
  if (const auto value = number(text, 255)) return Protocol{static_cast<std::uint8_t>(*value)};
  if (const auto* known = entry_of<Named>(protocols, text))
    return Protocol{static_cast<std::uint8_t>(known->value)};
  return std::nullopt;
}

std::optional<Port> port_of(std::string_view text) {
  if (const auto value = number(text, 65535)) return Port{static_cast<std::uint16_t>(*value)};
  if (const auto* known = entry_of<Named>(services, text)) return Port{known->value};
  return std::nullopt;
}

std::optional<IcmpSet> icmp_of(std::string_view text, Family family) {
  if (family == Family::ipv4 && same_name(text, "any")) return IcmpSet::all();
  const auto table = family == Family::ipv4 ? std::span<const IcmpNamed>(icmp4)
                                            : std::span<const IcmpNamed>(icmp6);
  if (const auto* known = entry_of(table, text)) {
    if (known->code < 0) return icmp_set(known->type, std::nullopt, family);
    return icmp_set(known->type, static_cast<unsigned>(known->code), family);
  }
  const auto slash = text.find('/');
  const auto type = number(text.substr(0, slash), 255);
  if (!type) return std::nullopt;
  if (slash == std::string_view::npos) return icmp_set(*type, std::nullopt, family);
  const auto code = number(text.substr(slash + 1), 255);
  if (!code) return std::nullopt;
  return icmp_set(*type, *code, family);
}

std::optional<ir::RejectKind> reject_of(std::string_view text, Family family) {
  const auto table = family == Family::ipv4 ? std::span<const RejectNamed>(rejects4)
                                            : std::span<const RejectNamed>(rejects6);
  if (const auto* known = entry_of(table, text)) return known->kind;
  return std::nullopt;
}

std::optional<std::uint8_t> log_level_of(std::string_view text) {
  if (const auto value = number(text, 7)) return static_cast<std::uint8_t>(*value);
  if (const auto* known = entry_of<Named>(log_levels, text))
    return static_cast<std::uint8_t>(known->value);
  return std::nullopt;
}

}  // namespace firewright::iptables::decoder
