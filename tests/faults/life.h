// A command that changes a host's firewall, disturbed: what must hold afterwards.
//
// The kernel holds the firewall of before or the one that was wanted, and the next command, which
// nothing disturbs, finds out which, mends what is left to mend, says so, and leaves kernel and
// state in agreement. A change that waits for its confirmation is never lost: somebody undoes it.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/faults/every_fault.h"
#include "tests/faults/host.h"

namespace firewright::faults {

struct Life {
  Host::Kernel kernel = Host::Kernel::nftables;
  // Once: the firewall that an undone change leaves. And then, before each run, what is put on it.
  std::function<void(const Host&)> begin;
  std::function<void(const Host&)> change;
  std::function<std::vector<std::string>(const Host&)> command;
  // What begins what is disturbed: the command reads its policy (new.toml), takes the lock, or
  // writes down what stands before it changes anything.
  enum class From { policy, lock, record };
  From from = From::lock;
  // Rules that may be left behind between those of before and those that are wanted, for the next
  // command to mend: where the kernel takes them in two transactions.
  std::function<std::vector<std::string>(const std::string& before, const std::string& wanted)>
      between;
};

// What is wrong, a line each, or nothing. In a namespace of its own; throws HarnessError.
[[nodiscard]] std::string disturb(const Life& life, const Sampling& some);

// The same for restore, which begins with an empty kernel and may end with the failsafe.
struct Boot {
  Host::Kernel kernel = Host::Kernel::nftables;
  std::function<void(const Host&)> begin;
};
[[nodiscard]] std::string disturb(const Boot& boot, const Sampling& some);

}  // namespace firewright::faults
