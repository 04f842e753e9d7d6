#include "compiler/policy/names.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "compiler/net/address_set.h"
#include "compiler/policy/choices.h"

namespace firewright::policy {
namespace {

constexpr std::size_t longest_interface = 15;  // IFNAMSIZ - 1

bool is_name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
         c == '_' || c == '.';
}

// The code point at `at` of well-formed UTF-8, and `at` moved behind it.
std::uint32_t next_code_point(std::string_view text, std::size_t& at) {
  const auto lead = static_cast<unsigned char>(text[at++]);
  if (lead < 0x80) return lead;
  const unsigned tail = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
  std::uint32_t value = lead & (0x3FU >> tail);
  for (unsigned i = 0; i < tail && at < text.size(); ++i)
    value = (value << 6U) | (static_cast<unsigned char>(text[at++]) & 0x3FU);
  return value;
}

// Control characters, line separators, and what changes the direction of the text around it.
bool is_invisible(std::uint32_t c) {
  return c < 0x20 || (c >= 0x7F && c <= 0x9F) || (c >= 0x2028 && c <= 0x202E) ||
         (c >= 0x2066 && c <= 0x2069) || c == 0x200E || c == 0x200F || c == 0x061C || c == 0xFEFF;
}

std::string code_point_name(std::uint32_t c) {
  char text[16];
  std::snprintf(text, sizeof text, "U+%04X", static_cast<unsigned>(c));
  return text;
}

}  // namespace

bool is_variable_name(std::string_view name) {
  return !name.empty() && name.size() <= longest_defined_name &&
         std::all_of(name.begin(), name.end(), is_name_character);
}

bool check_name(Context& context, const Entry& entry, std::string_view what) {
  if (!is_variable_name(entry.key)) {
    context.report(Kind::bad_name, entry.key_span, {entry.key, std::string(what)}).help =
        "a name is made of letters, digits, `-`, `_` and `.`";
    return false;
  }
  const auto parsed = parse_address_item(entry.key);
  const auto* problem = std::get_if<AddressProblem>(&parsed.value);
  if (problem != nullptr && *problem == AddressProblem::not_an_address) return true;
  context.report(Kind::bad_name, entry.key_span, {entry.key, std::string(what)}).help =
      "it reads as an address";
  return false;
}

std::string interface_problem(std::string_view name) {
  const auto stem = name.substr(0, name.size() - (name.ends_with('*') ? 1U : 0U));
  if (name.empty()) return "it is empty";
  if (stem.empty()) return "`*` alone is every interface";
  if (stem.size() > longest_interface) return "a name has at most 15 bytes";
  if (stem == "." || stem == "..") return "the kernel keeps this name for itself";
  for (std::size_t at = 0; at < stem.size();) {
    const auto c = next_code_point(stem, at);
    if (c == '*') return "`*` may only stand at the end";
    if (c == '/' || c == ':' || c == ' ' || c == '%' || is_invisible(c))
      return "a name has no blanks, `/`, `:` or `%`";
  }
  return "";
}

bool check_text_for_people(Context& context, const Value& value, std::string_view key,
                           std::size_t longest, bool lines_allowed) {
  const auto& text = value.string();
  if (text.empty()) {
    context.report(Kind::bad_text, value, {std::string(key), "it is empty"});
    return false;
  }
  if (text.size() > longest) {
    context.report(Kind::bad_text, value,
                   {std::string(key), "it is longer than " + std::to_string(longest) + " bytes"});
    return false;
  }
  for (std::size_t at = 0; at < text.size();) {
    const auto begin = at;
    const auto c = next_code_point(text, at);
    if (!is_invisible(c) || (lines_allowed && (c == '\n' || c == '\t'))) continue;
    auto& diagnostic =
        context.report(Kind::bad_text, value, value.part(begin, at - begin),
                       {std::string(key), "it holds the control character " + code_point_name(c)});
    if (c == '\n' || c == '\r') diagnostic.help = "write it on one line";
    return false;
  }
  return true;
}

}  // namespace firewright::policy
