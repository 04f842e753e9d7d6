#include "backends/host/attributes.h"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>

namespace firewright::host {

std::optional<std::string_view> find_attribute(std::string_view list, std::uint16_t type) {
  AttributeReader reader(list);
  while (const auto attribute = reader.next())
    if (attribute->type == type) return attribute->value;
  return std::nullopt;
}

std::optional<std::uint32_t> big_endian_u32(std::string_view value) {
  std::uint32_t number = 0;
  if (value.size() != sizeof number) return std::nullopt;
  std::memcpy(&number, value.data(), sizeof number);
  return ntohl(number);
}

std::string_view bytes_of(const std::uint32_t& value) {
  return {reinterpret_cast<const char*>(&value), sizeof value};
}

void put_attribute(std::string& out, std::uint16_t type, std::string_view value) {
  const nlattr header{.nla_len = static_cast<std::uint16_t>(sizeof(nlattr) + value.size()),
                      .nla_type = type};
  out.append(reinterpret_cast<const char*>(&header), sizeof header);
  out.append(value);
  out.append(NLA_ALIGN(value.size()) - value.size(), '\0');
}

void put_text(std::string& out, std::uint16_t type, std::string_view text) {
  put_attribute(out, type, std::string(text) + '\0');
}

void put_u32(std::string& out, std::uint16_t type, std::uint32_t value) {
  put_attribute(out, type, bytes_of(htonl(value)));
}

std::size_t begin_nest(std::string& out, std::uint16_t type) {
  const std::size_t begin = out.size();
  put_attribute(out, static_cast<std::uint16_t>(type | NLA_F_NESTED), {});
  return begin;
}

bool end_nest(std::string& out, std::size_t begin) {
  const std::size_t length = out.size() - begin;
  const auto written = static_cast<std::uint16_t>(length);
  std::memcpy(out.data() + begin + offsetof(nlattr, nla_len), &written, sizeof written);
  return length <= 0xffff;
}

std::optional<NetfilterMessage> MessageReader::next() {
  if (rest_.empty()) return std::nullopt;
  nlmsghdr header;
  nfgenmsg extra;
  constexpr std::size_t heads = NLMSG_HDRLEN + sizeof extra;
  damaged_ = rest_.size() < heads;
  if (damaged_) return std::nullopt;
  std::memcpy(&header, rest_.data(), sizeof header);
  std::memcpy(&extra, rest_.data() + NLMSG_HDRLEN, sizeof extra);
  damaged_ = header.nlmsg_len < heads || header.nlmsg_len > rest_.size();
  if (damaged_) return std::nullopt;
  const NetfilterMessage result{.type = header.nlmsg_type,
                                .flags = header.nlmsg_flags,
                                .family = extra.nfgen_family,
                                .attributes = rest_.substr(heads, header.nlmsg_len - heads)};
  rest_.remove_prefix(
      std::min<std::size_t>(NLMSG_ALIGN(std::size_t{header.nlmsg_len}), rest_.size()));
  return result;
}

}  // namespace firewright::host
