#include "compiler/report/html.h"

#include <algorithm>

#include "compiler/diagnostics/render.h"

namespace firewright::report {
namespace {

bool is_one_of(std::string_view tag, std::initializer_list<std::string_view> tags) {
  return std::ranges::find(tags, tag) != tags.end();
}

// Stands within a line of text: no line ends with it.
bool in_a_line(std::string_view tag) { return is_one_of(tag, {"a", "code", "span", "strong"}); }

// Holds such lines: what is in it begins right behind the tag.
bool holds_lines(std::string_view tag) {
  return in_a_line(tag) || is_one_of(tag, {"caption", "dd", "dt", "h1", "h2", "h3", "li", "p",
                                           "summary", "td", "th", "title"});
}

}  // namespace

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : printable(text)) {
    switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      case '\'': out += "&#39;"; break;
      default: out += c;
    }
  }
  return out;
}

Html::Html(std::string_view language) : out_("<!DOCTYPE html>\n") {
  open("html", {{"lang", language}});
}

void Html::begin(std::string_view tag, Attributes attributes) {
  out_.append("<").append(tag);
  for (const auto& [name, value] : attributes) {
    out_.append(" ").append(name);
    if (!value.empty()) out_.append("=\"").append(escaped(value)).append("\"");
  }
  out_ += '>';
}

Html& Html::open(std::string_view tag, Attributes attributes) {
  begin(tag, attributes);
  if (!holds_lines(tag)) out_ += '\n';
  open_.push_back(tag);
  return *this;
}

Html& Html::close() {
  out_.append("</").append(open_.back()).append(">");
  if (!in_a_line(open_.back())) out_ += '\n';
  open_.pop_back();
  return *this;
}

Html& Html::text(std::string_view text) {
  out_ += escaped(text);
  return *this;
}

Html& Html::element(std::string_view tag, std::string_view text, Attributes attributes) {
  begin(tag, attributes);
  out_.append(escaped(text)).append("</").append(tag).append(">");
  if (!in_a_line(tag)) out_ += '\n';
  return *this;
}

Html& Html::empty(std::string_view tag, Attributes attributes) {
  begin(tag, attributes);
  out_ += '\n';
  return *this;
}

Html& Html::style(std::string_view sheet) {
  out_.append("<style>").append(sheet).append("</style>\n");
  return *this;
}

std::string Html::take() {
  while (!open_.empty()) close();
  return std::move(out_);
}

}  // namespace firewright::report
