#include "compiler/format/syntax.h"

#include <algorithm>

namespace firewright::format {
namespace {

bool is_blank(char c) { return c == ' ' || c == '\t'; }

std::string_view without_blanks_behind(std::string_view text) {
  while (!text.empty() && (is_blank(text.back()) || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

std::size_t plus(std::size_t a, std::size_t b) {
  return a == Node::never || b == Node::never ? Node::never : a + b;
}

std::size_t width_of_items(const Node& node) {
  std::size_t width = node.kind == Node::Kind::table ? 4 : 2;  // "{  }", "[]"
  if (node.items.empty()) return 2;
  for (const auto& item : node.items) {
    if (!item.value) return Node::never;
    width = plus(width, item.value->width);
    if (node.kind == Node::Kind::table) width = plus(width, width_of(item.key) + 3);  // " = "
  }
  return plus(width, 2 * (node.items.size() - 1));  // ", "
}

class Reader {
 public:
  explicit Reader(std::string_view text) : text_(text) {}

  std::optional<std::vector<Line>> read() {
    take("\xEF\xBB\xBF");  // a byte order mark
    bool blank = false;
    for (;;) {
      skip_blanks();
      if (at_end()) break;
      if (take_line_end()) {
        blank = true;
        continue;
      }
      auto& line = lines_.emplace_back();
      line.item.blank_before = blank;
      blank = false;
      if (!read_line(line)) return std::nullopt;
      skip_blanks();
      if (!at_end() && !take_line_end()) return std::nullopt;
    }
    return std::move(lines_);
  }

 private:
  [[nodiscard]] bool at_end() const { return at_ >= text_.size(); }
  [[nodiscard]] bool sees(std::string_view word) const {
    return text_.substr(at_, word.size()) == word;
  }
  bool take(std::string_view word) {
    if (!sees(word)) return false;
    at_ += word.size();
    return true;
  }
  bool take_line_end() { return take("\n") || take("\r\n"); }
  void skip_blanks() {
    while (!at_end() && is_blank(text_[at_])) ++at_;
  }
  // Up to one of `ends`, or the text's end.
  std::string_view take_until(std::string_view ends) {
    const auto begin = at_;
    at_ = std::min(text_.find_first_of(ends, at_), text_.size());
    return text_.substr(begin, at_ - begin);
  }
  std::string_view take_comment() { return without_blanks_behind(take_until("\n")); }

  bool read_line(Line& line) {
    if (sees("#")) {
      line.item.comment = take_comment();
      return true;
    }
    if (sees("[")) {
      line.kind = take("[[") ? Line::Kind::array_header : Line::Kind::header;
      if (line.kind == Line::Kind::header) take("[");
      if (!read_key(line.item)) return false;
      if (!take(line.kind == Line::Kind::header ? "]" : "]]")) return false;
    } else {
      line.kind = Line::Kind::entry;
      if (!read_entry(line.item)) return false;
    }
    skip_blanks();
    if (sees("#")) line.item.comment = take_comment();
    return true;
  }

  bool read_entry(Item& item) {
    if (!read_key(item) || !take("=")) return false;
    skip_blanks();
    return read_value(item.value.emplace());
  }

  // The blanks behind it too.
  bool read_key(Item& item) {
    do {
      skip_blanks();
      const auto part = sees("\"") || sees("'") ? take_string() : take_until(" \t\r\n.=]");
      if (part.empty()) return false;
      item.key.push_back(part);
      skip_blanks();
    } while (take("."));
    return true;
  }

  // With its quotes. Empty: it has no end.
  std::string_view take_string() {
    const auto begin = at_;
    const char quote = text_[at_];
    const std::string_view quotes = quote == '"' ? R"(""")" : "'''";
    const bool several_lines = take(quotes);
    if (!several_lines) ++at_;
    const auto end = several_lines ? quotes : quotes.substr(0, 1);
    while (!at_end() && !sees(end)) at_ += text_[at_] == '\\' && quote == '"' ? 2U : 1U;
    if (!take(end)) return {};
    // Up to two quotes may stand right before the closing three.
    for (int i = 0; several_lines && i < 2 && sees(quotes.substr(0, 1)); ++i) ++at_;
    return text_.substr(begin, at_ - begin);
  }

  bool read_value(Node& node) {
    if (take("[")) return read_array(node);
    if (take("{")) return read_table(node);
    node.text =
        sees("\"") || sees("'") ? take_string() : without_blanks_behind(take_until(",]}#\n"));
    node.width = node.text.find('\n') == std::string_view::npos ? columns(node.text) : Node::never;
    return !node.text.empty();
  }

  bool read_array(Node& node) {
    node.kind = Node::Kind::array;
    std::size_t line_ends = 0;  // since the last item
    for (;;) {
      skip_blanks();
      if (at_end()) return false;
      if (take("]")) break;
      if (take_line_end()) {
        ++line_ends;
      } else if (sees("#")) {
        add_comment(node, line_ends);
        line_ends = 0;
      } else if (!take(",")) {
        auto& item = add_item(node, line_ends);
        if (!read_value(item.value.emplace())) return false;
        line_ends = 0;
      }
    }
    finish_array(node, line_ends);
    return true;
  }

  static Item& add_item(Node& node, std::size_t line_ends) {
    node.broken = node.broken || line_ends > 0;
    const bool first = node.items.empty();
    auto& item = node.items.emplace_back();
    item.blank_before = !first && line_ends > 1;
    return item;
  }

  void add_comment(Node& node, std::size_t line_ends) {
    const auto comment = take_comment();
    if (line_ends > 0)
      add_item(node, line_ends).comment = comment;
    else if (node.items.empty())
      node.opening = comment;
    else
      node.items.back().comment = comment;
    node.broken = true;
  }

  static void finish_array(Node& node, std::size_t line_ends) {
    node.broken = node.broken || line_ends > 0;
    if (node.items.empty() && node.opening.empty()) node.broken = false;
    const auto width = width_of_items(node);
    node.broken = node.broken || width == Node::never;
    node.width = node.broken ? Node::never : width;
  }

  bool read_table(Node& node) {
    node.kind = Node::Kind::table;
    skip_blanks();
    while (!take("}")) {
      if (!read_entry(node.items.emplace_back())) return false;
      skip_blanks();
      if (!take(",") && !sees("}")) return false;
      skip_blanks();
    }
    node.width = width_of_items(node);
    return true;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  std::vector<Line> lines_;
};

}  // namespace

std::optional<std::vector<Line>> read_lines(std::string_view text) { return Reader(text).read(); }

std::size_t columns(std::string_view text) {
  return static_cast<std::size_t>(std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; }));
}

std::size_t width_of(const std::vector<std::string_view>& key) {
  std::size_t width = key.empty() ? 0 : key.size() - 1;
  for (const auto part : key) width += columns(part);
  return width;
}

}  // namespace firewright::format
