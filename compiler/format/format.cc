#include "compiler/format/format.h"

#include <algorithm>
#include <vector>

#include "compiler/format/render.h"
#include "compiler/format/syntax.h"

namespace firewright::format {
namespace {

using policy::Entry;
using policy::Value;

std::string_view written(const Value& value, const Sources& sources) {
  return sources.file(value.span.file)
      .text()
      .substr(value.span.begin, value.span.end - value.span.begin);
}

// All tokens but commas, which may come and go, and the blanks between them.
void collect(const Item& item, std::vector<std::string_view>& tokens);

void collect(const Node& node, std::vector<std::string_view>& tokens) {
  switch (node.kind) {
    case Node::Kind::scalar: return;  // the tree holds them
    case Node::Kind::array: tokens.emplace_back("["); break;
    case Node::Kind::table: tokens.emplace_back("{"); break;
  }
  if (!node.opening.empty()) tokens.push_back(node.opening);
  for (const auto& item : node.items) collect(item, tokens);
  tokens.emplace_back(node.kind == Node::Kind::array ? "]" : "}");
}

void collect(const Item& item, std::vector<std::string_view>& tokens) {
  tokens.insert(tokens.end(), item.key.begin(), item.key.end());
  if (item.value) collect(*item.value, tokens);
  if (!item.comment.empty()) tokens.push_back(item.comment);
}

std::vector<std::string_view> tokens_of(const std::vector<Line>& lines) {
  std::vector<std::string_view> tokens;
  for (const auto& line : lines) collect(line.item, tokens);
  return tokens;
}

bool says_the_same(const Value& tree, const std::vector<Line>& lines, const Sources& sources,
                   const std::string& text) {
  Sources again;
  Sink sink;
  const auto file = again.add("", text);
  const auto other = policy::parse_document(file, again, sink);
  if (!other || !same_tree(tree, *other, sources, again)) return false;
  const auto other_lines = read_lines(again.file(file).text());
  return other_lines && tokens_of(lines) == tokens_of(*other_lines);
}

}  // namespace

Formatted format(FileId file, const Sources& sources, Sink& sink) {
  const auto tree = policy::parse_document(file, sources, sink);
  if (!tree) return {};
  auto lines = read_lines(sources.file(file).text());
  if (!lines) return {.outcome = Formatted::Outcome::would_change, .text = {}};
  Formatted formatted{.outcome = Formatted::Outcome::done, .text = render(*lines)};
  if (!says_the_same(*tree, *lines, sources, formatted.text))
    formatted.outcome = Formatted::Outcome::would_change;
  return formatted;
}

bool same_tree(const Value& a, const Value& b, const Sources& sources_of_a,
               const Sources& sources_of_b) {
  if (a.type != b.type) return false;
  switch (a.type) {
    case Value::Type::array:
      return std::ranges::equal(a.items(), b.items(), [&](const Value& x, const Value& y) {
        return same_tree(x, y, sources_of_a, sources_of_b);
      });
    case Value::Type::table:
      return std::ranges::equal(a.entries(), b.entries(), [&](const Entry& x, const Entry& y) {
        return x.key == y.key && same_tree(x.value, y.value, sources_of_a, sources_of_b);
      });
    case Value::Type::floating:  // the tree does not keep what they are, so their bytes have to do
    case Value::Type::time: return written(a, sources_of_a) == written(b, sources_of_b);
    case Value::Type::string: return a.string() == b.string();
    case Value::Type::integer: return a.integer() == b.integer();
    case Value::Type::boolean: return a.boolean() == b.boolean();
    case Value::Type::date: return a.date() == b.date();
    case Value::Type::broken: return true;
  }
  return false;
}

std::size_t first_difference(std::string_view before, std::string_view after) {
  if (before == after) return 0;
  const auto [a, b] = std::ranges::mismatch(before, after);
  return 1 + static_cast<std::size_t>(std::count(before.begin(), a, '\n'));
}

}  // namespace firewright::format
