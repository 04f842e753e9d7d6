// The proof as users meet it: compile, verify and certificates.

#include <gtest/gtest.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <sstream>

#include "backends/proof.h"
#include "compiler/cli/prove.h"
#include "tests/cli/command.h"

namespace firewright::cli {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

std::string text_of(const fs::path& path) {
  std::ostringstream text;
  text << std::ifstream(path).rdbuf();
  return text.str();
}

void replace(const fs::path& path, const std::string& from, const std::string& to) {
  auto text = text_of(path);
  const auto at = text.find(from);
  ASSERT_NE(at, std::string::npos) << path << " holds no " << from;
  text.replace(at, from.size(), to);
  std::ofstream(path) << text;
}

class VerifyTest : public InFolder {
 protected:
  void SetUp() override {
    ASSERT_NO_FATAL_FAILURE(InFolder::SetUp());
    policy_ = (folder_ / "host.toml").string();
    std::ofstream(policy_) << "[inbound]\nallow = [\"ssh\", \"https\", { service = \"rdp\", "
                              "from = \"192.0.2.0/24\" }]\n";
    const auto compiled =
        run({"compile", policy_, "--target", "nftables", "--target", "iptables", "--target",
             "netsh", "-o", path("out"), "--certificate", path("certificate.json")});
    ASSERT_EQ(compiled.exit, Exit::ok) << compiled.err;
    summary_ = compiled.err;
  }

  std::vector<std::string> everything() const {
    return {path("out/host.v4.rules"), path("out/host.v6.rules"), path("out/host.nft"),
            path("out/host.nlbatch"), path("out/host.netsh")};
  }
  Ended verify(std::vector<std::string> artifacts,
               const std::vector<std::string>& options = {}) const {
    artifacts.insert(artifacts.begin(), {"verify", policy_});
    artifacts.insert(artifacts.end(), options.begin(), options.end());
    return run(artifacts);
  }

  std::string policy_, summary_;
};

TEST_F(VerifyTest, ASummaryLineSaysWhatWasProved) {
  EXPECT_EQ(std::count(summary_.begin(), summary_.end(), '\n'), 3) << summary_;
  for (const auto* forms : {"; text and batch read back and proved equal, over every packet, in ",
                            "; v4 and v6 read back and proved equal, over every packet, in ",
                            "; script read back and proved equal, over every packet that Windows "
                            "filters, in "})
    EXPECT_NE(summary_.find(forms), std::string::npos) << summary_;
}

TEST_F(VerifyTest, WhatWasCompiledIsEqual) {
  const auto all = verify(everything());
  EXPECT_EQ(all.exit, Exit::ok) << all.err;
  EXPECT_EQ(std::count(all.out.begin(), all.out.end(), '\n'), 4) << all.out;
  EXPECT_NE(all.out.find("host.nft: means what "), std::string::npos) << all.out;
}

// artifact-differs, for each platform, with a packet and the place on both sides.
TEST_F(VerifyTest, ADamagedArtifactIsShownByAPacket) {
  replace(path("out/host.nft"), "443", "444");
  replace(path("out/host.v4.rules"), "192.0.2.0/24", "192.0.2.0/25");
  replace(path("out/host.netsh/30-allow.txt"), "localport=22", "localport=23");
  const auto text = verify({path("out/host.nft")});
  EXPECT_EQ(text.exit, Exit::no);
  EXPECT_NE(text.err.find("host.nft:"), std::string::npos) << text.err;
  EXPECT_NE(text.err.find("[artifact-differs]"), std::string::npos) << text.err;
  EXPECT_NE(text.err.find(":443 in eth0 new`: the policy says `accept`, the artifact says `drop`"),
            std::string::npos)
      << text.err;
  EXPECT_NE(text.err.find("the policy decides that packet here"), std::string::npos) << text.err;
  const auto tables = verify({path("out/host.v4.rules")});
  EXPECT_EQ(tables.exit, Exit::no);
  EXPECT_NE(tables.err.find(":3389 in eth0 new`: the policy says `accept`"), std::string::npos)
      << tables.err;
  const auto script = verify({path("out/host.netsh")});
  EXPECT_EQ(script.exit, Exit::no);
  EXPECT_NE(script.err.find("[artifact-differs]"), std::string::npos) << script.err;
}

TEST_F(VerifyTest, JsonHoldsTheDifference) {
  replace(path("out/host.nft"), "443", "444");
  const auto result = verify({path("out/host.nft")}, {"--format", "json"});
  EXPECT_EQ(result.exit, Exit::no);
  const auto json = Json::parse(result.out);
  EXPECT_FALSE(json["artifacts"][0]["equal"]);
  EXPECT_EQ(json["artifacts"][0]["difference"]["policy"], "accept");
  EXPECT_EQ(json["artifacts"][0]["difference"]["artifact"], "drop");
  EXPECT_EQ(json["diagnostics"][0]["id"], "artifact-differs");
}

// Sets are taken along when they stand beside their rules, and proved with them.
TEST_F(VerifyTest, SetsBelongToTheirRules) {
  std::string text = "[target.iptables]\nsets = \"ipset\"\n";
  for (int i = 0; i < 20; ++i)
    text += "[[inbound.allow]]\nport = " + std::to_string(100 + i) +
            "\nprotocol = \"tcp\"\nfrom = \"192.0.2." + std::to_string(i) + "\"\n";
  std::ofstream(path("sets.toml")) << text;
  policy_ = path("sets.toml");
  const auto compiled = run({"compile", policy_, "--target", "iptables", "-o", path("out"),
                             "--certificate", path("certificate.json")});
  ASSERT_EQ(compiled.exit, Exit::ok) << compiled.err;
  EXPECT_NE(compiled.err.find("; v4 and v6 and sets read back and proved equal"), std::string::npos)
      << compiled.err;
  const auto v4 = path("out/sets.v4.rules"), v6 = path("out/sets.v6.rules"),
             sets = path("out/sets.ipset");
  for (const auto& files : std::vector<std::vector<std::string>>{
           {v4}, {v4, v6}, {sets, v4, v6}, {v4, v6, sets}, {v4 + "," + v6 + "," + sets}, {sets}}) {
    const auto one = verify(files);
    EXPECT_EQ(one.exit, Exit::ok) << files.front() << one.err;
    EXPECT_EQ(std::count(one.out.begin(), one.out.end(), '\n'), 1) << one.out;
  }
  const auto again = verify({v4}, {"--certificate", path("certificate.json")});
  EXPECT_EQ(again.exit, Exit::ok) << again.err;
  replace(sets, "192.0.2.7,tcp:107", "192.0.2.7,tcp:108");
  const auto damaged = verify({v4});
  EXPECT_EQ(damaged.exit, Exit::no);
  EXPECT_NE(damaged.err.find("[artifact-differs]"), std::string::npos) << damaged.err;
  fs::remove(sets);
  EXPECT_EQ(verify({v4}).exit, Exit::no);
}

// artifact-part-missing: half a firewall is not taken for a whole one.
TEST_F(VerifyTest, OneFamilyAloneIsRefused) {
  fs::remove(path("out/host.v6.rules"));
  const auto result = verify({path("out/host.v4.rules")});
  EXPECT_EQ(result.exit, Exit::no);
  EXPECT_NE(result.err.find("[artifact-part-missing]"), std::string::npos) << result.err;
  EXPECT_EQ(result.out, "");
}

TEST_F(VerifyTest, WhatCannotBeReadIsNoArtifact) {
  EXPECT_EQ(verify({path("out/none.nft")}).exit, Exit::no);
  EXPECT_EQ(verify({policy_}).exit, Exit::usage);
  std::ofstream(path("out/host.nft"), std::ios::app)
      << "table inet firewright { chain input { masquerade } }\n";
  const auto unknown = verify({path("out/host.nft")});
  EXPECT_EQ(unknown.exit, Exit::no);
  EXPECT_EQ(unknown.out, "");
}

TEST_F(VerifyTest, ACertificateIsProvedAgain) {
  const auto result = verify(everything(), {"--certificate", path("certificate.json")});
  EXPECT_EQ(result.exit, Exit::ok) << result.err;
  EXPECT_NE(result.out.find("certificate.json: holds\n"), std::string::npos) << result.out;
}

TEST_F(VerifyTest, ACertificateSaysTheSameEachTime) {
  const auto again =
      run({"compile", policy_, "--target", "nftables", "--target", "iptables", "--target", "netsh",
           "-o", path("again"), "--certificate", path("again.json")});
  ASSERT_EQ(again.exit, Exit::ok);
  EXPECT_EQ(text_of(path("certificate.json")), text_of(path("again.json")));
}

TEST_F(VerifyTest, ACertificateHoldsWhatItPromises) {
  const auto json = Json::parse(text_of(path("certificate.json")));
  ASSERT_EQ(json["proofs"].size(), 3U);
  EXPECT_EQ(json["policy"].size(), 1U);
  for (const auto& proof : json["proofs"]) {
    EXPECT_EQ(proof["answer"], "equal");
    EXPECT_EQ(proof["exceptions"].size(), 3U);
    for (const auto& exception : proof["exceptions"])
      EXPECT_FALSE(exception["decides"].get<std::string>().empty());
    for (const auto& part : proof["parts"])
      EXPECT_EQ(part["sha256"].get<std::string>().size(), 64U);
    EXPECT_EQ(proof["not_filtered"].empty(), proof["target"] != "netsh");
  }
  // One policy, one meaning, whatever it was compiled to.
  EXPECT_EQ(json["proofs"][0]["meaning_sha256"], json["proofs"][1]["meaning_sha256"]);
}

TEST_F(VerifyTest, AListOfAddressesIsOneOfTheFiles) {
  std::ofstream(path("list.txt")) << "192.0.2.1\n";
  std::ofstream(policy_)
      << "[addresses]\na = { file = \"list.txt\" }\nb = [\"a\", { file = "
         "\"list.txt\" }]\n[inbound]\nallow = [{ service = \"ssh\", from = \"b\" }]\n";
  ASSERT_EQ(run({"compile", policy_, "--target", "nftables", "-o", path("out"), "--certificate",
                 path("certificate.json")})
                .exit,
            Exit::ok);
  const auto files = Json::parse(text_of(path("certificate.json")))["policy"];
  ASSERT_EQ(files.size(), 2U);
  EXPECT_EQ(files[1]["file"], path("list.txt"));
  EXPECT_EQ(files[1]["sha256"], "d1aa74fdddc060ca4e2e10401f2f4e0ef37f94b0d8b25137e8c530d59f4aba75");
  std::ofstream(path("list.txt"), std::ios::app) << "# no other address\n";
  const auto result = verify({path("out/host.nft")}, {"--certificate", path("certificate.json")});
  EXPECT_EQ(result.exit, Exit::no);
  EXPECT_NE(result.err.find("the files of the policy are others"), std::string::npos) << result.err;
}

TEST_F(VerifyTest, ADeadExceptionIsSaidToBeDead) {
  std::ofstream(policy_) << "[inbound]\nallow = [\"ssh\", { service = \"ssh\", from = "
                            "\"192.0.2.0/24\", name = \"office\" }]\n";
  ASSERT_EQ(run({"compile", policy_, "--target", "nftables", "-o", path("out"), "--certificate",
                 path("certificate.json")})
                .exit,
            Exit::ok);
  const auto json = Json::parse(text_of(path("certificate.json")));
  const auto& exceptions = json["proofs"][0]["exceptions"];
  ASSERT_EQ(exceptions.size(), 2U);
  EXPECT_TRUE(exceptions[0].contains("decides"));
  EXPECT_TRUE(exceptions[1]["dead"]);
}

// bad-certificate, for each thing that it claims.
TEST_F(VerifyTest, AFalseCertificateIsRefused) {
  const auto good = Json::parse(text_of(path("certificate.json")));
  const auto refused = [&](const std::string& why, const auto& damage) {
    auto bad = good;
    damage(bad);
    std::ofstream(path("bad.json")) << bad.dump();
    const auto result = verify(everything(), {"--certificate", path("bad.json")});
    EXPECT_EQ(result.exit, Exit::no) << why;
    EXPECT_NE(result.err.find("[bad-certificate]"), std::string::npos) << why << "\n" << result.err;
    EXPECT_NE(result.err.find(why), std::string::npos) << result.err;
  };
  refused("the files of the policy are others",
          [](Json& json) { json["policy"][0]["sha256"] = std::string(64, '0'); });
  refused("part \"v6\" of \"iptables\"", [](Json& json) {
    for (auto& proof : json["proofs"])
      if (proof["target"] == "iptables") proof["parts"][1]["sha256"] = std::string(64, '0');
  });
  for (const auto* key : {"ir_sha256", "meaning_sha256", "not_filtered", "predicates", "exceptions",
                          "rules", "answer", "field_order"})
    refused("`" + std::string(key) + "` of ",
            [&](Json& json) { json["proofs"][0][key] = "something else"; });
  for (const auto* key : {"ir_sha256", "meaning_sha256", "not_filtered", "predicates", "exceptions",
                          "rules", "answer", "field_order", "parts"})
    refused("`" + std::string(key) + "` of \"iptables\" is left out", [&](Json& json) {
      for (auto& proof : json["proofs"])
        if (proof["target"] == "iptables") proof.erase(key);
    });
  refused("it claims no part of \"iptables\"", [](Json& json) {
    for (auto& proof : json["proofs"])
      if (proof["target"] == "iptables") proof["parts"] = Json::array();
  });
  refused("its assumptions are others", [](Json& json) { json["assumptions"] = Json::array(); });
  refused("it claims nothing", [](Json& json) { json["proofs"] = Json::array(); });
  refused("no artifact was given", [](Json& json) { json["proofs"][0]["target"] = "pf"; });
  refused("not of a form that is known here", [](Json& json) { json["certificate"] = 2; });
  refused("not of a form that is known here", [](Json& json) { json = 7; });
  refused("`signed` is not known here", [](Json& json) { json["signed"] = true; });
  // Deep enough to take the stack of whoever walks down it.
  std::ofstream(path("bad.json")) << R"({"certificate": 1, "x": "\"[", "proofs": )"
                                  << std::string(200'000, '[') << std::string(200'000, ']') << "}";
  const auto deep = verify(everything(), {"--certificate", path("bad.json")});
  EXPECT_EQ(deep.exit, Exit::no);
  EXPECT_NE(deep.err.find("it is no JSON"), std::string::npos) << deep.err;
  std::ofstream(path("bad.json")) << "{";
  EXPECT_EQ(verify(everything(), {"--certificate", path("bad.json")}).exit, Exit::no);
}

TEST_F(VerifyTest, APartThatIsNotGivenIsNotProved) {
  const auto result = verify({path("out/host.nft")}, {"--certificate", path("certificate.json")});
  EXPECT_EQ(result.exit, Exit::no);
  EXPECT_NE(result.err.find("\"batch\""), std::string::npos) << result.err;
}

// proof-failed: an encoder that says something else writes nothing. The artifact is damaged between
// encoding and proof, which is where an encoder's own fault would be.
TEST(ProveTest, AFaultyEncoderIsCaught) {
  Built built;
  ir::Rule ssh;
  ssh.match.protocols = ProtocolSet::of(protocol::tcp);
  ssh.match.destination_ports = PortSet::of(Port{22});
  ssh.verdict = ir::Verdict::accept();
  ir::Rule rest;
  rest.verdict = ir::Verdict::drop();
  built.program.chains.push_back({.name = "inbound",
                                  .hook = ir::Hook::inbound,
                                  .policy = ir::VerdictKind::drop,
                                  .rules = {ssh, rest}});
  for (const auto target : {Target::nftables, Target::iptables}) {
    auto artifact = backend::backend(target).encode(built.program, built.options);
    Sources sources;
    Sink good;
    EXPECT_TRUE(prove(target, built, artifact, "x", sources, good).equal());
    EXPECT_FALSE(good.has_errors());
    for (auto& part : artifact.parts)
      if (const auto at = part.bytes.find("22"); at != std::string::npos)
        part.bytes.replace(at, 2, "23");
    Sink bad;
    const auto proved = prove(target, built, artifact, "x", sources, bad);
    EXPECT_FALSE(proved.equal());
    ASSERT_EQ(bad.diagnostics().size(), 1U);
    EXPECT_EQ(bad.diagnostics()[0].kind, Kind::proof_failed);
    EXPECT_EQ(failure(bad), Exit::proof_failed);
    EXPECT_NE(bad.diagnostics()[0].help.find("the policy says `accept`"), std::string::npos);
    // What cannot even be read back is no better.
    for (auto& part : artifact.parts) part.bytes += "\nnonsense {";
    Sink unreadable;
    EXPECT_FALSE(prove(target, built, artifact, "x", sources, unreadable).equal());
    EXPECT_EQ(failure(unreadable), Exit::proof_failed);
  }
}

}  // namespace
}  // namespace firewright::cli
