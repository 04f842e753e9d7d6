#include "backends/host/dump.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
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

// The first attribute of every message names its table.
static_assert(NFTA_TABLE_NAME == 1 && NFTA_CHAIN_TABLE == 1 && NFTA_RULE_TABLE == 1 &&
              NFTA_SET_TABLE == 1 && NFTA_SET_ELEM_LIST_TABLE == 1 && NFTA_OBJ_TABLE == 1);

struct SetName {
  std::uint8_t family = 0;
  std::string table;
  std::string name;
};

Result failed(const std::string& what, int error) {
  Result result{.reason = Reason::io,
                .error = what + ": " + std::generic_category().message(error)};
  if (error == EPERM || error == EACCES) {
    result.reason = Reason::permission;
    result.error += " (CAP_NET_ADMIN is needed)";
  }
  if (error == EAFNOSUPPORT || error == EPROTONOSUPPORT || error == EOPNOTSUPP)
    result.reason = Reason::unsupported;
  return result;
}

class Reader {
 public:
  Reader(const Descriptor& socket, Result& failure, const std::optional<TableName>& only)
      : socket_(socket), failure_(failure), only_(only) {
    constexpr int room = 64 << 20;
    // Without the right to more room the usual one has to do.
    if (setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) != 0)
      (void)setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  }

  [[nodiscard]] Dump take() {
    return {.messages = std::move(messages_), .generation = *generation_};
  }

  Asked run() {
    if (const auto asked = ask(NFT_MSG_GETGEN, nullptr, /*keep=*/false); asked != Asked::answered)
      return asked;
    if (!generation_) return fail("the kernel does not tell its ruleset's generation", EPROTO);
    const auto before = generation_;
    if (const auto asked = list(); asked != Asked::answered) return asked;
    if (const auto asked = ask(NFT_MSG_GETGEN, nullptr, false); asked != Asked::answered)
      return asked;
    return generation_ == before ? Asked::answered : Asked::again;
  }

 private:
  Asked list() {
    if (const auto asked = ask(NFT_MSG_GETTABLE, nullptr, true); asked != Asked::answered)
      return asked;
    // What there is no table for is not asked for: some kernels call that an error.
    if (messages_.empty()) return Asked::answered;
    for (const auto type : {NFT_MSG_GETCHAIN, NFT_MSG_GETOBJ, NFT_MSG_GETSET})
      if (const auto asked = ask(type, nullptr, true); asked != Asked::answered) return asked;
    for (const auto& set : sets_)
      if (const auto asked = ask(NFT_MSG_GETSETELEM, &set, true); asked != Asked::answered)
        return asked;
    return ask(NFT_MSG_GETRULE, nullptr, true);
  }

  Asked ask(int type, const SetName* set, bool keep) {
    std::vector<char> buffer(MNL_NLMSG_HDRLEN + 1024);
    nlmsghdr* request = mnl_nlmsg_put_header(buffer.data());
    request->nlmsg_type =
        static_cast<std::uint16_t>((NFNL_SUBSYS_NFTABLES << 8) | static_cast<unsigned>(type));
    request->nlmsg_flags = NLM_F_REQUEST | (type == NFT_MSG_GETGEN ? NLM_F_ACK : NLM_F_DUMP);
    request->nlmsg_seq = ++sequence_;
    auto* extra = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(request, sizeof(nfgenmsg)));
    if (set != nullptr)
      extra->nfgen_family = set->family;
    else if (only_ && type != NFT_MSG_GETGEN)
      extra->nfgen_family = static_cast<std::uint8_t>(only_->first);
    extra->version = NFNETLINK_V0;
    // For rules, objects and sets the kernel then leaves other tables out; what comes of tables and
    // chains is chosen here.
    if (set == nullptr && only_ && type != NFT_MSG_GETGEN && type != NFT_MSG_GETTABLE)
      mnl_attr_put_strz(request, NFTA_RULE_TABLE, only_->second.c_str());
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
      if (!note(*header) || !keep) continue;
      const auto* bytes = reinterpret_cast<const char*>(header);
      messages_.append(bytes, header->nlmsg_len);
      messages_.append(MNL_ALIGN(header->nlmsg_len) - header->nlmsg_len, '\0');
    }
    return std::nullopt;
  }

  // What has to be known to go on: the generation, and the sets. False: of another table.
  bool note(const nlmsghdr& header) {
    const auto type = header.nlmsg_type & 0xffU;
    if (mnl_nlmsg_get_payload_len(&header) < sizeof(nfgenmsg)) return true;
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
      if (type == NFT_MSG_NEWGEN && number == NFTA_GEN_ID) note_generation(value);
      if (type != NFT_MSG_NEWGEN && number == NFTA_TABLE_NAME) set.table = text;
      if (type == NFT_MSG_NEWSET && number == NFTA_SET_NAME) set.name = text;
      attribute = mnl_attr_next(attribute);
    }
    if (only_ && type != NFT_MSG_NEWGEN && TableName(set.family, set.table) != *only_) return false;
    if (type == NFT_MSG_NEWSET) sets_.push_back(std::move(set));
    return true;
  }

  void note_generation(std::string_view value) {
    std::uint32_t number = 0;
    if (value.size() != sizeof number) return;
    std::memcpy(&number, value.data(), sizeof number);
    generation_ = ntohl(number);
  }

  Asked fail(const std::string& what, int error) {
    failure_ = failed(what, error);
    return Asked::failed;
  }

  const Descriptor& socket_;
  Result& failure_;
  const std::optional<TableName>& only_;
  std::uint32_t sequence_ = 0;
  std::optional<std::uint32_t> generation_;
  bool interrupted_ = false;
  std::vector<char> buffer_ = std::vector<char>(std::size_t{1} << 16U);
  std::vector<SetName> sets_;
  std::string messages_;
};

}  // namespace

TableName inet_table(const std::string& name) { return {NFPROTO_INET, name}; }

std::optional<Dump> dump_nftables(Result& failure, const std::optional<TableName>& only) {
  for (int attempt = 0; attempt < most_attempts; ++attempt) {
    // A socket for each attempt: the rest of one that broke off stays with the old one.
    const Descriptor socket(::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER));
    sockaddr_nl kernel{};
    kernel.nl_family = AF_NETLINK;
    if (!socket.valid() ||
        ::connect(socket.get(), reinterpret_cast<const sockaddr*>(&kernel), sizeof kernel) != 0) {
      failure = failed("cannot open a netlink socket", errno);
      return std::nullopt;
    }
    Reader reader(socket, failure, only);
    switch (reader.run()) {
      case Asked::answered: return reader.take();
      case Asked::failed: return std::nullopt;
      case Asked::again: break;
    }
  }
  failure = {.reason = Reason::raced, .error = "the ruleset changes faster than it can be read"};
  return std::nullopt;
}

std::optional<Dump> dump_nftables(std::string& error, const std::optional<TableName>& only) {
  Result failure;
  auto dump = dump_nftables(failure, only);
  if (!dump) error = std::move(failure.error);
  return dump;
}

}  // namespace firewright::host
