// `firewright apply` killed at each of its system calls, and each of them made to fail: the kernel
// holds the old firewall or the new one, and the command does not say that it loaded what it did
// not.
#include <gtest/gtest.h>
#include <signal.h>

#include <filesystem>
#include <fstream>

#include "tests/faults/every_fault.h"
#include "tests/kernel/harness/namespace.h"
#include "tests/kernel/skip.h"

namespace firewright::faults {
namespace {

namespace fs = std::filesystem;
using kernel::must_run;

constexpr const char* old_policy =
    "[inbound]\nallow = [\"ssh\", \"http\", \"udp/4000-4100\"]\n"
    "deny = [{ name = \"bad networks\", from = [\"198.51.100.0/24\", \"2001:db8:bad::/48\"] }]\n";
constexpr const char* new_policy =
    "[inbound]\nlog = true\nallow = [\"ssh\", \"https\", \"udp/4050-4200\"]\n"
    "[outbound]\ndefault = \"drop\"\nallow = [\"dns\"]\n";

// Without counters and what else is counted.
std::string ruleset() { return must_run({"nft", "--stateless", "list", "ruleset"}); }

class Apply {
 public:
  Apply() {
    auto pattern = (fs::temp_directory_path() / "firewright-faults-XXXXXX").string();
    if (::mkdtemp(pattern.data()) == nullptr) throw kernel::HarnessError("no folder in " + pattern);
    folder_ = pattern;
    std::ofstream(folder_ / "old.toml") << old_policy;
    std::ofstream(folder_ / "new.toml") << new_policy;
    const auto help = must_run({FIREWRIGHT_BINARY, "apply", "--help"});
    for (const std::string option : {"--state-dir", "--run-dir"})
      if (help.find(option) != std::string::npos)
        more_.insert(more_.end(), {option, (folder_ / "live" / option.substr(2)).string()});
    // What the old one leaves behind is kept, and put back before each run.
    fs::create_directories(folder_ / "live");
    must_run(command("new"));
    new_ = ruleset();
    fs::remove_all(folder_ / "live");
    fs::create_directories(folder_ / "live");
    must_run({"nft", "flush", "ruleset"});
    must_run(command("old"));
    old_ = ruleset();
    fs::copy(folder_ / "live", folder_ / "saved", fs::copy_options::recursive);
  }
  ~Apply() { fs::remove_all(folder_); }
  Apply(const Apply&) = delete;
  Apply& operator=(const Apply&) = delete;
  Apply(Apply&&) = delete;
  Apply& operator=(Apply&&) = delete;

  [[nodiscard]] std::vector<std::string> command(const std::string& which) const {
    std::vector<std::string> words{FIREWRIGHT_BINARY, "apply", path(which)};
    words.insert(words.end(), more_.begin(), more_.end());
    return words;
  }
  [[nodiscard]] std::string path(const std::string& which) const {
    return (folder_ / (which + ".toml")).string();
  }

  void put_back_old() const {
    fs::remove_all(folder_ / "live");
    fs::copy(folder_ / "saved", folder_ / "live", fs::copy_options::recursive);
    must_run({"nft", "-f", "-"}, "flush ruleset\n" + old_);
  }

  [[nodiscard]] std::string judge(const Plan& plan, const Trace& trace) const {
    const auto now = ruleset();
    if (now != old_ && now != new_) return "neither the old firewall nor the new one:\n" + now;
    const std::string holds = now == new_ ? "holds the new firewall" : "holds the old firewall";
    const auto ended = trace.signal != 0 ? "signal " + std::to_string(trace.signal)
                                         : "exit " + std::to_string(trace.status);
    if (plan.fault == Plan::Fault::kill_at_entry && trace.signal == SIGKILL) return {};
    if (trace.status == 0 && now == new_) return {};
    // A policy that cannot be read is no policy, whatever the reason.
    if (plan.fault == Plan::Fault::fail && trace.status == 1 && now == old_ &&
        trace.err.find("[cannot-read]") != std::string::npos)
      return {};
    if (plan.fault == Plan::Fault::fail && trace.status == 3) {
      // It says so on standard error, unless that is what failed.
      const bool quiet = trace.err.empty() && trace.calls.at(plan.nth - 1).name != "write" &&
                         trace.calls.at(plan.nth - 1).name != "writev";
      return quiet ? "exit 3 without a word" : "";
    }
    return ended + ", and the kernel " + holds + ": " + trace.err;
  }

 private:
  fs::path folder_;
  std::vector<std::string> more_;
  std::string old_;
  std::string new_;
};

std::string try_faults(const Faults& faults, const Sampling& some) {
  const Apply apply;
  const Scenario scenario{
      .setup = [&] { apply.put_back_old(); },
      .command = apply.command("new"),
      .plan = {.from_path = apply.path("new"), .input = {}},
      .check = [&](const Plan& plan, const Trace& trace) { return apply.judge(plan, trace); }};
  const auto report = for_each_fault(scenario, faults, some);
  if (report.failed.empty() && report.hits == 0) return "no fault was met\n";
  return say(report);
}

#define EXPECT_NOTHING_WRONG(faults, some)                                                     \
  do {                                                                                         \
    SKIP_WITHOUT_BED();                                                                        \
    const auto outcome = kernel::in_namespace([&] { return try_faults(faults, some); }, 3600); \
    ASSERT_TRUE(outcome.done()) << outcome.text;                                               \
    EXPECT_EQ(outcome.text, "");                                                               \
  } while (false)

TEST(ApplyFaults, KilledAnywhereTheKernelHoldsTheOldOrTheNew) {
  EXPECT_NOTHING_WRONG((Faults{.kill = true, .errors = {}}), sampling(35));
}

TEST(ApplyFaults, EachCallThatFailsIsSaidAndTheKernelHoldsTheOldOrTheNew) {
  EXPECT_NOTHING_WRONG((Faults{.kill = false, .errors = all_errors()}), sampling(42));
}

}  // namespace
}  // namespace firewright::faults
