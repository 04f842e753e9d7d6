#include "backends/iptables/line.h"

#include <cstddef>

namespace firewright::iptables {
namespace {

// XT_MAX_COMMENT_LEN of linux/netfilter/xt_comment.h, without the final NUL.
constexpr std::size_t comment_limit = 255;

constexpr std::string LineMatch::* slots[] = {
    &LineMatch::in,
    &LineMatch::out,
    &LineMatch::source,
    &LineMatch::destination,
    &LineMatch::protocol,
    &LineMatch::icmp,
    &LineMatch::source_port,
    &LineMatch::destination_port,
    &LineMatch::source_multiport,
    &LineMatch::destination_multiport,
    &LineMatch::source_range,
    &LineMatch::destination_range,
    &LineMatch::source_set,
    &LineMatch::destination_set,
    &LineMatch::pair_set,
    &LineMatch::user,
    &LineMatch::group,
    &LineMatch::states,
    &LineMatch::predicates,
};

void append(std::string& text, std::string_view word) {
  if (word.empty()) return;
  text += ' ';
  text += word;
}

// Options of one match extension, which is named once for both of them.
void append_module(std::string& text, std::string_view module, std::string_view a,
                   std::string_view b = {}) {
  if (a.empty() && b.empty()) return;
  append(text, module);
  append(text, a);
  append(text, b);
}

constexpr std::string_view multiport = "-m multiport";

}  // namespace

LineMatch both(const LineMatch& a, const LineMatch& b) {
  LineMatch result = a;
  for (const auto slot : slots)
    if ((result.*slot).empty()) result.*slot = b.*slot;
  return result;
}

std::string to_text(const Line& line) {
  const auto& match = line.match;
  std::string text;
  append(text, match.in);
  append(text, match.out);
  append(text, match.source);
  append(text, match.destination);
  append(text, match.protocol);
  append(text, match.icmp);
  append(text, match.source_port);
  append(text, match.destination_port);
  // One multiport holds either sources or destinations.
  append_module(text, multiport, match.source_multiport);
  append_module(text, multiport, match.destination_multiport);
  append_module(text, "-m iprange", match.source_range, match.destination_range);
  append(text, match.source_set);
  append(text, match.destination_set);
  append(text, match.pair_set);
  append_module(text, "-m owner", match.user, match.group);
  append_module(text, "-m conntrack", match.states);
  append(text, match.predicates);
  if (!line.comment.empty()) append_module(text, "-m comment --comment", quote(line.comment));
  if (!line.target.empty()) append_module(text, line.go_to ? "-g" : "-j", line.target);
  return text;
}

OpenLine open_at(const Line& line, std::string LineMatch::* slot) {
  constexpr char gap = '\x01';  // which no label and no option has
  Line with_gap = line;
  with_gap.match.*slot = gap;
  auto text = to_text(with_gap);
  const auto at = text.find(gap);
  return {.before = text.substr(0, at), .behind = text.substr(at + 1)};
}

std::string quote(std::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') quoted += '\\';
    quoted += c;
  }
  return quoted + '"';
}

std::string tame(std::string_view text, std::size_t limit) {
  std::string result;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    result += byte < 0x20 || byte == 0x7f ? '?' : c;
  }
  if (result.size() <= limit) return result;
  constexpr std::string_view dots = "...";
  std::size_t end = limit - dots.size();
  while (end > 0 && (static_cast<unsigned char>(result[end]) & 0xc0U) == 0x80U) --end;
  result.resize(end);
  return result += dots;
}

std::string comment_of(const std::vector<std::string>& labels) {
  // Room for ", and 4294967295 more".
  constexpr std::size_t room = comment_limit - 22;
  std::string text;
  for (std::size_t i = 0; i < labels.size(); ++i) {
    const auto label = tame(labels[i], room);
    if (i > 0 && text.size() + 2 + label.size() > room)
      return text + ", and " + std::to_string(labels.size() - i) + " more";
    if (i > 0) text += ", ";
    text += label;
  }
  return text;
}

}  // namespace firewright::iptables
