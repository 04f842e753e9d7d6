#include "compiler/semantics/digest.h"

#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <unordered_map>
#include <vector>

#include "compiler/semantics/compare.h"

namespace firewright::semantics {
namespace {

// The first bytes of what is hashed tell the three shapes apart.
constexpr char leaf_mark = 'L';
constexpr char numeric_mark = 'N';
constexpr char names_mark = 'S';
constexpr char predicate_mark = 'P';

constexpr std::size_t number_bytes = sizeof(u128);

// The highest byte first.
void put(std::string& text, u128 value) {
  std::array<char, number_bytes> bytes;
  for (auto byte = bytes.rbegin(); byte != bytes.rend(); ++byte, value >>= 8U)
    *byte = static_cast<char>(static_cast<std::uint8_t>(value));
  text.append(bytes.data(), bytes.size());
}

void put(std::string& text, const Sha256& digest) {
  text.append(reinterpret_cast<const char*>(digest.data()), digest.size());
}

// Length first, so that no name runs into the next.
void put(std::string& text, const std::string& name) {
  put(text, u128{name.size()});
  text += name;
}

struct Digester {
  Meanings& meanings;
  std::unordered_map<std::uint32_t, Sha256> done;
  std::vector<std::optional<Sha256>> leaves;  // few, and asked for again and again

  Sha256 of(Node node) {
    if (Diagrams::is_leaf(node)) return leaf(Diagrams::value(node));
    const auto key = static_cast<std::uint32_t>(node);
    if (const auto known = done.find(key); known != done.end()) return known->second;
    const auto level = meanings.diagrams().level(node);
    const auto field = meanings.space().field(level);
    std::string text;
    if (!field)
      text = predicate(node, level);
    else if (Space::is_name(*field))
      text = names(node, *field);
    else
      text = numbers(node, *field);
    return done.emplace(key, sha256(text)).first->second;
  }

  Sha256 leaf(std::uint32_t value) {
    if (leaves.size() <= value) leaves.resize(value + 1);
    auto& known = leaves[value];
    if (!known)
      known = sha256(leaf_mark + to_text(meanings.outcomes()[value], meanings.outcomes()));
    return *known;
  }

  std::string predicate(Node node, std::uint32_t level) {
    ir::Match only;
    only.predicates.push_back(meanings.space().predicate(level));
    std::string text(1, predicate_mark);
    put(text, ir::to_text(only));
    for (const auto& edge : meanings.diagrams().edges(node)) put(text, of(edge.child));
    return text;
  }

  std::string numbers(Node node, Field field) {
    std::string text(1, numeric_mark);
    text += static_cast<char>(field);
    const auto edges = meanings.diagrams().edges(node);
    text.reserve(text.size() + edges.size() * (number_bytes + std::tuple_size_v<Sha256>));
    for (const auto& edge : edges) {
      put(text, meanings.space().values(field, edge.last).second);
      put(text, of(edge.child));
    }
    return text;
  }

  // What the names get that nothing mentions; then every region, and in it every name, that gets
  // something else than what is around it.
  std::string names(Node node, Field field) {
    const auto& list = meanings.space().names(field);
    std::vector<Node> children(list.size());
    std::size_t next = 0;
    for (const auto& edge : meanings.diagrams().edges(node))
      while (next <= edge.last) children[next++] = edge.child;
    const auto around = [&](std::size_t rank) {
      std::size_t best = list.size() - 1;
      std::size_t longest = 0;
      for (std::size_t i = 0; i + 1 < list.size(); ++i) {
        const bool smaller = list[i].text.size() < list[rank].text.size() ||
                             (list[i].text == list[rank].text && i != rank &&
                              list[rank].kind == Space::Name::Kind::exact);
        if (list[i].kind == Space::Name::Kind::wildcard && smaller &&
            list[rank].text.starts_with(list[i].text) && list[i].text.size() >= longest) {
          longest = list[i].text.size();
          best = i;
        }
      }
      return best;
    };
    std::string text(1, names_mark);
    text += static_cast<char>(field);
    put(text, of(children.back()));
    for (std::size_t rank = 0; rank + 1 < list.size(); ++rank) {
      if (children[rank] == children[around(rank)]) continue;
      text += list[rank].kind == Space::Name::Kind::wildcard ? '*' : '=';
      put(text, list[rank].text);
      put(text, of(children[rank]));
    }
    return text;
  }
};

}  // namespace

Sha256 digest(Meanings& meanings, Node node, Family family) {
  Digester digester{.meanings = meanings, .done = {}, .leaves = {}};
  if (meanings.diagrams().level(node) == meanings.space().level(Field::family))
    return digester.of(meanings.diagrams().child(node, static_cast<std::uint32_t>(family)));
  return digester.of(node);
}

std::optional<Digests> digests(Meanings& meanings, const ir::Program& program, FieldOrder order) {
  Digests all{.order = order, .hooks = {}};
  for (const auto hook : {ir::Hook::inbound, ir::Hook::outbound, ir::Hook::forward}) {
    if (std::ranges::none_of(program.chains, [&](const auto& c) { return c.hook == hook; }))
      continue;
    const auto node = meanings.meaning(program, hook);
    if (!node) return std::nullopt;
    all.hooks.emplace_back(hook, std::array{digest(meanings, *node, Family::ipv4),
                                            digest(meanings, *node, Family::ipv6)});
  }
  return all;
}

}  // namespace firewright::semantics
