#include "backends/nftables/fields.h"

#include <linux/netfilter/nf_tables.h>

#include <array>

namespace firewright::nftables {
namespace {

constexpr std::array<TypeFacts, 13> types{{
    {"ifname", 41, 16, false},
    {"nf_proto", 2, 1, true},
    {"inet_proto", 12, 1, true},
    {"uid", 24, 4, false},
    {"gid", 25, 4, false},
    {"ct_state", 26, 4, false},
    {"ipv4_addr", 7, 4, true},
    {"ipv6_addr", 8, 16, true},
    {"inet_service", 13, 2, true},
    {"icmp_type", 14, 1, true},
    {"icmp_code", 32, 1, true},
    {"icmpv6_type", 29, 1, true},
    {"icmpv6_code", 33, 1, true},
}};

constexpr FieldFacts fields[] = {
#define FIREWRIGHT_NFT_FIELD(name, text, type, source, place, description, index) \
  {text, DataType::type, Source::source, place, description, index},
#include "backends/nftables/fields.def"
#undef FIREWRIGHT_NFT_FIELD
};

}  // namespace

const TypeFacts& facts(DataType type) { return types[static_cast<std::size_t>(type)]; }
const FieldFacts& facts(Field field) { return fields[static_cast<std::size_t>(field)]; }

u128 leading_mask(DataType type, unsigned bits) {
  const unsigned all = facts(type).bytes * 8;
  const u128 whole = all == 128 ? ~u128{0} : (u128{1} << all) - 1;
  return bits == 0 ? 0 : whole & ~((u128{1} << (all - bits)) - 1);
}

}  // namespace firewright::nftables
