#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <iostream>

#include "compiler/base/heap.h"
#include "compiler/cli/run.h"

int main(int argc, char** argv) {
  firewright::prepare_heap();
  std::ios::sync_with_stdio(false);
  std::signal(SIGPIPE, SIG_IGN);  // a closed pipe is an error of writing, not a death half-way
  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  firewright::cli::Console console{.in = std::cin,
                                   .out = std::cout,
                                   .err = std::cerr,
                                   .colour = terminal && std::getenv("NO_COLOR") == nullptr,
                                   .progress = terminal};
  const auto exit = firewright::cli::run({argv + 1, argv + argc}, console);
  return static_cast<int>(exit);
}
