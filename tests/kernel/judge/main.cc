// ./dev judge: random policies before the kernel, as many as one has time for.
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "tests/kernel/judge/court.h"
#include "tests/kernel/judge/readers.h"
#include "tests/kernel/judge/soak.h"

using namespace firewright;

namespace {

struct Arguments {
  std::uint64_t seed = 1;
  std::size_t policies = 5000;
  std::size_t packets = 400;
  std::size_t workers = 4;
  bool prove_only = false;
  bool readers_only = false;
  std::size_t texts = 20000;
  std::size_t shrink = 5;  // so many findings are made small
};

bool read_number(const char* text, std::uint64_t& value) {
  char* end = nullptr;
  value = std::strtoull(text, &end, 10);
  return *text != '\0' && *end == '\0';
}

bool read_arguments(int count, char** words, Arguments& arguments) {
  for (int i = 1; i < count; ++i) {
    const std::string word = words[i];
    if (word == "--prove-only" || word == "--readers-only") {
      (word == "--prove-only" ? arguments.prove_only : arguments.readers_only) = true;
      continue;
    }
    std::uint64_t value = 0;
    if (i + 1 >= count || !read_number(words[++i], value)) return false;
    if (word == "--seed")
      arguments.seed = value;
    else if (word == "--policies")
      arguments.policies = value;
    else if (word == "--packets")
      arguments.packets = value;
    else if (word == "--texts")
      arguments.texts = value;
    else if (word == "--workers" && value > 0)
      arguments.workers = value;
    else
      return false;
  }
  return true;
}

// The policies of one process; what it finds is printed at once.
judge::Judged judge_share(const Arguments& arguments, std::size_t worker) {
  constexpr std::size_t at_once = 50;
  judge::Judged all;
  std::size_t shown = 0;
  for (std::size_t done = worker * at_once; done < arguments.policies;
       done += arguments.workers * at_once) {
    const judge::CourtOptions options{.seed = arguments.seed + done,
                                      .policies = std::min(at_once, arguments.policies - done),
                                      .packets = arguments.packets};
    const auto session = judge::hold_court(options);
    all += session.judged;
    for (const auto& finding : session.findings)
      std::cout << (shown++ < arguments.shrink ? judge::shrunk_text(finding, options)
                                               : judge::to_text(finding))
                << std::endl;
    if (!session.failure.empty()) {
      std::cout << session.failure << std::endl;
      ++all.failures;
    }
    std::cerr << "worker " << worker << ": " << all.generated << " policies, " << all.mismatches
              << " mismatches\n";
  }
  return all;
}

// Several processes, since most of the time goes into waiting for the kernel to exchange rules.
int judge_policies(const Arguments& arguments) {
  std::vector<std::pair<pid_t, int>> workers;
  for (std::size_t worker = 0; worker < arguments.workers; ++worker) {
    std::array<int, 2> ends{};
    if (::pipe(ends.data()) != 0) return 1;
    const pid_t child = ::fork();
    if (child == 0) {
      const auto share = judge_share(arguments, worker);
      ::_exit(::write(ends[1], &share, sizeof share) == sizeof share ? 0 : 1);
    }
    ::close(ends[1]);
    workers.emplace_back(child, ends[0]);
  }
  judge::Judged all;
  bool complete = true;
  for (const auto& [child, answer] : workers) {
    judge::Judged share;
    complete = ::read(answer, &share, sizeof share) == sizeof share && complete;
    all += share;
    ::waitpid(child, nullptr, 0);
  }
  std::cout << "seeds " << arguments.seed << " to " << arguments.seed + arguments.policies - 1
            << '\n'
            << to_text(all);
  if (!complete) std::cout << "a worker died\n";
  return complete && all.mismatches == 0 && all.failures == 0 ? 0 : 1;
}

int prove_policies(const Arguments& arguments) {
  constexpr std::size_t at_once = 1000;
  judge::Soaked all;
  for (std::size_t done = 0; done < arguments.policies; done += at_once) {
    const auto some =
        judge::soak(arguments.seed + done, std::min(at_once, arguments.policies - done));
    for (const auto& finding : some.findings) std::cout << finding << std::endl;
    all += some;
    std::cerr << all.policies << " policies, " << all.findings.size() << " findings\n";
  }
  std::cout << "seeds " << arguments.seed << " to " << arguments.seed + arguments.policies - 1
            << '\n'
            << to_text(all);
  return all.findings.empty() ? 0 : 1;
}

// Prints what was found; whether that was nothing.
bool show(const std::string& what, const judge::Compared& compared) {
  for (const auto& finding : compared.findings) std::cout << finding << '\n';
  std::cout << what << ": " << to_text(compared) << std::endl;
  return compared.findings.empty();
}

// Emitted artifacts, as many as policies; then changed texts for each reader, each in a process of
// its own, since much of the time goes into waiting for the kernel.
int try_readers(const Arguments& arguments) {
  constexpr std::size_t at_once = 1000;
  judge::Compared emitted;
  for (std::size_t done = 0; done < arguments.policies; done += at_once)
    emitted +=
        judge::try_emitted(arguments.seed + done, std::min(at_once, arguments.policies - done));
  bool good = show("all readers", emitted);
  std::vector<pid_t> children;
  for (const auto reader : judge::all_readers) {
    const pid_t child = ::fork();
    if (child == 0) {
      const auto compared = judge::compare_readers(reader, arguments.seed, arguments.texts);
      const bool agrees = show(std::string(to_string(reader)), compared);
      ::_exit(agrees && compared.texts >= arguments.texts ? 0 : 1);
    }
    children.push_back(child);
  }
  for (const auto child : children) {
    int status = 1;
    good = ::waitpid(child, &status, 0) == child && status == 0 && good;
  }
  return good ? 0 : 1;
}

}  // namespace

int main(int count, char** words) {
  Arguments arguments;
  if (!read_arguments(count, words, arguments)) {
    std::cerr << "usage: firewright_judge [--policies N] [--seed N] [--packets N] [--workers N]\n"
                 "       firewright_judge --prove-only [--policies N] [--seed N]\n"
                 "       firewright_judge --readers-only [--policies N] [--texts N] [--seed N]\n";
    return 2;
  }
  if (arguments.readers_only) return try_readers(arguments);
  return arguments.prove_only ? prove_policies(arguments) : judge_policies(arguments);
}
