#include "backends/nftables/decode_sets.h"

#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace firewright::nftables::netlink {
namespace {

class ElementReader {
 public:
  ElementReader(Artifact& artifact, const SetEntry& set, Contents& out)
      : artifact_(artifact), set_(set), out_(out) {}

  bool read() {
    if ((set_.flags & (NFT_SET_MAP | NFT_SET_OBJECT)) == 0) out_.groups.emplace_back();
    if (!only_counts(set_.expressions, set_.one_expression)) out_.tests_packets = true;
    for (const auto& change : set_.changes) {
      Attributes elements(change.list);
      while (const auto element = elements.next())
        if (!one(*element, change.remove)) return false;
      if (elements.damaged()) {
        artifact_.syntax(change.list, "broken elements of a set");
        return false;
      }
    }
    drop_removed();
    if (out_.by_ends) return make_pieces();
    return true;
  }

 private:
  using Table = AttributeTable<NFTA_SET_ELEM_MAX>;

  bool one(const Attribute& element, bool remove) {
    const Table attributes(element.value);
    if (attributes.damaged()) return broken(element, "a broken element of a set");
    if (attributes.foreign().data() != nullptr) {
      artifact_.unknown(attributes.foreign(), "attribute of a set's element");
      return false;
    }
    const auto flags = attributes.u32(NFTA_SET_ELEM_FLAGS).value_or(0);
    if ((flags & ~std::uint32_t{NFT_SET_ELEM_INTERVAL_END | NFT_SET_ELEM_CATCHALL}) != 0) {
      artifact_.unknown(element.whole, "flags of a set's element");
      return false;
    }
    if ((flags & NFT_SET_ELEM_CATCHALL) != 0) return catch_all(element, attributes, remove);
    Contents::Item item;
    if (!key(attributes[NFTA_SET_ELEM_KEY], item.key) || item.key == nullptr)
      return broken(element, "a key of another length than its set has");
    if (!key(attributes[NFTA_SET_ELEM_KEY_END], item.last))
      return broken(element, "a key of another length than its set has");
    item.end = (flags & NFT_SET_ELEM_INTERVAL_END) != 0;
    if (remove) return this->remove(item, element);
    if (!item.end && !group(element, attributes, item.group)) return false;
    if (!known_.empty()) known_[name_of(item)] = out_.items.size();
    out_.items.push_back(item);
    return true;
  }

  bool broken(const Attribute& element, const char* what) {
    artifact_.syntax(element.whole, what);
    return false;
  }

  bool key(std::string_view nested, const char*& out) const {
    if (nested.data() == nullptr) return true;
    const AttributeTable<NFTA_DATA_MAX> data(nested);
    if (data.damaged() || data[NFTA_DATA_VALUE].size() != set_.key_length) return false;
    out = data[NFTA_DATA_VALUE].data();
    return true;
  }

  bool catch_all(const Attribute& element, const Table& attributes, bool remove) {
    if (remove) {
      out_.catch_all.reset();
      return true;
    }
    std::uint32_t of = 0;
    if (!group(element, attributes, of)) return false;
    out_.catch_all = of;
    return true;
  }

  // Equal bytes are equal data; most elements say what the one before said.
  bool group(const Attribute& element, const Table& attributes, std::uint32_t& out) {
    if (!only_counts(attributes[NFTA_SET_ELEM_EXPR], true) ||
        !only_counts(attributes[NFTA_SET_ELEM_EXPRESSIONS], false))
      out_.tests_packets = true;
    const bool objects = (set_.flags & NFT_SET_OBJECT) != 0;
    if (!objects && (set_.flags & NFT_SET_MAP) == 0) return true;
    const auto bytes = attributes[objects ? NFTA_SET_ELEM_OBJREF : NFTA_SET_ELEM_DATA];
    if (bytes.data() == nullptr) return broken(element, "an element of a map without data");
    if (!out_.groups.empty() && bytes == last_bytes_) {
      out = last_group_;
      return true;
    }
    const auto [entry, fresh] =
        groups_.try_emplace(bytes, static_cast<std::uint32_t>(out_.groups.size()));
    if (fresh && !new_group(element, bytes, objects)) return false;
    last_bytes_ = bytes;
    out = last_group_ = entry->second;
    return true;
  }

  bool new_group(const Attribute& element, std::string_view bytes, bool objects) {
    Group group;
    if (objects) {
      group.object = until_zero(bytes);
    } else {
      const AttributeTable<NFTA_DATA_MAX> data(bytes);
      if (data.has(NFTA_DATA_VERDICT)) group.verdict = read_verdict(data[NFTA_DATA_VERDICT]);
      group.value = data[NFTA_DATA_VALUE];
      const bool verdicts = set_.data_type == NFT_DATA_VERDICT;
      if (data.damaged() || verdicts != group.verdict.has_value() ||
          (!verdicts && group.value.size() != set_.data_length))
        return broken(element, "data of another kind than its map has");
    }
    out_.groups.push_back(group);
    return true;
  }

  // Whether the expressions of an element let every packet through.
  bool only_counts(std::string_view bytes, bool single) const {
    if (bytes.empty()) return true;
    if (single) return counts(bytes);
    Attributes list(bytes);
    bool all = true;
    while (const auto expression = list.next()) all = all && counts(expression->value);
    return all && !list.damaged();
  }
  static bool counts(std::string_view expression) {
    const AttributeTable<NFTA_EXPR_MAX> attributes(expression);
    const auto name = attributes.text(NFTA_EXPR_NAME);
    return name == "counter" || name == "last";
  }

  // --- what goes

  std::string_view bytes_of(const char* key) const { return {key, set_.key_length}; }
  std::pair<std::string_view, bool> name_of(const Contents::Item& item) const {
    return {bytes_of(item.key), item.end};
  }

  bool remove(const Contents::Item& item, const Attribute& element) {
    if (known_.empty())
      for (std::size_t i = 0; i < out_.items.size(); ++i) known_[name_of(out_.items[i])] = i;
    const auto found = known_.find(name_of(item));
    if (found == known_.end()) {
      artifact_.undefined(element.whole, "element", hex(bytes_of(item.key)));
      return false;
    }
    out_.items[found->second].key = nullptr;
    known_.erase(found);
    removed_ = true;
    return true;
  }
  void drop_removed() {
    if (removed_)
      std::erase_if(out_.items, [](const Contents::Item& item) { return item.key == nullptr; });
  }

  // --- starts and ends

  struct Edge {
    u128 key;
    bool start;
    std::uint32_t group;
  };

 public:
  // Whether the set is a list of starts and ends.
  [[nodiscard]] static bool is_by_ends(const SetEntry& set) {
    return (set.flags & NFT_SET_INTERVAL) != 0 && (set.flags & NFT_SET_CONCAT) == 0 &&
           set.key_length <= 16;
  }

 private:
  u128 number(const char* key) const {
    u128 value = 0;
    for (std::uint32_t i = 0; i < set_.key_length; ++i)
      value = (value << 8U) | static_cast<unsigned char>(key[i]);
    return value;
  }

  bool make_pieces() {
    std::vector<Edge> edges;
    edges.reserve(out_.items.size());
    const u128 top = largest(set_.key_length);
    for (const auto& item : out_.items) {
      edges.push_back({number(item.key), !item.end, item.group});
      if (item.last == nullptr) continue;
      const u128 last = number(item.last);
      if (last != top) edges.push_back({last + 1, false, 0});
    }
    // At one key the start is the nearer one.
    std::sort(edges.begin(), edges.end(), [](const Edge& a, const Edge& b) {
      if (a.key != b.key) return a.key < b.key;
      if (a.start != b.start) return b.start;
      return a.group < b.group;
    });
    for (std::size_t i = 0; i < edges.size(); ++i) {
      if (!edges[i].start) continue;
      const bool followed = i + 1 < edges.size();
      if (followed && edges[i + 1].key == edges[i].key) {
        if (edges[i + 1].group == edges[i].group) continue;
        artifact_.conflict(set_.message, "a key of the map has two values");
        return false;
      }
      out_.pieces.push_back({{edges[i].key, followed ? edges[i + 1].key - 1 : top}, edges[i].group});
    }
    out_.items = {};
    return true;
  }

  Artifact& artifact_;
  const SetEntry& set_;
  Contents& out_;
  std::map<std::string_view, std::uint32_t> groups_;
  std::string_view last_bytes_;
  std::uint32_t last_group_ = 0;
  std::map<std::pair<std::string_view, bool>, std::size_t> known_;  // once something was removed
  bool removed_ = false;
};

// --- lookups

// One range of a component's numbers as values of its field, quickly where it is that simple.
class Mapping {
 public:
  explicit Mapping(const Component& component) : component_(component) {
    bool plain = true;
    for (std::size_t i = 0; i < component.count; ++i)
      plain = plain && component.index[i] == i && component.mask[i] == 0xff &&
              component.flip[i] == 0;
    plain_ = plain && component.count == bytes_of(component.field) &&
             component.field != Field::nfproto && component.field != Field::ethertype &&
             component.field != Field::state;
  }
  // None: it cannot be said.
  bool operator()(const Range& range, Ranges& out) const {
    if (plain_) {
      out.assign(1, range);
      return true;
    }
    auto values = preimage(component_, {range});
    if (!values) return false;
    out = std::move(*values);
    return true;
  }

 private:
  const Component& component_;
  bool plain_ = false;
};

bool constants_fit(const Row& row, const char* key) {
  return std::all_of(row.constants.begin(), row.constants.end(), [&](const auto& constant) {
    return static_cast<unsigned char>(key[constant.first]) == constant.second;
  });
}

// The elements as rows of field values. Nothing: some cannot be said.
std::optional<Rows> rows_of(const SetEntry& set, const Contents& contents, const Row& row) {
  Rows rows;
  rows.width = row.components.size();
  rows.cells.reserve(contents.items.size() * rows.width);
  rows.groups.reserve(contents.items.size());
  std::vector<Mapping> mappings(row.components.begin(), row.components.end());
  std::vector<Ranges> cells(rows.width);
  for (const auto& item : contents.items) {
    if (item.end) return std::nullopt;  // no ends without starts
    const char* last = item.last == nullptr ? item.key : item.last;
    if (!constants_fit(row, item.key) || !constants_fit(row, last)) continue;
    bool possible = true;
    for (std::size_t i = 0; i < rows.width; ++i) {
      const Range range{number_of(row.components[i], {item.key, set.key_length}),
                        number_of(row.components[i], {last, set.key_length})};
      if (range.first > range.last) return std::nullopt;
      if (!mappings[i](range, cells[i])) return std::nullopt;
      possible = possible && !cells[i].empty();
    }
    if (!possible) continue;
    // Nearly always one range a cell.
    std::vector<std::size_t> at(rows.width, 0);
    for (bool more = true; more;) {
      for (std::size_t i = 0; i < rows.width; ++i) rows.cells.push_back(cells[i][at[i]]);
      rows.groups.push_back(item.group);
      more = false;
      for (std::size_t i = 0; i < rows.width && !more; ++i) {
        more = ++at[i] < cells[i].size();
        if (!more) at[i] = 0;
      }
    }
  }
  return rows;
}

Lookup failed(LookupProblem problem) { return {.parts = {}, .problem = problem}; }

std::optional<LookupProblem> sort_into_groups(const SetEntry& set, const Contents& contents,
                                              const Row& row, std::vector<Ranges>& by_group) {
  if (contents.by_ends) {
    for (const auto& piece : contents.pieces) by_group[piece.group].push_back(piece.keys);
    return std::nullopt;
  }
  std::vector<Contents::Piece> pieces;
  pieces.reserve(contents.items.size());
  for (const auto& item : contents.items) {
    if (item.end) return LookupProblem::opaque;  // no ends without starts
    const char* last = item.last == nullptr ? item.key : item.last;
    if (!constants_fit(row, item.key) || !constants_fit(row, last)) continue;
    const auto& component = row.components[0];
    const Range keys{number_of(component, {item.key, set.key_length}),
                     number_of(component, {last, set.key_length})};
    if (keys.first > keys.last) return LookupProblem::opaque;
    pieces.push_back({keys, item.group});
  }
  std::sort(pieces.begin(), pieces.end(),
            [](const auto& a, const auto& b) { return a.keys < b.keys; });
  const Contents::Piece* furthest = nullptr;
  for (const auto& piece : pieces) {
    if (furthest != nullptr && piece.keys.first <= furthest->keys.last &&
        piece.group != furthest->group)
      return LookupProblem::contradiction;
    if (furthest == nullptr || piece.keys.last > furthest->keys.last) furthest = &piece;
    by_group[piece.group].push_back(piece.keys);
  }
  return std::nullopt;
}

// One field: each group is one set of values.
Lookup single(const SetEntry& set, const Contents& contents, const Row& row, bool inverted) {
  std::vector<Ranges> by_group(contents.groups.size());
  if (const auto problem = sort_into_groups(set, contents, row, by_group)) return failed(*problem);
  Ranges all;
  Lookup result;
  const bool want_all = inverted || contents.catch_all;
  for (std::uint32_t group = 0; group < by_group.size(); ++group) {
    if (by_group[group].empty()) continue;
    normalise(by_group[group]);
    auto values = preimage(row.components[0], by_group[group]);
    if (!values) return failed(LookupProblem::opaque);
    if (want_all) all.insert(all.end(), values->begin(), values->end());
    if (!inverted) result.parts.push_back({group, false, {std::move(*values)}});
  }
  if (!want_all || (inverted && contents.catch_all)) return result;
  normalise(all);
  result.parts.push_back({contents.catch_all.value_or(0), true, {std::move(all)}});
  return result;
}

Lookup several(const SetEntry& set, const Contents& contents, const Row& row, bool inverted,
               bool may_overlap) {
  if (contents.by_ends) return failed(LookupProblem::opaque);
  const auto rows = rows_of(set, contents, row);
  if (!rows) return failed(LookupProblem::opaque);
  if (contents.groups.size() > 1 && !may_overlap) {
    const auto contradiction = contradict(*rows);
    if (!contradiction) return failed(LookupProblem::entangled);
    if (*contradiction) return failed(LookupProblem::contradiction);
  }
  Lookup result;
  for (std::uint32_t group = 0; group < contents.groups.size() && !inverted; ++group) {
    auto boxes = inside(*rows, group);
    if (!boxes) return failed(LookupProblem::entangled);
    for (auto& box : *boxes) result.parts.push_back({group, false, std::move(box)});
  }
  if (inverted == contents.catch_all.has_value()) return result;
  std::vector<u128> last;
  for (const auto& component : row.components) last.push_back(largest(bytes_of(component.field)));
  auto boxes = outside(*rows, last);
  if (!boxes) return failed(LookupProblem::entangled);
  for (auto& box : *boxes)
    result.parts.push_back({contents.catch_all.value_or(0), false, std::move(box)});
  return result;
}

// All bytes are constants: the answer is the same for every packet.
Lookup constant(const Contents& contents, const Row& row, bool inverted) {
  std::optional<std::uint32_t> found = contents.catch_all;
  if (contents.by_ends) {
    u128 key = 0;
    for (const auto& byte : row.constants) key = (key << 8U) | byte.second;
    for (const auto& piece : contents.pieces)
      if (key >= piece.keys.first && key <= piece.keys.last) found = piece.group;
  } else {
    for (const auto& item : contents.items) {
      if (item.end || item.last != nullptr) return failed(LookupProblem::opaque);
      if (constants_fit(row, item.key)) found = item.group;
    }
  }
  Lookup result;
  if (found.has_value() != inverted) result.parts.push_back({found.value_or(0), false, {}});
  return result;
}

}  // namespace

std::optional<KernelVerdict> read_verdict(std::string_view bytes) {
  const AttributeTable<NFTA_VERDICT_MAX> attributes(bytes);
  const auto code = attributes.u32(NFTA_VERDICT_CODE);
  if (attributes.damaged() || attributes.foreign().data() != nullptr || !code) return std::nullopt;
  return KernelVerdict{.code = static_cast<std::int32_t>(*code),
                       .chain = attributes.text(NFTA_VERDICT_CHAIN),
                       .chain_id = attributes.u32(NFTA_VERDICT_CHAIN_ID).value_or(0)};
}

const Contents* SetReader::read(const SetEntry& set) {
  auto& contents = known_[&set];
  if (contents == nullptr) {
    auto fresh = std::make_unique<Contents>();
    fresh->by_ends = ElementReader::is_by_ends(set);
    if (!ElementReader(artifact_, set, *fresh).read()) return nullptr;
    contents = std::move(fresh);
  }
  return contents.get();
}

Lookup look_up(const SetEntry& set, const Contents& contents, const Row& row, bool inverted) {
  if (row.components.empty()) return constant(contents, row, inverted);
  if (contents.by_ends && !(row.components.size() == 1 && row.constants.empty()))
    return failed(LookupProblem::opaque);
  return row.components.size() == 1 ? single(set, contents, row, inverted)
                                    : several(set, contents, row, inverted, false);
}

Lookup look_up_some(const SetEntry& set, const Contents& contents, const Row& row) {
  if (row.components.empty() || contents.by_ends || contents.catch_all)
    return failed(LookupProblem::opaque);
  return several(set, contents, row, /*inverted=*/false, /*may_overlap=*/true);
}

std::string describe(const SetEntry& set, const Contents& contents, std::uint32_t group) {
  std::vector<std::string> elements;
  for (const auto& item : contents.items)
    if (item.group == group && !item.end) {
      auto text = hex({item.key, set.key_length});
      if (item.last != nullptr) text += "-" + hex({item.last, set.key_length});
      elements.push_back(std::move(text));
    }
  const auto number = [&](u128 value) {
    std::string bytes;
    for (auto shift = set.key_length; shift-- > 0;)
      bytes += static_cast<char>(static_cast<unsigned char>(value >> (8U * shift)));
    return hex(bytes);
  };
  for (const auto& piece : contents.pieces)
    if (piece.group == group)
      elements.push_back(piece.keys.first == piece.keys.last
                             ? number(piece.keys.first)
                             : number(piece.keys.first) + "-" + number(piece.keys.last));
  if (contents.catch_all == group) elements.emplace_back("*");
  std::sort(elements.begin(), elements.end());
  std::string text;
  for (const auto& element : elements) text += (text.empty() ? "" : ", ") + element;
  constexpr std::size_t readable = 200;
  if (text.size() <= readable) return "{ " + text + " }";
  // FNV-1a: it only has to be the same for the same elements.
  std::uint64_t digest = 0xcbf29ce484222325;
  for (const char c : text) digest = (digest ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  std::string bytes;
  for (unsigned shift = 64; shift > 0; shift -= 8) bytes += static_cast<char>(digest >> (shift - 8));
  return "{ " + std::to_string(elements.size()) + " elements, " + hex(bytes) + " }";
}

}  // namespace firewright::nftables::netlink
