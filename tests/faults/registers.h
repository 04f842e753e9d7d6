// What the two architectures do differently: keeping a traced process from making the call that it
// stands before, and saying what that call gave.
#pragma once

#include <sys/types.h>

namespace firewright::faults {

// At the entry of a call: it will not be made. False when the process is gone.
[[nodiscard]] bool skip_call(pid_t process);
// At its exit: what it gave, a negative errno for an error.
[[nodiscard]] bool set_result(pid_t process, long result);

}  // namespace firewright::faults
