#include "compiler/review/inputs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace firewright::review {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::UnorderedElementsAre;

const std::string policy = "[inbound]\nallow = [\"ssh\"]\n";

struct Tree {
  MemoryFileSystem memory;

  explicit Tree(std::map<std::string, std::string> texts) { memory.files = std::move(texts); }

  [[nodiscard]] Inputs inputs(const std::string& path) const {
    const policy::HostOwnerDatabase owners;
    policy::ReadOptions options;
    options.files = &memory;
    options.owners = &owners;
    return find_inputs(path, options);
  }
  [[nodiscard]] std::set<std::string> policies() const {
    std::map<std::string, Inputs> all;
    for (const auto& [path, text] : memory.files)
      if (path.ends_with(".toml")) all.emplace(path, inputs(path));
    return find_policies(all);
  }
};

TEST(InputsTest, AllThatIsAskedForIsWrittenDown) {
  const Tree tree({{"hosts/web.toml",
                    "include = [\"parts/*.toml\", \"../${site}.toml\", \"missing.toml\"]\n"
                    "[vars]\nsite = \"berlin\"\nlist = \"many\"\n" +
                        policy},
                   {"hosts/parts/a.toml",
                    "[addresses]\nx = { file = \"../lists/x.txt\" }\n"
                    "y = [\"192.0.2.1\", { file = \"/lists/${list}.txt\" }]\n"},
                   {"berlin.toml", "[addresses]\nz = { file = \"gone.txt\" }\n"},
                   {"hosts/lists/x.txt", "192.0.2.1\n"}});
  const auto inputs = tree.inputs("hosts/web.toml");
  EXPECT_THAT(inputs.files,
              UnorderedElementsAre("hosts/web.toml", "hosts/parts/a.toml", "hosts/../berlin.toml",
                                   "hosts/missing.toml", "hosts/parts/../lists/x.txt",
                                   "/lists/many.txt", "hosts/../gone.txt"));
  EXPECT_THAT(inputs.patterns, ElementsAre("hosts/parts/*.toml"));
  EXPECT_THAT(inputs.parts, ElementsAre("hosts/parts/a.toml", "berlin.toml"));
}

TEST(InputsTest, APolicyIsWhatNobodyIncludes) {
  const Tree tree({{"web.toml", "include = [\"base.toml\"]\n" + policy},
                   {"db.toml", "include = [\"base.toml\"]\n"},
                   {"base.toml", policy},
                   {"alone.toml", policy},
                   {"groups.toml", "[addresses]\nx = [\"192.0.2.1\"]\n"},
                   {"Cargo.toml", "[package]\nname = \"x\"\n[dependencies]\n"},
                   {"ruff.toml", "include = [\"*.toml\"]\nline-length = 100\nexclude = []\n"}});
  EXPECT_THAT(tree.policies(), ElementsAre("alone.toml", "db.toml", "web.toml"));
}

TEST(InputsTest, ShapeIsToldByWhatIsSaid) {
  const auto shaped = [](const std::string& text) {
    return Tree({{"x.toml", text}}).inputs("x.toml").shaped;
  };
  EXPECT_TRUE(shaped("[inbound]\n"));
  EXPECT_TRUE(shaped("[outbound]\n[unknown]\n[more]\n[again]\n"));
  EXPECT_TRUE(shaped("include = [\"a.toml\"]\n"));
  EXPECT_TRUE(shaped("[policy]\nname = \"x\"\n"));
  EXPECT_FALSE(shaped(""));
  EXPECT_FALSE(shaped("inbound = 1\n"));
  EXPECT_FALSE(shaped("[zones]\nlan = [\"eth1\"]\n"));
  EXPECT_FALSE(shaped("[hosts.web]\nvars = {}\n"));
  // Not TOML, but it was meant as a policy.
  EXPECT_TRUE(shaped("x = [\n[inbound]\n"));
  EXPECT_TRUE(shaped("x = \n  [[forward.allow]]\n"));
  EXPECT_FALSE(shaped("x = \n[package]\n# inbound\ninbound = [\n"));
}

TEST(InputsTest, ACircleIsNotLost) {
  const Tree tree({{"a.toml", "include = [\"b.toml\"]\n" + policy},
                   {"b.toml", "include = [\"a.toml\"]\n" + policy},
                   {"c.toml", "include = [\"c.toml\"]\n" + policy}});
  EXPECT_THAT(tree.policies(), ElementsAre("a.toml", "c.toml"));
}

}  // namespace
}  // namespace firewright::review
