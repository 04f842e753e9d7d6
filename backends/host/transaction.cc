#include "backends/host/transaction.h"

#include <arpa/inet.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>
#include <sys/socket.h>

#include <cstring>
#include <utility>

#include "backends/host/attributes.h"

namespace firewright::host {
namespace {

// The 16 bits of an attribute's length hold the list of a message's elements.
constexpr std::size_t most_element_bytes = 60000;

void put_handle(std::string& out, std::uint16_t type, std::uint64_t handle) {
  char bytes[sizeof handle];
  for (std::size_t i = sizeof bytes; i > 0; --i, handle >>= 8U)
    bytes[i - 1] = static_cast<char>(handle & 0xffU);
  put_attribute(out, type, {bytes, sizeof bytes});
}

// What finds an element to delete.
void put_place(std::string& out, std::string_view element) {
  AttributeReader reader(element);
  while (const auto attribute = reader.next()) {
    const bool nested =
        attribute->type == NFTA_SET_ELEM_KEY || attribute->type == NFTA_SET_ELEM_KEY_END;
    if (nested || attribute->type == NFTA_SET_ELEM_FLAGS)
      put_attribute(out, static_cast<std::uint16_t>(attribute->type | (nested ? NLA_F_NESTED : 0)),
                    attribute->value);
  }
}

}  // namespace

Transaction::Transaction(TableName table) : table_(std::move(table)) {
  frame(NFNL_MSG_BATCH_BEGIN);
}

void Transaction::frame(std::uint16_t type) {
  const nlmsghdr header{.nlmsg_len = NLMSG_HDRLEN + sizeof(nfgenmsg),
                        .nlmsg_type = type,
                        .nlmsg_flags = NLM_F_REQUEST,
                        .nlmsg_seq = sequence_++,
                        .nlmsg_pid = 0};
  const nfgenmsg extra{
      .nfgen_family = AF_UNSPEC, .version = NFNETLINK_V0, .res_id = htons(NFNL_SUBSYS_NFTABLES)};
  out_.append(reinterpret_cast<const char*>(&header), sizeof header);
  out_.append(reinterpret_cast<const char*>(&extra), sizeof extra);
}

void Transaction::begin(int type, Verb verb) {
  unsigned flags = NLM_F_REQUEST;
  switch (verb) {
    case Verb::add: flags |= NLM_F_CREATE; break;
    case Verb::append: flags |= NLM_F_CREATE | NLM_F_APPEND; break;
    case Verb::remove: break;
  }
  message_ = out_.size();
  lent_bytes_ = 0;
  const nlmsghdr header{.nlmsg_len = 0,
                        .nlmsg_type = static_cast<std::uint16_t>(NFNL_SUBSYS_NFTABLES << 8U |
                                                                 static_cast<unsigned>(type)),
                        .nlmsg_flags = static_cast<std::uint16_t>(flags),
                        .nlmsg_seq = sequence_++,
                        .nlmsg_pid = 0};
  const nfgenmsg extra{.nfgen_family = static_cast<std::uint8_t>(table_.first),
                       .version = NFNETLINK_V0,
                       .res_id = 0};
  out_.append(reinterpret_cast<const char*>(&header), sizeof header);
  out_.append(reinterpret_cast<const char*>(&extra), sizeof extra);
  put_text(out_, NFTA_TABLE_NAME, table_.second);
}

void Transaction::end() {
  const auto length = static_cast<std::uint32_t>(out_.size() - message_ + lent_bytes_);
  std::memcpy(out_.data() + message_ + offsetof(nlmsghdr, nlmsg_len), &length, sizeof length);
  ++messages_;
}

std::optional<Batch> Transaction::finish() {
  if (too_large_) return std::nullopt;
  if (messages_ == 0) return Batch{};
  nlmsghdr header;
  std::memcpy(&header, out_.data() + message_, sizeof header);
  header.nlmsg_flags |= NLM_F_ACK;
  std::memcpy(out_.data() + message_, &header, sizeof header);
  frame(NFNL_MSG_BATCH_END);
  return Batch{.own = std::move(out_), .lent = std::move(lent_)};
}

void Transaction::new_table(const TableModel& table) {
  begin(NFT_MSG_NEWTABLE, Verb::add);
  out_ += table.definition;
  end();
}

void Transaction::delete_table() {
  begin(NFT_MSG_DELTABLE, Verb::remove);
  end();
}

void Transaction::new_chain(const ChainModel& chain) {
  begin(NFT_MSG_NEWCHAIN, Verb::add);
  put_text(out_, NFTA_CHAIN_NAME, chain.name);
  out_ += chain.definition;
  if (chain.policy) put_u32(out_, NFTA_CHAIN_POLICY, *chain.policy);
  end();
}

void Transaction::set_policy(const ChainModel& chain) {
  begin(NFT_MSG_NEWCHAIN, Verb::add);
  put_text(out_, NFTA_CHAIN_NAME, chain.name);
  if (chain.policy) put_u32(out_, NFTA_CHAIN_POLICY, *chain.policy);
  end();
}

void Transaction::delete_chain(const ChainModel& chain) {
  begin(NFT_MSG_DELCHAIN, Verb::remove);
  put_text(out_, NFTA_CHAIN_NAME, chain.name);
  end();
}

void Transaction::flush_chain(const ChainModel& chain) {
  begin(NFT_MSG_DELRULE, Verb::remove);
  put_text(out_, NFTA_RULE_CHAIN, chain.name);
  end();
}

void Transaction::new_object(const ObjectModel& object) {
  begin(NFT_MSG_NEWOBJ, Verb::add);
  put_text(out_, NFTA_OBJ_NAME, object.name.second);
  put_u32(out_, NFTA_OBJ_TYPE, object.name.first);
  out_ += object.definition;
  end();
}

void Transaction::delete_object(const ObjectModel& object) {
  begin(NFT_MSG_DELOBJ, Verb::remove);
  put_text(out_, NFTA_OBJ_NAME, object.name.second);
  put_u32(out_, NFTA_OBJ_TYPE, object.name.first);
  end();
}

void Transaction::define_set(const SetModel& set, std::string_view name, std::uint32_t id) {
  begin(NFT_MSG_NEWSET, Verb::add);
  put_text(out_, NFTA_SET_NAME, name);
  out_ += set.definition;
  put_u32(out_, NFTA_SET_ID, id);
  end();
}

void Transaction::new_set(const SetModel& set) {
  const auto id = ++set_ids_;
  define_set(set, set.name, id);
  if ((set.flags & NFT_SET_EVAL) == 0)
    put_elements(NFT_MSG_NEWSETELEM, set, set.name, id, set.elements);
  for (const auto list : set.lists) {
    begin(NFT_MSG_NEWSETELEM, Verb::add);
    put_text(out_, NFTA_SET_ELEM_LIST_SET, set.name);
    put_u32(out_, NFTA_SET_ELEM_LIST_SET_ID, id);
    lend_elements(list);
    end();
  }
}

// As the last attribute of its message.
void Transaction::lend_elements(std::string_view list) {
  const auto nest = begin_nest(out_, NFTA_SET_ELEM_LIST_ELEMENTS);
  const auto length = out_.size() - nest + list.size();
  // The next message must begin at a multiple of four.
  too_large_ |= length > 0xffff || list.size() % NLA_ALIGNTO != 0;
  const auto written = static_cast<std::uint16_t>(length);
  std::memcpy(out_.data() + nest + offsetof(nlattr, nla_len), &written, sizeof written);
  lent_.push_back({.before = out_.size(), .bytes = list});
  lent_bytes_ += list.size();
}

void Transaction::delete_set(const SetModel& set) {
  begin(NFT_MSG_DELSET, Verb::remove);
  put_text(out_, NFTA_SET_NAME, set.name);
  end();
}

void Transaction::flush_set(const SetModel& set) {
  begin(NFT_MSG_DELSETELEM, Verb::remove);
  put_text(out_, NFTA_SET_ELEM_LIST_SET, set.name);
  end();
}

void Transaction::add_elements(const SetModel& set, const std::vector<Element>& elements) {
  put_elements(NFT_MSG_NEWSETELEM, set, set.name, 0, elements);
}

void Transaction::delete_elements(const SetModel& set, const std::vector<Element>& elements) {
  put_elements(NFT_MSG_DELSETELEM, set, set.name, 0, elements);
}

void Transaction::put_elements(int type, const SetModel& set, std::string_view name,
                               std::uint32_t id, const std::vector<Element>& elements) {
  const bool remove = type == NFT_MSG_DELSETELEM;
  for (std::size_t i = 0; i < elements.size();) {
    begin(type, remove ? Verb::remove : Verb::add);
    put_text(out_, NFTA_SET_ELEM_LIST_SET, name);
    if (id != 0) put_u32(out_, NFTA_SET_ELEM_LIST_SET_ID, id);
    const auto list = begin_nest(out_, NFTA_SET_ELEM_LIST_ELEMENTS);
    do {
      const auto element = begin_nest(out_, NFTA_LIST_ELEM);
      const auto bytes = set.bytes_of(elements[i++]);
      if (remove)
        put_place(out_, bytes);
      else
        out_ += bytes;
      too_large_ |= !end_nest(out_, element);
    } while (i < elements.size() && out_.size() - list + elements[i].length < most_element_bytes);
    too_large_ |= !end_nest(out_, list);
    end();
  }
}

void Transaction::new_rule(const ChainModel& chain, const RuleModel& rule, const TableModel& wanted,
                           std::optional<std::uint64_t> before) {
  std::vector<std::uint32_t> ids;
  for (const auto index : rule.references.anonymous) {
    const auto& set = wanted.sets[index];
    const char* pattern = set.is_map() ? "__map%d" : "__set%d";
    ids.push_back(++set_ids_);
    define_set(set, pattern, ids.back());
    put_elements(NFT_MSG_NEWSETELEM, set, pattern, ids.back(), set.elements);
  }
  // With a position and without "append" it means: before that one.
  begin(NFT_MSG_NEWRULE, before ? Verb::add : Verb::append);
  put_text(out_, NFTA_RULE_CHAIN, chain.name);
  if (before) put_handle(out_, NFTA_RULE_POSITION, *before);
  const auto definition = out_.size();
  out_ += rule.definition;
  for (const auto& [offset, number] : rule.references.numbers) {
    const std::uint32_t id = htonl(ids[number]);
    std::memcpy(out_.data() + definition + offset, &id, sizeof id);
  }
  end();
}

void Transaction::accept_all(const ChainModel& chain) {
  begin(NFT_MSG_NEWRULE, Verb::append);
  put_text(out_, NFTA_RULE_CHAIN, chain.name);
  const auto expressions = begin_nest(out_, NFTA_RULE_EXPRESSIONS);
  const auto element = begin_nest(out_, NFTA_LIST_ELEM);
  put_text(out_, NFTA_EXPR_NAME, "immediate");
  const auto expression = begin_nest(out_, NFTA_EXPR_DATA);
  put_u32(out_, NFTA_IMMEDIATE_DREG, NFT_REG_VERDICT);
  const auto data = begin_nest(out_, NFTA_IMMEDIATE_DATA);
  const auto verdict = begin_nest(out_, NFTA_DATA_VERDICT);
  put_u32(out_, NFTA_VERDICT_CODE, NF_ACCEPT);
  for (const auto nest : {verdict, data, expression, element, expressions})
    too_large_ |= !end_nest(out_, nest);
  end();
}

void Transaction::delete_rule(const ChainModel& chain, const RuleModel& rule) {
  begin(NFT_MSG_DELRULE, Verb::remove);
  put_text(out_, NFTA_RULE_CHAIN, chain.name);
  put_handle(out_, NFTA_RULE_HANDLE, rule.handle);
  end();
}

}  // namespace firewright::host
