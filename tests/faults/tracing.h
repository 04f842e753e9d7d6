// A command run under ptrace: its system calls in their order, and one of them spoilt.
//
// A call is counted when it is entered; the process can be killed there (what the call would have
// done is then not done) or when it returns, or the call can fail with an error without being
// executed at all (close() alone is, as in Linux). x86-64 and aarch64. Knows nothing of firewalls.
//
// The calling thread becomes the tracer. It must have no other children that end meanwhile: their
// ends would be taken for those of traced processes.
#pragma once

#include <sys/types.h>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace firewright::faults {

struct Plan {
  enum class Fault { none, kill_at_entry, kill_at_exit, fail };
  Fault fault = Fault::none;
  std::size_t nth = 0;  // of the counted calls, from 1
  int error = 0;        // errno, for fail

  // Counting begins with the first call that opens this path (as the command says it); empty: with
  // the first call of the command.
  std::string from_path;
  // Whether the calls of the children are counted, too, each when it comes; else children run
  // untraced.
  bool follow_children = false;
  std::string input;      // standard input
  unsigned seconds = 30;  // then everything traced is killed, and the trace says so
};

struct Call {
  pid_t process = 0;  // 0: the command itself; else a child
  long number = 0;
  std::string name;  // "openat"; "call 999" for one without a name here
};

struct Trace {
  std::string failed;  // why there was nothing to trace; then the rest says nothing
  int status = -1;     // exit status of the command; -1 when a signal ended it
  int signal = 0;      // that ended it
  bool hit = false;    // whether the plan's call came
  bool timed_out = false;
  std::vector<Call> calls;  // the counted ones
  std::string out;
  std::string err;
};

// Runs a program found in PATH. It ends when the command itself has ended: children that are left
// then (a daemon, a watchdog) are let go and live on.
[[nodiscard]] Trace trace(const std::vector<std::string>& command, const Plan& plan = {});

// "openat" for a number of this architecture; "call N" for one that is not in the table.
[[nodiscard]] std::string name_of_call(long number);

}  // namespace firewright::faults
