// The tutorial is true: its commands, typed one after the other on a host as it describes, end and
// answer as it shows. A `...` stands for what is left out.

#include <gtest/gtest.h>

#include <fstream>
#include <iterator>
#include <sstream>

#include "tests/kernel/life.h"
#include "tests/kernel/skip.h"

namespace firewright::kernel {
namespace {

struct Step {
  std::string command;
  std::string answer;
};

// As man shows a line of roff.
std::string plain(std::string line) {
  const std::pair<std::string, std::string> escapes[] = {
      {"\\&", ""}, {"\\-", "-"}, {"\\(aq", "'"}, {"\\(dq", "\""}, {"\\e", "\\"}};
  for (const auto& [escape, text] : escapes)
    for (auto at = line.find(escape); at != std::string::npos; at = line.find(escape, at))
      line.replace(at, escape.size(), text);
  return line;
}

// What stands between .nf and .fi.
std::vector<Step> steps(const std::string& path) {
  std::ifstream file(path);
  std::vector<Step> found;
  bool shown = false;
  for (std::string line; std::getline(file, line);) {
    if (line == ".nf" || line == ".fi") {
      shown = line == ".nf";
    } else if (shown && !line.starts_with('.')) {
      line = plain(line);
      if (line.starts_with("$ "))
        found.push_back({.command = line.substr(2), .answer = {}});
      else if (found.empty())
        throw HarnessError("an answer without a command: " + line);
      else if (line.starts_with("> "))
        found.back().command += "\n" + line.substr(2);
      else if (line == ">")
        found.back().command += "\n";
      else
        found.back().answer += line + "\n";
    }
  }
  return found;
}

bool matches(std::string_view shown, std::string_view real) {
  for (bool skips = false;;) {
    const auto dots = shown.find("...");
    const auto part = shown.substr(0, dots);
    const auto at = skips ? real.find(part) : (real.starts_with(part) ? 0 : real.npos);
    if (at == real.npos) return false;
    if (dots == shown.npos) {
      // The last part ends the text.
      return skips ? real.ends_with(part) : real == part;
    }
    real.remove_prefix(at + part.size());
    shown.remove_prefix(dots + 3);
    if (shown.starts_with('\n')) shown.remove_prefix(1);
    skips = true;
    if (shown.empty()) return true;
  }
}

TEST(Tutorial, TheAnswersAreCompared) {
  EXPECT_TRUE(matches("a\n", "a\n"));
  EXPECT_FALSE(matches("a\n", "a\nb\n"));
  EXPECT_TRUE(matches("a\n...\n", "a\nb\n"));
  EXPECT_TRUE(matches("...\nb\n", "a\nb\n"));
  EXPECT_FALSE(matches("...\nc\n", "a\nb\n"));
  EXPECT_TRUE(matches("a ...\nc\n", "a b\nc\n"));
  EXPECT_FALSE(matches("a\n...\nb\n", "x\na\nb\n"));
}

// The grown firewall of the tutorial's host.
constexpr const char* grown =
    "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n"
    "-A INPUT -i lo -j ACCEPT\n"
    "-A INPUT -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n"
    "-A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n"
    "-A INPUT -p tcp -m multiport --dports 80,443 -j ACCEPT\n"
    "-A INPUT -p tcp -m tcp --dport 3306 -j ACCEPT\nCOMMIT\n";

// A shell with `sudo`, and a `firewright` that remembers what it does in a folder of its own.
void write_commands(const Life& life) {
  namespace fs = std::filesystem;
  fs::create_directories(life.path("bin"));
  life.write("bin/sudo", "#!/bin/sh\nexec \"$@\"\n");
  life.write("bin/firewright",
             "#!/bin/bash\ncommand=$1; shift\ncase $command in\n"
             "apply|confirm|rollback|status) set -- --state-dir '" +
                 life.path("state") + "' --run-dir '" + life.path("run") +
                 "' \"$@\" ;;\nesac\n"
                 "exec " FIREWRIGHT_BINARY " $command \"$@\"\n");
  for (const auto* name : {"bin/sudo", "bin/firewright"})
    fs::permissions(life.path(name), fs::perms::owner_all);
}

TEST(Tutorial, EveryCommandDoesWhatIsShown) {
  const auto all = steps(FIREWRIGHT_SOURCE_DIR "/man/firewright-tutorial.7");
  ASSERT_GT(all.size(), 20U);
  IN_NAMESPACE([&] {
    const Life life;
    write_commands(life);
    std::filesystem::create_directory(life.path("home"));
    must_run({"ip", "link", "set", "lo", "up"});
    must_run({"iptables-restore"}, grown);
    const std::vector<std::string> shell{
        "env",
        "-C",
        life.path("home"),
        "HOME=" + life.path("home"),
        "PATH=" + life.path("bin") + ":/usr/sbin:/usr/bin:/sbin:/bin",
        "GIT_CONFIG_NOSYSTEM=1",
        "GIT_AUTHOR_NAME=A",
        "GIT_AUTHOR_EMAIL=a@example.org",
        "GIT_COMMITTER_NAME=A",
        "GIT_COMMITTER_EMAIL=a@example.org",
        "bash",
        "-c"};
    std::string problems;
    for (const auto& step : all) {
      auto command = shell;
      command.push_back(step.command);
      const auto result = kernel::run(command);
      // A difference that is shown is a `no`.
      const bool tells = step.command.find(" diff ") != std::string::npos ||
                         step.command.find(" review ") != std::string::npos ||
                         step.command.find(" --dry-run ") != std::string::npos;
      if (result.status == (tells ? 1 : 0) && matches(step.answer, result.out)) continue;
      problems += "$ " + step.command + "\n" + said(result);
    }
    return problems;
  });
  EXPECT_EQ(text, "");
}

}  // namespace
}  // namespace firewright::kernel
