// The only file that knows the TOML library. Its exceptions end here.
#include <toml++/toml.h>
#include <algorithm>
#include <cctype>

#include "compiler/policy/document.h"
#include "compiler/policy/source_text.h"
#include "compiler/policy/toml_error.h"

namespace firewright::policy {
namespace {

// The library's tree as Values with byte offsets.
class Converter {
 public:
  Converter(FileId file, std::string_view text) : file_(file), text_(text), locator_(text) {}

  [[nodiscard]] Value convert(const toml::node& node) const {
    Value value;
    value.span = span(node.source());
    switch (node.type()) {
      case toml::node_type::none: break;
      case toml::node_type::table: convert_table(*node.as_table(), value); break;
      case toml::node_type::array: convert_array(*node.as_array(), value); break;
      case toml::node_type::string: convert_string(node.as_string()->get(), value); break;
      case toml::node_type::integer:
        value.type = Value::Type::integer;
        value.data = node.as_integer()->get();
        break;
      case toml::node_type::floating_point: value.type = Value::Type::floating; break;
      case toml::node_type::boolean:
        value.type = Value::Type::boolean;
        value.data = node.as_boolean()->get();
        break;
      case toml::node_type::date: {
        const toml::date date = node.as_date()->get();
        value.type = Value::Type::date;
        value.data = Date{.year = date.year, .month = date.month, .day = date.day};
        break;
      }
      case toml::node_type::time:
      case toml::node_type::date_time: value.type = Value::Type::time; break;
    }
    return value;
  }

 private:
  [[nodiscard]] Span span(const toml::source_region& region) const {
    const auto begin = locator_.offset(region.begin.line, region.begin.column);
    const auto end = locator_.offset(region.end.line, region.end.column);
    return {.file = file_, .begin = begin, .end = std::max(begin, end)};
  }

  void convert_table(const toml::table& table, Value& value) const {
    std::vector<Entry> entries;
    entries.reserve(table.size());
    for (const auto& [key, node] : table)
      entries.push_back(
          {.key = std::string(key.str()), .key_span = span(key.source()), .value = convert(node)});
    std::sort(entries.begin(), entries.end(),
              [](const Entry& a, const Entry& b) { return a.key_span.begin < b.key_span.begin; });
    value.type = Value::Type::table;
    value.data = std::move(entries);
  }

  void convert_array(const toml::array& array, Value& value) const {
    std::vector<Value> items;
    items.reserve(array.size());
    for (const auto& node : array) items.push_back(convert(node));
    value.type = Value::Type::array;
    value.data = std::move(items);
  }

  void convert_string(const std::string& text, Value& value) const {
    value.type = Value::Type::string;
    value.data = text;
    const auto source = text_.substr(value.span.begin, value.span.end - value.span.begin);
    if (source.empty()) return;
    const std::string three(3, source[0]);
    std::size_t opening = 1;
    if (source.size() >= 6 && source.substr(0, 3) == three) {
      opening = 3;
      if (source.substr(3, 1) == "\n") opening = 4;
      if (source.substr(3, 2) == "\r\n") opening = 5;
    }
    if (source.substr(opening, text.size()) == text)
      value.opening = static_cast<std::uint8_t>(opening);
  }

  FileId file_;
  std::string_view text_;
  Locator locator_;
};

std::optional<toml::table> parse(std::string_view text) {
  try {
    return toml::parse(text);
  } catch (const toml::parse_error&) {
    return std::nullopt;
  }
}

// Where a key that is written twice stood first. The text before the second one is TOML up to
// there; a key of our own at its end tells which table the second one belongs to.
class FirstPlace {
 public:
  FirstPlace(FileId file, std::string_view text) : file_(file), text_(text) {}

  [[nodiscard]] std::optional<Span> find(const TomlError& error) const {
    if (text_.find(probe) != std::string_view::npos) return std::nullopt;
    const auto line_start = text_.rfind('\n', error.span.begin) + 1;  // npos + 1 is 0
    const auto before = std::string(text_.substr(0, line_start)) + std::string(probe) + " = 0\n";
    const auto root = parse(before);
    if (!root) return std::nullopt;
    const toml::table* table = error.header ? &*root : holder(*root);
    return table == nullptr ? std::nullopt : follow(*table, error.path);
  }

 private:
  static constexpr std::string_view probe = "firewright-looks-for-this-table";

  static const toml::table* holder(const toml::table& table) {
    if (table.contains(probe)) return &table;
    for (const auto& [key, node] : table) {
      if (const auto* child = node.as_table())
        if (const auto* found = holder(*child)) return found;
      if (const auto* array = node.as_array(); array != nullptr && !array->empty())
        if (const auto* last = array->back().as_table())
          if (const auto* found = holder(*last)) return found;
    }
    return nullptr;
  }

  [[nodiscard]] std::optional<Span> follow(const toml::table& start,
                                           const std::vector<std::string>& path) const {
    const toml::table* table = &start;
    for (std::size_t i = 0; i < path.size(); ++i) {
      const auto it = table == nullptr ? toml::table::const_iterator{} : table->find(path[i]);
      if (table == nullptr || it == table->end()) return std::nullopt;
      if (i + 1 == path.size() || it->second.is_value()) return place(it->first);
      table = it->second.as_table();
      if (const auto* array = it->second.as_array(); array != nullptr && !array->empty())
        table = array->back().as_table();
    }
    return std::nullopt;
  }

  [[nodiscard]] Span place(const toml::key& key) const {
    const Locator locator(text_);
    const auto& region = key.source();
    return {.file = file_,
            .begin = locator.offset(region.begin.line, region.begin.column),
            .end = locator.offset(region.end.line, region.end.column)};
  }

  FileId file_;
  std::string_view text_;
};

// Is the key at `at` a part of a [header]?
bool stands_in_header(std::string_view text, std::uint32_t at) {
  const auto line_start = text.rfind('\n', at) + 1;  // npos + 1 is 0
  const auto first = text.find_first_not_of(" \t", line_start);
  return first < at && text[first] == '[';
}

void report_parse_error(const toml::parse_error& error, FileId file, std::string_view text,
                        Sink& sink) {
  const Locator locator(text);
  const auto& position = error.source().begin;
  const auto at = locator.offset(position.line, position.column);
  auto explained = explain_toml_error(error.description(), file, text, at);
  const auto first = explained.path.empty() ? std::nullopt : FirstPlace(file, text).find(explained);
  if (explained.kind == Kind::mixed_array && first && !explained.header &&
      !stands_in_header(text, first->begin)) {
    explained.kind = Kind::duplicate_key;
    explained.help = "one array holds all entries";
  }
  auto& diagnostic = sink.report(explained.kind, explained.span, explained.args);
  diagnostic.help = explained.help;
  if (first) diagnostic.labels.push_back({.span = *first, .text = "first written here"});
}

}  // namespace

std::optional<Value> parse_document(FileId file, const Sources& sources, Sink& sink) {
  const auto text = sources.file(file).text();
  if (!check_text(file, sources, sink)) return std::nullopt;
  try {
    const auto root = toml::parse(text);
    return Converter(file, text).convert(root);
  } catch (const toml::parse_error& error) {
    report_parse_error(error, file, text, sink);
  } catch (const std::exception& error) {
    sink.report(Kind::syntax, {}, {error.what()});
  }
  return std::nullopt;
}

}  // namespace firewright::policy
