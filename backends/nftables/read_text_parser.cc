#include "backends/nftables/read_text_parser.h"

#include <algorithm>
#include <array>
#include <string>
#include <utility>

#include "backends/nftables/read_text_blocks.h"
#include "backends/nftables/read_text_cursor.h"

namespace firewright::nftables::script {
namespace {

struct FamilyName {
  std::string_view name;
  TableFamily family;
};
constexpr std::array family_names = {
    FamilyName{"ip", TableFamily::ip},         FamilyName{"ip6", TableFamily::ip6},
    FamilyName{"inet", TableFamily::inet},     FamilyName{"arp", TableFamily::arp},
    FamilyName{"bridge", TableFamily::bridge}, FamilyName{"netdev", TableFamily::netdev}};

std::optional<TableFamily> family_of(std::string_view name) {
  for (const auto& entry : family_names)
    if (entry.name == name) return entry.family;
  return std::nullopt;
}

class Parser {
 public:
  Parser(const Script& script, Sink& sink)
      : cursor_(script, {0, static_cast<std::uint32_t>(script.tokens.size() - 1)}, sink),
        blocks_(cursor_) {}

  std::optional<Tree> run() {
    while (!cursor_.at_end()) {
      if (cursor_.take(TokenKind::newline) || cursor_.take(TokenKind::semicolon)) continue;
      if (!command() || !end_of_command()) return std::nullopt;
    }
    return std::move(tree_);
  }

 private:
  bool end_of_command() {
    if (cursor_.at_end()) return true;
    if (cursor_.kind() == TokenKind::newline || cursor_.kind() == TokenKind::semicolon) return true;
    return cursor_.expected("a new line");
  }

  bool command() {
    if (cursor_.word() == "table") return table();
    if (cursor_.take_word("add") || cursor_.take_word("create")) return add();
    if (cursor_.take_word("insert")) return rule(/*in_front=*/true);
    if (cursor_.take_word("delete") || cursor_.take_word("destroy")) return remove();
    if (cursor_.take_word("flush")) return flush();
    if (cursor_.word() == "include")
      return cursor_.unknown(
          "other files are not read; give the output of `nft list ruleset` instead");
    if (cursor_.word().empty()) return cursor_.expected("a command such as `table`");
    return cursor_.unknown("known are table, add, create, insert, delete, destroy and flush");
  }

  // --- names

  struct TableName {
    TableFamily family = TableFamily::ip;
    std::string_view name;
  };
  std::optional<TableName> table_name() {
    TableName result;
    // A table may be called `inet`, but not where more words follow.
    if (const auto family = family_of(cursor_.word())) {
      result.family = *family;
      cursor_.advance();
    }
    const auto name = cursor_.take_name();
    if (!name) return std::nullopt;
    result.name = *name;
    return result;
  }

  TableTree* find(const TableName& wanted) {
    for (auto& table : tree_.tables)
      if (table.family == wanted.family && table.name == wanted.name) return &table;
    return nullptr;
  }

  // No table: there are too many, which was reported.
  TableTree* find_or_make(const TableName& wanted, Span span) {
    if (auto* table = find(wanted)) return table;
    constexpr std::size_t most = 1024;
    if (tree_.tables.size() == most) {
      cursor_.sink().report(Kind::artifact_syntax, span,
                            {"nft's language", "more than 1024 tables"});
      return nullptr;
    }
    auto& table = tree_.tables.emplace_back();
    table.family = wanted.family;
    table.name = wanted.name;
    table.span = span;
    return &table;
  }

  // The table that something is added to.
  TableTree* known_table() {
    const auto first = cursor_.position();
    const auto name = table_name();
    if (!name) return nullptr;
    auto* table = find(*name);
    if (table == nullptr)
      cursor_.sink().report(Kind::artifact_undefined, cursor_.since(first),
                            {"table", std::string(name->name)});
    return table;
  }

  // --- commands

  bool table() {
    const auto first = cursor_.position();
    cursor_.advance();
    const auto name = table_name();
    if (!name) return false;
    auto* table = find_or_make(*name, cursor_.since(first));
    if (table == nullptr) return false;
    return cursor_.kind() != TokenKind::open || blocks_.table(*table);
  }

  bool add() {
    const auto what = cursor_.word();
    if (what == "table") return table();
    if (what == "rule") return rule(/*in_front=*/false);
    if (what == "chain") {
      cursor_.advance();
      auto* table = known_table();
      return table != nullptr && blocks_.chain(*table, /*may_stand_alone=*/true);
    }
    if (what == "set" || what == "map") {
      cursor_.advance();
      auto* table = known_table();
      return table != nullptr && blocks_.set(*table, what == "map");
    }
    if (what == "element") return element();
    if (Blocks::is_object(cursor_)) {
      const auto kind = Blocks::take_object_kind(cursor_);
      auto* table = known_table();
      return table != nullptr && blocks_.object(*table, kind);
    }
    return cursor_.unknown("known are table, chain, rule, set, map, element and named objects");
  }

  bool rule(bool in_front) {
    if (!cursor_.take_word("rule")) return cursor_.expected("`rule`");
    auto* table = known_table();
    if (table == nullptr) return false;
    auto* chain = known_chain(*table);
    if (chain == nullptr) return false;
    for (const std::string_view place : {"position", "handle", "index"})
      if (cursor_.word() == place)
        return cursor_.unknown("rules that are already loaded are not known here");
    return blocks_.rule(*table, in_front ? chain->inserted : chain->rules);
  }

  ChainTree* known_chain(TableTree& table) {
    const auto span = cursor_.here();
    const auto name = cursor_.take_name();
    if (!name) return nullptr;
    const auto place = table.chain_places.find(*name);
    if (place != table.chain_places.end()) return &table.chains[place->second];
    cursor_.sink().report(Kind::artifact_undefined, span, {"chain", std::string(*name)});
    return nullptr;
  }

  SetTree* known_set(TableTree& table) {
    const auto span = cursor_.here();
    const auto name = cursor_.take_name();
    if (!name) return nullptr;
    const auto place = table.set_places.find(*name);
    if (place != table.set_places.end()) return &table.sets[place->second];
    cursor_.sink().report(Kind::artifact_undefined, span, {"set", std::string(*name)});
    return nullptr;
  }

  bool element() {
    cursor_.advance();
    auto* table = known_table();
    auto* set = table == nullptr ? nullptr : known_set(*table);
    if (set == nullptr) return false;
    if (cursor_.kind() != TokenKind::open) return cursor_.expected("`{`");
    const auto inside = cursor_.take_block();
    if (!inside) return cursor_.expected("`}`");
    set->elements.push_back(*inside);
    return true;
  }

  // What is not there need not be deleted: it may be in the ruleset that is loaded.
  bool remove() {
    const auto what = cursor_.word();
    if (what == "table") {
      cursor_.advance();
      const auto name = table_name();
      if (!name) return false;
      std::erase_if(tree_.tables, [&](const TableTree& table) {
        return table.family == name->family && table.name == name->name;
      });
      return true;
    }
    if (what == "chain" || what == "set" || what == "map") {
      cursor_.advance();
      const auto name = table_name();
      if (!name) return false;
      const auto inner = cursor_.take_name();
      if (!inner) return false;
      if (auto* table = find(*name))
        (what == "chain" ? table->chain_places : table->set_places).erase(*inner);
      return true;
    }
    return cursor_.unknown("known are `delete` of tables, chains, sets and maps by name");
  }

  bool flush() {
    const auto what = cursor_.word();
    if (what == "ruleset") {
      cursor_.advance();
      const auto family = family_of(cursor_.word());
      if (family) cursor_.advance();
      std::erase_if(tree_.tables,
                    [&](const TableTree& table) { return !family || table.family == *family; });
      return true;
    }
    if (what == "table") {
      cursor_.advance();
      const auto name = table_name();
      if (!name) return false;
      if (auto* table = find(*name))
        for (auto& chain : table->chains) clear(chain);
      return true;
    }
    if (what == "chain" || what == "set" || what == "map") {
      cursor_.advance();
      const auto name = table_name();
      if (!name) return false;
      const auto inner = cursor_.take_name();
      if (!inner) return false;
      if (auto* table = find(*name)) flush(*table, what, *inner);
      return true;
    }
    return cursor_.unknown("known are `flush` of the ruleset, a table, a chain, a set and a map");
  }

  static void clear(ChainTree& chain) {
    chain.rules.clear();
    chain.inserted.clear();
  }

  static void flush(TableTree& table, std::string_view what, std::string_view name) {
    if (what == "chain") {
      const auto place = table.chain_places.find(name);
      if (place != table.chain_places.end()) clear(table.chains[place->second]);
      return;
    }
    const auto place = table.set_places.find(name);
    if (place != table.set_places.end()) table.sets[place->second].elements.clear();
  }

  Cursor cursor_;
  Blocks blocks_;
  Tree tree_;
};

}  // namespace

std::optional<Tree> parse(const Script& script, Sink& sink) { return Parser(script, sink).run(); }

}  // namespace firewright::nftables::script
