// What is read is what was written, or is called damaged.
#include "backends/host/state.h"

#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <string>
#include <vector>

#include "backends/host/state_json.h"
#include "tests/backends/host/scratch.h"

namespace firewright::host {
namespace {

namespace fs = std::filesystem;
using test::slurp;
using test::spill;

Generation generation(const std::string& text) {
  return {.backend = "nftables",
          .policy = "web",
          .audit = false,
          .files = {{.name = "policy-0.toml", .origin = "/etc/web.toml", .bytes = text},
                    {.name = "artifact.nlbatch", .origin = "", .bytes = std::string("\0\1\xff", 3)},
                    {.name = "certificate.json", .origin = "", .bytes = ""}}};
}

Pending pending(const std::string& id) {
  return {.generation = id,
          .token = "0123456789abcdef",
          .before = "",
          .before_was_empty = true,
          .phase = Pending::Phase::loaded,
          .deadline = Deadline{.boot_id = "b", .boottime_ms = 1LL << 40, .wall = "w"},
          .boot_id = "b",
          .process = {.pid = 4711, .start = ~0ULL},
          .watchdog = "pid 1 (start 2)"};
}

class StateOnDisk : public test::Scratch {
 protected:
  [[nodiscard]] std::string dir() const { return at("state"); }
  [[nodiscard]] std::string in(const std::string& name) const { return dir() + "/" + name; }
  [[nodiscard]] std::string folder_of(const std::string& id) const {
    return in("generations/" + id);
  }
  std::string written(const Generation& what) {
    std::string error;
    const auto id = write_generation(dir(), what, error);
    EXPECT_TRUE(id) << error;
    return id.value_or("");
  }
  std::string written_before(const std::string& bytes) {
    std::string error;
    const auto digest = write_before(dir(), bytes, error);
    EXPECT_TRUE(digest) << error;
    return digest.value_or("");
  }
  // A state with everything in it.
  State full() {
    State state;
    state.backend = "nftables";
    state.confirmed = written(generation("one"));
    state.previous = written(generation("two"));
    state.confirmed_since = "2026-01-31T12:00:00Z";
    state.audit = true;
    state.pending = pending(written(generation("three")));
    state.pending->before = written_before("what was");
    state.undone = Undone{.generation = *state.previous, .at = "then", .why = "\"so\" \xc3\xa4"};
    EXPECT_TRUE(write_state(dir(), state).ok());
    return state;
  }
};

TEST_F(StateOnDisk, NothingIsThereAtFirst) {
  EXPECT_EQ(read_state(dir()).found, Found::nothing);
  fs::create_directory(dir());
  EXPECT_EQ(read_state(dir()).found, Found::nothing);
}

TEST_F(StateOnDisk, WhatIsWrittenIsRead) {
  const auto state = full();
  const auto read = read_state(dir());
  EXPECT_EQ(read.found, Found::sound) << read.error;
  EXPECT_EQ(read.state, state);
  EXPECT_EQ(read.error, "");
  EXPECT_TRUE(write_state(dir(), State{}).ok());
  EXPECT_EQ(read_state(dir()).state, State{});
}

TEST_F(StateOnDisk, APhaseAndAMissingDeadlineSurvive) {
  State state;
  state.pending = pending(written(generation("one")));
  state.pending->deadline.reset();
  for (const auto phase : {Pending::Phase::loading, Pending::Phase::undoing}) {
    state.pending->phase = phase;
    ASSERT_TRUE(write_state(dir(), state).ok());
    EXPECT_EQ(read_state(dir()).state, state);
  }
}

TEST_F(StateOnDisk, NobodyElseMayReadIt) {
  (void)full();
  for (const auto& entry : fs::recursive_directory_iterator(dir()))
    EXPECT_EQ(entry.status().permissions() & (fs::perms::group_all | fs::perms::others_all),
              fs::perms::none)
        << entry.path();
}

TEST_F(StateOnDisk, GenerationsAreReadAsTheyWereWritten) {
  const auto what = generation("text");
  const auto id = written(what);
  EXPECT_TRUE(is_generation_id(id));
  std::string error;
  const auto read = read_generation(dir(), id, error);
  ASSERT_TRUE(read) << error;
  EXPECT_EQ(*read, what);
  EXPECT_EQ(*read->file("policy-0.toml"), "text");
  EXPECT_EQ(read->file("none"), nullptr);
}

TEST_F(StateOnDisk, TheSamePolicyIsTheSameGeneration) {
  const auto id = written(generation("text"));
  struct stat before{};
  ASSERT_EQ(stat(folder_of(id).c_str(), &before), 0);
  EXPECT_EQ(written(generation("text")), id);
  struct stat after{};
  ASSERT_EQ(stat(folder_of(id).c_str(), &after), 0);
  EXPECT_EQ(before.st_ino, after.st_ino) << "it was written again";
  std::set<std::string> ids = {id, written(generation("other"))};
  auto audit = generation("text");
  audit.audit = true;
  ids.insert(written(audit));
  EXPECT_EQ(ids.size(), 3U);
}

TEST_F(StateOnDisk, ADamagedGenerationIsWrittenAnew) {
  const auto id = written(generation("text"));
  spill(folder_of(id) + "/artifact.nlbatch", "torn");
  EXPECT_EQ(written(generation("text")), id);
  std::string error;
  EXPECT_EQ(read_generation(dir(), id, error), generation("text")) << error;
  EXPECT_EQ(std::distance(fs::directory_iterator(in("generations")), {}), 1);
}

TEST_F(StateOnDisk, NamesThatLeadElsewhereAreRefused) {
  for (const auto* name :
       {"", ".", "..", "../x", "a/b", ".hidden", "manifest.json", "a b", "certificate.json"}) {
    auto what = generation("text");
    what.files.push_back({.name = name, .origin = "", .bytes = ""});
    std::string error;
    EXPECT_FALSE(write_generation(dir(), what, error)) << name;
    EXPECT_EQ(error, std::string("`") + name + "` cannot be a file of a generation");
  }
  std::string error;
  for (const auto* id : {"", "..", "../../etc", "0123456789abcdeg", "0123456789ABCDEF"})
    EXPECT_FALSE(read_generation(dir(), id, error)) << id;
}

TEST_F(StateOnDisk, APathThatIsNoTextIsNoTrouble) {
  auto what = generation("text");
  what.files[0].origin = "/etc/\xff\xfe.toml";
  const auto id = written(what);
  std::string error;
  const auto read = read_generation(dir(), id, error);
  ASSERT_TRUE(read) << error;
  EXPECT_EQ(read->files[0].origin, "/etc/\xef\xbf\xbd\xef\xbf\xbd.toml");
}

TEST_F(StateOnDisk, EveryTornStateIsDamaged) {
  const auto state = full();
  const auto text = slurp(in("state.json"));
  ASSERT_GT(text.size(), 500U);
  std::string error;
  for (std::size_t size = 0; size < text.size(); ++size)
    EXPECT_FALSE(state_from(text.substr(0, size), error)) << size;
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, text.size() / 2, text.size() - 1}) {
    spill(in("state.json"), text.substr(0, size));
    const auto read = read_state(dir());
    EXPECT_EQ(read.found, Found::damaged) << size;
    EXPECT_FALSE(read.state);
    EXPECT_TRUE(read.error.starts_with("`" + in("state.json") + "` is damaged: it")) << read.error;
  }
  spill(in("state.json"), text);
  EXPECT_EQ(read_state(dir()).state, state);
}

TEST_F(StateOnDisk, EveryFlippedBitOfTheStateIsDamage) {
  (void)full();
  const auto text = slurp(in("state.json"));
  std::string error;
  ASSERT_TRUE(state_from(text, error));
  for (std::size_t at = 0; at < text.size(); ++at)
    for (unsigned bit = 0; bit < 8; ++bit) {
      auto flipped = text;
      flipped[at] = static_cast<char>(static_cast<unsigned char>(flipped[at]) ^ (1U << bit));
      EXPECT_FALSE(state_from(flipped, error)) << at << " " << bit;
    }
  EXPECT_FALSE(state_from(text + "\n", error));
  EXPECT_FALSE(state_from(text + text, error));
}

TEST_F(StateOnDisk, EveryTornManifestIsDamaged) {
  const auto id = written(generation("text"));
  const auto path = folder_of(id) + "/manifest.json";
  const auto text = slurp(path);
  ASSERT_GT(text.size(), 300U);
  std::string error;
  for (std::size_t size = 0; size < text.size(); ++size) {
    spill(path, text.substr(0, size));
    EXPECT_FALSE(read_generation(dir(), id, error)) << size;
    EXPECT_NE(error.find(path), std::string::npos) << error;
    // Nor does the reading of its text crash, whatever its name.
    (void)manifest_from(text.substr(0, size), error);
  }
  spill(path, text);
  EXPECT_TRUE(read_generation(dir(), id, error)) << error;
}

TEST_F(StateOnDisk, FlippedBytesInAnyFileAreFoundAndNamed) {
  (void)full();
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(dir()))
    if (entry.is_regular_file() && entry.file_size() > 0) files.push_back(entry.path());
  ASSERT_EQ(files.size(), 1U + 3 * 3 + 1);
  for (const auto& path : files) {
    const auto bytes = slurp(path);
    const std::size_t step = std::max<std::size_t>(1, bytes.size() / 20);
    for (std::size_t at = 0; at < bytes.size(); at += step) {
      auto flipped = bytes;
      flipped[at] = static_cast<char>(flipped[at] ^ 1);
      spill(path, flipped);
      const auto read = read_state(dir());
      EXPECT_EQ(read.found, Found::damaged) << path << " " << at;
      EXPECT_NE(read.error.find(path), std::string::npos) << read.error;
    }
    spill(path, bytes);
    ASSERT_EQ(read_state(dir()).found, Found::sound);
  }
}

TEST_F(StateOnDisk, AMissingFileIsNamed) {
  (void)full();
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(dir()))
    if (entry.is_regular_file()) files.push_back(entry.path());
  for (const auto& path : files) {
    const auto bytes = slurp(path);
    fs::remove(path);
    const auto read = read_state(dir());
    EXPECT_EQ(read.found, Found::damaged) << path;
    EXPECT_NE(read.error.find(path), std::string::npos) << read.error;
    spill(path, bytes);
  }
  EXPECT_EQ(read_state(dir()).found, Found::sound);
}

TEST_F(StateOnDisk, DamageOfThePreviousOneLeavesTheConfirmedOneReadable) {
  const auto state = full();
  fs::remove_all(folder_of(*state.previous));
  const auto read = read_state(dir());
  EXPECT_EQ(read.found, Found::damaged);
  EXPECT_EQ(read.state, state);
  EXPECT_EQ(read.damaged, std::vector<std::string>{*state.previous});
  EXPECT_EQ(read.error,
            "cannot open folder `" + folder_of(*state.previous) + "`: No such file or directory");
  std::string error;
  EXPECT_TRUE(read_generation(dir(), *state.confirmed, error));
}

TEST_F(StateOnDisk, AnotherVersionIsToldFromDamage) {
  std::string error;
  const std::string newer = R"({"format": "firewright generation", "version": 2})";
  EXPECT_FALSE(manifest_from(newer, error));
  EXPECT_EQ(error, "it was written by another version of firewright (its form is 2, known is 1)");
  EXPECT_FALSE(manifest_from(to_text(State{}), error));
  EXPECT_EQ(error, "it is of another kind: `firewright state`");
}

TEST_F(StateOnDisk, ManifestsOfOtherShapesAreRefused) {
  const std::string begin = R"({"format": "firewright generation", "version": 1, )";
  const std::string head = begin + R"("backend": "nftables", "policy": "p", "audit": false)";
  const std::string digest(64, 'a');
  std::string error;
  EXPECT_TRUE(manifest_from(head + R"(, "files": []})", error)) << error;
  for (const auto& text :
       {std::string(), std::string("[]"), std::string("7"), std::string("{}"), begin + "\"x\": 1}",
        head + "}", head + R"(, "files": {}})", head + R"(, "files": [1]})",
        head + R"(, "files": [{}]})",
        head + R"(, "files": [{"name": "../x", "origin": "", "size": 1, "sha256": ")" + digest +
            "\"}]}",
        head + R"(, "files": [{"name": "x", "origin": "", "size": -1, "sha256": ")" + digest +
            "\"}]}",
        head + R"(, "files": [{"name": "x", "origin": "", "size": 1, "sha256": "a"}]})",
        std::string(100'000, '[')}) {
    error.clear();
    EXPECT_FALSE(manifest_from(text, error)) << text.substr(0, 200);
    EXPECT_NE(error, "");
  }
}

TEST_F(StateOnDisk, AMissingStateBesideGenerationsIsDamage) {
  (void)written(generation("one"));
  EXPECT_EQ(read_state(dir()).found, Found::sound) << "nothing is confirmed, and that is said";
  EXPECT_EQ(read_state(dir()).state, State{});
  fs::remove(in("state.json"));
  const auto read = read_state(dir());
  EXPECT_EQ(read.found, Found::damaged);
  EXPECT_EQ(read.error, "`" + in("state.json") + "` is missing, though there are generations");
}

TEST_F(StateOnDisk, AFolderThatOthersMayWriteToIsNotRead) {
  (void)full();
  ASSERT_EQ(chmod(dir().c_str(), 0777), 0);
  const auto read = read_state(dir());
  EXPECT_EQ(read.found, Found::unreadable);
  EXPECT_EQ(read.reason, Reason::permission);
  EXPECT_FALSE(read.state);
  EXPECT_FALSE(write_state(dir(), State{}).ok());
  ASSERT_EQ(chmod(dir().c_str(), 0700), 0);
  ASSERT_EQ(chmod(in("generations").c_str(), 0777), 0);
  EXPECT_EQ(read_state(dir()).found, Found::damaged);
}

TEST_F(StateOnDisk, BeforeIsKeptByItsDigest) {
  const auto digest = written_before("tables");
  EXPECT_TRUE(is_digest(digest));
  EXPECT_EQ(written_before("tables"), digest);
  std::string error;
  EXPECT_EQ(read_before(dir(), digest, error), "tables");
  spill(in("before/" + digest), "table");
  EXPECT_FALSE(read_before(dir(), digest, error));
  EXPECT_EQ(error, "`" + in("before/" + digest) + "` is damaged: its SHA-256 is not its name");
  EXPECT_FALSE(read_before(dir(), "../state.json", error));
}

std::set<std::string> names(const std::string& folder) {
  std::set<std::string> result;
  for (const auto& entry : fs::directory_iterator(folder))
    result.insert(entry.path().filename().string());
  return result;
}

TEST_F(StateOnDisk, SweepingKeepsWhatIsNamedAndWhatIsNotOurs) {
  const auto state = full();
  (void)written(generation("gone"));
  (void)written_before("gone");
  fs::create_directory(in("generations/.new-99"));
  spill(in("generations/.new-99/policy-0.toml"), "half");
  spill(in(".new-99-state.json"), "half");
  spill(in("before/.new-99-x"), "half");
  spill(in("notes.txt"), "mine");
  spill(in("before/notes.txt"), "mine");
  fs::create_directory(in("generations/backup"));
  spill(in("generations/backup/x"), "mine");

  const auto result = sweep(dir(), state);
  EXPECT_TRUE(result.ok()) << result.error;
  EXPECT_EQ(names(dir()),
            (std::set<std::string>{"before", "generations", "notes.txt", "state.json"}));
  EXPECT_EQ(names(in("generations")), (std::set<std::string>{*state.confirmed, *state.previous,
                                                             state.pending->generation, "backup"}));
  EXPECT_EQ(names(in("before")), (std::set<std::string>{state.pending->before, "notes.txt"}));
  EXPECT_EQ(read_state(dir()).state, state);
  EXPECT_TRUE(fs::exists(in("generations/backup/x")));
}

TEST_F(StateOnDisk, SweepingWithoutPendingForgetsWhatWasBefore) {
  auto state = full();
  const auto gone = state.pending->generation;
  state.pending.reset();
  ASSERT_TRUE(write_state(dir(), state).ok());
  ASSERT_TRUE(sweep(dir(), state).ok());
  EXPECT_FALSE(fs::exists(folder_of(gone)));
  EXPECT_TRUE(names(in("before")).empty());
  EXPECT_EQ(read_state(dir()).found, Found::sound);
  EXPECT_TRUE(sweep(at("nowhere"), state).ok());
}

// Each write in turn finds the disk full: the state that was there stands.
TEST_F(StateOnDisk, AFullDiskLosesNothing) {
  fs::create_directory(dir());
  const pid_t child = fork();
  if (child == 0) {
    if (unshare(CLONE_NEWNS) != 0 ||
        mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        mount("tmpfs", dir().c_str(), "tmpfs", 0, "size=64k,mode=0700") != 0)
      _exit(77);
    State state;
    state.confirmed = written(generation("small"));
    if (!write_state(dir(), state).ok()) _exit(1);
    std::string error;
    if (write_generation(dir(), generation(std::string(200'000, 'x')), error)) _exit(2);
    if (!error.ends_with("policy-0.toml`: No space left on device")) _exit(3);
    if (write_before(dir(), std::string(200'000, 'x'), error)) _exit(4);
    if (names(in("generations")) != std::set<std::string>{*state.confirmed}) _exit(5);
    if (!names(in("before")).empty()) _exit(6);
    // Full to the last page: not even a state can be written.
    for (int i = 0; i < 64; ++i) spill(dir() + "/fill" + std::to_string(i), std::string(4096, 'f'));
    auto next = state;
    next.audit = true;
    if (write_state(dir(), next).ok()) _exit(7);
    const auto read = read_state(dir());
    _exit(read.found == Found::sound && read.state == state ? 0 : 8);
  }
  int status = 0;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  if (WIFEXITED(status) && WEXITSTATUS(status) == 77) GTEST_SKIP() << "no mount namespace";
  EXPECT_EQ(status, 0) << "step " << WEXITSTATUS(status);
}

// A reader without the lock sees the old state or the new one, whole.
TEST_F(StateOnDisk, AReaderBesideAWriterSeesWholeStates) {
  auto one = full();
  const pid_t child = fork();
  if (child == 0) {
    for (int i = 0; i < 25; ++i) {
      State state;
      state.confirmed = written(generation(std::to_string(i)));
      state.confirmed_since = std::to_string(i);
      if (!write_state(dir(), state).ok() || !sweep(dir(), state).ok()) _exit(1);
    }
    _exit(0);
  }
  int status = 0;
  unsigned reads = 0;
  unsigned gone = 0;
  do {
    const auto read = read_state(dir());
    ++reads;
    ASSERT_TRUE(read.state) << read.error;
    // A writer this fast may outrun all attempts; then it is the generation that is missing, and
    // not a torn one.
    if (read.found != Found::sound) {
      ++gone;
      EXPECT_TRUE(read.error.ends_with("No such file or directory")) << read.error;
    }
  } while (waitpid(child, &status, WNOHANG) == 0);
  EXPECT_EQ(status, 0);
  EXPECT_LT(gone, reads);
  EXPECT_EQ(read_state(dir()).state->confirmed_since, "24");
}

TEST_F(StateOnDisk, SinceWhenIsOfThisRunOfTheSystem) {
  std::string error;
  const auto boot = read_boot_id(error);
  ASSERT_TRUE(boot) << error;
  EXPECT_FALSE(read_loaded(at("run")));
  const Loaded loaded{.generation = "0123456789abcdef",
                      .boot_id = *boot,
                      .since = utc_now(),
                      .ruleset = 7,
                      .network = "net:[4026531840]"};
  ASSERT_TRUE(write_loaded(at("run"), loaded).ok());
  EXPECT_EQ(read_loaded(at("run")), loaded);
  auto earlier = loaded;
  earlier.boot_id = "another";
  ASSERT_TRUE(write_loaded(at("run"), earlier).ok());
  EXPECT_FALSE(read_loaded(at("run")));
  ASSERT_TRUE(write_loaded(at("run"), loaded).ok());
  spill(at("run/loaded.json"), slurp(at("run/loaded.json")).substr(1));
  EXPECT_FALSE(read_loaded(at("run")));
  auto unknown = loaded;
  unknown.ruleset = 0;
  unknown.network.clear();
  ASSERT_TRUE(write_loaded(at("run"), unknown).ok());
  EXPECT_EQ(read_loaded(at("run")), unknown);
}

TEST(Deadline, PassesWithTimeAndWithTheSystemsRun) {
  std::string error;
  auto deadline = deadline_after(std::chrono::hours(1), error);
  ASSERT_TRUE(deadline) << error;
  EXPECT_FALSE(passed(*deadline));
  EXPECT_GT(left(*deadline), std::chrono::minutes(50));
  EXPECT_LE(left(*deadline), std::chrono::hours(1));
  EXPECT_EQ(deadline->wall.size(), std::string("2026-01-31T12:00:00Z").size());
  auto over = *deadline;
  over.boottime_ms = boottime_ms();
  EXPECT_TRUE(passed(over));
  deadline->boot_id = "another";
  EXPECT_TRUE(passed(*deadline));
}

TEST(Pending, IsAtWorkAsLongAsItsProcessIs) {
  std::string error;
  Pending change;
  change.boot_id = read_boot_id(error).value_or("");
  change.process = own_process();
  EXPECT_TRUE(at_work(change));
  auto other = change;
  ++other.process.start;
  EXPECT_FALSE(at_work(other));
  other = change;
  other.boot_id = "another";
  EXPECT_FALSE(at_work(other));

  const pid_t child = fork();
  if (child == 0)
    for (;;) pause();
  const auto process = identify(child);
  ASSERT_TRUE(process);
  EXPECT_TRUE(is_running(*process));
  ASSERT_EQ(kill(child, SIGKILL), 0);
  siginfo_t info{};
  ASSERT_EQ(waitid(P_PID, static_cast<id_t>(child), &info, WEXITED | WNOWAIT), 0);
  EXPECT_FALSE(is_running(*process)) << "a zombie does nothing any more";
  ASSERT_EQ(waitpid(child, nullptr, 0), child);
  EXPECT_FALSE(is_running(*process));
}

TEST(RandomToken, IsAnotherEachTime) {
  std::string error;
  const auto one = random_token(error);
  const auto other = random_token(error);
  ASSERT_TRUE(one && other) << error;
  EXPECT_TRUE(is_generation_id(*one));
  EXPECT_NE(*one, *other);
}

}  // namespace
}  // namespace firewright::host
