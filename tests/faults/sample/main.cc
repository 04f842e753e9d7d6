// A small program with known system calls, to try the tracer on.
//
//   faults_sample write FILE     says what each step gave
//   faults_sample child FILE     a child writes FILE, the parent waits for it
//   faults_sample daemon PIPE    leaves a child behind, in a session of its own, that waits for
//                                a reader of the named PIPE and writes a byte to it
//   faults_sample hang           never ends
#include <fcntl.h>
#include <sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <string_view>

namespace {

int failed(const char* what) {
  std::printf("%s: %s\n", what, std::strerror(errno));
  return 3;
}

int write_file(const char* path) {
  const int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
  if (file < 0) return failed("open");
  if (write(file, "one", 3) != 3) return failed("write one");
  if (write(file, "two", 3) != 3) return failed("write two");
  if (fsync(file) != 0) return failed("fsync");
  if (close(file) != 0) return failed("close");
  std::printf("written\n");
  return 0;
}

// The parent stands still until its child has ended, so that the calls of both have one order.
int write_by_child(const char* path) {
  const auto child = static_cast<pid_t>(
      syscall(SYS_clone, CLONE_VFORK | SIGCHLD, nullptr, nullptr, nullptr, nullptr));
  if (child < 0) return failed("fork");
  if (child == 0) _exit(write_file(path));
  int status = 0;
  if (waitpid(child, &status, 0) != child) return failed("waitpid");
  if (WIFSIGNALED(status)) std::printf("the child was killed\n");
  return WIFEXITED(status) ? WEXITSTATUS(status) : 4;
}

int leave_daemon(const char* path) {
  const pid_t child = fork();
  if (child < 0) return failed("fork");
  if (child != 0) return 0;
  setsid();
  const int pipe = open(path, O_WRONLY | O_CLOEXEC);
  if (pipe < 0) return 1;
  return write(pipe, "!", 1) == 1 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string_view what = argc > 1 ? argv[1] : "";
  if (argc == 3 && what == "write") return write_file(argv[2]);
  if (argc == 3 && what == "child") return write_by_child(argv[2]);
  if (argc == 3 && what == "daemon") return leave_daemon(argv[2]);
  if (what == "hang")
    for (;;) pause();
  return 2;
}
