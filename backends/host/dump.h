// What stands in the kernel's nftables right now, as the netlink messages that say so.
//
// Tables with chains, objects, sets, elements and rules, in this order and that of the kernel. The
// answer is of one generation: when the ruleset changes meanwhile, it is asked for again.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "backends/host/host.h"

namespace firewright::host {

// Family (NFPROTO_*) and name.
using TableName = std::pair<unsigned, std::string>;
[[nodiscard]] TableName inet_table(const std::string& name);

struct Dump {
  std::string messages;          // none for an empty ruleset
  std::uint32_t generation = 0;  // of the whole ruleset: any transaction of anybody makes another
};

// Of all tables of all families, or of one, whose absence gives no messages. No value: `error` says
// why, for people.
[[nodiscard]] std::optional<Dump> dump_nftables(std::string& error,
                                                const std::optional<TableName>& only = {});
// The same; `failure` says what kind of failure it is.
[[nodiscard]] std::optional<Dump> dump_nftables(Result& failure,
                                                const std::optional<TableName>& only = {});

}  // namespace firewright::host
