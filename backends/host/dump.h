// What stands in the kernel's nftables right now, as the netlink messages that say so.
//
// Tables with chains, objects, sets, elements and rules, in this order and that of the kernel. The
// answer is of one generation: when the ruleset changes meanwhile, it is asked for again.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backends/host/host.h"

namespace firewright::host {

// Family (NFPROTO_*) and name.
using TableName = std::pair<unsigned, std::string>;
[[nodiscard]] TableName inet_table(const std::string& name);

// Lists of elements, as in NFTA_SET_ELEM_LIST_ELEMENTS; views into the messages they come from.
using ElementLists = std::vector<std::string_view>;
using ElementsOfSets = std::map<std::string, ElementLists, std::less<>>;

struct Dump {
  std::string messages;          // none for an empty ruleset
  std::uint32_t generation = 0;  // of the whole ruleset: any transaction of anybody makes another
  // Of sets whose elements were not asked for, since they were remembered: they are not in
  // `messages`.
  ElementsOfSets recalled;
};

struct Remembered;

// Of all tables of all families, or of one, whose absence gives no messages. No value: `error` says
// why, for people.
// Of all tables but these, without reading them.
[[nodiscard]] std::optional<Dump> dump_nftables_without(std::string& error,
                                                        const std::set<TableName>& tables);
[[nodiscard]] std::optional<Dump> dump_nftables(std::string& error,
                                                const std::optional<TableName>& only = {},
                                                const Remembered* remembered = nullptr);
// The same; `failure` says what kind of failure it is. Of one table, what is remembered of its
// large sets stands in place of the kernel's answer, and is recalled, for as long as the generation
// is the one that it was remembered of, and where the kernel tells a set's count, it has to agree.
[[nodiscard]] std::optional<Dump> dump_nftables(Result& failure,
                                                const std::optional<TableName>& only = {},
                                                const Remembered* remembered = nullptr);

}  // namespace firewright::host
