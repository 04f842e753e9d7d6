#include "backends/nftables/read_text_tokens.h"

#include <algorithm>
#include <limits>
#include <map>
#include <string>
#include <utility>

#include "compiler/net/types.h"

namespace firewright::nftables::script {
namespace {

// Nobody writes that many by hand; definitions of definitions get there in a few lines.
constexpr std::size_t most_expanded_tokens = 10'000'000;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }
bool in_word(char c) { return is_letter(c) || is_digit(c) || c == '-' || c == '.' || c == '/'; }

// aa:bb:cc:dd:ee:ff
bool is_mac(std::string_view text) {
  if (text.size() != 17) return false;
  for (std::size_t i = 0; i < text.size(); ++i)
    if ((i % 3 == 2) != (text[i] == ':')) return false;
  return true;
}

std::string shown(char c) {
  const auto byte = static_cast<unsigned char>(c);
  if (byte > 0x20 && byte < 0x7f) return std::string(1, c);
  constexpr std::string_view digits = "0123456789abcdef";
  return {'\\', 'x', digits[byte >> 4U], digits[byte & 0xfU]};
}

// What a variable stands for; nothing, once it is undefined.
using Definition = std::optional<std::vector<Token>>;

class Tokenizer {
 public:
  Tokenizer(Script& script, Sink& sink) : script_(script), text_(script.text), sink_(sink) {}

  bool run() {
    while (at_ < text_.size())
      if (!next()) return false;
    if (!end_statement()) return false;
    push(TokenKind::end, at_);
    return true;
  }

 private:
  bool next() {
    const char c = text_[at_];
    const std::size_t begin = at_;
    switch (c) {
      case ' ':
      case '\t': ++at_; return true;
      case '#': at_ = std::min(text_.find('\n', at_), text_.size()); return true;
      case '\n': return separate(TokenKind::newline);
      case ';': return separate(TokenKind::semicolon);
      case '\\': return continuation();
      case '"': return string();
      case '$': return variable();
      case '{': return open();
      case '}': return close();
      default: break;
    }
    if (is_digit(c) || is_letter(c) || c == ':') {
      if (ipv4() || ipv6()) return true;
      if (is_digit(c)) return number();
      if (is_letter(c)) return word();
    }
    if (punctuation()) return true;
    at_ = begin;
    return refuse(begin, begin + 1, "`" + shown(c) + "` is no token");
  }

  bool refuse(std::size_t begin, std::size_t end, std::string why) {
    sink_.report(Kind::artifact_syntax, place(begin, end), {"nft's language", std::move(why)});
    return false;
  }
  [[nodiscard]] Span place(std::size_t begin, std::size_t end) const {
    return {script_.file, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)};
  }
  bool push(TokenKind kind, std::size_t begin) {
    script_.tokens.push_back({.kind = kind,
                              .begin = static_cast<std::uint32_t>(begin),
                              .end = static_cast<std::uint32_t>(at_)});
    return true;
  }

  bool continuation() {
    const std::size_t begin = at_++;
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\t')) ++at_;
    if (at_ == text_.size() || text_[at_] != '\n')
      return refuse(begin, begin + 1, "`\\` that no line ends with");
    ++at_;
    return true;
  }

  bool string() {
    const std::size_t begin = at_;
    std::size_t stop = begin + 1;
    while (stop < text_.size() && text_[stop] != '"' && text_[stop] != '\n') ++stop;
    if (stop == text_.size() || text_[stop] == '\n') {
      sink_.report(Kind::artifact_truncated, place(begin, stop), {"a string"});
      return false;
    }
    at_ = stop + 1;
    return push(TokenKind::string, begin);
  }

  bool ipv4() {
    const std::size_t begin = at_;
    std::size_t end = begin;
    while (end < text_.size() && (is_digit(text_[end]) || text_[end] == '.')) ++end;
    if (end < text_.size() && is_letter(text_[end])) return false;
    if (end - begin < 7 || !parse_ipv4(text_.substr(begin, end - begin))) return false;
    at_ = end;
    return push(TokenKind::ipv4, begin);
  }

  // An IPv6 or a MAC address. Looks as far as its characters go.
  bool ipv6() {
    const std::size_t begin = at_;
    std::size_t end = begin;
    std::size_t colons = 0;
    constexpr std::size_t longest = 45;  // of an IPv6 address with an IPv4 tail
    while (end < text_.size() && end - begin <= longest) {
      const char c = text_[end];
      if (c == ':')
        ++colons;
      else if (c != '.' && !is_hex(c))
        break;
      ++end;
    }
    const std::string_view text = text_.substr(begin, end - begin);
    if (end < text_.size() && (is_letter(text_[end]) || is_digit(text_[end]))) return false;
    TokenKind kind{};
    if (is_mac(text))
      kind = TokenKind::word;
    else if (colons >= 2 && parse_ipv6(text))
      kind = TokenKind::ipv6;
    else
      return false;
    at_ = end;
    return push(kind, begin);
  }

  bool number() {
    const std::size_t begin = at_;
    if (text_.substr(at_, 2) == "0x") {
      at_ += 2;
      while (at_ < text_.size() && is_hex(text_[at_])) ++at_;
      if (at_ == begin + 2) return refuse(begin, at_, "`0x` without digits");
      return push(TokenKind::number, begin);
    }
    while (at_ < text_.size() && is_digit(text_[at_])) ++at_;
    if (at_ == text_.size() || !is_letter(text_[at_])) return push(TokenKind::number, begin);
    while (at_ < text_.size() && (is_letter(text_[at_]) || is_digit(text_[at_]))) ++at_;
    return push(TokenKind::word, begin);  // 1d12h
  }

  bool word() {
    const std::size_t begin = at_;
    while (at_ < text_.size() && in_word(text_[at_])) ++at_;
    if (at_ < text_.size() && text_[at_] == '*') ++at_;
    return push(TokenKind::word, begin);
  }

  bool punctuation() {
    const std::size_t begin = at_;
    const char next = at_ + 1 < text_.size() ? text_[at_ + 1] : '\0';
    const auto kind = pair_kind(text_[at_], next);
    at_ += kind ? 2 : 1;
    if (kind) return push(*kind, begin);
    const auto single = single_kind(text_[begin]);
    return single && push(*single, begin);
  }

  static std::optional<TokenKind> pair_kind(char first, char second) {
    if (second == '=') {
      if (first == '=') return TokenKind::equal;
      if (first == '!') return TokenKind::not_equal;
      if (first == '<') return TokenKind::less_equal;
      if (first == '>') return TokenKind::greater_equal;
    }
    if (first == '<' && second == '<') return TokenKind::shift_left;
    if (first == '>' && second == '>') return TokenKind::shift_right;
    return std::nullopt;
  }

  static std::optional<TokenKind> single_kind(char c) {
    switch (c) {
      case '=': return TokenKind::assign;
      case '!': return TokenKind::bang;
      case '<': return TokenKind::less;
      case '>': return TokenKind::greater;
      case '@': return TokenKind::at;
      case '(': return TokenKind::open_parenthesis;
      case ')': return TokenKind::close_parenthesis;
      case ',': return TokenKind::comma;
      case ':': return TokenKind::colon;
      case '.': return TokenKind::dot;
      case '-': return TokenKind::dash;
      case '/': return TokenKind::slash;
      case '*': return TokenKind::star;
      case '+': return TokenKind::plus;
      case '&': return TokenKind::ampersand;
      case '|': return TokenKind::bar;
      case '^': return TokenKind::caret;
      default: return std::nullopt;
    }
  }

  // --- blocks, statements and variables

  bool separate(TokenKind kind) {
    const std::size_t begin = at_++;
    if (!end_statement()) return false;
    push(kind, begin);
    if (open_sets_ == 0) statement_ = script_.tokens.size();
    return true;
  }

  bool open() {
    const std::size_t begin = at_++;
    ++depth_;
    // Inside `define x = {` a newline ends nothing.
    if (open_sets_ > 0 || is_definition()) ++open_sets_;
    push(TokenKind::open, begin);
    if (open_sets_ == 0) statement_ = script_.tokens.size();
    return true;
  }

  bool close() {
    if (open_sets_ == 0 && !end_statement()) return false;
    const std::size_t begin = at_++;
    if (open_sets_ > 0) --open_sets_;
    if (depth_ > 0) --depth_;
    for (; !scopes_.empty() && scopes_.back().second > depth_; scopes_.pop_back())
      definitions_[scopes_.back().first].pop_back();
    push(TokenKind::close, begin);
    if (open_sets_ == 0 && !is_definition()) statement_ = script_.tokens.size();
    return true;
  }

  [[nodiscard]] std::string_view spelling(std::size_t token) const {
    const auto& t = script_.tokens[token];
    return t.kind == TokenKind::word ? text_.substr(t.begin, t.end - t.begin) : std::string_view{};
  }

  [[nodiscard]] bool is_definition() const {
    if (statement_ >= script_.tokens.size()) return false;
    const auto first = spelling(statement_);
    return first == "define" || first == "redefine" || first == "undefine";
  }

  // Takes a definition out of the tokens.
  bool end_statement() {
    if (open_sets_ > 0 || !is_definition()) return true;
    auto& tokens = script_.tokens;
    const bool undefine = spelling(statement_) == "undefine";
    const std::size_t count = tokens.size() - statement_;
    const bool named = count >= 2 && tokens[statement_ + 1].kind == TokenKind::word;
    const bool whole =
        undefine ? count == 2 : count >= 4 && tokens[statement_ + 2].kind == TokenKind::assign;
    if (!named || !whole)
      return refuse(tokens[statement_].begin, tokens[statement_].end,
                    "expected `define NAME = VALUE`");
    const auto name = spelling(statement_ + 1);
    if (undefine && find(name) == nullptr) return undefined(name, tokens[statement_ + 1]);
    Definition definition;
    if (!undefine)
      definition.emplace(tokens.begin() + static_cast<std::ptrdiff_t>(statement_) + 3,
                         tokens.end());
    definitions_[name].push_back(std::move(definition));
    scopes_.emplace_back(name, depth_);
    tokens.resize(statement_);
    return true;
  }

  [[nodiscard]] const std::vector<Token>* find(std::string_view name) const {
    const auto known = definitions_.find(name);
    if (known == definitions_.end() || known->second.empty() || !known->second.back())
      return nullptr;
    return &*known->second.back();
  }

  bool undefined(std::string_view name, const Token& where) {
    sink_.report(Kind::artifact_undefined, script_.span(where), {"variable", std::string(name)});
    return false;
  }

  bool variable() {
    const std::size_t begin = at_++;
    if (at_ == text_.size() || !is_letter(text_[at_]))
      return refuse(begin, begin + 1, "`$` without a name");
    const std::size_t name_begin = at_;
    while (at_ < text_.size() && (is_letter(text_[at_]) || is_digit(text_[at_]) ||
                                  text_[at_] == '-' || text_[at_] == '.'))
      ++at_;
    const auto name = text_.substr(name_begin, at_ - name_begin);
    const auto* known = find(name);
    if (known == nullptr)
      return undefined(name, {.kind = TokenKind::word,
                              .begin = static_cast<std::uint32_t>(begin),
                              .end = static_cast<std::uint32_t>(at_)});
    expanded_ += known->size();
    if (expanded_ > most_expanded_tokens)
      return refuse(begin, at_, "variables that hold more than this reader takes");
    script_.tokens.insert(script_.tokens.end(), known->begin(), known->end());
    return true;
  }

  Script& script_;
  std::string_view text_;
  Sink& sink_;
  std::size_t at_ = 0;
  std::size_t depth_ = 0;                                            // of all braces
  std::size_t open_sets_ = 0;                                        // of those inside a definition
  std::size_t statement_ = 0;                                        // its first token
  std::map<std::string_view, std::vector<Definition>> definitions_;  // the last one counts
  std::vector<std::pair<std::string_view, std::size_t>> scopes_;     // with the depth of each
  std::size_t expanded_ = 0;
};

}  // namespace

std::string_view Script::spelling(const Token& token) const {
  const auto whole = text.substr(token.begin, token.end - token.begin);
  return token.kind == TokenKind::string ? whole.substr(1, whole.size() - 2) : whole;
}

std::optional<Script> tokenize(const Sources& sources, FileId file, Sink& sink) {
  Script script{.file = file, .text = sources.file(file).text(), .tokens = {}};
  if (script.text.size() >= std::numeric_limits<std::uint32_t>::max()) {
    sink.report(Kind::artifact_syntax, {}, {"nft's language", "a file of more than 4 GiB"});
    return std::nullopt;
  }
  script.tokens.reserve(script.text.size() / 3);
  if (!Tokenizer(script, sink).run()) return std::nullopt;
  return script;
}

}  // namespace firewright::nftables::script
