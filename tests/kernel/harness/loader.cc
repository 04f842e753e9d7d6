#include "tests/kernel/harness/loader.h"

#include "backends/host/host.h"
#include "tests/kernel/harness/namespace.h"

namespace firewright::kernel {
namespace {

std::optional<std::string> failure(const CommandResult& result, const std::string& command) {
  if (result.status == 0) return std::nullopt;
  return command + ": exit status " + std::to_string(result.status) + ": " + result.err;
}

}  // namespace

std::string_view to_string(Loader loader) {
  switch (loader) {
    case Loader::iptables_legacy: return "iptables_legacy";
    case Loader::iptables_nft: return "iptables_nft";
    case Loader::nft_text: return "nft_text";
    case Loader::netlink_batch: return "netlink_batch";
  }
  return "";
}

Target target_of(Loader loader) {
  switch (loader) {
    case Loader::iptables_legacy:
    case Loader::iptables_nft: return Target::iptables;
    case Loader::nft_text:
    case Loader::netlink_batch: return Target::nftables;
  }
  return Target::nftables;
}

std::optional<std::string> load(Loader loader, const backend::Artifact& artifact) {
  const auto text = [&artifact](std::string_view part) -> std::string_view {
    const auto* found = artifact.find(part);
    if (found == nullptr) throw HarnessError("the artifact has no part " + std::string(part));
    return found->bytes;
  };
  switch (loader) {
    case Loader::iptables_legacy:
    case Loader::iptables_nft: {
      auto error = load_iptables(loader, Family::ipv4, text("v4"));
      return error ? error : load_iptables(loader, Family::ipv6, text("v6"));
    }
    case Loader::nft_text: return load_nft_text(text("text"));
    case Loader::netlink_batch: return load_batch(text("batch"));
  }
  return "no such loader";
}

std::optional<std::string> load_iptables(Loader loader, Family family, std::string_view text) {
  const std::string command =
      std::string(family == Family::ipv4 ? "iptables" : "ip6tables") +
      (loader == Loader::iptables_legacy ? "-legacy-restore" : "-nft-restore");
  if (auto error = failure(run({command, "--test"}, text), command + " --test")) return error;
  return failure(run({command}, text), command);
}

std::optional<std::string> load_nft_text(std::string_view text) {
  if (auto error = failure(run({"nft", "-c", "-f", "-"}, text), "nft -c -f")) return error;
  return failure(run({"nft", "-f", "-"}, text), "nft -f");
}

std::optional<std::string> load_batch(std::string_view batch) {
  for (const bool dry_run : {true, false}) {
    const auto result = host::load_batch(batch, {.dry_run = dry_run});
    if (!result.ok()) return result.error;
  }
  return std::nullopt;
}

}  // namespace firewright::kernel
