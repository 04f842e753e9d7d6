// A command that runs although everybody who wanted it is dead.
#include "backends/host/watchdog.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <functional>
#include <string>
#include <thread>

#include "tests/backends/host/scratch.h"

namespace firewright::host {
namespace {

using namespace std::chrono_literals;
using test::slurp;
using test::spill;

// Waits for what must come, with a bound that only a failure reaches.
bool comes(const std::function<bool()>& condition) {
  for (int i = 0; i < 2000; ++i) {
    if (condition()) return true;
    std::this_thread::sleep_for(10ms);
  }
  return false;
}

class Detached : public test::Scratch {
 protected:
  // Writes a line to `fired` each time it runs.
  [[nodiscard]] std::vector<std::string> mark() const {
    return {"/bin/sh", "-c", "echo fired >> \"$1\"", "mark", at("fired")};
  }
  [[nodiscard]] std::vector<std::string> shell(const std::string& text) const {
    return {"/bin/sh", "-c", "cd " + path() + "; " + text};
  }
  [[nodiscard]] std::string fired() const { return slurp(at("fired")); }
  Watchdog armed(const std::vector<std::string>& command, std::chrono::milliseconds after) {
    std::string error;
    const auto watchdog = arm(command, after, "t", error, {.force_detached = true});
    EXPECT_TRUE(watchdog) << error;
    return watchdog.value_or(Watchdog{});
  }
};

TEST_F(Detached, RunsItsCommandOnceAndIsGone) {
  const auto watchdog = armed(mark(), 200ms);
  EXPECT_EQ(watchdog.kind, Watchdog::Kind::process);
  ASSERT_TRUE(comes([&] { return !alive(watchdog); }));
  EXPECT_EQ(fired(), "fired\n");
}

TEST_F(Detached, DoesNotRunItBefore) {
  const auto watchdog = armed(mark(), 1h);
  EXPECT_TRUE(alive(watchdog));
  EXPECT_EQ(fired(), "");
  disarm(watchdog);
  EXPECT_TRUE(comes([&] { return !alive(watchdog); }));
  EXPECT_EQ(fired(), "");
}

TEST_F(Detached, FiresThoughTheWholeSessionIsKilled) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  // A session as a login makes one: its leader, a shell, and the command in a group of its own.
  const pid_t leader = fork();
  if (leader == 0) {
    setsid();
    const pid_t worker = fork();
    if (worker == 0) {
      setpgid(0, 0);
      std::string error;
      const auto watchdog = arm(mark(), 500ms, "t", error, {.force_detached = true});
      const auto text = watchdog ? to_string(*watchdog) : error;
      (void)!write(ends[1], text.data(), text.size());
      for (;;) pause();
    }
    for (;;) pause();
  }
  char text[200];
  const auto size = read(ends[0], text, sizeof text);
  ASSERT_GT(size, 0);
  const auto watchdog = watchdog_from({text, static_cast<std::size_t>(size)});
  ASSERT_TRUE(watchdog) << std::string(text, static_cast<std::size_t>(size));
  EXPECT_NE(getsid(watchdog->process.pid), leader);
  EXPECT_NE(getsid(watchdog->process.pid), getsid(0));
  // Every process of that session, whatever its group.
  for (const auto& entry : std::filesystem::directory_iterator("/proc")) {
    const auto pid = static_cast<pid_t>(std::atoi(entry.path().filename().c_str()));
    if (pid > 1 && getsid(pid) == leader) kill(pid, SIGKILL);
  }
  ASSERT_EQ(waitpid(leader, nullptr, 0), leader);
  EXPECT_TRUE(comes([&] { return !fired().empty(); }));
  EXPECT_TRUE(comes([&] { return !alive(*watchdog); }));
  EXPECT_EQ(fired(), "fired\n");
  close(ends[0]);
  close(ends[1]);
}

TEST_F(Detached, IsToldToEndAndRunsTheCommandAtOnce) {
  const auto watchdog = armed(mark(), 1h);
  ASSERT_EQ(kill(watchdog.process.pid, SIGTERM), 0);
  ASSERT_TRUE(comes([&] { return !alive(watchdog); }));
  EXPECT_EQ(fired(), "fired\n");
}

TEST_F(Detached, HearsNoHangup) {
  const auto watchdog = armed(mark(), 1h);
  for (const int signal : {SIGHUP, SIGINT, SIGQUIT, SIGPIPE, SIGUSR1, SIGALRM})
    ASSERT_EQ(kill(watchdog.process.pid, signal), 0);
  // A signal that is heard comes before the next one.
  ASSERT_EQ(kill(watchdog.process.pid, SIGTERM), 0);
  ASSERT_TRUE(comes([&] { return !alive(watchdog); }));
  EXPECT_EQ(fired(), "fired\n") << "one of the others ended it";
}

TEST_F(Detached, RepeatsACommandThatFails) {
  const auto watchdog =
      armed(shell("echo tried >> tries; [ $(wc -l < tries) -ge 2 ] && echo fired >> fired"), 10ms);
  ASSERT_TRUE(comes([&] { return !alive(watchdog); }));
  EXPECT_EQ(slurp(at("tries")), "tried\ntried\n");
  EXPECT_EQ(fired(), "fired\n");
}

TEST_F(Detached, RepeatsACommandThatIsKilled) {
  const auto watchdog = armed(
      shell("echo tried >> tries; [ $(wc -l < tries) -ge 2 ] || kill -9 $$; echo fired >> fired"),
      10ms);
  ASSERT_TRUE(comes([&] { return !alive(watchdog); }));
  EXPECT_EQ(fired(), "fired\n");
}

TEST_F(Detached, HoldsNothingOfItsMaker) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);
  spill(at("lock"), "");
  const int lock = open(at("lock").c_str(), O_RDWR);  // without O_CLOEXEC, as careless code does
  ASSERT_EQ(flock(lock, LOCK_EX), 0);
  const auto watchdog = armed(mark(), 1h);

  const auto open_files = "/proc/" + std::to_string(watchdog.process.pid) + "/fd";
  // The pipe through which it said that it stands is closed last.
  EXPECT_TRUE(comes([&] { return !std::filesystem::exists(open_files + "/3"); }));
  for (const auto& entry : std::filesystem::directory_iterator(open_files)) {
    const auto number = std::atoi(entry.path().filename().c_str());
    const auto target = std::filesystem::read_symlink(entry.path()).string();
    EXPECT_TRUE(number < 3 ? target == "/dev/null" : target.starts_with("anon_inode:"))
        << number << " " << target;
  }
  EXPECT_EQ(std::filesystem::read_symlink("/proc/" + std::to_string(watchdog.process.pid) + "/cwd"),
            "/");

  close(lock);
  const int again = open(at("lock").c_str(), O_RDWR | O_CLOEXEC);
  EXPECT_EQ(flock(again, LOCK_EX | LOCK_NB), 0) << "the watchdog holds the lock";
  close(again);
  close(ends[1]);
  pollfd end{.fd = ends[0], .events = POLLIN, .revents = 0};
  ASSERT_EQ(poll(&end, 1, 20'000), 1);
  EXPECT_EQ(end.revents & POLLHUP, POLLHUP) << "the watchdog holds the pipe";
  close(ends[0]);
  disarm(watchdog);
}

TEST_F(Detached, TheCommandBeginsAfresh) {
  // Ignored and blocked signals of the maker are not the command's.
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const pid_t maker = fork();
  if (maker == 0) {
    signal(SIGCHLD, SIG_IGN);
    signal(SIGTERM, SIG_IGN);
    sigset_t all;
    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, nullptr);
    (void)umask(0);
    std::string error;
    const auto watchdog =
        arm(shell("grep -E '^Sig(Blk|Ign)' /proc/self/status > signals; umask > umask; "
                  "ls -l /proc/self/fd > files; pwd -P > /dev/null; echo fired > fired"),
            10ms, "t", error, {.force_detached = true});
    const auto text = watchdog ? to_string(*watchdog) : error;
    (void)!write(ends[1], text.data(), text.size());
    _exit(0);
  }
  char text[200];
  const auto size = read(ends[0], text, sizeof text);
  ASSERT_EQ(waitpid(maker, nullptr, 0), maker);
  const auto watchdog = watchdog_from({text, static_cast<std::size_t>(std::max<ssize_t>(size, 0))});
  ASSERT_TRUE(watchdog);
  ASSERT_TRUE(comes([&] { return !alive(*watchdog); }));
  EXPECT_EQ(fired(), "fired\n");
  EXPECT_EQ(slurp(at("signals")), "SigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\n");
  EXPECT_EQ(slurp(at("umask")), "0077\n");
  EXPECT_EQ(slurp(at("files")).find("pipe:"), std::string::npos) << slurp(at("files"));
  close(ends[0]);
  close(ends[1]);
}

TEST_F(Detached, StandsThoughItsMakerHasNoStandardStreams) {
  const pid_t maker = fork();
  if (maker == 0) {
    for (int fd = 0; fd < 64; ++fd) close(fd);
    std::string error;
    const auto watchdog = arm(mark(), 10ms, "t", error, {.force_detached = true});
    _exit(watchdog ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(maker, &status, 0), maker);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(comes([&] { return fired() == "fired\n"; }));
}

TEST_F(Detached, IsNoChildOfItsMaker) {
  const auto watchdog = armed(mark(), 1h);
  EXPECT_EQ(waitpid(watchdog.process.pid, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
  disarm(watchdog);
}

TEST_F(Detached, AStrangerWithTheSameNumberIsLeftAlone) {
  const pid_t stranger = fork();
  if (stranger == 0)
    for (;;) pause();
  auto process = identify(stranger);
  ASSERT_TRUE(process);
  ++process->start;
  const Watchdog watchdog{
      .kind = Watchdog::Kind::process, .unit = {}, .process = *process, .note = {}};
  EXPECT_FALSE(alive(watchdog));
  disarm(watchdog);
  EXPECT_EQ(waitpid(stranger, nullptr, WNOHANG), 0) << "it was killed";
  kill(stranger, SIGKILL);
  ASSERT_EQ(waitpid(stranger, nullptr, 0), stranger);
}

TEST_F(Detached, SaysBeforehandThatTheCommandCannotBeRun) {
  std::string error;
  const WatchdogOptions options{.force_detached = true};
  EXPECT_FALSE(arm({"sh"}, 1h, "t", error, options));
  EXPECT_EQ(error, "the program has no full path");
  EXPECT_FALSE(arm({}, 1h, "t", error, options));
  EXPECT_FALSE(arm({at("none")}, 1h, "t", error, options));
  EXPECT_EQ(error, "cannot run `" + at("none") + "`: No such file or directory");
  EXPECT_FALSE(arm({"/bin/sh"}, 1h, "a/b", error, options));
  EXPECT_EQ(error, "`a/b` is no token");
}

TEST(WatchdogText, IsReadAsItIsWritten) {
  const Watchdog process{.kind = Watchdog::Kind::process,
                         .unit = {},
                         .process = {.pid = 812, .start = 4711},
                         .note = {}};
  EXPECT_EQ(to_string(process), "pid 812 (start 4711)");
  EXPECT_EQ(to_string(*watchdog_from(to_string(process))), to_string(process));
  EXPECT_EQ(watchdog_from(to_string(process))->process, process.process);
  const Watchdog unit{
      .kind = Watchdog::Kind::unit, .unit = "firewright-rollback-t", .process = {}, .note = {}};
  EXPECT_EQ(to_string(unit), "systemd unit firewright-rollback-t");
  EXPECT_EQ(watchdog_from(to_string(unit))->unit, unit.unit);
  for (const auto* text :
       {"", "pid", "pid 1 (start 2)", "pid 0 (start 2)", "pid -1 (start 2)", "pid 8 (start )",
        "pid 8 (start 2", "pid x (start 2)", "systemd unit ", "systemd unit sshd",
        "systemd unit firewright-rollback-", "systemd unit firewright-rollback-a b"})
    EXPECT_FALSE(watchdog_from(text)) << text;
}

// A systemd that is played by scripts, which write down what they are asked.
class Unit : public Detached {
 protected:
  void SetUp() override {
    Detached::SetUp();
    std::filesystem::create_directory(at("booted"));
    namespaces_ = "/proc/" + std::to_string(getpid()) + "/ns";
  }
  void script(const std::string& name, const std::string& text) {
    spill(at(name), "#!/bin/sh\nfor a; do echo \"$a\" >> " + at(name) + ".asked; done\n" + text);
    std::filesystem::permissions(at(name), std::filesystem::perms::owner_all);
  }
  [[nodiscard]] WatchdogOptions options() const {
    return {.force_detached = false,
            .systemd_run = at("systemd-run"),
            .systemctl = at("systemctl"),
            .booted = at("booted"),
            .namespaces = namespaces_};
  }

 private:
  std::string namespaces_;
};

TEST_F(Unit, IsATransientTimer) {
  script("systemd-run", "");
  script("systemctl", "");
  std::string error;
  const auto watchdog = arm({"/bin/sh", "-c", "echo $HOME"}, 1500ms, "0123", error, options());
  ASSERT_TRUE(watchdog) << error;
  EXPECT_EQ(to_string(*watchdog), "systemd unit firewright-rollback-0123");
  EXPECT_EQ(slurp(at("systemd-run.asked")),
            "--quiet\n--collect\n--no-ask-password\n--unit=firewright-rollback-0123\n"
            "--description=undo a firewall change that nobody confirms\n--on-active=1500ms\n"
            "--timer-property=AccuracySec=100ms\n--property=Restart=on-failure\n"
            "--property=RestartSec=3s\n--\n/bin/sh\n-c\necho $$HOME\n");
  EXPECT_TRUE(alive(*watchdog, options()));
  disarm(*watchdog, options());
  EXPECT_EQ(slurp(at("systemctl.asked")),
            "--quiet\nis-active\nfirewright-rollback-0123.timer\nfirewright-rollback-0123.service\n"
            "--quiet\n--no-ask-password\nstop\nfirewright-rollback-0123.timer\n");
  script("systemctl", "exit 3\n");
  EXPECT_FALSE(alive(*watchdog, options()));
}

TEST_F(Unit, ThatFailsIsAProcessInstead) {
  script("systemd-run", "echo 'Failed to connect to bus' >&2; exit 1\n");
  std::string error;
  const auto watchdog = arm(mark(), 10ms, "t", error, options());
  ASSERT_TRUE(watchdog) << error;
  EXPECT_EQ(watchdog->kind, Watchdog::Kind::process);
  EXPECT_EQ(watchdog->note, at("systemd-run") + " failed: Failed to connect to bus");
  EXPECT_TRUE(comes([&] { return fired() == "fired\n"; }));
}

TEST_F(Unit, ThatIsMissingIsAProcessInstead) {
  std::string error;
  const auto watchdog = arm(mark(), 10ms, "t", error, options());
  ASSERT_TRUE(watchdog) << error;
  EXPECT_EQ(watchdog->note, at("systemd-run") + ": No such file or directory");
  EXPECT_TRUE(comes([&] { return fired() == "fired\n"; }));
}

TEST_F(Unit, IsNotAskedForWhereSystemdDoesNotRun) {
  script("systemd-run", "");
  std::filesystem::remove(at("booted"));
  std::string error;
  const auto watchdog = arm(mark(), 1h, "t", error, options());
  ASSERT_TRUE(watchdog) << error;
  EXPECT_EQ(watchdog->kind, Watchdog::Kind::process);
  EXPECT_EQ(watchdog->note, "");
  EXPECT_EQ(slurp(at("systemd-run.asked")), "");
  disarm(*watchdog, options());
}

// A unit would run beside systemd: it would undo the change in another network's firewall.
TEST_F(Unit, IsNotAskedForInAnotherNetwork) {
  script("systemd-run", "");
  const pid_t child = fork();
  if (child == 0) {
    if (unshare(CLONE_NEWNET) != 0) _exit(77);
    std::string error;
    const auto watchdog = arm(mark(), 10ms, "t", error, options());
    _exit(watchdog && watchdog->kind == Watchdog::Kind::process &&
                  watchdog->note == "systemd lives in other namespaces"
              ? 0
              : 1);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 77) GTEST_SKIP() << "no network namespace";
  EXPECT_EQ(status, 0);
  EXPECT_EQ(slurp(at("systemd-run.asked")), "");
  EXPECT_TRUE(comes([&] { return fired() == "fired\n"; }));
}

}  // namespace
}  // namespace firewright::host
