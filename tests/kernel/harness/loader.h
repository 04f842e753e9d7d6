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

// Loads into the namespace that the caller is in, after a trial run that changes nothing. Gives
// what was wrong, if something was.
[[nodiscard]] std::optional<std::string> load(Loader loader, const backend::Artifact& artifact);
// Without the trial run.
[[nodiscard]] std::optional<std::string> load_at_once(Loader loader,
                                                      const backend::Artifact& artifact);
// The same in place of whatever the same kind of loader has put there before.
[[nodiscard]] std::optional<std::string> load_instead(Loader loader,
                                                      const backend::Artifact& artifact);
// Takes away what a loader has put there. Throws HarnessError.
void unload(Loader loader);
// The trial run alone.
[[nodiscard]] std::optional<std::string> only_try(Loader loader, const backend::Artifact& artifact);

[[nodiscard]] std::optional<std::string> load_iptables(Loader loader, Family family,
                                                       std::string_view text);
// As a new kernel has it. A file that leaves a chain to others does not say its policy.
inline constexpr std::string_view empty_filter =
    "*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\nCOMMIT\n";
// In place of what is there: an empty filter is put before the text. Without a trial run.
[[nodiscard]] std::optional<std::string> load_iptables_instead(Loader loader, Family family,
                                                               std::string_view text);
[[nodiscard]] std::optional<std::string> try_nft_text(std::string_view text);
[[nodiscard]] std::optional<std::string> load_nft_text(std::string_view text);

}  // namespace firewright::kernel
