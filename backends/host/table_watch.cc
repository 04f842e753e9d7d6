#include "backends/host/table_watch.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <string_view>

#include "backends/host/attributes.h"

namespace firewright::host {

TableWatch::TableWatch(const TableName& table)
    : table_(table),
      socket_(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_NETFILTER)),
      buffer_(std::size_t{1} << 16U) {
  constexpr int group = NFNLGRP_NFTABLES;
  constexpr int room = 1 << 20;
  lost_ = !socket_.valid() ||
          setsockopt(socket_.get(), SOL_NETLINK, NETLINK_ADD_MEMBERSHIP, &group, sizeof group) != 0;
  // Without the right to more room the usual one has to do.
  if (!lost_) (void)setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room);
}

std::optional<std::uint32_t> TableWatch::unchanged_since(std::uint32_t since) {
  // A transaction is told before the next one can begin.
  while (!lost_) {
    const ssize_t got = ::recv(socket_.get(), buffer_.data(), buffer_.size(), MSG_TRUNC);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) break;
    lost_ = got < 0 || static_cast<std::size_t>(got) > buffer_.size() ||
            !take(buffer_.data(), static_cast<std::size_t>(got), since);
  }
  if (lost_ || changed_ || touched_) return std::nullopt;
  return generation_;
}

bool TableWatch::take(const char* bytes, std::size_t size, std::uint32_t since) {
  MessageReader reader({bytes, size});
  while (const auto message = reader.next()) {
    if (message->type >> 8U != NFNL_SUBSYS_NFTABLES) return false;
    if ((message->type & 0xffU) != NFT_MSG_NEWGEN) {
      const auto table = find_attribute(message->attributes, NFTA_TABLE_NAME);
      touched_ |= !table || TableName(message->family, text_of(*table)) == table_;
      continue;
    }
    const auto number = find_attribute(message->attributes, NFTA_GEN_ID);
    generation_ = number ? big_endian_u32(*number) : std::nullopt;
    if (!generation_) return false;
    // Generations are counted, and may start again from zero.
    changed_ |= touched_ && static_cast<std::int32_t>(*generation_ - since) > 0;
    touched_ = false;
  }
  return !reader.damaged();
}

}  // namespace firewright::host
