// The lines and words of an iptables-restore file, split as iptables-restore splits them: see
// add_param_to_argv() in its xshared.c. It knows one quote, `"`, and one escape, the backslash
// inside of it; a closing quote ends the word.
//
// What iptables-restore would read otherwise than it looks (a line longer than its buffer, a quote
// that is never closed, a file whose last line has no end) is refused.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/diagnostics/diagnostic.h"

namespace firewright::iptables::decoder {

struct Word {
  std::string_view text;  // without its quotes
  std::uint32_t begin = 0;
  std::uint32_t end = 0;
  bool quoted = false;
};

// Where diagnostics about one file go.
class Report {
 public:
  Report(FileId file, Sink& sink) : file_(file), sink_(sink) {}

  [[nodiscard]] Span span(std::uint32_t begin, std::uint32_t end) const {
    return {file_, begin, end};
  }
  [[nodiscard]] Span span(const Word& word) const { return span(word.begin, word.end); }
  // "not iptables-restore text as it is known here: ..."
  Diagnostic& syntax(Span at, std::string what);
  Diagnostic& syntax(const Word& at, std::string what) { return syntax(span(at), std::move(what)); }
  Diagnostic& unknown(const Word& at, std::string help);
  Diagnostic& say(Kind kind, Span at, std::vector<std::string> args) {
    return sink_.report(kind, at, std::move(args));
  }

 private:
  FileId file_;
  Sink& sink_;
};

// "`text`", cut where it is long.
[[nodiscard]] std::string shown(std::string_view text);

struct Line {
  std::string_view text;  // without its end
  std::uint32_t begin = 0;
  [[nodiscard]] std::uint32_t end() const {
    return begin + static_cast<std::uint32_t>(text.size());
  }
};

class Lines {
 public:
  explicit Lines(std::string_view text) : text_(text) {}
  // False at the end of the text.
  [[nodiscard]] bool next(Line& line);
  // The line given last is the text's last one and has no line end.
  [[nodiscard]] bool cut_off() const { return cut_off_; }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
  bool cut_off_ = false;
};

// False, and reported: iptables-restore would take the line for several.
[[nodiscard]] bool fits(const Line& line, Report& report);

class Splitter {
 public:
  // The words of a line, valid until the next call. False: an error was reported.
  [[nodiscard]] bool split(const Line& line, std::vector<Word>& words, Report& report);

 private:
  std::string storage_;  // of words that are not in the text as they are
};

}  // namespace firewright::iptables::decoder
