#include "backends/nftables/names.h"

#include <algorithm>
#include <array>
#include <unordered_set>

namespace firewright::nftables {
namespace {

constexpr std::array keywords = {
#define FIREWRIGHT_NFT_KEYWORD(word) std::string_view(word),
#include "backends/nftables/keywords.def"
#undef FIREWRIGHT_NFT_KEYWORD
};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_control(char c) { return static_cast<unsigned char>(c) < 0x20 || c == 0x7f; }
bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xc0U) == 0x80; }

// At most `limit` bytes, ending between two characters.
std::string_view cut(std::string_view text, std::size_t limit) {
  if (text.size() <= limit) return text;
  while (limit > 0 && continues_character(text[limit])) --limit;
  return text.substr(0, limit);
}

}  // namespace

std::string comment_text(std::string_view text) {
  std::string result;
  for (char c : text) result += c == '"' ? '\'' : is_control(c) ? '?' : c;
  if (result.size() <= max_comment) return result;
  return std::string(cut(result, max_comment - 3)) + "...";
}

std::string comment_text(const std::vector<std::string>& labels) {
  std::vector<std::string_view> distinct;
  std::unordered_set<std::string_view> seen;
  for (const auto& label : labels)
    if (seen.insert(label).second) distinct.push_back(label);
  std::string result;
  for (std::size_t i = 0; i < distinct.size(); ++i) {
    const std::string more = " and " + std::to_string(distinct.size() - i) + " more";
    const bool last = i + 1 == distinct.size();
    const std::size_t room = last ? max_comment : max_comment - sizeof(" and 99999 more");
    if (i > 0 && result.size() + 2 + distinct[i].size() > room) return comment_text(result + more);
    if (i > 0) result += ", ";
    result += distinct[i];
  }
  return comment_text(result);
}

std::string slug(std::string_view text) {
  std::string result;
  for (char c : text.substr(0, 100)) {
    if (is_letter(c) || is_digit(c))
      result += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    else if (!result.empty() && result.back() != '-')
      result += '-';
  }
  while (!result.empty() && result.back() == '-') result.pop_back();
  return result;
}

bool is_identifier(std::string_view name) {
  if (name.empty() || name.size() > 200 || !(is_letter(name[0]) || name[0] == '_')) return false;
  const bool spelt = std::all_of(name.begin(), name.end(), [](char c) {
    return is_letter(c) || is_digit(c) || c == '_' || c == '-' || c == '.';
  });
  return spelt && std::find(keywords.begin(), keywords.end(), name) == keywords.end();
}

std::string interface_problem(const ir::InterfacePattern& pattern) {
  if (pattern.name.empty()) return "an interface without a name";
  // IFNAMSIZ with its terminating zero; a wildcard's `*` takes a place as well.
  if (pattern.name.size() + (pattern.wildcard ? 1U : 0U) > 15)
    return "an interface name of more than 15 bytes";
  for (char c : pattern.name) {
    if (is_control(c) || c == ' ' || c == '/' || c == ':')
      return "a character in an interface name that Linux does not allow";
    if (c == '"' || c == '\\' || c == '*' || c == '$')
      return std::string("`") + c + "` in an interface name";
  }
  return {};
}

std::string log_prefix_problem(std::string_view prefix) {
  if (prefix.size() > max_log_prefix)
    return "a log prefix of more than " + std::to_string(max_log_prefix) + " bytes";
  for (char c : prefix) {
    if (is_control(c)) return "a control character in a log prefix";
    // nft expands variables in a log prefix, and has no escape for either.
    if (c == '"' || c == '$') return std::string("`") + c + "` in a log prefix";
  }
  return {};
}

}  // namespace firewright::nftables
