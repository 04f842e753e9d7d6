#include "backends/host/routes.h"

#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

#include "backends/host/attributes.h"

namespace firewright::host {
namespace {

template <class Head>
std::string head_bytes(const Head& head) {
  std::string bytes(reinterpret_cast<const char*>(&head), sizeof head);
  bytes.resize(NLMSG_ALIGN(bytes.size()), '\0');
  return bytes;
}

std::string address_bytes(const Address& address) {
  const auto spread = [](auto a) {
    std::string bytes(sizeof a.value, '\0');
    for (auto i = bytes.size(); i-- > 0; a.value = a.value >> 8U)
      bytes[i] = static_cast<char>(static_cast<unsigned char>(a.value & 0xffU));
    return bytes;
  };
  return std::visit(spread, address);
}

// IPv4 that is mapped into IPv6 does not come from rtnetlink; the family is the bytes' length.
std::optional<Address> plain_address(std::string_view bytes) {
  u128 value = 0;
  for (const char c : bytes) value = value << 8U | static_cast<unsigned char>(c);
  if (bytes.size() == 4) return Ipv4{static_cast<std::uint32_t>(value)};
  if (bytes.size() == 16) return Ipv6{value};
  return std::nullopt;
}

std::uint32_t number(std::string_view value) {
  std::uint32_t n = 0;
  if (value.size() == sizeof n) std::memcpy(&n, value.data(), sizeof n);
  return n;
}

Address last_of_prefix(const Address& first, unsigned length) {
  if (const auto* v4 = std::get_if<Ipv4>(&first))
    return Ipv4{length >= 32 ? v4->value : v4->value | 0xffffffffU >> length};
  const auto v6 = std::get<Ipv6>(first);
  return Ipv6{length >= 128 ? v6.value : v6.value | ~u128{0} >> length};
}

bool is_link_local(const Address& address) {
  const auto* v6 = std::get_if<Ipv6>(&address);
  return v6 != nullptr && static_cast<unsigned>(v6->value >> 118U) == 0xfe80U >> 6U;
}

std::uint8_t family_of(const Address& address) {
  return std::holds_alternative<Ipv4>(address) ? AF_INET : AF_INET6;
}

std::uint8_t length_of(const Address& address) {
  return std::holds_alternative<Ipv4>(address) ? 32 : 128;
}

}  // namespace

Routes::Routes() : line_(NETLINK_ROUTE) {}

std::optional<Routes> Routes::read(std::string& error) {
  Routes routes;
  int failed = routes.read_addresses();
  for (const auto family : {std::uint8_t{AF_INET}, std::uint8_t{AF_INET6}})
    if (failed == 0) failed = routes.read_local_table(family);
  if (failed == 0) return routes;
  error = netlink_failure("cannot list the addresses of this host", failed);
  return std::nullopt;
}

int Routes::read_addresses() {
  const auto take = [&](const nlmsghdr& message) {
    ifaddrmsg head{};
    if (message.nlmsg_type != RTM_NEWADDR || message.nlmsg_len < NLMSG_LENGTH(sizeof head)) return;
    std::memcpy(&head, NLMSG_DATA(&message), sizeof head);
    // With a peer, IFA_ADDRESS is the peer's.
    const auto attributes = attributes_of(message, sizeof head);
    const auto find = [&](std::uint16_t type) {
      return plain_address(find_attribute(attributes, type).value_or(""));
    };
    auto own = find(IFA_LOCAL);
    if (!own) own = find(IFA_ADDRESS);
    if (const auto all = find(IFA_BROADCAST)) broadcast_.insert({*all, *all});
    if (!own) return;
    local_.insert({*own, *own});
    interfaces_[*own].insert(head.ifa_index);
  };
  const auto restart = [&] {
    local_.clear();
    broadcast_.clear();
    interfaces_.clear();
  };
  const auto question = head_bytes(ifaddrmsg{});
  return line_.ask({.type = RTM_GETADDR, .payload = question, .list = true},
                   {.restart = restart, .take = take});
}

// Has 127.0.0.0/8, and prefixes that an administrator made local.
int Routes::read_local_table(std::uint8_t family) {
  std::set<Range> local;
  std::set<Range> broadcast;
  const auto take = [&](const nlmsghdr& message) {
    rtmsg head{};
    if (message.nlmsg_type != RTM_NEWROUTE || message.nlmsg_len < NLMSG_LENGTH(sizeof head)) return;
    std::memcpy(&head, NLMSG_DATA(&message), sizeof head);
    const auto attributes = attributes_of(message, sizeof head);
    const auto table = find_attribute(attributes, RTA_TABLE);
    if ((table ? number(*table) : head.rtm_table) != RT_TABLE_LOCAL) return;
    const Address zero = family == AF_INET ? Address(Ipv4{}) : Address(Ipv6{});
    const auto first =
        plain_address(find_attribute(attributes, RTA_DST).value_or("")).value_or(zero);
    const Range range{first, last_of_prefix(first, head.rtm_dst_len)};
    if (head.rtm_type == RTN_LOCAL || head.rtm_type == RTN_ANYCAST) local.insert(range);
    if (head.rtm_type == RTN_BROADCAST) broadcast.insert(range);
  };
  const auto restart = [&] {
    local.clear();
    broadcast.clear();
  };
  rtmsg head{};
  head.rtm_family = family;
  head.rtm_table = RT_TABLE_LOCAL;
  const auto question = head_bytes(head);
  const int failed = line_.ask({.type = RTM_GETROUTE, .payload = question, .list = true},
                               {.restart = restart, .take = take});
  local_.merge(local);
  broadcast_.merge(broadcast);
  // A kernel without IPv6, or without such a table.
  return failed == EOPNOTSUPP || failed == ENOENT || failed == EAFNOSUPPORT ? 0 : failed;
}

bool Routes::contains(const std::set<Range>& ranges, const Address& address) {
  // Prefixes nest: the nearest before may be a smaller one that ends before the address.
  return std::any_of(ranges.begin(), ranges.end(), [&](const Range& range) {
    return range.first <= address && address <= range.last;
  });
}

bool Routes::is_local(const Address& address) const {
  return interfaces_.contains(address) || contains(local_, address);
}

bool Routes::is_group(const Address& address) const {
  if (const auto* v4 = std::get_if<Ipv4>(&address))
    if (v4->value >> 28U == 0xeU || v4->value == 0xffffffffU) return true;
  if (const auto* v6 = std::get_if<Ipv6>(&address))
    if (static_cast<unsigned>(v6->value >> 120U) == 0xffU) return true;
  return contains(broadcast_, address);
}

unsigned Routes::look_up(const Address& to, const Address* from, unsigned in) {
  rtmsg head{};
  head.rtm_family = family_of(to);
  head.rtm_dst_len = length_of(to);
  if (from != nullptr) head.rtm_src_len = length_of(*from);
  auto question = head_bytes(head);
  put_attribute(question, RTA_DST, address_bytes(to));
  if (from != nullptr) put_attribute(question, RTA_SRC, address_bytes(*from));
  const auto index = static_cast<std::uint32_t>(in);
  if (in != 0) put_attribute(question, RTA_IIF, bytes_of(index));
  unsigned out = 0;
  const auto take = [&](const nlmsghdr& message) {
    rtmsg found{};
    if (message.nlmsg_type != RTM_NEWROUTE || message.nlmsg_len < NLMSG_LENGTH(sizeof found))
      return;
    std::memcpy(&found, NLMSG_DATA(&message), sizeof found);
    if (found.rtm_type != RTN_UNICAST) return;
    out = number(find_attribute(attributes_of(message, sizeof found), RTA_OIF).value_or(""));
  };
  const int failed = line_.ask({.type = RTM_GETROUTE, .payload = question},
                               {.restart = [&] { out = 0; }, .take = take});
  return failed == 0 ? out : 0;
}

std::string Routes::towards(const Address& peer, const Address& own) {
  const auto [known, fresh] = towards_.try_emplace({peer, own});
  if (!fresh) return known->second;
  // Link-local addresses mean something on their link only, and the route cannot tell the link. The
  // own address can, if one interface only has it.
  if (is_link_local(peer) || is_link_local(own)) {
    const auto at = interfaces_.find(own);
    if (at != interfaces_.end() && at->second.size() == 1)
      known->second = interface_name(*at->second.begin());
    return known->second;
  }
  const bool local = interfaces_.contains(own);
  unsigned out = local ? look_up(peer, &own, 0) : 0;
  if (out == 0) out = look_up(peer, nullptr, 0);
  return known->second = interface_name(out);
}

std::pair<std::string, std::string> Routes::through(const Address& source,
                                                    const Address& destination) {
  const auto [known, fresh] = origins_.try_emplace(source, 0U);
  if (fresh) known->second = look_up(source, nullptr, 0);
  const unsigned in = known->second;
  const auto [way, unknown] = towards_.try_emplace({destination, source});
  if (unknown) {
    unsigned out = in != 0 ? look_up(destination, &source, in) : 0;
    if (out == 0) out = look_up(destination, nullptr, 0);
    way->second = interface_name(out);
  }
  return {interface_name(in), way->second};
}

std::string interface_name(unsigned index) {
  std::array<char, IF_NAMESIZE> name{};
  if (index == 0 || ::if_indextoname(index, name.data()) == nullptr) return {};
  return name.data();
}

}  // namespace firewright::host
