// The words that nft 1.0.6 knows for values, and that people's scripts use.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace firewright::nftables::script {

// As /etc/protocols names them, which nft asks: `ipip` is 94 there, and 4 is `ipencap`.
[[nodiscard]] std::optional<std::uint32_t> protocol_number(std::string_view name);
// The names of /etc/services that firewalls of hosts use. nft itself prints numbers.
[[nodiscard]] std::optional<std::uint32_t> service_port(std::string_view name);
[[nodiscard]] std::optional<std::uint32_t> icmp_type_number(std::string_view name);
[[nodiscard]] std::optional<std::uint32_t> icmp_code_number(std::string_view name);
[[nodiscard]] std::optional<std::uint32_t> icmpv6_type_number(std::string_view name);
[[nodiscard]] std::optional<std::uint32_t> icmpv6_code_number(std::string_view name);
// The abstract codes of `reject with icmpx`.
[[nodiscard]] std::optional<std::uint32_t> icmpx_code_number(std::string_view name);
// `ipv4` and `ipv6` as NFPROTO_IPV4 and NFPROTO_IPV6.
[[nodiscard]] std::optional<std::uint32_t> nf_proto_number(std::string_view name);
[[nodiscard]] std::optional<std::uint32_t> ether_type_number(std::string_view name);
// The bit of a `ct state`.
[[nodiscard]] std::optional<std::uint32_t> state_bit(std::string_view name);

}  // namespace firewright::nftables::script
