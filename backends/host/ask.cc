#include "backends/host/ask.h"

#include <libmnl/libmnl.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace firewright::host {
namespace {

constexpr int most_attempts = 50;

}  // namespace

Line::Line(int protocol, Receive receive)
    : protocol_(protocol), receive_(std::move(receive)), buffer_(std::size_t{1} << 16U, '\0') {
  if (!receive_) receive_ = ::recv;
}

int Line::open() {
  socket_ = Descriptor(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, protocol_));
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  if (!socket_.valid() ||
      ::connect(socket_.get(), reinterpret_cast<const sockaddr*>(&kernel), sizeof kernel) != 0) {
    const int error = errno;
    socket_.reset();
    return error;
  }
  constexpr int room = 8 << 20;
  // Without the right to more room the usual one has to do.
  if (setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) != 0)
    (void)setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  // So that a list of routes is that of the table asked for; older kernels list all.
  constexpr int yes = 1;
  if (protocol_ == NETLINK_ROUTE)
    (void)setsockopt(socket_.get(), SOL_NETLINK, NETLINK_GET_STRICT_CHK, &yes, sizeof yes);
  return 0;
}

int Line::ask(const Question& question, const Listener& listener) {
  for (int attempt = 0; attempt < most_attempts; ++attempt) {
    if (!socket_.valid())
      if (const int error = open(); error != 0) return error;
    if (listener.restart) listener.restart();
    if (const int error = send(question); error != 0) return error;
    int error = 0;
    interrupted_ = false;
    if (hear(listener, error) == Heard::all) return error;
    // The rest of an answer that broke off stays with the old socket.
    socket_.reset();
  }
  return EAGAIN;
}

int Line::send(const Question& question) {
  nlmsghdr header{};
  header.nlmsg_len = static_cast<std::uint32_t>(NLMSG_HDRLEN + question.payload.size());
  header.nlmsg_type = question.type;
  header.nlmsg_flags =
      static_cast<std::uint16_t>(NLM_F_REQUEST | (question.list ? NLM_F_DUMP : NLM_F_ACK));
  header.nlmsg_seq = ++sequence_;
  std::string bytes(reinterpret_cast<const char*>(&header), sizeof header);
  bytes += question.payload;
  for (;;) {
    if (::send(socket_.get(), bytes.data(), bytes.size(), 0) >= 0) return 0;
    if (errno != EINTR) return errno;
  }
}

Line::Heard Line::hear(const Listener& listener, int& error) {
  for (;;) {
    // The size first: an answer may be larger than the buffer at hand.
    const ssize_t size = receive_(socket_.get(), nullptr, 0, MSG_PEEK | MSG_TRUNC);
    ssize_t got = size;
    if (size >= 0) {
      if (static_cast<std::size_t>(size) > buffer_.size())
        buffer_.resize(static_cast<std::size_t>(size));
      got = receive_(socket_.get(), buffer_.data(), buffer_.size(), 0);
    }
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == ENOBUFS) return Heard::again;
    if (got < 0) {
      error = errno;
      return Heard::all;
    }
    if (const auto heard = take(static_cast<std::size_t>(got), listener, error);
        heard != Heard::more)
      return heard;
  }
}

Line::Heard Line::take(std::size_t size, const Listener& listener, int& error) {
  int left = static_cast<int>(size);
  for (const auto* header = reinterpret_cast<const nlmsghdr*>(buffer_.data());
       mnl_nlmsg_ok(header, left); header = mnl_nlmsg_next(header, &left)) {
    if (header->nlmsg_seq != sequence_) continue;
    if ((header->nlmsg_flags & NLM_F_DUMP_INTR) != 0) interrupted_ = true;
    if (header->nlmsg_type == NLMSG_DONE || header->nlmsg_type == NLMSG_ERROR) {
      int answer = 0;
      if (header->nlmsg_len >= NLMSG_LENGTH(sizeof answer))
        std::memcpy(&answer, NLMSG_DATA(header), sizeof answer);
      if (interrupted_) return Heard::again;
      error = answer < 0 ? -answer : 0;
      return Heard::all;
    }
    if (listener.take) listener.take(*header);
  }
  return Heard::more;
}

std::string_view attributes_of(const nlmsghdr& message, std::size_t fixed) {
  const auto before = static_cast<std::size_t>(NLMSG_HDRLEN) + NLMSG_ALIGN(fixed);
  if (message.nlmsg_len < before) return {};
  return {reinterpret_cast<const char*>(&message) + before, message.nlmsg_len - before};
}

std::string netlink_failure(std::string_view what, int error) {
  if (error == EAGAIN) return std::string(what) + ": the list changes faster than it can be read";
  std::string text = std::string(what) + ": " + std::generic_category().message(error);
  if (error == EPERM || error == EACCES) text += " (CAP_NET_ADMIN is needed)";
  return text;
}

}  // namespace firewright::host
