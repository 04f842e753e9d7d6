#include "backends/host/proc.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <memory>
#include <sstream>
#include <string_view>

#include "backends/host/descriptor.h"

namespace firewright::host {
namespace {

std::string path(const std::string& proc, pid_t id, const char* file) {
  return proc + "/" + std::to_string(id) + "/" + file;
}

std::optional<std::string> read_file(const std::string& name) {
  Descriptor file;
  do file = Descriptor(::open(name.c_str(), O_RDONLY | O_CLOEXEC));
  while (!file.valid() && errno == EINTR);
  std::string text;
  std::array<char, 4096> buffer{};
  for (;;) {
    const auto got = ::read(file.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;  // also of a process that has ended meanwhile
    if (got == 0) return text;
    text.append(buffer.data(), static_cast<std::size_t>(got));
  }
}

std::string read_link(const std::string& name) {
  std::array<char, 256> target{};
  const auto size = ::readlink(name.c_str(), target.data(), target.size());
  return size > 0 ? std::string(target.data(), static_cast<std::size_t>(size)) : std::string();
}

// No value: it cannot be read.
std::optional<std::vector<std::string>> names_in(const std::string& folder) {
  struct Close {
    void operator()(DIR* open) const { ::closedir(open); }
  };
  const std::unique_ptr<DIR, Close> open(::opendir(folder.c_str()));
  if (!open) return std::nullopt;
  std::vector<std::string> names;
  while (const auto* entry = ::readdir(open.get())) names.emplace_back(entry->d_name);
  return names;
}

template <class Number>
std::optional<Number> parse_number(std::string_view text) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace

std::string to_string(const Process& process) {
  return process.name + " (pid " + std::to_string(process.id) + ")";
}

// "812 (sshd: a) b) S 1 ...": the name may hold anything.
std::optional<Process> read_process(const std::string& proc, pid_t id) {
  const auto stat = read_file(path(proc, id, "stat"));
  if (!stat) return std::nullopt;
  const auto open = stat->find('(');
  const auto close = stat->rfind(')');
  if (open == std::string::npos || close == std::string::npos || close < open) return std::nullopt;
  std::istringstream rest(stat->substr(close + 1));
  char state = 0;
  Process process{.id = id, .parent = 0, .name = stat->substr(open + 1, close - open - 1)};
  if (!(rest >> state >> process.parent)) return std::nullopt;
  return process;
}

std::vector<pid_t> process_ids(const std::string& proc) {
  std::vector<pid_t> ids;
  for (const auto& name : names_in(proc).value_or(std::vector<std::string>{}))
    if (const auto id = parse_number<pid_t>(name)) ids.push_back(*id);
  std::sort(ids.begin(), ids.end());
  return ids;
}

std::optional<std::set<std::uint32_t>> socket_inodes(const std::string& proc, pid_t id) {
  const auto folder = path(proc, id, "fd");
  const auto names = names_in(folder);
  if (!names) return std::nullopt;
  std::set<std::uint32_t> inodes;
  for (const auto& name : *names) {
    const auto target = read_link(folder + "/" + name);
    constexpr std::string_view before = "socket:[";
    if (!target.starts_with(before) || !target.ends_with(']')) continue;
    const auto digits =
        std::string_view(target).substr(before.size(), target.size() - before.size() - 1);
    if (const auto inode = parse_number<std::uint32_t>(digits)) inodes.insert(*inode);
  }
  return inodes;
}

std::optional<std::vector<std::string>> environment(const std::string& proc, pid_t id) {
  const auto text = read_file(path(proc, id, "environ"));
  if (!text) return std::nullopt;
  std::vector<std::string> entries;
  std::istringstream rest(*text);
  for (std::string entry; std::getline(rest, entry, '\0');) entries.push_back(entry);
  return entries;
}

std::string network_namespace(const std::string& proc, pid_t id) {
  return read_link(path(proc, id, "ns/net"));
}

}  // namespace firewright::host
