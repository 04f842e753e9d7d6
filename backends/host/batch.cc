#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <climits>
#include <cstring>
#include <optional>
#include <utility>
#include <vector>

#include "backends/host/descriptor.h"
#include "backends/host/error_text.h"
#include "backends/host/host.h"
#include "backends/host/messages.h"

namespace firewright::host {
namespace {

Result failure(Reason reason, std::string error) {
  return {.reason = reason, .error = std::move(error)};
}

Result socket_failure(int error) {
  if (error == EAFNOSUPPORT || error == EPROTONOSUPPORT)
    return failure(Reason::unsupported,
                   "this kernel has no netfilter over netlink: " + error_text(error));
  if (error == EPERM || error == EACCES)
    return failure(Reason::permission,
                   "not allowed to open a netlink socket: " + error_text(error));
  return failure(Reason::io, "cannot open a netlink socket: " + error_text(error));
}

void set_option(const Descriptor& socket, int level, int option, int value) {
  // Every one of these only makes answers better; an old kernel does without.
  (void)setsockopt(socket.get(), level, option, &value, sizeof value);
}

// The whole transaction has to fit into one send.
void make_room(const Descriptor& socket, std::size_t bytes) {
  const int wanted = static_cast<int>(std::min<std::size_t>(bytes + 4096, 0x3fffffff));
  if (setsockopt(socket.get(), SOL_SOCKET, SO_SNDBUFFORCE, &wanted, sizeof wanted) != 0)
    set_option(socket, SOL_SOCKET, SO_SNDBUF, wanted);
  constexpr int answers = 1 << 20;
  if (setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUFFORCE, &answers, sizeof answers) != 0)
    set_option(socket, SOL_SOCKET, SO_RCVBUF, answers);
}

// Returns 0 or the error. The pieces are one message to the kernel.
int send_all(const Descriptor& socket, const std::vector<std::string_view>& pieces) {
  sockaddr_nl kernel{};
  kernel.nl_family = AF_NETLINK;
  std::vector<iovec> parts;
  std::size_t size = 0;
  for (const auto piece : pieces) {
    parts.push_back({.iov_base = const_cast<char*>(piece.data()), .iov_len = piece.size()});
    size += piece.size();
  }
  msghdr message{};
  message.msg_name = &kernel;
  message.msg_namelen = sizeof kernel;
  message.msg_iov = parts.data();
  message.msg_iovlen = parts.size();
  ssize_t sent = 0;
  do {
    sent = sendmsg(socket.get(), &message, 0);
  } while (sent < 0 && errno == EINTR);
  if (sent < 0) return errno;
  return static_cast<std::size_t>(sent) == size ? 0 : EMSGSIZE;
}

// The batch's first message, which may say what generation the rest is meant for.
std::string beginning(const Message& begin, const BatchOptions& options) {
  std::string bytes(begin.bytes);
  if (!options.generation) return bytes;
  nlmsghdr header;
  std::memcpy(&header, bytes.data(), sizeof header);
  bytes.resize(NLMSG_ALIGN(bytes.size()));
  const nlattr attribute{.nla_len = sizeof(nlattr) + sizeof(std::uint32_t),
                         .nla_type = NFNL_BATCH_GENID};
  const std::uint32_t generation = htonl(*options.generation);
  bytes.append(reinterpret_cast<const char*>(&attribute), sizeof attribute);
  bytes.append(reinterpret_cast<const char*>(&generation), sizeof generation);
  header.nlmsg_len = static_cast<std::uint32_t>(bytes.size());
  std::memcpy(bytes.data(), &header, sizeof header);
  return bytes;
}

struct Answer {
  std::uint32_t sequence = 0;
  int error = 0;
  std::string detail;  // the kernel's own words, if it has any
};

// The text of an extended acknowledgement, which stands behind the error and what it quotes.
std::string kernel_words(const nlmsghdr* header) {
  if ((header->nlmsg_flags & NLM_F_ACK_TLVS) == 0) return {};
  const std::size_t size = mnl_nlmsg_get_payload_len(header);
  const char* payload = static_cast<const char*>(mnl_nlmsg_get_payload(header));
  nlmsgerr error;
  std::memcpy(&error, payload, sizeof error);
  std::size_t offset = sizeof error;
  if ((header->nlmsg_flags & NLM_F_CAPPED) == 0) offset += error.msg.nlmsg_len - sizeof(nlmsghdr);
  for (nlattr attribute; offset < size && size - offset >= sizeof attribute;) {
    std::memcpy(&attribute, payload + offset, sizeof attribute);
    if (attribute.nla_len < sizeof attribute || attribute.nla_len > size - offset) return {};
    if (attribute.nla_type == NLMSGERR_ATTR_MSG) {
      const std::string_view text(payload + offset + sizeof attribute,
                                  attribute.nla_len - sizeof attribute);
      return std::string(text.substr(0, text.find('\0')));
    }
    offset += (attribute.nla_len + 3U) & ~std::size_t{3};
  }
  return {};
}

void collect(const char* bytes, std::size_t size, std::vector<Answer>& answers) {
  int left = static_cast<int>(size);
  for (const auto* header = reinterpret_cast<const nlmsghdr*>(bytes); mnl_nlmsg_ok(header, left);
       header = mnl_nlmsg_next(header, &left)) {
    if (header->nlmsg_type != NLMSG_ERROR || mnl_nlmsg_get_payload_len(header) < sizeof(nlmsgerr))
      continue;
    const auto* error = static_cast<const nlmsgerr*>(mnl_nlmsg_get_payload(header));
    answers.push_back(
        {.sequence = header->nlmsg_seq, .error = -error->error, .detail = kernel_words(header)});
  }
}

struct Answers {
  std::vector<Answer> list;
  int error = 0;  // of reading
};

// The kernel works on a batch within the send, so that its answers are there when that returns.
Answers read_answers(const Descriptor& socket) {
  Answers answers;
  std::vector<char> buffer(std::size_t{1} << 16U);
  for (;;) {
    const ssize_t got = recv(socket.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (got >= 0) {
      collect(buffer.data(), static_cast<std::size_t>(got), answers.list);
      continue;
    }
    if (errno == EINTR) continue;
    // Too many complaints for the buffer: those that are there say enough.
    if (errno == ENOBUFS && !answers.list.empty()) continue;
    if (errno != EAGAIN) answers.error = errno;
    return answers;
  }
}

Result refusal(const Answer& answer, const std::vector<Message>& messages) {
  std::string what = error_text(answer.error);
  if (!answer.detail.empty()) what += ": " + answer.detail;
  if (answer.error == EPERM || answer.error == EACCES)
    return failure(Reason::permission,
                   "not allowed to change the firewall (CAP_NET_ADMIN is needed): " + what);
  const auto message = std::find_if(messages.begin(), messages.end(), [&](const Message& m) {
    return m.sequence == answer.sequence;
  });
  const bool of_the_batch = message == messages.end() || message->type == NFNL_MSG_BATCH_BEGIN;
  if (of_the_batch && answer.error == ERESTART)
    return failure(Reason::raced, "somebody else has changed the ruleset meanwhile");
  if (of_the_batch && (answer.error == EOPNOTSUPP || answer.error == EPROTONOSUPPORT ||
                       answer.error == EAFNOSUPPORT || answer.error == ENOENT))
    return failure(Reason::unsupported, "this kernel has no nf_tables: " + what);
  const std::string place = message == messages.end() ? "" : " (" + describe(*message) + ")";
  return failure(Reason::refused,
                 "kernel refused message " + std::to_string(answer.sequence) + place + ": " + what);
}

Result judge(const Answers& answers, const std::vector<Message>& messages) {
  const Answer* first = nullptr;
  bool acknowledged = false;
  for (const auto& answer : answers.list) {
    if (answer.error == 0)
      acknowledged = true;
    else if (first == nullptr || answer.sequence < first->sequence)
      first = &answer;
  }
  if (first != nullptr) return refusal(*first, messages);
  if (answers.error != 0)
    return failure(Reason::io, "cannot read the kernel's answer: " + error_text(answers.error));
  if (!acknowledged) return failure(Reason::io, "the kernel did not answer");
  return {};
}

}  // namespace

Result load_batch(std::string_view batch, const BatchOptions& options) {
  return load_batch(Batch{.own = std::string(batch), .lent = {}}, options);
}

Result load_batch(const Batch& batch, const BatchOptions& options) {
  const auto messages = split_batch(batch);
  if (!messages) return failure(Reason::refused, "this is not an nftables batch");
  const Descriptor socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
  if (!socket.valid()) return socket_failure(errno);
  set_option(socket, SOL_NETLINK, NETLINK_CAP_ACK, 1);
  set_option(socket, SOL_NETLINK, NETLINK_EXT_ACK, 1);
  make_room(socket, batch.size());
  // Without its end the kernel checks a batch to the last message and then takes it back; `nft -c`
  // asks the same way.
  const auto end = options.dry_run ? messages->back().offset : batch.own.size();
  const auto begin = beginning(messages->front(), options);
  auto pieces = batch.pieces((*messages)[1].offset, end);
  pieces.insert(pieces.begin(), begin);
  std::string joined;
  if (pieces.size() > IOV_MAX) {
    for (const auto piece : pieces) joined += piece;
    pieces = {joined};
  }
  if (const int error = send_all(socket, pieces); error != 0) {
    if (error == EMSGSIZE || error == ENOBUFS)
      return failure(Reason::refused,
                     "the transaction of " + std::to_string(batch.size()) +
                         " bytes does not fit into the send buffer (net.core.wmem_max)");
    if (error == EPERM || error == EACCES)
      return failure(Reason::permission,
                     "not allowed to change the firewall: " + error_text(error));
    return failure(Reason::io, "cannot send to the kernel: " + error_text(error));
  }
  return judge(read_answers(socket), *messages);
}

}  // namespace firewright::host
