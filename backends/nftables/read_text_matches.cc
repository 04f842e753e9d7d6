#include "backends/nftables/read_text_matches.h"

#include <algorithm>
#include <array>
#include <functional>
#include <utility>

#include "backends/nftables/read_text_boxes.h"
#include "backends/nftables/read_text_masks.h"
#include "backends/nftables/read_text_names.h"

namespace firewright::nftables::script {
namespace {

// The protocols that nft knows a header of, so that naming one of them says what comes behind.
bool has_known_header(u128 protocol) {
  static constexpr std::array known = {1U, 2U, 6U, 17U, 33U, 50U, 51U, 58U, 108U, 132U, 136U};
  return std::find(known.begin(), known.end(), protocol) != known.end();
}

// What may stand between the first IPv6 header and the protocol (net/ipv6/exthdrs_core.c).
bool is_extension_header(unsigned number) {
  static constexpr std::array headers = {0U, 43U, 44U, 51U, 59U, 60U, 135U, 139U, 140U};
  return std::find(headers.begin(), headers.end(), number) != headers.end();
}

bool names_extension_header(std::span<const Range> ranges) {
  for (unsigned number = 0; number < 256; ++number)
    if (is_extension_header(number))
      for (const auto& range : ranges)
        if (range.first <= number && number <= range.last) return true;
  return false;
}

std::string number_text(u128 value) {
  if (value == 0) return "0";
  std::string digits;
  for (; value != 0; value /= 10)
    digits.insert(digits.begin(), static_cast<char>('0' + static_cast<int>(value % 10)));
  return digits;
}

std::string condition_text(const Selector& selector, bool negated, std::span<const Range> ranges) {
  std::vector<Range> sorted(ranges.begin(), ranges.end());
  std::sort(sorted.begin(), sorted.end());
  std::string text = selector.text + (negated ? " != {" : " {");
  for (const auto& range : sorted) {
    if (text.back() != '{') text += ',';
    if (selector.type == Datatype::interface || selector.type == Datatype::interface_index) {
      text += to_string(interface_pattern(range));
      continue;
    }
    text += number_text(range.first);
    if (!range.single()) text += "-" + number_text(range.last);
  }
  return text + "}";
}

}  // namespace

FamilySet families_of(TableFamily family) {
  switch (family) {
    case TableFamily::ip: return {Family::ipv4};
    case TableFamily::ip6: return {Family::ipv6};
    case TableFamily::inet: return FamilySet::all();
    case TableFamily::arp:
    case TableFamily::bridge:
    case TableFamily::netdev: return {};
  }
  return {};
}

Matches::Matches(Declarations& declarations, const TableTree& table, Cursor& cursor,
                 std::function<std::string()> place)
    : declarations_(declarations),
      table_(table),
      cursor_(cursor),
      place_(std::move(place)),
      packets_(families_of(table.family)) {
  if (table.family == TableFamily::ip) family_ = Family::ipv4;
  if (table.family == TableFamily::ip6) family_ = Family::ipv6;
}

bool Matches::spend(std::size_t products) {
  constexpr std::size_t product = 1024;  // bytes, roughly
  constexpr std::size_t most = 10'000'000;
  const auto count = std::max<std::size_t>(packets_.matches().size(), 1);
  if (products <= most / count && declarations_.spend(products * count * (product + opaque_bytes_)))
    return true;
  return cursor_.unknown("this makes more products of sets than the reader takes");
}

// --- what nft adds

bool Matches::need_family(Family family, Span span) {
  if (family_ && *family_ != family) return cursor_.conflict("no packet is IPv4 and IPv6", span);
  if (!family_) packets_.restrict_families({family});
  family_ = family;
  return true;
}

bool Matches::need_protocol(Protocol protocol, Span span) {
  if (several_protocols_ || (protocol_ && *protocol_ != protocol))
    return cursor_.conflict("another protocol than " + to_string(protocol) + " is named before",
                            span);
  if (protocol_) return true;
  if (!family_ && (protocol == protocol::icmp || protocol == protocol::igmp) &&
      !need_family(Family::ipv4, span))
    return false;
  if (!family_ && protocol == protocol::icmpv6 && !need_family(Family::ipv6, span)) return false;
  packets_.restrict_protocols(ProtocolSet::of(protocol));
  protocol_ = protocol;
  return true;
}

bool Matches::need(const Selector& selector) {
  const auto span = cursor_.since(begin_);
  if (selector.family && !need_family(*selector.family, span)) return false;
  return !selector.protocol || need_protocol(*selector.protocol, span);
}

void Matches::learn(const Selector& selector, std::span<const Range> ranges) {
  const bool one = ranges.size() == 1 && ranges[0].single();
  const bool protocols = selector.type == Datatype::protocol;
  if (selector.field == Field::nf_proto && one)
    family_ = ranges[0].first == 2 ? Family::ipv4 : Family::ipv6;
  if (!protocols || ranges.empty()) return;
  if (one && has_known_header(ranges[0].first)) {
    protocol_ = Protocol{static_cast<std::uint8_t>(ranges[0].first)};
    several_protocols_ = false;
  } else if (!one &&
             std::all_of(ranges.begin(), ranges.end(), [](Range r) { return r.single(); })) {
    protocol_.reset();
    several_protocols_ = true;
  }
}

// --- left-hand sides

bool Matches::read_selectors(std::vector<Selector>& selectors, bool with_masks) {
  left_.clear();
  do {
    auto selector = read_selector(cursor_);
    if (!selector) return false;
    if (with_masks) take_mask(cursor_, *selector);
    left_ += (left_.empty() ? "" : " . ") + selector->text;
    selectors.push_back(std::move(*selector));
  } while (cursor_.take(TokenKind::dot));
  behind_ = cursor_.position();
  return std::all_of(selectors.begin(), selectors.end(),
                     [&](const Selector& selector) { return need(selector); });
}

bool Matches::read_match() {
  begin_ = cursor_.position();
  map_.reset();
  std::vector<Selector> selectors;
  if (!read_selectors(selectors, /*with_masks=*/true)) return false;
  const auto word = cursor_.word();
  if (word == "set") {
    static constexpr std::array harmless = {std::string_view("tcp option maxseg size"),
                                            std::string_view("ip dscp"),
                                            std::string_view("ip6 dscp"),
                                            std::string_view("meta priority"),
                                            std::string_view("meta secmark"),
                                            std::string_view("ct secmark"),
                                            std::string_view("ct helper")};
    if (std::find(harmless.begin(), harmless.end(), selectors[0].text) == harmless.end())
      return cursor_.unknown("what a rule changes in a packet is not followed");
    cursor_.advance();
    return take_new_value();
  }
  if (word == "vmap") return read_map(selectors);
  const bool interpreted = std::all_of(selectors.begin(), selectors.end(), [](const Selector& s) {
    return s.type != Datatype::opaque;
  });
  const auto kind = cursor_.kind();
  const bool masked = kind == TokenKind::ampersand || kind == TokenKind::bar ||
                      kind == TokenKind::caret || word == "and" || word == "or" || word == "xor";
  if (!interpreted || masked) return read_opaque(selectors);
  return read_operand(selectors);
}

Matches::Operator Matches::take_operator() {
  struct Spelling {
    TokenKind kind;
    std::string_view word;
    Operator op;
  };
  static constexpr std::array spellings = {
      Spelling{TokenKind::equal, "eq", Operator::equal},
      Spelling{TokenKind::not_equal, "ne", Operator::not_equal},
      Spelling{TokenKind::less, "lt", Operator::less},
      Spelling{TokenKind::greater, "gt", Operator::greater},
      Spelling{TokenKind::less_equal, "le", Operator::less_equal},
      Spelling{TokenKind::greater_equal, "ge", Operator::greater_equal},
      Spelling{TokenKind::bang, {}, Operator::clear}};
  for (const auto& spelling : spellings) {
    if (cursor_.kind() != spelling.kind &&
        (spelling.word.empty() || cursor_.word() != spelling.word))
      continue;
    cursor_.advance();
    return spelling.op;
  }
  return Operator::implied;
}

// --- right-hand sides

bool Matches::read_operand(const std::vector<Selector>& selectors) {
  const auto start = cursor_.position();
  const auto op = take_operator();
  if (cursor_.kind() == TokenKind::open || cursor_.kind() == TokenKind::at)
    return read_set(selectors, op);
  if (selectors.size() > 1) {
    cursor_.move_to(start);
    return read_opaque(selectors);
  }
  const auto& selector = selectors[0];
  if (selector.type == Datatype::state) return states(selector, op);
  if (!read_single(selector, op)) return false;
  const auto kind = cursor_.kind();
  if (kind == TokenKind::bar || kind == TokenKind::ampersand || kind == TokenKind::comma)
    return cursor_.unknown("several values stand in braces");
  return true;
}

bool Matches::read_single(const Selector& selector, Operator op) {
  Range item;
  const auto at = cursor_.position();
  if (!read_item(cursor_, selector.type, item)) return false;
  const auto refuse = [&](const char* why) {
    cursor_.move_to(at);
    return cursor_.unknown(why);
  };
  const u128 most = last_value(selector.type);
  const bool ordered = selector.type != Datatype::interface &&
                       selector.type != Datatype::interface_index && item.single();
  std::vector<Range> ranges;
  switch (op) {
    case Operator::implied:
    case Operator::equal:
    case Operator::not_equal: ranges.push_back(item); break;
    case Operator::clear: return refuse("`!` is for `ct state` here");
    case Operator::less:
      if (item.first > 0) ranges.push_back({0, item.first - 1});
      break;
    case Operator::less_equal: ranges.push_back({0, item.first}); break;
    case Operator::greater:
      if (item.first < most) ranges.push_back({item.first + 1, most});
      break;
    case Operator::greater_equal: ranges.push_back({item.first, most}); break;
  }
  const bool comparison = op == Operator::less || op == Operator::less_equal ||
                          op == Operator::greater || op == Operator::greater_equal;
  if (comparison && !ordered) return refuse("less and greater are for single numbers");
  if (!apply(packets_, selector, op == Operator::not_equal, ranges)) return false;
  if (op == Operator::implied || op == Operator::equal) learn(selector, ranges);
  return true;
}

bool Matches::states(const Selector& selector, Operator op) {
  u128 mask = 0;
  do {
    Range item;
    const auto at = cursor_.position();
    if (!read_item(cursor_, Datatype::state, item)) return false;
    if (!item.single()) {
      cursor_.move_to(at);
      return cursor_.unknown("a range of states");
    }
    mask |= item.first;
  } while (cursor_.take(TokenKind::comma) || cursor_.take(TokenKind::bar));
  const bool whole = op == Operator::equal || op == Operator::not_equal;
  if (!whole && op != Operator::implied && op != Operator::clear)
    return cursor_.unknown("states have no order");
  std::vector<Range> values;
  if (whole) {
    values.push_back({mask, mask});
  } else {
    for (u128 bit = 1; bit <= mask; bit <<= 1U)
      if ((mask & bit) != 0) values.push_back({bit, bit});
  }
  return apply(packets_, selector, op == Operator::not_equal || op == Operator::clear, values);
}

const Elements* Matches::elements(const std::vector<Selector>& selectors, bool is_map,
                                  Elements& own, bool& opaque) {
  std::vector<Datatype> types;
  for (const auto& selector : selectors) types.push_back(selector.type);
  if (cursor_.take(TokenKind::at)) {
    const auto use = cursor_.here();
    const auto name = cursor_.take_name();
    if (!name) return nullptr;
    const auto* set = declarations_.set(table_, *name, use);
    if (set == nullptr) return nullptr;
    if (set->tree->is_map != is_map || set->types != types) {
      cursor_.sink().report(Kind::artifact_conflict, use,
                            {"`" + std::string(*name) + "` has another type than this match"});
      return nullptr;
    }
    opaque = set->is_opaque();
    if (opaque) return nullptr;
    if (!declarations_.spend(set->elements.keys.size() * sizeof(Range))) {
      cursor_.unknown("this repeats large sets more often than the reader takes");
      return nullptr;
    }
    return &set->elements;
  }
  const auto inside = cursor_.take_block();
  if (!inside) {
    cursor_.expected("`}`");
    return nullptr;
  }
  Cursor inner(cursor_.script(), *inside, cursor_.sink());
  if (!read_elements(inner, types, is_map, own)) return nullptr;
  if (!inner.at_end()) {
    inner.expected("the end of the set");
    return nullptr;
  }
  if (is_map && !check_disjoint(own, cursor_.since(begin_), cursor_.sink())) return nullptr;
  return &own;
}

bool Matches::read_set(const std::vector<Selector>& selectors, Operator op) {
  if (op != Operator::implied && op != Operator::equal && op != Operator::not_equal)
    return cursor_.unknown("sets are compared with `==` and `!=`");
  const bool negated = op == Operator::not_equal;
  const bool named = cursor_.kind() == TokenKind::at;
  Elements own;
  bool opaque = false;
  const auto* known = elements(selectors, /*is_map=*/false, own, opaque);
  if (known == nullptr) {
    if (!opaque) return false;
    const auto name = cursor_.script().spelling(cursor_.script().tokens[cursor_.position() - 1]);
    return require_opaque(text(), table_.updated.contains(name));
  }
  if (selectors.size() > 1) {
    if (negated) return require_opaque(text(), false);
    std::vector<std::uint32_t> all(known->size());
    for (std::uint32_t i = 0; i < all.size(); ++i) all[i] = i;
    return apply_boxes(packets_, selectors, *known, std::move(all));
  }
  if (!apply(packets_, selectors[0], negated, known->keys)) return false;
  if (!negated && !named) learn(selectors[0], known->keys);
  return true;
}

bool Matches::read_map(const std::vector<Selector>& selectors) {
  cursor_.advance();
  if (cursor_.kind() != TokenKind::open && cursor_.kind() != TokenKind::at)
    return cursor_.expected("`{` or `@`");
  const bool interpreted = std::all_of(selectors.begin(), selectors.end(), [](const Selector& s) {
    return s.type != Datatype::opaque;
  });
  if (!interpreted) return read_opaque_map(selectors);
  Elements own;
  bool opaque = false;
  const auto* known = elements(selectors, /*is_map=*/true, own, opaque);
  if (known == nullptr)
    return opaque ? cursor_.unknown("maps that packets fill are not known here") : false;
  std::vector<std::vector<std::uint32_t>> chosen(known->choices.size());
  for (std::uint32_t i = 0; i < known->size(); ++i) chosen[known->verdicts[i]].push_back(i);
  if (!spend(known->choices.size())) return false;
  map_.emplace();
  for (std::size_t choice = 0; choice < chosen.size(); ++choice) {
    Alternatives part = packets_;
    if (selectors.size() > 1) {
      if (!apply_boxes(part, selectors, *known, std::move(chosen[choice]))) return false;
    } else {
      std::vector<Range> keys;
      for (const auto i : chosen[choice]) keys.push_back(known->keys[i]);
      if (!apply(part, selectors[0], false, keys)) return false;
    }
    map_->push_back({std::move(part), known->choices[choice]});
  }
  return true;
}

// --- narrowing

// Lists that cost more than their length: names of interfaces are held against each other, and a
// code goes with every type.
bool Matches::afford(const Selector& selector, std::size_t ranges) {
  constexpr std::size_t most = 4096;
  std::size_t bytes = 0;
  if (selector.field == Field::in || selector.field == Field::out) bytes = ranges * ranges * 16;
  if (selector.field == Field::icmp_code) bytes = ranges * 256 * sizeof(Interval<IcmpTypeCode>);
  if (bytes == 0 || (ranges <= most && declarations_.spend(bytes))) return true;
  return cursor_.unknown("this list is longer than the reader takes");
}

bool Matches::apply(Alternatives& packets, const Selector& selector, bool negated,
                    std::span<const Range> ranges) {
  if (!afford(selector, ranges.size())) return false;
  std::vector<Range> wide;
  if (selector.free != 0) {
    wide = unmasked(ranges, selector.free);
    ranges = wide;
  }
  if (selector.field == Field::ip6_next_header && !negated && !names_extension_header(ranges)) {
    std::vector<Interval<Protocol>> protocols;
    for (const auto& range : ranges)
      protocols.push_back({Protocol{static_cast<std::uint8_t>(range.first)},
                           Protocol{static_cast<std::uint8_t>(range.last)}});
    packets.restrict_protocols(ProtocolSet(std::move(protocols)));
    const std::string condition = "no IPv6 extension headers";
    packets.require(opaque_predicate(condition));
    declarations_.note_opaque(condition, cursor_.since(begin_));
    return true;
  }
  const auto text = [&] { return condition_text(selector, negated, ranges); };
  const auto added = packets.restrict({.field = selector.field,
                                       .type = selector.type,
                                       .negated = negated,
                                       .ranges = ranges,
                                       .text = std::cref(text)});  // small: it is made for each box
  if (!added) return true;
  opaque_bytes_ += added->size();
  declarations_.note_opaque(*added, cursor_.since(begin_));
  return true;
}

bool Matches::apply_boxes(Alternatives& packets, const std::vector<Selector>& selectors,
                          const Elements& elements, std::vector<std::uint32_t> chosen) {
  const auto boxes = join_boxes(elements, chosen);
  if (!spend(boxes.size())) return false;
  std::vector<Alternatives> parts;
  parts.reserve(boxes.size());
  for (const auto& box : boxes) {
    auto part = packets;
    for (std::size_t i = 0; i < selectors.size(); ++i) {
      const auto fixed = std::span<const Range>(&box.fixed[i], 1);
      const auto ranges = i == box.joined ? std::span<const Range>(box.ranges) : fixed;
      if (!apply(part, selectors[i], false, ranges)) return false;
    }
    parts.push_back(std::move(part));
  }
  packets.unite(std::move(parts));
  return true;
}

}  // namespace firewright::nftables::script
