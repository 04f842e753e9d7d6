// A machine of its own for what is tried as people use it: network, processes, /run and /tmp of
// nobody else. Whatever is left running dies with it.
//
// Needs root, and is only for the tests of `./dev test --all`.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tests/kernel/life.h"

namespace firewright::deploy {

// As kernel::in_namespace. /run is empty, and /var/lib/firewright is not to be found.
[[nodiscard]] kernel::Outcome in_own_system(const std::function<std::string()>& body,
                                            unsigned seconds);

// The machine's root with what is written to it elsewhere, from here on the root of this process.
// Only inside in_own_system(); `folder` is seen in it as well.
void enter_copy_of_root(const std::string& folder);

// Runs a command with more in its environment, "NAME=VALUE" each.
[[nodiscard]] kernel::CommandResult run_with(const std::vector<std::string>& environment,
                                             const std::vector<std::string>& command);

// A folder that goes with its owner.
class Folder {
 public:
  Folder();
  Folder(const Folder&) = delete;
  Folder& operator=(const Folder&) = delete;
  ~Folder();

  [[nodiscard]] std::string path(const std::string& name) const { return path_ + "/" + name; }
  [[nodiscard]] const std::string& path() const { return path_; }
  // With the folders above it.
  void write(const std::string& name, const std::string& text) const;

 private:
  std::string path_;
};

// The Debian package of a build folder, made in `folder` by cpack. Throws when it cannot be made.
[[nodiscard]] std::string made_package(const std::string& build, const std::string& folder);

[[nodiscard]] std::string read_file(const std::string& path);

}  // namespace firewright::deploy

// Programs that a test of `--all` needs are installed by ./dev; where one is missing that is told,
// not skipped.
#define ASSERT_PROGRAMS(...)                \
  for (const char* program : {__VA_ARGS__}) \
  ASSERT_TRUE(::firewright::kernel::in_path(program)) << program << " is not installed"

#define SKIP_WITHOUT_ROOT()                                   \
  do {                                                        \
    if (::geteuid() != 0) GTEST_SKIP() << "needs to be root"; \
  } while (false)

// A package of a command with sanitizers would need their libraries, and is nobody's.
#if defined(__SANITIZE_ADDRESS__)
#define SKIP_WITH_SANITIZERS() GTEST_SKIP() << "not of a build with sanitizers"
#else
#define SKIP_WITH_SANITIZERS() static_cast<void>(0)
#endif
