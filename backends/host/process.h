// Runs a program, without a shell, with bytes for its standard input.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace firewright::host {

struct Finished {
  int exec_error = 0;  // errno: it could not be started
  int io_error = 0;    // errno: of the files around it
  int status = -1;     // its exit status; 128 + the signal that ended it
  std::string out;
  std::string err;
  [[nodiscard]] bool ok() const { return exec_error == 0 && io_error == 0 && status == 0; }
};

// A name without '/' is looked for in PATH, then in /usr/sbin and /sbin. What it writes is limited
// in size; a program that writes more is ended by the kernel.
[[nodiscard]] Finished run(const std::vector<std::string>& command, std::string_view input);

}  // namespace firewright::host
