#include "backends/nftables/read_text_limits.h"

#include <limits>

namespace firewright::nftables::script {
namespace {

std::optional<ir::TimeUnit> time_unit(std::string_view word) {
  if (word == "second") return ir::TimeUnit::second;
  if (word == "minute") return ir::TimeUnit::minute;
  if (word == "hour") return ir::TimeUnit::hour;
  if (word == "day") return ir::TimeUnit::day;
  return std::nullopt;
}

bool is_byte_unit(std::string_view word) {
  return word == "bytes" || word == "kbytes" || word == "mbytes" || word == "gbytes";
}

// `10/second` and `10 mbytes/second`: the lexer leaves `mbytes/second` as one word.
struct Unit {
  std::string_view bytes;
  std::string_view time;
};
std::optional<Unit> take_unit(Cursor& cursor) {
  Unit unit;
  if (cursor.kind() == TokenKind::word) {
    const auto word = cursor.word();
    const auto slash = word.find('/');
    unit.bytes = word.substr(0, slash);
    if (!is_byte_unit(unit.bytes)) {
      cursor.unknown("known are bytes, kbytes, mbytes and gbytes");
      return std::nullopt;
    }
    cursor.advance();
    if (slash != std::string_view::npos) {
      unit.time = word.substr(slash + 1);
      return unit;
    }
  }
  if (!cursor.take(TokenKind::slash)) {
    cursor.expected("`/` and a unit of time");
    return std::nullopt;
  }
  unit.time = cursor.word();
  if (!time_unit(unit.time) && unit.time != "week") {
    cursor.expected("a unit of time");
    return std::nullopt;
  }
  cursor.advance();
  return unit;
}

}  // namespace

std::optional<LimitText> read_limit(Cursor& cursor) {
  constexpr std::uint64_t default_burst = 5;  // of packets; none for bytes
  const auto first = cursor.position();
  if (!cursor.take_word("rate")) {
    cursor.expected("`rate`");
    return std::nullopt;
  }
  const bool over = cursor.take_word("over");
  if (!over) cursor.take_word("until");
  const auto count = cursor.take_number();
  if (!count) return std::nullopt;
  const auto unit = take_unit(cursor);
  if (!unit) return std::nullopt;
  const bool packets = unit->bytes.empty();
  std::uint64_t burst = packets ? default_burst : 0;
  std::string burst_unit = "packets";
  if (cursor.take_word("burst")) {
    const auto number = cursor.take_number();
    if (!number) return std::nullopt;
    burst = *number;
    if (packets ? cursor.word() != "packets" : !is_byte_unit(cursor.word())) {
      cursor.expected(packets ? "`packets`" : "a unit of bytes");
      return std::nullopt;
    }
    burst_unit = std::string(cursor.word());
    cursor.advance();
  }
  constexpr auto most = std::numeric_limits<std::uint32_t>::max();
  if (*count == 0 || (packets && (burst == 0 || burst > most))) {
    cursor.conflict("a rate or burst of zero or of more than 32 bits", cursor.since(first));
    return std::nullopt;
  }
  LimitText limit;
  limit.text = std::string("limit rate ") + (over ? "over " : "") + std::to_string(*count);
  if (!packets) limit.text += " " + std::string(unit->bytes);
  limit.text += "/" + std::string(unit->time);
  if (burst != 0) limit.text += " burst " + std::to_string(burst) + " " + burst_unit;
  const auto time = time_unit(unit->time);
  if (!over && packets && time && *count <= most)
    limit.rate = ir::RateLimit{.packets = static_cast<std::uint32_t>(*count),
                               .unit = *time,
                               .burst = static_cast<std::uint32_t>(burst),
                               .per_source = false};
  return limit;
}

std::string bucket_text(const ir::Predicate& predicate) {
  if (const auto* opaque = std::get_if<ir::OpaqueMatch>(&predicate.test)) return opaque->text;
  if (const auto* count = std::get_if<ir::ConnectionLimit>(&predicate.test))
    return "ct count " + std::to_string(count->connections) +
           (count->per_source ? " of each source" : "");
  const auto& rate = std::get<ir::RateLimit>(predicate.test);
  return "limit rate " + std::to_string(rate.packets) + "/" + std::string(to_string(rate.unit)) +
         " burst " + std::to_string(rate.burst) + " packets" +
         (rate.per_source ? " of each source" : "");
}

std::uint64_t seconds_to_fill(const ir::RateLimit& rate) {
  return (ir::seconds(rate.unit) * rate.burst + rate.packets - 1) / rate.packets;
}

}  // namespace firewright::nftables::script
