#include "backends/host/detached.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <ctime>

#include "backends/host/descriptor.h"
#include "backends/host/error_text.h"

namespace firewright::host {
namespace {

// What the new process says before the caller goes on.
struct Report {
  ProcessId process;
  int error = 0;
};

constexpr int report_fd = 3;
constexpr int most_attempts = 1000;
constexpr time_t longest_nap_s = 10;

// From here to start_detached: only what is allowed between fork and exec, since the caller may
// have threads. All memory was asked for before.

[[noreturn]] void give_up(int fd) {
  const Report report{.process = {}, .error = errno != 0 ? errno : EIO};
  (void)!write(fd, &report, sizeof report);
  _exit(1);
}

void close_from(unsigned first) {
  if (close_range(first, ~0U, 0) == 0) return;
  rlimit limit{};  // a kernel before 5.9
  constexpr rlim_t most = 1 << 20;
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) limit.rlim_cur = most;
  for (auto fd = static_cast<int>(first); fd < static_cast<int>(std::min(limit.rlim_cur, most));
       ++fd)
    (void)close(fd);
}

// Of the caller's descriptors (its lock, its pipes, a terminal) none may stay open here.
void leave_descriptors(int report) {
  // Out of the way of 0 to 3: the caller may have begun without standard streams.
  const int aside = fcntl(report, F_DUPFD_CLOEXEC, report_fd + 1);
  if (aside < 0) give_up(report);
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0) give_up(aside);
  for (int i = 0; i < report_fd; ++i)
    if (i == null ? fcntl(i, F_SETFD, 0) < 0 : dup2(null, i) < 0) give_up(aside);
  if (dup3(aside, report_fd, O_CLOEXEC) < 0) give_up(aside);
  close_from(report_fd + 1);
}

void set_signals(const sigset_t& waited) {
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction action{};
    switch (signal) {
      case SIGHUP:
      case SIGINT:
      case SIGQUIT:
      case SIGPIPE:
      case SIGALRM:
      case SIGUSR1:
      case SIGUSR2: action.sa_handler = SIG_IGN; break;
      default: action.sa_handler = SIG_DFL; break;
    }
    (void)sigaction(signal, &action, nullptr);  // those that cannot be set are as they should be
  }
  if (sigprocmask(SIG_SETMASK, &waited, nullptr) != 0) give_up(report_fd);
}

[[noreturn]] void become(const std::vector<char*>& arguments) {
  for (int signal = 1; signal < NSIG; ++signal) {
    struct sigaction action{};
    action.sa_handler = SIG_DFL;
    (void)sigaction(signal, &action, nullptr);
  }
  sigset_t none;
  sigemptyset(&none);
  (void)sigprocmask(SIG_SETMASK, &none, nullptr);
  execv(arguments[0], arguments.data());
  _exit(127);
}

bool run_once(const std::vector<char*>& arguments) {
  const pid_t child = fork();
  if (child < 0) return false;
  if (child == 0) become(arguments);
  int status = 0;
  while (waitpid(child, &status, 0) < 0)
    if (errno != EINTR) return false;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

[[noreturn]] void run_until_done(const std::vector<char*>& arguments) {
  for (int attempt = 1; attempt <= most_attempts; ++attempt) {
    if (run_once(arguments)) _exit(0);
    const timespec nap{.tv_sec = std::min<time_t>(attempt, longest_nap_s), .tv_nsec = 0};
    (void)nanosleep(&nap, nullptr);
  }
  _exit(1);
}

[[noreturn]] void stand(const std::vector<char*>& arguments, const itimerspec& when, int report) {
  leave_descriptors(report);
  sigset_t waited;
  sigemptyset(&waited);
  sigaddset(&waited, SIGTERM);
  set_signals(waited);
  (void)umask(077);
  (void)prctl(PR_SET_NAME, "fw-watchdog");
  if (chdir("/") != 0) give_up(report_fd);
  pollfd events[2] = {
      {.fd = timerfd_create(CLOCK_BOOTTIME, TFD_CLOEXEC), .events = POLLIN, .revents = 0},
      {.fd = signalfd(-1, &waited, SFD_CLOEXEC), .events = POLLIN, .revents = 0}};
  if (events[0].fd < 0 || events[1].fd < 0 ||
      timerfd_settime(events[0].fd, TFD_TIMER_ABSTIME, &when, nullptr) != 0)
    give_up(report_fd);

  // Its own look at itself: by the time the caller could look, it may be done.
  const auto process = identify(getpid());
  if (!process) give_up(report_fd);
  const Report report_text{.process = *process, .error = 0};
  // If the caller is gone, it has changed nothing; the command will see that.
  (void)!write(report_fd, &report_text, sizeof report_text);
  (void)close(report_fd);
  while (poll(events, 2, -1) <= 0) {
    const timespec nap{.tv_sec = 0, .tv_nsec = 100'000'000};  // no memory, perhaps
    if (errno != EINTR) (void)nanosleep(&nap, nullptr);
  }
  (void)close(events[0].fd);
  (void)close(events[1].fd);
  run_until_done(arguments);
}

// The child in between: leaves the session, and leaves the second child to the system.
[[noreturn]] void detach(const std::vector<char*>& arguments, const itimerspec& when, int report) {
  if (setsid() < 0) give_up(report);
  const pid_t child = fork();
  if (child < 0) give_up(report);
  if (child == 0) stand(arguments, when, report);
  _exit(0);
}

}  // namespace

std::optional<ProcessId> start_detached(const std::vector<std::string>& command,
                                        std::int64_t boottime_ms, std::string& error) {
  std::vector<char*> arguments;
  for (const auto& argument : command) arguments.push_back(const_cast<char*>(argument.c_str()));
  arguments.push_back(nullptr);
  itimerspec when{};
  when.it_value.tv_sec = boottime_ms / 1000;
  when.it_value.tv_nsec = static_cast<long>(boottime_ms % 1000) * 1'000'000;

  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) {
    error = std::string("cannot start a watchdog: ") + error_text(errno);
    return std::nullopt;
  }
  const Descriptor in(ends[0]);
  Descriptor out(ends[1]);
  const pid_t child = fork();
  if (child == 0) detach(arguments, when, out.get());
  Report report{.process = {}, .error = child < 0 ? errno : EIO};
  out.reset();
  if (child > 0) {
    ssize_t got = -1;
    do got = read(in.get(), &report, sizeof report);
    while (got < 0 && errno == EINTR);
    if (got != static_cast<ssize_t>(sizeof report)) report = {.process = {}, .error = EIO};
    while (waitpid(child, nullptr, 0) < 0 && errno == EINTR);
  }
  if (report.error == 0) return report.process;
  error = std::string("cannot start a watchdog: ") + error_text(report.error);
  return std::nullopt;
}

}  // namespace firewright::host
