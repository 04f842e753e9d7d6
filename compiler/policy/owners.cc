#include <grp.h>
#include <pwd.h>
#include <unistd.h>

#include <cerrno>
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

}  // namespace

std::optional<OwnerId> HostOwnerDatabase::user(const std::string& name) const {
  std::vector<char> buffer;
  const auto entry =
      look_up<passwd>([&](passwd* e, char* b, std::size_t n,
                          passwd** r) { return getpwnam_r(name.c_str(), e, b, n, r); },
                      buffer);
  if (!entry) return std::nullopt;
  return OwnerId{entry->pw_uid};
}

std::optional<OwnerId> HostOwnerDatabase::group(const std::string& name) const {
  std::vector<char> buffer;
  const auto entry =
      look_up<::group>([&](::group* e, char* b, std::size_t n,
                           ::group** r) { return getgrnam_r(name.c_str(), e, b, n, r); },
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
