// What is installed, and the Debian package of it: made by cpack from the build that is tested,
// looked at by lintian, and installed and removed by dpkg in a root of its own. The machine's stays
// as it is.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <sstream>

#include "tests/deploy/own_system.h"

namespace firewright::deploy {
namespace {

namespace fs = std::filesystem;
using kernel::CommandResult;
using kernel::must_run;
using kernel::run;
using testing::HasSubstr;
using testing::Not;

constexpr const char* build = FIREWRIGHT_BUILD_DIR;

std::vector<std::string> words_of(const std::string& text) {
  std::istringstream stream(text);
  std::vector<std::string> words;
  for (std::string word; stream >> word;) words.push_back(word);
  return words;
}

// A root with the shell, what the package's scripts call, the libraries of the command as they are
// on this machine, and dpkg's record of their packages.
class Root {
 public:
  explicit Root(const std::string& path) : path_(path) {
    for (const char* folder : {"usr/bin", "usr/sbin", "usr/lib", "usr/lib64", "proc", "run", "tmp",
                               "var/lib/dpkg/info", "var/lib/dpkg/updates", "etc", "dev"})
      fs::create_directories(path_ + "/" + folder);
    for (const char* folder : {"bin", "sbin", "lib", "lib64"})
      fs::create_symlink("usr/" + std::string(folder), path_ + "/" + folder);
    for (const char* program : {"/bin/sh", "/bin/grep", "/bin/rm", FIREWRIGHT_BINARY})
      bring_with_libraries(program, program != std::string(FIREWRIGHT_BINARY));
    std::ofstream(path_ + "/dev/null").close();
    std::string status;
    for (const char* package : {"libc6", "libfmt9", "libgcc-s1", "libmnl0", "libnettle8",
                                "libnftnl11", "libseccomp2", "libstdc++6", "libtomlplusplus3"})
      status += must_run({"dpkg-query", "--status", package}) + "\n";
    std::ofstream(path_ + "/var/lib/dpkg/status") << status;
    if (::mount("proc", (path_ + "/proc").c_str(), "proc", 0, nullptr) != 0)
      throw kernel::HarnessError("mount proc");
  }

  [[nodiscard]] CommandResult dpkg(const std::vector<std::string>& arguments) const {
    // Images of containers leave documents out.
    std::vector<std::string> command{"dpkg", "--root=" + path_, "--log=" + path_ + "/dpkg.log",
                                     "--path-include=/usr/share/*"};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return run(command);
  }
  [[nodiscard]] CommandResult inside(const std::vector<std::string>& arguments) const {
    std::vector<std::string> command{"chroot", path_};
    command.insert(command.end(), arguments.begin(), arguments.end());
    return run(command);
  }

 private:
  void bring(const std::string& file) const {
    const auto there = path_ + file;
    fs::create_directories(fs::path(there).parent_path());
    fs::copy_file(file, there, fs::copy_options::skip_existing);
  }
  void bring_with_libraries(const std::string& program, bool itself) const {
    if (itself) bring(program);
    for (const auto& word : words_of(must_run({"ldd", program})))
      if (word.starts_with("/") && word != program) bring(word);
  }

  std::string path_;
};

std::string check(bool condition, const std::string& what, const CommandResult& result) {
  return condition ? "" : "NOT " + what + ":\n" + said(result) + "\n";
}
bool mentions(const std::string& text, const std::string& what) {
  return text.find(what) != std::string::npos;
}

class Packages : public testing::Test {
 protected:
  void SetUp() override {
    SKIP_WITH_SANITIZERS();
    ASSERT_PROGRAMS("cpack", "cmake", "dpkg", "dpkg-deb");
  }
  Folder folder_;
};

TEST_F(Packages, InstallPutsEverythingInItsUsualPlace) {
  const auto prefix = folder_.path("opt/firewright");
  const auto installed = run({"cmake", "--install", build, "--prefix", prefix});
  ASSERT_EQ(installed.status, 0) << said(installed);
  for (const char* file :
       {"sbin/firewright", "share/man/man1/firewright.1", "share/man/man5/firewright-policy.5",
        "share/bash-completion/completions/firewright", "share/zsh/site-functions/_firewright",
        "share/fish/vendor_completions.d/firewright.fish", "lib/systemd/system/firewright.service",
        "share/firewright/policies/web-server.toml", "share/firewright/policies/services.toml",
        "share/doc/firewright/README.md", "share/doc/firewright/examples/ansible/galaxy.yml"})
    EXPECT_TRUE(fs::exists(prefix + "/" + file)) << file;
  // The unit runs what was installed, with whatever prefix.
  const auto unit = read_file(prefix + "/lib/systemd/system/firewright.service");
  EXPECT_THAT(unit, HasSubstr("\nExecStart=" + prefix + "/sbin/firewright restore\n"));
  EXPECT_THAT(unit, Not(HasSubstr("/usr/sbin")));
  EXPECT_EQ(run({prefix + "/sbin/firewright", "--version"}).status, 0);
}

TEST_F(Packages, TheDebianPackageHasWhatItShouldAndLintianFindsNoError) {
  ASSERT_PROGRAMS("lintian");
  const auto package = made_package(build, folder_.path("made"));
  const auto found = run({"lintian", "--fail-on", "error", "--tag-display-limit", "0", package});
  EXPECT_EQ(found.status, 0) << said(found);
  const auto list = must_run({"dpkg-deb", "--contents", package});
  for (const char* file :
       {"usr/sbin/firewright", "usr/share/man/man1/firewright.1.gz",
        "usr/share/man/man5/firewright-policy.5.gz", "usr/lib/systemd/system/firewright.service",
        "usr/share/bash-completion/completions/firewright",
        "usr/share/zsh/vendor-completions/_firewright",
        "usr/share/fish/vendor_completions.d/firewright.fish",
        "usr/share/firewright/policies/services.toml", "usr/share/firewright/policies/router.toml",
        "usr/share/doc/firewright/copyright", "usr/share/doc/firewright/changelog.gz",
        "usr/share/doc/firewright/changelog.Debian.gz"})
    EXPECT_THAT(list, HasSubstr(std::string(" ./") + file + "\n"));
  std::istringstream lines(list);
  for (std::string line; std::getline(lines, line);) EXPECT_THAT(line, HasSubstr(" root/root "));
  EXPECT_THAT(must_run({"dpkg-deb", "--field", package, "Depends"}), HasSubstr("libc6 (>= "));
  // One version in all places that say it.
  const auto version = words_of(must_run({"dpkg-deb", "--field", package, "Version"})).at(0);
  EXPECT_THAT(read_file(FIREWRIGHT_SOURCE_DIR "/deploy/debian/changelog"),
              testing::StartsWith("firewright (" + version + ")"));
  EXPECT_THAT(read_file(FIREWRIGHT_SOURCE_DIR "/deploy/ansible/galaxy.yml"),
              HasSubstr("\nversion: " + version.substr(0, version.find('-')) + "\n"));
  must_run({"dpkg-deb", "--extract", package, folder_.path("root")});
  EXPECT_THAT(read_file(folder_.path("root/usr/lib/systemd/system/firewright.service")),
              HasSubstr("\nExecStart=/usr/sbin/firewright restore\n"));
}

std::string life_of_a_package(const std::string& package, const std::string& folder) {
  const Root root(folder);
  std::string problems;
  const auto installed = root.dpkg({"--install", package});
  problems += check(installed.status == 0, "installed", installed);
  const auto checked =
      root.inside({"firewright", "check", "/usr/share/firewright/policies/web-server.toml"});
  problems += check(checked.status == 0, "a policy of the package is good", checked);
  const auto listed = words_of(root.dpkg({"--listfiles", "firewright"}).out);
  problems += check(listed.size() > 40, "files are listed", installed);

  // A change that waits needs the command, to be undone by.
  const auto loaded = root.inside({"firewright", "apply", "--confirm", "10m",
                                   "/usr/share/firewright/policies/web-server.toml"});
  const auto kept = root.dpkg({"--remove", "firewright"});
  problems += check(loaded.status == 0, "loaded", loaded) +
              check(kept.status != 0 && mentions(kept.err, "a change waits for its confirmation") &&
                        fs::exists(folder + "/usr/sbin/firewright"),
                    "not removed", kept);
  const auto confirmed = root.inside({"firewright", "confirm"});
  problems += check(confirmed.status == 0, "confirmed", confirmed);

  const auto again = root.dpkg({"--install", package});
  problems += check(again.status == 0, "installed again", again);
  const auto removed = root.dpkg({"--remove", "firewright"});
  problems += check(removed.status == 0 && !fs::exists(folder + "/usr/sbin/firewright") &&
                        fs::exists(folder + "/var/lib/firewright/state.json"),
                    "removed, its state kept", removed);
  const auto purged = root.dpkg({"--purge", "firewright"});
  problems += check(purged.status == 0 && !fs::exists(folder + "/var/lib/firewright"),
                    "nothing is left", purged);
  for (const auto& file : listed)
    if (file != "/." && fs::is_regular_file(folder + file)) problems += "left: " + file + "\n";
  problems += check(mentions(kernel::ruleset(), "table inet firewright"),
                    "the firewall outlives the package", purged);
  return problems;
}

TEST_F(Packages, TheDebianPackageComesAndGoesAndTheFirewallStays) {
  SKIP_WITHOUT_ROOT();
  ASSERT_PROGRAMS("nft", "ldd", "chroot");
  const auto package = made_package(build, folder_.path("made"));
  const auto outcome =
      in_own_system([&] { return life_of_a_package(package, folder_.path("root")); }, 120);
  ASSERT_TRUE(outcome.done()) << outcome.text;
  EXPECT_EQ(outcome.text, "");
}

// Two people, two folders, two settings of what should not matter. To compile all of it twice takes
// too long for a test: one library is compiled twice, and the command as it is packed twice. That
// it does not name the folders that it was made in is all that the rest could differ in.
TEST_F(Packages, TheSameSourcesGiveTheSamePackage) {
  ASSERT_PROGRAMS("ninja", "cmp");
  std::vector<std::string> packages, libraries;
  for (const bool first : {true, false}) {
    const auto place = folder_.path(first ? "a" : "another/folder");
    const auto source = place + "/source";
    const auto here = place + "/build";
    fs::create_directories(source);
    for (const char* part : {"CMakeLists.txt", "compiler", "backends", "fuzz", "policies", "man",
                             "deploy", "README.md", "SECURITY.md", "CHANGELOG.md"})
      fs::copy(FIREWRIGHT_SOURCE_DIR "/" + std::string(part), source + "/" + part,
               fs::copy_options::recursive);
    if (first) must_run({"chmod", "-R", "go-rwx", source});
    const auto must = [&](const std::string& mask, std::vector<std::string> command) {
      command.insert(command.begin(), {"sh", "-c", "umask " + mask + "; exec \"$@\"", "sh"});
      const auto result = run_with({first ? "TZ=UTC" : "TZ=Asia/Kathmandu", "CCACHE_DISABLE=1",
                                    first ? "LC_ALL=C" : "LC_ALL=C.UTF-8"},
                                   command);
      ASSERT_EQ(result.status, 0) << said(result);
    };
    const std::string mask = first ? "077" : "002";
    must(mask, {"cmake", "-S", source, "-B", here, "-G", "Ninja", "-DFIREWRIGHT_TESTS=OFF",
                "-DCMAKE_BUILD_TYPE=Release"});
    must(mask, {"ninja", "-C", here, "fw_base"});
    libraries.push_back(here + "/libfw_base.a");
    must(mask, {"cp", FIREWRIGHT_BINARY, here + "/firewright"});
    // As ./dev package has it; cpack writes the mask into the archive.
    must("022", {"cpack", "--config", here + "/CPackConfig.cmake", "-B", place + "/made"});
    packages.push_back(place + "/made/firewright_0.1.0-1_amd64.deb");
  }
  for (const auto& both : {libraries, packages}) {
    const auto compared = run({"cmp", both.at(0), both.at(1)});
    EXPECT_EQ(compared.status, 0) << said(compared);
  }
  const auto command = read_file(FIREWRIGHT_BINARY);
  EXPECT_THAT(command, Not(HasSubstr(FIREWRIGHT_SOURCE_DIR)));
  EXPECT_THAT(command, Not(HasSubstr(build)));
}

}  // namespace
}  // namespace firewright::deploy
