// What lies where: the top level is short, and examples use addresses that belong to nobody.

#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <string>

#include "compiler/net/address_set.h"
#include "tests/house/tree.h"

namespace firewright::house {
namespace {

TEST(TreeTest, TheTopLevelHoldsWhatItShould) {
  const std::set<std::string> allowed = {
      // people and their tools
      "ARCHITECTURE.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE", "README.md", "SECURITY.md",
      "dev", "CMakeLists.txt", "CMakePresets.json", ".ci", ".clang-format", ".clang-tidy",
      ".editorconfig", ".git", ".gitattributes", ".github", ".gitignore",
      // the product
      "backends", "compiler", "deploy", "fuzz", "man", "policies", "tests",
      // made by tools, and ignored by git
      ".cache", "compile_commands.json", "CMakeUserPresets.json", ".vscode", ".idea"};
  for (const auto& entry : std::filesystem::directory_iterator(root())) {
    const auto name = entry.path().filename().string();
    if (name == "build" || name.starts_with("build-")) continue;
    EXPECT_TRUE(allowed.contains(name)) << name;
  }
}

AddressSet set_of(std::initializer_list<const char*> items) {
  AddressSet set;
  for (const auto* item : items) {
    const auto parsed = parse_address_item(item);
    if (const auto* v4 = std::get_if<Interval<Ipv4>>(&parsed.value)) set.v4 = set.v4 | Ipv4Set{*v4};
    if (const auto* v6 = std::get_if<Interval<Ipv6>>(&parsed.value)) set.v6 = set.v6 | Ipv6Set{*v6};
  }
  return set;
}

// RFC 5737 and RFC 3849 for examples; RFC 1918, 6598 and 4193 where a private net is meant; and
// what has a meaning of its own on every host: loopback, link-local, multicast, "any".
const AddressSet& nobodys() {
  static const auto* set = new AddressSet(
      set_of({"192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24", "10.0.0.0/8", "172.16.0.0/12",
              "192.168.0.0/16", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "224.0.0.0/4",
              "0.0.0.0", "255.255.255.255", "2001:db8::/32", "fc00::/7", "fe80::/10", "ff00::/8",
              "::", "::1", "64:ff9b::/96"}));
  return *set;
}

std::vector<std::string> texts_for_people() {
  std::vector<std::string> files;
  for (const auto* folder : {"policies", "man", "deploy"}) {
    const auto more = files_below(folder);
    files.insert(files.end(), more.begin(), more.end());
  }
  for (const auto* file : {"README.md", "ARCHITECTURE.md", "CONTRIBUTING.md", "CHANGELOG.md"})
    if (std::filesystem::exists(root() / file)) files.emplace_back(file);
  return files;
}

TEST(TreeTest, ExampleAddressesBelongToNobody) {
  static const std::regex v4_form(
      R"re((^|[^0-9.])([0-9]{1,3}(\.[0-9]{1,3}){3})(?![0-9.]*[0-9]))re");
  static const std::regex v6_form(
      R"re((^|[^0-9A-Fa-f:.])([0-9A-Fa-f]*:[0-9A-Fa-f:]*:[0-9A-Fa-f:.]*[0-9A-Fa-f:]))re");
  std::size_t seen = 0;
  for (const auto& path : texts_for_people()) {
    const auto text = read(path);
    for (std::sregex_iterator it(text.begin(), text.end(), v4_form), end; it != end; ++it) {
      const auto address = parse_ipv4((*it)[2].str());
      if (!address) continue;
      ++seen;
      EXPECT_TRUE(nobodys().v4.contains(*address)) << path << ": " << (*it)[2];
    }
    for (std::sregex_iterator it(text.begin(), text.end(), v6_form), end; it != end; ++it) {
      const auto address = parse_ipv6((*it)[2].str());
      if (!address || is_ipv4_mapped(*address)) continue;  // its end is looked at above
      ++seen;
      EXPECT_TRUE(nobodys().v6.contains(*address)) << path << ": " << (*it)[2];
    }
  }
  EXPECT_GT(seen, 10U);
}

// Documents send readers to files: `compiler/net/types.h`.
TEST(TreeTest, PathsThatDocumentsNameExist) {
  static const std::regex path_form(R"re(`([a-z_]+/[A-Za-z0-9_./-]+)`)re");
  for (const auto* document : {"README.md", "ARCHITECTURE.md", "CONTRIBUTING.md"}) {
    if (!std::filesystem::exists(root() / document)) continue;
    const auto text = read(document);
    for (std::sregex_iterator it(text.begin(), text.end(), path_form), end; it != end; ++it) {
      const auto path = (*it)[1].str();
      if (path.starts_with("build")) continue;
      EXPECT_TRUE(std::filesystem::exists(root() / path) ||
                  std::filesystem::exists(root() / "compiler" / path))
          << document << " names " << path;
    }
  }
}

// Comments that send readers to a document: it must be there for them.
TEST(TreeTest, DocumentsThatSourcesNameExist) {
  static const std::regex document_form(R"re(\b([A-Z]{4,}\.md)\b)re");
  for (const auto* folder :
       {"compiler", "backends", "tests", "fuzz", "policies", "man", "deploy"}) {
    for (const auto& path :
         files_below(folder, {".h", ".cc", ".def", ".toml", ".txt", ".1", ".5"})) {
      if (path.starts_with("tests/house/")) continue;
      const auto text = read(path);
      for (std::sregex_iterator it(text.begin(), text.end(), document_form), end; it != end; ++it)
        EXPECT_TRUE(std::filesystem::exists(root() / (*it)[1].str()))
            << path << " names " << (*it)[1];
    }
  }
}

}  // namespace
}  // namespace firewright::house
