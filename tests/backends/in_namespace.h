// For tests that touch a firewall: runs something in a network namespace of its own.
#pragma once

#include <sched.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <fstream>
#include <functional>
#include <string>
#include <system_error>

namespace firewright::test {

struct InNamespace {
  std::string refused;  // why there is no namespace to be had; then nothing ran
  std::string output;   // what the body returned
};

// Enters a new network namespace, if need be in a user namespace where the caller is root. Gives
// the reason if that is refused.
inline std::string enter_namespace() {
  if (unshare(CLONE_NEWNET) == 0) return {};
  const auto uid = getuid();
  const auto gid = getgid();
  if (unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0)
    return "no network namespace: " + std::generic_category().message(errno);
  std::ofstream("/proc/self/setgroups") << "deny";
  std::ofstream("/proc/self/uid_map") << "0 " << uid << " 1";
  std::ofstream("/proc/self/gid_map") << "0 " << gid << " 1";
  return {};
}

// The body runs in a child process; what it returns comes back. A child that dies gives no output,
// and says so in it.
inline InNamespace in_namespace(const std::function<std::string()>& body) {
  int ends[2];
  if (pipe(ends) != 0) return {.refused = "no pipe", .output = {}};
  const pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    std::string message = enter_namespace();
    message = message.empty() ? "+" + body() : "-" + message;
    for (std::size_t done = 0; done < message.size();) {
      const ssize_t written = write(ends[1], message.data() + done, message.size() - done);
      if (written <= 0) _exit(1);
      done += static_cast<std::size_t>(written);
    }
    _exit(0);
  }
  close(ends[1]);
  std::string message;
  char buffer[4096];
  for (ssize_t got = 0; (got = read(ends[0], buffer, sizeof buffer)) > 0;)
    message.append(buffer, static_cast<std::size_t>(got));
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  if (message.empty() || !WIFEXITED(status) || WEXITSTATUS(status) != 0)
    return {.refused = {}, .output = "the child died; status " + std::to_string(status)};
  if (message[0] == '-') return {.refused = message.substr(1), .output = {}};
  return {.refused = {}, .output = message.substr(1)};
}

}  // namespace firewright::test
