#include "compiler/policy/variables.h"

#include <algorithm>
#include <charconv>

#include "compiler/policy/facts.h"
#include "compiler/policy/names.h"
#include "compiler/policy/source_text.h"
#include "compiler/policy/values.h"

namespace firewright::policy {
namespace {

constexpr std::size_t deepest = 64;

// What a value weighs against the budget.
std::size_t weight(const Value& value) {
  std::size_t total = sizeof(Value);
  if (value.is(Value::Type::string)) total += value.string().size();
  if (value.is(Value::Type::array))
    for (const auto& item : value.items()) total += weight(item);
  return total;
}

// `value`, as it stands at the place of its use.
Value at_use(Value value, Span use, Span definition) {
  value.span = use;
  value.opening = 0;
  value.from_variable = true;
  value.variable_span = definition;
  if (value.is(Value::Type::array))
    for (auto& item : value.items()) item = at_use(std::move(item), use, definition);
  return value;
}

Value set_value(const std::string& text, Span span) {
  Value value;
  value.span = span;
  std::int64_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool whole = error == std::errc{} && end == text.data() + text.size();
  if (whole && std::to_string(number) == text) {  // "007" stays a string
    value.type = Value::Type::integer;
    value.data = number;
  } else {
    value.type = Value::Type::string;
    value.data = text;
  }
  return value;
}

}  // namespace

void Variables::read_command_line() {
  for (const auto& path : context_.options.vars_files) read_facts_file(path);
  if (context_.options.facts != nullptr)
    for (const auto& fact : *context_.options.facts) override_with(fact);
  if (context_.options.set_vars.empty()) return;
  std::string text;
  for (const auto& argument : context_.options.set_vars) text += argument + "\n";
  const auto file = context_.sources.add("--set", text);
  std::size_t begin = 0;
  for (const auto& argument : context_.options.set_vars) {
    read_set(argument, file, static_cast<std::uint32_t>(begin));
    begin += argument.size() + 1;
  }
}

void Variables::read_set(const std::string& argument, FileId file, std::uint32_t begin) {
  const auto end = begin + static_cast<std::uint32_t>(argument.size());
  const Span span{.file = file, .begin = begin, .end = end};
  const auto equals = argument.find('=');
  const auto name = argument.substr(0, equals);
  if (equals == std::string::npos || !is_variable_name(name)) {
    context_.report(Kind::bad_set, span, {argument}).help = "write `--set NAME=VALUE`";
    return;
  }
  if (find_invalid_utf8(argument) != std::string::npos ||
      argument.find('\0') != std::string::npos) {
    context_.report(Kind::bad_set, span, {argument}).help = "the value is not UTF-8 text";
    return;
  }
  const auto text = argument.substr(equals + 1);
  overrides_[name] = {
      .value = set_value(text, span), .span = span, .state = State::done, .set = true};
}

void Variables::read_facts_file(const std::string& path) {
  for (const auto& fact : read_facts(context_, path)) override_with(fact);
}

void Variables::override_with(const Fact& fact) {
  overrides_[fact.name] = {.value = fact.value, .span = fact.value.span, .state = State::done};
}

const Value* Variables::override_of(const std::string& name) const {
  const auto found = overrides_.find(name);
  return found == overrides_.end() ? nullptr : &found->second.value;
}

bool Variables::check_definition(const Entry& entry) {
  if (!is_variable_name(entry.key)) {
    context_.report(Kind::bad_name, entry.key_span, {entry.key, "variable"}).help =
        "a name is made of letters, digits, `-`, `_` and `.`";
    return false;
  }
  const auto scalar = [](const Value& value) {
    return value.is(Value::Type::string) || value.is(Value::Type::integer);
  };
  constexpr std::string_view expected = "a string, an integer or an array of these";
  if (entry.value.is(Value::Type::array)) {
    for (const auto& item : entry.value.items())
      if (!scalar(item)) {
        wrong_type(context_, item, entry.key, "strings and integers in its array");
        return false;
      }
  } else if (!scalar(entry.value)) {
    wrong_type(context_, entry.value, entry.key, expected);
    return false;
  }
  return true;
}

void Variables::define(const Value& table) {
  if (!is_table(context_, table, "vars", "write `[vars]` and `name = value` below it")) return;
  for (const auto& entry : table.entries()) {
    const bool good = check_definition(entry);
    const auto [at, inserted] =
        defined_.try_emplace(entry.key, Variable{.value = entry.value,
                                                 .span = entry.key_span,
                                                 .written = &entry.value,
                                                 .state = good ? State::raw : State::failed});
    if (inserted || same_content(*at->second.written, entry.value)) continue;
    auto& diagnostic =
        context_.report(Kind::conflicting_definition, entry.key_span, {"variable", entry.key});
    diagnostic.labels.push_back({.span = at->second.span, .text = "first defined here"});
    diagnostic.help = "only `--set` and `--vars` override a variable";
  }
}

void Variables::expand(Value& value) {
  switch (value.type) {
    case Value::Type::string: expand_string(value); break;
    case Value::Type::array: expand_array(value); break;
    case Value::Type::table:
      for (auto& entry : value.entries()) expand(entry.value);
      break;
    case Value::Type::broken:
    case Value::Type::integer:
    case Value::Type::floating:
    case Value::Type::boolean:
    case Value::Type::date:
    case Value::Type::time: break;
  }
}

void Variables::expand_array(Value& value) {
  auto& items = value.items();
  bool spliced = false;
  for (auto& item : items) {
    const bool was_array = item.is(Value::Type::array);
    expand(item);
    spliced = spliced || (!was_array && item.is(Value::Type::array));
  }
  if (!spliced) return;
  std::vector<Value> flat;
  for (auto& item : items) {
    if (item.is(Value::Type::array) && item.from_variable)
      std::move(item.items().begin(), item.items().end(), std::back_inserter(flat));
    else
      flat.push_back(std::move(item));
  }
  items = std::move(flat);
}

std::optional<std::vector<Variables::Piece>> Variables::pieces(const Value& value) {
  const auto& text = value.string();
  std::vector<Piece> result;
  std::string literal;
  const auto flush = [&] {
    if (!literal.empty())
      result.push_back({.text = literal, .variable = false, .span = value.span});
    literal.clear();
  };
  for (std::size_t at = 0; at < text.size();) {
    if (text.compare(at, 3, "$${") == 0) {
      literal += "${";
      at += 3;
    } else if (text.compare(at, 2, "${") == 0) {
      const auto close = text.find('}', at);
      if (close == std::string::npos) {
        context_
            .report(Kind::bad_variable, value, value.part(at, text.size() - at),
                    {"`${` has no closing `}`"})
            .help = "write `$${` for a `${` that is no variable";
        return std::nullopt;
      }
      flush();
      const auto span = value.part(at, close + 1 - at);
      result.push_back(
          {.text = text.substr(at + 2, close - at - 2), .variable = true, .span = span});
      if (!is_variable_name(result.back().text)) {
        context_
            .report(Kind::bad_variable, value, span,
                    {"`" + result.back().text + "` is not a variable's name"})
            .help = "write `$${` for a `${` that is no variable";
        return std::nullopt;
      }
      at = close + 1;
    } else {
      literal += text[at++];
    }
  }
  flush();
  return result;
}

void Variables::expand_string(Value& value) {
  if (value.string().find("${") == std::string::npos) return;
  const auto parts = pieces(value);
  const Value use = value;
  value.type = Value::Type::broken;  // unless all goes well
  if (!parts) return;
  if (parts->size() == 1 && parts->front().variable) {
    const auto* variable = resolve(use, parts->front());
    if (variable == nullptr || !spend(weight(variable->value), use)) return;
    value = at_use(variable->value, use.span, variable->span);
    return;
  }
  std::string text;
  Span definition;
  for (const auto& part : *parts) {
    if (!part.variable) {
      text += part.text;
      continue;
    }
    const auto* variable = resolve(use, part);
    if (variable == nullptr) return;
    if (variable->value.is(Value::Type::string)) {
      text += variable->value.string();
    } else if (variable->value.is(Value::Type::integer)) {
      text += std::to_string(variable->value.integer());
    } else {
      auto& diagnostic =
          context_.report(Kind::bad_variable, part.span,
                          {"`" + part.text + "` is " + std::string(describe(variable->value)) +
                           " and cannot stand inside a text"});
      if (variable->span.known())
        diagnostic.labels.push_back({.span = variable->span, .text = "defined here"});
      return;
    }
    if (!spend(variable->value.is(Value::Type::string) ? variable->value.string().size() : 20, use))
      return;
    definition = variable->span;
  }
  Value result;
  result.type = Value::Type::string;
  result.data = std::move(text);
  value = at_use(std::move(result), use.span, definition);
}

const Variables::Variable* Variables::resolve(const Value& use, const Piece& piece) {
  auto* variable = find(piece.text);
  if (variable == nullptr) {
    auto help = context_.did_you_mean_key(piece.text, defined_);
    if (help.empty()) help = context_.did_you_mean_key(piece.text, overrides_);
    if (help.empty()) help = "define it under `[vars]`, or with `--set` or `--vars`";
    context_.report(Kind::undefined_variable, use, piece.span, {piece.text}).help = help;
    return nullptr;
  }
  variable->used = true;
  if (variable->state == State::done) {
    if (!variable->value.is(Value::Type::broken)) return variable;
    context_
        .report(Kind::bad_variable, use, piece.span,
                {"`" + piece.text + "` is neither a string nor an integer nor an array of these"})
        .help = "it comes from a facts file given with `--vars`";
    return nullptr;
  }
  if (variable->state == State::failed) return nullptr;
  if (variable->state == State::resolving) {
    auto& diagnostic = context_.report(Kind::variable_cycle, use, piece.span, {piece.text});
    diagnostic.labels.push_back({.span = variable->span, .text = "defined here"});
    return nullptr;
  }
  if (depth_ >= deepest) {
    context_.report(Kind::nested_too_deep, use, piece.span,
                    {std::to_string(deepest) + " variables"});
    return nullptr;
  }
  variable->state = State::resolving;
  ++depth_;
  Value value = variable->value;
  expand(value);
  --depth_;
  const bool array = value.is(Value::Type::array);
  const bool good =
      !value.is(Value::Type::broken) &&
      !(array && std::any_of(value.items().begin(), value.items().end(),
                             [](const Value& v) { return v.is(Value::Type::broken); }));
  variable->value = std::move(value);
  variable->state = good ? State::done : State::failed;
  return good ? variable : nullptr;
}

Variables::Variable* Variables::find(const std::string& name) {
  if (const auto it = overrides_.find(name); it != overrides_.end()) {
    if (const auto own = defined_.find(name); own != defined_.end()) own->second.used = true;
    return &it->second;
  }
  const auto it = defined_.find(name);
  return it == defined_.end() ? nullptr : &it->second;
}

bool Variables::spend(std::size_t bytes, const Value& use) {
  if (bytes <= budget_) {
    budget_ -= bytes;
    return true;
  }
  budget_ = 0;
  if (!budget_reported_)
    context_.report(Kind::expansion_too_large, use).help =
        "do variables hold others that hold others?";
  budget_reported_ = true;
  return false;
}

void Variables::check_unused() {
  for (auto& [name, variable] : defined_) {
    if (variable.state != State::raw) continue;
    Value use;
    use.span = variable.span;
    (void)resolve(use, {.text = name, .variable = true, .span = variable.span});
  }
  if (context_.sink.has_errors()) return;
  for (const auto& [name, variable] : overrides_) {
    if (!variable.set || variable.used) continue;
    const auto help = defined_.contains(name) ? "" : context_.did_you_mean_key(name, defined_);
    context_.report(Kind::unused_set, variable.span, {name}).help = help;
  }
}

}  // namespace firewright::policy
