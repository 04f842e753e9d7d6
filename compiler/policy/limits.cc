// The values of `limit`, `log`, `user` and `group`.
#include <charconv>

#include "compiler/policy/choices.h"
#include "compiler/policy/exceptions.h"

namespace firewright::policy {
namespace {

constexpr std::string_view rate_help =
    "write `10/minute`; units are `second`, `minute`, `hour`, `day`";

std::optional<std::uint32_t> parse_count(std::string_view text) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  return value;
}

std::optional<RateLimit> read_rate(Context& context, const Value& value) {
  if (!value.is(Value::Type::string)) {
    if (auto* diagnostic = wrong_type(context, value, "rate", "a string such as `10/minute`"))
      diagnostic->help = rate_help;
    return std::nullopt;
  }
  const auto& text = value.string();
  const auto bad = [&](Span span, std::string reason, std::string help) {
    context.report(Kind::bad_limit, value, span, {text, std::move(reason)}).help = std::move(help);
  };
  const auto slash = text.find('/');
  if (slash == std::string::npos) {
    bad(value.span, "a rate is a count and a unit", std::string(rate_help));
    return std::nullopt;
  }
  const auto count = parse_count(std::string_view(text).substr(0, slash));
  if (!count || *count == 0) {
    bad(value.part(0, slash), "the count is a number of 1 to " + std::to_string(largest_count), "");
    return std::nullopt;
  }
  const auto unit = text.substr(slash + 1);
  for (std::size_t i = 0; i < std::size(unit_words); ++i)
    if (unit_words[i] == unit) {
      RateLimit rate;
      rate.packets = *count;
      rate.unit = static_cast<TimeUnit>(i);
      return rate;
    }
  std::string help = "units are `second`, `minute`, `hour`, `day`";
  for (const auto word : unit_words)
    if (!unit.empty() && word.starts_with(unit.substr(0, 1)))
      help = "did you mean `" + text.substr(0, slash + 1) + std::string(word) + "`?";
  bad(value.part(slash + 1, unit.size()), "`" + unit + "` is not a unit", help);
  return std::nullopt;
}

std::optional<Limit> read_limit_table(Context& context, const Value& value) {
  const Fields fields(context, value, Section::limit);
  const auto errors = context.sink.errors();
  Limit limit;
  limit.span = value.span;
  const auto* rate = fields.find("rate");
  const auto* burst = fields.find("burst");
  const auto* connections = fields.find("connections");
  if (rate != nullptr) limit.rate = read_rate(context, rate->value);
  if (burst != nullptr) {
    const auto count = read_count(context, burst->value, "burst", 1, largest_count);
    if (rate == nullptr)
      context.report(Kind::missing_key, burst->key_span, {"`burst`", "rate"}).help =
          "`burst` says how many may come at once within a `rate`";
    if (count && limit.rate) limit.rate->burst = *count;
  }
  if (connections != nullptr)
    limit.connections = read_count(context, connections->value, "connections", 1, largest_count);
  if (const auto* per = fields.find("per"))
    if (read_word(context, per->value, "per", per_words)) {
      if (limit.rate) limit.rate->per_source = true;
      limit.connections_per_source = limit.connections.has_value();
    }
  if (rate == nullptr && burst == nullptr && connections == nullptr)
    context.report(Kind::missing_key, value, {"`limit`", "rate"}).help =
        "or `connections`, for how many may be open at once";
  if (context.sink.errors() > errors) return std::nullopt;
  return limit;
}

std::optional<Interval<OwnerId>> parse_owner_range(std::string_view text) {
  const auto dash = text.find('-');
  const auto low = parse_count(text.substr(0, dash));
  if (!low) return std::nullopt;
  if (dash == std::string_view::npos) return Interval<OwnerId>{OwnerId{*low}, OwnerId{*low}};
  const auto high = parse_count(text.substr(dash + 1));
  if (!high) return std::nullopt;
  return Interval<OwnerId>{OwnerId{*low}, OwnerId{*high}};
}

std::optional<Interval<OwnerId>> read_owner(Context& context, const Value& item,
                                            const std::string& key) {
  constexpr auto no_owner = largest_count;  // (uid_t)-1 stands for "no user"
  if (item.is(Value::Type::integer)) {
    const auto id = read_count(context, item, key, 0, no_owner - 1);
    if (!id) return std::nullopt;
    return Interval<OwnerId>{OwnerId{*id}, OwnerId{*id}};
  }
  if (!item.is(Value::Type::string)) {
    wrong_type(context, item, key, "a name, a number or a range `low-high`");
    return std::nullopt;
  }
  const auto& text = item.string();
  if (const auto range = parse_owner_range(text)) {
    if (range->first > range->last) {
      context.report(Kind::reversed_range, item, {text}).help =
          "did you mean `" + std::to_string(range->last.value) + "-" +
          std::to_string(range->first.value) + "`?";
      return std::nullopt;
    }
    if (range->last.value != no_owner) return range;
    context.report(Kind::bad_value, item, {text, key, "0 to " + std::to_string(no_owner - 1)});
    return std::nullopt;
  }
  const auto& owners = *context.options.owners;
  const auto id = key == "user" ? owners.user(text) : owners.group(text);
  if (id) return Interval<OwnerId>{*id, *id};
  context.report(Kind::unknown_owner, item, {key, text}).help =
      "names are looked up where the policy is compiled; write the number for another host";
  return std::nullopt;
}

}  // namespace

std::optional<Log> read_log(Context& context, const Entry& entry) {
  const auto& value = entry.value;
  if (value.is(Value::Type::boolean) || (value.from_variable && value.is(Value::Type::string) &&
                                         (value.string() == "true" || value.string() == "false"))) {
    if (!read_boolean(context, value, entry.key).value_or(false)) return std::nullopt;
    return Log{.prefix = std::nullopt, .span = value.span};
  }
  if (!value.is(Value::Type::string)) {
    wrong_type(context, value, entry.key, "`true` or a prefix");
    return std::nullopt;
  }
  const auto& prefix = value.string();
  const auto bad = [&](Span span, std::string reason) {
    context.report(Kind::bad_log_prefix, value, span, {std::move(reason)}).help =
        prefix.empty() ? "write `log = true` for the exception's own name" : "";
  };
  if (prefix.empty()) {
    bad(value.span, "it is empty");
    return std::nullopt;
  }
  if (prefix.size() > longest_prefix) {
    bad(value.span, "it is longer than 127 bytes");
    return std::nullopt;
  }
  for (std::size_t at = 0; at < prefix.size(); ++at)
    if (prefix[at] < ' ' || prefix[at] > '~') {
      bad(value.part(at, 1), "the kernel's log takes printable ASCII only");
      return std::nullopt;
    }
  return Log{.prefix = prefix, .span = value.span};
}

std::optional<Limit> read_limit(Context& context, const Value& value) {
  if (value.is(Value::Type::string)) {
    const auto rate = read_rate(context, value);
    if (!rate) return std::nullopt;
    Limit limit;
    limit.rate = rate;
    limit.span = value.span;
    return limit;
  }
  if (value.is(Value::Type::table)) return read_limit_table(context, value);
  if (auto* diagnostic =
          wrong_type(context, value, "limit", "a rate such as `10/minute` or a table"))
    diagnostic->help =
        "write `limit = \"10/minute\"` or `limit = { rate = \"10/minute\", burst = 20, "
        "per = \"source\" }`";
  return std::nullopt;
}

OwnerSet read_owners(Context& context, const Entry& entry) {
  std::vector<Interval<OwnerId>> intervals;
  for_each_item(context, entry.value, entry.key, [&](const Value& item) {
    if (const auto interval = read_owner(context, item, entry.key)) intervals.push_back(*interval);
  });
  return OwnerSet(std::move(intervals));
}

}  // namespace firewright::policy
