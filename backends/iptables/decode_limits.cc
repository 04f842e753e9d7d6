#include "backends/iptables/decode_limits.h"

#include <limits>
#include <utility>

#include "backends/iptables/decode_names.h"

namespace firewright::iptables::decoder {
namespace {

constexpr std::uint32_t hashlimit_burst_max = 1'000'000;

bool begins(std::string_view whole, std::string_view text) {
  return text.size() <= whole.size() && same_name(whole.substr(0, text.size()), text);
}

// Any beginning of a unit's name.
std::optional<ir::TimeUnit> unit_of(std::string_view text) {
  if (text.empty()) return std::nullopt;
  if (begins("second", text)) return ir::TimeUnit::second;
  if (begins("minute", text)) return ir::TimeUnit::minute;
  if (begins("hour", text)) return ir::TimeUnit::hour;
  if (begins("day", text)) return ir::TimeUnit::day;
  return std::nullopt;
}

std::string_view prefix(Family family) { return family == Family::ipv4 ? "v4-" : "v6-"; }

}  // namespace

std::optional<Rate> rate_of(std::string_view text, std::uint64_t scale) {
  const auto slash = text.find('/');
  const auto packets = number(text.substr(0, slash), std::numeric_limits<std::uint32_t>::max());
  const auto unit = slash == std::string_view::npos ? std::optional(ir::TimeUnit::second)
                                                    : unit_of(text.substr(slash + 1));
  if (!packets || *packets == 0 || !unit) return std::nullopt;
  // The kernel gets the time between two tokens, rounded down.
  const auto total = scale * ir::seconds(*unit);
  const auto period = total / *packets;
  if (period == 0) return std::nullopt;
  return Rate{.packets = static_cast<std::uint32_t>(total / period), .unit = *unit};
}

std::optional<ir::RateLimit> plain(const HashLimit& limit, Family family) {
  if (!limit.rate || limit.other) return std::nullopt;
  const bool per_source = limit.mode == "srcip";
  if (!per_source && !limit.mode.empty()) return std::nullopt;
  if (limit.source_mask && *limit.source_mask != (family == Family::ipv4 ? 32U : 128U))
    return std::nullopt;
  if (limit.burst == 0 || limit.burst > hashlimit_burst_max) return std::nullopt;
  // Forgotten, a bucket begins full.
  const auto period = hashlimit_scale * ir::seconds(limit.rate->unit) / limit.rate->packets;
  const std::uint64_t expire = limit.expire ? *limit.expire : ir::seconds(limit.rate->unit) * 1000;
  if (expire * 1000 < period * limit.burst) return std::nullopt;
  return ir::RateLimit{.packets = limit.rate->packets,
                       .unit = limit.rate->unit,
                       .burst = limit.burst,
                       .per_source = per_source};
}

std::string Buckets::unused(std::string_view wish) {
  std::string name;
  for (const char c : wish) {
    const bool plain_letter =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    name += plain_letter ? c : '-';
  }
  if (taken_.insert(name).second) return name;
  for (unsigned number = 2;; ++number)
    if (auto longer = name + '-' + std::to_string(number); taken_.insert(longer).second)
      return longer;
}

std::string Buckets::in_rule(Family family, std::string_view chain, std::size_t number) {
  return unused(std::string(prefix(family)) + std::string(chain) + '-' + std::to_string(number));
}

Buckets::Table Buckets::table(Family family, const std::string& name, const std::string& parameters,
                              bool per_source, Span at) {
  auto& known = tables_[{family, name}];
  if (!known.instance.empty()) {
    if (known.parameters == parameters) return {.instance = known.instance, .conflict = {}};
    return {.instance = known.instance, .conflict = known.at};
  }
  known.parameters = parameters;
  known.at = at;
  if (per_source) {
    auto& instance = for_both_families_[{name, parameters}];
    if (instance.empty()) instance = unused(name);
    known.instance = instance;
  } else {
    known.instance = unused(std::string(prefix(family)) + name);
  }
  return {.instance = known.instance, .conflict = {}};
}

}  // namespace firewright::iptables::decoder
