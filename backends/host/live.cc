#include "backends/host/live.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include <cerrno>
#include <cstring>
#include <fstream>

#include "backends/host/dump.h"
#include "backends/host/error_text.h"
#include "backends/host/ipset.h"
#include "backends/host/process.h"

namespace firewright::host {
namespace {

bool names_a_table(const char* list) {
  std::ifstream file(list);
  std::string name;
  return static_cast<bool>(file >> name);
}

std::optional<std::string> save(const std::string& program, std::string& error) {
  auto finished = run({program}, {});
  if (finished.ok()) return std::move(finished.out);
  error = "`" + program + "` failed";
  if (finished.exec_error != 0) error += std::string(": ") + error_text(finished.exec_error);
  if (const auto line = finished.err.substr(0, finished.err.find('\n')); !line.empty())
    error += ": " + line;
  return std::nullopt;
}

// "iptables-save v1.8.9 (nf_tables)"; none: it is not there.
enum class Variant { none, nftables, legacy };
Variant variant(const std::string& program) {
  const auto finished = run({program, "--version"}, {});
  if (finished.exec_error != 0) return Variant::none;
  return finished.out.find("nf_tables") != std::string::npos ? Variant::nftables : Variant::legacy;
}

// The value of the first attribute of a type, a text; every message of nf_tables says its table so.
std::string table_name(std::string_view message) {
  static_assert(NFTA_TABLE_NAME == 1 && NFTA_CHAIN_TABLE == 1 && NFTA_RULE_TABLE == 1 &&
                NFTA_SET_TABLE == 1 && NFTA_SET_ELEM_LIST_TABLE == 1 && NFTA_OBJ_TABLE == 1 &&
                NFTA_FLOWTABLE_TABLE == 1);
  auto at = std::size_t{NLMSG_HDRLEN} + NLMSG_ALIGN(sizeof(nfgenmsg));
  while (at + sizeof(nlattr) <= message.size()) {
    nlattr attribute{};
    std::memcpy(&attribute, message.data() + at, sizeof attribute);
    if (attribute.nla_len < sizeof attribute || at + attribute.nla_len > message.size()) break;
    if ((attribute.nla_type & NLA_TYPE_MASK) == NFTA_TABLE_NAME) {
      const auto value =
          message.substr(at + sizeof attribute, attribute.nla_len - sizeof attribute);
      return std::string(value.substr(0, value.find('\0')));
    }
    at += NLA_ALIGN(attribute.nla_len);
  }
  return {};
}

}  // namespace

bool has_legacy_tables() {
  return names_a_table("/proc/self/net/ip_tables_names") ||
         names_a_table("/proc/self/net/ip6_tables_names");
}

std::string without_tables(std::string_view messages, const std::set<TableName>& tables) {
  std::string kept;
  kept.reserve(messages.size());
  while (!messages.empty()) {
    nlmsghdr header{};
    const bool whole = messages.size() >= sizeof header + sizeof(nfgenmsg);
    if (whole) std::memcpy(&header, messages.data(), sizeof header);
    if (!whole || header.nlmsg_len < sizeof header || header.nlmsg_len > messages.size())
      return kept.append(messages);
    const auto size = std::min<std::size_t>(NLMSG_ALIGN(header.nlmsg_len), messages.size());
    const auto family = static_cast<unsigned char>(messages[sizeof header]);
    const bool ours = header.nlmsg_type >> 8U == NFNL_SUBSYS_NFTABLES;
    if (!ours || !tables.contains({family, table_name(messages.substr(0, header.nlmsg_len))}))
      kept.append(messages.substr(0, size));
    messages.remove_prefix(size);
  }
  return kept;
}

std::vector<std::string> tables_of(std::string_view saved) {
  std::vector<std::string> tables;
  while (!saved.empty()) {
    auto line = saved.substr(0, saved.find('\n'));
    saved.remove_prefix(std::min(saved.size(), line.size() + 1));
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.starts_with('*')) tables.emplace_back(line.substr(1));
  }
  return tables;
}

std::optional<Live> read_live(std::string& error, const LivePrograms& programs,
                              const std::set<TableName>& without) {
  Live live;
  const auto dump = dump_nftables_without(error, without);
  if (!dump) return std::nullopt;
  const auto usual = variant(programs.save_v4);
  const auto take = [&](const std::string& v4, const std::string& v6) -> const Saved* {
    auto four = save(v4, error);
    if (!four) return nullptr;
    auto six = save(v6, error);
    if (!six) return nullptr;
    std::string unread;  // then what is in the sets is not known
    auto sets = save_sets(sets_in(*four + *six), unread, programs.ipset).value_or("");
    live.saved.push_back({.v4 = std::move(*four), .v6 = std::move(*six), .sets = std::move(sets)});
    return &live.saved.back();
  };
  std::set<TableName> of_iptables;
  if (usual == Variant::nftables) {
    const auto* saved = take(programs.save_v4, programs.save_v6);
    if (saved == nullptr) return std::nullopt;
    for (const auto& table : tables_of(saved->v4)) of_iptables.insert({NFPROTO_IPV4, table});
    for (const auto& table : tables_of(saved->v6)) of_iptables.insert({NFPROTO_IPV6, table});
  }
  if (has_legacy_tables()) {
    const bool separate = usual != Variant::legacy;
    if (take(separate ? programs.legacy_save_v4 : programs.save_v4,
             separate ? programs.legacy_save_v6 : programs.save_v6) == nullptr)
      return std::nullopt;
  }
  std::erase_if(live.saved,
                [](const Saved& s) { return tables_of(s.v4).empty() && tables_of(s.v6).empty(); });
  live.messages = without_tables(dump->messages, of_iptables);
  return live;
}

}  // namespace firewright::host
