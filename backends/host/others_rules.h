// Rules of address translation, of nftables or iptables, as far as redirects have to know them.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "backends/host/others.h"
#include "compiler/ir/program.h"

namespace firewright::host {

struct NatRule {
  ir::Match match;
  bool to_this_host_only = false;
  bool exact = true;
  std::vector<std::string> jumps;  // chains that it goes to
  bool redirects = false;
  decltype(Redirect::addresses) addresses;
  decltype(Redirect::ports) ports;
};

struct NatTable {
  std::string name;
  std::map<std::string, std::vector<NatRule>> chains;
  std::vector<std::string> prerouting;  // chains where packets from outside start
};

[[nodiscard]] std::vector<NatTable> nat_tables_of_iptables(std::string_view saved, Family family);
// Of a dump. What cannot be read is left out.
[[nodiscard]] std::vector<NatTable> nat_tables_of_nftables(std::string_view messages);

// Those that are in both; false: of no others, as far as patterns can say it.
[[nodiscard]] bool intersect(ir::InterfaceSet& set, const ir::InterfaceSet& other);

}  // namespace firewright::host
