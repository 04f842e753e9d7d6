// Goldens: what the command writes for a policy, as files that a reviewer reads.
//
// A case is a folder of tests/golden/cases/ (its policy.toml) or an example policy (its goldens
// stand in tests/golden/examples/). For each the IR and every part of every target are compared
// with the files in the folder; a target that refuses leaves its diagnostics in TARGET.refused.txt.
// A missing or an extra file fails. FIREWRIGHT_REWRITE_GOLDENS=1 rewrites them all.

#include <gtest/gtest.h>

#include <unistd.h>

#include <algorithm>
#include <clocale>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>

#include "compiler/cli/run.h"

namespace firewright {
namespace {

namespace fs = std::filesystem;

const fs::path root = FIREWRIGHT_SOURCE_DIR;

struct Case {
  std::string name;
  fs::path policy;   // relative to the root, so that no diagnostic names a machine's folder
  fs::path goldens;  // folder
};

std::vector<Case> find_cases() {
  std::vector<Case> cases;
  const auto add_example = [&](const fs::path& policy, const std::string& name) {
    cases.push_back({name, fs::relative(policy, root), root / "tests/golden/examples" / name});
  };
  for (const auto& entry : fs::directory_iterator(root / "policies"))
    if (entry.path().extension() == ".toml" && entry.path().stem() != "services")
      add_example(entry.path(), entry.path().stem());
  if (fs::exists(root / "policies/fleet/hosts"))
    for (const auto& entry : fs::directory_iterator(root / "policies/fleet/hosts"))
      if (entry.path().extension() == ".toml")
        add_example(entry.path(), "fleet-" + entry.path().stem().string());
  if (fs::exists(root / "tests/golden/cases"))
    for (const auto& entry : fs::directory_iterator(root / "tests/golden/cases"))
      cases.push_back({"case-" + entry.path().filename().string(),
                       fs::relative(entry.path() / "policy.toml", root), entry.path()});
  std::sort(cases.begin(), cases.end(),
            [](const Case& a, const Case& b) { return a.name < b.name; });
  return cases;
}

struct Run {
  cli::Exit exit;
  std::string out;
  std::string err;
};

Run run(const std::vector<std::string>& arguments) {
  std::istringstream in;
  std::ostringstream out;
  std::ostringstream err;
  cli::Console console{.in = in, .out = out, .err = err};
  const auto exit = cli::run(arguments, console);
  return {exit, out.str(), err.str()};
}

std::string read_file(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

bool is_input(const fs::path& path) {
  return path.extension() == ".toml" || path.extension() == ".input" || path.extension() == ".json";
}

// What the command writes for a policy, by the golden's file name. Binary parts are held against
// the text by the kernel tests and left out here.
std::map<std::string, std::string> outputs(const std::string& policy) {
  std::map<std::string, std::string> files;
  const std::vector<std::string> common = {policy, "--at", "2026-01-01"};
  const auto with = [&](std::vector<std::string> arguments) {
    arguments.insert(arguments.end(), common.begin(), common.end());
    return run(arguments);
  };
  const auto ir = with({"compile", "--emit=ir"});
  files[ir.exit == cli::Exit::ok ? "ir.txt" : "refused.txt"] =
      ir.exit == cli::Exit::ok ? ir.out : ir.err;
  if (ir.exit == cli::Exit::ok && !ir.err.empty()) files["warnings.txt"] = ir.err;
  for (const std::string target : {"iptables", "nftables", "netsh"}) {
    const auto folder =
        fs::temp_directory_path() / ("firewright-golden-" + std::to_string(::getpid()));
    fs::remove_all(folder);
    const auto compiled = with({"compile", "--target", target, "-o", folder.string()});
    if (compiled.exit != cli::Exit::ok) {
      files[target + ".refused.txt"] = compiled.err;
      continue;
    }
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      if (!entry.is_regular_file() || entry.path().extension() == ".nlbatch") continue;
      auto name = fs::relative(entry.path(), folder).string();
      std::replace(name.begin(), name.end(), '/', '.');
      files[name] = read_file(entry.path());
    }
    fs::remove_all(folder);
  }
  return files;
}

class Golden : public testing::TestWithParam<Case> {};

TEST_P(Golden, IsWhatTheCommandWrites) {
  const auto& param = GetParam();
  fs::current_path(root);
  const auto written = outputs(param.policy.string());
  if (std::getenv("FIREWRIGHT_REWRITE_GOLDENS") != nullptr) {
    ASSERT_EQ(std::getenv("CI"), nullptr) << "CI does not rewrite goldens";
    fs::create_directories(param.goldens);
    for (const auto& entry : fs::directory_iterator(param.goldens))
      if (!is_input(entry.path())) fs::remove(entry.path());
    for (const auto& [name, bytes] : written)
      std::ofstream(param.goldens / name, std::ios::binary) << bytes;
  }
  ASSERT_TRUE(fs::exists(param.goldens)) << "no goldens; FIREWRIGHT_REWRITE_GOLDENS=1 writes them";
  for (const auto& [name, bytes] : written) {
    EXPECT_TRUE(fs::exists(param.goldens / name)) << "missing golden " << name;
    EXPECT_EQ(read_file(param.goldens / name), bytes) << "in " << (param.goldens / name);
  }
  for (const auto& entry : fs::directory_iterator(param.goldens)) {
    if (is_input(entry.path())) continue;
    EXPECT_TRUE(written.contains(entry.path().filename().string()))
        << "extra file " << entry.path();
  }
}

// The same bytes when run again, from another folder, in another locale and time zone.
TEST_P(Golden, IsTheSameEverywhere) {
  const auto& param = GetParam();
  const auto compile = [&](const std::string& policy) {
    std::string all;
    for (const std::string target : {"iptables", "nftables", "netsh"}) {
      const auto folder =
          fs::temp_directory_path() / ("firewright-same-" + std::to_string(::getpid()));
      fs::remove_all(folder);
      if (run({"compile", "--target", target, "-o", folder.string(), policy, "--at", "2026-01-01"})
              .exit != cli::Exit::ok)
        continue;
      std::vector<fs::path> files;
      for (const auto& entry : fs::recursive_directory_iterator(folder))
        if (entry.is_regular_file()) files.push_back(entry.path());
      std::sort(files.begin(), files.end());
      for (const auto& file : files)
        all += fs::relative(file, folder).string() + "\n" + read_file(file);
      fs::remove_all(folder);
    }
    return all;
  };
  fs::current_path(root);
  const auto here = compile(param.policy.string());
  EXPECT_EQ(compile(param.policy.string()), here);
  ::setenv("TZ", "Pacific/Kiritimati", 1);
  ::setenv("LC_ALL", "tr_TR.UTF-8", 1);
  (void)std::setlocale(LC_ALL, "");
  fs::current_path("/");
  const auto there = compile((root / param.policy).string());
  (void)std::setlocale(LC_ALL, "C");
  ::unsetenv("TZ");
  ::unsetenv("LC_ALL");
  EXPECT_EQ(there, here);
}

INSTANTIATE_TEST_SUITE_P(Policies, Golden, testing::ValuesIn(find_cases()),
                         [](const testing::TestParamInfo<Case>& param) {
                           auto name = param.param.name;
                           std::replace_if(
                               name.begin(), name.end(),
                               [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); },
                               '_');
                           return name;
                         });

// Goldens of examples that no longer exist.
TEST(Goldens, NoneIsLeftBehind) {
  const auto examples = root / "tests/golden/examples";
  if (!fs::exists(examples)) return;
  const auto cases = find_cases();
  for (const auto& entry : fs::directory_iterator(examples))
    EXPECT_TRUE(std::any_of(cases.begin(), cases.end(),
                            [&](const Case& c) { return c.goldens == entry.path(); }))
        << entry.path() << " has no policy";
}

}  // namespace
}  // namespace firewright
