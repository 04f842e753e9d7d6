// What a lookup in a set asks of the packet's fields.
#include <algorithm>
#include <utility>

#include "backends/nftables/decode_sets.h"

namespace firewright::nftables::netlink {
namespace {

// One range of a component's numbers as values of its field, quickly where it is that simple.
class Mapping {
 public:
  explicit Mapping(const Component& component) : component_(component) {
    bool plain = true;
    for (std::size_t i = 0; i < component.count; ++i)
      plain =
          plain && component.index[i] == i && component.mask[i] == 0xff && component.flip[i] == 0;
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
      if (item.last != nullptr) text.append("-").append(hex({item.last, set.key_length}));
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
  for (unsigned shift = 64; shift > 0; shift -= 8)
    bytes += static_cast<char>(digest >> (shift - 8));
  return "{ " + std::to_string(elements.size()) + " elements, " + hex(bytes) + " }";
}

}  // namespace firewright::nftables::netlink
