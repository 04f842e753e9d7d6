// Includes and variables, where they are right.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "compiler/policy/facts.h"
#include "tests/policy/reading.h"

namespace firewright::policy {
namespace {

using testing::ElementsAre;

std::string first_from(const Reading& reading) {
  std::string out;
  const auto& from = reading.policy.inbound.exceptions.at(0).from->set;
  for (const auto& interval : from.v4.intervals()) out += to_string(interval) + " ";
  for (const auto& interval : from.v6.intervals()) out += to_string(interval) + " ";
  if (!out.empty()) out.pop_back();
  return out;
}

std::vector<std::string> file_names(const Reading& reading) {
  std::vector<std::string> names;
  for (const auto file : reading.policy.files) names.push_back(reading.sources.file(file).name());
  return names;
}

constexpr const char* from_office =
    "[inbound]\nallow = [{ service = \"ssh\", from = \"${office}\" }]\n";

TEST(Variables, StandForWholeValuesOfEachType) {
  Reading reading;
  ASSERT_EQ(reading.read_text(R"(
[vars]
office = ["192.0.2.0/24", "${branch}"]
branch = "198.51.100.${host}"
host = 7
rate = "10/minute"
ports = [22, "80-90"]
burst = 9
[[inbound.allow]]
protocol = "tcp"
port = "${ports}"
from = ["${office}", "203.0.113.1"]
limit = { rate = "${rate}", burst = "${burst}" }
)"),
            "");
  const auto& exception = reading.policy.inbound.exceptions[0];
  EXPECT_EQ(first_from(reading), "192.0.2.0/24 198.51.100.7 203.0.113.1");
  EXPECT_EQ(exception.limit->rate->burst, 9U);
  EXPECT_EQ(exception.transports->value[0].destination_ports,
            (PortSet{{Port{22}, Port{22}}, {Port{80}, Port{90}}}));
  EXPECT_EQ(reading.text(exception.limit->span), "{ rate = \"${rate}\", burst = \"${burst}\" }");
}

TEST(Variables, DollarDollarIsADollar) {
  Reading reading;
  ASSERT_EQ(reading.read_text("[vars]\nx = \"y\"\n[inbound]\nlog = \"a $${x} $5 ${x} $\"\n"), "");
  EXPECT_EQ(reading.policy.inbound.log->prefix, "a ${x} $5 y $");
}

TEST(Variables, SetBeatsFactsBeatFiles) {
  const std::string defined = "[vars]\noffice = \"192.0.2.1\"\n" + std::string(from_office);
  Reading file;
  ASSERT_EQ(file.read_text(defined), "");
  EXPECT_EQ(first_from(file), "192.0.2.1");

  Reading facts;
  facts.files.files["one.json"] = R"({"office": "192.0.2.2"})";
  facts.files.files["two.json"] = R"({"office": ["192.0.2.3", "192.0.2.4"], "unused": null})";
  facts.vars_files = {"one.json", "two.json"};
  ASSERT_EQ(facts.read_text(defined), "");
  EXPECT_EQ(first_from(facts), "192.0.2.3-192.0.2.4");

  Reading set;
  set.files.files["one.json"] = R"({"office": "192.0.2.2"})";
  set.vars_files = {"one.json"};
  set.set_vars = {"office=192.0.2.5", "office=192.0.2.6"};
  ASSERT_EQ(set.read_text(defined), "");
  EXPECT_EQ(first_from(set), "192.0.2.6");
}

TEST(Variables, NestedFactsHaveDottedNames) {
  Reading reading;
  reading.files.files["facts.json"] = R"({"net": {"main": {"address": "192.0.2.9", "up": true}}})";
  reading.vars_files = {"facts.json"};
  ASSERT_EQ(reading.read_text("[inbound]\nallow = [{ from = \"${net.main.address}\" }]\n"), "");
  EXPECT_EQ(first_from(reading), "192.0.2.9");
}

// A long way to many facts would otherwise be in memory once for each of them.
TEST(Variables, FactsOfEndlessNamesAreLeftOut) {
  const auto count = [](std::size_t size) {
    Reading reading;
    reading.files.files["facts.json"] =
        R"({"x": 1, ")" + std::string(size, 'a') + R"(": {"b": 2}})";
    ReadOptions options;
    options.files = &reading.files;
    Context context(options, reading.sources, reading.sink);
    return read_facts(context, "facts.json").size();
  };
  EXPECT_EQ(count(998), 2U);  // "aaa.b"
  EXPECT_EQ(count(999), 1U);
}

TEST(Variables, TextOfTheCommandLineServesForOtherTypes) {
  Reading reading;
  reading.set_vars = {"until=2031-01-02", "log=true", "count=false", "port=8080", "zeros=007"};
  ASSERT_EQ(reading.read_text(R"([[inbound.allow]]
protocol = "tcp"
port = "${port}"
expires = "${until}"
log = "${log}"
count = "${count}"
name = "a${zeros}"
)"),
            "");
  const auto& exception = reading.policy.inbound.exceptions[0];
  EXPECT_EQ(to_string(exception.expires->value), "2031-01-02");
  EXPECT_TRUE(exception.log && !exception.log->prefix);
  EXPECT_FALSE(exception.count);
  EXPECT_EQ(exception.name->value, "a007");
}

TEST(Includes, AreRelativeToTheFileThatNamesThemAndReadOnce) {
  Reading reading;
  auto& files = reading.files.files;
  files["site/policy.toml"] = "include = [\"base.toml\", \"roles/*.toml\"]\n[inbound]\n";
  files["site/base.toml"] = "[inbound]\nallow = [\"ssh\"]\n";
  files["site/roles/b.toml"] = "include = \"../base.toml\"\n[inbound]\nallow = [\"smtp\"]\n";
  files["site/roles/a.toml"] =
      "[addresses]\nx = { file = \"../lists/x.txt\" }\n[inbound]\ndeny = [{ from = \"x\" }]\n";
  files["site/lists/x.txt"] =
      "# list\n192.0.2.1\n198.51.100.0/24 # a network\n\n2001:db8::1-2001:db8::4\n";
  ASSERT_EQ(reading.read("site/policy.toml"), "");
  EXPECT_THAT(file_names(reading), ElementsAre("site/policy.toml", "site/base.toml",
                                               "site/roles/a.toml", "site/roles/b.toml"));
  EXPECT_EQ(reading.policy.inbound.exceptions.size(), 3U);
  const auto& group = reading.policy.groups.at("x");
  EXPECT_TRUE(group.set.v4.contains(Ipv4{0xC6336401}));
  EXPECT_EQ(group.set.v6.intervals().size(), 1U);
}

TEST(Includes, APatternMatchesNothingOrItselfInPeace) {
  Reading reading;
  reading.files.files["other.toml"] = "[outbound]\ndefault = \"drop\"\n";
  ASSERT_EQ(reading.read_text("include = [\"*.toml\", \"conf.d/*.toml\"]\n[inbound]\n"), "");
  EXPECT_THAT(file_names(reading), ElementsAre("policy.toml", "other.toml"));
}

TEST(Includes, TakeVariables) {
  Reading reading;
  reading.set_vars = {"role=web"};
  reading.files.files["roles/web.toml"] = "[inbound]\nallow = [\"http\"]\n";
  ASSERT_EQ(reading.read_text("include = \"roles/${role}.toml\"\n"), "");
  EXPECT_EQ(reading.policy.inbound.exceptions.size(), 1U);
}

TEST(Includes, MayRepeatWhatIsSaidAlready) {
  Reading reading;
  const std::string common =
      "[policy]\nowner = \"ops\"\n[vars]\nv = \"192.0.2.1\"\n[addresses]\ng = "
      "[\"${v}\"]\n[services]\ns = \"tcp/1\"\n"
      "[zones]\nz = { interfaces = [\"eth0\"] }\n[baseline]\nloopback = true\n[inbound]\ndefault = "
      "\"drop\"\n"
      "log = true\n[target.nftables]\ntable = \"fw\"\n";
  reading.files.files["b.toml"] = common;
  EXPECT_EQ(reading.read_text("include = \"b.toml\"\n" + common), "");
}

TEST(Includes, TheRootsWordForPeopleStands) {
  Reading reading;
  reading.files.files["b.toml"] = "[policy]\nname = \"base\"\nowner = \"ops\"\n";
  ASSERT_EQ(reading.read_text("include = \"b.toml\"\n[policy]\nname = \"web1\"\n[inbound]\n"), "");
  EXPECT_EQ(reading.policy.name, "web1");
  EXPECT_EQ(reading.policy.owner, "ops");
}

}  // namespace
}  // namespace firewright::policy
