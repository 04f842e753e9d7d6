// What the lowering has to say about a policy that reads well but means nothing.

#include <gtest/gtest.h>

#include "compiler/diagnostics/render.h"
#include "compiler/lower/lower.h"
#include "compiler/policy/read.h"

namespace firewright::lower {
namespace {

class NoOwners final : public policy::OwnerDatabase {
 public:
  [[nodiscard]] std::optional<OwnerId> user(const std::string&) const override {
    return std::nullopt;
  }
  [[nodiscard]] std::optional<OwnerId> group(const std::string&) const override {
    return std::nullopt;
  }
};

std::string said_of(const std::string& toml) {
  MemoryFileSystem files;
  files.files["p.toml"] = toml;
  const NoOwners owners;
  Sources sources;
  Sink sink;
  const auto policy = policy::read_policy(
      "p.toml", std::nullopt,
      {.files = &files, .owners = &owners, .set_vars = {}, .vars_files = {}}, sources, sink);
  EXPECT_FALSE(sink.has_errors()) << render_text(sink, sources);
  (void)lower(policy, {.target = Target::nftables, .today = {.year = 2026, .month = 6, .day = 1}},
              sink);
  sink.sort();
  return render_text(sink, sources);
}

TEST(LowerRefusalsTest, FamiliesThatContradict) {
  EXPECT_EQ(said_of("[[inbound.allow]]\n"
                    "service = \"ssh\"\n"
                    "from = \"192.0.2.1\"\n"
                    "to = \"2001:db8::1\"\n"),
            "p.toml:4:6: error: `from` is IPv4 only and `to` is IPv6 only: no packet is both "
            "[contradicting-families]\n"
            "    4 | to = \"2001:db8::1\"\n"
            "      |      ^~~~~~~~~~~~~\n"
            "p.toml:3:8: note: IPv4 only\n"
            "    3 | from = \"192.0.2.1\"\n"
            "      |        ^~~~~~~~~~~\n");
}

TEST(LowerRefusalsTest, AnExceptionThatIsTakenOutWhole) {
  EXPECT_EQ(said_of("[[inbound.allow]]\n"
                    "service = \"ssh\"\n"
                    "from = \"192.0.2.0/25\"\n"
                    "from-except = \"192.0.2.0/24\"\n"),
            "p.toml:4:15: error: this exception matches no packet: `from-except` takes everything "
            "out of `from` [nothing-left]\n"
            "    4 | from-except = \"192.0.2.0/24\"\n"
            "      |               ^~~~~~~~~~~~~~\n");
}

TEST(LowerRefusalsTest, AProtocolThatTheFamilyDoesNotHave) {
  EXPECT_EQ(said_of("[[inbound.allow]]\n"
                    "protocol = \"icmpv6\"\n"
                    "from = \"192.0.2.1\"\n"),
            "p.toml:2:12: error: this exception matches no packet: nothing of this service or "
            "protocol exists in IPv4, to which the exception is narrowed [nothing-left]\n"
            "    2 | protocol = \"icmpv6\"\n"
            "      |            ^~~~~~~~\n");
}

TEST(LowerRefusalsTest, ADirectionThatIsLeftToOthersHasNoExceptions) {
  EXPECT_EQ(
      said_of("[forward]\n"
              "default = \"unmanaged\"\n"
              "allow = [\"https\"]\n"),
      "p.toml:2:11: error: `forward` is `unmanaged` and yet has exceptions or a log "
      "[unmanaged-with-exceptions]\n"
      "    2 | default = \"unmanaged\"\n"
      "      |           ^~~~~~~~~~~\n"
      "      = help: an unmanaged direction gets no chain; give it another default or drop its "
      "keys\n");
}

TEST(LowerRefusalsTest, AnExceptionThatHasExpiredIsLeftOutWithAWarning) {
  const std::string policy =
      "[[inbound.allow]]\n"
      "service = \"ssh\"\n"
      "expires = ";
  EXPECT_EQ(said_of(policy + "2026-06-01\n"),
            "p.toml:3:11: warning: `ssh` expired on 2026-06-01 and is left out [expired]\n"
            "    3 | expires = 2026-06-01\n"
            "      |           ^~~~~~~~~~\n");
  EXPECT_EQ(said_of(policy + "2026-06-02\n"), "");
}

TEST(LowerRefusalsTest, AZoneWithoutWhatTheTargetNeeds) {
  EXPECT_EQ(said_of("[zones]\n"
                    "lan = { profiles = [\"private\"] }\n"
                    "[[inbound.allow]]\n"
                    "service = \"ssh\"\n"
                    "in = \"lan\"\n"),
            "p.toml:5:6: error: nftables cannot say this exactly: zone `lan` names no interface "
            "[cannot-say]\n"
            "    5 | in = \"lan\"\n"
            "      |      ^~~~~\n"
            "p.toml:2:1: note: the zone is defined here\n"
            "    2 | lan = { profiles = [\"private\"] }\n"
            "      | ^~~\n"
            "      = help: give the zone `interfaces`, or mark the exception with `only-on`\n");
}

}  // namespace
}  // namespace firewright::lower
