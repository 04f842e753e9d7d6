#include "fuzz/policy_mutator.h"

#include <deque>
#include <iterator>
#include <optional>
#include <utility>
#include <vector>

#include "compiler/format/render.h"
#include "compiler/format/syntax.h"
#include "compiler/policy/document.h"
#include "fuzz/hostile_values.h"

namespace firewright::fuzz {
namespace {

using format::Item;
using format::Line;
using format::Node;

constexpr std::string_view smallest = "[inbound]\nallow = [\"ssh\"]\n";

bool is_toml(const std::string& text) {
  Sources sources;
  Sink sink;
  return policy::parse_document(sources.add("", text), sources, sink).has_value();
}

// A policy in pieces, and the texts that the pieces look into.
class Policy {
 public:
  Policy(std::string text, std::uint64_t seed) : random_(seed) {
    lines_ = *lines_of(std::move(text));
  }

  void change() {
    switch (random_() % 12) {
      case 0:
      case 1:
      case 2:
      case 3: other_value(); break;
      case 4: add_entry(); break;
      case 5:
      case 6: add_exception(); break;
      case 7: add_section(); break;
      case 8: remove(); break;
      case 9: repeat(); break;
      case 10: swap(); break;
      case 11: wrap(); break;
    }
  }

  [[nodiscard]] std::string text() const { return format::render(lines_); }

 private:
  std::optional<std::vector<Line>> lines_of(std::string text) {
    return format::read_lines(texts_.emplace_back(std::move(text)));
  }
  std::size_t below(std::size_t n) { return static_cast<std::size_t>(random_() % n); }

  // A value by itself, as a part of this policy.
  std::optional<Node> node_of(const std::string& value) {
    auto lines = lines_of("x = " + value + "\n");
    if (!lines || lines->size() != 1) return std::nullopt;
    return std::move(lines->front().item.value);
  }

  void collect(Item& item, std::string_view key,
               std::vector<std::pair<std::string_view, Node*>>& all) {
    if (!item.value) return;
    if (!item.key.empty()) key = item.key.back();
    all.emplace_back(key, &*item.value);
    for (auto& inner : item.value->items) collect(inner, key, all);
  }
  // Every value, with the key that it is said for.
  std::vector<std::pair<std::string_view, Node*>> values() {
    std::vector<std::pair<std::string_view, Node*>> all;
    for (auto& line : lines_) collect(line.item, {}, all);
    return all;
  }
  std::vector<Node*> with_items(std::size_t least) {
    std::vector<Node*> found;
    for (auto& [key, node] : values())
      if (node->kind != Node::Kind::scalar && node->items.size() >= least) found.push_back(node);
    return found;
  }

  void other_value() {
    auto all = values();
    if (all.empty()) return add_section();
    auto& [key, node] = all[below(all.size())];
    const bool list = key == "allow" || key == "deny" || key == "reject";
    if (auto other = node_of(list ? exception_text(random_) : value_for(key, random_)))
      *node = list ? array_of(std::move(*other)) : std::move(*other);
  }

  static Node array_of(Node node) {
    Node array;
    array.kind = Node::Kind::array;
    array.items.emplace_back().value = std::move(node);
    array.width = Node::never;
    array.broken = true;
    return array;
  }

  // To a table, or behind the header of an exception.
  void add_entry() {
    std::vector<Node*> tables;
    for (auto* node : with_items(1))
      if (node->kind == Node::Kind::table) tables.push_back(node);
    auto lines = lines_of(exception_entry(random_) + "\n");
    if (!lines || lines->size() != 1) return;
    if (!tables.empty() && random_() % 2 == 0) {
      auto* table = tables[below(tables.size())];
      table->items.push_back(std::move(lines->front().item));
      table->width = Node::never;
      return;
    }
    std::vector<std::size_t> headers;
    for (std::size_t i = 0; i < lines_.size(); ++i)
      if (lines_[i].kind == Line::Kind::array_header) headers.push_back(i);
    if (!headers.empty())
      lines_.insert(
          lines_.begin() + static_cast<std::ptrdiff_t>(headers[below(headers.size())]) + 1,
          std::move(lines->front()));
  }

  void add_exception() {
    std::vector<Node*> lists;
    for (auto& [key, node] : values())
      if (node->kind == Node::Kind::array && (key == "allow" || key == "deny" || key == "reject"))
        lists.push_back(node);
    if (lists.empty()) return add_section();
    auto exception = node_of(exception_text(random_));
    if (!exception) return;
    auto& list = *lists[below(lists.size())];
    const auto at = static_cast<std::ptrdiff_t>(below(list.items.size() + 1));
    list.items.insert(list.items.begin() + at, Item())->value = std::move(*exception);
    list.width = Node::never;
    list.broken = true;
  }

  void add_section() {
    if (auto lines = lines_of(section_text(random_)))
      lines_.insert(lines_.end(), std::make_move_iterator(lines->begin()),
                    std::make_move_iterator(lines->end()));
  }

  void remove() {
    const auto holders = with_items(1);
    if (!holders.empty() && random_() % 4 != 0) {
      auto& items = holders[below(holders.size())]->items;
      items.erase(items.begin() + static_cast<std::ptrdiff_t>(below(items.size())));
    } else if (lines_.size() > 1) {
      lines_.erase(lines_.begin() + static_cast<std::ptrdiff_t>(below(lines_.size())));
    }
  }

  void repeat() {
    const auto holders = with_items(1);
    if (holders.empty()) return;
    auto* node = holders[below(holders.size())];
    if (node->kind != Node::Kind::array) return;
    const auto from = below(node->items.size());
    auto copy = node->items[from];
    node->items.insert(node->items.begin() + static_cast<std::ptrdiff_t>(from), std::move(copy));
    node->width = Node::never;
    node->broken = true;
  }

  void swap() {
    const auto holders = with_items(2);
    if (holders.empty()) return;
    auto& items = holders[below(holders.size())]->items;
    std::swap(items[below(items.size())], items[below(items.size())]);
  }

  void wrap() {
    auto all = values();
    if (all.empty()) return;
    auto& node = *all[below(all.size())].second;
    if (node.kind == Node::Kind::array && node.items.size() == 1 && node.items.front().value) {
      auto inner = std::move(*node.items.front().value);
      node = std::move(inner);
    } else {
      auto inner = std::move(node);
      node = array_of(std::move(inner));
    }
  }

  Random random_;
  std::deque<std::string> texts_;
  std::vector<Line> lines_;
};

}  // namespace

std::string mutate_policy(std::string_view text, std::uint64_t seed, std::size_t limit) {
  std::string now(text);
  if (text.empty() || !is_toml(now)) now = smallest;
  Random random(seed);
  for (auto changes = 1 + random() % 4; changes > 0; --changes) {
    Policy policy(now, random());
    policy.change();
    auto next = policy.text();
    if (next.size() <= limit && is_toml(next)) now = std::move(next);
  }
  return now.size() <= limit ? now : std::string(text.substr(0, limit));
}

}  // namespace firewright::fuzz
