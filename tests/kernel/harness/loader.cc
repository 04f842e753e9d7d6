#include "tests/kernel/harness/loader.h"

#include <linux/netlink.h>
#include <sys/socket.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

#include "tests/kernel/harness/file_descriptor.h"
#include "tests/kernel/harness/namespace.h"

namespace firewright::kernel {
namespace {

std::optional<std::string> failure(const CommandResult& result, const std::string& command) {
  if (result.status == 0) return std::nullopt;
  return command + ": exit status " + std::to_string(result.status) + ": " + result.err;
}

std::string system_error(const char* what) { return std::string(what) + ": " + std::strerror(errno); }

// The first error among the kernel's answers so far; those that wait are all there, since the kernel
// answers within the send.
std::optional<std::string> batch_error(int socket) {
  alignas(nlmsghdr) std::array<char, 65536> buffer{};
  for (;;) {
    const ssize_t got = ::recv(socket, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) return std::nullopt;
    if (got < 0) return system_error("recv");
    auto left = static_cast<unsigned>(got);
    for (auto* header = reinterpret_cast<nlmsghdr*>(buffer.data()); NLMSG_OK(header, left);
         header = NLMSG_NEXT(header, left)) {
      if (header->nlmsg_type != NLMSG_ERROR) continue;
      const auto* error = static_cast<const nlmsgerr*>(NLMSG_DATA(header));
      if (error->error == 0) continue;
      return "the kernel refuses message type " + std::to_string(error->msg.nlmsg_type & 0xffU) +
             " with sequence number " + std::to_string(error->msg.nlmsg_seq) + ": " +
             std::strerror(-error->error);
    }
  }
}

}  // namespace

std::string_view to_string(Loader loader) {
  switch (loader) {
    case Loader::iptables_legacy: return "iptables_legacy";
    case Loader::iptables_nft: return "iptables_nft";
    case Loader::nft_text: return "nft_text";
    case Loader::netlink_batch: return "netlink_batch";
  }
  return "";
}

Target target_of(Loader loader) {
  switch (loader) {
    case Loader::iptables_legacy:
    case Loader::iptables_nft: return Target::iptables;
    case Loader::nft_text:
    case Loader::netlink_batch: return Target::nftables;
  }
  return Target::nftables;
}

std::optional<std::string> load(Loader loader, const backend::Artifact& artifact) {
  const auto text = [&artifact](std::string_view part) -> std::string_view {
    const auto* found = artifact.find(part);
    if (found == nullptr) throw HarnessError("the artifact has no part " + std::string(part));
    return found->bytes;
  };
  switch (loader) {
    case Loader::iptables_legacy:
    case Loader::iptables_nft: {
      auto error = load_iptables(loader, Family::ipv4, text("v4"));
      return error ? error : load_iptables(loader, Family::ipv6, text("v6"));
    }
    case Loader::nft_text: return load_nft_text(text("text"));
    case Loader::netlink_batch: return load_batch(text("batch"));
  }
  return "no such loader";
}

std::optional<std::string> load_iptables(Loader loader, Family family, std::string_view text) {
  const std::string command =
      std::string(family == Family::ipv4 ? "iptables" : "ip6tables") +
      (loader == Loader::iptables_legacy ? "-legacy-restore" : "-nft-restore");
  if (auto error = failure(run({command, "--test"}, text), command + " --test")) return error;
  return failure(run({command}, text), command);
}

std::optional<std::string> load_nft_text(std::string_view text) {
  if (auto error = failure(run({"nft", "-c", "-f", "-"}, text), "nft -c -f")) return error;
  return failure(run({"nft", "-f", "-"}, text), "nft -f");
}

std::optional<std::string> load_batch(std::string_view batch) {
  const FileDescriptor socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
  if (!socket.open()) return system_error("netlink socket");
  const int size = static_cast<int>(batch.size()) + (1 << 20);
  const int answers = 16 << 20;
  if (::setsockopt(socket.get(), SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) != 0)
    return system_error("SO_SNDBUFFORCE");
  if (::setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUFFORCE, &answers, sizeof answers) != 0)
    return system_error("SO_RCVBUFFORCE");
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  if (::sendto(socket.get(), batch.data(), batch.size(), 0,
               reinterpret_cast<const sockaddr*>(&kernel), sizeof kernel) < 0)
    return system_error("send of the batch");
  return batch_error(socket.get());
}

}  // namespace firewright::kernel
