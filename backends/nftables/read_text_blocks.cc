#include "backends/nftables/read_text_blocks.h"

#include <array>
#include <optional>
#include <string>
#include <utility>

namespace firewright::nftables::script {
namespace {

struct PriorityName {
  std::string_view name;
  std::int64_t priority;
};
// Of ip, ip6 and inet: linux/netfilter_ipv4.h, nft's src/rule.c.
constexpr std::array priority_names = {PriorityName{"raw", -300},    PriorityName{"mangle", -150},
                                       PriorityName{"dstnat", -100}, PriorityName{"filter", 0},
                                       PriorityName{"security", 50}, PriorityName{"srcnat", 100},
                                       PriorityName{"out", 100}};

constexpr std::array chain_types = {std::string_view("filter"), std::string_view("nat"),
                                    std::string_view("route")};
constexpr std::array hooks = {std::string_view("input"),       std::string_view("output"),
                              std::string_view("forward"),     std::string_view("prerouting"),
                              std::string_view("postrouting"), std::string_view("ingress"),
                              std::string_view("egress")};

template <std::size_t N>
bool contains(const std::array<std::string_view, N>& words, std::string_view word) {
  for (const auto candidate : words)
    if (candidate == word) return true;
  return false;
}

// `0`, `-10`, `filter`, `filter - 10`, `mangle + 5`
bool take_priority(Cursor& cursor, std::int64_t& priority) {
  constexpr std::uint64_t most = 0x7fffffff;
  const auto take_offset = [&](bool negative) {
    const auto number = cursor.take_number();
    if (!number) return false;
    if (*number > most) return cursor.expected("a priority of 32 bits");
    const auto value = static_cast<std::int64_t>(*number);
    priority += negative ? -value : value;
    return true;
  };
  priority = 0;
  if (cursor.kind() == TokenKind::word) {
    for (const auto& entry : priority_names) {
      if (entry.name != cursor.word()) continue;
      cursor.advance();
      priority = entry.priority;
      if (cursor.take(TokenKind::plus)) return take_offset(false);
      if (cursor.take(TokenKind::dash)) return take_offset(true);
      return true;
    }
    return cursor.unknown("known are raw, mangle, dstnat, filter, security and srcnat");
  }
  return take_offset(cursor.take(TokenKind::dash));
}

}  // namespace

bool Blocks::end_of_statement(const char* block) {
  const auto kind = cursor_.kind();
  if (kind == TokenKind::close) return true;
  if (cursor_.take(TokenKind::newline) || cursor_.take(TokenKind::semicolon)) return true;
  if (kind != TokenKind::end) return cursor_.expected("the end of the statement");
  cursor_.sink().report(Kind::artifact_truncated, cursor_.here(), {block});
  return false;
}

TokenRange Blocks::to_end_of_line() {
  const auto first = cursor_.position();
  std::size_t depth = 0;
  for (; !cursor_.at_end(); cursor_.advance()) {
    const auto kind = cursor_.kind();
    if (kind == TokenKind::open) ++depth;
    if (kind == TokenKind::close && depth-- == 0) break;
    if (depth == 0 && (kind == TokenKind::newline || kind == TokenKind::semicolon)) break;
  }
  return {first, cursor_.position()};
}

// --- tables

bool Blocks::table(TableTree& table) {
  cursor_.advance();
  while (!cursor_.take(TokenKind::close)) {
    if (cursor_.take(TokenKind::newline) || cursor_.take(TokenKind::semicolon)) continue;
    bool read = false;
    if (cursor_.take_word("chain")) {
      read = chain(table, /*may_stand_alone=*/false);
    } else if (cursor_.take_word("set")) {
      read = set(table, /*is_map=*/false);
    } else if (cursor_.take_word("map")) {
      read = set(table, /*is_map=*/true);
    } else if (cursor_.take_word("comment")) {
      read = cursor_.take_name().has_value();
    } else if (cursor_.take_word("flags")) {
      if (cursor_.word() == "dormant") table.dormant = true;
      read = cursor_.take_name().has_value();
      while (read && cursor_.take(TokenKind::comma)) {
        if (cursor_.word() == "dormant") table.dormant = true;
        read = cursor_.take_name().has_value();
      }
    } else if (is_object(cursor_)) {
      const auto kind = take_object_kind(cursor_);
      read = object(table, kind);
    } else if (cursor_.at_end()) {
      cursor_.sink().report(Kind::artifact_truncated, cursor_.here(), {"a table"});
    } else if (cursor_.word() == "include") {
      read = cursor_.unknown("other files are not read");
    } else {
      read = cursor_.word().empty() ? cursor_.expected("a chain, a set or a map")
                                    : cursor_.unknown("known are chain, set, map, named objects");
    }
    if (!read || !end_of_statement("a table")) return false;
  }
  return true;
}

// --- chains

bool Blocks::chain(TableTree& table, bool may_stand_alone) {
  const auto span = cursor_.here();
  const auto name = cursor_.take_name();
  if (!name) return false;
  const auto [place, made] = table.chain_places.try_emplace(*name, table.chains.size());
  if (made) table.chains.emplace_back();
  auto& chain = table.chains[place->second];
  if (made) {
    chain.name = *name;
    chain.span = span;
  }
  if (may_stand_alone && cursor_.kind() != TokenKind::open) return true;
  if (!cursor_.take(TokenKind::open)) return cursor_.expected("`{`");
  while (!cursor_.take(TokenKind::close)) {
    if (cursor_.take(TokenKind::newline) || cursor_.take(TokenKind::semicolon)) continue;
    if (cursor_.at_end()) {
      cursor_.sink().report(Kind::artifact_truncated, cursor_.here(), {"a chain"});
      return false;
    }
    if (!chain_statement(table, chain) || !end_of_statement("a chain")) return false;
  }
  if (!chain.policy_span.known() || chain.base) return true;
  cursor_.sink().report(Kind::artifact_syntax, chain.policy_span,
                        {"nft's language", "a policy of a chain that is on no hook"});
  return false;
}

bool Blocks::chain_statement(TableTree& table, ChainTree& chain) {
  const auto word = cursor_.word();
  if (word == "type") return base(chain);
  if (word == "policy") return policy(chain);
  if (word == "comment") {
    cursor_.advance();
    return cursor_.take_name().has_value();
  }
  if (word == "flags") return cursor_.unknown("chains that are offloaded are not known here");
  return rule(table, chain.rules);
}

bool Blocks::base(ChainTree& chain) {
  BaseTree base;
  cursor_.advance();
  base.type = cursor_.word();
  if (!contains(chain_types, base.type)) return cursor_.unknown("known are filter, nat and route");
  cursor_.advance();
  if (!cursor_.take_word("hook")) return cursor_.expected("`hook`");
  base.hook = cursor_.word();
  if (!contains(hooks, base.hook)) return cursor_.unknown("this is no hook");
  cursor_.advance();
  if (cursor_.take_word("device")) {
    if (!cursor_.take_name()) return false;
  } else if (cursor_.take_word("devices")) {
    if (!cursor_.take(TokenKind::assign)) return cursor_.expected("`=`");
    if (cursor_.kind() != TokenKind::open || !cursor_.take_block())
      return cursor_.expected("devices in braces");
  }
  if (!cursor_.take_word("priority")) return cursor_.expected("`priority`");
  if (!take_priority(cursor_, base.priority)) return false;
  if (chain.base) {
    const auto& known = *chain.base;
    if (known.type != base.type || known.hook != base.hook || known.priority != base.priority)
      return cursor_.conflict("this chain has another type, hook or priority above", chain.span);
    return true;
  }
  base.made = base_chains_++;
  chain.base = base;
  return true;
}

bool Blocks::policy(ChainTree& chain) {
  chain.policy_span = cursor_.here();
  cursor_.advance();
  if (cursor_.word() != "accept" && cursor_.word() != "drop")
    return cursor_.expected("`accept` or `drop`");
  chain.drops = cursor_.word() == "drop";
  cursor_.advance();
  return true;
}

bool Blocks::rule(TableTree& table, std::vector<RuleTree>& into) {
  const auto begin = cursor_.peek().begin;
  const auto tokens = to_end_of_line();
  if (cursor_.at_end() && cursor_.kind() == TokenKind::end && tokens.empty())
    return cursor_.expected("a rule");
  if (tokens.empty()) return cursor_.expected("a rule");
  for (auto i = tokens.first; i + 2 < tokens.last; ++i) {
    const auto& all = cursor_.script().tokens;
    if (all[i + 1].kind != TokenKind::at || all[i].kind != TokenKind::word) continue;
    const auto verb = cursor_.script().spelling(all[i]);
    if (verb == "add" || verb == "update" || verb == "delete")
      table.updated.insert(cursor_.script().spelling(all[i + 2]));
  }
  const auto last = cursor_.peek().begin;
  into.push_back({.tokens = tokens, .span = {cursor_.script().file, begin, last}});
  return true;
}

// --- sets and maps

bool Blocks::set(TableTree& table, bool is_map) {
  const auto span = cursor_.here();
  const auto name = cursor_.take_name();
  if (!name) return false;
  const auto [place, made] = table.set_places.try_emplace(*name, table.sets.size());
  if (made) table.sets.emplace_back();
  auto& set = table.sets[place->second];
  if (made) {
    set.name = *name;
    set.span = span;
    set.is_map = is_map;
  } else if (set.is_map != is_map) {
    return cursor_.conflict("`" + std::string(*name) + "` is a set here and a map there", span);
  }
  if (!cursor_.take(TokenKind::open)) return cursor_.expected("`{`");
  while (!cursor_.take(TokenKind::close)) {
    if (cursor_.take(TokenKind::newline) || cursor_.take(TokenKind::semicolon)) continue;
    if (cursor_.at_end()) {
      cursor_.sink().report(Kind::artifact_truncated, cursor_.here(), {"a set"});
      return false;
    }
    if (!set_statement(set) || !end_of_statement("a set")) return false;
  }
  if (set.type.empty()) {
    cursor_.sink().report(Kind::artifact_syntax, span, {"nft's language", "a set without a type"});
    return false;
  }
  return true;
}

bool Blocks::set_statement(SetTree& set) {
  const auto word = cursor_.word();
  if (word == "type" || word == "typeof") {
    cursor_.advance();
    set.is_typeof = word == "typeof";
    set.type = to_end_of_line();
    return !set.type.empty() || cursor_.expected("a type");
  }
  if (word == "flags") return set_flags(set);
  if (word == "timeout") {
    cursor_.advance();
    set.timeout = cursor_.take_duration();
    return set.timeout.has_value();
  }
  if (word == "gc-interval") {
    cursor_.advance();
    return cursor_.take_duration().has_value();
  }
  if (word == "size") {
    cursor_.advance();
    return cursor_.take_number().has_value();
  }
  if (word == "policy" || word == "comment") {
    cursor_.advance();
    return cursor_.take_name().has_value();
  }
  if (word == "auto-merge" || word == "counter") {
    cursor_.advance();
    return true;
  }
  if (word == "elements") {
    cursor_.advance();
    if (!cursor_.take(TokenKind::assign)) return cursor_.expected("`=`");
    if (cursor_.kind() != TokenKind::open) return cursor_.expected("`{`");
    const auto inside = cursor_.take_block();
    if (!inside) {
      cursor_.sink().report(Kind::artifact_truncated, cursor_.here(), {"a set"});
      return false;
    }
    set.elements.push_back(*inside);
    return true;
  }
  if (word.empty()) return cursor_.expected("a statement of a set");
  return cursor_.unknown(
      "known are type, typeof, flags, timeout, gc-interval, size, policy, auto-merge, counter, "
      "comment and elements");
}

bool Blocks::set_flags(SetTree& set) {
  do {
    cursor_.advance();
    const auto flag = cursor_.word();
    if (flag == "interval")
      set.interval = true;
    else if (flag == "dynamic")
      set.dynamic = true;
    else if (flag != "constant" && flag != "timeout")
      return cursor_.unknown("known are constant, interval, timeout and dynamic");
    cursor_.advance();
  } while (cursor_.kind() == TokenKind::comma);
  return true;
}

// --- named objects

bool Blocks::is_object(const Cursor& cursor) {
  const auto word = cursor.word();
  if (word == "ct") {
    const auto second = cursor.word(1);
    return second == "helper" || second == "timeout" || second == "expectation";
  }
  return word == "counter" || word == "limit" || word == "quota" || word == "secmark" ||
         word == "synproxy" || word == "flowtable";
}

ObjectKind Blocks::take_object_kind(Cursor& cursor) {
  const auto word = cursor.word();
  cursor.advance(word == "ct" ? 2 : 1);
  if (word == "counter") return ObjectKind::counter;
  if (word == "limit") return ObjectKind::limit;
  if (word == "quota") return ObjectKind::quota;
  return ObjectKind::other;
}

bool Blocks::object(TableTree& table, ObjectKind kind) {
  const auto span = cursor_.here();
  const auto name = cursor_.take_name();
  if (!name) return false;
  TokenRange body;
  if (cursor_.kind() == TokenKind::open) {
    const auto inside = cursor_.take_block();
    if (!inside) {
      cursor_.sink().report(Kind::artifact_truncated, cursor_.here(), {"a named object"});
      return false;
    }
    body = *inside;
  } else {
    body = to_end_of_line();  // `add limit t x rate 10/second`
  }
  const auto [place, made] = table.object_places.try_emplace({kind, *name}, table.objects.size());
  if (made) {
    table.objects.push_back({.kind = kind, .name = *name, .span = span, .body = body});
    return true;
  }
  if (kind == ObjectKind::limit || kind == ObjectKind::quota)
    return cursor_.conflict("`" + std::string(*name) + "` is defined twice", span);
  return true;
}

}  // namespace firewright::nftables::script
