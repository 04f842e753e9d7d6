#include "backends/host/remembered.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include <cstring>

#include "backends/host/attributes.h"

namespace firewright::host {

static_assert(NFTA_SET_ELEM_LIST_TABLE == 1);

namespace {

// Appends messages that say what the set holds.
void put_elements(std::string& out, const TableName& table, std::string_view set,
                  const ElementLists& lists) {
  for (const auto list : lists) {
    const auto begin = out.size();
    nlmsghdr header{.nlmsg_len = 0,
                    .nlmsg_type = NFNL_SUBSYS_NFTABLES << 8U | NFT_MSG_NEWSETELEM,
                    .nlmsg_flags = NLM_F_REQUEST | NLM_F_CREATE,
                    .nlmsg_seq = 0,
                    .nlmsg_pid = 0};
    const nfgenmsg extra{.nfgen_family = static_cast<std::uint8_t>(table.first),
                         .version = NFNETLINK_V0,
                         .res_id = 0};
    out.append(reinterpret_cast<const char*>(&header), sizeof header);
    out.append(reinterpret_cast<const char*>(&extra), sizeof extra);
    put_text(out, NFTA_SET_ELEM_LIST_TABLE, table.second);
    put_text(out, NFTA_SET_ELEM_LIST_SET, set);
    put_attribute(out, NFTA_SET_ELEM_LIST_ELEMENTS | NLA_F_NESTED, list);
    header.nlmsg_len = static_cast<std::uint32_t>(out.size() - begin);
    std::memcpy(out.data() + begin, &header, sizeof header);
  }
}

}  // namespace

ElementsOfSets large_sets(std::string_view messages, const TableName& table) {
  ElementsOfSets sets;
  MessageReader reader(messages);
  while (const auto message = reader.next()) {
    if (message->type >> 8U != NFNL_SUBSYS_NFTABLES || message->family != table.first) continue;
    const auto kind = message->type & 0xffU;
    if (kind != NFT_MSG_NEWSETELEM && kind != NFT_MSG_DELSETELEM && kind != NFT_MSG_DELTABLE)
      continue;
    if (text_of(find_attribute(message->attributes, NFTA_SET_ELEM_LIST_TABLE).value_or("")) !=
        table.second)
      continue;
    if (kind == NFT_MSG_DELTABLE) sets.clear();
    if (kind == NFT_MSG_DELSETELEM) return {};
    if (kind != NFT_MSG_NEWSETELEM || (message->flags & NLM_F_CREATE) == 0) continue;
    const auto name =
        text_of(find_attribute(message->attributes, NFTA_SET_ELEM_LIST_SET).value_or(""));
    const auto list = find_attribute(message->attributes, NFTA_SET_ELEM_LIST_ELEMENTS);
    // The name of an anonymous set is a pattern.
    if (name.empty() || name.find('%') != std::string_view::npos || !list) continue;
    auto place = sets.find(name);
    if (place == sets.end()) place = sets.emplace(name, ElementLists{}).first;
    place->second.push_back(*list);
  }
  if (reader.damaged()) return {};
  std::erase_if(sets, [](const auto& entry) {
    std::size_t bytes = 0;
    for (const auto list : entry.second) bytes += list.size();
    return bytes < large_set;
  });
  return sets;
}

std::size_t count_elements(const ElementLists& lists) {
  std::size_t count = 0;
  for (const auto list : lists) {
    AttributeReader reader(list);
    while (reader.next()) ++count;
  }
  return count;
}

std::uint32_t next_generation(std::uint32_t generation) {
  return ++generation == 0 ? 1 : generation;
}

std::string whole(Dump dump, const TableName& table) {
  std::size_t bytes = dump.messages.size();
  constexpr std::size_t heads = 256;  // of a message, and the names
  for (const auto& [name, lists] : dump.recalled)
    for (const auto list : lists) bytes += list.size() + heads;
  dump.messages.reserve(bytes);
  for (const auto& [name, lists] : dump.recalled) put_elements(dump.messages, table, name, lists);
  return std::move(dump.messages);
}

}  // namespace firewright::host
