#include "backends/nftables/decode_interfaces.h"

#include <string>
#include <utility>
#include <vector>

namespace firewright::nftables::netlink {
namespace {

constexpr unsigned name_bytes = 16;
constexpr std::size_t most_patterns = 512;

// Splits a range of numbers along the bytes of names. A name ends at its first zero byte, and the
// kernel fills the rest with zeros.
class Names {
 public:
  explicit Names(std::vector<ir::InterfacePattern>& out) : out_(out) {}

  // The names in `range` that begin with `name`, which is all that `range` may hold. Whether they
  // were few enough.
  bool add(const std::string& name, Range range) {
    const auto depth = static_cast<unsigned>(name.size());
    if (depth == name_bytes) return true;  // no name is as long
    const unsigned below = 8U * (name_bytes - depth - 1);
    const u128 base = prefix(name);
    const u128 all = depth == 0 ? ~u128{0} : (u128{1} << (below + 8U)) - 1;
    if (range.first == base && range.last == (base | all)) return put({name, true});
    const u128 step = u128{1} << below;
    const auto first = static_cast<unsigned>((range.first >> below) & 0xffU);
    const auto last = static_cast<unsigned>((range.last >> below) & 0xffU);
    for (unsigned byte = first; byte <= last; ++byte) {
      const u128 low = base + step * byte;
      if (byte == 0) {
        if (range.first <= base && !put({name, false})) return false;
        continue;
      }
      const Range part{std::max(range.first, low), std::min(range.last, low + (step - 1))};
      if (!add(name + static_cast<char>(byte), part)) return false;
    }
    return true;
  }

 private:
  static u128 prefix(const std::string& name) {
    u128 value = 0;
    for (unsigned i = 0; i < name_bytes; ++i)
      value = (value << 8U) | (i < name.size() ? static_cast<unsigned char>(name[i]) : 0U);
    return value;
  }
  bool put(ir::InterfacePattern pattern) {
    if (out_.size() >= most_patterns) return false;
    out_.push_back(std::move(pattern));
    return true;
  }

  std::vector<ir::InterfacePattern>& out_;
};

// A packet has no interface of the empty name but where it has none at all.
bool holds_every_name(const std::vector<ir::InterfacePattern>& patterns) {
  for (const auto& pattern : patterns)
    if (pattern.wildcard && pattern.name.empty()) return true;
  return false;
}

}  // namespace

std::optional<ir::InterfaceSet> interfaces(const Ranges& values, bool negated) {
  std::vector<ir::InterfacePattern> patterns;
  Names names(patterns);
  for (const auto& range : values)
    if (!names.add({}, range)) return std::nullopt;
  if (holds_every_name(patterns))
    return negated ? ir::InterfaceSet::of({}) : ir::InterfaceSet::any();
  return negated ? ir::InterfaceSet::except(std::move(patterns))
                 : ir::InterfaceSet::of(std::move(patterns));
}

std::optional<ir::InterfaceSet> intersection(const ir::InterfaceSet& a, const ir::InterfaceSet& b) {
  if (a.complemented() && b.complemented()) {
    auto patterns = a.patterns();
    patterns.insert(patterns.end(), b.patterns().begin(), b.patterns().end());
    return ir::InterfaceSet::except(std::move(patterns));
  }
  if (a.complemented()) return intersection(b, a);
  std::vector<ir::InterfacePattern> kept;
  for (const auto& pattern : a.patterns()) {
    if (!pattern.wildcard) {
      if (b.contains(pattern.name)) kept.push_back(pattern);
      continue;
    }
    bool whole = false;
    for (const auto& other : b.patterns()) {
      if (other.wildcard && pattern.name.starts_with(other.name)) {
        whole = true;
      } else if (other.name.starts_with(pattern.name)) {
        if (b.complemented()) return std::nullopt;
        kept.push_back(other);
      }
    }
    if (whole != b.complemented()) kept.push_back(pattern);
  }
  return ir::InterfaceSet::of(std::move(kept));
}

}  // namespace firewright::nftables::netlink
