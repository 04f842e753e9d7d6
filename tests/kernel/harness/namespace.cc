#include "tests/kernel/harness/namespace.h"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <optional>

#include "tests/kernel/harness/file_descriptor.h"

extern char** environ;

namespace firewright::kernel {
namespace {

// The child's answer: one byte for the kind, then the text.
constexpr char answer_done = 'd';
constexpr char answer_refused = 'r';
constexpr char answer_failed = 'f';

bool write_all(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    const ssize_t written = ::write(fd, bytes.data(), bytes.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return false;
    bytes.remove_prefix(static_cast<std::size_t>(written));
  }
  return true;
}

std::string read_all(int fd) {
  std::string text;
  std::array<char, 65536> buffer{};
  for (;;) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

// Why the kernel refuses a namespace, if it does.
std::optional<std::string> enter_new_namespace() {
  const uid_t uid = ::geteuid();
  const gid_t gid = ::getegid();
  const int flags = uid == 0 ? CLONE_NEWNET : CLONE_NEWNET | CLONE_NEWUSER;
  if (::unshare(flags) != 0)
    return std::string("the kernel refuses a network namespace: ") + std::strerror(errno);
  if (uid != 0) {
    try {
      write_file("/proc/self/setgroups", "deny");
      write_file("/proc/self/uid_map", "0 " + std::to_string(uid) + " 1");
      write_file("/proc/self/gid_map", "0 " + std::to_string(gid) + " 1");
    } catch (const HarnessError& error) {
      return error.what();
    }
  }
  return std::nullopt;
}

[[noreturn]] void child_main(const std::function<std::string()>& body, int answer_fd) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::string answer;
  if (const auto refusal = enter_new_namespace()) {
    answer = answer_refused + *refusal;
  } else {
    // iptables-legacy takes a lock on a file of the machine, which has nothing to do with us.
    const std::string lock = "/tmp/firewright-test-xtables." + std::to_string(::getpid());
    ::setenv("XTABLES_LOCKFILE", lock.c_str(), 1);
    const char* path = std::getenv("PATH");
    ::setenv("PATH", (std::string(path != nullptr ? path : "") + ":/usr/sbin:/sbin").c_str(), 1);
    try {
      answer = answer_done + body();
    } catch (const std::exception& error) {
      answer = answer_failed + std::string(error.what());
    }
    ::unlink(lock.c_str());
  }
  write_all(answer_fd, answer);
  ::_exit(0);
}

// Reads until the writer closes or the time is up; nothing in the latter case.
std::optional<std::string> read_until(int fd, std::chrono::steady_clock::time_point deadline) {
  std::string text;
  std::array<char, 65536> buffer{};
  for (;;) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        deadline - std::chrono::steady_clock::now());
    if (left.count() <= 0) return std::nullopt;
    pollfd waiting{.fd = fd, .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, static_cast<int>(left.count())) <= 0) continue;
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got < 0) continue;
    if (got == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

int exit_status(int wait_status) {
  return WIFEXITED(wait_status) ? WEXITSTATUS(wait_status) : 128 + WTERMSIG(wait_status);
}

FileDescriptor memory_file(const char* name) {
  FileDescriptor file(::memfd_create(name, MFD_CLOEXEC));
  if (!file.open()) throw HarnessError(std::string("memfd_create: ") + std::strerror(errno));
  return file;
}

std::string content(const FileDescriptor& file) {
  ::lseek(file.get(), 0, SEEK_SET);
  return read_all(file.get());
}

}  // namespace

Outcome in_namespace(const std::function<std::string()>& body, unsigned seconds) {
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC) != 0)
    return {.kind = Outcome::Kind::failed, .text = std::string("pipe: ") + std::strerror(errno)};
  const FileDescriptor answer_end(ends[0]);
  FileDescriptor child_end(ends[1]);
  const pid_t child = ::fork();
  if (child < 0)
    return {.kind = Outcome::Kind::failed, .text = std::string("fork: ") + std::strerror(errno)};
  if (child == 0) child_main(body, child_end.get());
  child_end = FileDescriptor();

  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(seconds);
  const auto answer = read_until(answer_end.get(), deadline);
  if (!answer) ::kill(child, SIGKILL);
  int status = 0;
  while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
  }
  if (!answer) return {.kind = Outcome::Kind::failed, .text = "not done in time"};
  if (answer->empty()) {
    return {.kind = Outcome::Kind::failed,
            .text = "the child died, status " + std::to_string(exit_status(status))};
  }
  const auto kind = answer->front() == answer_done      ? Outcome::Kind::done
                    : answer->front() == answer_refused ? Outcome::Kind::refused
                                                        : Outcome::Kind::failed;
  return {.kind = kind, .text = answer->substr(1)};
}

CommandResult run(const std::vector<std::string>& command, std::string_view input) {
  const FileDescriptor in = memory_file("in");
  const FileDescriptor out = memory_file("out");
  const FileDescriptor err = memory_file("err");
  if (!write_all(in.get(), input)) throw HarnessError("cannot keep the input of " + command.at(0));
  ::lseek(in.get(), 0, SEEK_SET);

  std::vector<char*> arguments;
  for (const auto& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  ::posix_spawn_file_actions_init(&actions);
  ::posix_spawn_file_actions_adddup2(&actions, in.get(), STDIN_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, out.get(), STDOUT_FILENO);
  ::posix_spawn_file_actions_adddup2(&actions, err.get(), STDERR_FILENO);
  pid_t pid = 0;
  const int error =
      ::posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ);
  ::posix_spawn_file_actions_destroy(&actions);
  if (error != 0)
    return {.status = 127, .out = "", .err = command[0] + ": " + std::strerror(error)};

  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return {.status = exit_status(status), .out = content(out), .err = content(err)};
}

std::string must_run(const std::vector<std::string>& command, std::string_view input) {
  auto result = run(command, input);
  if (result.status != 0) {
    std::string line;
    for (const auto& word : command) line += (line.empty() ? "" : " ") + word;
    throw HarnessError(line + ": " + result.err + "\nits input:\n" +
                       std::string(input.substr(0, 4000)));
  }
  return std::move(result.out);
}

bool in_path(std::string_view program) {
  const char* path = std::getenv("PATH");
  const std::string folders = std::string(path != nullptr ? path : "") + ":/usr/sbin:/sbin";
  std::string_view rest = folders;
  while (!rest.empty()) {
    const auto colon = rest.find(':');
    const std::string candidate = std::string(rest.substr(0, colon)) + "/" + std::string(program);
    if (::access(candidate.c_str(), X_OK) == 0) return true;
    if (colon == std::string_view::npos) break;
    rest.remove_prefix(colon + 1);
  }
  return false;
}

void write_file(const std::string& path, std::string_view text) {
  const FileDescriptor file(::open(path.c_str(), O_WRONLY | O_CLOEXEC));
  if (!file.open() || !write_all(file.get(), text))
    throw HarnessError("cannot write " + path + ": " + std::strerror(errno));
}

}  // namespace firewright::kernel
