// The matches that are not interpreted: one condition under its canonical text.

#include <algorithm>
#include <array>
#include <utility>

#include "backends/nftables/read_text_matches.h"

namespace firewright::nftables::script {
namespace {

// Words that cannot be a value, since a statement begins with them.
bool begins_statement(std::string_view word) {
  static constexpr std::array words = std::to_array<std::string_view>(
      {"accept", "drop", "reject", "continue", "return", "jump", "goto", "queue", "counter", "log",
       "limit", "comment", "vmap", "set", "map", "add", "update", "meter", "quota"});
  return std::find(words.begin(), words.end(), word) != words.end();
}

bool joins(const Cursor& cursor) {
  static constexpr std::array kinds = {
      TokenKind::comma, TokenKind::bar,        TokenKind::ampersand,
      TokenKind::caret, TokenKind::dot,        TokenKind::dash,
      TokenKind::slash, TokenKind::shift_left, TokenKind::shift_right};
  static constexpr std::array words =
      std::to_array<std::string_view>({"and", "or", "xor", "lshift", "rshift"});
  return std::find(kinds.begin(), kinds.end(), cursor.kind()) != kinds.end() ||
         std::find(words.begin(), words.end(), cursor.word()) != words.end();
}

}  // namespace

// With the elements of the sets that it names, since another script may give them others.
std::string Matches::text() const {
  std::string text = left_;
  const auto& tokens = cursor_.script().tokens;
  auto begin = behind_;
  const auto append = [&](TokenRange range) {
    const auto part = cursor_.text(range);
    if (!text.empty() && !part.empty()) text += ' ';
    text += part;
  };
  for (auto i = behind_; i + 1 < cursor_.position(); ++i) {
    if (tokens[i].kind != TokenKind::at) continue;
    const auto name = cursor_.script().spelling(tokens[i + 1]);
    const auto place = table_.set_places.find(name);
    if (place == table_.set_places.end()) continue;
    const auto& set = table_.sets[place->second];
    if (set.dynamic || table_.updated.contains(name)) continue;
    append({begin, i});
    text += " " + declarations_.elements_text(set);
    begin = i + 2;
  }
  append({begin, cursor_.position()});
  return text;
}

bool Matches::require_opaque(const std::string& text, bool own_to_this_place) {
  if (!declarations_.spend(text.size() * (packets_.matches().size() + 1)))
    return cursor_.unknown("this repeats large sets more often than the reader takes");
  auto predicate = opaque_predicate(text);
  if (own_to_this_place) predicate.instance = declarations_.new_instance(place_());
  packets_.require(predicate);
  opaque_bytes_ += text.size();
  declarations_.note_opaque(text, cursor_.since(begin_));
  return true;
}

bool Matches::take_primary() {
  const auto kind = cursor_.kind();
  if (kind == TokenKind::number || kind == TokenKind::ipv4 || kind == TokenKind::ipv6 ||
      kind == TokenKind::string || (kind == TokenKind::word && !begins_statement(cursor_.word()))) {
    cursor_.advance();
    return true;
  }
  if (kind == TokenKind::open) return cursor_.take_block() || cursor_.expected("`}`");
  if (cursor_.take(TokenKind::at)) {
    const auto use = cursor_.here();
    const auto name = cursor_.take_name();
    return name && declarations_.set(table_, *name, use) != nullptr;
  }
  if (kind != TokenKind::open_parenthesis) return cursor_.expected("a value");
  std::size_t depth = 0;
  do {
    if (cursor_.at_end()) return cursor_.expected("`)`");
    if (cursor_.kind() == TokenKind::open_parenthesis) ++depth;
    if (cursor_.kind() == TokenKind::close_parenthesis) --depth;
    cursor_.advance();
  } while (depth > 0);
  return true;
}

// A value with whatever is joined to it.
bool Matches::take_operand() {
  if (!take_primary()) return false;
  while (joins(cursor_)) {
    cursor_.advance();
    if (!take_primary()) return false;
  }
  return true;
}

// Behind `set`. A value that is looked up ends the rule here, since the rule goes on only where
// there is one.
bool Matches::take_new_value() {
  if (!is_selector(cursor_)) return take_operand();
  do {
    if (!read_selector(cursor_)) return false;
  } while (cursor_.take(TokenKind::dot));
  if (cursor_.take_word("map")) {
    const bool named = cursor_.take(TokenKind::at) && cursor_.take_name();
    if (!named && (cursor_.kind() != TokenKind::open || !cursor_.take_block()))
      return cursor_.expected("`{` or `@`");
  }
  return cursor_.at_end() || cursor_.word() == "comment" || cursor_.expected("the end of the rule");
}

bool Matches::read_opaque(const std::vector<Selector>& selectors) {
  while (joins(cursor_)) {  // a mask
    cursor_.advance();
    if (!take_primary()) return false;
  }
  (void)take_operator();
  if (!take_operand()) return false;
  bool own =
      std::any_of(selectors.begin(), selectors.end(), [](const Selector& s) { return s.changes; });
  const auto& tokens = cursor_.script().tokens;
  for (auto i = begin_; i + 1 < cursor_.position(); ++i)
    own |= tokens[i].kind == TokenKind::at &&
           table_.updated.contains(cursor_.script().spelling(tokens[i + 1]));
  return require_opaque(text(), own);
}

bool Matches::read_opaque_map(const std::vector<Selector>& selectors) {
  if (std::any_of(selectors.begin(), selectors.end(), [](const Selector& s) { return s.changes; }))
    return cursor_.unknown("a verdict that is drawn by lot is not known here");
  std::vector<TokenRange> ranges;
  if (cursor_.take(TokenKind::at)) {
    const auto use = cursor_.here();
    const auto name = cursor_.take_name();
    const auto* set = name ? declarations_.set(table_, *name, use) : nullptr;
    if (set == nullptr) return false;
    if (!set->tree->is_map || set->filled_by_packets)
      return cursor_.conflict("`" + std::string(*name) + "` is no map to verdicts that are known",
                              use);
    ranges = set->tree->elements;
  } else {
    const auto inside = cursor_.take_block();
    if (!inside) return cursor_.expected("`}`");
    ranges.push_back(*inside);
  }
  std::vector<MapPart> parts;
  for (const auto range : ranges) {
    Cursor inner(cursor_.script(), range, cursor_.sink());
    for (inner.skip_newlines(); !inner.at_end(); inner.skip_newlines()) {
      if (!opaque_part(inner, left_, parts)) return false;
      inner.skip_newlines();
      if (!inner.take(TokenKind::comma) && !inner.at_end()) return inner.expected("`,`");
    }
  }
  map_ = std::move(parts);
  return true;
}

bool Matches::opaque_part(Cursor& cursor, const std::string& left, std::vector<MapPart>& parts) {
  const auto first = cursor.position();
  while (!cursor.at_end() && cursor.kind() != TokenKind::colon && cursor.kind() != TokenKind::comma)
    cursor.advance();
  const auto key = cursor.text({first, cursor.position()});
  if (key.empty() || key == "*") {
    cursor.move_to(first);
    return cursor.unknown("elements that match everything else are not known here");
  }
  if (!cursor.take(TokenKind::colon)) return cursor.expected("`:` and a verdict");
  cursor.skip_newlines();
  ir::Verdict verdict;
  if (!read_verdict(cursor, verdict)) return false;
  opaque_bytes_ += key.size();
  if (!spend(1)) return false;
  auto part = packets_;
  const auto text = left + " " + key;
  part.require(opaque_predicate(text));
  declarations_.note_opaque(text, cursor_.since(begin_));
  parts.push_back({std::move(part), std::move(verdict)});
  return true;
}

}  // namespace firewright::nftables::script
