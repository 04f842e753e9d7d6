#include "tests/backends/netsh/lines.h"

namespace firewright::netsh::test {
namespace {

struct Place {
  std::size_t tag = std::string::npos;  // the blank before it
  std::size_t value = 0;
  std::size_t end = 0;
};

Place find(const std::string& line, std::string_view tag) {
  // A description comes last and may hold anything.
  const auto limit = tag == "description" ? line.size() : line.find(" description=");
  Place place;
  const auto at = line.find(" " + std::string(tag) + "=");
  if (at == std::string::npos || at > limit) return place;
  place.tag = at;
  place.value = at + tag.size() + 2;
  const bool quoted = line[place.value] == '"';
  place.end = line.find(quoted ? '"' : ' ', place.value + 1);
  if (place.end == std::string::npos) place.end = line.size();
  if (quoted) ++place.end;
  return place;
}

}  // namespace

bool adds_rule(std::string_view line) { return line.starts_with("advfirewall firewall add rule "); }

std::optional<std::string> value_of(const std::string& line, std::string_view tag) {
  const auto place = find(line, tag);
  if (place.tag == std::string::npos) return std::nullopt;
  return line.substr(place.value, place.end - place.value);
}

std::string with_value(const std::string& line, std::string_view tag,
                       const std::optional<std::string>& value) {
  const auto place = find(line, tag);
  const auto begin = value ? place.value : place.tag;
  return line.substr(0, begin) + value.value_or("") + line.substr(place.end);
}

std::string with_tag(const std::string& line, std::string_view tag, std::string_view name) {
  const auto place = find(line, tag);
  return line.substr(0, place.tag + 1) + std::string(name) + line.substr(place.value - 1);
}

std::vector<std::string> split(const std::string& list) {
  std::vector<std::string> items(1);
  for (const char c : list)
    if (c == ',')
      items.emplace_back();
    else
      items.back() += c;
  return items;
}

std::string join(const std::vector<std::string>& list) {
  std::string text;
  for (const auto& item : list) text += (text.empty() ? "" : ",") + item;
  return text;
}

std::string replaced(std::string text, std::string_view what, std::string_view by) {
  const auto at = text.find(what);
  if (at != std::string::npos) text.replace(at, what.size(), by);
  return text;
}

}  // namespace firewright::netsh::test
