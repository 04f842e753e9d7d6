#include "tests/deploy/own_system.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace firewright::deploy {
namespace {

using kernel::HarnessError;

void must(int result, const char* what) {
  if (result != 0) throw HarnessError(std::string(what) + ": " + std::strerror(errno));
}

// What root's shells do when they start is no part of a test.
void empty_home(const std::string& root) {
  must(::mount("tmpfs", (root + "/root").c_str(), "tmpfs", MS_NOSUID | MS_NODEV, "mode=700"),
       "mount tmpfs");
}

void mount_own() {
  must(::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr), "private mounts");
  must(::mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr), "mount proc");
  must(::mount("tmpfs", "/run", "tmpfs", MS_NOSUID | MS_NODEV, nullptr), "mount tmpfs");
  std::filesystem::create_directory("/run/sshd");
  empty_home("");
}

// The first process of its own processes: all others end with it.
[[noreturn]] void first_process(const std::function<std::string()>& body, int answer) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  std::string text;
  try {
    mount_own();
    text = body();
  } catch (const std::exception& error) {
    text = std::string("not done: ") + error.what();
  }
  for (std::string_view rest = text; !rest.empty();) {
    const auto written = ::write(answer, rest.data(), rest.size());
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) break;
    rest.remove_prefix(static_cast<std::size_t>(written));
  }
  ::_exit(0);
}

std::string with_own_processes(const std::function<std::string()>& body) {
  must(::unshare(CLONE_NEWNS | CLONE_NEWPID), "unshare");
  std::array<int, 2> ends{};
  must(::pipe2(ends.data(), O_CLOEXEC), "pipe");
  const pid_t child = ::fork();
  if (child < 0) throw HarnessError("fork failed");
  if (child == 0) first_process(body, ends[1]);
  ::close(ends[1]);
  std::string text;
  std::array<char, 65536> buffer{};
  for (;;) {
    const auto got = ::read(ends[0], buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) break;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
  ::close(ends[0]);
  ::waitpid(child, nullptr, 0);
  return text;
}

}  // namespace

kernel::Outcome in_own_system(const std::function<std::string()>& body, unsigned seconds) {
  return kernel::in_namespace([&] { return with_own_processes(body); }, seconds);
}

void enter_copy_of_root(const std::string& folder) {
  must(::unshare(CLONE_NEWNS), "unshare");
  const auto base = folder + "/root";
  const auto root = base + "/whole";
  std::filesystem::create_directories(base);
  must(::mount("tmpfs", base.c_str(), "tmpfs", 0, nullptr), "mount tmpfs");
  for (const auto& part : {root, base + "/upper", base + "/work"})
    std::filesystem::create_directory(part);
  const auto options = "lowerdir=/,upperdir=" + base + "/upper,workdir=" + base + "/work";
  must(::mount("overlay", root.c_str(), "overlay", 0, options.c_str()), "mount overlay");
  for (const char* shared : {"/dev", "/proc", "/run", folder.c_str()}) {
    std::filesystem::create_directories(root + shared);
    must(::mount(shared, (root + shared).c_str(), nullptr, MS_BIND | MS_REC, nullptr), "bind");
  }
  empty_home(root);
  must(::chroot(root.c_str()), "chroot");
  must(::chdir("/"), "chdir");
}

kernel::CommandResult run_with(const std::vector<std::string>& environment,
                               const std::vector<std::string>& command) {
  std::vector<std::string> whole{"env"};
  whole.insert(whole.end(), environment.begin(), environment.end());
  whole.insert(whole.end(), command.begin(), command.end());
  return kernel::run(whole);
}

Folder::Folder() {
  auto pattern = (std::filesystem::temp_directory_path() / "firewright-deploy-XXXXXX").string();
  if (::mkdtemp(pattern.data()) == nullptr) throw HarnessError("no temporary folder");
  path_ = pattern;
}

Folder::~Folder() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void Folder::write(const std::string& name, const std::string& text) const {
  const std::filesystem::path whole = path(name);
  std::filesystem::create_directories(whole.parent_path());
  std::ofstream(whole, std::ios::trunc) << text;
}

std::string made_package(const std::string& build, const std::string& folder) {
  std::filesystem::create_directories(folder);
  const auto made = kernel::run({"cpack", "--config", build + "/CPackConfig.cmake", "-B", folder});
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (made.status == 0 && entry.path().extension() == ".deb") return entry.path().string();
  throw HarnessError(said(made));
}

std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

}  // namespace firewright::deploy
