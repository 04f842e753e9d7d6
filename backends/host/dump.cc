#include "backends/host/dump.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string_view>
#include <system_error>
#include <utility>
#include <vector>

#include "backends/host/attributes.h"
#include "backends/host/descriptor.h"
#include "backends/host/remembered.h"

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
  std::uint32_t flags = 0;
  bool has_size = false;               // declared
  std::optional<std::uint32_t> count;  // of elements; Linux 6.15 and later say it
};

// Of linux/netfilter/nf_tables.h, where old headers lack them.
constexpr int nfta_set_count = 20;
constexpr std::uint32_t nft_set_elem_catchall = 2;

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

struct Wanted {
  std::optional<TableName> only;
  std::set<TableName> without;
  const Remembered* remembered = nullptr;
};

class Reader {
 public:
  // `patient`: an answer that looks incomplete is asked for again.
  Reader(const Descriptor& socket, Result& failure, const Wanted& wanted, bool patient)
      : socket_(socket),
        failure_(failure),
        only_(wanted.only),
        without_(wanted.without),
        remembered_(wanted.remembered),
        patient_(patient) {
    constexpr int room = 64 << 20;
    // Without the right to more room the usual one has to do.
    if (setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUFFORCE, &room, sizeof room) != 0)
      (void)setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &room, sizeof room);
  }

  [[nodiscard]] Dump take() {
    return {.messages = std::move(messages_),
            .generation = *generation_,
            .recalled = std::move(recalled_)};
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
    for (const auto& set : sets_) {
      if (const auto* lists = recall(set)) {
        recalled_.emplace(set.name, *lists);
        continue;
      }
      elements_.clear();
      if (const auto asked = ask(NFT_MSG_GETSETELEM, &set, true); asked != Asked::answered)
        return asked;
      if (patient_ && !is_whole(set)) return Asked::again;
    }
    if (without_.empty()) return ask(NFT_MSG_GETRULE, nullptr, true);
    for (const auto& table : tables_)
      if (const auto asked = ask(NFT_MSG_GETRULE, nullptr, true, &table); asked != Asked::answered)
        return asked;
    return Asked::answered;
  }

  // A hashed set without a declared size grows some time after it was filled, and who walks it then
  // meets elements twice or not at all. It is whole when it has as many different ones as the
  // kernel says.
  [[nodiscard]] bool is_whole(const SetName& set) {
    if (!set.count || set.has_size ||
        (set.flags & (NFT_SET_INTERVAL | NFT_SET_EVAL | NFT_SET_TIMEOUT)) != 0)
      return true;
    std::sort(elements_.begin(), elements_.end());
    elements_.erase(std::unique(elements_.begin(), elements_.end()), elements_.end());
    return elements_.size() == *set.count;
  }

  // Keys, by hashes. The element that stands for everything else is not counted.
  void note_elements(std::string_view list) {
    AttributeReader reader(list);
    while (const auto element = reader.next()) {
      const auto flags = find_attribute(element->value, NFTA_SET_ELEM_FLAGS);
      if (!flags || (to_u32(*flags).value_or(0) & nft_set_elem_catchall) == 0)
        elements_.push_back(std::hash<std::string_view>()(
            find_attribute(element->value, NFTA_SET_ELEM_KEY).value_or(std::string_view{})));
    }
  }

  // What is known of a set without asking. None: the kernel has to be asked.
  [[nodiscard]] const ElementLists* recall(const SetName& set) const {
    if (remembered_ == nullptr || !only_ || generation_ != remembered_->generation) return nullptr;
    if ((set.flags & (NFT_SET_EVAL | NFT_SET_TIMEOUT | NFT_SET_ANONYMOUS)) != 0) return nullptr;
    const auto found = remembered_->sets.find(set.name);
    if (found == remembered_->sets.end()) return nullptr;
    // Of intervals the kernel counts neither beginnings nor ends in a way that all versions share.
    if (set.count && (set.flags & NFT_SET_INTERVAL) == 0 &&
        *set.count != count_elements(found->second))
      return nullptr;
    return &found->second;
  }

  Asked ask(int type, const SetName* set, bool keep, const TableName* of_table = nullptr) {
    const auto* table = of_table != nullptr ? of_table : only_ ? &*only_ : nullptr;
    std::vector<char> buffer(MNL_NLMSG_HDRLEN + 1024);
    nlmsghdr* request = mnl_nlmsg_put_header(buffer.data());
    request->nlmsg_type =
        static_cast<std::uint16_t>((NFNL_SUBSYS_NFTABLES << 8) | static_cast<unsigned>(type));
    request->nlmsg_flags = NLM_F_REQUEST | (type == NFT_MSG_GETGEN ? NLM_F_ACK : NLM_F_DUMP);
    request->nlmsg_seq = ++sequence_;
    auto* extra = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(request, sizeof(nfgenmsg)));
    if (set != nullptr)
      extra->nfgen_family = set->family;
    else if (table != nullptr && type != NFT_MSG_GETGEN)
      extra->nfgen_family = static_cast<std::uint8_t>(table->first);
    extra->version = NFNETLINK_V0;
    // For rules, objects and sets the kernel then leaves other tables out; what comes of tables and
    // chains is chosen here.
    if (set == nullptr && table != nullptr && type != NFT_MSG_GETGEN && type != NFT_MSG_GETTABLE)
      mnl_attr_put_strz(request, NFTA_RULE_TABLE, table->second.c_str());
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
      if (type == NFT_MSG_NEWGEN && number == NFTA_GEN_ID) generation_ = to_u32(value);
      if (type != NFT_MSG_NEWGEN && number == NFTA_TABLE_NAME) set.table = text;
      if (type == NFT_MSG_NEWSET && number == NFTA_SET_NAME) set.name = text;
      if (type == NFT_MSG_NEWSET && number == NFTA_SET_FLAGS) set.flags = to_u32(value).value_or(0);
      if (type == NFT_MSG_NEWSET && number == NFTA_SET_DESC)
        set.has_size = find_attribute(value, NFTA_SET_DESC_SIZE).has_value();
      if (type == NFT_MSG_NEWSET && number == nfta_set_count) set.count = to_u32(value);
      if (type == NFT_MSG_NEWSETELEM && number == NFTA_SET_ELEM_LIST_ELEMENTS) note_elements(value);
      attribute = mnl_attr_next(attribute);
    }
    if (type == NFT_MSG_NEWGEN) return true;
    const TableName table(set.family, set.table);
    if ((only_ && table != *only_) || without_.contains(table)) return false;
    if (type == NFT_MSG_NEWTABLE) tables_.push_back(table);
    if (type == NFT_MSG_NEWSET) sets_.push_back(std::move(set));
    return true;
  }

  static std::optional<std::uint32_t> to_u32(std::string_view value) {
    std::uint32_t number = 0;
    if (value.size() != sizeof number) return std::nullopt;
    std::memcpy(&number, value.data(), sizeof number);
    return ntohl(number);
  }

  Asked fail(const std::string& what, int error) {
    failure_ = failed(what, error);
    return Asked::failed;
  }

  const Descriptor& socket_;
  Result& failure_;
  const std::optional<TableName>& only_;
  const std::set<TableName>& without_;
  const Remembered* remembered_;
  std::uint32_t sequence_ = 0;
  std::optional<std::uint32_t> generation_;
  bool patient_;
  bool interrupted_ = false;
  std::vector<std::size_t> elements_;  // hashes, of the set that is being read
  std::vector<char> buffer_ = std::vector<char>(std::size_t{1} << 16U);
  std::vector<TableName> tables_;
  std::vector<SetName> sets_;
  std::string messages_;
  ElementsOfSets recalled_;
};

std::optional<Dump> dump(Result& failure, const Wanted& wanted) {
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
    constexpr int patience = 25;
    Reader reader(socket, failure, wanted, attempt < patience);
    switch (reader.run()) {
      case Asked::answered: return reader.take();
      case Asked::failed: return std::nullopt;
      case Asked::again: break;
    }
  }
  failure = {.reason = Reason::raced, .error = "the ruleset changes faster than it can be read"};
  return std::nullopt;
}

}  // namespace

TableName inet_table(const std::string& name) { return {NFPROTO_INET, name}; }

std::optional<Dump> dump_nftables(Result& failure, const std::optional<TableName>& only,
                                  const Remembered* remembered) {
  return dump(failure, {.only = only, .without = {}, .remembered = remembered});
}

std::optional<Dump> dump_nftables(std::string& error, const std::optional<TableName>& only,
                                  const Remembered* remembered) {
  Result failure;
  auto dump = dump_nftables(failure, only, remembered);
  if (!dump) error = std::move(failure.error);
  return dump;
}

std::optional<Dump> dump_nftables_without(std::string& error, const std::set<TableName>& tables) {
  Result failure;
  auto dump = host::dump(failure, {.only = {}, .without = tables, .remembered = nullptr});
  if (!dump) error = std::move(failure.error);
  return dump;
}

}  // namespace firewright::host
