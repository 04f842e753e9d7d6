#include "backends/nftables/read_text_names.h"

#include <array>
#include <cstddef>

namespace firewright::nftables::script {
namespace {

struct Named {
  std::string_view name;
  std::uint32_t number;
};

template <std::size_t N>
std::optional<std::uint32_t> find(const std::array<Named, N>& table, std::string_view name) {
  for (const auto& entry : table)
    if (entry.name == name) return entry.number;
  return std::nullopt;
}

constexpr std::array protocols =
    std::to_array<Named>({{"tcp", 6},          {"udp", 17},        {"icmp", 1},
                          {"icmpv6", 58},      {"ipv6-icmp", 58},  {"sctp", 132},
                          {"dccp", 33},        {"udplite", 136},   {"esp", 50},
                          {"ah", 51},          {"gre", 47},        {"igmp", 2},
                          {"ospf", 89},        {"vrrp", 112},      {"pim", 103},
                          {"comp", 108},       {"ip", 0},          {"hopopt", 0},
                          {"ggp", 3},          {"ipencap", 4},     {"st", 5},
                          {"egp", 8},          {"igp", 9},         {"pup", 12},
                          {"hmp", 20},         {"xns-idp", 22},    {"rdp", 27},
                          {"iso-tp4", 29},     {"xtp", 36},        {"ddp", 37},
                          {"idpr-cmtp", 38},   {"ipv6", 41},       {"ipv6-route", 43},
                          {"ipv6-frag", 44},   {"idrp", 45},       {"rsvp", 46},
                          {"skip", 57},        {"ipv6-nonxt", 59}, {"ipv6-opts", 60},
                          {"rspf", 73},        {"vmtp", 81},       {"eigrp", 88},
                          {"ax.25", 93},       {"ipip", 94},       {"etherip", 97},
                          {"encap", 98},       {"ipcomp", 108},    {"l2tp", 115},
                          {"isis", 124},       {"fc", 133},        {"mobility-header", 135},
                          {"mpls-in-ip", 137}, {"manet", 138},     {"hip", 139},
                          {"shim6", 140},      {"wesp", 141},      {"rohc", 142},
                          {"ethernet", 143}});

constexpr std::array services = std::to_array<Named>(
    {{"ssh", 22},           {"http", 80},           {"https", 443},         {"domain", 53},
     {"smtp", 25},          {"submission", 587},    {"submissions", 465},   {"imap", 143},
     {"imap2", 143},        {"imaps", 993},         {"pop3", 110},          {"pop3s", 995},
     {"ntp", 123},          {"snmp", 161},          {"snmp-trap", 162},     {"bootps", 67},
     {"bootpc", 68},        {"dhcpv6-client", 546}, {"dhcpv6-server", 547}, {"mdns", 5353},
     {"ftp", 21},           {"ftp-data", 20},       {"telnet", 23},         {"tftp", 69},
     {"ldap", 389},         {"ldaps", 636},         {"kerberos", 88},       {"kerberos-sec", 88},
     {"microsoft-ds", 445}, {"netbios-ns", 137},    {"netbios-dgm", 138},   {"netbios-ssn", 139},
     {"syslog", 514},       {"syslog-tls", 6514},   {"mysql", 3306},        {"postgresql", 5432},
     {"redis", 6379},       {"nfs", 2049},          {"sunrpc", 111},        {"rsync", 873},
     {"sip", 5060},         {"sip-tls", 5061},      {"isakmp", 500},        {"ipsec-nat-t", 4500},
     {"openvpn", 1194},     {"radius", 1812},       {"radius-acct", 1813},  {"git", 9418},
     {"ipp", 631},          {"bgp", 179},           {"x11", 6000},          {"auth", 113},
     {"domain-s", 853},     {"ms-sql-s", 1433},     {"http-alt", 8080}});

constexpr std::array icmp_types = std::to_array<Named>({{"echo-reply", 0},
                                                        {"destination-unreachable", 3},
                                                        {"source-quench", 4},
                                                        {"redirect", 5},
                                                        {"echo-request", 8},
                                                        {"router-advertisement", 9},
                                                        {"router-solicitation", 10},
                                                        {"time-exceeded", 11},
                                                        {"parameter-problem", 12},
                                                        {"timestamp-request", 13},
                                                        {"timestamp-reply", 14},
                                                        {"info-request", 15},
                                                        {"info-reply", 16},
                                                        {"address-mask-request", 17},
                                                        {"address-mask-reply", 18}});

constexpr std::array icmp_codes = std::to_array<Named>({{"net-unreachable", 0},
                                                        {"host-unreachable", 1},
                                                        {"prot-unreachable", 2},
                                                        {"port-unreachable", 3},
                                                        {"frag-needed", 4},
                                                        {"net-prohibited", 9},
                                                        {"host-prohibited", 10},
                                                        {"admin-prohibited", 13}});

constexpr std::array icmpv6_types = std::to_array<Named>({{"destination-unreachable", 1},
                                                          {"packet-too-big", 2},
                                                          {"time-exceeded", 3},
                                                          {"parameter-problem", 4},
                                                          {"echo-request", 128},
                                                          {"echo-reply", 129},
                                                          {"mld-listener-query", 130},
                                                          {"mld-listener-report", 131},
                                                          {"mld-listener-done", 132},
                                                          {"mld-listener-reduction", 132},
                                                          {"nd-router-solicit", 133},
                                                          {"nd-router-advert", 134},
                                                          {"nd-neighbor-solicit", 135},
                                                          {"nd-neighbor-advert", 136},
                                                          {"nd-redirect", 137},
                                                          {"router-renumbering", 138},
                                                          {"ind-neighbor-solicit", 141},
                                                          {"ind-neighbor-advert", 142},
                                                          {"mld2-listener-report", 143}});

constexpr std::array icmpv6_codes = std::to_array<Named>({{"no-route", 0},
                                                          {"admin-prohibited", 1},
                                                          {"addr-unreachable", 3},
                                                          {"port-unreachable", 4},
                                                          {"policy-fail", 5},
                                                          {"reject-route", 6}});

constexpr std::array icmpx_codes = std::to_array<Named>(
    {{"no-route", 0}, {"port-unreachable", 1}, {"host-unreachable", 2}, {"admin-prohibited", 3}});

constexpr std::array nf_protos = std::to_array<Named>({{"ipv4", 2}, {"ipv6", 10}});

constexpr std::array ether_types =
    std::to_array<Named>({{"ip", 0x0800}, {"ip6", 0x86dd}, {"arp", 0x0806}, {"vlan", 0x8100}});

constexpr std::array states = std::to_array<Named>(
    {{"invalid", 1}, {"established", 2}, {"related", 4}, {"new", 8}, {"untracked", 64}});

}  // namespace

std::optional<std::uint32_t> protocol_number(std::string_view name) {
  return find(protocols, name);
}
std::optional<std::uint32_t> service_port(std::string_view name) { return find(services, name); }
std::optional<std::uint32_t> icmp_type_number(std::string_view name) {
  return find(icmp_types, name);
}
std::optional<std::uint32_t> icmp_code_number(std::string_view name) {
  return find(icmp_codes, name);
}
std::optional<std::uint32_t> icmpv6_type_number(std::string_view name) {
  return find(icmpv6_types, name);
}
std::optional<std::uint32_t> icmpv6_code_number(std::string_view name) {
  return find(icmpv6_codes, name);
}
std::optional<std::uint32_t> icmpx_code_number(std::string_view name) {
  return find(icmpx_codes, name);
}
std::optional<std::uint32_t> nf_proto_number(std::string_view name) {
  return find(nf_protos, name);
}
std::optional<std::uint32_t> ether_type_number(std::string_view name) {
  return find(ether_types, name);
}
std::optional<std::uint32_t> state_bit(std::string_view name) { return find(states, name); }

}  // namespace firewright::nftables::script
