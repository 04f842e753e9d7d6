// The matches that count: limit, hashlimit and connlimit, and the names of their buckets.
//
// A token bucket that is no plain one is kept as an opaque condition: what matches over a rate, is
// kept for other keys than the source address, is forgotten before it would be full again, or
// counts packets that its rule does not match.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "compiler/base/source.h"
#include "compiler/ir/program.h"

namespace firewright::iptables::decoder {

struct Rate {
  std::uint32_t packets = 0;
  ir::TimeUnit unit = ir::TimeUnit::second;
};

// "10/minute", "5/s", "3"; with the rounding that the kernel does, which counts in `scale` parts of
// a second. No value: iptables does not take it.
inline constexpr std::uint64_t limit_scale = 10'000;         // XT_LIMIT_SCALE
inline constexpr std::uint64_t hashlimit_scale = 1'000'000;  // XT_HASHLIMIT_SCALE_v2
[[nodiscard]] std::optional<Rate> rate_of(std::string_view text, std::uint64_t scale);

struct HashLimit {
  std::optional<Rate> rate;
  std::uint32_t burst = 5;
  std::string name;
  std::string mode;
  std::optional<std::uint32_t> source_mask;
  std::optional<std::uint32_t> expire;  // milliseconds; none: the unit of the rate
  bool other = false;                   // an option that makes it something else
};
// Its bucket, if it is a plain one.
[[nodiscard]] std::optional<ir::RateLimit> plain(const HashLimit& limit, Family family);

// Gives buckets their names, so that two rules share a name only if they share the bucket, or if no
// packet can tell.
class Buckets {
 public:
  // A bucket that lives in one rule, the line of that number in its chain.
  [[nodiscard]] std::string in_rule(Family family, std::string_view chain, std::size_t number);

  // A table of hashlimit, found by its name. The place is of the rule that made it first with other
  // parameters, which the kernel goes on with.
  struct Table {
    std::string instance;
    std::optional<Span> conflict;
  };
  [[nodiscard]] Table table(Family family, const std::string& name, const std::string& parameters,
                            bool per_source, Span at);

 private:
  struct Known {
    std::string parameters;
    std::string instance;
    Span at;
  };
  [[nodiscard]] std::string unused(std::string_view wish);

  std::set<std::string> taken_;
  std::map<std::pair<Family, std::string>, Known> tables_;
  // Of one source each, and so of one family each, whose sources never meet.
  std::map<std::pair<std::string, std::string>, std::string> for_both_families_;
};

}  // namespace firewright::iptables::decoder
