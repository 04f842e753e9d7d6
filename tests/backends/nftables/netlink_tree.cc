#include "tests/backends/nftables/netlink_tree.h"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netlink.h>

#include <cstring>
#include <utility>

namespace firewright::test {
namespace {

std::string bytes_of(std::uint64_t value, std::size_t size) {
  std::string bytes(size, '\0');
  for (auto byte = bytes.rbegin(); byte != bytes.rend(); ++byte, value >>= 8U)
    *byte = static_cast<char>(value & 0xffU);
  return bytes;
}

void pad(std::string& bytes) { bytes.resize((bytes.size() + 3U) & ~std::size_t{3}, '\0'); }

bool parse_nodes(std::string_view bytes, std::vector<Node>& out) {
  while (!bytes.empty()) {
    nlattr header;
    if (bytes.size() < sizeof header) return false;
    std::memcpy(&header, bytes.data(), sizeof header);
    if (header.nla_len < sizeof header || header.nla_len > bytes.size()) return false;
    auto& node = out.emplace_back();
    node.type = header.nla_type & NLA_TYPE_MASK;
    node.nested = (header.nla_type & NLA_F_NESTED) != 0;
    const auto value = bytes.substr(sizeof header, header.nla_len - sizeof header);
    if (!node.nested)
      node.bytes = value;
    else if (!parse_nodes(value, node.children))
      return false;
    bytes.remove_prefix(std::min(bytes.size(), (header.nla_len + 3U) & ~std::size_t{3}));
  }
  return true;
}

void write(const Node& node, std::string& out) {
  std::string value = node.bytes;
  for (const auto& child : node.children) write(child, value);
  nlattr header{};
  header.nla_len = static_cast<std::uint16_t>(sizeof header + value.size());
  header.nla_type =
      static_cast<std::uint16_t>(node.type | (node.nested ? unsigned{NLA_F_NESTED} : 0U));
  out.append(reinterpret_cast<const char*>(&header), sizeof header);
  out += value;
  pad(out);
}

template <class Nodes>
auto* find_in(Nodes& nodes, std::uint16_t wanted) {
  for (auto& node : nodes)
    if (node.type == wanted) return &node;
  return static_cast<decltype(&nodes.front())>(nullptr);
}

}  // namespace

Node* Node::find(std::uint16_t wanted) { return find_in(children, wanted); }
const Node* Node::find(std::uint16_t wanted) const { return find_in(children, wanted); }
Node* Message::find(std::uint16_t wanted) { return find_in(attributes, wanted); }
const Node* Message::find(std::uint16_t wanted) const { return find_in(attributes, wanted); }

Node raw(std::uint16_t type, std::string_view bytes) {
  return {.type = type, .nested = false, .bytes = std::string(bytes), .children = {}};
}
Node text(std::uint16_t type, std::string_view value) {
  return raw(type, std::string(value) + '\0');
}
Node u8(std::uint16_t type, std::uint8_t value) { return raw(type, bytes_of(value, 1)); }
Node u16(std::uint16_t type, std::uint16_t value) { return raw(type, bytes_of(value, 2)); }
Node u32(std::uint16_t type, std::uint32_t value) { return raw(type, bytes_of(value, 4)); }
Node u64(std::uint16_t type, std::uint64_t value) { return raw(type, bytes_of(value, 8)); }
Node nest(std::uint16_t type, std::vector<Node> children) {
  return {.type = type, .nested = true, .bytes = {}, .children = std::move(children)};
}

std::uint32_t number(const Node& node) {
  std::uint32_t value = 0;
  for (const char byte : node.bytes) value = (value << 8U) | static_cast<unsigned char>(byte);
  return value;
}
void set_number(Node& node, std::uint32_t value) {
  node.bytes = bytes_of(value, node.bytes.size());
}

Message message(int kind, std::vector<Node> attributes, std::uint16_t flags) {
  return {.type = static_cast<std::uint16_t>((NFNL_SUBSYS_NFTABLES << 8) | kind),
          .flags = flags,
          .family = 1,
          .resource = 0,
          .attributes = std::move(attributes)};
}

std::optional<Messages> parse(std::string_view bytes) {
  Messages messages;
  while (!bytes.empty()) {
    constexpr std::size_t head = sizeof(nlmsghdr) + sizeof(nfgenmsg);
    nlmsghdr header;
    nfgenmsg extra;
    if (bytes.size() < head) return std::nullopt;
    std::memcpy(&header, bytes.data(), sizeof header);
    std::memcpy(&extra, bytes.data() + sizeof header, sizeof extra);
    if (header.nlmsg_len < head || header.nlmsg_len > bytes.size()) return std::nullopt;
    auto& message = messages.emplace_back();
    message.type = header.nlmsg_type;
    message.flags = header.nlmsg_flags;
    message.family = extra.nfgen_family;
    message.resource = extra.res_id;
    if (!parse_nodes(bytes.substr(head, header.nlmsg_len - head), message.attributes))
      return std::nullopt;
    bytes.remove_prefix(std::min(bytes.size(), (header.nlmsg_len + 3U) & ~std::size_t{3}));
  }
  return messages;
}

std::string serialise(const Messages& messages) {
  std::string out;
  std::uint32_t sequence = 0;
  for (const auto& message : messages) {
    std::string attributes;
    for (const auto& node : message.attributes) write(node, attributes);
    nlmsghdr header{};
    nfgenmsg extra{};
    header.nlmsg_len = static_cast<std::uint32_t>(sizeof header + sizeof extra + attributes.size());
    header.nlmsg_type = message.type;
    header.nlmsg_flags = message.flags;
    header.nlmsg_seq = sequence++;
    extra.nfgen_family = message.family;
    extra.res_id = message.resource;
    out.append(reinterpret_cast<const char*>(&header), sizeof header);
    out.append(reinterpret_cast<const char*>(&extra), sizeof extra);
    out += attributes;
  }
  return out;
}

}  // namespace firewright::test
