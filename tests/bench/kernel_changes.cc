#include "tests/bench/kernel_changes.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <vector>

namespace firewright::bench {

KernelChanges::KernelChanges() {
  socket_ = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
  const int group = NFNLGRP_NFTABLES;
  const int room = 64 << 20;
  sockaddr_nl anybody{};
  anybody.nl_family = AF_NETLINK;
  (void)::setsockopt(socket_, SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
  if (::bind(socket_, reinterpret_cast<const sockaddr*>(&anybody), sizeof anybody) != 0 ||
      ::setsockopt(socket_, SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0) {
    ::close(socket_);
    socket_ = -1;
  }
}

KernelChanges::~KernelChanges() {
  if (socket_ >= 0) ::close(socket_);
}

int KernelChanges::count() const {
  if (socket_ < 0) return -1;
  constexpr int end_of_transaction = NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_NEWGEN;
  std::vector<char> buffer(1 << 20);
  int announced = 0;
  for (;;) {
    const auto size = ::recv(socket_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (size < 0) return errno == EAGAIN ? announced : -1;
    auto left = static_cast<unsigned>(size);
    for (const auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data());
         NLMSG_OK(message, left); message = NLMSG_NEXT(message, left))
      if (message->nlmsg_type != end_of_transaction) ++announced;
  }
}

}  // namespace firewright::bench
