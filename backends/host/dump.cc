#include "backends/host/dump.h"

#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "backends/host/descriptor.h"

namespace firewright::host {
namespace {

constexpr int most_attempts = 50;

enum class Asked { answered, again, failed };

struct SetName {
  std::uint8_t family = 0;
  std::string table;
  std::string name;
};

class Dump {
 public:
  Dump(const Descriptor& socket, std::string& error) : socket_(socket), error_(error) {
    constexpr int room = 64 << 20;
    // Without the right to more room the usual one has to do.
    if (setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) != 0)
      (void)setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  }

  [[nodiscard]] std::string take_messages() { return std::move(messages_); }

  Asked run() {
    if (const auto asked = ask(NFT_MSG_GETGEN, nullptr, /*keep=*/false); asked != Asked::answered)
      return asked;
    const auto before = generation_;
    for (const auto type : {NFT_MSG_GETTABLE, NFT_MSG_GETCHAIN, NFT_MSG_GETOBJ, NFT_MSG_GETSET})
      if (const auto asked = ask(type, nullptr, true); asked != Asked::answered) return asked;
    for (const auto& set : sets_)
      if (const auto asked = ask(NFT_MSG_GETSETELEM, &set, true); asked != Asked::answered)
        return asked;
    if (const auto asked = ask(NFT_MSG_GETRULE, nullptr, true); asked != Asked::answered)
      return asked;
    if (const auto asked = ask(NFT_MSG_GETGEN, nullptr, false); asked != Asked::answered)
      return asked;
    return generation_ == before ? Asked::answered : Asked::again;
  }

 private:
  Asked ask(int type, const SetName* set, bool keep) {
    std::vector<char> buffer(MNL_NLMSG_HDRLEN + 1024);
    nlmsghdr* request = mnl_nlmsg_put_header(buffer.data());
    request->nlmsg_type =
        static_cast<std::uint16_t>((NFNL_SUBSYS_NFTABLES << 8) | static_cast<unsigned>(type));
    request->nlmsg_flags = NLM_F_REQUEST | (type == NFT_MSG_GETGEN ? NLM_F_ACK : NLM_F_DUMP);
    request->nlmsg_seq = ++sequence_;
    auto* extra = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(request, sizeof(nfgenmsg)));
    extra->nfgen_family = set == nullptr ? 0 : set->family;
    extra->version = NFNETLINK_V0;
    if (set != nullptr) {
      mnl_attr_put_strz(request, NFTA_SET_ELEM_LIST_TABLE, set->table.c_str());
      mnl_attr_put_strz(request, NFTA_SET_ELEM_LIST_SET, set->name.c_str());
    }
    ssize_t sent = 0;
    do {
      sent = ::send(socket_.get(), request, request->nlmsg_len, 0);
    } while (sent < 0 && errno == EINTR);
    if (sent < 0) return fail("cannot ask the kernel", errno);
    return read(keep);
  }

  Asked read(bool keep) {
    for (;;) {
      // The size first: a message may be larger than any buffer at hand.
      const ssize_t size = ::recv(socket_.get(), nullptr, 0, MSG_PEEK | MSG_TRUNC);
      if (size < 0 && errno == EINTR) continue;
      // The kernel had more to say than there is room; what has come is not whole.
      if (size < 0 && errno == ENOBUFS) return Asked::again;
      if (size < 0) return fail("cannot read the kernel's answer", errno);
      if (static_cast<std::size_t>(size) > buffer_.size())
        buffer_.resize(static_cast<std::size_t>(size));
      const ssize_t got = ::recv(socket_.get(), buffer_.data(), buffer_.size(), 0);
      if (got < 0 && errno == EINTR) continue;
      if (got < 0 && errno == ENOBUFS) return Asked::again;
      if (got < 0) return fail("cannot read the kernel's answer", errno);
      if (const auto asked = take(static_cast<std::size_t>(got), keep)) return *asked;
    }
  }

  // None: more is to come.
  std::optional<Asked> take(std::size_t size, bool keep) {
    int left = static_cast<int>(size);
    for (const auto* header = reinterpret_cast<const nlmsghdr*>(buffer_.data());
         mnl_nlmsg_ok(header, left); header = mnl_nlmsg_next(header, &left)) {
      if (header->nlmsg_seq != sequence_) continue;
      if ((header->nlmsg_flags & NLM_F_DUMP_INTR) != 0) interrupted_ = true;
      if (header->nlmsg_type == NLMSG_DONE || header->nlmsg_type == NLMSG_ERROR) {
        const bool again = std::exchange(interrupted_, false);
        int error = 0;
        if (mnl_nlmsg_get_payload_len(header) >= sizeof error)
          std::memcpy(&error, mnl_nlmsg_get_payload(header), sizeof error);
        // A set that has gone since it was listed.
        if (again || error == -ENOENT) return Asked::again;
        if (error < 0) return fail("the kernel does not list its ruleset", -error);
        return Asked::answered;
      }
      note(*header);
      if (!keep) continue;
      const auto* bytes = reinterpret_cast<const char*>(header);
      messages_.append(bytes, header->nlmsg_len);
      messages_.append(MNL_ALIGN(header->nlmsg_len) - header->nlmsg_len, '\0');
    }
    return std::nullopt;
  }

  // What has to be known to go on: the generation, and the sets.
  void note(const nlmsghdr& header) {
    const auto type = header.nlmsg_type & 0xffU;
    if (mnl_nlmsg_get_payload_len(&header) < sizeof(nfgenmsg)) return;
    const auto* extra = static_cast<const nfgenmsg*>(mnl_nlmsg_get_payload(&header));
    SetName set;
    set.family = extra->nfgen_family;
    const auto* end = static_cast<const char*>(mnl_nlmsg_get_payload_tail(&header));
    const auto* attribute =
        static_cast<const nlattr*>(mnl_nlmsg_get_payload_offset(&header, sizeof(nfgenmsg)));
    while (
        mnl_attr_ok(attribute, static_cast<int>(end - reinterpret_cast<const char*>(attribute)))) {
      const auto number = mnl_attr_get_type(attribute);
      const std::string_view value(static_cast<const char*>(mnl_attr_get_payload(attribute)),
                                   mnl_attr_get_payload_len(attribute));
      const auto text = value.substr(0, value.find('\0'));
      if (type == NFT_MSG_NEWGEN && number == NFTA_GEN_ID) generation_ = std::string(value);
      if (type == NFT_MSG_NEWSET && number == NFTA_SET_TABLE) set.table = text;
      if (type == NFT_MSG_NEWSET && number == NFTA_SET_NAME) set.name = text;
      attribute = mnl_attr_next(attribute);
    }
    if (type == NFT_MSG_NEWSET) sets_.push_back(std::move(set));
  }

  Asked fail(const std::string& what, int error) {
    error_ = what + ": " + std::generic_category().message(error);
    if (error == EPERM || error == EACCES) error_ += " (CAP_NET_ADMIN is needed)";
    return Asked::failed;
  }

  const Descriptor& socket_;
  std::string& error_;
  std::uint32_t sequence_ = 0;
  std::optional<std::string> generation_;
  bool interrupted_ = false;
  std::vector<char> buffer_ = std::vector<char>(std::size_t{1} << 16U);
  std::vector<SetName> sets_;
  std::string messages_;
};

}  // namespace

std::optional<std::string> dump_nftables(std::string& error) {
  for (int attempt = 0; attempt < most_attempts; ++attempt) {
    // A socket for each attempt: the rest of one that broke off stays with the old one.
    const Descriptor socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
    sockaddr_nl kernel{};
    kernel.nl_family = AF_NETLINK;
    if (!socket.valid() ||
        ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&kernel), sizeof kernel) != 0) {
      error = "cannot open a netlink socket: " + std::generic_category().message(errno);
      return std::nullopt;
    }
    Dump dump(socket, error);
    switch (dump.run()) {
      case Asked::answered: return dump.take_messages();
      case Asked::failed: return std::nullopt;
      case Asked::again: break;
    }
  }
  error = "the ruleset changes faster than it can be read";
  return std::nullopt;
}

}  // namespace firewright::host
