// Bad input and what is said about it: cases/KIND/CASE/ holds policy.toml, perhaps further files
// (facts in facts.json, one --set argument a line in set.txt), and the expected diagnostics.txt.
// Each case has to provoke the diagnostic that its folder is named for.
// FIREWRIGHT_REWRITE_GOLDENS=1 rewrites.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "tests/policy/generated_cases.h"
#include "tests/policy/reading.h"

namespace firewright::policy {
namespace {

namespace fs = std::filesystem;

const fs::path source_dir = FIREWRIGHT_SOURCE_DIR;
const fs::path cases_dir = source_dir / "tests/policy/cases";

std::string slurp(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

std::vector<fs::path> all_cases() {
  std::vector<fs::path> cases;
  for (const auto& kind : fs::directory_iterator(cases_dir))
    for (const auto& entry : fs::directory_iterator(kind)) cases.push_back(entry.path());
  std::sort(cases.begin(), cases.end());
  return cases;
}

void load(const fs::path& folder, Reading& reading) {
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    const auto name = fs::relative(entry.path(), folder).string();
    const auto text = slurp(entry.path());
    if (name == "diagnostics.txt") continue;
    if (name == "set.txt") {
      std::istringstream lines(text);
      for (std::string line; std::getline(lines, line);) reading.set_vars.push_back(line);
      continue;
    }
    if (name == "facts.json") reading.vars_files.push_back(name);
    reading.files.files[name] = text;
  }
}

std::set<std::string> kinds_of(const Sink& sink) {
  std::set<std::string> kinds;
  for (const auto& diagnostic : sink.diagnostics()) kinds.emplace(id(diagnostic.kind));
  return kinds;
}

void expect_places_inside(const Reading& reading) {
  const auto expect_inside = [&](Span span) {
    if (!span.known()) return;
    ASSERT_LT(static_cast<std::size_t>(span.file), reading.sources.size());
    EXPECT_LE(span.begin, span.end);
    EXPECT_LE(span.end, reading.sources.file(span.file).text().size());
  };
  for (const auto& diagnostic : reading.sink.diagnostics()) {
    expect_inside(diagnostic.span);
    for (const auto& label : diagnostic.labels) expect_inside(label.span);
  }
}

// The ids of kinds.def that the reader reports, by its section headings.
std::set<std::string> reader_kinds() {
  std::istringstream lines(slurp(source_dir / "compiler/diagnostics/kinds.def"));
  std::set<std::string> ids;
  bool ours = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("// ---"))
      ours = line.find("--- the file itself") != std::string::npos ||
             line.find("--- the reader") != std::string::npos;
    // The key `ignore` is read here, though what it speaks of is lint's.
    const bool of_ignore =
        line.starts_with("FIREWRIGHT_KIND(ignore_") && line.find(", error,") != std::string::npos;
    if (!(ours || of_ignore) || !line.starts_with("FIREWRIGHT_KIND")) continue;
    const auto open = line.find('"');
    ids.insert(line.substr(open + 1, line.find('"', open + 1) - open - 1));
  }
  return ids;
}

class Case : public testing::TestWithParam<fs::path> {};

TEST_P(Case, SaysWhatItsGoldenSays) {
  const auto& folder = GetParam();
  Reading reading;
  load(folder, reading);
  const auto said = reading.read();
  const auto golden = folder / "diagnostics.txt";
  if (std::getenv("FIREWRIGHT_REWRITE_GOLDENS") != nullptr)
    std::ofstream(golden, std::ios::binary) << said;
  EXPECT_EQ(said, slurp(golden));
  EXPECT_THAT(kinds_of(reading.sink), testing::Contains(folder.parent_path().filename().string()));
  expect_places_inside(reading);
}

std::string case_name(const testing::TestParamInfo<fs::path>& info) {
  auto name = info.param.parent_path().filename().string() + "_" + info.param.filename().string();
  std::replace(name.begin(), name.end(), '-', '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Cases, Case, testing::ValuesIn(all_cases()), case_name);

class Generated : public testing::TestWithParam<GeneratedCase> {};

TEST_P(Generated, IsRefusedWithItsMessage) {
  const auto& expected = GetParam();
  Reading reading;
  expected.prepare(reading);
  reading.read();
  EXPECT_THAT(kinds_of(reading.sink), testing::Contains(expected.kind));
  ASSERT_FALSE(reading.sink.diagnostics().empty());
  EXPECT_EQ(reading.sink.diagnostics()[0].message(), expected.message);
  EXPECT_EQ(reading.sink.diagnostics().size(), 1U);
  expect_places_inside(reading);
  const auto span = reading.sink.diagnostics()[0].span;
  if (expected.line == 0) {
    EXPECT_FALSE(span.known());
    return;
  }
  ASSERT_TRUE(span.known());
  const auto position = reading.sources.position(span);
  EXPECT_EQ(position.line, expected.line);
  EXPECT_EQ(position.column, expected.column);
}

INSTANTIATE_TEST_SUITE_P(Cases, Generated, testing::ValuesIn(generated_cases()),
                         [](const auto& generated) { return generated.param.name; });

TEST(Kinds, EachOfTheReaderHasACaseThatProvokesIt) {
  std::set<std::string> provoked;
  for (const auto& path : all_cases()) provoked.insert(path.parent_path().filename().string());
  for (const auto& generated : generated_cases()) provoked.insert(generated.kind);
  EXPECT_EQ(provoked, reader_kinds());
}

}  // namespace
}  // namespace firewright::policy
