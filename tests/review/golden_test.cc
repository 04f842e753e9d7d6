// Each folder of tests/review/cases is a change: the trees `before` and `after`, and what the
// review says of it as Markdown, JSON and SARIF. With FIREWRIGHT_REWRITE_GOLDENS set, the outputs
// are written anew.

#include <gmock/gmock.h>

#include <cstdlib>
#include <fstream>

#include "tests/review/repository.h"
#include "tests/review/sarif_rules.h"

namespace firewright::review {
namespace {

namespace fs = std::filesystem;

class ReviewGoldenTest : public InRepository {
 protected:
  static void take(const fs::path& tree) {
    for (const auto& entry : fs::directory_iterator("."))
      if (entry.path().filename() != ".git") fs::remove_all(entry.path());
    if (fs::exists(tree)) fs::copy(tree, ".", fs::copy_options::recursive);
  }
};

TEST_F(ReviewGoldenTest, AllCases) {
  const bool rewrite = std::getenv("FIREWRIGHT_REWRITE_GOLDENS") != nullptr;
  ASSERT_FALSE(rewrite && std::getenv("CI") != nullptr) << "CI does not rewrite goldens";
  std::size_t cases = 0;
  for (const auto& entry : fs::directory_iterator(FIREWRIGHT_SOURCE_DIR "/tests/review/cases")) {
    ++cases;
    const auto name = entry.path().filename().string();
    take(entry.path() / "before");
    commit(name + "-before");
    take(entry.path() / "after");
    commit(name + "-after");
    for (const std::string format : {"markdown", "json", "sarif"}) {
      const auto file = entry.path() / ("review." + (format == "markdown" ? "md" : format));
      const auto result =
          review({"--git", name + "-before.." + name + "-after", "--format", format});
      EXPECT_EQ(result.err, "") << name;
      if (rewrite) std::ofstream(file, std::ios::binary) << result.out;
      EXPECT_EQ(result.out, read_file(file)) << file;
      EXPECT_EQ(result.exit, name == "same_meaning" ? cli::Exit::ok : cli::Exit::no) << name;
      if (format == "sarif") {
        const auto document = nlohmann::json::parse(result.out);
        EXPECT_THAT(sarif_problems(document), testing::IsEmpty());
        for (const auto& rule : document["runs"][0]["tool"]["driver"]["rules"])
          EXPECT_NE(rule["shortDescription"]["text"], rule["id"]) << "not described";
      }
    }
    for (const auto& file : fs::directory_iterator(entry.path()))
      EXPECT_THAT(file.path().filename().string(),
                  testing::AnyOf("before", "after", "review.md", "review.json", "review.sarif"));
  }
  EXPECT_GE(cases, 2U);
}

}  // namespace
}  // namespace firewright::review
