#include "compiler/policy/fleet.h"

#include <gtest/gtest.h>

#include "tests/policy/reading.h"

namespace firewright::policy {
namespace {

// Counts who asks for what.
class CountingFiles final : public FileSystem {
 public:
  MemoryFileSystem files;
  mutable std::map<std::string, int> reads, canonicals, globs;

  [[nodiscard]] FileContent read(const std::string& path, std::size_t limit) const override {
    ++reads[path];
    return files.read(path, limit);
  }
  [[nodiscard]] std::vector<std::string> glob(const std::string& pattern) const override {
    ++globs[pattern];
    return files.glob(pattern);
  }
  [[nodiscard]] std::string canonical(const std::string& path) const override {
    ++canonicals[path];
    return files.canonical(path);
  }
};

class Fleet : public testing::Test {
 protected:
  Fact fact(const std::string& name, const std::string& text) const {
    Value value;
    value.type = Value::Type::string;
    value.data = text;
    return {.name = name, .value = std::move(value)};
  }
  ReadOptions options() const {
    ReadOptions options;
    options.files = &files_;
    options.owners = &owners_;
    return options;
  }

  CountingFiles disk_;
  RememberingFileSystem files_{disk_};
  FakeOwners owners_;
  Sources sources_;
};

TEST_F(Fleet, ReadsEachFileOnceAndSharesWhatNoVariableIsIn) {
  disk_.files.files["p.toml"] =
      "include = [\"inc/*.toml\"]\n[addresses]\nlist = { file = \"l\" }\n"
      "own = [\"${address}\", \"list\"]\n[inbound]\n"
      "allow = [{ from = [\"own\", \"other\"] }]\n";
  disk_.files.files["inc/a.toml"] = "[addresses]\nother = [\"198.51.100.1\", \"list\"]\n";
  disk_.files.files["l"] = "203.0.113.1\n203.0.113.3\n";
  FleetReader reader(options(), sources_);
  std::vector<Subject> subjects;
  for (const auto* address : {"192.0.2.1", "192.0.2.2", "192.0.2.1"})
    subjects.push_back(
        reader.prepare("p.toml", std::nullopt, {fact("address", address), fact("rack", address)}));
  EXPECT_EQ(subjects[0].key, subjects[2].key);
  EXPECT_NE(subjects[0].key, subjects[1].key);
  EXPECT_EQ(subjects[0].facts.size(), 1U) << "nothing asks for the rack";
  for (std::size_t i = 0; i < 2; ++i) {
    Sources layer(&sources_);
    Sink sink;
    const auto policy = reader.read(subjects[i], layer, sink);
    EXPECT_EQ(render_text(sink, layer), "");
    const auto& from = policy.inbound.exceptions.at(0).from->set;
    EXPECT_EQ(from.v4.intervals().size(), 4U);
    EXPECT_TRUE(from.v4.contains(Ipv4{0xc0000201 + static_cast<std::uint32_t>(i)}));
    EXPECT_EQ(layer.size(), sources_.size()) << "nothing was parsed again";
  }
  for (const auto& [path, times] : disk_.reads) EXPECT_EQ(times, 1) << path;
  for (const auto& [path, times] : disk_.canonicals) EXPECT_EQ(times, 1) << path;
  for (const auto& [path, times] : disk_.globs) EXPECT_EQ(times, 1) << path;
  EXPECT_EQ(disk_.reads.size(), 3U);
}

// The same words of one file mean what each host's other files make of them.
TEST_F(Fleet, NamesMeanWhatTheHostsOwnFilesDefine) {
  disk_.files.files["p.toml"] =
      "include = \"${role}.toml\"\n[inbound]\nallow = [{ from = \"peers\" }, { service = \"app\" "
      "},\n"
      "{ in = \"lan\", service = \"ssh\" }, { service = \"ssh\", from = \"192.0.2.9\" }, "
      "\"https\"]\n";
  disk_.files.files["a.toml"] =
      "[addresses]\npeers = [\"192.0.2.1\"]\n[services]\n"
      "app = \"tcp/8001\"\n[zones]\nlan = { interfaces = [\"eth0\"] }\n";
  disk_.files.files["b.toml"] =
      "[addresses]\npeers = [\"192.0.2.2\"]\n[services]\n"
      "app = \"tcp/8002\"\n";
  FleetReader reader(options(), sources_);
  std::vector<Subject> subjects;
  for (const auto* role : {"a", "b"})
    subjects.push_back(reader.prepare("p.toml", std::nullopt, {fact("role", role)}));
  for (std::uint32_t i = 0; i < 2; ++i) {
    Sources layer(&sources_);
    Sink sink;
    const auto policy = reader.read(subjects[i], layer, sink);
    ASSERT_EQ(render_text(sink, layer), "");
    const auto& exceptions = policy.inbound.exceptions;
    ASSERT_EQ(exceptions.size(), 5U);
    EXPECT_TRUE(exceptions[0].from->set.v4.contains(Ipv4{0xc0000201 + i}));
    EXPECT_TRUE(exceptions[1].transports->value[0].destination_ports.contains(
        Port{static_cast<std::uint16_t>(8001 + i)}));
    EXPECT_EQ(policy.zones.contains("lan"), i == 0);
    EXPECT_TRUE(i == 1 || policy.zones.at("lan").used);
    EXPECT_EQ(exceptions[3].label(), "ssh from 192.0.2.9");
    for (std::size_t k = 0; k < exceptions.size(); ++k) EXPECT_EQ(exceptions[k].index, k);
  }
}

TEST_F(Fleet, AMissingVariableIsSharedWithNobody) {
  disk_.files.files["p.toml"] = "[inbound]\nallow = [{ from = \"${adress}\" }]\n";
  FleetReader reader(options(), sources_);
  const auto one = reader.prepare("p.toml", std::nullopt, {fact("address", "192.0.2.1")});
  const auto other = reader.prepare("p.toml", std::nullopt, {});
  EXPECT_NE(one.key, other.key);
  Sources layer(&sources_);
  Sink sink;
  (void)reader.read(one, layer, sink);
  const auto said = render_text(sink, layer);
  EXPECT_NE(said.find("did you mean `address`?"), std::string::npos) << said;
}

TEST_F(Fleet, AFileThatIsNotTomlIsReportedForEach) {
  disk_.files.files["p.toml"] = "[inbound\n";
  FleetReader reader(options(), sources_);
  for (int i = 0; i < 2; ++i) {
    const auto subject = reader.prepare("p.toml", std::nullopt, {});
    Sources layer(&sources_);
    Sink sink;
    (void)reader.read(subject, layer, sink);
    EXPECT_EQ(sink.errors(), 1U);
  }
}

TEST_F(Fleet, TheTypeOfAValueIsPartOfTheKey) {
  disk_.files.files["p.toml"] = "[inbound]\nallow = [{ protocol = \"tcp\", port = \"${p}\" }]\n";
  FleetReader reader(options(), sources_);
  auto number = fact("p", "");
  number.value.type = Value::Type::integer;
  number.value.data = std::int64_t{80};
  EXPECT_NE(reader.prepare("p.toml", std::nullopt, {number}).key,
            reader.prepare("p.toml", std::nullopt, {fact("p", "80")}).key);
}

}  // namespace
}  // namespace firewright::policy
