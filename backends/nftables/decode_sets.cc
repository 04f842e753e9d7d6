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
      out_.pieces.push_back(
          {{edges[i].key, followed ? edges[i + 1].key - 1 : top}, edges[i].group});
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

}  // namespace firewright::nftables::netlink
