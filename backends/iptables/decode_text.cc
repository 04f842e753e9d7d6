#include "backends/iptables/decode_text.h"

#include <cstddef>
#include <utility>

namespace firewright::iptables::decoder {
namespace {

// Of iptables 1.8: a buffer of 10240 bytes for a line with its end and a NUL, 1024 for a word with
// its NUL, 255 words with the command's own name, "-t" and the table.
constexpr std::size_t line_max = 10238;
constexpr std::size_t word_max = 1023;
constexpr std::size_t words_max = 250;
constexpr std::size_t shown_max = 60;

bool is_blank(char c) { return c == ' ' || c == '\t'; }

}  // namespace

Diagnostic& Report::syntax(Span at, std::string what) {
  return sink_.report(Kind::artifact_syntax, at, {"iptables-restore text", std::move(what)});
}

Diagnostic& Report::unknown(const Word& at, std::string help) {
  auto& diagnostic = sink_.report(Kind::artifact_unknown, span(at), {std::string(at.text)});
  diagnostic.help = std::move(help);
  return diagnostic;
}

std::string shown(std::string_view text) {
  if (text.size() <= shown_max) return '`' + std::string(text) + '`';
  auto end = shown_max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U) --end;
  return '`' + std::string(text.substr(0, end)) + "...`";
}

bool Lines::next(Line& line) {
  if (at_ >= text_.size()) return false;
  const auto end = text_.find('\n', at_);
  cut_off_ = end == std::string_view::npos;
  line.begin = static_cast<std::uint32_t>(at_);
  line.text = text_.substr(at_, cut_off_ ? end : end - at_);
  at_ = cut_off_ ? text_.size() : end + 1;
  return true;
}

bool fits(const Line& line, Report& report) {
  if (line.text.size() <= line_max) return true;
  report.syntax(report.span(line.begin, line.end()),
                "a line of " + std::to_string(line.text.size()) +
                    " bytes, which iptables-restore would take for several");
  return false;
}

bool Splitter::split(const Line& line, std::vector<Word>& words, Report& report) {
  words.clear();
  storage_.clear();
  storage_.reserve(line.text.size());  // so that it never moves under the words
  const auto text = line.text;
  std::size_t at = 0;
  while (at < text.size()) {
    if (is_blank(text[at])) {
      ++at;
      continue;
    }
    Word word{.text = {}, .begin = line.begin + static_cast<std::uint32_t>(at), .end = 0};
    const auto first = at;
    while (at < text.size() && !is_blank(text[at]) && text[at] != '"') ++at;
    word.text = text.substr(first, at - first);
    if (at < text.size() && text[at] == '"') {
      word.quoted = true;
      const auto start = storage_.size();
      storage_ += word.text;
      for (++at; at < text.size() && text[at] != '"'; ++at) {
        if (text[at] == '\\' && at + 1 < text.size()) ++at;
        storage_ += text[at];
      }
      if (at == text.size()) {
        report.syntax(report.span(word.begin, line.end()), "a quote that is not closed");
        return false;
      }
      ++at;
      word.text = std::string_view(storage_).substr(start);
    }
    word.end = line.begin + static_cast<std::uint32_t>(at);
    if (word.text.size() > word_max) {
      report.syntax(word, "a word of " + std::to_string(word.text.size()) + " bytes");
      return false;
    }
    words.push_back(word);
  }
  if (words.size() > words_max) {
    report.syntax(report.span(line.begin, line.end()),
                  "a rule of " + std::to_string(words.size()) + " words");
    return false;
  }
  return true;
}

}  // namespace firewright::iptables::decoder
