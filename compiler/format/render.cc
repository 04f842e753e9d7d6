#include "compiler/format/render.h"

#include "compiler/format/format.h"

namespace firewright::format {
namespace {

constexpr std::size_t step = 2;

bool is_header(const Line& line) {
  return line.kind == Line::Kind::header || line.kind == Line::Kind::array_header;
}

// One blank line before a table and the comment right above it, none behind its header, and none at
// the beginning of the file.
void place_blank_lines(std::vector<Line>& lines) {
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i > 0 && lines[i].kind == Line::Kind::entry && is_header(lines[i - 1]))
      lines[i].item.blank_before = false;
    if (!is_header(lines[i])) continue;
    auto top = i;
    while (top > 0 && !lines[top].item.blank_before && lines[top - 1].kind == Line::Kind::comment)
      --top;
    lines[top].item.blank_before = true;
  }
  if (!lines.empty()) lines.front().item.blank_before = false;
}

class Writer {
 public:
  std::string take() { return std::move(text_); }

  void line(const Line& line) {
    if (line.item.blank_before) end_line();
    switch (line.kind) {
      case Line::Kind::comment: put(line.item.comment); break;
      case Line::Kind::header:
        put("[");
        key(line.item);
        put("]");
        break;
      case Line::Kind::array_header:
        put("[[");
        key(line.item);
        put("]]");
        break;
      case Line::Kind::entry:
        key(line.item);
        put(" = ");
        value(*line.item.value, 0, 0);
        break;
    }
    if (line.kind != Line::Kind::comment) comment_behind(line.item.comment);
    end_line();
  }

 private:
  void put(std::string_view text) {
    text_ += text;
    column_ += columns(text);
  }
  // A scalar: in a string of several lines the line ends become ours, as any other.
  void put_scalar(std::string_view text) {
    for (std::size_t at = 0; at < text.size();) {
      const auto end = std::min(text.find('\n', at), text.size());
      auto part = text.substr(at, end - at);
      if (end < text.size() && part.ends_with('\r')) part.remove_suffix(1);
      put(part);
      if (end < text.size()) end_line();
      at = end + 1;
    }
  }
  void end_line() {
    text_ += '\n';
    column_ = 0;
  }
  void new_line(std::size_t indent) {
    end_line();
    put(std::string(indent, ' '));
  }
  void comment_behind(std::string_view comment) {
    if (comment.empty()) return;
    put(" ");
    put(comment);
  }
  void key(const Item& item) {
    for (std::size_t i = 0; i < item.key.size(); ++i) {
      if (i > 0) put(".");
      put(item.key[i]);
    }
  }

  // `indent` of the line that it stands on; `behind`: columns that follow it on that line.
  void value(const Node& node, std::size_t indent, std::size_t behind) {
    switch (node.kind) {
      case Node::Kind::scalar: put_scalar(node.text); break;
      case Node::Kind::array:
        if (stays_flat(node, behind))
          flat_array(node, indent);
        else
          broken_array(node, indent);
        break;
      case Node::Kind::table: table(node, indent, behind); break;
    }
  }

  [[nodiscard]] bool stays_flat(const Node& node, std::size_t behind) const {
    if (node.width == Node::never) return false;
    // A lone word gains nothing from a line of its own.
    const bool lone =
        node.items.size() == 1 && node.items.front().value->kind == Node::Kind::scalar;
    return node.items.empty() || lone || column_ + node.width + behind <= line_width;
  }

  void flat_array(const Node& node, std::size_t indent) {
    put("[");
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      if (i > 0) put(", ");
      value(*node.items[i].value, indent, 0);
    }
    put("]");
  }

  void broken_array(const Node& node, std::size_t indent) {
    put("[");
    comment_behind(node.opening);
    for (const auto& item : node.items) {
      if (item.blank_before) end_line();
      new_line(indent + step);
      if (!item.value) {
        put(item.comment);
        continue;
      }
      value(*item.value, indent + step, 1);
      put(",");
      comment_behind(item.comment);
    }
    new_line(indent);
    put("]");
  }

  // On one line, as TOML demands; only arrays in it may take more.
  void table(const Node& node, std::size_t indent, std::size_t behind) {
    if (node.items.empty()) {
      put("{}");
      return;
    }
    put("{ ");
    for (std::size_t i = 0; i < node.items.size(); ++i) {
      const bool last = i + 1 == node.items.size();
      key(node.items[i]);
      put(" = ");
      value(*node.items[i].value, indent, last ? behind + 2 : 1);
      put(last ? " }" : ", ");
    }
  }

  std::string text_;
  std::size_t column_ = 0;
};

}  // namespace

std::string render(std::vector<Line> lines) {
  place_blank_lines(lines);
  Writer writer;
  for (const auto& line : lines) writer.line(line);
  return writer.take();
}

}  // namespace firewright::format
