#include "compiler/analysis/markdown.h"

#include <algorithm>

#include "compiler/analysis/words.h"
#include "compiler/diagnostics/render.h"

namespace firewright::analysis {
namespace {

// A bar ends a table's cell even inside of code, where nothing can be escaped for certain.
constexpr std::string_view bar = "\u00a6";

// Code ends at as many backticks as it began with. Where there are never two in a row, they open
// and close in turn, whatever names stand between them.
std::string single_backticks(std::string text) {
  for (std::size_t at = text.find('`'); at != std::string::npos; at = text.find('`', at)) {
    const auto end = std::min(text.find_first_not_of('`', at), text.size());
    const auto kept = at + (end - at) % 2;
    std::fill(text.begin() + static_cast<std::ptrdiff_t>(kept),
              text.begin() + static_cast<std::ptrdiff_t>(end), '\'');
    at = end;
  }
  return text;
}

}  // namespace

std::string plain_markdown(std::string_view text) {
  static constexpr std::string_view special = "\\*_[]#~|@!$";
  std::string out;
  bool code = false;
  for (const char c : single_backticks(printable(text))) {
    if (c == '`') code = !code;
    if (c == '<' || c == '>' || c == '&') {
      if (code) {
        out += c;
        continue;
      }
      out += c == '<' ? "&lt;" : c == '>' ? "&gt;" : "&amp;";
      continue;
    }
    if (!code && special.find(c) != std::string_view::npos) out += '\\';
    if (c == '|' && code)
      out += bar;
    else
      out += c;
  }
  if (code) out += '`';
  return out;
}

std::string code_markdown(std::string_view text) {
  std::string out;
  for (const char c : quoted(printable(text))) {
    if (c == '|')
      out += bar;
    else
      out += c;
  }
  return out;
}

}  // namespace firewright::analysis
