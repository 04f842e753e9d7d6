#include "compiler/analysis/diff_align.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <unordered_map>

namespace firewright::analysis {
namespace {

// Equal matches have equal numbers; different ones nearly always different ones, and nothing hangs
// on it but speed and the choice of names.
class Hash {
 public:
  void add(std::uint64_t value) {
    state_ = (state_ ^ value) * 0x9ddfea08eb382d69ULL;
    state_ ^= state_ >> 29U;
  }
  void add(const std::string& text) {
    add(text.size());
    for (const char c : text) state_ = (state_ ^ static_cast<unsigned char>(c)) * 0x100000001b3ULL;
  }
  template <class T>
  void add(const IntervalSet<T>& set) {
    add(set.intervals().size());
    for (const auto& [first, last] : set.intervals()) {
      add(static_cast<std::uint64_t>(first.value));
      add(static_cast<std::uint64_t>(last.value));
      if constexpr (sizeof(first.value) > sizeof(std::uint64_t)) {
        add(static_cast<std::uint64_t>(first.value >> 64U));
        add(static_cast<std::uint64_t>(last.value >> 64U));
      }
    }
  }
  void add(const ir::InterfaceSet& set) {
    add(std::uint64_t{set.complemented()});
    for (const auto& pattern : set.patterns()) add(to_string(pattern));
  }
  [[nodiscard]] std::uint64_t value() const { return state_; }

 private:
  std::uint64_t state_ = 0xcbf29ce484222325ULL;
};

std::uint64_t hash(const ir::Match& match) {
  Hash hash;
  hash.add(std::uint64_t{match.families.bits()} << 32U | match.profiles.bits() << 16U |
           match.states.bits());
  hash.add(match.in);
  hash.add(match.out);
  hash.add(match.protocols);
  hash.add(match.source_ports);
  hash.add(match.destination_ports);
  hash.add(match.icmp);
  hash.add(match.source.v4);
  hash.add(match.source.v6);
  hash.add(match.destination.v4);
  hash.add(match.destination.v6);
  hash.add(match.users);
  hash.add(match.groups);
  hash.add(match.program);
  hash.add(match.windows_service);
  return hash.value();
}

std::uint64_t hash_of_service(const std::string& chain, const ir::Match& match) {
  Hash hash;
  hash.add(chain);
  hash.add(match.protocols);
  hash.add(match.destination_ports);
  hash.add(match.icmp);
  return hash.value();
}

// --- names

// What a name is used for: the matches of its rules, and their services without the addresses.
struct Signature {
  std::vector<std::uint64_t> matches, services;
  bool operator==(const Signature&) const = default;
};

template <class Name>
struct Uses {
  std::vector<Name> in_order;
  std::map<Name, Signature> signature;

  void add(const Name& name, std::uint64_t match, std::uint64_t service) {
    const auto [there, fresh] = signature.emplace(name, Signature{});
    if (fresh) in_order.push_back(name);
    there->second.matches.push_back(match);
    there->second.services.push_back(service);
  }
  void finish() {
    for (auto& [name, uses] : signature)
      for (auto* list : {&uses.matches, &uses.services}) std::sort(list->begin(), list->end());
  }
};

// What may be taken for one another: counters all, predicates those of the same test.
const ir::Predicate& kind(const ir::Predicate& predicate, ir::Predicate& store) {
  store = predicate;
  store.instance.clear();
  return store;
}
std::string kind(const std::string&, std::string&) { return {}; }

void rename(std::string& name) { name += "-new"; }
void rename(ir::Predicate& predicate) { predicate.instance += "-new"; }

template <class Name>
std::map<Name, Name> partners(const Uses<Name>& theirs, const Uses<Name>& ours) {
  std::map<Name, Name> partner;
  std::set<Name> taken;
  const auto pair = [&](const Name& our, const Name& their) {
    if (taken.insert(their).second) partner.emplace(our, their);
  };
  for (const auto& our : ours.in_order)
    if (const auto same = theirs.signature.find(our);
        same != theirs.signature.end() && same->second == ours.signature.at(our))
      pair(our, our);
  const auto pair_by = [&](std::vector<std::uint64_t> Signature::* list) {
    Name store;
    std::map<std::pair<Name, std::vector<std::uint64_t>>, std::deque<Name>> open;
    for (const auto& their : theirs.in_order)
      if (!taken.contains(their))
        open[{kind(their, store), theirs.signature.at(their).*list}].push_back(their);
    for (const auto& our : ours.in_order) {
      if (partner.contains(our)) continue;
      const auto found = open.find({kind(our, store), ours.signature.at(our).*list});
      if (found == open.end() || found->second.empty()) continue;
      pair(our, found->second.front());
      found->second.pop_front();
    }
  };
  pair_by(&Signature::matches);
  for (const auto& our : ours.in_order)
    if (!partner.contains(our) && theirs.signature.contains(our)) pair(our, our);
  pair_by(&Signature::services);
  // A name of ours that is theirs for something else gets another.
  for (const auto& our : ours.in_order) {
    if (partner.contains(our)) continue;
    auto name = our;
    while (theirs.signature.contains(name) || taken.contains(name)) rename(name);
    pair(our, name);
  }
  return partner;
}

struct Names {
  Uses<ir::Predicate> predicates;
  Uses<std::string> counters;

  explicit Names(const ir::Program& program) {
    for (const auto& chain : program.chains)
      for (const auto& rule : chain.rules) {
        if (rule.match.predicates.empty() && !rule.effects.count) continue;
        const auto match = hash(rule.match);
        const auto service = hash_of_service(chain.name, rule.match);
        for (const auto& predicate : rule.match.predicates)
          predicates.add(predicate, match, service);
        if (rule.effects.count) counters.add(*rule.effects.count, match, service);
      }
    predicates.finish();
    counters.finish();
  }
};

// --- places

bool exchangeable(const ir::Rule& a, const ir::Rule& b) {
  const auto decides = [](const ir::Rule& rule) {
    return rule.effects.empty() && (rule.verdict.kind == ir::VerdictKind::accept ||
                                    rule.verdict.kind == ir::VerdictKind::drop ||
                                    rule.verdict.kind == ir::VerdictKind::reject);
  };
  return decides(a) && decides(b) && a.verdict == b.verdict;
}

struct Keyed {
  std::uint64_t key = 0;
  const ir::Rule* rule = nullptr;  // null: does nothing
};

std::vector<Keyed> keyed(const ir::Chain& chain) {
  std::vector<Keyed> list;
  list.reserve(chain.rules.size());
  for (const auto& rule : chain.rules) {
    Hash key;
    key.add(hash(rule.match));
    key.add(static_cast<std::uint64_t>(rule.verdict.kind) << 8U |
            static_cast<std::uint64_t>(rule.verdict.reject));
    list.push_back({key.value(), &rule});
  }
  return list;
}

// In each run of exchangeable rules: those that `reference` has in its order, the others behind.
void order_like(const std::vector<Keyed>& reference, std::vector<Keyed>& list) {
  constexpr auto nowhere = static_cast<std::size_t>(-1);
  std::unordered_map<std::uint64_t, std::deque<std::size_t>> places;
  for (std::size_t i = 0; i < reference.size(); ++i) places[reference[i].key].push_back(i);
  std::vector<std::pair<std::size_t, Keyed>> placed;
  placed.reserve(list.size());
  for (const auto& entry : list) {
    auto& open = places[entry.key];
    placed.emplace_back(open.empty() ? nowhere : open.front(), entry);
    if (!open.empty()) open.pop_front();
  }
  for (auto begin = placed.begin(); begin != placed.end();) {
    auto end = begin + 1;
    while (end != placed.end() && exchangeable(*begin->second.rule, *end->second.rule)) ++end;
    std::stable_sort(begin, end, [](const auto& a, const auto& b) { return a.first < b.first; });
    begin = end;
  }
  for (std::size_t i = 0; i < list.size(); ++i) list[i] = placed[i].second;
}

// Where one list has entries that the other lacks, the other gets as many that do nothing. Equal
// runs are found greedily: entries are looked for only so far ahead.
void pad(std::vector<Keyed>& a, std::vector<Keyed>& b) {
  constexpr std::size_t look_ahead = 64;
  std::vector<Keyed> x;
  std::vector<Keyed> y;
  std::size_t i = 0;
  std::size_t j = 0;
  const auto take = [&](std::size_t of_a, std::size_t of_b) {
    for (std::size_t n = 0; n < std::max(of_a, of_b); ++n) {
      x.push_back(n < of_a ? a[i + n] : Keyed{});
      y.push_back(n < of_b ? b[j + n] : Keyed{});
    }
    i += of_a;
    j += of_b;
  };
  while (i < a.size() && j < b.size()) {
    if (a[i].key == b[j].key) {
      take(1, 1);
      continue;
    }
    // The nearest pair of equal entries ahead.
    std::size_t skip_a = 1;
    std::size_t skip_b = 1;
    for (std::size_t sum = 1, found = 0; sum <= look_ahead && found == 0; ++sum)
      for (std::size_t n = 0; n <= sum && found == 0; ++n)
        if (i + n < a.size() && j + sum - n < b.size() && a[i + n].key == b[j + sum - n].key) {
          skip_a = n;
          skip_b = sum - n;
          found = 1;
        }
    take(skip_a, skip_b);
  }
  take(a.size() - i, b.size() - j);
  a = std::move(x);
  b = std::move(y);
}

void put(ir::Chain& chain, const std::vector<Keyed>& list) {
  std::vector<ir::Rule> rules;
  rules.reserve(list.size());
  for (const auto& entry : list) rules.push_back(entry.rule == nullptr ? ir::Rule{} : *entry.rule);
  chain.rules = std::move(rules);
}

}  // namespace

ir::Program with_names_of(const ir::Program& reference, ir::Program program) {
  const Names theirs(reference);
  const Names ours(program);
  const auto predicates = partners(theirs.predicates, ours.predicates);
  const auto counters = partners(theirs.counters, ours.counters);
  for (auto& chain : program.chains)
    for (auto& rule : chain.rules) {
      for (auto& predicate : rule.match.predicates) predicate = predicates.at(predicate);
      if (rule.effects.count) rule.effects.count = counters.at(*rule.effects.count);
    }
  return program;
}

std::pair<ir::Program, ir::Program> side_by_side(const ir::Program& a, const ir::Program& b) {
  auto result = std::pair{a, b};
  for (std::size_t i = 0; i < std::min(a.chains.size(), b.chains.size()); ++i) {
    if (a.chains[i].name != b.chains[i].name) continue;
    auto left = keyed(a.chains[i]);
    auto right = keyed(b.chains[i]);
    order_like(left, right);
    order_like(right, left);
    pad(left, right);
    put(result.first.chains[i], left);
    put(result.second.chains[i], right);
  }
  return result;
}

}  // namespace firewright::analysis
