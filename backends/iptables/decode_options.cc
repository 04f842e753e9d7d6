#include "backends/iptables/decode_options.h"

#include <algorithm>
#include <iterator>

namespace firewright::iptables::decoder {
namespace {

using Option = OptionSpec<MatchOption>;
using Options = std::span<const Option>;
using enum MatchOption;

constexpr OptionSpec<RuleOption> rule_options[] = {
    {"-p", RuleOption::protocol, 1, true},
    {"-s", RuleOption::source, 1, true},
    {"-d", RuleOption::destination, 1, true},
    {"-i", RuleOption::in, 1, true},
    {"-o", RuleOption::out, 1, true},
    {"-m", RuleOption::match},
    {"-j", RuleOption::jump},
    {"-g", RuleOption::go_to},
    {"-f", RuleOption::fragment, 0, true},
    {"-4", RuleOption::only_ipv4, 0},
    {"-6", RuleOption::only_ipv6, 0},
    {"-c", RuleOption::counters, 2},
    {"--protocol", RuleOption::protocol, 1, true},
    {"--proto", RuleOption::protocol, 1, true},
    {"--source", RuleOption::source, 1, true},
    {"--src", RuleOption::source, 1, true},
    {"--destination", RuleOption::destination, 1, true},
    {"--dst", RuleOption::destination, 1, true},
    {"--in-interface", RuleOption::in, 1, true},
    {"--out-interface", RuleOption::out, 1, true},
    {"--match", RuleOption::match},
    {"--jump", RuleOption::jump},
    {"--goto", RuleOption::go_to},
    {"--fragments", RuleOption::fragment, 0, true},
    {"--fragment", RuleOption::fragment, 0, true},
    {"--ipv4", RuleOption::only_ipv4, 0},
    {"--ipv6", RuleOption::only_ipv6, 0},
    {"--set-counters", RuleOption::counters, 2},
};

// --- interpreted matches

#define FIREWRIGHT_PORT_OPTIONS                                              \
  {"--sport", source_port, 1, true}, {"--dport", destination_port, 1, true}, \
      {"--source-port", source_port, 1, true}, {                             \
    "--destination-port", destination_port, 1, true                          \
  }

constexpr Option tcp[] = {FIREWRIGHT_PORT_OPTIONS,
                          {"--tcp-flags", tcp_flags, 2, true},
                          {"--syn", tcp_syn, 0, true},
                          {"--tcp-option", opaque, 1, true}};
constexpr Option udp[] = {FIREWRIGHT_PORT_OPTIONS};
constexpr Option sctp[] = {FIREWRIGHT_PORT_OPTIONS, {"--chunk-types", opaque, 2, true}};
constexpr Option dccp[] = {
    FIREWRIGHT_PORT_OPTIONS, {"--dccp-types", opaque, 1, true}, {"--dccp-option", opaque, 1, true}};
#undef FIREWRIGHT_PORT_OPTIONS
constexpr Option multiport[] = {{"--sports", source_ports, 1, true},
                                {"--dports", destination_ports, 1, true},
                                {"--ports", either_ports, 1, true},
                                {"--source-ports", source_ports, 1, true},
                                {"--destination-ports", destination_ports, 1, true}};
constexpr Option icmp4[] = {{"--icmp-type", icmp_type, 1, true}};
constexpr Option icmp6[] = {{"--icmpv6-type", icmp_type, 1, true}};
constexpr Option iprange[] = {{"--src-range", source_range, 1, true},
                              {"--dst-range", destination_range, 1, true}};
constexpr Option owner[] = {{"--uid-owner", user, 1, true},
                            {"--gid-owner", group, 1, true},
                            {"--socket-exists", opaque, 0, true},
                            {"--suppl-groups", supplementary_groups, 0}};
constexpr Option conntrack[] = {{"--ctstate", connection_state, 1, true},
                                {"--ctproto", opaque, 1, true},
                                {"--ctorigsrc", opaque, 1, true},
                                {"--ctorigdst", opaque, 1, true},
                                {"--ctreplsrc", opaque, 1, true},
                                {"--ctrepldst", opaque, 1, true},
                                {"--ctorigsrcport", opaque, 1, true},
                                {"--ctorigdstport", opaque, 1, true},
                                {"--ctreplsrcport", opaque, 1, true},
                                {"--ctrepldstport", opaque, 1, true},
                                {"--ctstatus", opaque, 1, true},
                                {"--ctexpire", opaque, 1, true},
                                {"--ctdir", opaque}};
constexpr Option state_options[] = {{"--state", state, 1, true}};
constexpr Option limit_options[] = {{"--limit", limit}, {"--limit-burst", limit_burst}};
constexpr Option hashlimit[] = {{"--hashlimit-upto", hashlimit_upto},
                                {"--hashlimit", hashlimit_upto},
                                {"--hashlimit-above", hashlimit_other},
                                {"--hashlimit-burst", hashlimit_burst},
                                {"--hashlimit-name", hashlimit_name},
                                {"--hashlimit-mode", hashlimit_mode},
                                {"--hashlimit-srcmask", hashlimit_source_mask},
                                {"--hashlimit-dstmask", hashlimit_other},
                                {"--hashlimit-htable-expire", hashlimit_expire},
                                {"--hashlimit-htable-size", hashlimit_table},
                                {"--hashlimit-htable-max", hashlimit_table},
                                {"--hashlimit-htable-gcinterval", hashlimit_table},
                                {"--hashlimit-rate-match", hashlimit_other, 0},
                                {"--hashlimit-rate-interval", hashlimit_other}};
constexpr Option connlimit[] = {{"--connlimit-upto", connlimit_upto, 1, true},
                                {"--connlimit-above", connlimit_above, 1, true},
                                {"--connlimit-mask", connlimit_mask},
                                {"--connlimit-saddr", connlimit_source, 0},
                                {"--connlimit-daddr", connlimit_destination, 0}};
constexpr Option comment_options[] = {{"--comment", comment}};

constexpr Option set_options[] = {{"--match-set", match_set, 2, true},
                                  {"--return-nomatch", opaque, 0},
                                  {"--update-counters", opaque, 0, true},
                                  {"--update-subcounters", opaque, 0, true},
                                  {"--packets-eq", opaque, 1, true},
                                  {"--packets-lt", opaque},
                                  {"--packets-gt", opaque},
                                  {"--bytes-eq", opaque, 1, true},
                                  {"--bytes-lt", opaque},
                                  {"--bytes-gt", opaque}};

// --- matches that stay opaque

constexpr Option addrtype[] = {{"--src-type", opaque, 1, true},
                               {"--dst-type", opaque, 1, true},
                               {"--limit-iface-in", opaque, 0},
                               {"--limit-iface-out", opaque, 0}};
constexpr Option ah[] = {
    {"--ahspi", opaque, 1, true}, {"--ahlen", opaque, 1, true}, {"--ahres", opaque, 0}};
constexpr Option bpf[] = {{"--bytecode", opaque}, {"--object-pinned", opaque}};
constexpr Option cgroup[] = {{"--path", opaque, 1, true}, {"--cgroup", opaque, 1, true}};
constexpr Option cluster[] = {{"--cluster-total-nodes", opaque},
                              {"--cluster-local-node", opaque, 1, true},
                              {"--cluster-local-nodemask", opaque, 1, true},
                              {"--cluster-hash-seed", opaque}};
constexpr Option connbytes[] = {
    {"--connbytes", opaque, 1, true}, {"--connbytes-dir", opaque}, {"--connbytes-mode", opaque}};
constexpr Option connlabel[] = {{"--label", opaque, 1, true}};
constexpr Option marked[] = {{"--mark", opaque, 1, true}};
constexpr Option cpu[] = {{"--cpu", opaque, 1, true}};
constexpr Option devgroup[] = {{"--src-group", opaque, 1, true}, {"--dst-group", opaque, 1, true}};
constexpr Option dscp[] = {{"--dscp", opaque, 1, true}, {"--dscp-class", opaque, 1, true}};
constexpr Option dst[] = {{"--dst-len", opaque, 1, true}, {"--dst-opts", opaque}};
constexpr Option ecn[] = {{"--ecn-tcp-cwr", opaque, 0, true},
                          {"--ecn-tcp-ece", opaque, 0, true},
                          {"--ecn-ip-ect", opaque, 1, true}};
constexpr Option esp[] = {{"--espspi", opaque, 1, true}};
constexpr Option frag[] = {{"--fragid", opaque, 1, true}, {"--fraglen", opaque, 1, true},
                           {"--fragres", opaque, 0},      {"--fragfirst", opaque, 0},
                           {"--fragmore", opaque, 0},     {"--fraglast", opaque, 0}};
constexpr Option hbh[] = {{"--hbh-len", opaque, 1, true}, {"--hbh-opts", opaque}};
constexpr Option helper[] = {{"--helper", opaque, 1, true}};
constexpr Option hl[] = {{"--hl-eq", opaque, 1, true}, {"--hl-lt", opaque}, {"--hl-gt", opaque}};
constexpr Option ipcomp[] = {{"--ipcompspi", opaque, 1, true}, {"--compres", opaque, 0}};
constexpr Option ipv6header[] = {{"--header", opaque, 1, true}, {"--soft", opaque, 0}};
constexpr Option ipvs[] = {{"--ipvs", opaque, 0, true},
                           {"--vproto", opaque, 1, true},
                           {"--vaddr", opaque, 1, true},
                           {"--vport", opaque, 1, true},
                           {"--vdir", opaque},
                           {"--vmethod", opaque, 1, true},
                           {"--vportctl", opaque, 1, true}};
constexpr Option length[] = {{"--length", opaque, 1, true}};
constexpr Option mac[] = {{"--mac-source", opaque, 1, true}};
constexpr Option mh[] = {{"--mh-type", opaque, 1, true}};
constexpr Option osf[] = {{"--genre", opaque, 1, true}, {"--ttl", opaque}, {"--log", opaque}};
constexpr Option physdev[] = {{"--physdev-in", opaque, 1, true},
                              {"--physdev-out", opaque, 1, true},
                              {"--physdev-is-in", opaque, 0, true},
                              {"--physdev-is-out", opaque, 0, true},
                              {"--physdev-is-bridged", opaque, 0, true}};
constexpr Option pkttype[] = {{"--pkt-type", opaque, 1, true}};
constexpr Option policy[] = {{"--dir", opaque},
                             {"--pol", opaque},
                             {"--strict", opaque, 0},
                             {"--reqid", opaque, 1, true},
                             {"--spi", opaque, 1, true},
                             {"--proto", opaque, 1, true},
                             {"--mode", opaque, 1, true},
                             {"--tunnel-src", opaque, 1, true},
                             {"--tunnel-dst", opaque, 1, true},
                             {"--next", opaque, 0}};
constexpr Option realm[] = {{"--realm", opaque, 1, true}};
constexpr Option rpfilter[] = {{"--loose", opaque, 0},
                               {"--validmark", opaque, 0},
                               {"--accept-local", opaque, 0},
                               {"--invert", opaque, 0}};
constexpr Option rt[] = {{"--rt-type", opaque, 1, true}, {"--rt-segsleft", opaque, 1, true},
                         {"--rt-len", opaque, 1, true},  {"--rt-0-res", opaque, 0},
                         {"--rt-0-addrs", opaque},       {"--rt-0-not-strict", opaque, 0}};
constexpr Option socket[] = {
    {"--nowildcard", opaque, 0}, {"--transparent", opaque, 0}, {"--restore-skmark", opaque, 0}};
constexpr Option string[] = {{"--from", opaque},
                             {"--to", opaque},
                             {"--algo", opaque},
                             {"--icase", opaque, 0},
                             {"--string", opaque, 1, true},
                             {"--hex-string", opaque, 1, true}};
constexpr Option tcpmss[] = {{"--mss", opaque, 1, true}};
constexpr Option time[] = {
    {"--datestart", opaque},   {"--datestop", opaque},           {"--timestart", opaque},
    {"--timestop", opaque},    {"--monthdays", opaque, 1, true}, {"--weekdays", opaque, 1, true},
    {"--kerneltz", opaque, 0}, {"--contiguous", opaque, 0},      {"--utc", opaque, 0},
    {"--localtz", opaque, 0}};
constexpr Option tos[] = {{"--tos", opaque, 1, true}};
constexpr Option ttl[] = {
    {"--ttl-eq", opaque, 1, true}, {"--ttl-lt", opaque}, {"--ttl-gt", opaque}};
constexpr Option u32[] = {{"--u32", opaque, 1, true}};

constexpr Option nfacct[] = {{"--nfacct-name", opaque}};
constexpr Option quota[] = {{"--quota", opaque, 1, true}};
constexpr Option rateest[] = {{"--rateest", opaque},
                              {"--rateest1", opaque},
                              {"--rateest2", opaque},
                              {"--rateest-delta", opaque, 0},
                              {"--rateest-bps", opaque},
                              {"--rateest-pps", opaque},
                              {"--rateest-bps1", opaque},
                              {"--rateest-pps1", opaque},
                              {"--rateest-bps2", opaque},
                              {"--rateest-pps2", opaque},
                              {"--rateest-lt", opaque, 0, true},
                              {"--rateest-gt", opaque, 0, true},
                              {"--rateest-eq", opaque, 0, true}};
constexpr Option recent[] = {
    {"--set", opaque, 0, true},    {"--rcheck", opaque, 0, true}, {"--update", opaque, 0, true},
    {"--remove", opaque, 0, true}, {"--seconds", opaque},         {"--reap", opaque, 0},
    {"--hitcount", opaque},        {"--rttl", opaque, 0},         {"--name", opaque},
    {"--rsource", opaque, 0},      {"--rdest", opaque, 0},        {"--mask", opaque}};
constexpr Option statistic[] = {{"--mode", opaque},
                                {"--probability", opaque, 1, true},
                                {"--every", opaque, 1, true},
                                {"--packet", opaque}};

constexpr auto from_packet = MatchKind::packet_opaque;
constexpr auto remembers = MatchKind::stateful_opaque;
constexpr std::nullopt_t any = std::nullopt;

constexpr MatchSpec matches[] = {
    {"tcp", MatchKind::ports, tcp, Protocol{6}},
    {"udp", MatchKind::ports, udp, Protocol{17}},
    {"multiport", MatchKind::multiport, multiport, any, true},
    {"conntrack", MatchKind::conntrack, conntrack, any, true},
    {"comment", MatchKind::comment, comment_options, any, true},
    {"state", MatchKind::conntrack, state_options, any, true},
    {"iprange", MatchKind::iprange, iprange, any, true},
    {"owner", MatchKind::owner, owner, any, true},
    {"limit", MatchKind::limit, limit_options, any},
    {"hashlimit", MatchKind::hashlimit, hashlimit, any, true},
    {"connlimit", MatchKind::connlimit, connlimit, any, true},
    {"set", MatchKind::set, set_options, any, true},
    {"sctp", MatchKind::ports, sctp, Protocol{132}},
    {"dccp", MatchKind::ports, dccp, Protocol{33}},
    {"udplite", MatchKind::ports, udp, Protocol{136}},
    {"addrtype", from_packet, addrtype, any, true},
    {"ah", from_packet, ah, Protocol{51}},
    {"bpf", from_packet, bpf, any, true},
    {"cgroup", from_packet, cgroup, any, true},
    {"cluster", from_packet, cluster, any, true},
    {"connbytes", from_packet, connbytes, any, true},
    {"connlabel", from_packet, connlabel, any, true},
    {"connmark", from_packet, marked, any, true},
    {"cpu", from_packet, cpu, any, true},
    {"devgroup", from_packet, devgroup, any, true},
    {"dscp", from_packet, dscp, any, true},
    {"dst", from_packet, dst, any},
    {"ecn", from_packet, ecn, any, true},
    {"esp", from_packet, esp, Protocol{50}},
    {"eui64", from_packet, Options{}, any},
    {"frag", from_packet, frag, any},
    {"hbh", from_packet, hbh, any},
    {"helper", from_packet, helper, any, true},
    {"hl", from_packet, hl, any, true},
    {"ipcomp", from_packet, ipcomp, Protocol{108}},
    {"ipv6header", from_packet, ipv6header, any, true},
    {"ipvs", from_packet, ipvs, any, true},
    {"length", from_packet, length, any, true},
    {"mac", from_packet, mac, any, true},
    {"mark", from_packet, marked, any, true},
    {"mh", from_packet, mh, Protocol{135}},
    {"osf", from_packet, osf, any, true},
    {"physdev", from_packet, physdev, any, true},
    {"pkttype", from_packet, pkttype, any, true},
    {"policy", from_packet, policy, any, true},
    {"realm", from_packet, realm, any, true},
    {"rpfilter", from_packet, rpfilter, any},
    {"rt", from_packet, rt, any},
    {"socket", from_packet, socket, any},
    {"string", from_packet, string, any, true},
    {"tcpmss", from_packet, tcpmss, any, true},
    {"time", from_packet, time, any},
    {"tos", from_packet, tos, any, true},
    {"ttl", from_packet, ttl, any, true},
    {"u32", from_packet, u32, any, true},
    {"nfacct", remembers, nfacct, any, true},
    {"quota", remembers, quota, any, true},
    {"rateest", remembers, rateest, any, true},
    {"recent", remembers, recent, any, true},
    {"statistic", remembers, statistic, any, true},
};

constexpr MatchSpec icmp4_match = {"icmp", MatchKind::icmp, icmp4, Protocol{1}, true};
constexpr MatchSpec icmp6_match = {"icmp6", MatchKind::icmp, icmp6, Protocol{58}, true};

// --- targets

constexpr OptionSpec<TargetOption> reject[] = {{"--reject-with", TargetOption::reject_with}};
constexpr OptionSpec<TargetOption> log[] = {{"--log-prefix", TargetOption::log_prefix},
                                            {"--log-level", TargetOption::log_level},
                                            {"--log-tcp-sequence", TargetOption::log_flag, 0},
                                            {"--log-tcp-options", TargetOption::log_flag, 0},
                                            {"--log-ip-options", TargetOption::log_flag, 0},
                                            {"--log-uid", TargetOption::log_flag, 0},
                                            {"--log-macdecode", TargetOption::log_flag, 0}};
constexpr OptionSpec<TargetOption> nflog[] = {{"--nflog-prefix", TargetOption::nflog_prefix},
                                              {"--nflog-group", TargetOption::nflog_group},
                                              {"--nflog-range", TargetOption::nflog_number},
                                              {"--nflog-size", TargetOption::nflog_number},
                                              {"--nflog-threshold", TargetOption::nflog_number}};

constexpr TargetSpec targets[] = {
    {"ACCEPT", TargetKind::accept, {}},  {"DROP", TargetKind::drop, {}},
    {"RETURN", TargetKind::return_, {}}, {"REJECT", TargetKind::reject, reject},
    {"LOG", TargetKind::log, log},       {"NFLOG", TargetKind::nflog, nflog},
};

constexpr std::string_view other_targets[] = {
    "AUDIT", "CHECKSUM", "CLASSIFY",   "CLUSTERIP",   "CONNMARK", "CONNSECMARK", "CT",
    "DNAT",  "DNPT",     "DSCP",       "ECN",         "HL",       "HMARK",       "IDLETIMER",
    "LED",   "MARK",     "MASQUERADE", "MIRROR",      "NETMAP",   "NFQUEUE",     "NOTRACK",
    "QUEUE", "RATEEST",  "REDIRECT",   "SAME",        "SECMARK",  "SET",         "SNAT",
    "SNPT",  "SYNPROXY", "TCPMSS",     "TCPOPTSTRIP", "TEE",      "TOS",         "TPROXY",
    "TRACE", "TTL",      "ULOG",
};

}  // namespace

const OptionSpec<RuleOption>* rule_option(std::string_view name) {
  return find_option(std::span<const OptionSpec<RuleOption>>(rule_options), name);
}

const MatchSpec* match_named(std::string_view name, Family family) {
  if (family == Family::ipv4 && name == "icmp") return &icmp4_match;
  if (family == Family::ipv6 && (name == "icmp6" || name == "icmpv6" || name == "ipv6-icmp"))
    return &icmp6_match;
  for (const auto& spec : matches)
    if (spec.name == name) return &spec;
  return nullptr;
}

const MatchSpec* match_of(Protocol protocol, Family family) {
  if (family == Family::ipv4 && protocol == icmp4_match.protocol) return &icmp4_match;
  if (family == Family::ipv6 && protocol == icmp6_match.protocol) return &icmp6_match;
  for (const auto& spec : matches)
    if (spec.protocol == protocol) return &spec;
  return nullptr;
}

const TargetSpec* target_named(std::string_view name) {
  for (const auto& spec : targets)
    if (spec.name == name) return &spec;
  return nullptr;
}

bool is_other_target(std::string_view name) {
  return std::ranges::find(other_targets, name) != std::end(other_targets);
}

}  // namespace firewright::iptables::decoder
