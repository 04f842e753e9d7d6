#include "backends/netsh/decode_words.h"

#include <algorithm>

namespace firewright::netsh {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t'; }

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

bool begins_ignoring_case(std::string_view text, std::string_view beginning) {
  return text.size() >= beginning.size() &&
         std::equal(beginning.begin(), beginning.end(), text.begin(),
                    [](char b, char t) { return lower(b) == t; });
}

}  // namespace

std::optional<std::span<const LineWord>> LineReader::words(std::string_view line, FileId file,
                                                           std::uint32_t offset) {
  words_.clear();
  unquoted_.clear();
  unquoted_.reserve(line.size());  // the words below look into it
  std::size_t i = 0;
  for (;;) {
    while (i < line.size() && is_blank(line[i])) ++i;
    if (i == line.size()) return words_;
    const auto begin = i;
    bool inside = false;
    bool quoted = false;
    for (; i < line.size() && (inside || !is_blank(line[i])); ++i) {
      if (line[i] != '"') continue;
      inside = !inside;
      quoted = true;
    }
    if (inside) return std::nullopt;
    auto text = line.substr(begin, i - begin);
    if (quoted) {
      const auto from = unquoted_.size();
      std::copy_if(text.begin(), text.end(), std::back_inserter(unquoted_),
                   [](char c) { return c != '"'; });
      text = std::string_view(unquoted_).substr(from);
    }
    words_.push_back({.text = text,
                      .quoted = quoted,
                      .span = {.file = file,
                               .begin = offset + static_cast<std::uint32_t>(begin),
                               .end = offset + static_cast<std::uint32_t>(i)}});
  }
}

std::span<Argument> LineReader::arguments(std::span<const LineWord> words) {
  arguments_.clear();
  for (std::size_t i = 0; i < words.size(); ++i) {
    Argument argument{.tag = {}, .value = words[i].text, .span = words[i].span};
    const auto take = [&] {  // the next word into this argument
      argument.value = words[++i].text;
      argument.span.end = words[i].span.end;
    };
    const auto equals = words[i].text.find('=');
    const bool more = i + 1 < words.size();
    if (equals == 0) {
      // `=` in front of everything: a tag without a name, which no command has.
      argument.tag = "=";
    } else if (equals != std::string_view::npos) {
      argument.tag = words[i].text.substr(0, equals);
      argument.value = words[i].text.substr(equals + 1);
      // `tag= value`; but `tag= next=value` has no value.
      if (argument.value.empty() && !words[i].quoted && more &&
          (words[i + 1].quoted || words[i + 1].text.find('=') == std::string_view::npos))
        take();
    } else if (more && !words[i + 1].quoted && words[i + 1].text.starts_with('=')) {
      argument.tag = words[i].text;
      take();  // `tag =value` or `tag = value`
      argument.value.remove_prefix(1);
      if (argument.value.empty() && i + 1 < words.size()) take();
    }
    arguments_.push_back(argument);
  }
  return arguments_;
}

bool equal_ignoring_case(std::string_view a, std::string_view lower_case) {
  return a.size() == lower_case.size() && begins_ignoring_case(lower_case, a);
}

std::string in_lower_case(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), lower);
  return result;
}

std::optional<std::size_t> find_tag(std::string_view word, std::span<const std::string_view> tags) {
  std::optional<std::size_t> found;
  for (std::size_t i = 0; i < tags.size(); ++i)
    if (equal_ignoring_case(word, tags[i])) return i;
  for (std::size_t i = 0; i < tags.size(); ++i) {
    if (word.empty() || !begins_ignoring_case(tags[i], word)) continue;
    if (found) return std::nullopt;
    found = i;
  }
  return found;
}

}  // namespace firewright::netsh
