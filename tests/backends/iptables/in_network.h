// For tests that load tables: shell scripts in a network namespace of their own.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include "compiler/ir/program.h"

namespace firewright::iptables::test {

class InNetwork : public testing::Test {
 protected:
  void SetUp() override {
    auto name = (std::filesystem::temp_directory_path() / "firewright-tables-XXXXXX").string();
    ASSERT_NE(mkdtemp(name.data()), nullptr);
    folder_ = name;
    if (const auto tried = in_namespace("true"); tried.code != 0)
      GTEST_SKIP() << "no network namespace: " << tried.output;
  }
  void TearDown() override {
    std::error_code ignored;
    std::filesystem::remove_all(folder_, ignored);
  }

  void write(const std::string& name, const std::string& text) const {
    std::ofstream(folder_ / name, std::ios::binary) << text;
  }
  [[nodiscard]] std::string contents(const std::string& name) const {
    std::ifstream file(folder_ / name, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  // Standard output and error of a shell script that stops at the first failure.
  struct Result {
    std::string output;
    int code = 0;
  };
  [[nodiscard]] Result in_namespace(const std::string& script) const {
    // The legacy programs lock a file that only root can open where it usually is.
    write("script", "set -e\ncd " + folder_.string() + "\nexport XTABLES_LOCKFILE=" +
                        (folder_ / "xtables.lock").string() + "\n" + script);
    const std::string unshare = geteuid() == 0 ? "unshare -n" : "unshare -Urn";
    const auto command = unshare + " sh " + (folder_ / "script").string() + " 2>&1";
    FILE* pipe = popen(command.c_str(), "r");
    if (pipe == nullptr) return {.output = "popen failed", .code = -1};
    Result result;
    std::array<char, 4096> buffer{};
    while (const auto count = fread(buffer.data(), 1, buffer.size(), pipe))
      result.output.append(buffer.data(), count);
    result.code = pclose(pipe);
    return result;
  }

  // In a user namespace there are no other users than its own.
  [[nodiscard]] static bool cannot_load(const ir::Program& program) {
    if (geteuid() == 0) return false;
    for (const auto& chain : program.chains)
      for (const auto& rule : chain.rules)
        if (!rule.match.users.is_all() || !rule.match.groups.is_all()) return true;
    return false;
  }

  std::filesystem::path folder_;
};

}  // namespace firewright::iptables::test
