// `schema`: what it prints, and that `fmt` leaves the line alone that names a schema to editors.
// What the schemas say is held against the reader by tests/policy.

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "tests/cli/command.h"

namespace firewright::cli {
namespace {

TEST(SchemaCommand, PrintsASchema) {
  const auto policy = run({"schema"});
  EXPECT_EQ(policy.exit, Exit::ok);
  EXPECT_EQ(policy.err, "");
  EXPECT_EQ(policy.out, run({"schema", "policy"}).out);
  const auto json = nlohmann::json::parse(policy.out);
  EXPECT_EQ(json["$schema"], "http://json-schema.org/draft-07/schema#");
  EXPECT_TRUE(json["properties"].contains("inbound"));
  const auto hosts = run({"schema", "hosts"});
  EXPECT_EQ(hosts.exit, Exit::ok);
  EXPECT_TRUE(nlohmann::json::parse(hosts.out)["properties"].contains("hosts"));
  EXPECT_EQ(run({"schema", "nftables"}).exit, Exit::usage);
}

TEST(SchemaCommand, ItsDirectiveSurvivesFormatting) {
  const std::string text = "#:schema ./firewright.schema.json\n\n[inbound]\nallow = [\"ssh\"]\n";
  EXPECT_EQ(run({"fmt", "-"}, text).out, text);
}

}  // namespace
}  // namespace firewright::cli
