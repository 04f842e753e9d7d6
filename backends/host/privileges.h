// Giving up what a command does not need, for itself and for what it starts.
//
// A parser of files that others write should not be able to do more than its task, whatever is
// found in it one day. What is given up here is given up until the end: the bounding set goes too,
// so that programs that are started cannot have it either (capabilities(7)).
#pragma once

#include <span>
#include <string>

namespace firewright::host {

// Keeps of the capabilities (linux/capability.h) that the process has only these. Who has none, or
// may not give up, stays as it is: false, and `error` says why.
[[nodiscard]] bool keep_capabilities(std::span<const unsigned> kept, std::string& error);

// System calls that no part of a firewall's life makes (mounting, tracing, loading kernels, setting
// the clock, ...) are refused with EPERM from now on, here and in what is started (seccomp(2)).
// `with_modules`: iptables may load its kernel modules. False: this build or this kernel has no
// filters, or they are not allowed; then `error` says which.
[[nodiscard]] bool refuse_system_calls(bool with_modules, std::string& error);

}  // namespace firewright::host
