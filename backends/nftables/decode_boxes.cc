#include "backends/nftables/decode_boxes.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <span>
#include <string>
#include <unordered_map>
#include <utility>

namespace firewright::nftables::netlink {
namespace {

constexpr std::size_t most_visits = 20'000'000;
constexpr std::size_t most_boxes = 200'000;

using Indices = std::span<const std::uint32_t>;
using Node = std::uint32_t;

// The shared rests of rows: a node stands for a set of tuples of the fields from some level on.
class Tree {
 public:
  static constexpr Node nothing = 0;
  static constexpr Node everything = 1;

  // `last` is empty unless the outside is wanted.
  Tree(const Rows& rows, std::vector<u128> last) : rows_(rows), last_(std::move(last)) {
    nodes_.resize(2);
  }

  std::optional<Node> build(std::vector<std::uint32_t> indices) {
    std::sort(indices.begin(), indices.end(), [&](std::uint32_t a, std::uint32_t b) {
      for (std::size_t field = 0; field < rows_.width; ++field)
        if (rows_.cell(a, field) != rows_.cell(b, field))
          return rows_.cell(a, field) < rows_.cell(b, field);
      return a < b;
    });
    const auto root = node(0, indices);
    if (exhausted_) return std::nullopt;
    return root;
  }

  [[nodiscard]] bool contradicted() const { return contradicted_; }

  // Whether they were few enough.
  bool expand(Node root, std::vector<Box>& out) const {
    Box box;
    return expand(root, 0, box, out);
  }

 private:
  struct Edge {
    Node child;
    Ranges values;
  };

  [[nodiscard]] bool wants_outside() const { return !last_.empty(); }

  Node node(std::size_t level, Indices rows) {
    visits_ += rows.size();
    if (visits_ > most_visits) exhausted_ = true;
    if (exhausted_) return nothing;
    return level + 1 == rows_.width ? leaf(level, rows) : inner(level, rows);
  }

  Node leaf(std::size_t level, Indices rows) {
    Ranges values;
    values.reserve(rows.size());
    // In ascending order, so that whatever overlaps is found beside the furthest end so far.
    std::uint32_t furthest = 0;
    for (const auto row : rows) {
      const auto& cell = rows_.cell(row, level);
      if (!values.empty()) {
        const auto& end = rows_.cell(furthest, level);
        if (cell.first <= end.last && rows_.groups[row] != rows_.groups[furthest])
          contradicted_ = true;
        if (cell.last > end.last) furthest = row;
      } else {
        furthest = row;
      }
      values.push_back(cell);
    }
    normalise(values);
    if (wants_outside()) values = complement(values, last_[level]);
    if (values.empty()) return nothing;
    std::vector<Edge> edges;
    edges.push_back({everything, std::move(values)});
    return intern(std::move(edges));
  }

  Node inner(std::size_t level, Indices rows) {
    std::map<Node, Ranges> by_child;
    Ranges covered;
    for_each_piece(level, rows, [&](const Range& piece, Indices there) {
      const auto child = node(level + 1, there);
      if (child != nothing) by_child[child].push_back(piece);
      if (wants_outside()) covered.push_back(piece);
    });
    if (wants_outside()) {
      normalise(covered);
      auto& free = by_child[everything];
      for (const auto& range : complement(covered, last_[level])) free.push_back(range);
    }
    std::vector<Edge> edges;
    for (auto& [child, values] : by_child) {
      normalise(values);
      if (!values.empty()) edges.push_back({child, std::move(values)});
    }
    return edges.empty() ? nothing : intern(std::move(edges));
  }

  // Cuts the rows along one field. They come in the order of that field.
  template <class Visit>
  void for_each_piece(std::size_t level, Indices rows, const Visit& visit) {
    for (std::size_t begin = 0; begin < rows.size() && !exhausted_;) {
      // Rows that are the same here, and then those that overlap them.
      std::size_t end = begin + 1;
      const Range& first = rows_.cell(rows[begin], level);
      u128 last = first.last;
      bool same = true;
      for (; end < rows.size() && rows_.cell(rows[end], level).first <= last; ++end) {
        const Range& other = rows_.cell(rows[end], level);
        same = same && other == first;
        last = std::max(last, other.last);
      }
      const auto part = rows.subspan(begin, end - begin);
      if (same)
        visit(first, part);
      else
        cut(level, part, visit);
      begin = end;
    }
  }

  template <class Visit>
  void cut(std::size_t level, Indices rows, const Visit& visit) {
    std::vector<u128> starts;
    for (const auto row : rows) {
      const auto& cell = rows_.cell(row, level);
      starts.push_back(cell.first);
      if (cell.last != ~u128{0}) starts.push_back(cell.last + 1);
    }
    std::sort(starts.begin(), starts.end());
    starts.erase(std::unique(starts.begin(), starts.end()), starts.end());
    std::vector<std::uint32_t> active;
    std::vector<std::uint32_t> there;
    std::size_t next = 0;
    for (std::size_t i = 0; i < starts.size() && !exhausted_; ++i) {
      const u128 start = starts[i];
      std::erase_if(active, [&](std::uint32_t row) { return rows_.cell(row, level).last < start; });
      for (; next < rows.size() && rows_.cell(rows[next], level).first == start; ++next)
        active.push_back(rows[next]);
      if (active.empty()) continue;
      there = active;
      sort_rest(level + 1, there);
      const u128 last = i + 1 < starts.size() ? starts[i + 1] - 1 : ~u128{0};
      visit({start, last}, there);
    }
  }

  void sort_rest(std::size_t level, std::vector<std::uint32_t>& rows) const {
    std::sort(rows.begin(), rows.end(), [&](std::uint32_t a, std::uint32_t b) {
      for (std::size_t field = level; field < rows_.width; ++field)
        if (rows_.cell(a, field) != rows_.cell(b, field))
          return rows_.cell(a, field) < rows_.cell(b, field);
      return a < b;
    });
  }

  Node intern(std::vector<Edge> edges) {
    std::string key;
    for (const auto& edge : edges) {
      key.append(reinterpret_cast<const char*>(&edge.child), sizeof edge.child);
      const auto count = edge.values.size();
      key.append(reinterpret_cast<const char*>(&count), sizeof count);
      key.append(reinterpret_cast<const char*>(edge.values.data()), count * sizeof(Range));
    }
    const auto [entry, fresh] =
        known_.try_emplace(std::move(key), static_cast<Node>(nodes_.size()));
    if (fresh) nodes_.push_back(std::move(edges));
    return entry->second;
  }

  bool expand(Node at, std::size_t level, Box& box, std::vector<Box>& out) const {
    if (at == everything) {
      if (out.size() >= most_boxes) return false;
      out.push_back(box);
      // Fields that no longer matter hold all their values.
      for (; level < rows_.width; ++level)
        out.back().push_back({{0, last_.empty() ? ~u128{0} : last_[level]}});
      return true;
    }
    for (const auto& edge : nodes_[at]) {
      box.push_back(edge.values);
      const bool few = expand(edge.child, level + 1, box, out);
      box.pop_back();
      if (!few) return false;
    }
    return true;
  }

  const Rows& rows_;
  std::vector<u128> last_;
  std::vector<std::vector<Edge>> nodes_;
  std::unordered_map<std::string, Node> known_;
  std::size_t visits_ = 0;
  bool exhausted_ = false;
  bool contradicted_ = false;
};

std::vector<std::uint32_t> all_rows(const Rows& rows) {
  std::vector<std::uint32_t> indices(rows.size());
  std::iota(indices.begin(), indices.end(), 0U);
  return indices;
}

std::optional<std::vector<Box>> boxes(Tree& tree, std::vector<std::uint32_t> indices) {
  const auto root = tree.build(std::move(indices));
  std::vector<Box> out;
  if (!root || !tree.expand(*root, out)) return std::nullopt;
  return out;
}

}  // namespace

std::optional<std::vector<Box>> inside(const Rows& rows, std::uint32_t group) {
  std::vector<std::uint32_t> indices;
  for (std::uint32_t row = 0; row < rows.size(); ++row)
    if (rows.groups[row] == group) indices.push_back(row);
  Tree tree(rows, {});
  return boxes(tree, std::move(indices));
}

std::optional<std::vector<Box>> outside(const Rows& rows, const std::vector<u128>& last) {
  Tree tree(rows, last);
  return boxes(tree, all_rows(rows));
}

std::optional<bool> contradict(const Rows& rows) {
  Tree tree(rows, {});
  if (!tree.build(all_rows(rows))) return std::nullopt;
  return tree.contradicted();
}

}  // namespace firewright::nftables::netlink
