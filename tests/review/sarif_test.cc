// The checker of the other tests checks.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/review/sarif_rules.h"

namespace firewright::review {
namespace {

using nlohmann::json;
using testing::ElementsAre;
using testing::IsEmpty;

json sound() {
  return json::parse(R"({
    "$schema": "https://example.org/sarif-schema-2.1.0.json", "version": "2.1.0",
    "runs": [{"tool": {"driver": {"name": "x", "rules": [{"id": "a"}, {"id": "b"}]}},
              "columnKind": "unicodeCodePoints",
              "results": [{"ruleId": "b", "ruleIndex": 1, "level": "warning",
                           "message": {"text": "what {{is}} wrong"},
                           "locations": [{"physicalLocation": {
                             "artifactLocation": {"uri": "a%20b.toml", "uriBaseId": "%SRCROOT%"},
                             "region": {"startLine": 3, "startColumn": 1, "endLine": 3,
                                        "endColumn": 4}}}],
                           "partialFingerprints": {"x/v1": "abc"},
                           "properties": {"anything": [1]}}]}]})");
}

TEST(SarifRulesTest, SoundIsSound) { EXPECT_THAT(sarif_problems(sound()), IsEmpty()); }

// Each change of one value breaks one rule.
TEST(SarifRulesTest, EachRuleCanBeBroken) {
  const std::pair<const char*, json> wrong[] = {
      {"/version", "2.0.0"},
      {"/more", 1},
      {"/$schema", "no uri"},
      {"/runs/0/tool/driver/name", 1},
      {"/runs/0/tool/driver/rules/1", {{"id", "a"}}},
      {"/runs/0/tool/driver/rules/0/shortDescription", {{"markdown", "x"}}},
      {"/runs/0/columnKind", "bytes"},
      {"/runs/0/results/0/level", "fatal"},
      {"/runs/0/results/0/ruleIndex", 0},
      {"/runs/0/results/0/ruleIndex", 7},
      {"/runs/0/results/0/ruleIndex", -2},
      {"/runs/0/results/0/message", json::object()},
      {"/runs/0/results/0/message/text", "one {brace"},
      {"/runs/0/results/0/message/html", "x"},
      {"/runs/0/results/0/locations", json::object()},
      {"/runs/0/results/0/locations/0/physicalLocation", {{"region", json::object()}}},
      {"/runs/0/results/0/locations/0/physicalLocation/artifactLocation/uri", "a b.toml"},
      {"/runs/0/results/0/locations/0/physicalLocation/region/startLine", 0},
      {"/runs/0/results/0/locations/0/physicalLocation/region/endLine", 2},
      {"/runs/0/results/0/locations/0/physicalLocation/region/endColumn", "4"},
      {"/runs/0/results/0/partialFingerprints/x~1v1", 1},
      {"/runs/0/results/0/properties/tags", {"a", "a"}},
  };
  for (const auto& [at, value] : wrong) {
    auto document = sound();
    document[json::json_pointer(at)] = value;
    EXPECT_EQ(sarif_problems(document).size(), 1U)
        << at << ": " << testing::PrintToString(sarif_problems(document));
  }
  auto document = sound();
  document["runs"][0].erase("tool");
  EXPECT_THAT(sarif_problems(document), ElementsAre("runs[0]: `tool` is missing"));
}

}  // namespace
}  // namespace firewright::review
