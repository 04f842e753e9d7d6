// What `nft list ruleset` prints of a ruleset that was loaded means what it meant.
//
// nft 1.0.6 prints some rules as others; those are told apart here by their text, and for them the
// listing is held against what it says by then:
// - `meta nfproto ipv4 meta l4proto icmp` comes back without the family, and so does ICMPv6 of
// IPv6;
// - so do some of the rules with `meta nfproto` that end in `reject with tcp reset`: programs with
// one
//   are left out.
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <sstream>
#include <string>

#include "backends/host/process.h"
#include "backends/nftables/capable.h"
#include "backends/nftables/encode.h"
#include "tests/backends/in_namespace.h"
#include "tests/backends/nftables/programs.h"
#include "tests/backends/nftables/text_reading.h"

namespace firewright::nftables {
namespace {

void replace_all(std::string& text, const std::string& from, const std::string& to) {
  for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
    text.replace(at, from.size(), to);
}

// The text as nft will wrongly print it. The same, where it prints what was loaded.
std::string as_listed(const std::string& text) {
  std::string listed;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    auto line = text.substr(at, end - at);
    replace_all(line, "meta nfproto ipv4 meta l4proto icmp ", "meta l4proto icmp ");
    replace_all(line, "meta nfproto ipv6 meta l4proto icmpv6 ", "meta l4proto icmpv6 ");
    listed += line + "\n";
    at = end + 1;
  }
  return listed;
}

bool is_listed_at_random(const std::string& text) {
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);)
    if (line.find("meta nfproto") != std::string::npos &&
        line.find("reject with tcp reset") != std::string::npos)
      return true;
  return false;
}

std::string listing_of(const std::string& text) {
  const auto loaded = host::run({"nft", "-f", "-"}, text);
  if (!loaded.ok()) return "nft refuses: " + loaded.err;
  return host::run({"nft", "list", "ruleset"}, {}).out;
}

// Gives whether the listing was right.
bool expect_same(const ir::Program& program, const backend::Options& options) {
  Sink sink;
  const auto artifact = encode(capable(program, options, sink), options);
  const auto& text = artifact.find("text")->bytes;
  if (is_listed_at_random(text)) return false;
  const auto listed = test::in_namespace([&] { return listing_of(text); });
  if (!listed.refused.empty()) return false;
  const auto read = test::read_script(listed.output);
  for (const auto& error : read.errors) ADD_FAILURE() << error << '\n' << listed.output;
  for (const auto& other : read.others) ADD_FAILURE() << other << '\n' << listed.output;
  if (!read.program) return true;
  const auto wrong = as_listed(text);
  const auto expected = wrong == text ? program : *test::read_script(wrong).program;
  const auto comparison = semantics::compare(expected, *read.program);
  EXPECT_EQ(comparison.answer, semantics::Answer::equal) << test::shown(comparison) << '\n'
                                                         << text << "--- listed\n"
                                                         << listed.output;
  return wrong == text;
}

bool has_namespaces() {
  return test::in_namespace([] { return std::string(); }).refused.empty();
}

TEST(TextListing, ExamplePolicies) {
  if (!has_namespaces()) GTEST_SKIP() << "no network namespace";
  std::size_t right = 0;
  std::string wrong;
  for (const auto& example : test::examples()) {
    SCOPED_TRACE(example.name);
    if (expect_same(example.program, example.options))
      ++right;
    else
      wrong += example.name + " ";
  }
  // Those that say "ICMP of IPv4, any type".
  EXPECT_EQ(wrong, "mail-server web-server workstation ");
  EXPECT_EQ(right + 3, test::examples().size());
}

TEST(TextListing, RandomPrograms) {
  if (!has_namespaces()) GTEST_SKIP() << "no network namespace";
  const char* said = std::getenv("FIREWRIGHT_SEEDS");
  const auto seeds = said == nullptr ? 40U : static_cast<std::uint32_t>(std::stoul(said));
  std::uint32_t right = 0;
  for (std::uint32_t seed = 0; seed < seeds; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    if (expect_same(test::random_program(seed), {})) ++right;
    if (HasFailure()) return;
  }
  EXPECT_GT(right, seeds / 2);
}

}  // namespace
}  // namespace firewright::nftables
