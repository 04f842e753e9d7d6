#include "tests/faults/tracing.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <map>
#include <optional>

#include "tests/faults/registers.h"

namespace firewright::faults {
namespace {

using Clock = std::chrono::steady_clock;

constexpr int system_call_stop = SIGTRAP | 0x80;

class File {
 public:
  explicit File(int fd) : fd_(fd) {}
  ~File() { close(); }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  File(File&&) = delete;
  File& operator=(File&&) = delete;
  [[nodiscard]] int get() const { return fd_; }
  void close() {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
  }

 private:
  int fd_;
};

std::string content(const File& file) {
  std::string text;
  std::array<char, 65536> buffer{};
  for (off_t at = 0;;) {
    const ssize_t got = ::pread(file.get(), buffer.data(), buffer.size(), at);
    if (got <= 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(got));
    at += got;
  }
}

// A text of another process, as far as it can be read.
std::string text_at(pid_t process, std::uint64_t address) {
  constexpr std::size_t page = 4096;
  std::string text;
  while (text.size() < page) {
    std::array<char, page> buffer{};
    // Up to the end of the page: the next one may not be there.
    const std::size_t size = page - address % page;
    const iovec here{.iov_base = buffer.data(), .iov_len = size};
    const iovec there{.iov_base = reinterpret_cast<void*>(address), .iov_len = size};
    if (::process_vm_readv(process, &here, 1, &there, 1, 0) != static_cast<ssize_t>(size))
      return text;
    const auto length = ::strnlen(buffer.data(), size);
    text.append(buffer.data(), length);
    if (length < size) return text;
    address += size;
  }
  return text;
}

// SIGCHLD is waited for, not handled, while one of these lives.
class BlockedSigchld {
 public:
  BlockedSigchld() {
    ::sigemptyset(&sigchld_);
    ::sigaddset(&sigchld_, SIGCHLD);
    ::pthread_sigmask(SIG_BLOCK, &sigchld_, &before_);
  }
  ~BlockedSigchld() { restore(); }
  BlockedSigchld(const BlockedSigchld&) = delete;
  BlockedSigchld& operator=(const BlockedSigchld&) = delete;
  BlockedSigchld(BlockedSigchld&&) = delete;
  BlockedSigchld& operator=(BlockedSigchld&&) = delete;

  void restore() const { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  // Until a child has something to tell, or a moment has passed.
  void wait() const {
    const timespec moment{.tv_sec = 0, .tv_nsec = 20'000'000};
    ::sigtimedwait(&sigchld_, nullptr, &moment);
  }

 private:
  sigset_t sigchld_{};
  sigset_t before_{};
};

class Tracer {
 public:
  explicit Tracer(const Plan& plan) : plan_(plan), counting_(false) {}

  Trace run(const std::vector<std::string>& command);

 private:
  struct Traced {
    int error = 0;  // to be given at the exit of the call it is in
    bool kill_at_exit = false;
  };

  [[noreturn]] void become(const std::vector<std::string>& command, int go, int in, int out,
                           int err) const;
  bool seize();
  void follow();
  void stopped(pid_t process, int status);
  void event(pid_t process, int event, int signal);
  void entered(pid_t process, const __ptrace_syscall_info& info);
  void left(pid_t process);
  void spoil(pid_t process, Traced& traced);
  [[nodiscard]] bool opens_first_path(pid_t process, const __ptrace_syscall_info& info) const;
  void let_go();
  void kill_all();

  const Plan& plan_;
  const BlockedSigchld sigchld_;
  Trace trace_;
  pid_t main_ = 0;
  bool running_ = false;  // the command itself
  bool became_ = false;   // what it should
  bool counting_;
  std::map<pid_t, Traced> traced_;
};

void go_on(pid_t process, int signal = 0) {
  ::ptrace(PTRACE_SYSCALL, process, nullptr, static_cast<long>(signal));
}

void Tracer::become(const std::vector<std::string>& command, int go, int in, int out,
                    int err) const {
  sigchld_.restore();
  char byte = 0;
  while (::read(go, &byte, 1) < 0 && errno == EINTR) {
  }
  ::dup2(in, STDIN_FILENO);
  ::dup2(out, STDOUT_FILENO);
  ::dup2(err, STDERR_FILENO);
  std::vector<char*> arguments;
  for (const auto& word : command) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
#ifdef __SANITIZE_ADDRESS__
  // It looks for leaks by ptrace, which nobody can do to who is traced already.
  ::setenv("ASAN_OPTIONS", "detect_leaks=0", 1);
#endif
  ::execvp(arguments[0], arguments.data());
  ::_exit(127);
}

bool Tracer::seize() {
  long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
  if (plan_.follow_children)
    options |= PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE;
  return ::ptrace(PTRACE_SEIZE, main_, nullptr, options) == 0 &&
         ::ptrace(PTRACE_INTERRUPT, main_, nullptr, nullptr) == 0;
}

Trace Tracer::run(const std::vector<std::string>& command) {
  const File in(::memfd_create("in", MFD_CLOEXEC));
  const File out(::memfd_create("out", MFD_CLOEXEC));
  const File err(::memfd_create("err", MFD_CLOEXEC));
  std::array<int, 2> ends{-1, -1};
  const auto give_up = [this](const std::string& what) {
    trace_.failed = what + ": " + std::strerror(errno);
    return std::move(trace_);
  };
  if (in.get() < 0 || out.get() < 0 || err.get() < 0) return give_up("memfd_create");
  if (::pwrite(in.get(), plan_.input.data(), plan_.input.size(), 0) !=
      static_cast<ssize_t>(plan_.input.size()))
    return give_up("the input");
  if (::pipe2(ends.data(), O_CLOEXEC) != 0) return give_up("pipe");
  const File go(ends[0]);
  File gate(ends[1]);

  main_ = ::fork();
  if (main_ < 0) return give_up("fork");
  if (main_ == 0) {
    gate.close();
    become(command, go.get(), in.get(), out.get(), err.get());
  }
  if (!seize()) {
    const int error = errno;
    ::kill(main_, SIGKILL);
    ::waitpid(main_, nullptr, 0);
    errno = error;
    return give_up("ptrace");
  }
  traced_[main_] = {};
  running_ = true;
  gate.close();
  follow();
  let_go();
  if (!became_) trace_.failed = "cannot run " + command[0];
  trace_.out = content(out);
  trace_.err = content(err);
  return std::move(trace_);
}

// Until the command itself has ended.
void Tracer::follow() {
  const auto deadline = Clock::now() + std::chrono::seconds(plan_.seconds);
  while (running_) {
    int status = 0;
    const pid_t process = ::waitpid(-1, &status, __WALL | WNOHANG);
    if (process < 0 && errno == EINTR) continue;
    if (process < 0) return;
    if (process > 0) {
      stopped(process, status);
      continue;
    }
    if (!trace_.timed_out && Clock::now() > deadline) {
      trace_.timed_out = true;
      kill_all();
    }
    sigchld_.wait();
  }
}

void Tracer::stopped(pid_t process, int status) {
  if (!WIFSTOPPED(status)) {
    traced_.erase(process);
    if (process != main_) return;
    running_ = false;
    if (WIFEXITED(status)) trace_.status = WEXITSTATUS(status);
    if (WIFSIGNALED(status)) trace_.signal = WTERMSIG(status);
    return;
  }
  traced_[process];  // a child may be heard of before its parent tells
  const int signal = WSTOPSIG(status);
  if (const int what = status >> 16; what != 0) {
    event(process, what, signal);
    return;
  }
  if (signal != system_call_stop) {
    go_on(process, signal);
    return;
  }
  __ptrace_syscall_info info{};
  if (::ptrace(PTRACE_GET_SYSCALL_INFO, process, sizeof info, &info) <= 0) return;  // it is gone
  if (info.op == PTRACE_SYSCALL_INFO_ENTRY) entered(process, info);
  if (info.op == PTRACE_SYSCALL_INFO_EXIT) left(process);
  go_on(process);
}

void Tracer::event(pid_t process, int event, int signal) {
  if (event == PTRACE_EVENT_EXEC && process == main_ && !became_) {
    became_ = true;
    counting_ = plan_.from_path.empty();
  }
  // The command may end before its child is heard of, which is then to be let go all the same.
  if (event == PTRACE_EVENT_FORK || event == PTRACE_EVENT_VFORK || event == PTRACE_EVENT_CLONE) {
    unsigned long child = 0;
    if (::ptrace(PTRACE_GETEVENTMSG, process, nullptr, &child) == 0)
      traced_[static_cast<pid_t>(child)];
  }
  const bool stop =
      signal == SIGSTOP || signal == SIGTSTP || signal == SIGTTIN || signal == SIGTTOU;
  if (event == PTRACE_EVENT_STOP && stop)
    ::ptrace(PTRACE_LISTEN, process, nullptr, nullptr);
  else
    go_on(process);
}

bool Tracer::opens_first_path(pid_t process, const __ptrace_syscall_info& info) const {
  const auto name = name_of_call(static_cast<long>(info.entry.nr));
  if (name != "open" && name != "openat" && name != "openat2") return false;
  return text_at(process, info.entry.args[name == "open" ? 0 : 1]) == plan_.from_path;
}

void Tracer::entered(pid_t process, const __ptrace_syscall_info& info) {
  auto& traced = traced_[process];
  traced = {};
  if (!became_) return;
  if (!counting_) counting_ = opens_first_path(process, info);
  if (!counting_) return;
  const auto number = static_cast<long>(info.entry.nr);
  trace_.calls.push_back(
      {.process = process == main_ ? 0 : process, .number = number, .name = name_of_call(number)});
  if (trace_.calls.size() == plan_.nth) spoil(process, traced);
}

void Tracer::spoil(pid_t process, Traced& traced) {
  switch (plan_.fault) {
    case Plan::Fault::none: return;
    case Plan::Fault::kill_at_entry:
      trace_.hit = true;
      ::kill(process, SIGKILL);
      return;
    case Plan::Fault::kill_at_exit: traced.kill_at_exit = true; return;
    case Plan::Fault::fail:
      // Linux frees the descriptor, whatever close() then says.
      trace_.hit = trace_.calls.back().name == "close" || skip_call(process);
      traced.error = plan_.error;
      return;
  }
}

void Tracer::left(pid_t process) {
  auto& traced = traced_[process];
  if (traced.error != 0) trace_.hit = set_result(process, -traced.error) && trace_.hit;
  if (traced.kill_at_exit) {
    trace_.hit = true;
    ::kill(process, SIGKILL);
  }
  traced = {};
}

void Tracer::kill_all() {
  for (const auto& [process, traced] : traced_) ::kill(process, SIGKILL);
}

// Children that outlive the command go on untraced. One can be let go when it stands still.
void Tracer::let_go() {
  if (trace_.timed_out) kill_all();
  for (const auto& [process, traced] : traced_) {
    ::ptrace(PTRACE_INTERRUPT, process, nullptr, nullptr);
    int status = 0;
    pid_t found = 0;
    do {
      found = ::waitpid(process, &status, __WALL);
    } while (found < 0 && errno == EINTR);
    if (found != process || !WIFSTOPPED(status)) continue;
    const int signal = WSTOPSIG(status);
    const bool of_the_tracer = status >> 16 != 0 || signal == system_call_stop;
    ::ptrace(PTRACE_DETACH, process, nullptr, static_cast<long>(of_the_tracer ? 0 : signal));
  }
  traced_.clear();
}

}  // namespace

Trace trace(const std::vector<std::string>& command, const Plan& plan) {
  return Tracer(plan).run(command);
}

}  // namespace firewright::faults
