#include "backends/nftables/read_text_declarations.h"

#include <algorithm>
#include <array>

#include "backends/nftables/read_text_selectors.h"

namespace firewright::nftables::script {
namespace {

// Less a family at its end: "limit-ssh" of "limit-ssh-v4".
std::string_view stem(std::string_view name, Family family) {
  static constexpr std::array v4 = {std::string_view("ipv4"), std::string_view("ip4"),
                                    std::string_view("v4"), std::string_view("4")};
  static constexpr std::array v6 = {std::string_view("ipv6"), std::string_view("ip6"),
                                    std::string_view("v6"), std::string_view("6")};
  for (const auto ending : family == Family::ipv4 ? v4 : v6) {
    if (!name.ends_with(ending)) continue;
    name.remove_suffix(ending.size());
    while (name.ends_with('-') || name.ends_with('_') || name.ends_with('.')) name.remove_suffix(1);
    break;
  }
  return name;
}

}  // namespace

bool KnownSet::is_opaque() const {
  return filled_by_packets ||
         std::find(types.begin(), types.end(), Datatype::opaque) != types.end();
}

bool Declarations::read_type(KnownSet& set) {
  Cursor cursor(script_, set.tree->type, sink_);
  do {
    if (set.tree->is_typeof) {
      const auto selector = read_selector(cursor);
      if (!selector) return false;
      set.types.push_back(selector->type);
    } else {
      const auto name = cursor.take_name();
      if (!name) return false;
      set.types.push_back(datatype(*name));
    }
  } while (cursor.take(TokenKind::dot));
  if (!set.tree->is_map) return cursor.at_end() || cursor.expected("the end of the type");
  if (!cursor.take(TokenKind::colon)) return cursor.expected("`:` and the type of the data");
  if (cursor.word() != "verdict") return cursor.unknown("only maps to verdicts are known here");
  return true;
}

bool Declarations::read_set(KnownSet& set) {
  if (!read_type(set)) return false;
  if (set.is_opaque()) return true;
  for (const auto range : set.tree->elements) {
    Cursor cursor(script_, range, sink_);
    if (!read_elements(cursor, set.types, set.tree->is_map, set.elements)) return false;
    if (!cursor.at_end()) return cursor.expected("the end of the elements");
  }
  if (set.elements.has_ranges && !set.tree->interval) {
    sink_.report(Kind::artifact_conflict, set.tree->span,
                 {"`" + std::string(set.tree->name) + "` holds ranges without `flags interval`"});
    return false;
  }
  if (!set.tree->is_map) return true;
  return check_disjoint(set.elements, set.tree->span, sink_);
}

const KnownSet* Declarations::set(const TableTree& table, std::string_view name, Span use) {
  const auto [known, first] = sets_.try_emplace({&table, name});
  auto& set = known->second;
  if (first) {
    const auto place = table.set_places.find(name);
    if (place == table.set_places.end()) {
      sink_.report(Kind::artifact_undefined, use, {"set", std::string(name)});
      return nullptr;
    }
    set.tree = &table.sets[place->second];
    set.filled_by_packets = set.tree->dynamic || table.updated.contains(name);
    set.elements_are_read = read_set(set);
  }
  return set.elements_are_read ? &set : nullptr;
}

const ObjectTree* Declarations::object(const TableTree& table, ObjectKind kind,
                                       std::string_view name, Span use) {
  const auto place = table.object_places.find({kind, name});
  if (place != table.object_places.end()) return &table.objects[place->second];
  const char* what = kind == ObjectKind::counter ? "counter"
                     : kind == ObjectKind::limit ? "limit"
                                                 : "object";
  sink_.report(Kind::artifact_undefined, use, {what, std::string(name)});
  return nullptr;
}

std::optional<LimitText> Declarations::limit(const TableTree& table, std::string_view name,
                                             Span use) {
  const auto* found = object(table, ObjectKind::limit, name, use);
  if (found == nullptr) return std::nullopt;
  Cursor cursor(script_, found->body, sink_);
  while (cursor.take(TokenKind::newline) || cursor.take(TokenKind::semicolon)) {
  }
  if (cursor.take_word("comment")) {
    if (!cursor.take_name()) return std::nullopt;
    while (cursor.take(TokenKind::newline) || cursor.take(TokenKind::semicolon)) {
    }
  }
  return read_limit(cursor);
}

std::optional<std::string> Declarations::counter(const TableTree& table, std::string_view name,
                                                 Span use) {
  if (object(table, ObjectKind::counter, name, use) == nullptr) return std::nullopt;
  const auto [place, first] = counters_.try_emplace({&table, ObjectKind::counter, name});
  if (!first) return place->second;
  constexpr std::string_view prefix = "count-";
  std::string effect(
      name.starts_with(prefix) && name.size() > prefix.size() ? name.substr(prefix.size()) : name);
  if (counter_names_.contains(effect)) effect = std::string(name);
  while (!counter_names_.insert(effect).second) effect = std::string(table.name) + "/" + effect;
  place->second = effect;
  return effect;
}

std::string Declarations::new_instance(std::string_view wanted) {
  std::string name;
  for (const char c : wanted.substr(0, 200)) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
    name += plain ? c : '-';
  }
  if (instance_names_.insert(name).second) return name;
  for (std::size_t n = instance_names_.size();; ++n) {
    auto other = name + "-" + std::to_string(n);
    if (instance_names_.insert(other).second) return other;
  }
}

std::string Declarations::instance(const TableTree& table, ObjectKind kind, std::string_view name) {
  const auto [place, first] = instances_.try_emplace({&table, kind, name});
  if (first) place->second = new_instance(name);
  return place->second;
}

std::optional<std::string> Declarations::source_instance(const TableTree& table,
                                                         std::string_view set, Family family,
                                                         const std::string& parameters) {
  const auto [place, first] = buckets_.try_emplace({&table, set});
  auto& bucket = place->second;
  if (!first) {
    if (bucket.parameters != parameters) return std::nullopt;
    return bucket.instance;
  }
  bucket.parameters = parameters;
  const auto common = stem(set, family);
  auto& pair = pairs_[{&table, std::string(common), parameters}];
  auto& own = family == Family::ipv4 ? pair.v4 : pair.v6;
  if (common.size() == set.size() || !own.empty()) {
    bucket.instance = new_instance(set);
    return bucket.instance;
  }
  own = set;
  if (pair.instance.empty()) pair.instance = new_instance(common);
  bucket.instance = pair.instance;
  return bucket.instance;
}

std::string Declarations::elements_text(const SetTree& set) {
  std::string text;
  for (const auto range : set.elements) {
    const Cursor cursor(script_, range, sink_);
    if (!text.empty()) text += ",";
    text += cursor.text(range);
  }
  return "{ " + text + " }";
}

bool Declarations::spend(std::size_t bytes) {
  constexpr std::size_t most = std::size_t{1} << 30U;
  if (bytes > most - spent_) return false;
  spent_ += bytes;
  return true;
}

void Declarations::note_opaque(const std::string& text, Span span) {
  if (noted_.insert(text).second) sink_.report(Kind::artifact_opaque, span, {text});
}

}  // namespace firewright::nftables::script
