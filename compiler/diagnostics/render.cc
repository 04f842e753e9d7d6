#include "compiler/diagnostics/render.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>

#include "compiler/diagnostics/terminal_text.h"

namespace firewright {
namespace {

using Json = nlohmann::ordered_json;

// A source line is shown in at most this many columns, about the value in question.
constexpr std::size_t shown_columns = 160;
// Glyphs looked at on each side of the value's first one; lines can be megabytes long.
constexpr std::size_t context_glyphs = 90;
constexpr std::string_view cut = "...";

// --- text

class Painter {
 public:
  explicit Painter(bool colour) : colour_(colour) {}
  [[nodiscard]] std::string bold(std::string_view text) const { return paint("1", text); }
  [[nodiscard]] std::string caret(std::string_view text) const { return paint("1;32", text); }
  [[nodiscard]] std::string severity(Severity severity) const {
    switch (severity) {
      case Severity::error: return paint("1;31", "error:");
      case Severity::warning: return paint("1;35", "warning:");
      case Severity::note: return paint("1;36", "note:");
    }
    return {};
  }

 private:
  [[nodiscard]] std::string paint(std::string_view code, std::string_view text) const {
    return colour_ ? fmt::format("\x1b[{}m{}\x1b[0m", code, text) : std::string(text);
  }
  bool colour_;
};

// The part of a line that is shown, and where the value stands in it, in columns.
struct Excerpt {
  std::string text;
  std::size_t indent = 0;
  std::size_t underline = 1;
};

bool continues_code_point(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80; }

// The offset `glyphs` code points before `offset`.
std::size_t step_back(std::string_view line, std::size_t offset, std::size_t glyphs) {
  while (glyphs > 0 && offset > 0) {
    --offset;
    if (!continues_code_point(line[offset])) --glyphs;
  }
  return offset;
}

// `begin` and `end` are offsets into `line`; the end may lie behind it.
Excerpt excerpt(std::string_view line, std::size_t begin, std::size_t end) {
  begin = std::min(begin, line.size());
  end = std::clamp(end, begin, line.size());
  Excerpt out;
  std::size_t at = step_back(line, begin, context_glyphs);
  // What stands before the value may take at most half of the columns, so that the value is seen.
  std::size_t before = 0;
  for (auto i = at; i < begin;) {
    const auto glyph = glyph_at(line, i);
    before += glyph.width;
    i += glyph.size;
  }
  const bool long_line = at > 0 || before > shown_columns / 2;
  while (at < begin && long_line && before > shown_columns / 2) {
    const auto glyph = glyph_at(line, at);
    before -= glyph.width;
    at += glyph.size;
  }
  if (long_line && at > 0) out.text = cut;
  out.indent = out.text.size() + before;

  std::size_t column = out.text.size();
  std::size_t underlined = 0;
  while (at < line.size()) {
    const auto glyph = glyph_at(line, at);
    if (column + glyph.width > shown_columns) {
      out.text += cut;
      break;
    }
    if (at >= begin && at < end) underlined += glyph.width;
    out.text += glyph.shown;
    column += glyph.width;
    at += glyph.size;
  }
  out.underline = std::max<std::size_t>(1, underlined);
  return out;
}

std::string location(Span span, const Sources& sources) {
  const auto position = sources.position(span);
  return fmt::format("{}:{}:{}:", printable(sources.file(span.file).name()), position.line,
                     position.column);
}

// The source line with its number, and a caret under the value.
std::string source_lines(Span span, const Sources& sources, const Painter& paint) {
  const auto& file = sources.file(span.file);
  const auto number = file.position(span.begin).line;
  const auto start = file.offset({.line = number, .column = 1});
  const auto shown = excerpt(file.line(number), span.begin - std::min(start, span.begin),
                             span.end - std::min(start, span.end));
  const auto mark = paint.caret("^" + std::string(shown.underline - 1, '~'));
  return fmt::format("{:>5} |{}{}\n      | {}{}\n", number, shown.text.empty() ? "" : " ",
                     shown.text, std::string(shown.indent, ' '), mark);
}

// One headline, and the source line where there is one.
std::string block(Span span, Severity severity, std::string_view message, const Sources& sources,
                  const Painter& paint) {
  std::string out;
  if (span.known()) out += paint.bold(location(span, sources)) + ' ';
  out += fmt::format("{} {}\n", paint.severity(severity), message);
  if (span.known()) out += source_lines(span, sources, paint);
  return out;
}

// Help may show several lines: an example of how to write it.
std::string help_lines(std::string_view help) {
  std::string out;
  std::string_view lead = "      = help: ";
  while (!help.empty()) {
    const auto end = help.find('\n');
    out += fmt::format("{}{}\n", lead, printable(help.substr(0, end)));
    lead = "              ";
    help.remove_prefix(end == std::string_view::npos ? help.size() : end + 1);
  }
  return out;
}

// --- JSON

Json place(Span span, const Sources& sources) {
  if (!span.known()) return Json::object();
  const auto& file = sources.file(span.file);
  const auto begin = file.position(span.begin);
  const auto end = file.position(std::max(span.begin, span.end));
  return {{"file", file.name()},
          {"line", begin.line},
          {"column", begin.column},
          {"end_line", end.line},
          {"end_column", end.column}};
}

Json to_json(const Diagnostic& diagnostic, const Sources& sources) {
  Json out = {{"id", id(diagnostic.kind)},
              {"severity", to_string(severity(diagnostic.kind))},
              {"message", diagnostic.message()}};
  out.update(place(diagnostic.span, sources));
  out["related"] = Json::array();
  for (const auto& label : diagnostic.labels) {
    Json related = {{"message", label.text}};
    related.update(place(label.span, sources));
    out["related"].push_back(std::move(related));
  }
  if (!diagnostic.help.empty()) out["help"] = diagnostic.help;
  return out;
}

}  // namespace

std::string render_text(const Sink& sink, const Sources& sources, RenderOptions options) {
  const Painter paint(options.colour);
  std::string out;
  for (const auto& diagnostic : sink.diagnostics()) {
    const auto message =
        fmt::format("{} [{}]", paint.bold(printable(diagnostic.message())), id(diagnostic.kind));
    out += block(diagnostic.span, severity(diagnostic.kind), message, sources, paint);
    for (const auto& label : diagnostic.labels)
      out += block(label.span, Severity::note, printable(label.text), sources, paint);
    out += help_lines(diagnostic.help);
  }
  if (sink.dropped() > 0)
    out += fmt::format("{} {} more of these {} not shown\n", paint.severity(Severity::note),
                       sink.dropped(), sink.dropped() == 1 ? "is" : "are");
  return out;
}

std::string render_json(const Sink& sink, const Sources& sources) {
  Json list = Json::array();
  for (const auto& diagnostic : sink.diagnostics()) list.push_back(to_json(diagnostic, sources));
  const Json document = {{"diagnostics", std::move(list)},
                         {"errors", sink.errors()},
                         {"warnings", sink.warnings()},
                         {"not_shown", sink.dropped()}};
  // File names and values are whatever bytes the user has; `replace` keeps the document valid
  // UTF-8.
  return document.dump(2, ' ', false, Json::error_handler_t::replace) + '\n';
}

}  // namespace firewright
