// The firewall that this host has right now, as artifacts to decode.
//
// nftables tables come as the kernel's own messages. The tables that iptables keeps in nftables are
// left out of them and come as iptables shows them, since rules in them may hold parts that only
// iptables can read; so do those of the legacy iptables, which live beside nftables.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "backends/host/dump.h"

namespace firewright::host {

struct Saved {
  std::string v4, v6;     // texts of iptables-save and ip6tables-save; one may be empty
  std::string sets = {};  // of `ipset save`: the sets that these refer to, where they can be read
};

struct Live {
  std::string messages;      // may be empty
  std::vector<Saved> saved;  // of iptables on nftables, of the legacy one
};

struct LivePrograms {  // a name without '/' is looked for in PATH, /usr/sbin and /sbin
  std::string save_v4 = "iptables-save";
  std::string save_v6 = "ip6tables-save";
  std::string legacy_save_v4 = "iptables-legacy-save";
  std::string legacy_save_v6 = "ip6tables-legacy-save";
  std::string ipset = "ipset";
};

// No value: `error` says why, for people. A host without iptables has none of its tables. The
// tables of nftables in `without` are not read.
[[nodiscard]] std::optional<Live> read_live(std::string& error, const LivePrograms& programs = {},
                                            const std::set<TableName>& without = {});

// Whether the legacy iptables has tables here: they exist once somebody has asked for them. To look
// makes none.
[[nodiscard]] bool has_legacy_tables();

// The messages without those of the tables. What is no whole message any more is kept as it is, for
// the decoder to complain about.
[[nodiscard]] std::string without_tables(std::string_view messages,
                                         const std::set<TableName>& tables);

// The tables ("filter", "nat") that a saved text holds rules of.
[[nodiscard]] std::vector<std::string> tables_of(std::string_view saved);

}  // namespace firewright::host
