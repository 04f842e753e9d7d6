#include "backends/host/lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <thread>

#include "backends/host/atomic_file.h"

namespace firewright::host {
namespace {

using Clock = std::chrono::steady_clock;

constexpr char lock_name[] = "lock";
constexpr std::chrono::milliseconds nap(20);
constexpr std::size_t most_holder_text = 512;

enum class Attempt { taken, busy, replaced, failed };

// Whether the file is still the one that others find: a run folder may be cleared by anybody.
bool still_there(const Folder& folder, const Descriptor& file) {
  struct stat ours{};
  struct stat named{};
  return fstat(file.get(), &ours) == 0 &&
         fstatat(folder.fd(), lock_name, &named, AT_SYMLINK_NOFOLLOW) == 0 &&
         ours.st_dev == named.st_dev && ours.st_ino == named.st_ino;
}

Attempt attempt(const Folder& folder, const Descriptor& file) {
  int locked = 0;
  do locked = flock(file.get(), LOCK_EX | LOCK_NB);
  while (locked != 0 && errno == EINTR);
  if (locked == 0) return still_there(folder, file) ? Attempt::taken : Attempt::replaced;
  return errno == EWOULDBLOCK ? Attempt::busy : Attempt::failed;
}

// Only what others are told; so a failure here is none.
void sign(const Descriptor& file, std::string_view command) {
  std::string text = "pid " + std::to_string(getpid()) + ": " + std::string(command);
  for (auto& c : text)
    if (static_cast<unsigned char>(c) < ' ' || c == '\x7f') c = '?';
  text.resize(std::min(text.size(), most_holder_text));
  if (ftruncate(file.get(), 0) == 0) (void)!pwrite(file.get(), text.data(), text.size(), 0);
}

std::string seconds(std::chrono::milliseconds span) {
  auto text = std::to_string(span.count() / 1000);
  if (const auto rest = span.count() % 1000; rest != 0) {
    text += "." + std::to_string(1000 + rest).substr(1);
    while (text.back() == '0') text.pop_back();
  }
  return text + " s";
}

std::string busy(const Folder& folder, std::chrono::milliseconds wait) {
  const auto holder = read_file(folder, lock_name, most_holder_text);
  std::string text = "another firewright is at work";
  if (!holder.bytes.empty()) text += " (" + holder.bytes + ")";
  return text + "; waited " + seconds(wait);
}

}  // namespace

std::optional<Lock> take_lock(const std::string& run_dir, std::string_view command,
                              std::chrono::milliseconds wait, std::string& error) {
  const auto until = Clock::now() + wait;
  Descriptor file;
  for (;;) {
    const auto opened = open_folder(run_dir, IfMissing::make);
    if (!opened.ok()) {
      error = opened.problem.error;
      return std::nullopt;
    }
    const auto& folder = opened.folder;
    do
      file = Descriptor(
          openat(folder.fd(), lock_name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC, 0600));
    while (!file.valid() && errno == EINTR);
    if (!file.valid()) {
      error = system_failure("cannot open", folder.path_of(lock_name), errno).error;
      return std::nullopt;
    }
    auto came = attempt(folder, file);
    while (came == Attempt::busy && Clock::now() < until) {
      std::this_thread::sleep_for(nap);
      came = attempt(folder, file);
    }
    switch (came) {
      case Attempt::taken: sign(file, command); return Lock(std::move(file));
      case Attempt::busy: error = busy(folder, wait); return std::nullopt;
      case Attempt::failed:
        error = system_failure("cannot lock", folder.path_of(lock_name), errno).error;
        return std::nullopt;
      case Attempt::replaced: break;  // locked a file that nobody else finds: again
    }
    if (Clock::now() >= until + wait + std::chrono::seconds(1)) {
      error = "`" + folder.path_of(lock_name) + "` is removed again and again";
      return std::nullopt;
    }
  }
}

}  // namespace firewright::host
