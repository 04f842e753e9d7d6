// Small tables for the tests of what is done to a kernel's tables, and what nft says of them there.
#pragma once

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <cstring>
#include <functional>
#include <initializer_list>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "backends/host/process.h"
#include "backends/host/table.h"
#include "backends/nftables/batch.h"
#include "tests/backends/in_namespace.h"

namespace firewright::host::test_tables {

using nftables::DataType;
using nftables::Elements;
using nftables::Field;
using nftables::Match;
using nftables::Range;
using nftables::Ruleset;
using nftables::VerdictCode;

inline const TableName ours{NFPROTO_INET, "firewright"};

inline nftables::Rule rule(std::vector<nftables::Statement> statements, std::string comment = {}) {
  return {.statements = std::move(statements), .comment = std::move(comment)};
}
inline Match match(Field field, std::variant<Range, Elements, nftables::SetName> value) {
  return {.field = field, .negated = false, .value = std::move(value), .implied = false};
}
inline nftables::Verdict verdict(VerdictCode code, std::string chain = {}) {
  return {.code = code, .chain = std::move(chain)};
}
inline nftables::Rule port(std::uint16_t number) {
  return rule({match(Field::l4proto, Range{6, 6}), match(Field::tcp_dport, Range{number, number}),
               verdict(VerdictCode::accept)});
}
inline nftables::Set set_of(std::vector<Range> keys) {
  return {.name = "from-list-v4",
          .type = DataType::ipv4_addr,
          .elements = {.keys = std::move(keys), .verdicts = {}},
          .dynamic = false,
          .size = 0,
          .timeout_seconds = 0,
          .comment = {}};
}
inline nftables::Rule from_list() {
  return rule({match(Field::nfproto, Range{NFPROTO_IPV4, NFPROTO_IPV4}),
               match(Field::ip_saddr, nftables::SetName{"from-list-v4"}),
               verdict(VerdictCode::drop)});
}
inline std::vector<Range> addresses(std::initializer_list<std::uint32_t> lasts) {
  std::vector<Range> keys;
  for (const auto last : lasts) keys.push_back({0xc0000200U + last, 0xc0000200U + last});
  return keys;
}

// An input chain of these rules and a last drop.
inline Ruleset table(std::vector<nftables::Rule> rules) {
  rules.push_back(rule({verdict(VerdictCode::drop)}));
  Ruleset ruleset;
  ruleset.table = ours.second;
  ruleset.chains = {
      {.name = "input",
       .base =
           nftables::BaseHook{.hook = ir::Hook::inbound, .priority = 0, .policy_accepts = false},
       .rules = std::move(rules)}};
  return ruleset;
}

inline nftables::Rule from_list_inline() {
  return rule({match(Field::l4proto, Range{6, 6}),
               match(Field::tcp_dport, Elements{.keys = {{80, 80}, {443, 443}}, .verdicts = {}}),
               verdict(VerdictCode::accept)});
}

// The first message that makes the table, with the flag that it belongs to whoever sends it.
inline std::string owned(const std::string& batch) {
  std::vector<std::string> messages;
  for (std::size_t at = 0; at < batch.size();) {
    nlmsghdr header;
    std::memcpy(&header, batch.data() + at, sizeof header);
    messages.push_back(batch.substr(at, NLMSG_ALIGN(header.nlmsg_len)));
    at += NLMSG_ALIGN(header.nlmsg_len);
  }
  auto& made = messages[1];
  const nlattr flags{.nla_len = 8, .nla_type = NFTA_TABLE_FLAGS};
  const std::uint32_t owner = htonl(0x2);
  made.append(reinterpret_cast<const char*>(&flags), sizeof flags);
  made.append(reinterpret_cast<const char*>(&owner), sizeof owner);
  const auto length = static_cast<std::uint32_t>(made.size());
  std::memcpy(made.data(), &length, sizeof length);
  return messages.front() + made + messages.back();
}

// A datagram over loopback, which comes up first; port 0: none.
inline bool send_to_ourselves(std::uint16_t to_port) {
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  ifreq request{};
  std::strcpy(request.ifr_name, "lo");
  bool done = ioctl(socket, SIOCGIFFLAGS, &request) == 0;
  request.ifr_flags = static_cast<short>(request.ifr_flags | IFF_UP);
  done = done && ioctl(socket, SIOCSIFFLAGS, &request) == 0;
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(to_port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (to_port != 0)
    done = done && sendto(socket, "x", 1, 0, reinterpret_cast<const sockaddr*>(&address),
                          sizeof address) == 1;
  close(socket);
  return done;
}

inline std::string nft(const std::vector<std::string>& words) {
  std::vector<std::string> command{"nft"};
  command.insert(command.end(), words.begin(), words.end());
  const auto ran = run(command, {});
  return ran.err + ran.out;
}
inline std::string script(const std::string& text) { return run({"nft", "-f", "-"}, text).err; }
inline std::string listing() { return nft({"-a", "list", "table", "inet", "firewright"}); }

inline std::string shown(const TableChange& change) {
  if (!change.result.ok()) return "refused: " + change.result.error + "\n";
  const auto& d = change.delta;
  std::string text = change.changed ? "changed" : "unchanged";
  if (d.whole) text += " whole";
  if (!change.refused_in_place.empty()) text += ", not in place: " + change.refused_in_place;
  const auto add = [&](const char* what, std::size_t kept, std::size_t added, std::size_t gone) {
    text += std::string(", ") + what + " " + std::to_string(kept) + "+" + std::to_string(added) +
            "-" + std::to_string(gone);
  };
  if (change.prepared > 0) text += ", prepared " + std::to_string(change.prepared);
  text += ", messages " + std::to_string(d.messages);
  add("rules", d.kept_rules, d.new_rules, d.gone_rules);
  if (d.kept_sets + d.new_sets + d.gone_sets != 0)
    add("sets", d.kept_sets, d.new_sets, d.gone_sets);
  if (d.new_elements + d.gone_elements != 0) add("elements", 0, d.new_elements, d.gone_elements);
  return text + "\n";
}
// One after the other, which operands of "+" need not be.
inline std::string in_order(std::initializer_list<std::string> parts) {
  std::string text;
  for (const auto& part : parts) text += part;
  return text;
}
inline std::string put(const Ruleset& ruleset) { return shown(put_table(ours, to_batch(ruleset))); }

inline void expect_in_namespace(const std::function<std::string()>& body,
                                const std::string& expected) {
  const auto ran = test::in_namespace(body);
  if (!ran.refused.empty()) GTEST_SKIP() << ran.refused;
  EXPECT_EQ(ran.output, expected);
}

// Each line that says a handle, of rules and of what holds them.
inline std::set<std::string> handles() {
  std::set<std::string> lines;
  std::istringstream text(listing());
  for (std::string line; std::getline(text, line);)
    if (line.find("# handle") != std::string::npos) lines.insert(line);
  return lines;
}
// Of the lines before, how many are still there.
inline std::string kept(const std::set<std::string>& before) {
  const auto now = handles();
  std::size_t count = 0;
  for (const auto& line : before) count += now.contains(line) ? 1U : 0U;
  return "kept " + std::to_string(count) + " of " + std::to_string(before.size()) + "\n";
}

}  // namespace firewright::host::test_tables
