// Every kind of diagnostic is provoked by a test and explained in the manual.

#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <string>
#include <string_view>

#include "tests/house/tree.h"

namespace firewright::house {
namespace {

struct KindLine {
  std::string_view name;
  std::string_view severity;
  std::string_view id;
};

constexpr KindLine kinds[] = {
#define FIREWRIGHT_KIND(name, severity, id, wording) {#name, #severity, id},
#include "compiler/diagnostics/kinds.def"
#undef FIREWRIGHT_KIND
};

// All texts below tests/, but for the tests of this folder and of the renderer, which use kinds
// without provoking them.
const std::string& all_tests() {
  static const auto* text = [] {
    auto* all = new std::string;
    for (const auto& path :
         files_below("tests", {".cc", ".h", ".txt", ".json", ".toml", ".stderr"}))
      if (!path.starts_with("tests/house/") && !path.starts_with("tests/diagnostics/"))
        *all += read(path) + '\n';
    return all;
  }();
  return *text;
}

bool names_kind(const std::string& text, const KindLine& kind) {
  const std::string id(kind.id);
  if (text.find("[" + id + "]") != std::string::npos) return true;
  if (text.find("\"" + id + "\"") != std::string::npos) return true;
  return std::regex_search(text, std::regex("Kind::" + std::string(kind.name) + "\\b"));
}

TEST(DiagnosticKindsTest, EachIsProvokedByATest) {
  for (const auto& kind : kinds)
    EXPECT_TRUE(names_kind(all_tests(), kind) ||
                std::filesystem::is_directory(root() / "tests/policy/cases" / kind.id))
        << "no golden shows [" << kind.id << "], no test names Kind::" << kind.name;
}

// As a reader sees it: "\-" is "-".
std::string manual(const std::string& path) {
  return std::regex_replace(read(path), std::regex(R"(\\-)"), "-");
}

TEST(DiagnosticKindsTest, EachIsExplainedInTheManual) {
  const auto text = manual("man/firewright-policy.5");
  for (const auto& kind : kinds)
    EXPECT_NE(
        text.find("\n.BR " + std::string(kind.id) + " \" (" + std::string(kind.severity) + ")\"\n"),
        std::string::npos)
        << "man/firewright-policy.5 does not list " << kind.id;
}

TEST(DiagnosticKindsTest, TheManualExplainsNoOther) {
  const auto text = manual("man/firewright-policy.5");
  static const std::regex entry(R"re(\n\.BR ([a-z0-9-]+) " \((error|warning|note)\)"\n)re");
  for (std::sregex_iterator it(text.begin(), text.end(), entry), end; it != end; ++it) {
    const auto id = (*it)[1].str();
    EXPECT_TRUE(std::ranges::any_of(kinds, [&](const KindLine& kind) { return kind.id == id; }))
        << id << " is explained but does not exist";
  }
}

}  // namespace
}  // namespace firewright::house
