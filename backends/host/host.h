// The live Linux host: puts an artifact into the kernel, all of it or nothing.
//
// Takes bytes and says what came of it; prints nothing, decides nothing about policies. No shell is
// ever involved. Each function works on the network namespace of the calling thread.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace firewright::host {

struct Batch;

enum class Reason {
  none,
  permission,   // the caller may not
  unsupported,  // the kernel or a program it takes is missing
  refused,      // the kernel or that program did not take the artifact
  raced,        // somebody else changed the ruleset first
  io,           // anything else on the way
};

struct [[nodiscard]] Result {
  Reason reason = Reason::none;
  std::string error = {};  // for people; empty when ok
  bool changed = false;    // after a failure: what was there before could not be kept
  [[nodiscard]] bool ok() const { return reason == Reason::none; }
};

struct BatchOptions {
  // Lets the kernel check everything and change nothing.
  bool dry_run = false;
  // The ruleset that the batch was made for (Dump::generation): another one is not touched, and the
  // reason then is `raced`.
  std::optional<std::uint32_t> generation = {};
};

// One nftables transaction: the messages from NFNL_MSG_BATCH_BEGIN to NFNL_MSG_BATCH_END, the last
// one but the end asking for an acknowledgement. Unless the result is ok, the kernel holds what it
// held.
Result load_batch(const Batch& batch, const BatchOptions& options = {});
Result load_batch(std::string_view batch, const BatchOptions& options = {});

struct IptablesOptions {
  bool dry_run = false;  // `--test`: parsed and built, not committed
  bool noflush = false;  // beside other people's rules
  // Makes of a file and the family's saved tables what is to be fed; unset: the file as it is.
  std::function<std::string(std::string_view file, std::string_view saved)> adapt;
  // What of ipset the rules refer to: text for `ipset restore`. These sets are there before the
  // rules are loaded, and sets of ours that no rule refers to any more are destroyed behind them.
  // Empty: none, and ipset need not be installed.
  std::string_view sets = {};
  // The programs; a name without '/' is looked for in PATH, /usr/sbin and /sbin.
  std::string restore_v4 = "iptables-restore";
  std::string restore_v6 = "ip6tables-restore";
  std::string save_v4 = "iptables-save";
  std::string save_v6 = "ip6tables-save";
  std::string ipset = "ipset";
};

// Both families, IPv4 first. The kernel has no transaction over the two: what was there is saved
// before, and put back when a family fails. The error says which failed and what became of the
// other.
Result load_iptables(std::string_view v4, std::string_view v6, const IptablesOptions& options = {});

}  // namespace firewright::host
