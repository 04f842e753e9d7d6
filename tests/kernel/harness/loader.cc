#include "tests/kernel/harness/loader.h"

#include "backends/host/host.h"
#include "tests/kernel/harness/namespace.h"

namespace firewright::kernel {
namespace {

std::optional<std::string> failure(const CommandResult& result, const std::string& command) {
  if (result.status == 0) return std::nullopt;
  return command + ": exit status " + std::to_string(result.status) + ": " + result.err;
}

enum class Run { on_trial, in_earnest, instead };

std::optional<std::string> iptables(Loader loader, Family family, std::string_view text, Run how) {
  std::vector<std::string> command{
      std::string(family == Family::ipv4 ? "iptables" : "ip6tables") +
      (loader == Loader::iptables_legacy ? "-legacy-restore" : "-nft-restore")};
  if (how == Run::on_trial) command.emplace_back("--test");
  const std::string before(how == Run::instead ? empty_filter : "");
  return failure(run(command, before + std::string(text)),
                 command[0] + (how == Run::on_trial ? " --test" : ""));
}

std::optional<std::string> nft(std::string_view text, Run how) {
  if (how == Run::on_trial) return failure(run({"nft", "-c", "-f", "-"}, text), "nft -c -f");
  return failure(run({"nft", "-f", "-"}, text), "nft -f");
}

std::optional<std::string> batch(std::string_view bytes, Run how) {
  const auto result = host::load_batch(bytes, {.dry_run = how == Run::on_trial});
  if (result.ok()) return std::nullopt;
  return result.error;
}

std::optional<std::string> run_with(Loader loader, const backend::Artifact& artifact, Run how) {
  const auto part = [&artifact](std::string_view name) -> std::string_view {
    const auto* found = artifact.find(name);
    if (found == nullptr) throw HarnessError("the artifact has no part " + std::string(name));
    return found->bytes;
  };
  switch (loader) {
    case Loader::iptables_legacy:
    case Loader::iptables_nft: {
      std::optional<std::string> error;
      // On trial too: iptables asks for the sets that rules name.
      if (artifact.find("sets") != nullptr)
        error = failure(run({"ipset", "restore"}, part("sets")), "ipset restore");
      if (!error) error = iptables(loader, Family::ipv4, part("v4"), how);
      return error ? error : iptables(loader, Family::ipv6, part("v6"), how);
    }
    case Loader::nft_text: return nft(part("text"), how);
    case Loader::netlink_batch: return batch(part("batch"), how);
  }
  return "no such loader";
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
  auto error = only_try(loader, artifact);
  return error ? error : load_at_once(loader, artifact);
}

std::optional<std::string> load_at_once(Loader loader, const backend::Artifact& artifact) {
  return run_with(loader, artifact, Run::in_earnest);
}

std::optional<std::string> load_instead(Loader loader, const backend::Artifact& artifact) {
  return run_with(loader, artifact, Run::instead);
}

void unload(Loader loader) {
  switch (loader) {
    case Loader::iptables_legacy:
      must_run({"iptables-legacy-restore"}, empty_filter);
      must_run({"ip6tables-legacy-restore"}, empty_filter);
      return;
    case Loader::iptables_nft:
      must_run({"nft", "-f", "-"},
               "add table ip filter\ndelete table ip filter\n"
               "add table ip6 filter\ndelete table ip6 filter\n");
      return;
    case Loader::nft_text:
    case Loader::netlink_batch:
      must_run({"nft", "-f", "-"}, "add table inet firewright\ndelete table inet firewright\n");
      return;
  }
}

std::optional<std::string> only_try(Loader loader, const backend::Artifact& artifact) {
  return run_with(loader, artifact, Run::on_trial);
}

std::optional<std::string> load_iptables(Loader loader, Family family, std::string_view text) {
  auto error = iptables(loader, family, text, Run::on_trial);
  return error ? error : iptables(loader, family, text, Run::in_earnest);
}

std::optional<std::string> load_iptables_instead(Loader loader, Family family,
                                                 std::string_view text) {
  return iptables(loader, family, text, Run::instead);
}

std::optional<std::string> try_nft_text(std::string_view text) { return nft(text, Run::on_trial); }

std::optional<std::string> load_nft_text(std::string_view text) {
  auto error = nft(text, Run::on_trial);
  return error ? error : nft(text, Run::in_earnest);
}

}  // namespace firewright::kernel
