#include "backends/host/counters.h"

#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>
#include <charconv>

#include "backends/host/attributes.h"

namespace firewright::host {
namespace {

std::uint64_t number(std::string_view big_endian) {
  std::uint64_t value = 0;
  for (const char byte : big_endian) value = value << 8U | static_cast<unsigned char>(byte);
  return value;
}

// "[12:3456] " at the front of a rule.
bool take_count(std::string_view& line, Count& count) {
  if (!line.starts_with('[')) return false;
  const char* const end = line.data() + line.size();
  const auto packets = std::from_chars(line.data() + 1, end, count.packets);
  if (packets.ec != std::errc{} || packets.ptr == end || *packets.ptr != ':') return false;
  const auto bytes = std::from_chars(packets.ptr + 1, end, count.bytes);
  if (bytes.ec != std::errc{} || end - bytes.ptr < 2 || *bytes.ptr != ']') return false;
  line.remove_prefix(static_cast<std::size_t>(bytes.ptr - line.data()) + 2);
  return true;
}

}  // namespace

std::map<std::string, Count> counters(std::string_view messages) {
  std::map<std::string, Count> counts;
  MessageReader reader(messages);
  while (const auto message = reader.next()) {
    if (message->type != ((NFNL_SUBSYS_NFTABLES << 8U) | NFT_MSG_NEWOBJ)) continue;
    const auto type = find_attribute(message->attributes, NFTA_OBJ_TYPE);
    const auto name = find_attribute(message->attributes, NFTA_OBJ_NAME);
    const auto data = find_attribute(message->attributes, NFTA_OBJ_DATA);
    if (!type || !name || !data || big_endian_u32(*type) != NFT_OBJECT_COUNTER) continue;
    const auto packets = find_attribute(*data, NFTA_COUNTER_PACKETS);
    const auto bytes = find_attribute(*data, NFTA_COUNTER_BYTES);
    if (packets && bytes)
      counts[std::string(text_of(*name))] = {.packets = number(*packets), .bytes = number(*bytes)};
  }
  return counts;
}

void add_counters(std::string_view saved, std::map<std::string, Count>& counts) {
  constexpr std::string_view comment = "--comment \"count ";
  while (!saved.empty()) {
    auto line = saved.substr(0, saved.find('\n'));
    saved.remove_prefix(std::min(saved.size(), line.size() + 1));
    Count count;
    if (!take_count(line, count)) continue;
    const auto at = line.find(comment);
    if (at == std::string_view::npos) continue;
    const auto name = line.substr(at + comment.size());
    auto& sum = counts[std::string(name.substr(0, name.find(':')))];
    sum.packets += count.packets;
    sum.bytes += count.bytes;
  }
}

}  // namespace firewright::host
