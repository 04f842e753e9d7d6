#include "backends/nftables/decode_attributes.h"

#include <linux/netlink.h>

#include <cstring>
#include <utility>

namespace firewright::nftables::netlink {

Span Artifact::span(std::string_view part) const {
  if (part.data() == nullptr || part.data() < bytes_.data() ||
      part.data() > bytes_.data() + bytes_.size())
    return {};
  const auto begin = static_cast<std::uint32_t>(part.data() - bytes_.data());
  return {.file = file_, .begin = begin, .end = begin + static_cast<std::uint32_t>(part.size())};
}

Diagnostic& Artifact::report(Kind kind, std::string_view place, std::vector<std::string> args) {
  if (severity(kind) == Severity::error) failed_ = true;
  return sink_.report(kind, span(place), std::move(args));
}

void Artifact::syntax(std::string_view place, std::string what) {
  report(Kind::artifact_syntax, place, {"an nftables message", std::move(what)});
}
void Artifact::truncated(std::string_view place, std::string what) {
  report(Kind::artifact_truncated, place, {std::move(what)});
}
void Artifact::unknown(std::string_view place, std::string what, std::string help) {
  report(Kind::artifact_unknown, place, {std::move(what)}).help = std::move(help);
}
void Artifact::undefined(std::string_view place, std::string kind, std::string_view name) {
  report(Kind::artifact_undefined, place, {std::move(kind), std::string(name)});
}
void Artifact::conflict(std::string_view place, std::string what) {
  report(Kind::artifact_conflict, place, {std::move(what)});
}
void Artifact::kind(std::string_view place, std::string what, std::string why) {
  report(Kind::artifact_kind, place, {std::move(what), std::move(why)});
}
void Artifact::not_compared(std::string_view place, std::string what) {
  report(Kind::artifact_not_compared, place, {std::move(what)});
}
void Artifact::opaque(std::string_view place, const std::string& text) {
  if (opaque_.insert(text).second) report(Kind::artifact_opaque, place, {text});
}

std::optional<Attribute> Attributes::next() {
  // Behind the last attribute its padding may be missing, but nothing else may follow.
  if (rest_.empty()) return std::nullopt;
  nlattr header;
  if (rest_.size() < sizeof header) {
    damaged_ = true;
    return std::nullopt;
  }
  std::memcpy(&header, rest_.data(), sizeof header);
  const std::size_t length = header.nla_len;
  if (length < sizeof header || length > rest_.size()) {
    damaged_ = true;
    return std::nullopt;
  }
  const Attribute attribute{.type = static_cast<std::uint16_t>(header.nla_type & NLA_TYPE_MASK),
                            .value = rest_.substr(sizeof header, length - sizeof header),
                            .whole = rest_.substr(0, length)};
  rest_.remove_prefix(std::min(rest_.size(), (length + 3U) & ~std::size_t{3}));
  return attribute;
}

std::optional<std::uint64_t> big_endian(std::string_view bytes, std::size_t size) {
  if (bytes.data() == nullptr || bytes.size() != size) return std::nullopt;
  std::uint64_t value = 0;
  for (const char byte : bytes) value = (value << 8U) | static_cast<unsigned char>(byte);
  return value;
}

std::string_view until_zero(std::string_view bytes) { return bytes.substr(0, bytes.find('\0')); }

}  // namespace firewright::nftables::netlink
