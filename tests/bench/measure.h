// What a command costs - time, peak memory, the kernel's share - and how those compare that take
// turns. No clock decides anything here: it gives figures, and does not judge them.
#pragma once

#include <sys/resource.h>

#include <functional>
#include <string>
#include <vector>

namespace firewright::bench {

struct Cost {
  double milliseconds = 0;
  double user = 0;    // milliseconds as well, and of all threads
  double system = 0;  // what the kernel spent for it
  double megabytes = 0;
};

// The times and the memory; not how long it took.
[[nodiscard]] Cost cost_of(const rusage& usage);

struct Command {
  std::vector<std::string> words;
  std::string input = "/dev/null";
  std::string output = "/dev/null";
  double seconds = 90;  // it is ended then, and has failed
};

struct Finished {
  bool ok = false;
  Cost cost;
  std::string why;  // when not ok: one line
};
[[nodiscard]] Finished run(const Command& command);
// For what is only needed to get there; the same, without the figures.
[[nodiscard]] std::string failure(const Command& command);  // empty: it went well
[[nodiscard]] bool in_path(const std::string& program);

// The median, and how far the rounds lie apart.
struct Spread {
  double median = 0;
  double least = 0;
  double most = 0;
};
[[nodiscard]] Spread spread(std::vector<double> values);
[[nodiscard]] Spread ratio(const std::vector<double>& ours, const std::vector<double>& peer);

// One that takes turns with others: round by round, so that all meet the same machine. One that
// fails is left out from then on, with its reason. After a minute no further round begins.
struct Contender {
  std::string name;
  std::function<Finished()> once;
};
struct Result {
  std::vector<Cost> rounds;
  std::string why;  // not empty: no figures

  [[nodiscard]] std::vector<double> milliseconds() const;
  [[nodiscard]] std::vector<double> megabytes() const;
  [[nodiscard]] Cost median() const;  // each figure by itself
};
[[nodiscard]] std::vector<Result> in_turn(const std::vector<Contender>& contenders, int rounds);

// From now on this process, and what it starts, is in an empty network namespace of its own (as a
// plain user in a user namespace of its own too). The one before is gone. False: not allowed.
[[nodiscard]] bool fresh_network();
// Waits until the kernel has tidied up after what has ended, for two seconds at most.
void settle();

}  // namespace firewright::bench
