// The schemas and the reader, held together: what the reader takes is valid, what it refuses for
// its structure is not, and both know the same keys.
#include "compiler/policy/schema.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "compiler/policy/document.h"
#include "compiler/policy/hosts.h"
#include "compiler/policy/keys.h"
#include "tests/policy/json_schema.h"
#include "tests/policy/reading.h"

namespace firewright::policy {
namespace {

namespace fs = std::filesystem;
using testing::IsEmpty;
using testing::Not;

const fs::path source_dir = FIREWRIGHT_SOURCE_DIR;

const JsonSchema& of_policies() {
  static const JsonSchema schema(policy_schema());
  return schema;
}

std::string slurp(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

// As editors see TOML: what JSON has no type for is a string.
Json to_json(const Value& value) {
  switch (value.type) {
    case Value::Type::string: return value.string();
    case Value::Type::integer: return value.integer();
    case Value::Type::floating: return 0.5;
    case Value::Type::boolean: return value.boolean();
    case Value::Type::date: return to_string(value.date());
    case Value::Type::time: return "1979-05-27T07:32:00Z";
    case Value::Type::broken: return nullptr;
    case Value::Type::array: {
      auto list = Json::array();
      for (const auto& item : value.items()) list.push_back(to_json(item));
      return list;
    }
    case Value::Type::table: {
      auto object = Json::object();
      for (const auto& entry : value.entries()) object[entry.key] = to_json(entry.value);
      return object;
    }
  }
  return nullptr;
}

// Nothing: it is not TOML.
std::optional<Json> parsed(const std::string& text) {
  Sources sources;
  Sink sink;
  const auto root = parse_document(sources.add("policy.toml", text), sources, sink);
  if (!root || sink.has_errors()) return std::nullopt;
  return to_json(*root);
}

// --- whole files

TEST(Schema, TakesEveryExampleAndEveryGoldenCase) {
  std::size_t seen = 0;
  for (const auto* folder : {"policies", "tests/golden/cases"})
    for (const auto& entry : fs::recursive_directory_iterator(source_dir / folder)) {
      const auto& path = entry.path();
      if (path.extension() != ".toml" || path.filename() == "services.toml") continue;
      if (path.parent_path().filename() == "limit_on_deny") continue;  // what it is about
      const auto json = parsed(slurp(path));
      ASSERT_TRUE(json) << path;
      EXPECT_THAT(of_policies().faults(*json), IsEmpty()) << path;
      ++seen;
    }
  EXPECT_GT(seen, 15U);
}

// Errors of kinds that can be seen in one file without knowing names, addresses or packets.
const std::set<std::string>& kinds_of_structure() {
  static const std::set<std::string> kinds = {
      "unknown-key",    "wrong-type",       "reserved-key",          "misplaced-key", "missing-key",
      "bad-value",      "conflicting-keys", "port-without-protocol", "empty-list",    "bad-limit",
      "bad-log-prefix", "bad-interface",    "ignore-without-reason", "unknown-ignore"};
  return kinds;
}

// Bad input that looks good: the schema has no word for what is wrong with it.
const std::set<std::string>& beyond_the_schema() {
  static const std::set<std::string> cases = {"empty-list/from_a_variable"};
  return cases;
}

TEST(Schema, RefusesEveryBadInputWhoseFaultIsOneOfStructure) {
  std::set<std::string> taken;
  for (const auto& kind : kinds_of_structure()) {
    std::size_t seen = 0;
    for (const auto& entry : fs::directory_iterator(source_dir / "tests/policy/cases" / kind)) {
      const auto json = parsed(slurp(entry.path() / "policy.toml"));
      ++seen;
      if (json && of_policies().faults(*json).empty())
        taken.insert(kind + "/" + entry.path().filename().string());
    }
    EXPECT_GT(seen, 0U) << kind;
  }
  EXPECT_EQ(taken, beyond_the_schema());
}

// What the schema refuses, the reader refuses.
TEST(Schema, RefusesNothingThatTheReaderTakes) {
  std::size_t refused = 0;
  for (const auto& entry : fs::recursive_directory_iterator(source_dir / "tests/policy/cases")) {
    if (entry.path().filename() != "policy.toml") continue;
    const auto json = parsed(slurp(entry.path()));
    if (!json) continue;
    const auto faults = of_policies().faults(*json);
    if (faults.empty()) continue;
    ++refused;
    EXPECT_NE(slurp(entry.path().parent_path() / "diagnostics.txt").find(": error: "),
              std::string::npos)
        << entry.path() << " " << testing::PrintToString(faults);
  }
  EXPECT_GT(refused, 20U);
}

// --- every key with every kind of value

// Texts with the key in the places where it may stand, and `VALUE` for its value.
std::vector<std::string> places(const Key& key) {
  const std::string name(key.name);
  const auto in = [&](const std::string& head) {
    return std::vector<std::string>{head + name + " = VALUE\n"};
  };
  switch (key.section) {
    case Section::root: return in("");
    case Section::policy: return in("[policy]\n");
    case Section::baseline: return in("[baseline]\n");
    case Section::direction: return in("[inbound]\n");
    case Section::exception: {
      std::vector<std::string> all;
      for (const auto direction : DirectionSet::all())
        for (const auto* action : {"allow", "deny", "reject"}) {
          std::string head = "[[" + std::string(to_string(direction)) + "." + action + "]]\n";
          if (name == "port" || name == "source-port") head += "protocol = \"tcp\"\n";
          if (name == "ignore") head += "reason = \"because\"\n";
          all.push_back(in(head).front());
        }
      if (!key.narrows) return all;
      for (const auto direction : DirectionSet::all()) {
        std::string head = "[[assert]]\n[assert.never]\ndirection = \"" +
                           std::string(to_string(direction)) + "\"\n";
        if (name == "port" || name == "source-port") head += "protocol = \"tcp\"\n";
        all.push_back(in(head).front());
      }
      return all;
    }
    case Section::limit:
      return in(name == "rate" ? "[[inbound.allow]]\n[inbound.allow.limit]\n"
                               : "[[inbound.allow]]\n[inbound.allow.limit]\nrate = \"1/hour\"\n");
    case Section::address_file: return in("[addresses.a]\n");
    case Section::zone: return in("[zones.a]\n");
    case Section::assertion:
      return in(name == "name" ? "[[assert]]\nnever = { direction = \"inbound\" }\n"
                               : "[[assert]]\n");
    case Section::assertion_set: return in("[[assert]]\n[assert.never]\n");
    case Section::target: return in("[target]\n");
    case Section::target_iptables: return in("[target.iptables]\n");
    case Section::target_nftables: return in("[target.nftables]\n");
    case Section::target_netsh: return in("[target.netsh]\n");
    case Section::catalogue_service: return {};
  }
  return {};
}

constexpr const char* values[] = {
    "\"\"",
    "\"ssh\"",
    "\"true\"",
    "\"drop\"",
    "\"192.0.2.1\"",
    "\"tcp\"",
    "\"tcp/22\"",
    "\"8\"",
    "\"22-23\"",
    "\"10/minute\"",
    "\"a b\"",
    "\"eth0\"",
    "\"wg*\"",
    "\"*\"",
    "\"inbound\"",
    "\"ipv4\"",
    "\"nftables\"",
    "\"overlap\"",
    "\"echo-reply\"",
    "\"${variable}\"",
    "0",
    "1",
    "22",
    "70000",
    "-1",
    "true",
    "false",
    "0.5",
    "[]",
    "[\"ssh\"]",
    "[22]",
    "[true]",
    "[[]]",
    "[0.5]",
    "[\"22\", 23]",
    "{}",
    "{ file = 1 }",
    "{ a = 1 }",
    "[{}]",
    "[{ a = 1 }]",
    "[\"x\"]",
    "{ rate = \"1/day\" }",
    "{ burst = 3 }",
    "{ direction = \"forward\" }",
    "[\"192.0.2.1\", \"2001:db8::/32\"]",
    "[\"tcp/22\", \"udp/53\"]",
    "{ interfaces = [\"eth0\"] }",
    "{ interfaces = [\"eth0\"], profiles = [\"public\"] }",
    "{ profiles = [] }",
    "[\"a\", 1]",
};

// Kinds that the palette's values provoke and that hang on names, addresses or what exists.
bool hangs_on_more(const Sink& sink) {
  static const std::set<std::string> kinds = {
      "unknown-service", "unknown-group",          "bad-address",
      "host-name",       "unknown-owner",          "unknown-icmp-type",
      "cannot-read",     "include-not-found",      "unknown-protocol",
      "empty-policy",    "protocol-without-ports", "empty-group",
      "missing-key",     "limit-needs-established"};
  return std::all_of(sink.diagnostics().begin(), sink.diagnostics().end(),
                     [](const Diagnostic& diagnostic) {
                       return severity(diagnostic.kind) != Severity::error ||
                              kinds.contains(std::string(id(diagnostic.kind)));
                     });
}

// How often both said the same, so that no test is content with nothing.
struct Agreements {
  unsigned good = 0, bad = 0;
};

void expect_agreement(const std::string& written, const std::string& value, Agreements& count) {
  auto text = "vars.variable = \"drop\"\n" + written;
  text.replace(text.find("VALUE"), 5, value);
  const auto json = parsed(text);
  if (!json) return;  // `vars = ...` says it twice
  Reading reading;
  const auto said = reading.read_text(text);
  const auto faults = of_policies().faults(*json);
  const bool substituted = value.find("${") != std::string::npos;
  if (!reading.sink.has_errors()) {
    EXPECT_THAT(faults, IsEmpty()) << text;
    ++count.good;
  } else if (!substituted && !hangs_on_more(reading.sink)) {
    EXPECT_THAT(faults, Not(IsEmpty())) << text << said;
    ++count.bad;
  }
}

TEST(Schema, AgreesWithTheReaderOnEveryKeyAndKindOfValue) {
  Agreements count;
  for (const auto& key : all_keys())
    for (const auto& place : places(key))
      for (const auto* value : values) expect_agreement(place, value, count);
  EXPECT_GT(count.good, 1000U);
  EXPECT_GT(count.bad, 5000U);
}

TEST(Schema, AgreesOnValuesBehindNamesOfTheAuthor) {
  Agreements count;
  for (const auto* table : {"addresses", "services", "zones", "vars"})
    for (const auto* name : {"a", "\"a b\"", "a-1", "\"\""})
      for (const auto* value : values)
        expect_agreement(std::string(table) + "." + name + " = VALUE\n[inbound]\n", value, count);
  EXPECT_GT(count.good, 20U);
  EXPECT_GT(count.bad, 300U);
}

TEST(Schema, AgreesOnItemsOfLists) {
  Agreements count;
  for (const auto* list : {"inbound.allow", "outbound.deny", "forward.reject", "assert"})
    for (const auto* value : values)
      expect_agreement(std::string(list) + " = [VALUE]\n", value, count);
  EXPECT_GT(count.good, 5U);
  EXPECT_GT(count.bad, 80U);
}

// --- the same keys

std::set<std::string> property_names(const Json& schema) {
  std::set<std::string> names;
  for (const auto& [name, value] : schema["properties"].items()) names.insert(name);
  return names;
}

std::set<std::string> known(Section section) {
  const auto names = key_names(section);
  return {names.begin(), names.end()};
}

TEST(Schema, KnowsTheKeysThatTheReaderKnows) {
  const auto& root = of_policies().root();
  const auto& top = root["properties"];
  EXPECT_EQ(property_names(root), known(Section::root));
  EXPECT_EQ(property_names(top["policy"]), known(Section::policy));
  EXPECT_EQ(property_names(top["baseline"]), known(Section::baseline));
  EXPECT_EQ(property_names(top["target"]), known(Section::target));
  const auto& targets = top["target"]["properties"];
  EXPECT_EQ(property_names(targets["iptables"]), known(Section::target_iptables));
  EXPECT_EQ(property_names(targets["nftables"]), known(Section::target_nftables));
  EXPECT_EQ(property_names(targets["netsh"]), known(Section::target_netsh));
  const auto& assertion = top["assert"]["items"];
  EXPECT_EQ(property_names(assertion), known(Section::assertion));
  for (const auto* claim : {"never", "always"})
    EXPECT_EQ(property_names(assertion["properties"][claim]), known(Section::assertion_set));
  EXPECT_EQ(property_names(top["zones"]["patternProperties"].front()), known(Section::zone));
  EXPECT_EQ(property_names(top["addresses"]["patternProperties"].front()["anyOf"][0]),
            known(Section::address_file));
  for (const auto direction : DirectionSet::all()) {
    const std::string name(to_string(direction));
    EXPECT_EQ(property_names(top[name]), known(Section::direction));
    for (const auto* action : {"allow", "deny", "reject"}) {
      const auto& exception = root["definitions"][name + "-" + action];
      std::set<std::string> expected;
      for (const auto& key : all_keys())
        if (key.section == Section::exception && key.directions.contains(direction) &&
            (key.name != "limit" || std::string(action) == "allow"))
          expected.emplace(key.name);
      EXPECT_EQ(property_names(exception), expected) << name << "." << action;
    }
  }
  const auto& allow = root["definitions"]["inbound-allow"];
  EXPECT_EQ(property_names(allow["properties"]["limit"]), known(Section::limit));
}

// Hover text for each, and a value that something is said about.
TEST(Schema, SaysWhatEachKeyIsForAndHolds) {
  const std::function<void(const Json&, const std::string&)> walk = [&](const Json& schema,
                                                                        const std::string& path) {
    if (!schema.is_object()) return;
    if (schema.contains("properties") && schema.value("additionalProperties", Json()) == false)
      for (const auto& [name, value] : schema["properties"].items()) {
        EXPECT_FALSE(value.value("description", "").empty()) << path << "/" << name;
        const bool says =
            value.contains("type") || value.contains("anyOf") || value.contains("not");
        EXPECT_TRUE(says) << path << "/" << name;
      }
    for (const auto& [name, value] : schema.items()) walk(value, path + "/" + name);
  };
  walk(of_policies().root(), "");
  walk(JsonSchema(hosts_schema()).root(), "");
}

TEST(Schema, TellsWhatIsUnsaid) {
  const auto& top = of_policies().root()["properties"];
  EXPECT_EQ(top["inbound"]["properties"]["default"]["default"], "drop");
  EXPECT_EQ(top["outbound"]["properties"]["default"]["default"], "accept");
  EXPECT_EQ(top["forward"]["properties"]["default"]["default"], "drop");
  for (const auto& [name, value] : top["baseline"]["properties"].items())
    EXPECT_EQ(value["default"], true) << name;
  EXPECT_EQ(top["target"]["properties"]["nftables"]["properties"]["table"]["default"],
            "firewright");
}

TEST(Schema, CompletesServicesOfTheCatalogueWithWhatTheyAre) {
  const auto& known = of_policies().root()["definitions"]["service"]["anyOf"][0];
  const auto& names = known["enum"];
  const auto at = std::find(names.begin(), names.end(), "rdp") - names.begin();
  ASSERT_LT(static_cast<std::size_t>(at), names.size());
  ASSERT_EQ(names.size(), known["x-taplo"]["docs"]["enumValues"].size());
  EXPECT_THAT(
      known["x-taplo"]["docs"]["enumValues"][static_cast<std::size_t>(at)].get<std::string>(),
      testing::HasSubstr("Remote Desktop"));
}

// --- files of hosts

TEST(HostsSchema, AgreesWithTheReader) {
  const JsonSchema schema(hosts_schema());
  const std::pair<std::string, bool> files[] = {
      {"[hosts.web1]\nfacts = \"a.json\"\nvars = { role = \"web\", n = 1, l = [\"a\", 2] }\n",
       true},
      {"[hosts.web1]\nfacts = [\"a.json\", \"b.json\"]\npolicy = \"bastion.toml\"\n", true},
      {"[hosts.\"web1.example.org\"]\n", true},
      {"[hosts.web1]\nfacts = []\n", true},
      {"[hosts]\n", false},
      {"", false},
      {"[host.web1]\n", false},
      {"[hosts.web1]\nfact = \"a.json\"\n", false},
      {"[hosts.web1]\nfacts = 1\n", false},
      {"[hosts.web1]\nfacts = \"\"\n", false},
      {"[hosts.web1]\npolicy = [\"a.toml\"]\n", false},
      {"[hosts.web1]\nvars = { a = true }\n", false},
      {"[hosts.web1]\nvars = { \"a b\" = 1 }\n", false},
      {"[hosts.web1]\nvars = { a = [[1]] }\n", false},
      {"[hosts.\".web1\"]\n", false},
      {"[hosts]\nweb1 = 1\n", false},
  };
  for (const auto& [text, good] : files) {
    MemoryFileSystem memory;
    memory.files["hosts.toml"] = text;
    Sources sources;
    Sink sink;
    (void)read_hosts("hosts.toml", memory, sources, sink);
    EXPECT_EQ(!sink.has_errors(), good) << text << render_text(sink, sources);
    EXPECT_EQ(schema.faults(*parsed(text)).empty(), good) << text;
  }
}

}  // namespace
}  // namespace firewright::policy
