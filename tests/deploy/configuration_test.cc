// The short forms for Puppet and Salt. Puppet runs; of Salt there is no package, so its state is
// only read, and its commands are run as they stand.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <regex>

#include "tests/deploy/own_system.h"

namespace firewright::deploy {
namespace {

using testing::HasSubstr;

constexpr const char* ssh = "[inbound]\nallow = [\"ssh\"]\n";
constexpr const char* http = "[inbound]\nallow = [\"http\"]\n";

class Puppet {
 public:
  // `--detailed-exitcodes`: 0 nothing to do, 2 changed, 4 failed.
  kernel::CommandResult apply(const std::string& policy, const std::string& reach,
                              const std::vector<std::string>& options = {}) const {
    folder_.write("web.toml", policy);
    folder_.write("site.pp", read_file(FIREWRIGHT_SOURCE_DIR "/deploy/puppet/firewright.pp") +
                                 "class { 'firewright': policy => '" + folder_.path("web.toml") +
                                 "', reach => " + reach +
                                 ", confirm => '3s', command => '" FIREWRIGHT_BINARY
                                 "', options => '--state-dir " +
                                 folder_.path("state") + " --run-dir " + folder_.path("run") +
                                 "' }\n");
    std::vector<std::string> command{"puppet", "apply", "--detailed-exitcodes", "--color=false"};
    for (const char* name : {"conf", "var", "run", "log"}) {
      command.push_back("--" + std::string(name) + "dir");
      command.push_back(folder_.path("puppet-" + std::string(name)));
    }
    command.insert(command.end(), options.begin(), options.end());
    command.push_back(folder_.path("site.pp"));
    return run_with({"HOME=" + folder_.path()}, command);
  }

 private:
  Folder folder_;
};

std::string check(bool condition, const std::string& what, const kernel::CommandResult& result) {
  return condition ? "" : "NOT " + what + ":\n" + said(result) + "\n";
}

TEST(Configuration, PuppetLoadsOnceAndKeepsWhatCanBeReached) {
  SKIP_WITHOUT_ROOT();
  ASSERT_PROGRAMS("puppet", "nft");
  const auto outcome = in_own_system(
      [] {
        const Puppet puppet;
        std::string problems;
        const auto would = puppet.apply(ssh, "undef", {"--noop"});
        problems += check(would.out.find("(noop)") != std::string::npos, "announced", would) +
                    check(kernel::ruleset().empty(), "untouched", would);
        const auto first = puppet.apply(ssh, "undef");
        const auto loaded = kernel::ruleset();
        problems += check(first.status == 2, "changed", first) +
                    check(loaded.find("tcp dport 22 accept") != std::string::npos, "loaded", first);
        const auto second = puppet.apply(ssh, "undef");
        problems += check(second.status == 0, "unchanged", second);
        const auto kept = puppet.apply(http, "'true'");
        const auto newer = kernel::ruleset();
        problems += check(kept.status == 2, "changed", kept) +
                    check(newer != loaded, "loaded", kept) +
                    check(puppet.apply(http, "'true'").status == 0, "kept", kept);
        const auto lost = puppet.apply(ssh, "'false'");
        problems += check(lost.status == 4, "failed", lost) +
                    check(kernel::wait_until([&] { return kernel::ruleset() == newer; }),
                          "the firewall before", lost);
        const auto wrong = puppet.apply("[inbound]\nallow = [\"htp\"]\n", "undef");
        problems +=
            check(wrong.status == 4, "failed", wrong) +
            check(wrong.out.find("did you mean `http`") != std::string::npos, "said", wrong);
        return problems;
      },
      240);
  ASSERT_TRUE(outcome.done()) << outcome.text;
  EXPECT_EQ(outcome.text, "");
}

TEST(Configuration, TheStateForSaltIsYamlWithCommandsThatAreUnderstood) {
  ASSERT_PROGRAMS("python3");
  const auto listed = kernel::run({"python3", "-c",
                                   "import sys, yaml\n"
                                   "for state in yaml.safe_load(open(sys.argv[1])).values():\n"
                                   "  for call, given in state.items():\n"
                                   "    print(call, sorted(key for one in given for key in one))\n"
                                   "    for one in given:\n"
                                   "      for key in ('name', 'unless'):\n"
                                   "        if key in one: print(key + ': ' + one[key])\n",
                                   FIREWRIGHT_SOURCE_DIR "/deploy/salt/firewright.sls"});
  ASSERT_EQ(listed.status, 0) << said(listed);
  EXPECT_THAT(listed.out, HasSubstr("cmd.run ['name', 'require', 'unless']"));
  EXPECT_THAT(listed.out,
              HasSubstr("unless: firewright apply --dry-run /etc/firewright/web.toml\n"));

  // Each option of each call exists.
  static const std::regex call(R"(firewright ([a-z]+)((?: --?[a-z][a-z-]*)*))");
  static const std::regex option(R"(--[a-z-]+)");
  std::size_t calls = 0;
  for (std::sregex_iterator it(listed.out.begin(), listed.out.end(), call), end; it != end; ++it) {
    ++calls;
    const auto help = kernel::run({FIREWRIGHT_BINARY, (*it)[1].str(), "--help"});
    ASSERT_EQ(help.status, 0) << it->str();
    const auto words = (*it)[2].str();
    for (std::sregex_iterator word(words.begin(), words.end(), option); word != end; ++word)
      EXPECT_THAT(help.out, HasSubstr(word->str())) << it->str();
  }
  EXPECT_EQ(calls, 3U);
}

}  // namespace
}  // namespace firewright::deploy
