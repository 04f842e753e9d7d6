// `firewright review` in repositories of git: what it finds, what it says of it, how it ends.

#include <gmock/gmock.h>

#include <nlohmann/json.hpp>

#include "tests/review/repository.h"
#include "tests/review/sarif_rules.h"

namespace firewright::review {
namespace {

using cli::Exit;
using nlohmann::json;
using testing::AllOf;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;
using testing::StartsWith;

const std::string ssh = "[inbound]\nallow = [{ service = \"ssh\", from = \"192.0.2.0/24\" }]\n";

class ReviewTest : public InRepository {
 protected:
  // web.toml becomes another.
  void change(const std::string& before, const std::string& after) {
    write("web.toml", before);
    commit("one");
    write("web.toml", after);
    commit("two");
  }
  static json document() {
    return json::parse(review({"--git", "one..two", "--format", "json"}).out);
  }
  // "warning open-ssh", ... of one category.
  static std::vector<std::string> notes(const std::string& category) {
    std::vector<std::string> found;
    const auto all = document();
    for (const auto& note : all.at("notes"))
      if (note.at("category") == category)
        found.push_back(note.at("severity").get<std::string>() + " " +
                        note.at("id").get<std::string>());
    return found;
  }
  static Exit exit(const std::string& fail_on) {
    return review({"--git", "one..two", "--fail-on", fail_on}).exit;
  }
};

// --- which policies

TEST_F(ReviewTest, AChangeIsFollowedThroughIncludesGroupsAndLists) {
  write("hosts/web.toml", "include = [\"../parts/base.toml\"]\n[inbound]\nallow = [\"http\"]\n");
  write("hosts/db.toml", "include = [\"../parts/*.toml\"]\n");
  write("hosts/mail.toml", ssh);
  write("parts/base.toml",
        "[addresses]\nblocked = { file = \"../lists/blocked.txt\" }\n"
        "[inbound]\nallow = [\"ping\"]\ndeny = [{ from = \"blocked\" }]\n");
  write("lists/blocked.txt", "192.0.2.1\n");
  write("README.md", "1\n");
  commit("one");
  write("lists/blocked.txt", "192.0.2.1\n192.0.2.2\n");
  write("README.md", "2\n");
  commit("two");
  EXPECT_THAT(markdown(), StartsWith("### Firewall review: narrows\n\n"
                                     "`one..two`: 2 of 3 policies are touched: 2 deny more.\n"));
  EXPECT_THAT(markdown(), HasSubstr("| `hosts/db.toml` | inbound |  | ping from 192.0.2.2 |\n"));
  EXPECT_THAT(markdown(), Not(HasSubstr("mail")));
  // A file that only a pattern finds.
  write("parts/more.toml", "[inbound]\nallow = [\"imap\"]\n");
  commit("three");
  const auto result = review({"--git", "two..three"});
  EXPECT_THAT(result.out, HasSubstr("1 of 3 policies is touched: 1 accepts more"));
  EXPECT_THAT(result.out, HasSubstr("| `hosts/db.toml` | inbound | imap from any"));
}

TEST_F(ReviewTest, NothingIsTouched) {
  write("web.toml", ssh);
  commit("one");
  write("README.md", "1\n");
  commit("two");
  const auto result = review({"--git", "one..two"});
  EXPECT_EQ(result.exit, Exit::ok);
  EXPECT_EQ(result.out, "### Firewall review: same meaning\n\n`one..two`: no policy is touched.\n");
}

TEST_F(ReviewTest, PoliciesComeGoAndAreRenamed) {
  write("gone.toml", ssh);
  write("old/name.toml", ssh + "# a line of its own, to be known by\n");
  commit("one");
  std::filesystem::remove("gone.toml");
  write("new.toml", "[inbound]\nallow = [\"https\"]\n");
  std::filesystem::create_directory("new");
  std::filesystem::rename("old/name.toml", "new/name.toml");
  commit("two");
  const auto text = markdown();
  EXPECT_THAT(text, StartsWith("### Firewall review: widens; a policy is gone\n"));
  EXPECT_THAT(text, HasSubstr("3 of 3 policies are touched: 1 accepts more, 1 means what it meant, "
                              "1 is new, 1 is gone, 1 has another name."));
  EXPECT_THAT(text, HasSubstr("| `new.toml` (new) | inbound | https from any |"));
  EXPECT_THAT(text, HasSubstr("Gone: `gone.toml`."));
  EXPECT_THAT(text, HasSubstr("same meaning: `new/name.toml` (before `old/name.toml`)."));
  EXPECT_EQ(exit("widen"), Exit::no);
  EXPECT_EQ(exit("none"), Exit::ok);
}

TEST_F(ReviewTest, ARemovedPolicyAloneIsADifference) {
  write("gone.toml", ssh);
  write("web.toml", ssh);
  commit("one");
  std::filesystem::remove("gone.toml");
  commit("two");
  EXPECT_THAT(markdown(), StartsWith("### Firewall review: a policy is gone\n"));
  EXPECT_EQ(exit("any"), Exit::no);
  EXPECT_EQ(exit("widen"), Exit::ok);
}

TEST_F(ReviewTest, APolicyMayBecomeAPartOfAnother) {
  write("web.toml",
        "[vars]\nport = 80\n[inbound]\nallow = [{ protocol = \"tcp\", port = \"${port}\" }]\n");
  commit("one");
  write("web.toml", "[inbound]\nallow = [{ protocol = \"tcp\", port = \"${port}\" }]\n");
  write("site.toml", "include = [\"web.toml\"]\n[vars]\nport = 81\n");
  commit("two");
  const auto text = markdown();
  EXPECT_THAT(text, HasSubstr("Gone: `web.toml` (it is a part of others now)."));
  EXPECT_THAT(text, HasSubstr("| `site.toml` (new) | inbound | tcp/81 from any |"));
}

TEST_F(ReviewTest, PathsChooseWhatIsReviewed) {
  for (const auto* tag : {"one", "two"}) {
    const auto text = std::string(tag) == "one" ? ssh : "[inbound]\nallow = [\"http\"]\n";
    write("a/web.toml", text);
    write("b/db.toml", text);
    write("a/part.toml", text);
    write("a/all.toml", "include = [\"part.toml\"]\n[inbound]\n");
    commit(tag);
  }
  const auto policies = [](std::vector<std::string> paths) {
    paths.insert(paths.begin(), {"--git", "one..two", "--format", "json"});
    const auto result = review(paths);
    return result.err.empty() ? json::parse(result.out).at("policies").get<int>() : -1;
  };
  EXPECT_EQ(policies({}), 3);
  EXPECT_EQ(policies({"a"}), 2);
  EXPECT_EQ(policies({"a/", "b/db.toml"}), 3);
  EXPECT_EQ(policies({"."}), 3);
  // Whoever names a part means it.
  EXPECT_EQ(policies({"a/part.toml"}), 1);
  std::filesystem::current_path("a");
  EXPECT_EQ(policies({"web.toml"}), 1);
  EXPECT_EQ(policies({"../b"}), 1);
  EXPECT_EQ(policies({"b"}), -1);
  EXPECT_EQ(policies({"/a"}), -1);
  EXPECT_EQ(policies({"../.."}), -1);
  const auto missing = review({"--git", "one..two", "missing"});
  EXPECT_EQ(missing.exit, Exit::system);
  EXPECT_EQ(missing.err, "firewright: --git: there is no `missing` in either commit\n");
}

// --- what goes wrong

TEST_F(ReviewTest, APolicyThatDoesNotCompileFails) {
  change(ssh, "[inbound]\nallow = [\"shs\"]\n");
  EXPECT_THAT(markdown(),
              AllOf(StartsWith("### Firewall review: a policy does not compile\n"),
                    HasSubstr("- **error** there is no service `shs` (web.toml:2) in `web.toml` "
                              "`unknown-service`\n")));
  for (const auto* fail_on : {"any", "widen", "risk", "none"})
    EXPECT_EQ(exit(fail_on), Exit::no) << fail_on;
  const auto sarif = json::parse(review({"--git", "one..two", "--format", "sarif"}).out);
  EXPECT_THAT(sarif_problems(sarif), IsEmpty());
  const auto& result = sarif.at("runs")[0].at("results")[0];
  EXPECT_EQ(result.at("ruleId"), "unknown-service");
  EXPECT_EQ(result.at("level"), "error");
}

TEST_F(ReviewTest, ATextThatIsNoTomlAnyMoreIsStillAPolicy) {
  change(ssh, "[inbound\n");
  EXPECT_THAT(markdown(), HasSubstr("1 of 1 policies is touched: 1 does not compile"));
}

TEST_F(ReviewTest, WhatNoTargetCanSayDoesNotCompile) {
  change(ssh,
         "[inbound]\nallow = [{ service = \"ssh\", program = \"C:\\\\x.exe\", log = true }]\n");
  EXPECT_EQ(notes("error").empty(), false);
  EXPECT_EQ(exit("none"), Exit::no);
}

TEST_F(ReviewTest, ARepairedPolicyIsShownAsNew) {
  change("[inbound]\nallow = [\"shs\"]\n", "[inbound]\nallow = [\"http\"]\n");
  const auto groups = document().at("groups");
  ASSERT_EQ(groups.size(), 1U);
  EXPECT_EQ(groups[0].at("status"), "added");
  EXPECT_EQ(groups[0].at("remark"), "it did not compile before");
  EXPECT_THAT(markdown(), AllOf(HasSubstr("1 accepts more, 1 compiles now."),
                                HasSubstr("| `web.toml` (it did not compile before) | inbound | "
                                          "http from any |")));
}

TEST_F(ReviewTest, RangesThatAreNone) {
  write("web.toml", ssh);
  commit("one");
  const auto error = [](const std::string& range) {
    const auto result = review({"--git", range});
    EXPECT_EQ(result.exit, Exit::system);
    EXPECT_EQ(result.out, "");
    return result.err;
  };
  EXPECT_THAT(error("one"), HasSubstr("`one` names no head; write BASE..HEAD"));
  EXPECT_THAT(error("..one"), HasSubstr("names no base"));
  EXPECT_THAT(error("one..nothing"), HasSubstr("there is no commit `nothing`"));
  EXPECT_THAT(error("--output=x..one"), HasSubstr("there is no commit `--output=x`"));
  EXPECT_THAT(error("one...nothing"), HasSubstr("have no commit in common here"));
  EXPECT_FALSE(std::filesystem::exists("x"));
  EXPECT_EQ(review({}).exit, Exit::usage);
  EXPECT_EQ(review({"--git", "one..one", "--at", "x"}).exit, Exit::usage);
}

TEST_F(ReviewTest, ThreeDotsLeaveOutWhatTheBaseHasDoneSince) {
  write("web.toml", ssh);
  write("db.toml", ssh);
  commit("fork");
  write("web.toml", "[inbound]\nallow = [\"http\"]\n");
  commit("topic");
  ASSERT_TRUE(git("checkout --quiet fork"));
  write("db.toml", "[inbound]\nallow = [\"http\"]\n");
  commit("base");
  EXPECT_THAT(review({"--git", "base..topic"}).out, HasSubstr("2 of 2 policies are touched"));
  const auto result = review({"--git", "base...topic"}).out;
  EXPECT_THAT(result, HasSubstr("1 of 2 policies is touched"));
  EXPECT_THAT(result, Not(HasSubstr("db.toml")));
  ASSERT_TRUE(git("checkout --quiet topic"));
  EXPECT_EQ(review({"--git", "fork.."}).out.substr(0, 40),
            review({"--git", "fork..topic"}).out.substr(0, 40));
}

// --- conditions

TEST_F(ReviewTest, FailsOnWhatItIsToldTo) {
  change("[inbound]\nallow = [\"http\", \"https\"]\n", "[inbound]\nallow = [\"http\"]\n");
  EXPECT_EQ(exit("any"), Exit::no);
  EXPECT_EQ(review({"--git", "one..two"}).exit, Exit::no);
  EXPECT_EQ(exit("widen"), Exit::ok);
  EXPECT_EQ(exit("risk"), Exit::ok);
  EXPECT_EQ(exit("none"), Exit::ok);
  EXPECT_EQ(review({"--git", "two..one", "--fail-on", "widen"}).exit, Exit::no);
  EXPECT_EQ(review({"--git", "two..one", "--fail-on", "risk"}).exit, Exit::ok);
  EXPECT_EQ(review({"--git", "two..two"}).exit, Exit::ok);
  EXPECT_EQ(review({"--git", "one..two", "--fail-on", "x"}).exit, Exit::usage);
}

// --- risks

TEST_F(ReviewTest, AnAdministrativeServiceOpenToTheWorldIsARisk) {
  change(ssh, "[inbound]\nallow = [\"ssh\", \"telnet\"]\n");
  EXPECT_THAT(notes("risk"), testing::ElementsAre("warning open-service", "warning open-ssh"));
  EXPECT_EQ(exit("risk"), Exit::no);
}

TEST_F(ReviewTest, WhatWasOpenBeforeIsNoRiskOfThisChange) {
  change("[inbound]\nallow = [\"ssh\", { service = \"http\", from = \"192.0.2.1\" }]\n",
         "[inbound]\nallow = [\"ssh\", \"http\"]\n");
  EXPECT_THAT(notes("risk"), IsEmpty());
  write("web.toml",
        "[inbound]\nallow = [{ name = \"another name\", service = \"ssh\" }, \"http\"]\n");
  commit("three");
  EXPECT_THAT(review({"--git", "two..three"}).out, Not(HasSubstr("open-ssh")));
}

TEST_F(ReviewTest, TheSameWordsAgainAreASecondOpening) {
  change("[inbound]\nallow = [\"ssh\"]\n",
         "[inbound]\nallow = [\"ssh\"]\n[forward]\nallow = [\"ssh\"]\n");
  EXPECT_THAT(notes("risk"), testing::Contains("warning open-ssh"));
}

// Who opens a door cannot keep the reviewer from seeing it.
TEST_F(ReviewTest, AnOpeningThatIgnoresItsFindingIsShown) {
  change(ssh,
         "[inbound]\nallow = [{ service = \"ssh\", ignore = [\"open-ssh\"], reason = \"bastion\" "
         "}]\n");
  EXPECT_THAT(notes("risk"), testing::ElementsAre("warning open-ssh"));
  EXPECT_THAT(markdown(), HasSubstr("`ssh` opens ssh to any source; ignored there: `bastion`"));
  EXPECT_EQ(exit("risk"), Exit::no);
}

TEST_F(ReviewTest, ADenyThatIsGoneIsARiskWhereItOpens) {
  const std::string denies =
      "deny = [{ name = \"blocklist\", from = \"192.0.2.0/24\" },\n"
      "        { name = \"idle\", protocol = \"udp\" }]\n";
  change("[inbound]\nallow = [\"http\"]\n" + denies, "[inbound]\nallow = [\"http\"]\n");
  EXPECT_THAT(notes("risk"), testing::ElementsAre("warning deny-removed", "note deny-removed"));
  EXPECT_THAT(markdown(),
              AllOf(HasSubstr("deny `blocklist` (web.toml:3) of inbound is gone; packets that it "
                              "denied are accepted now"),
                    HasSubstr("deny `idle` (web.toml:4) of inbound is gone; nothing that it denied "
                              "is accepted now")));
  // Another name is no other deny, nor is a reject in its place.
  write("web.toml",
        "[inbound]\nallow = [\"http\"]\nreject = [{ name = \"other\", from = \"192.0.2.0/24\" }]\n"
        "deny = [{ name = \"idle\", protocol = \"udp\" }]\n");
  commit("three");
  EXPECT_THAT(review({"--git", "one..three"}).out, Not(HasSubstr("deny-removed")));
}

TEST_F(ReviewTest, ADenyThatDeniesLessIsARisk) {
  change("[inbound]\nallow = [\"http\"]\ndeny = [{ name = \"x\", from = \"192.0.2.0/24\" }]\n",
         "[inbound]\nallow = [\"http\"]\ndeny = [{ name = \"x\", from = \"192.0.2.0/25\" }]\n");
  EXPECT_THAT(notes("risk"), testing::ElementsAre("warning deny-narrowed"));
  EXPECT_THAT(review({"--git", "two..one"}).out, Not(HasSubstr("deny-narrowed")));
}

TEST_F(ReviewTest, AssertionsThatComeGoChangeAndFail) {
  const auto assertion = [](const std::string& name, const std::string& what) {
    return "[[assert]]\nname = \"" + name + "\"\n" + what + "\n";
  };
  const std::string rdp = "never = { direction = \"inbound\", service = \"rdp\" }";
  const std::string from_b =
      "never = { direction = \"inbound\", service = \"rdp\", from = \"192.0.2.0/24\" }";
  const std::string always =
      "always = { direction = \"inbound\", service = \"ssh\", from = \"192.0.2.0/24\" }";
  change(ssh + assertion("narrowed", rdp) + assertion("widened", from_b) + assertion("gone", rdp) +
             assertion("renamed", always) + assertion("turned", rdp),
         ssh + assertion("narrowed", from_b) + assertion("widened", rdp) +
             assertion("fresh", "never = { direction = \"inbound\", service = \"telnet\" }") +
             assertion("another name", always) +
             assertion("turned", "always = { direction = \"inbound\", service = \"rdp\" }"));
  const auto text = markdown();
  EXPECT_THAT(text, HasSubstr("**error** assertion `turned` does not hold"));
  EXPECT_THAT(text, HasSubstr("**warning** assertion `turned` claims the opposite now"));
  EXPECT_THAT(text, HasSubstr("**warning** assertion `gone` (web.toml:9) is gone"));
  EXPECT_THAT(text, HasSubstr("**warning** assertion `narrowed` is about fewer packets now"));
  EXPECT_THAT(text, HasSubstr("note assertion `widened` is about more packets now"));
  EXPECT_THAT(text, HasSubstr("note assertion `fresh` is new"));
  EXPECT_THAT(text, Not(HasSubstr("renamed")));
  EXPECT_THAT(text, Not(HasSubstr("another name")));
  EXPECT_EQ(exit("none"), Exit::no);  // as `check` would
}

TEST_F(ReviewTest, AnAssertionThatFailedBeforeSaysSo) {
  const std::string claim =
      "[[assert]]\nname = \"x\"\nnever = { direction = \"inbound\", service = \"ssh\" }\n";
  change(ssh + claim, ssh + claim + "[outbound]\ndefault = \"drop\"\n");
  EXPECT_THAT(markdown(), HasSubstr("; it did not before this change either"));
}

TEST_F(ReviewTest, ADirectionLeftToOthersIsARisk) {
  change(ssh + "[forward]\n", ssh + "[forward]\ndefault = \"unmanaged\"\n");
  EXPECT_THAT(notes("risk"), testing::Contains("warning direction-unmanaged"));
}

// --- lint

TEST_F(ReviewTest, OnlyLintThatIsNewIsShown) {
  change("[inbound]\nallow = [\"http\", \"http\"]\n",
         "# one line more\n[inbound]\nallow = [\"http\", \"http\", \"imap\", \"imap\"]\n");
  const auto text = markdown();
  EXPECT_THAT(text, HasSubstr("#### New findings\n\n- **warning** `imap` changes nothing"));
  EXPECT_THAT(text, Not(HasSubstr("`http` changes nothing")));
}

// --- targets

TEST_F(ReviewTest, WhatOnlyWindowsIsToldIsShown) {
  const std::string zones = "[zones]\nlan = { interfaces = [\"eth1\"], profiles = [";
  const std::string inbound = "] }\n[inbound]\nallow = [{ service = \"rdp\", in = \"lan\" }]\n";
  change(zones + "\"private\"" + inbound, zones + "\"private\", \"public\"" + inbound);
  EXPECT_THAT(markdown(), HasSubstr("| `web.toml` | inbound (netsh) | rdp from any in public "));
  EXPECT_EQ(exit("widen"), Exit::no);
  EXPECT_EQ(review({"--git", "one..two", "--target", "nftables", "--fail-on", "any"}).exit,
            Exit::ok);
}

TEST_F(ReviewTest, ATargetThatIsLostIsTold) {
  change(ssh,
         "[inbound]\nallow = [{ service = \"ssh\", from = \"192.0.2.0/24\", count = true }]\n");
  EXPECT_THAT(notes("risk"), testing::ElementsAre("note target-lost"));
}

// --- many

TEST_F(ReviewTest, TheSameInManyPoliciesIsToldOnce) {
  const auto base = [](const std::string& more) {
    return "[addresses]\nmonitoring = [\"192.0.2.0/28\"]\n[inbound]\nallow = [\"ping\"" + more +
           "]\n";
  };
  for (int i = 0; i < 200; ++i)
    write("hosts/h" + std::to_string(i) + ".toml",
          "include = [\"../base.toml\"]\n[policy]\nname = \"h" + std::to_string(i) + "\"\n" +
              (i % 16 == 0 ? "[inbound]\ndeny = [{ protocol = \"tcp\", port = 9100 }]\n"
                           : "[inbound]\nallow = [\"http\"]\n"));
  write("base.toml", base(""));
  commit("one");
  write("base.toml", base(", { service = \"node-exporter\", from = \"monitoring\" }"));
  commit("two");
  const auto text = markdown();
  EXPECT_THAT(text, HasSubstr("200 of 200 policies are touched: 187 accept more, 13 mean what they "
                              "meant."));
  EXPECT_THAT(text, HasSubstr("| the same in 187 policies | inbound | ipv4 node-exporter from "
                              "monitoring |  |\n"));
  EXPECT_THAT(text, HasSubstr("(base.toml:4) in 13 policies `shadowed`"));
  // On any number of threads.
  EXPECT_EQ(text, review({"--git", "one..two", "--jobs", "1"}).out);
  EXPECT_EQ(text, review({"--git", "one..two", "--jobs", "7"}).out);
  EXPECT_LT(text.size(), 65'536U);
}

// Whatever there is to tell, a comment holds it.
TEST_F(ReviewTest, TheReportFitsIntoAComment) {
  for (const auto* tag : {"one", "two"}) {
    for (int i = 0; i < 120; ++i) {
      std::string text = "[inbound]\nallow = [\n";
      for (int j = 0; j < 12 && std::string(tag) == "two"; ++j)
        text += "{ protocol = \"tcp\", port = " + std::to_string(1000 + 37 * i + 2 * j) +
                ", from = [\"192.0.2." + std::to_string(i) + "\", \"198.51.100." +
                std::to_string(8 * j) + "/29\", \"2001:db8:1234:5678:9abc:" + std::to_string(i) +
                "::/96\"], name = \"a rather long name of number " + std::to_string(i) + "\" },\n";
      write("h" + std::to_string(i) + ".toml", text + "\"ping\"]\n");
    }
    commit(tag);
  }
  const auto text = markdown();
  EXPECT_LT(text.size(), 65'536U);
  EXPECT_THAT(text, HasSubstr("120 accept more"));
  EXPECT_THAT(text, HasSubstr("\nNot shown: what changes in "));
  EXPECT_THAT(text, HasSubstr("There is no room here for one packet of each set"));
}

TEST_F(ReviewTest, TheSameWordsForOtherPacketsAreMarked) {
  for (const auto* tag : {"one", "two"}) {
    for (int i = 1; i <= 4; ++i)
      write("h" + std::to_string(i) + ".toml",
            "include = [\"base.toml\"]\n[addresses]\noffice = [\"192.0.2." + std::to_string(i) +
                "\"]\n");
    write(
        "base.toml",
        std::string("[inbound]\nallow = [\"ping\"") +
            (std::string(tag) == "two" ? ", { service = \"http\", from = \"office\" }]\n" : "]\n"));
    commit(tag);
  }
  EXPECT_THAT(markdown(), HasSubstr("| the same in 4 policies, each with its own addresses | "));
}

TEST_F(ReviewTest, HostileNamesStayText) {
  change(ssh, "[inbound]\nallow = [{ service = \"http\", name = \"x | <b>@all</b> `{0}\" }]\n");
  write("we`b {0} ü.toml", "[inbound]\nallow = [\"imap\"]\n");
  commit("three");
  const auto text = review({"--git", "one..three"}).out;
  EXPECT_THAT(text, HasSubstr("accept, by `x \u00a6 <b>@all</b> '{0}` (web.toml:2) |\n"));
  EXPECT_THAT(text, HasSubstr("| `we'b {0} ü.toml` (new) | inbound | imap from any |  |\n"));
  const auto sarif = json::parse(review({"--git", "one..three", "--format", "sarif"}).out);
  EXPECT_THAT(sarif_problems(sarif), IsEmpty());
  EXPECT_THAT(sarif.dump(), HasSubstr("we%60b%20%7B0%7D%20%C3%BC.toml"));
}

TEST_F(ReviewTest, FactsComeFromTheDisk) {
  const std::string policy = "[inbound]\nallow = [{ protocol = \"tcp\", port = \"${port}\" }]\n";
  change(policy,
         policy + "deny = [{ protocol = \"tcp\", port = \"${port}\", from = \"192.0.2.1\" }]\n");
  write("../facts.json", "{\"port\": 7777}");
  const auto result = review({"--git", "one..two", "--vars", (folder_ / "facts.json").string()});
  EXPECT_THAT(result.out, HasSubstr("| tcp/7777 from 192.0.2.1 |"));
  EXPECT_THAT(review({"--git", "one..two", "--set", "port=7778"}).out,
              HasSubstr("tcp/7778 from 192.0.2.1"));
}

}  // namespace
}  // namespace firewright::review
