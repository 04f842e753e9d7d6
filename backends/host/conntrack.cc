#include "backends/host/conntrack.h"

#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "backends/host/attributes.h"

namespace firewright::host {
namespace {

std::uint16_t message_type(unsigned type) {
  return static_cast<std::uint16_t>(NFNL_SUBSYS_CTNETLINK << 8U | type);
}

std::string head(std::uint8_t family) {
  const nfgenmsg head{.nfgen_family = family, .version = NFNETLINK_V0, .res_id = 0};
  return {reinterpret_cast<const char*>(&head), sizeof head};
}

unsigned byte_of(std::string_view value) {
  return value.size() == 1 ? static_cast<unsigned char>(value[0]) : 0U;
}

Port port_of(std::string_view value) {
  if (value.size() != 2) return {};
  return Port{
      static_cast<std::uint16_t>(byte_of(value.substr(0, 1)) << 8U | byte_of(value.substr(1)))};
}

void read_addresses(std::string_view attributes, Tuple& tuple) {
  AttributeReader reader(attributes);
  while (const auto attribute = reader.next()) {
    const auto address = address_of(attribute->value);
    if (!address) continue;
    const auto type = attribute->type;
    if (type == CTA_IP_V4_SRC || type == CTA_IP_V6_SRC) tuple.source = *address;
    if (type == CTA_IP_V4_DST || type == CTA_IP_V6_DST) tuple.destination = *address;
  }
}

void read_protocol(std::string_view attributes, Tuple& tuple) {
  unsigned icmp_type = 0;
  unsigned icmp_code = 0;
  AttributeReader reader(attributes);
  while (const auto attribute = reader.next()) {
    const auto type = attribute->type;
    const auto byte = byte_of(attribute->value);
    if (type == CTA_PROTO_NUM) tuple.protocol = Protocol{static_cast<std::uint8_t>(byte)};
    if (type == CTA_PROTO_SRC_PORT) tuple.source_port = port_of(attribute->value);
    if (type == CTA_PROTO_DST_PORT) tuple.destination_port = port_of(attribute->value);
    if (type == CTA_PROTO_ICMP_TYPE || type == CTA_PROTO_ICMPV6_TYPE) icmp_type = byte;
    if (type == CTA_PROTO_ICMP_CODE || type == CTA_PROTO_ICMPV6_CODE) icmp_code = byte;
  }
  tuple.icmp = IcmpTypeCode{static_cast<std::uint16_t>(icmp_type << 8U | icmp_code)};
  // GRE puts its keys there.
  if (!has_ports(tuple.protocol)) tuple.source_port = tuple.destination_port = {};
}

Tuple read_tuple(std::string_view attributes) {
  Tuple tuple;
  if (const auto addresses = find_attribute(attributes, CTA_TUPLE_IP))
    read_addresses(*addresses, tuple);
  if (const auto protocol = find_attribute(attributes, CTA_TUPLE_PROTO))
    read_protocol(*protocol, tuple);
  return tuple;
}

std::uint8_t read_tcp_state(std::string_view protocol_info) {
  const auto tcp = find_attribute(protocol_info, CTA_PROTOINFO_TCP);
  if (!tcp) return 0;
  return static_cast<std::uint8_t>(
      byte_of(find_attribute(*tcp, CTA_PROTOINFO_TCP_STATE).value_or("")));
}

std::optional<Entry> read_entry(const nlmsghdr& message) {
  if (message.nlmsg_type != message_type(IPCTNL_MSG_CT_NEW)) return std::nullopt;
  const auto attributes = attributes_of(message, sizeof(nfgenmsg));
  const auto original = find_attribute(attributes, CTA_TUPLE_ORIG);
  const auto reply = find_attribute(attributes, CTA_TUPLE_REPLY);
  const auto id = find_attribute(attributes, CTA_ID);
  const auto zone = find_attribute(attributes, CTA_ZONE);
  const auto status =
      big_endian_u32(find_attribute(attributes, CTA_STATUS).value_or("")).value_or(0);
  if (!original || !reply || !id || (status & IPS_DYING) != 0) return std::nullopt;
  Entry entry;
  entry.original = read_tuple(*original);
  entry.reply = read_tuple(*reply);
  if (entry.original.source.index() != entry.reply.source.index()) return std::nullopt;
  entry.both_directions = (status & (IPS_SEEN_REPLY | IPS_ASSURED)) != 0;
  if (const auto info = find_attribute(attributes, CTA_PROTOINFO))
    entry.tcp_state = read_tcp_state(*info);
  put_attribute(entry.identity, CTA_TUPLE_ORIG | NLA_F_NESTED, *original);
  if (zone) put_attribute(entry.identity, CTA_ZONE, *zone);
  put_attribute(entry.identity, CTA_ID, *id);
  return entry;
}

}  // namespace

std::optional<std::vector<Entry>> tracked_connections(std::string& error, Receive receive) {
  Line line(NETLINK_NETFILTER, std::move(receive));
  std::vector<Entry> entries;
  const auto question = head(AF_UNSPEC);
  const int failed =
      line.ask({.type = message_type(IPCTNL_MSG_CT_GET), .payload = question, .list = true},
               {.restart = [&] { entries.clear(); },
                .take =
                    [&](const nlmsghdr& message) {
                      if (auto entry = read_entry(message)) entries.push_back(std::move(*entry));
                    }});
  const auto tracks = [] {
    return ::access("/proc/sys/net/netfilter/nf_conntrack_max", F_OK) == 0;
  };
  if (failed == EINVAL && !tracks()) return std::vector<Entry>{};
  if (failed != 0) {
    error = netlink_failure("cannot list the tracked connections", failed);
    if (failed == EINVAL) error += " (the kernel lacks nf_conntrack_netlink)";
    return std::nullopt;
  }
  // The list of a table in use may say an entry twice.
  const auto by_identity = [](const Entry& a, const Entry& b) { return a.identity < b.identity; };
  std::sort(entries.begin(), entries.end(), by_identity);
  entries.erase(
      std::unique(entries.begin(), entries.end(),
                  [](const Entry& a, const Entry& b) { return a.identity == b.identity; }),
      entries.end());
  return entries;
}

Result delete_entry(Family family, const std::string& identity) {
  Line line(NETLINK_NETFILTER);
  const auto question = head(family == Family::ipv4 ? AF_INET : AF_INET6) + identity;
  const int failed =
      line.ask({.type = message_type(IPCTNL_MSG_CT_DELETE), .payload = question}, {});
  if (failed == 0 || failed == ENOENT) return {};
  return {.reason = failed == EPERM || failed == EACCES ? Reason::permission : Reason::io,
          .error = netlink_failure("cannot delete a tracked connection", failed)};
}

}  // namespace firewright::host
