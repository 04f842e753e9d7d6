#include "backends/host/messages.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include <cstring>

namespace firewright::host {
namespace {

template <class T>
std::optional<T> read(std::string_view bytes, std::size_t offset) {
  T value;
  if (bytes.size() < offset || bytes.size() - offset < sizeof value) return std::nullopt;
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

std::size_t aligned(std::size_t size) { return (size + 3U) & ~std::size_t{3}; }

// A string attribute of the message's first level.
std::string text_attribute(const Message& message, std::uint16_t wanted) {
  std::size_t offset = sizeof(nlmsghdr) + sizeof(nfgenmsg);
  while (const auto attribute = read<nlattr>(message.bytes, offset)) {
    const std::size_t length = attribute->nla_len;
    if (length < sizeof(nlattr) || length > message.bytes.size() - offset) return {};
    if ((attribute->nla_type & NLA_TYPE_MASK) == wanted) {
      const auto text = message.bytes.substr(offset + sizeof(nlattr), length - sizeof(nlattr));
      return std::string(text.substr(0, text.find('\0')));
    }
    offset += aligned(length);
  }
  return {};
}

}  // namespace

std::size_t Batch::size() const {
  std::size_t size = own.size();
  for (const auto& piece : lent) size += piece.bytes.size();
  return size;
}

std::vector<std::string_view> Batch::pieces(std::size_t begin, std::size_t end) const {
  std::vector<std::string_view> all;
  const auto bytes = std::string_view(own);
  std::size_t done = begin;
  for (const auto& piece : lent) {
    if (piece.before <= begin || piece.before > end) continue;
    all.push_back(bytes.substr(done, piece.before - done));
    all.push_back(piece.bytes);
    done = piece.before;
  }
  all.push_back(bytes.substr(done, end - done));
  return all;
}

std::string Batch::joined() const {
  std::string bytes;
  bytes.reserve(size());
  for (const auto piece : pieces(0, own.size())) bytes += piece;
  return bytes;
}

std::optional<std::vector<Message>> split_batch(const Batch& batch) {
  std::vector<Message> messages;
  const auto own = std::string_view(batch.own);
  auto lent = batch.lent.begin();
  for (std::size_t offset = 0; offset < own.size();) {
    const auto header = read<nlmsghdr>(own, offset);
    constexpr std::size_t heads = sizeof(nlmsghdr) + sizeof(nfgenmsg);
    if (!header || header->nlmsg_len < heads) return std::nullopt;
    std::size_t length = header->nlmsg_len;
    for (; lent != batch.lent.end() && lent->before <= offset + length; ++lent) {
      if (lent->before < offset + heads || lent->bytes.size() > length) return std::nullopt;
      length -= lent->bytes.size();
      if (lent->before > offset + length) return std::nullopt;
    }
    if (length > own.size() - offset) return std::nullopt;
    messages.push_back({.sequence = header->nlmsg_seq,
                        .type = header->nlmsg_type,
                        .offset = offset,
                        .bytes = own.substr(offset, length)});
    offset += aligned(length);
  }
  if (messages.size() < 3 || messages.front().type != NFNL_MSG_BATCH_BEGIN ||
      messages.back().type != NFNL_MSG_BATCH_END)
    return std::nullopt;
  return messages;
}

std::string describe(const Message& message) {
  if (message.type == NFNL_MSG_BATCH_BEGIN) return "begin of the transaction";
  if (message.type == NFNL_MSG_BATCH_END) return "end of the transaction";
  switch (message.type & 0xffU) {
    case NFT_MSG_NEWTABLE: return "new table " + text_attribute(message, NFTA_TABLE_NAME);
    case NFT_MSG_DELTABLE: return "delete table " + text_attribute(message, NFTA_TABLE_NAME);
    case NFT_MSG_NEWCHAIN: return "new chain " + text_attribute(message, NFTA_CHAIN_NAME);
    case NFT_MSG_DELCHAIN: return "delete chain " + text_attribute(message, NFTA_CHAIN_NAME);
    case NFT_MSG_NEWRULE: return "new rule in chain " + text_attribute(message, NFTA_RULE_CHAIN);
    case NFT_MSG_DELRULE:
      return "delete rules of chain " + text_attribute(message, NFTA_RULE_CHAIN);
    case NFT_MSG_NEWSET: return "new set " + text_attribute(message, NFTA_SET_NAME);
    case NFT_MSG_DELSET: return "delete set " + text_attribute(message, NFTA_SET_NAME);
    case NFT_MSG_NEWSETELEM:
      return "elements of set " + text_attribute(message, NFTA_SET_ELEM_LIST_SET);
    case NFT_MSG_DELSETELEM:
      return "delete elements of set " + text_attribute(message, NFTA_SET_ELEM_LIST_SET);
    case NFT_MSG_NEWOBJ: return "new object " + text_attribute(message, NFTA_OBJ_NAME);
    case NFT_MSG_DELOBJ: return "delete object " + text_attribute(message, NFTA_OBJ_NAME);
    default: return "message of type " + std::to_string(message.type & 0xffU);
  }
}

}  // namespace firewright::host
