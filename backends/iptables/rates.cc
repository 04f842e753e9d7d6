#include "backends/iptables/rates.h"

#include <algorithm>
#include <cstdint>

namespace firewright::iptables {
namespace {

constexpr std::uint64_t limit_scale = 10'000;             // XT_LIMIT_SCALE
constexpr std::uint64_t limit_burst_max = 10'000;         // libxt_limit.c
constexpr std::uint64_t hashlimit_scale = 1'000'000;      // XT_HASHLIMIT_SCALE_v2
constexpr std::uint64_t hashlimit_burst_max = 1'000'000;  // libxt_hashlimit.c, revisions 2 and 3
// A full bucket may be worth so many seconds before credits overflow: 2^32 / (HZ *
// CREDITS_PER_JIFFY) is least with CONFIG_HZ=300, for both matches.
constexpr std::uint64_t full_bucket_max = 111'848;

// Whether user2credits() of xt_limit.c rounds a time, in 1/10000 second. Short times are multiplied
// by HZ * CREDITS_PER_JIFFY (25600, 32000 or 38400) and then divided by 10000, long ones the other
// way round; where "long" begins depends on HZ.
bool credits_are_exact(std::uint64_t time) {
  constexpr std::uint64_t always_short = 111'848;
  if (time <= always_short) return time % 25 == 0;
  return time % limit_scale == 0;
}

std::uint64_t hashlimit_period(const ir::RateLimit& rate) {
  return hashlimit_scale * ir::seconds(rate.unit) / rate.packets;
}

}  // namespace

bool limit_is_exact(const ir::RateLimit& rate) {
  if (rate.per_source || rate.packets == 0 || rate.burst == 0) return false;
  const auto total = limit_scale * ir::seconds(rate.unit);
  if (rate.burst > limit_burst_max || total % rate.packets != 0) return false;
  const auto period = total / rate.packets;
  const auto full = period * rate.burst;
  return credits_are_exact(period) && credits_are_exact(full) &&
         full <= full_bucket_max * limit_scale;
}

bool hashlimit_is_exact(const ir::RateLimit& rate) {
  if (rate.packets == 0 || rate.burst == 0 || rate.burst > hashlimit_burst_max) return false;
  const auto total = hashlimit_scale * ir::seconds(rate.unit);
  if (rate.packets > total) return false;
  const auto period = hashlimit_period(rate);
  return total / period == rate.packets && period * rate.burst <= full_bucket_max * hashlimit_scale;
}

bool can_say(const ir::RateLimit& rate) { return limit_is_exact(rate) || hashlimit_is_exact(rate); }

std::optional<ir::RateLimit> largest_within(const ir::RateLimit& rate) {
  if (rate.packets == 0) return std::nullopt;
  if (can_say(rate)) return rate;
  const auto total = hashlimit_scale * ir::seconds(rate.unit);
  // The shortest period that is not too fast.
  const auto period = (total + rate.packets - 1) / rate.packets;
  auto result = rate;
  result.packets = static_cast<std::uint32_t>(total / period);
  result.burst = static_cast<std::uint32_t>(
      std::min({std::uint64_t{rate.burst}, hashlimit_burst_max,
                full_bucket_max * hashlimit_scale / hashlimit_period(result)}));
  if (!can_say(result)) return std::nullopt;
  return result;
}

std::string rate_text(const ir::RateLimit& rate) {
  return std::to_string(rate.packets) + '/' + std::string(to_string(rate.unit));
}

bool needs_table(const ir::RateLimit& rate) { return !limit_is_exact(rate); }

std::string spell(const ir::RateLimit& rate, const std::string& name) {
  const auto burst = std::to_string(rate.burst);
  if (!needs_table(rate)) return "-m limit --limit " + rate_text(rate) + " --limit-burst " + burst;
  // A bucket may be forgotten only when it would be full again.
  const auto refill = hashlimit_period(rate) * rate.burst;
  const auto expire = (refill + hashlimit_scale - 1) / hashlimit_scale * 1000;
  return "-m hashlimit --hashlimit-upto " + rate_text(rate) + " --hashlimit-burst " + burst +
         (rate.per_source ? " --hashlimit-mode srcip" : "") + " --hashlimit-name " + name +
         " --hashlimit-htable-expire " + std::to_string(expire);
}

std::string table_name(const ir::Predicate& predicate, unsigned attempt) {
  std::string text = predicate.instance;
  if (const auto* rate = std::get_if<ir::RateLimit>(&predicate.test))
    text += ' ' + rate_text(*rate) + ' ' + std::to_string(rate->burst) +
            (rate->per_source ? " source " : " ") + std::to_string(attempt);
  std::uint32_t hash = 2'166'136'261U;  // FNV-1a
  for (const char c : text) hash = (hash ^ static_cast<unsigned char>(c)) * 16'777'619U;

  std::string name = predicate.instance.substr(0, 6);
  while (!name.empty() && name.back() == '-') name.pop_back();
  name += '-';
  for (int shift = 28; shift >= 0; shift -= 4) name += "0123456789abcdef"[(hash >> shift) & 0xfU];
  return name;
}

}  // namespace firewright::iptables
