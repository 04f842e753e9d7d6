#include "compiler/policy/toml_error.h"

#include <algorithm>
#include <optional>

namespace firewright::policy {
namespace {

// The library's "Error while parsing SCOPE: REASON" taken apart.
struct Description {
  std::string_view scope;
  std::string_view reason;
};

Description take_apart(std::string_view text) {
  constexpr std::string_view start = "Error while parsing ";
  if (!text.starts_with(start)) return {.scope = {}, .reason = text};
  text.remove_prefix(start.size());
  const auto colon = text.find(": ");
  if (colon == std::string_view::npos) return {.scope = {}, .reason = text};
  return {.scope = text.substr(0, colon), .reason = text.substr(colon + 2)};
}

// One code point, or nothing at the end of a line.
Span point(FileId file, std::string_view text, std::uint32_t at) {
  std::uint32_t end = at;
  if (end < text.size() && text[end] != '\n' && text[end] != '\r') {
    ++end;
    while (end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) ++end;
  }
  return {.file = file, .begin = at, .end = end};
}

// The text between the first pair of quotes of a reason that tells of a second definition.
std::optional<std::string> quoted_name(std::string_view reason) {
  const auto open = reason.find('\'');
  const auto close = reason.rfind('\'');
  if (open == std::string_view::npos || close <= open) return std::nullopt;
  return std::string(reason.substr(open + 1, close - open - 1));
}

std::vector<std::string> split_path(const std::string& name) {
  if (name.find_first_of("\"'") != std::string::npos) return {};
  std::vector<std::string> parts;
  std::size_t begin = 0;
  while (begin <= name.size()) {
    const auto dot = std::min(name.find('.', begin), name.size());
    parts.push_back(name.substr(begin, dot - begin));
    begin = dot + 1;
  }
  return parts;
}

// The library points behind the `=` of a key that is written twice; this is the key itself.
Span key_before(FileId file, std::string_view text, std::uint32_t at, const std::string& name) {
  const auto equals = text.rfind('=', at == 0 ? 0 : at - 1);
  if (equals == std::string_view::npos) return point(file, text, at);
  auto end = equals;
  while (end > 0 && (text[end - 1] == ' ' || text[end - 1] == '\t')) --end;
  auto begin = end;
  while (begin > 0 && std::string_view("\n,{").find(text[begin - 1]) == std::string_view::npos)
    --begin;
  while (begin < end && (text[begin] == ' ' || text[begin] == '\t')) ++begin;
  if (end - begin < name.size()) return point(file, text, at);
  return {.file = file,
          .begin = static_cast<std::uint32_t>(begin),
          .end = static_cast<std::uint32_t>(end)};
}

// The whole `[header]` whose first bracket is at `at`.
Span header_at(FileId file, std::string_view text, std::uint32_t at) {
  const auto line_start = text.rfind('\n', at == 0 ? 0 : at - 1);
  auto begin = line_start == std::string_view::npos ? 0 : line_start + 1;
  if (at < text.size() && text[at] == '[') begin = at;
  const auto line_end = std::min(text.find_first_of("\r\n#", begin), text.size());
  const auto close = text.substr(begin, line_end - begin).rfind(']');
  if (close == std::string_view::npos) return point(file, text, at);
  return {.file = file,
          .begin = static_cast<std::uint32_t>(begin),
          .end = static_cast<std::uint32_t>(begin + close + 1)};
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

TomlError second_definition(const Description& description, FileId file, std::string_view text,
                            std::uint32_t at) {
  const auto name = quoted_name(description.reason).value_or("");
  TomlError error;
  error.header = contains(description.scope, "header");
  error.span = error.header ? header_at(file, text, at) : key_before(file, text, at, name);
  error.path = name.empty() ? std::vector<std::string>{} : split_path(name);
  const bool mixes = error.header ? contains(description.reason, "as array-of-tables") &&
                                        contains(description.reason, "existing array")
                                  : contains(description.reason, "existing array");
  const auto last = error.path.empty() ? name : error.path.back();
  if (mixes && (last == "allow" || last == "deny" || last == "reject" || last == "assert")) {
    error.kind = Kind::mixed_array;
    error.args = {name};
    error.help =
        "write all of them in one way: inline, `" + last +
        " = [\"ssh\", { service = \"rdp\", from = \"office\" }]`, or each as a section of its "
        "own with its keys below; or put one half into a file of its own and `include` it";
    return error;
  }
  error.kind = Kind::duplicate_key;
  error.args = {name.empty() ? "this key" : name};
  if (error.header) error.help = "put all keys of one table under one header";
  return error;
}

std::string help_for(const Description& description) {
  const auto& reason = description.reason;
  if (contains(reason, "representable") || contains(reason, "between")) return "";  // says it all
  if (contains(reason, "could not determine value type") || description.scope == "boolean" ||
      description.scope == "floating-point" || contains(description.scope, "integer") ||
      contains(description.scope, "date") || contains(description.scope, "inf"))
    return "texts, addresses and port ranges stand in quotes: `from = \"10.0.0.0/8\"`";
  if (description.scope == "inline table" && contains(reason, "expected key"))
    return "an inline table `{ ... }` stands on one line; a longer one is written as a section";
  if (contains(reason, "expected '='")) return "a line is `key = value` or a `[section]`";
  return "";
}

// A reason in our style: lower case, values in backticks.
std::string reworded(std::string_view reason) {
  std::string out(reason);
  for (std::size_t i = 0; i < out.size(); ++i)
    if (out[i] == '\'' && !(i > 0 && i + 1 < out.size() && std::isalpha(out[i - 1]) != 0 &&
                            std::isalpha(out[i + 1]) != 0))
      out[i] = '`';
  if (out.size() > 1 && out[0] >= 'A' && out[0] <= 'Z' && out[1] >= 'a')
    out[0] = static_cast<char>(out[0] - 'A' + 'a');
  return out;
}

}  // namespace

TomlError explain_toml_error(std::string_view description_text, FileId file, std::string_view text,
                             std::uint32_t at) {
  const auto description = take_apart(description_text);
  if (contains(description.reason, "cannot redefine existing") ||
      contains(description.reason, "into existing inline table"))
    return second_definition(description, file, text, at);
  TomlError error;
  error.kind = Kind::syntax;
  error.span = point(file, text, at);
  auto reason = reworded(description.reason);
  if (!description.scope.empty() && description.scope != "value" &&
      description.scope != "key-value pair" && description.scope != "root table")
    reason = "in this " + std::string(description.scope) + ": " + reason;
  error.args = {std::move(reason)};
  error.help = help_for(description);
  return error;
}

}  // namespace firewright::policy
