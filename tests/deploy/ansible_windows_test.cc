// The Windows role: what it would run on a host, in which order, with the product's real phases.
// There is no Windows here; the two modules that would reach one write down what they were told
// instead.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <regex>
#include <sstream>

#include "tests/deploy/ansible.h"

namespace firewright::deploy {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsSupersetOf;

constexpr const char* example = FIREWRIGHT_SOURCE_DIR "/policies/windows-rdp-server.toml";

// Python, for ansible-playbook: each call is a line of LOG, and a command answers with the contents
// of ANSWERS/ITS-LAST-WORD, whose first line is the exit status.
constexpr const char* recorder = R"(
import os
from ansible.module_utils.basic import AnsibleModule
def main():
    module = AnsibleModule(argument_spec=dict(src=dict(), dest=dict(), _raw_params=dict()))
    command = module.params["_raw_params"]
    with open("LOG", "a") as log:
        log.write((command or "copy to " + module.params["dest"]) + "\n")
    words = "".join(" " if letter in '"/\\' else letter for letter in command or "copy")
    answer = os.path.join("ANSWERS", words.split()[-1])
    status, out = 0, ""
    if os.path.exists(answer):
        with open(answer) as stream:
            status, out = int(stream.readline()), stream.read()
    if status:
        module.fail_json(msg="exit status %d" % status, rc=status, stdout=out)
    module.exit_json(changed=True, rc=0, stdout=out)
main()
)";

std::vector<std::string> lines_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> lines;
  for (std::string line; std::getline(stream, line);) lines.push_back(line);
  return lines;
}

std::string playbook(const std::string& policy) {
  return "- hosts: all\n  gather_facts: false\n  roles:\n    - role: firewright.host.windows\n"
         "      firewright_policy: " +
         policy +
         "\n      firewright_executable: " FIREWRIGHT_BINARY
         "\n      firewright_confirm_wait: 20\n      firewright_return_wait: 20\n";
}

class AnsibleWindows : public testing::Test {
 protected:
  void SetUp() override { ASSERT_PROGRAMS("ansible-playbook", "ansible-galaxy"); }

  void record_calls() {
    auto text = std::regex_replace(recorder, std::regex("LOG"), folder_.path("log"));
    text = std::regex_replace(text, std::regex("ANSWERS"), folder_.path("answers"));
    for (const char* name : {"win_copy", "win_command"})
      folder_.write("collections/ansible_collections/ansible/windows/plugins/modules/" +
                        std::string(name) + ".py",
                    text);
    folder_.write("inventory.yml",
                  "all:\n  hosts:\n    windows:\n      ansible_connection: local\n");
  }
  void answer(const std::string& word, const std::string& text) {
    folder_.write("answers/" + word, text);
  }
  kernel::CommandResult play(const Ansible& ansible,
                             const std::vector<std::string>& options = {}) const {
    std::filesystem::remove(folder_.path("log"));
    return ansible.play(playbook(example), options);
  }
  std::vector<std::string> calls() const { return lines_of(read_file(folder_.path("log"))); }

  Folder folder_;
};

constexpr const char* bring = R"(copy to C:\ProgramData\firewright\windows-rdp-server.netsh\)";
constexpr const char* on_trial =
    R"(cmd.exe /d /c ""C:\ProgramData\firewright\windows-rdp-server.netsh\apply.cmd" /trial")";
constexpr const char* keep =
    R"(cmd.exe /d /c ""C:\ProgramData\firewright\windows-rdp-server.netsh\apply.cmd" /keep")";
constexpr const char* go_back =
    R"(cmd.exe /d /c ""C:\ProgramData\firewright\windows-rdp-server.netsh\rollback.cmd"")";

TEST_F(AnsibleWindows, AChangeIsTriedThenKeptOrTakenBack) {
  record_calls();
  const Ansible ansible(folder_);

  answer("trial", "0\nchanged firewright-0123456789abcdef\n");
  const auto changed = play(ansible);
  EXPECT_TRUE(recap(changed, "failed=0")) << said(changed);
  EXPECT_THAT(calls(), ElementsAre(bring, on_trial, keep));

  answer("keep", "3\n");
  const auto lost = play(ansible);
  EXPECT_TRUE(recap(lost, "failed=1")) << said(lost);
  EXPECT_THAT(lost.out, HasSubstr("was not confirmed, and the one before is back"));
  EXPECT_THAT(calls(), ElementsAre(bring, on_trial, keep, go_back));

  answer("trial", "0\nunchanged firewright-0123456789abcdef\n");
  const auto unchanged = play(ansible);
  EXPECT_TRUE(recap(unchanged, "failed=0")) << said(unchanged);
  EXPECT_THAT(calls(), ElementsAre(bring, on_trial));

  answer("trial", "3\n");
  const auto refused = play(ansible);
  EXPECT_TRUE(recap(refused, "failed=1")) << said(refused);
  EXPECT_THAT(calls(), ElementsAre(bring, on_trial));

  const auto would = play(ansible, {"--check"});
  EXPECT_TRUE(recap(would, "failed=0")) << said(would);
  EXPECT_THAT(calls(), ElementsAre());
}

// With the modules as they are; of other people, so they may be missing.
TEST_F(AnsibleWindows, ItsTasksAreWhatTheModulesUnderstand) {
  if (!std::filesystem::exists(
          "/usr/lib/python3/dist-packages/ansible_collections/ansible/windows"))
    GTEST_SKIP() << "the collection ansible.windows is not installed";
  Ansible ansible(folder_);
  folder_.write("inventory.yml", "all:\n  hosts:\n    windows: {}\n");
  const auto result = ansible.play(
      playbook(example) +
          "  tasks:\n    - ansible.builtin.import_role:\n        name: firewright.host.windows\n"
          "        tasks_from: confirm.yml\n",
      {"--syntax-check"});
  EXPECT_EQ(result.status, 0) << said(result);
}

// The scripts that the role runs are those that compile writes, and they keep the order of phases:
// first the backup and the task that restores it, then the phases by their numbers.
TEST_F(AnsibleWindows, TheScriptRunsAllPhasesInOrderBehindTheBackup) {
  folder_.write("denies.toml",
                "[inbound]\nallow = [\"rdp\"]\n"
                "deny = [{ service = \"rdp\", from = \"203.0.113.0/24\" }]\n");
  std::size_t most = 0;
  for (const auto& policy : {std::string(example), folder_.path("denies.toml")}) {
    const auto compiled = kernel::run(
        {FIREWRIGHT_BINARY, "compile", policy, "--target", "netsh", "-o", folder_.path("out")});
    ASSERT_EQ(compiled.status, 0) << said(compiled);
    const auto phases = std::filesystem::path(folder_.path("out")) /
                        (std::filesystem::path(policy).stem().string() + ".netsh");
    std::vector<std::string> there;
    for (const auto& entry : std::filesystem::directory_iterator(phases))
      if (entry.path().extension() == ".txt") there.push_back(entry.path().filename().string());
    std::sort(there.begin(), there.end());
    most = std::max(most, there.size());

    auto script = read_file((phases / "apply.cmd").string());
    for (const char* word : {"\"/trial\" ", "\"/keep\" "})
      EXPECT_THAT(script, HasSubstr(std::string("if /i \"%~1\"==") + word));
    EXPECT_TRUE(std::filesystem::exists(phases / "rollback.cmd"));
    script = script.substr(script.find("\n:change"));
    static const std::regex form(R"re(-f "%FW_HERE%([^"]+)")re");
    std::vector<std::string> order;
    for (std::sregex_iterator it(script.begin(), script.end(), form), end; it != end; ++it)
      order.push_back((*it)[1].str());
    EXPECT_EQ(order, there) << policy;
    const auto first = script.find(" -f ");
    EXPECT_LT(script.find("advfirewall export"), first);
    EXPECT_LT(script.find("call :arm"), first);
  }
  EXPECT_EQ(most, 6U);
}

}  // namespace
}  // namespace firewright::deploy
