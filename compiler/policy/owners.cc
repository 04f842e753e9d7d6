#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <vector>

#include "compiler/policy/read.h"

namespace firewright::policy {
namespace {

// Calls one of the getXXnam_r functions with a buffer that grows until the entry fits.
template <class Entry, class Call>
std::optional<Entry> look_up(Call call, std::vector<char>& buffer) {
  constexpr std::size_t largest = 1U << 20U;
  for (buffer.resize(1024); buffer.size() <= largest; buffer.resize(buffer.size() * 2)) {
    Entry entry{};
    Entry* found = nullptr;
    const int error = call(&entry, buffer.data(), buffer.size(), &found);
    if (error == ERANGE) continue;
    if (error != 0 || found == nullptr) return std::nullopt;
    return entry;
  }
  return std::nullopt;
}

#ifdef FIREWRIGHT_STATIC
// The entry with this name in one of the files in /etc. The name services of a host belong to its
// own C library, which need not be of the age of ours.
template <class Entry, class Next>
int in_file(const char* path, const std::string& name, char* Entry::* its_name, Next next,
            Entry* entry, Entry** found) {
  *found = nullptr;
  FILE* const file = std::fopen(path, "re");
  if (file == nullptr) return errno;
  int error = 0;
  do {
    error = next(file, found);
  } while (error == 0 && name != entry->*its_name);
  std::fclose(file);
  if (error != 0) *found = nullptr;
  return error == ENOENT ? 0 : error;
}

int user_entry(const char* name, passwd* entry, char* buffer, std::size_t size, passwd** found) {
  const auto next = [&](FILE* file, passwd** read) {
    return fgetpwent_r(file, entry, buffer, size, read);
  };
  return in_file("/etc/passwd", name, &passwd::pw_name, next, entry, found);
}

int group_entry(const char* name, ::group* entry, char* buffer, std::size_t size, ::group** found) {
  const auto next = [&](FILE* file, ::group** read) {
    return fgetgrent_r(file, entry, buffer, size, read);
  };
  return in_file("/etc/group", name, &::group::gr_name, next, entry, found);
}
#else
constexpr auto* user_entry = getpwnam_r;
constexpr auto* group_entry = getgrnam_r;
#endif

}  // namespace

std::optional<OwnerId> HostOwnerDatabase::user(const std::string& name) const {
  std::vector<char> buffer;
  const auto entry =
      look_up<passwd>([&](passwd* e, char* b, std::size_t n,
                          passwd** r) { return user_entry(name.c_str(), e, b, n, r); },
                      buffer);
  if (!entry) return std::nullopt;
  return OwnerId{entry->pw_uid};
}

std::optional<OwnerId> HostOwnerDatabase::group(const std::string& name) const {
  std::vector<char> buffer;
  const auto entry =
      look_up<::group>([&](::group* e, char* b, std::size_t n,
                           ::group** r) { return group_entry(name.c_str(), e, b, n, r); },
                       buffer);
  if (!entry) return std::nullopt;
  return OwnerId{entry->gr_gid};
}

std::optional<OwnerId> RememberingOwnerDatabase::user(const std::string& name) const {
  const std::scoped_lock lock(mutex_);
  const auto [at, added] = users_.try_emplace(name);
  if (added) at->second = owners_.user(name);
  return at->second;
}

std::optional<OwnerId> RememberingOwnerDatabase::group(const std::string& name) const {
  const std::scoped_lock lock(mutex_);
  const auto [at, added] = groups_.try_emplace(name);
  if (added) at->second = owners_.group(name);
  return at->second;
}

}  // namespace firewright::policy
