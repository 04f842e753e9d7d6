#include "backends/host/process.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <optional>
#include <utility>

#include "backends/host/descriptor.h"

namespace firewright::host {
namespace {

constexpr rlim_t most_output = rlim_t{256} << 20U;

// Files in memory for all three streams: nobody waits for the other's pipe.
std::optional<Descriptor> memory_file(std::string_view content) {
  Descriptor file(memfd_create("firewright", MFD_CLOEXEC));
  if (!file.valid()) return std::nullopt;
  while (!content.empty()) {
    const ssize_t written = write(file.get(), content.data(), content.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return std::nullopt;
    content.remove_prefix(static_cast<std::size_t>(written));
  }
  if (lseek(file.get(), 0, SEEK_SET) != 0) return std::nullopt;
  return file;
}

std::optional<std::string> content(const Descriptor& file) {
  std::string text;
  char buffer[1 << 14];
  for (;;) {
    const ssize_t got = pread(file.get(), buffer, sizeof buffer, static_cast<off_t>(text.size()));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    if (got == 0) return text;
    text.append(buffer, static_cast<std::size_t>(got));
  }
}

// Only what is allowed between fork and exec.
[[noreturn]] void become(const std::vector<char*>& arguments, const std::vector<std::string>& paths,
                         const Descriptor (&streams)[3], int report, pid_t caller) {
  // When the caller is killed its lock is free, and whoever takes it must find all at rest.
  (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != caller) _exit(127);
  for (int i = 0; i < 3; ++i)
    if (dup2(streams[i].get(), i) < 0) _exit(127);
  const rlimit limit{.rlim_cur = most_output, .rlim_max = most_output};
  (void)setrlimit(RLIMIT_FSIZE, &limit);
  sigset_t none;
  sigemptyset(&none);
  (void)sigprocmask(SIG_SETMASK, &none, nullptr);
  int error = ENOENT;
  for (const auto& path : paths) {
    execv(path.c_str(), arguments.data());
    if (errno != ENOENT && errno != ENOTDIR) error = errno;
  }
  (void)!write(report, &error, sizeof error);
  _exit(127);
}

std::vector<std::string> candidates(const std::string& name) {
  if (name.find('/') != std::string::npos) return {name};
  const char* variable = getenv("PATH");
  std::string path = variable != nullptr ? variable : "";
  path += ":/usr/sbin:/sbin";
  std::vector<std::string> result;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find(':', begin), path.size());
    // An empty or relative part would be the current directory's.
    if (path[begin] == '/') result.push_back(path.substr(begin, end - begin) + "/" + name);
    begin = end + 1;
  }
  return result;
}

int wait_for(pid_t child) {
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return -1;
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

Finished io_failure(int error) {
  Finished finished;
  finished.io_error = error != 0 ? error : EIO;
  return finished;
}

}  // namespace

Finished run(const std::vector<std::string>& command, std::string_view input) {
  auto in = memory_file(input);
  auto out = memory_file({});
  auto err = memory_file({});
  int report[2];
  if (!in || !out || !err || pipe2(report, O_CLOEXEC) != 0) return io_failure(errno);
  const Descriptor report_in(report[0]);
  Descriptor report_out(report[1]);
  const Descriptor streams[3] = {std::move(*in), std::move(*out), std::move(*err)};

  std::vector<char*> arguments;
  for (const auto& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  const auto paths = candidates(command.front());
  const pid_t caller = getpid();
  const pid_t child = fork();
  if (child < 0) return io_failure(errno);
  if (child == 0) become(arguments, paths, streams, report_out.get(), caller);
  report_out.reset();

  Finished finished;
  int exec_error = 0;
  ssize_t told = 0;
  do told = read(report_in.get(), &exec_error, sizeof exec_error);
  while (told < 0 && errno == EINTR);
  if (told == static_cast<ssize_t>(sizeof exec_error)) finished.exec_error = exec_error;
  finished.status = wait_for(child);
  auto output = content(streams[1]);
  auto errors = content(streams[2]);
  if (!output || !errors) finished.io_error = EIO;
  finished.out = std::move(output).value_or("");
  finished.err = std::move(errors).value_or("");
  return finished;
}

}  // namespace firewright::host
