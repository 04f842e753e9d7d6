// The ways an artifact reaches a kernel.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "backends/backend.h"
#include "compiler/base/target.h"

namespace firewright::kernel {

enum class Loader : std::uint8_t { iptables_legacy, iptables_nft, nft_text, netlink_batch };
inline constexpr Loader all_loaders[] = {Loader::iptables_legacy, Loader::iptables_nft,
                                         Loader::nft_text, Loader::netlink_batch};
[[nodiscard]] std::string_view to_string(Loader loader);
[[nodiscard]] Target target_of(Loader loader);

// Loads into the namespace that the caller is in. Gives what was wrong, if something was.
[[nodiscard]] std::optional<std::string> load(Loader loader, const backend::Artifact& artifact);

[[nodiscard]] std::optional<std::string> load_iptables(Loader loader, Family family,
                                                       std::string_view text);
[[nodiscard]] std::optional<std::string> load_nft_text(std::string_view text);
[[nodiscard]] std::optional<std::string> load_batch(std::string_view batch);

}  // namespace firewright::kernel
