// Kinds of damage within expressions, elements and objects: numbers, names and flags.
#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <set>
#include <utility>

#include "tests/backends/nftables/message_damage.h"

namespace firewright::test {
namespace {

using Filter = std::function<bool(const Expression&)>;
using Change = std::function<void(const Expression&)>;

MessageDamage each_expression(std::string name, std::string expression, Filter filter,
                              Change change) {
  return {std::move(name), [=](Messages& messages) {
            std::vector<Action> actions;
            for (const auto& place : expressions(messages, expression))
              if (filter(place)) actions.push_back([=] { change(place); });
            return actions;
          }};
}

bool is(const Node* node, std::uint32_t value) { return node != nullptr && number(*node) == value; }

// The load in front of a comparison, perhaps with a mask or another order between.
Expression load_of(const Expression& comparison) {
  for (std::size_t i = comparison.index; i-- > 0;) {
    const Expression before{comparison.rule, comparison.list, i};
    const auto name = before.name();
    if (name == "payload" || name == "meta" || name == "ct") return before;
    if (name != "bitwise" && name != "byteorder" && name != "cmp") return {};
  }
  return {};
}

bool loads_meta(const Expression& comparison, std::uint32_t key) {
  const auto load = load_of(comparison);
  return load.exists() && load.name() == "meta" && is(load.attribute(NFTA_META_KEY), key);
}

bool loads_payload(const Expression& comparison, std::uint32_t base,
                   std::set<std::uint32_t> sizes) {
  const auto load = load_of(comparison);
  return load.exists() && load.name() == "payload" && is(load.attribute(NFTA_PAYLOAD_BASE), base) &&
         sizes.contains(number(*load.attribute(NFTA_PAYLOAD_LEN)));
}

Filter op_is(std::uint32_t op) {
  return [op](const Expression& place) { return is(place.attribute(NFTA_CMP_OP), op); };
}
Change set_op(std::uint32_t op) {
  return [op](const Expression& place) { set_number(*place.attribute(NFTA_CMP_OP), op); };
}

// The value as one big number, `delta` more.
void add_to(std::string& bytes, int delta) {
  int carry = delta;
  for (auto byte = bytes.rbegin(); byte != bytes.rend() && carry != 0; ++byte) {
    const int sum = static_cast<unsigned char>(*byte) + carry;
    *byte = static_cast<char>(sum & 0xff);
    carry = sum < 0 ? -1 : sum >> 8;
  }
}
Change add_to_cmp(int delta) {
  return [delta](const Expression& place) { add_to(*value_of(place, NFTA_CMP_DATA), delta); };
}

bool is_port(const Expression& place) {
  return loads_payload(place, NFT_PAYLOAD_TRANSPORT_HEADER, {2, 4});
}
bool is_icmp(const Expression& place) {
  return loads_payload(place, NFT_PAYLOAD_TRANSPORT_HEADER, {1});
}
bool is_address(const Expression& place) {
  return load_of(place).exists() && load_of(place).name() == "payload" &&
         is(load_of(place).attribute(NFTA_PAYLOAD_BASE), NFT_PAYLOAD_NETWORK_HEADER);
}
bool is_interface(const Expression& place) {
  return loads_meta(place, NFT_META_IIFNAME) || loads_meta(place, NFT_META_OIFNAME);
}

void comparisons(std::vector<MessageDamage>& all) {
  all.push_back(each_expression("port one higher", "cmp", is_port, add_to_cmp(1)));
  all.push_back(each_expression("port one lower", "cmp", is_port, add_to_cmp(-1)));
  all.push_back(each_expression("ICMP type one higher", "cmp", is_icmp, add_to_cmp(1)));
  all.push_back(each_expression("address one higher", "cmp", is_address, add_to_cmp(1)));
  all.push_back(each_expression(
      "protocol changed", "cmp",
      [](const Expression& place) { return loads_meta(place, NFT_META_L4PROTO); },
      [](const Expression& place) {
        auto& value = *value_of(place, NFTA_CMP_DATA);
        value[0] = value[0] == 6 ? 17 : 6;
      }));
  all.push_back(each_expression(
      "family changed", "cmp",
      [](const Expression& place) { return loads_meta(place, NFT_META_NFPROTO); },
      [](const Expression& place) { (*value_of(place, NFTA_CMP_DATA))[0] ^= 8; }));
  all.push_back(
      each_expression("interface changed", "cmp", is_interface,
                      [](const Expression& place) { (*value_of(place, NFTA_CMP_DATA))[1] ^= 1; }));
  all.push_back(each_expression(
      "wildcard lost", "cmp",
      [](const Expression& place) {
        return is_interface(place) && value_of(place, NFTA_CMP_DATA)->size() < 16;
      },
      [](const Expression& place) { value_of(place, NFTA_CMP_DATA)->resize(16, '\0'); }));
  all.push_back(each_expression(
      "wildcard gained", "cmp",
      [](const Expression& place) {
        return is_interface(place) && value_of(place, NFTA_CMP_DATA)->size() == 16;
      },
      [](const Expression& place) {
        auto& value = *value_of(place, NFTA_CMP_DATA);
        value.resize(value.find('\0'));
      }));
  all.push_back(each_expression("negation gained", "cmp", op_is(NFT_CMP_EQ), set_op(NFT_CMP_NEQ)));
  all.push_back(each_expression("negation lost", "cmp", op_is(NFT_CMP_NEQ), set_op(NFT_CMP_EQ)));
  all.push_back(
      each_expression("range begins one later", "cmp", op_is(NFT_CMP_GTE), set_op(NFT_CMP_GT)));
  all.push_back(
      each_expression("range ends one earlier", "cmp", op_is(NFT_CMP_LTE), set_op(NFT_CMP_LT)));
  all.push_back(each_expression(
      "range turned round", "range", [](const Expression&) { return true; },
      [](const Expression& place) { set_number(*place.attribute(NFTA_RANGE_OP), NFT_RANGE_EQ); }));
  all.push_back(each_expression(
      "prefix a byte shorter", "cmp",
      [](const Expression& place) {
        return is_address(place) && load_of(place).index + 1 == place.index &&
               value_of(place, NFTA_CMP_DATA)->size() > 1;
      },
      [](const Expression& place) {
        auto& value = *value_of(place, NFTA_CMP_DATA);
        value.pop_back();
        set_number(*load_of(place).attribute(NFTA_PAYLOAD_LEN),
                   static_cast<std::uint32_t>(value.size()));
      }));
}

Filter masks(const char* load) {
  return [load](const Expression& place) {
    const auto from = load_of(place);
    return from.exists() && from.name() == load && value_of(place, NFTA_BITWISE_MASK) != nullptr;
  };
}

// `longer`: the first zero of a mask becomes a one, else the last one a zero.
Change mask_change(bool longer) {
  return [longer](const Expression& place) {
    auto& mask = *value_of(place, NFTA_BITWISE_MASK);
    std::size_t bits = 0;
    while (bits < mask.size() * 8 &&
           (static_cast<unsigned char>(mask[bits / 8]) & (0x80U >> (bits % 8))) != 0)
      ++bits;
    if (!longer) --bits;
    mask[bits / 8] =
        static_cast<char>(static_cast<unsigned char>(mask[bits / 8]) ^ (0x80U >> (bits % 8)));
  };
}

void masks_and_loads(std::vector<MessageDamage>& all) {
  all.push_back(
      each_expression("prefix one longer", "bitwise", masks("payload"), mask_change(true)));
  all.push_back(
      each_expression("prefix one shorter", "bitwise", masks("payload"), mask_change(false)));
  for (const int bit : {1, 2, 4, 8, 64})
    all.push_back(each_expression("state bit " + std::to_string(bit) + " flipped", "bitwise",
                                  masks("ct"), [bit](const Expression& place) {
                                    auto& byte = (*value_of(place, NFTA_BITWISE_MASK))[0];
                                    byte = static_cast<char>(byte ^ bit);
                                  }));
  const auto offset = [](std::uint32_t base, std::vector<std::pair<unsigned, unsigned>> pairs) {
    return std::pair(Filter([=](const Expression& place) {
                       return is(place.attribute(NFTA_PAYLOAD_BASE), base) &&
                              std::any_of(pairs.begin(), pairs.end(), [&](const auto& pair) {
                                return is(place.attribute(NFTA_PAYLOAD_OFFSET), pair.first);
                              });
                     }),
                     Change([=](const Expression& place) {
                       auto& node = *place.attribute(NFTA_PAYLOAD_OFFSET);
                       for (const auto& [from, to] : pairs)
                         if (number(node) == from) return set_number(node, to);
                     }));
  };
  const auto [addresses, swap_addresses] =
      offset(NFT_PAYLOAD_NETWORK_HEADER, {{12, 16}, {16, 12}, {8, 24}, {24, 8}});
  all.push_back(
      each_expression("source for destination address", "payload", addresses, swap_addresses));
  const auto [ports, swap_ports] = offset(NFT_PAYLOAD_TRANSPORT_HEADER, {{0, 2}, {2, 0}});
  all.push_back(each_expression("source for destination port", "payload", ports, swap_ports));
  all.push_back(each_expression(
      "another header", "payload", [](const Expression&) { return true; },
      [](const Expression& place) {
        auto& base = *place.attribute(NFTA_PAYLOAD_BASE);
        set_number(base, number(base) ^ 3U);  // network and transport
      }));
  const auto swap_key = [&](const char* name, std::uint32_t a, std::uint32_t b) {
    all.push_back(each_expression(
        name, "meta",
        [=](const Expression& place) {
          const auto* key = place.attribute(NFTA_META_KEY);
          return is(key, a) || is(key, b);
        },
        [=](const Expression& place) {
          auto& key = *place.attribute(NFTA_META_KEY);
          set_number(key, number(key) == a ? b : a);
        }));
  };
  swap_key("incoming for outgoing interface", NFT_META_IIFNAME, NFT_META_OIFNAME);
  swap_key("user for group", NFT_META_SKUID, NFT_META_SKGID);
  all.push_back(each_expression(
      "byte order lost", "byteorder", [](const Expression&) { return true; },
      [](const Expression& place) {
        place.list->erase(place.list->begin() + static_cast<std::ptrdiff_t>(place.index));
      }));
}

// --- limits, logs, answers

void add_u64(Node* node, std::uint64_t factor) {
  if (node == nullptr) return;
  std::uint64_t value = 0;
  for (const char byte : node->bytes) value = (value << 8U) | static_cast<unsigned char>(byte);
  *node = u64(node->type, value * factor);
}

// Limits in rules, in dynamic sets and as objects.
std::vector<Node*> limits(Messages& messages) {
  std::vector<Node*> found;
  for (const auto& place : expressions(messages, "limit"))
    found.push_back(place.node().find(NFTA_EXPR_DATA));
  for (const auto& place : expressions(messages, "dynset"))
    if (auto* inner = place.attribute(NFTA_DYNSET_EXPR);
        inner != nullptr && inner->find(NFTA_EXPR_NAME)->bytes.starts_with("limit"))
      found.push_back(inner->find(NFTA_EXPR_DATA));
  for (auto& message : messages)
    if (!message.is_frame() && message.kind() == NFT_MSG_NEWOBJ &&
        is(message.find(NFTA_OBJ_TYPE), NFT_OBJECT_LIMIT))
      found.push_back(message.find(NFTA_OBJ_DATA));
  return found;
}

template <class Apply>
MessageDamage each_limit(std::string name, Apply apply) {
  return {std::move(name), [apply](Messages& messages) {
            std::vector<Action> actions;
            for (auto* limit : limits(messages)) actions.push_back([=] { apply(*limit); });
            return actions;
          }};
}

void statements(std::vector<MessageDamage>& all) {
  all.push_back(
      each_limit("rate doubled", [](Node& limit) { add_u64(limit.find(NFTA_LIMIT_RATE), 2); }));
  all.push_back(
      each_limit("unit longer", [](Node& limit) { add_u64(limit.find(NFTA_LIMIT_UNIT), 60); }));
  all.push_back(each_limit("burst one more", [](Node& limit) {
    auto& burst = *limit.find(NFTA_LIMIT_BURST);
    set_number(burst, number(burst) + 1);
  }));
  all.push_back(each_limit("limit turned round", [](Node& limit) {
    set_number(*limit.find(NFTA_LIMIT_FLAGS), NFT_LIMIT_F_INV);
  }));
  all.push_back(each_limit("bytes for packets", [](Node& limit) {
    set_number(*limit.find(NFTA_LIMIT_TYPE), NFT_LIMIT_PKT_BYTES);
  }));
  const auto always = [](const Expression&) { return true; };
  all.push_back(
      each_expression("one connection more", "connlimit", always, [](const Expression& place) {
        auto& count = *place.attribute(NFTA_CONNLIMIT_COUNT);
        set_number(count, number(count) + 1);
      }));
  all.push_back(each_expression(
      "elements not kept alive", "dynset",
      [](const Expression& place) {
        return is(place.attribute(NFTA_DYNSET_OP), NFT_DYNSET_OP_UPDATE);
      },
      [](const Expression& place) {
        set_number(*place.attribute(NFTA_DYNSET_OP), NFT_DYNSET_OP_ADD);
      }));
  all.push_back(each_expression(
      "a bucket each destination", "payload",
      [](const Expression& place) { return place.neighbour(1, "dynset").exists(); },
      [](const Expression& place) {
        auto& offset = *place.attribute(NFTA_PAYLOAD_OFFSET);
        set_number(offset, number(offset) == 12 ? 16 : 24);
      }));
  all.push_back(each_expression(
      "log prefix changed", "log",
      [](const Expression& place) { return place.attribute(NFTA_LOG_PREFIX) != nullptr; },
      [](const Expression& place) { place.attribute(NFTA_LOG_PREFIX)->bytes[0] ^= 1; }));
  all.push_back(each_expression("log to a group", "log", always, [](const Expression& place) {
    place.node().find(NFTA_EXPR_DATA)->children.push_back(u16(NFTA_LOG_GROUP, 0));
  }));
  all.push_back(each_expression("log level changed", "log", always, [](const Expression& place) {
    place.node().find(NFTA_EXPR_DATA)->children.push_back(u32(NFTA_LOG_LEVEL, 7));
  }));
  all.push_back(
      each_expression("another kind of answer", "reject", always, [](const Expression& place) {
        auto& type = *place.attribute(NFTA_REJECT_TYPE);
        set_number(type, (number(type) + 1) % 3);
      }));
  all.push_back(each_expression(
      "another code of the answer", "reject",
      [](const Expression& place) { return !is(place.attribute(NFTA_REJECT_TYPE), 1); },
      [](const Expression& place) {
        auto& code = *place.attribute(NFTA_REJECT_ICMP_CODE);
        set_number(code, number(code) + 1);
      }));
  all.push_back(each_expression("another object", "objref", always, [](const Expression& place) {
    place.attribute(NFTA_OBJREF_IMM_NAME)->bytes[0] ^= 1;
  }));
}

}  // namespace

std::vector<MessageDamage> damages_of_values() {
  std::vector<MessageDamage> all;
  comparisons(all);
  masks_and_loads(all);
  statements(all);
  return all;
}

}  // namespace firewright::test
