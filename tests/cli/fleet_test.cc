// compile --hosts: many hosts in one go are the same as each by itself.

#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/stat.h>

#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "tests/cli/command.h"

namespace firewright::cli {
namespace {

constexpr std::string_view policy = R"(
include = "roles/${role}.toml"

[vars]
role = "plain"
admin = "192.0.2.0/28"

[addresses]
office = ["198.51.100.0/24", "2001:db8:1::/48"]
listed = { file = "listed.txt" }
everyone = ["office", "listed", "${admin}"]

[inbound]
allow = [
  { name = "administration", protocol = "tcp", port = 22, from = "everyone" },
  { name = "to itself", protocol = "tcp", port = "${port}", to = "${address}" },
]
)";

constexpr std::string_view hosts = R"(
[hosts.web1]
vars = { role = "web", address = "192.0.2.10", port = 8080 }

[hosts.web2]
vars = { role = "web", address = "192.0.2.11", port = "8000-8010", nobody-asks = "for this" }

[hosts."db1.example.org"]
facts = ["facts/all.json", "facts/db1.json"]
vars = { role = "database" }

[hosts.plain-1]
vars = { address = ["192.0.2.30", "2001:db8::30"], port = 1 }

[hosts.web1-twin]
vars = { role = "web", address = "192.0.2.10", port = 8080, rack = 7 }
)";

class FleetTest : public InFolder {
 protected:
  void SetUp() override {
    InFolder::SetUp();
    for (const auto* folder : {"roles", "facts", "out", "alone"})
      std::filesystem::create_directory(folder_ / folder);
    put("p.toml", std::string(policy));
    put("hosts.toml", std::string(hosts));
    put("listed.txt", "203.0.113.7\n203.0.113.9 # a comment\n");
    put("roles/web.toml", "[[inbound.allow]]\nservice = \"https\"\n");
    put("roles/database.toml", "[[inbound.allow]]\nservice = \"postgresql\"\nfrom = \"office\"\n");
    put("roles/plain.toml", "[[inbound.allow]]\nservice = \"ping\"\n");
    put("facts/all.json", R"({"port": 1, "site": {"name": "x", "up": true}})");
    put("facts/db1.json", R"({"address": "192.0.2.20", "port": 5000})");
  }

  void put(const std::string& name, const std::string& text) const { (void)write(name, text); }
  [[nodiscard]] Ended fleet(std::vector<std::string> more = {}) const {
    std::vector<std::string> arguments{"compile",   "--hosts",     path("hosts.toml"), "-o",
                                       path("out"), "--target",    "nftables",         "--target",
                                       "iptables",  path("p.toml")};
    arguments.insert(arguments.end(), more.begin(), more.end());
    return run(arguments);
  }
  // The same by `compile` for one host.
  [[nodiscard]] Ended alone(const std::string& host, const std::string& vars) const {
    const auto facts = write("alone/" + host + ".json", vars);
    return run({"compile", "-o", path("alone/" + host), "--target", "nftables", "--target",
                "iptables", "--vars", facts, path("p.toml")});
  }
  [[nodiscard]] std::string bytes(const std::string& name) const {
    std::ifstream file(path(name), std::ios::binary);
    EXPECT_TRUE(file) << name;
    return {std::istreambuf_iterator<char>(file), {}};
  }
  [[nodiscard]] std::map<std::string, std::string> output() const {
    std::map<std::string, std::string> all;
    for (const auto& name : files())
      if (name.starts_with("out/")) all[name] = bytes(name);
    return all;
  }
  // Which files there are, and whether they are the same files still.
  [[nodiscard]] std::map<std::string, std::pair<ino_t, long>> identities() const {
    std::map<std::string, std::pair<ino_t, long>> all;
    for (const auto& name : files()) {
      struct stat status{};
      EXPECT_EQ(::stat(path(name).c_str(), &status), 0);
      if (name.starts_with("out/")) all[name] = {status.st_ino, status.st_mtim.tv_nsec};
    }
    return all;
  }
};

TEST_F(FleetTest, EqualsSeparateRunsByteForByte) {
  const auto ended = fleet();
  ASSERT_EQ(ended.exit, Exit::ok) << ended.err;
  EXPECT_EQ(ended.err.find("5 hosts: 4 compiled and proved, 1 the same as one of these, "
                           "0 unchanged, 0 failed, in "),
            0U)
      << ended.err;
  const std::map<std::string, std::string> vars = {
      {"web1", R"({"role": "web", "address": "192.0.2.10", "port": 8080})"},
      {"web2", R"({"role": "web", "address": "192.0.2.11", "port": "8000-8010"})"},
      {"db1.example.org", R"({"role": "database", "address": "192.0.2.20", "port": 5000})"},
      {"plain-1", R"({"address": ["192.0.2.30", "2001:db8::30"], "port": 1})"},
      {"web1-twin", R"({"role": "web", "address": "192.0.2.10", "port": 8080})"}};
  for (const auto& [host, json] : vars) {
    const auto one = alone(host, json);
    ASSERT_EQ(one.exit, Exit::ok) << one.err;
    for (const auto* suffix : {".nft", ".nlbatch", ".v4.rules", ".v6.rules"}) {
      const auto file = host + "/p" + suffix;
      EXPECT_EQ(bytes("out/" + file), bytes("alone/" + file)) << file;
    }
  }
  EXPECT_EQ(output().size(), 20U);
  EXPECT_NE(bytes("out/web1/p.nft"), bytes("out/web2/p.nft"));
}

TEST_F(FleetTest, IsTheSameOnAnyNumberOfThreads) {
  put("hosts.toml", std::string(hosts) +
                        "\n[hosts.wrong]\nvars = { address = \"192.0.2.300\", port = 1 }\n"
                        "[hosts.wrong-2]\n");
  const auto without_time = [](std::string text) { return text.substr(0, text.rfind(", in ")); };
  const auto one = fleet({"--jobs", "1"});
  const auto first = output();
  std::filesystem::remove_all(folder_ / "out");
  const auto four = fleet({"--jobs", "4"});
  EXPECT_EQ(one.exit, Exit::no);
  EXPECT_EQ(four.exit, Exit::no);
  EXPECT_EQ(without_time(one.err), without_time(four.err));
  EXPECT_EQ(first, output());
  EXPECT_EQ(first.size(), 20U);
}

TEST_F(FleetTest, LeavesFilesAloneThatAreThere) {
  ASSERT_EQ(fleet().exit, Exit::ok);
  const auto before = identities();
  const auto again = fleet();
  EXPECT_EQ(again.exit, Exit::ok);
  EXPECT_NE(again.err.find("5 unchanged"), std::string::npos) << again.err;
  EXPECT_EQ(identities(), before);

  put("roles/plain.toml", "[[inbound.allow]]\nservice = \"https\"\n");
  const auto changed = fleet();
  EXPECT_NE(changed.err.find("4 unchanged"), std::string::npos) << changed.err;
  for (const auto& [name, identity] : identities())
    EXPECT_EQ(identity != before.at(name), name.starts_with("out/plain-1/")) << name;
}

TEST_F(FleetTest, OneHostThatFailsIsNamedAndTheOthersAreWritten) {
  put("hosts.toml", std::string(hosts) + "[hosts.lost]\nvars = { role = \"web\" }\n");
  const auto ended = fleet();
  EXPECT_EQ(ended.exit, Exit::no);
  EXPECT_NE(ended.err.find("lost: not compiled\n"), std::string::npos) << ended.err;
  EXPECT_NE(ended.err.find("there is no variable `address`"), std::string::npos) << ended.err;
  EXPECT_NE(ended.err.find("there is no variable `port`"), std::string::npos) << ended.err;
  EXPECT_NE(ended.err.find("1 failed"), std::string::npos) << ended.err;
  EXPECT_EQ(ended.err.find("web2"), std::string::npos) << ended.err;
  EXPECT_FALSE(std::filesystem::exists(path("out/lost")));
  EXPECT_EQ(output().size(), 20U);
}

TEST_F(FleetTest, ARoleThatIsNotThereAndFactsThatAreNoneFailTheirHostOnly) {
  put("facts/broken.json", "{");
  put("hosts.toml",
      std::string(hosts) +
          "[hosts.a]\nvars = { role = \"nothing\", address = \"192.0.2.1\", port = 1 }\n"
          "[hosts.b]\nfacts = \"facts/broken.json\"\n[hosts.c]\nfacts = \"none.json\"\n");
  const auto ended = fleet();
  EXPECT_EQ(ended.exit, Exit::no);
  EXPECT_NE(ended.err.find("a: not compiled\n"), std::string::npos) << ended.err;
  EXPECT_NE(ended.err.find("roles/nothing.toml` to include"), std::string::npos) << ended.err;
  EXPECT_NE(ended.err.find("b: not compiled\n"), std::string::npos) << ended.err;
  EXPECT_NE(ended.err.find("broken.json` holds no facts"), std::string::npos) << ended.err;
  EXPECT_NE(ended.err.find("c: not compiled\n"), std::string::npos) << ended.err;
  EXPECT_LT(ended.err.find("a: not"), ended.err.find("b: not"));
  EXPECT_EQ(output().size(), 20U);
}

TEST_F(FleetTest, NamesThatAreNoFoldersAreRefused) {
  for (const std::string name :
       {"", ".", "..", "../up", "a/b", "-o", ".hidden", "a b", "a\\u0000b"}) {
    put("hosts.toml", "[hosts.good]\n[hosts.\"" + name + "\"]\nvars = {}\n");
    const auto ended = fleet();
    EXPECT_EQ(ended.exit, Exit::no) << name;
    EXPECT_NE(ended.err.find("cannot name a host"), std::string::npos) << name << ended.err;
    EXPECT_TRUE(output().empty()) << name;
  }
}

TEST_F(FleetTest, HostsThatSayOtherThingsAreRefused) {
  const auto said = [&](const std::string& text) {
    put("hosts.toml", text);
    const auto ended = fleet();
    EXPECT_EQ(ended.exit, Exit::no) << text;
    return ended.err;
  };
  const auto holds = [](const std::string& text, const std::string& part) {
    EXPECT_NE(text.find(part), std::string::npos) << text;
  };
  holds(said(""), "a file of hosts needs `hosts`");
  holds(said("[web1]\n"), "unknown key `web1` in a file of hosts");
  holds(said("[hosts.web1]\nrole = \"web\"\n"), "variables of the policy stand under `vars`");
  holds(said("[hosts.web1.example.org]\n"), "a name with dots stands in quotes");
  holds(said("[hosts]\nweb1 = 1\n"), "`web1` takes a table, not an integer");
  holds(said("[hosts.web1]\nvars = { a = true }\n"), "`a` takes a string, an integer or an array");
  holds(said("[hosts.web1]\nvars = { \"a b\" = 1 }\n"), "`a b` cannot name a variable");
  holds(said("[hosts.web1]\nfacts = 1\n"), "`facts` takes a string");
  holds(said("[hosts.web1\n"), "[syntax]");
}

TEST_F(FleetTest, WhatDoesNotGoWithHostsIsSaid) {
  const auto arguments = [&](std::vector<std::string> more) {
    more.insert(more.begin(), {"compile", "--target", "nftables", path("p.toml")});
    return run(more);
  };
  EXPECT_EQ(arguments({"--hosts", path("hosts.toml")}).exit, Exit::usage);
  EXPECT_EQ(arguments({"--jobs", "2"}).exit, Exit::usage);
  EXPECT_EQ(fleet({"--jobs", "0"}).exit, Exit::usage);
  EXPECT_EQ(fleet({"--certificate", path("c.json")}).exit, Exit::usage);
  EXPECT_EQ(fleet({"--part", "text"}).exit, Exit::usage);
  EXPECT_EQ(fleet({"--emit", "ir"}).exit, Exit::usage);
  EXPECT_TRUE(output().empty());
}

TEST_F(FleetTest, ARunOfOneHostLeavesFilesAloneToo) {
  const auto once = [&] {
    return run({"compile", "--target", "nftables", "-o", path("out"), "--set", "address=192.0.2.1",
                "--set", "port=1", path("p.toml")});
  };
  ASSERT_EQ(once().exit, Exit::ok);
  const auto before = identities();
  ASSERT_EQ(once().exit, Exit::ok);
  EXPECT_EQ(identities(), before);
  EXPECT_EQ(before.size(), 2U);
}

TEST_F(FleetTest, WritesIntoTheCurrentFolder) {
  const auto here = std::filesystem::current_path();
  std::filesystem::current_path(folder_ / "alone");
  const auto ended = run({"compile", "--target", "nftables", "--certificate", "c.json", "--set",
                          "address=192.0.2.1", "--set", "port=1", path("p.toml")});
  std::filesystem::current_path(here);
  EXPECT_EQ(ended.exit, Exit::ok) << ended.err;
  EXPECT_TRUE(std::filesystem::exists(path("alone/c.json")));
}

TEST_F(FleetTest, SetWinsOverHostsAndVarsDoNot) {
  const auto common = write("common.json", R"({"port": 99, "admin": "192.0.2.64/28"})");
  ASSERT_EQ(fleet({"--vars", common, "--set", "role=plain"}).exit, Exit::ok);
  const auto text = bytes("out/web1/p.nft");
  EXPECT_NE(text.find("8080"), std::string::npos) << text;
  EXPECT_NE(text.find("192.0.2.64/28"), std::string::npos) << text;
  EXPECT_EQ(text.find("443"), std::string::npos) << text;
}

TEST_F(FleetTest, AHostMayHaveAPolicyOfItsOwn) {
  put("bastion.toml", "[inbound]\nallow = [\"ssh\"]\n");
  put("hosts.toml",
      "[hosts.jump]\npolicy = \"bastion.toml\"\n[hosts.jump2]\npolicy = \"bastion.toml\"\n");
  const auto ended = fleet();
  ASSERT_EQ(ended.exit, Exit::ok) << ended.err;
  EXPECT_EQ(bytes("out/jump/bastion.nft"), bytes("out/jump2/bastion.nft"));
  EXPECT_EQ(output().size(), 8U);
}

TEST_F(FleetTest, ReadsThePolicyFromStandardInput) {
  put("hosts.toml", "[hosts.a]\n[hosts.b]\n");
  const auto ended = run(
      {"compile", "--hosts", path("hosts.toml"), "-o", path("out"), "--target", "nftables", "-"},
      "[inbound]\nallow = [\"ssh\"]\n");
  ASSERT_EQ(ended.exit, Exit::ok) << ended.err;
  EXPECT_EQ(bytes("out/a/policy.nft"), bytes("out/b/policy.nft"));
}

// A pipe gives its bytes once: whoever reads it twice gets nothing, or waits for ever.
TEST_F(FleetTest, ReadsAndParsesSharedFilesOnce) {
  ASSERT_EQ(::unlink(path("listed.txt").c_str()), 0);
  ASSERT_EQ(::mkfifo(path("listed.txt").c_str(), 0600), 0);
  const int pipe = ::open(path("listed.txt").c_str(), O_RDWR | O_CLOEXEC);
  ASSERT_GE(pipe, 0);
  const std::string text = "203.0.113.7\n";
  ASSERT_EQ(::write(pipe, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  // A reader that holds it open when the writing end goes sees its end after these bytes.
  std::thread closes([&] {
    while (true) {
      int waiting = 0;
      if (::ioctl(pipe, FIONREAD, &waiting) != 0 || waiting == 0) break;
      std::this_thread::yield();
    }
    ::close(pipe);
    ::unlink(path("listed.txt").c_str());
  });
  const auto ended = fleet();
  closes.join();
  EXPECT_EQ(ended.exit, Exit::ok) << ended.err;
  EXPECT_EQ(output().size(), 20U);
}

TEST_F(FleetTest, SaysAWarningOfAllHostsOnce) {
  put("p.toml",
      "[[inbound.allow]]\nservice = \"ssh\"\nexpires = 2001-01-01\n[[inbound.allow]]\nservice = "
      "\"https\"\nto = \"${a}\"\n");
  std::string text;
  for (int i = 0; i < 12; ++i) {
    const auto number = std::to_string(i);
    text += "[hosts.h" + number + "]\nvars = { a = \"192.0.2." + number + "\" }\n";
  }
  put("hosts.toml", text);
  const auto ended = fleet();
  EXPECT_EQ(ended.exit, Exit::ok) << ended.err;
  EXPECT_EQ(ended.err.find("h0, h1, h2, h3, h4, h5, h6, h7 and 4 other hosts:\n"), 0U) << ended.err;
  EXPECT_EQ(ended.err.find("[expired]"), ended.err.rfind("[expired]")) << ended.err;
}

TEST_F(FleetTest, SaysItAllInJson) {
  put("hosts.toml", std::string(hosts) + "[hosts.lost]\n");
  const auto ended = fleet({"--format", "json"});
  EXPECT_EQ(ended.exit, Exit::no);
  EXPECT_EQ(ended.err, "");
  const auto json = nlohmann::json::parse(ended.out);
  EXPECT_EQ(json["summary"]["hosts"], 6);
  EXPECT_EQ(json["summary"]["compiled"], 4);
  EXPECT_EQ(json["summary"]["shared"], 1);
  EXPECT_EQ(json["summary"]["unchanged"], 0);
  EXPECT_EQ(json["summary"]["failed"], 1);
  ASSERT_EQ(json["hosts"].size(), 6U);
  EXPECT_EQ(json["hosts"][0]["host"], "web1");
  EXPECT_EQ(json["hosts"][0]["result"], "written");
  EXPECT_EQ(json["hosts"][0]["artifacts"][0]["target"], "nftables");
  EXPECT_EQ(json["hosts"][0]["artifacts"][0]["proof"]["answer"], "equal");
  EXPECT_EQ(json["hosts"][4]["same_as"], "web1");
  EXPECT_EQ(json["hosts"][5]["result"], "failed");
  EXPECT_GT(json["hosts"][5]["errors"], 0);
  for (const auto& part : json["hosts"][4]["artifacts"][1]["parts"])
    EXPECT_TRUE(std::filesystem::exists(part["file"].get<std::string>())) << part;
}

TEST_F(FleetTest, AFolderThatCannotBeMadeFailsItsHostOnly) {
  put("out/web2", "a file where a folder should be");
  const auto ended = fleet();
  EXPECT_EQ(ended.exit, Exit::system);
  EXPECT_NE(ended.err.find("web2: cannot make folder"), std::string::npos) << ended.err;
  EXPECT_NE(ended.err.find("1 failed"), std::string::npos) << ended.err;
  EXPECT_EQ(output().size(), 17U);  // of four hosts, and the file
}

}  // namespace
}  // namespace firewright::cli
