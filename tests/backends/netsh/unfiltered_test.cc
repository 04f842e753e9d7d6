// What is left out of the proof: all of it is needed, and nothing more is.
#include <gtest/gtest.h>

#include "backends/netsh/decode.h"
#include "backends/netsh/encode.h"
#include "tests/backends/netsh/examples.h"
#include "tests/backends/netsh/model.h"
#include "tests/backends/netsh/programs.h"
#include "tests/backends/netsh/random_program.h"
#include "tests/backends/netsh/reading.h"

namespace firewright::netsh {
namespace {

using namespace test;
using ir::ConntrackState;
using ir::Hook;
using semantics::Answer;

// Allows whose lists have loopback addresses in the middle, on either side and in both directions.
ir::Program around_loopback() {
  const auto around = addresses({"126.0.0.0-128.255.255.255", "2001:db8::/32"});
  const auto with_loopback_v6 = addresses({"::1", "2001:db8::/32"});
  std::vector<ir::Rule> rules;
  for (const auto& set : {around, with_loopback_v6}) {
    rules.push_back(exception(from(tcp(22), set), ir::Verdict::accept(), "from"));
    rules.push_back(exception(to(tcp(23), set), ir::Verdict::accept(), "to"));
  }
  return server(rules, rules, false);
}

ir::Program read_back(const ir::Program& program) {
  const auto read = read_files(files_of(encode(program, {})));
  EXPECT_TRUE(read.program.has_value());
  return read.program.value_or(ir::Program{});
}

// Without any one entry a program is found that Windows treats otherwise than it says.
TEST(Unfiltered, EveryEntryIsNeeded) {
  const auto list = unfiltered();
  const std::vector<ir::Program> programs{around_loopback(), server({})};
  for (std::size_t i = 0; i < list.size(); ++i) {
    SCOPED_TRACE(list[i].why + ": " + ir::to_text(list[i].match));
    EXPECT_TRUE(ir::valid(list[i].match));
    bool needed = false;
    for (const auto& program : programs) {
      const auto read = read_back(program);
      ASSERT_EQ(compare_filtered(program, read).answer, Answer::equal);
      needed = needed || compare_filtered(program, read, i).answer == Answer::different;
    }
    EXPECT_TRUE(needed);
  }
}

// New packets that are no loopback traffic are compared, whatever else they are; so are untracked
// ones, and invalid ones on their way out.
TEST(Unfiltered, HoldsNothingElse) {
  for (std::uint32_t seed = 1; seed <= 5; ++seed) {
    Random random(seed);
    for (auto packet : random_packets(random, 500)) {
      EXPECT_FALSE(is_unfiltered(packet)) << ir::to_text(packet);
      packet.state = ConntrackState::untracked;
      EXPECT_FALSE(is_unfiltered(packet)) << ir::to_text(packet);
      packet.state = ConntrackState::invalid;
      EXPECT_EQ(is_unfiltered(packet), packet.hook == Hook::inbound) << ir::to_text(packet);
      packet.state = ConntrackState::related;
      EXPECT_TRUE(is_unfiltered(packet)) << ir::to_text(packet);
      packet.state = ConntrackState::fresh;
      packet.hook = Hook::forward;
      EXPECT_TRUE(is_unfiltered(packet)) << ir::to_text(packet);
    }
  }
}

// The files of a host in the state of a new installation, without any rule.
const std::pair<std::string, std::string> clean_host{
    "clean host",
    "advfirewall set allprofiles state on\r\n"
    "advfirewall set allprofiles firewallpolicy blockinbound,allowoutbound\r\n"};

// V23 over all packets: on a clean host, no beginning of the phases lets in what neither the host
// does nor the whole.
TEST(Unfiltered, NoStepLetsInMoreThanBeginningAndEnd) {
  std::vector<ir::Program> programs;
  for (const auto& example : all_examples()) programs.push_back(example.program);
  for (std::uint32_t seed = 1; seed <= 10; ++seed) {
    Random random(seed);
    programs.push_back(sayable_program(random));
  }
  const auto before = read_files({clean_host}).program;
  for (const auto& program : programs) {
    const auto end = read_back(program);
    Files files{clean_host};
    for (const auto& part : encode(program, {}).parts) {
      if (!part.suffix.ends_with(".txt")) continue;
      files.emplace_back(part.name, "");
      for (const auto& line : model::lines_of(part.bytes)) {
        files.back().second += line + "\r\n";
        if (line.starts_with("#")) continue;
        const auto step = read_files(files).program;
        ASSERT_TRUE(step.has_value());
        for (const Hook hook : {Hook::inbound, Hook::outbound}) {
          const std::vector<const ir::Program*> all{&*before, &end, &*step};
          semantics::Meanings meanings(all, semantics::FieldOrder::ports_first, {});
          const auto accepted = [&](const ir::Program& of) {
            return meanings.diagrams().map(meanings.diagrams().new_operation(),
                                           *meanings.meaning(of, hook), [&](std::uint32_t outcome) {
                                             const bool in =
                                                 meanings.outcomes()[outcome].verdict.kind ==
                                                 ir::VerdictKind::accept;
                                             return semantics::Diagrams::leaf(in ? 1 : 0);
                                           });
          };
          const auto is = accepted(*step), was = accepted(*before), will = accepted(end);
          const auto either = [](semantics::Node a,
                                 semantics::Node b) -> std::optional<semantics::Node> {
            using semantics::Diagrams;
            if (a == Diagrams::leaf(1) || b == Diagrams::leaf(0)) return a;
            if (b == Diagrams::leaf(1) || a == Diagrams::leaf(0)) return b;
            return std::nullopt;
          };
          auto& diagrams = meanings.diagrams();
          const auto operation = diagrams.new_operation();
          const auto union_of_both = diagrams.combine(operation, was, will, either);
          ASSERT_EQ(diagrams.combine(operation, union_of_both, is, either), union_of_both)
              << "after " << line;
        }
      }
    }
  }
}

}  // namespace
}  // namespace firewright::netsh
