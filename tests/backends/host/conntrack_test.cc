// Listing connection tracking when there is much of it, and when the list breaks off.
#include "backends/host/conntrack.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/netfilter/nf_conntrack_tcp.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>
#include <sys/socket.h>

#include <cerrno>
#include <functional>
#include <memory>
#include <set>
#include <string>

#include "backends/host/attributes.h"
#include "backends/host/flows.h"
#include "tests/kernel/harness/namespace.h"

namespace firewright::host {
namespace {

using kernel::HarnessError;

void expect_in_namespace(const std::function<std::string()>& body, const std::string& expected) {
  const auto ran = kernel::in_namespace(body);
  if (ran.refused()) GTEST_SKIP() << ran.text;
  ASSERT_TRUE(ran.done()) << ran.text;
  EXPECT_EQ(ran.text, expected);
}

std::string bytes16(std::uint16_t value) {
  return {static_cast<char>(value >> 8U), static_cast<char>(value & 0xffU)};
}
std::string bytes32(std::uint32_t value) {
  return bytes16(static_cast<std::uint16_t>(value >> 16U)) +
         bytes16(static_cast<std::uint16_t>(value & 0xffffU));
}

void put_tuple(std::string& out, std::uint16_t type, std::uint32_t from, std::uint32_t to,
               std::uint16_t from_port, std::uint16_t to_port) {
  const auto tuple = begin_nest(out, type);
  const auto addresses = begin_nest(out, CTA_TUPLE_IP);
  put_attribute(out, CTA_IP_V4_SRC, bytes32(from));
  put_attribute(out, CTA_IP_V4_DST, bytes32(to));
  (void)end_nest(out, addresses);
  const auto protocol = begin_nest(out, CTA_TUPLE_PROTO);
  put_attribute(out, CTA_PROTO_NUM, "\6");
  put_attribute(out, CTA_PROTO_SRC_PORT, bytes16(from_port));
  put_attribute(out, CTA_PROTO_DST_PORT, bytes16(to_port));
  (void)end_nest(out, protocol);
  (void)end_nest(out, tuple);
}

// Established TCP from 203.0.113.9 to ports of 198.51.100.10.
void make_entries(int count) {
  const Descriptor socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
  for (int i = 0; i < count; ++i) {
    std::string body;
    const nfgenmsg head{.nfgen_family = AF_INET, .version = NFNETLINK_V0, .res_id = 0};
    body.append(reinterpret_cast<const char*>(&head), sizeof head);
    const auto port = static_cast<std::uint16_t>(1000 + i);
    put_tuple(body, CTA_TUPLE_ORIG, 0xCB007109, 0xC633640A, 40000, port);
    put_tuple(body, CTA_TUPLE_REPLY, 0xC633640A, 0xCB007109, port, 40000);
    put_u32(body, CTA_TIMEOUT, 1000);
    put_u32(body, CTA_STATUS, IPS_CONFIRMED | IPS_SEEN_REPLY | IPS_ASSURED);
    const auto info = begin_nest(body, CTA_PROTOINFO);
    const auto tcp = begin_nest(body, CTA_PROTOINFO_TCP);
    put_attribute(body, CTA_PROTOINFO_TCP_STATE,
                  std::string(1, static_cast<char>(TCP_CONNTRACK_ESTABLISHED)));
    (void)end_nest(body, tcp);
    (void)end_nest(body, info);
    nlmsghdr header{};
    header.nlmsg_len = static_cast<std::uint32_t>(sizeof header + body.size());
    header.nlmsg_type = NFNL_SUBSYS_CTNETLINK << 8 | IPCTNL_MSG_CT_NEW;
    header.nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL;
    const auto message = std::string(reinterpret_cast<const char*>(&header), sizeof header) + body;
    if (::send(socket.get(), message.data(), message.size(), 0) < 0) throw HarnessError("send");
  }
}

// As the kernel would, the n-th time that something is received.
Receive disturbed(int at, const std::function<ssize_t(void* buffer, ssize_t got)>& how) {
  const auto count = std::make_shared<int>(0);
  return [=](int fd, void* buffer, std::size_t size, int flags) -> ssize_t {
    const auto got = ::recv(fd, buffer, size, flags);
    return ++*count == at ? how(buffer, got) : got;
  };
}

TEST(TrackedConnections, ThousandsAreListed) {
  expect_in_namespace(
      [] {
        make_entries(10000);
        std::string error;
        const auto entries = tracked_connections(error);
        if (!entries) return error;
        std::set<Port> ports;
        for (const auto& entry : *entries) ports.insert(entry.original.destination_port);
        const auto flows = live_flows(Session{}, error);
        if (!flows) return error;
        return std::to_string(entries->size()) + " entries, " + std::to_string(ports.size()) +
               " ports, " + std::to_string(flows->size()) + " flows";
      },
      "10000 entries, 10000 ports, 10000 flows");
}

TEST(TrackedConnections, OneOfThousandsIsDeleted) {
  expect_in_namespace(
      [] {
        make_entries(3000);
        std::string error;
        const auto flows = live_flows(Session{}, error);
        if (!flows) return error;
        for (const auto& flow : *flows)
          if (flow.destination_port == Port{2345})
            if (const auto result = end_flow(flow); !result.ok()) return result.error;
        const auto left = live_flows(Session{}, error);
        if (!left) return error;
        for (const auto& flow : *left)
          if (flow.destination_port == Port{2345}) return std::string("still there");
        return std::to_string(left->size());
      },
      "2999");
}

TEST(TrackedConnections, AListThatBreaksOffIsAskedForAgain) {
  expect_in_namespace(
      [] {
        make_entries(3000);
        const auto list = [](const Receive& receive) {
          std::string error;
          const auto entries = tracked_connections(error, receive);
          return entries ? std::to_string(entries->size()) : error;
        };
        // Each answer is looked at, then taken.
        const auto overflow = [](void*, ssize_t) -> ssize_t {
          errno = ENOBUFS;
          return -1;
        };
        const auto signal = [](void*, ssize_t) -> ssize_t {
          errno = EINTR;
          return -1;
        };
        const auto changed = [](void* buffer, ssize_t got) -> ssize_t {
          static_cast<nlmsghdr*>(buffer)->nlmsg_flags |= NLM_F_DUMP_INTR;
          return got;
        };
        return list(disturbed(1, overflow)) + " " + list(disturbed(5, overflow)) + " " +
               list(disturbed(7, signal)) + " " + list(disturbed(6, changed));
      },
      "3000 3000 3000 3000");
}

TEST(TrackedConnections, AListThatAlwaysBreaksOffIsAnError) {
  expect_in_namespace(
      [] {
        make_entries(1);
        const Receive receive = [](int, void*, std::size_t, int) -> ssize_t {
          errno = ENOBUFS;
          return -1;
        };
        std::string error;
        return tracked_connections(error, receive) ? std::string("listed") : error;
      },
      "cannot list the tracked connections: the list changes faster than it can be read");
}

TEST(TrackedConnections, OfAHostWithoutAny) {
  expect_in_namespace(
      [] {
        std::string error;
        const auto entries = tracked_connections(error);
        return entries ? std::to_string(entries->size()) : error;
      },
      "0");
}

}  // namespace
}  // namespace firewright::host
