// The collection's role on a Linux host that ansible-playbook reaches by ssh: a controller, a
// cable, and a host whose sshd is real, so that a new connection has to pass the new firewall.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>

#include "tests/deploy/ansible.h"
#include "tests/kernel/harness/network.h"

namespace firewright::deploy {
namespace {

using kernel::must_run;
using testing::HasSubstr;
using testing::Not;

constexpr const char* web = "[inbound]\nallow = [\"ssh\", \"http\"]\n";
constexpr const char* closed = "[inbound]\nallow = [\"http\"]\n";

// The root of the host: the machine's, or a copy in which a package can be installed.
enum class HostRoot { shared, copied };

void start_sshd(const Folder& folder, HostRoot root) {
  for (const char* key : {"host_key", "user_key"})
    must_run({"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", folder.path(key)});
  folder.write("sshd_config", "HostKey " + folder.path("host_key") + "\nAuthorizedKeysFile " +
                                  folder.path("user_key.pub") +
                                  "\nStrictModes no\nPidFile none\nUsePAM no\n"
                                  "PermitRootLogin yes\nUseDNS no\nSubsystem sftp internal-sftp\n");
  if (::fork() == 0) {
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (root == HostRoot::copied) enter_copy_of_root(folder.path());
    ::execl("/usr/sbin/sshd", "/usr/sbin/sshd", "-D", "-f", folder.path("sshd_config").c_str(),
            static_cast<char*>(nullptr));
    ::_exit(127);
  }
}

// A controller and a host on which nothing of ours ever ran.
class Site {
 public:
  explicit Site(HostRoot root) : ansible(folder) {
    for (const char* name : {"controller", "host"}) network_.add_host(name);
    network_.join("controller", "eth0", "host", "eth0");
    network_.enter("host");
    must_run({"ip", "addr", "add", "192.0.2.1/24", "dev", "eth0"});
    start_sshd(folder, root);
    network_.enter("controller");
    must_run({"ip", "addr", "add", "192.0.2.10/24", "dev", "eth0"});
    if (!kernel::wait_until([] {
          const auto socket = kernel::start_connect("192.0.2.1", 22);
          return kernel::wait_connected(socket,
                                        std::chrono::steady_clock::now() + std::chrono::seconds(1));
        }))
      throw kernel::HarnessError("sshd does not answer");
    folder.write("inventory.yml",
                 "all:\n  hosts:\n    host:\n      ansible_host: 192.0.2.1\n"
                 "      ansible_user: root\n      ansible_ssh_private_key_file: " +
                     folder.path("user_key") + "\n");
    ansible.set("ANSIBLE_HOST_KEY_CHECKING", "0");
    ansible.set("ANSIBLE_TIMEOUT", "2");
    ansible.set("ANSIBLE_PIPELINING", "1");
    ansible.set("ANSIBLE_SSH_CONTROL_PATH_DIR", folder.path("ssh"));
    ansible.set("ANSIBLE_SSH_ARGS",
                "-F none -o ControlMaster=auto -o ControlPersist=60s -o UserKnownHostsFile=" +
                    folder.path("known_hosts"));
  }

  // The role with a policy; `variables` are more of its own, "name: value" each.
  kernel::CommandResult role(const std::string& policy,
                             const std::vector<std::string>& variables = {},
                             const std::vector<std::string>& options = {}) const {
    auto all = variables;
    all.insert(all.end(), {"firewright_install: false", "firewright_boot: false",
                           "firewright_executable: " FIREWRIGHT_BINARY,
                           "firewright_state_dir: " + folder.path("state"),
                           "firewright_run_dir: " + folder.path("run")});
    return whole_role(policy, all, options);
  }
  // With nothing but what is said.
  kernel::CommandResult whole_role(const std::string& policy,
                                   const std::vector<std::string>& variables,
                                   const std::vector<std::string>& options = {}) const {
    folder.write("policies/web.toml", policy);
    std::string text =
        "- hosts: all\n  gather_facts: false\n  roles:\n    - role: firewright.host.linux\n"
        "      firewright_src: policies\n      firewright_policy: web.toml\n";
    for (const auto& variable : variables) text += "      " + variable + "\n";
    return ansible.play(text, options);
  }

  std::string ruleset() const {
    network_.enter("host");
    auto text = kernel::ruleset();
    network_.enter("controller");
    return text;
  }
  kernel::CommandResult status() const {
    network_.enter("host");
    auto result = kernel::run({FIREWRIGHT_BINARY, "status", "--state-dir", folder.path("state"),
                               "--run-dir", folder.path("run")});
    network_.enter("controller");
    return result;
  }

  Folder folder;
  Ansible ansible;

 private:
  kernel::Network network_;
};

class Problems {
 public:
  void expect(bool condition, const std::string& what, const kernel::CommandResult& of) {
    if (!condition) text_ += "NOT " + what + ":\n" + said(of) + "\n";
  }
  void expect_said(const kernel::CommandResult& result, const std::string& what) {
    expect((result.out + result.err).find(what) != std::string::npos, "said: " + what, result);
  }
  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  std::string text_;
};

void expect_nothing_wrong(const std::function<void(Site&, Problems&)>& what,
                          HostRoot root = HostRoot::shared) {
  const auto outcome = in_own_system(
      [&] {
        Site site(root);
        Problems problems;
        what(site, problems);
        return problems.text();
      },
      240);
  ASSERT_TRUE(outcome.done()) << outcome.text;
  EXPECT_EQ(outcome.text, "");
}

class AnsibleLinux : public testing::Test {
 protected:
  void SetUp() override {
    SKIP_WITHOUT_ROOT();
    ASSERT_PROGRAMS("ansible-playbook", "ansible-galaxy", "sshd", "ssh", "nft");
  }
};

TEST_F(AnsibleLinux, TheFirstRunChangesTheSecondDoesNotAndCheckModeNever) {
  expect_nothing_wrong([](Site& site, Problems& problems) {
    const auto would = site.role(web, {}, {"--check", "--diff"});
    problems.expect(recap(would, "changed=1") && recap(would, "failed=0"), "one change", would);
    problems.expect_said(would, "newly denied:\n- ");
    problems.expect_said(would, "    packet  tcp 203.0.113.9:40000 -> ");
    problems.expect_said(would, "    after   drop, by the default");
    problems.expect(site.ruleset().empty(), "an empty ruleset", would);

    const auto first = site.role(web);
    problems.expect(recap(first, "changed=2") && recap(first, "failed=0"), "load and keep", first);
    const auto loaded = site.ruleset();
    problems.expect(loaded.find("table inet firewright") != std::string::npos, "loaded", first);
    const auto status = site.status();
    problems.expect(status.out.find("state       confirmed") != std::string::npos, "kept", status);

    const auto second = site.role(web);
    problems.expect(recap(second, "changed=0") && recap(second, "failed=0"), "unchanged", second);

    const auto wider =
        site.role("[inbound]\nallow = [\"ssh\", \"http\", \"https\"]\n", {}, {"--check", "--diff"});
    problems.expect(recap(wider, "changed=1"), "a change", wider);
    problems.expect_said(wider, "1 newly accepted\n");
    problems.expect_said(wider, "widest opening: inbound https from any\n");
    problems.expect_said(wider, "newly accepted:\n+ inbound https from any\n");
    problems.expect_said(wider, "    after   accept, by https (web.toml:2)\n");
    problems.expect(site.ruleset() == loaded, "the same ruleset", wider);
  });
}

TEST_F(AnsibleLinux, ALockoutIsRefusedAndSoIsAPolicyWithAnError) {
  expect_nothing_wrong([](Site& site, Problems& problems) {
    const auto first = site.role(web);
    problems.expect(recap(first, "failed=0"), "loaded", first);
    const auto loaded = site.ruleset();
    const auto refused = [&](const kernel::CommandResult& result, const std::string& why) {
      problems.expect(recap(result, "changed=0") && recap(result, "failed=1"), "refused", result);
      problems.expect_said(result, why);
      problems.expect(site.ruleset() == loaded, "the same ruleset", result);
    };
    refused(site.role(closed),
            "this policy cuts off the connection that you work through: tcp "
            "192.0.2.10:");
    refused(site.role(closed, {}, {"--check"}),
            "would cut off the connection that this task came through: tcp 192.0.2.10:");
    refused(site.role("[inbound]\nallow = [\"htp\"]\n"),
            "web.toml:2:10: error: there is no service `htp` [unknown-service]; did you mean "
            "`http`?");
    refused(site.role(std::string(web) + "[[assert]]\nname = \"no web\"\nnever = { direction = "
                                         "\"inbound\", service = \"http\" }\n"),
            "no web");
  });
}

TEST_F(AnsibleLinux, AFailedConfirmationIsRolledBack) {
  expect_nothing_wrong([](Site& site, Problems& problems) {
    const auto first = site.role(web);
    problems.expect(recap(first, "failed=0"), "loaded", first);
    const auto loaded = site.ruleset();
    // The connection that loads it goes on, as established ones do; the next does not come about.
    const auto lost = site.role(closed, {"firewright_allow_lockout: true", "firewright_confirm: 6s",
                                         "firewright_confirm_wait: 3"});
    problems.expect(recap(lost, "changed=1") && recap(lost, "rescued=1") && recap(lost, "failed=1"),
                    "loaded, not confirmed, rescued", lost);
    problems.expect_said(lost, "The new firewall was not confirmed, and the one before is back: ");
    problems.expect(site.ruleset() == loaded, "the firewall before", lost);
    const auto status = site.status();
    problems.expect_said(status, "it was not confirmed by ");

    // Without a connection to lose, nothing is in the way of the next run.
    const auto again = site.role(web);
    problems.expect(recap(again, "changed=0") && recap(again, "failed=0"), "unchanged", again);
  });
}

// On a host that has never heard of it, with the role's own defaults: the package, the service, the
// folders of the system. The host's root is a copy.
TEST_F(AnsibleLinux, AHostWithoutThePackageGetsIt) {
  SKIP_WITH_SANITIZERS();
  ASSERT_PROGRAMS("cpack", "dpkg", "systemctl");
  const Folder made;
  const auto package = made_package(FIREWRIGHT_BUILD_DIR, made.path());
  expect_nothing_wrong(
      [&](Site& site, Problems& problems) {
        const std::vector<std::string> variables{"firewright_deb: " + package};
        const auto would = site.whole_role(web, variables, {"--check"});
        problems.expect(recap(would, "failed=0"), "told what would be done", would);

        const auto first = site.whole_role(web, variables);
        // The package brought and installed, the policy loaded and kept, the service enabled.
        problems.expect(recap(first, "changed=5") && recap(first, "failed=0"), "installed", first);
        problems.expect(site.ruleset().find("table inet firewright") != std::string::npos, "loaded",
                        first);
        const auto second = site.whole_role(web, variables);
        problems.expect(recap(second, "changed=0") && recap(second, "failed=0"), "same", second);
      },
      HostRoot::copied);
  EXPECT_FALSE(std::filesystem::exists("/usr/sbin/firewright"));
  EXPECT_FALSE(std::filesystem::exists("/var/lib/firewright"));
}

}  // namespace
}  // namespace firewright::deploy
