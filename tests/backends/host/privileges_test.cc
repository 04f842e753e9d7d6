#include "backends/host/privileges.h"

#include <gtest/gtest.h>
#include <linux/capability.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <sstream>
#include <string>

#include "backends/host/process.h"
#include "tests/backends/in_namespace.h"

namespace firewright::host {
namespace {

void expect_in_namespace(const std::function<std::string()>& body, const std::string& expected) {
  const auto ran = test::in_namespace(body);
  if (!ran.refused.empty()) GTEST_SKIP() << ran.refused;
  EXPECT_EQ(ran.output, expected);
}

// The sets of capabilities of a program that is started.
std::string capabilities_of_children() {
  std::istringstream status(run({"cat", "/proc/self/status"}, {}).out);
  std::string text;
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("CapPrm") || line.starts_with("CapBnd")) text += line + "\n";
  return text;
}

std::string error_of(long result) {
  return result == 0 ? "done\n" : errno == EPERM ? "refused\n" : "another error\n";
}

TEST(Privileges, WhatIsGivenUpIsGoneForChildrenToo) {
  expect_in_namespace(
      [] {
        constexpr std::array kept{unsigned{CAP_NET_ADMIN}};
        std::string error;
        if (!keep_capabilities(kept, error)) return error;
        return capabilities_of_children() + error_of(::unshare(CLONE_NEWNET));
      },
      // Bit 12.
      "CapPrm:\t0000000000001000\nCapBnd:\t0000000000001000\nrefused\n");
}

// Step by step, as long as CAP_SETPCAP is kept.
TEST(Privileges, MoreIsGivenUpLater) {
  expect_in_namespace(
      [] {
        constexpr std::array first{unsigned{CAP_NET_ADMIN}, unsigned{CAP_SYS_PTRACE},
                                   unsigned{CAP_SETPCAP}};
        constexpr std::array second{unsigned{CAP_NET_ADMIN}};
        std::string error;
        if (!keep_capabilities(first, error)) return error;
        auto text = capabilities_of_children();
        if (!keep_capabilities(second, error)) return error;
        // What was given up does not come back.
        if (!keep_capabilities(first, error)) return error;
        text += capabilities_of_children();
        return text;
      },
      "CapPrm:\t0000000000081100\nCapBnd:\t0000000000081100\n"
      "CapPrm:\t0000000000001000\nCapBnd:\t0000000000001000\n");
}

TEST(Privileges, SystemCallsAreRefused) {
  const auto ran = test::in_namespace([] {
    std::string why;
    if (!refuse_system_calls(/*with_modules=*/false, why)) return "no filter: " + why;
    auto text = error_of(::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr));
    text += error_of(::unshare(CLONE_NEWNET));
    text += error_of(::syscall(SYS_init_module, nullptr, 0, ""));
    text += run({"unshare", "-n", "true"}, {}).ok() ? "a child may\n" : "nor a child\n";
    text += run({"cat", "/proc/self/comm"}, {}).out;
    return text;
  });
  if (!ran.refused.empty()) GTEST_SKIP() << ran.refused;
  if (ran.output.starts_with("no filter: built without")) GTEST_SKIP() << ran.output;
  EXPECT_EQ(ran.output, "refused\nrefused\nrefused\nnor a child\ncat\n");
}

TEST(Privileges, ModulesMayBeLoadedWhereIptablesNeedsThem) {
  const auto ran = test::in_namespace([] {
    std::string why;
    if (!refuse_system_calls(/*with_modules=*/true, why)) return "no filter: " + why;
    // The kernel itself refuses what is no module.
    return error_of(::syscall(SYS_finit_module, -1, "", 0));
  });
  if (!ran.refused.empty()) GTEST_SKIP() << ran.refused;
  if (ran.output.starts_with("no filter: built without")) GTEST_SKIP() << ran.output;
  // Who is not root may not load any, filter or not.
  EXPECT_EQ(ran.output, ::geteuid() == 0 ? "another error\n" : "refused\n");
}

}  // namespace
}  // namespace firewright::host
