#include "backends/nftables/read_text_values.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <optional>
#include <utility>

#include "backends/nftables/read_text_names.h"
#include "compiler/net/types.h"

namespace firewright::nftables::script {
namespace {

constexpr std::size_t interface_bytes = 16;  // IFNAMSIZ
constexpr unsigned deepest_set = 16;

std::string_view what_is_wanted(Datatype type) {
  switch (type) {
    case Datatype::nf_proto: return "`ipv4` or `ipv6`";
    case Datatype::protocol: return "a protocol";
    case Datatype::ether_type: return "`ip` or `ip6`";
    case Datatype::port: return "a port";
    case Datatype::icmp_type:
    case Datatype::icmpv6_type: return "an ICMP type";
    case Datatype::icmp_code:
    case Datatype::icmpv6_code: return "an ICMP code";
    case Datatype::ipv4: return "an IPv4 address";
    case Datatype::ipv6: return "an IPv6 address";
    case Datatype::interface:
    case Datatype::interface_index: return "an interface";
    case Datatype::user: return "a user's number";
    case Datatype::group: return "a group's number";
    case Datatype::state: return "a state";
    case Datatype::opaque: return "a value";
  }
  return {};
}

std::optional<std::uint32_t> named_value(Datatype type, std::string_view name) {
  switch (type) {
    case Datatype::nf_proto: return nf_proto_number(name);
    case Datatype::protocol: return protocol_number(name);
    case Datatype::ether_type: return ether_type_number(name);
    case Datatype::port: return service_port(name);
    case Datatype::icmp_type: return icmp_type_number(name);
    case Datatype::icmp_code: return icmp_code_number(name);
    case Datatype::icmpv6_type: return icmpv6_type_number(name);
    case Datatype::icmpv6_code: return icmpv6_code_number(name);
    case Datatype::user:
    case Datatype::group: return name == "root" ? std::optional<std::uint32_t>(0) : std::nullopt;
    case Datatype::state: return state_bit(name);
    case Datatype::ipv4:
    case Datatype::ipv6:
    case Datatype::interface:
    case Datatype::interface_index:
    case Datatype::opaque: return std::nullopt;
  }
  return std::nullopt;
}

std::string_view hint(Datatype type) {
  switch (type) {
    case Datatype::port: return "the port's number says it everywhere";
    case Datatype::user:
    case Datatype::group: return "names of other hosts' owners are not known; write the number";
    case Datatype::ipv4:
    case Datatype::ipv6: return "names of hosts are not looked up; write the address";
    case Datatype::protocol: return "the protocol's number says it everywhere";
    case Datatype::nf_proto:
    case Datatype::ether_type:
    case Datatype::icmp_type:
    case Datatype::icmp_code:
    case Datatype::icmpv6_type:
    case Datatype::icmpv6_code:
    case Datatype::interface:
    case Datatype::interface_index:
    case Datatype::state:
    case Datatype::opaque: return {};
  }
  return {};
}

bool read_interface(Cursor& cursor, Datatype type, Range& item) {
  const auto kind = cursor.kind();
  if (kind != TokenKind::word && kind != TokenKind::string && kind != TokenKind::number)
    return cursor.expected("an interface");
  auto name = cursor.spelling();
  const bool wildcard = name.ends_with('*');
  if (type == Datatype::interface_index && (kind == TokenKind::number || wildcard))
    return cursor.unknown("write the interface's name");
  if (wildcard) name.remove_suffix(1);
  if (name.empty() || name.size() >= interface_bytes ||
      name.find_first_of("*\\") != std::string_view::npos)
    return cursor.unknown("an interface's name has 1 to 15 characters, and `*` only behind them");
  item = {};
  for (std::size_t i = 0; i < interface_bytes; ++i) {
    const bool named = i < name.size();
    const u128 byte = named ? static_cast<unsigned char>(name[i]) : 0U;
    item.first = item.first << 8U | byte;
    item.last = item.last << 8U | (named || !wildcard ? byte : u128{0xff});
  }
  cursor.advance();
  return true;
}

bool read_value(Cursor& cursor, Datatype type, u128& value) {
  const auto kind = cursor.kind();
  if (type == Datatype::ipv4 && kind == TokenKind::ipv4) {
    value = parse_ipv4(cursor.spelling())->value;
  } else if (type == Datatype::ipv6 && kind == TokenKind::ipv6) {
    value = parse_ipv6(cursor.spelling())->value;
  } else if (kind == TokenKind::number && type != Datatype::ipv4 && type != Datatype::ipv6) {
    const auto number = parse_number(cursor.spelling());
    if (!number || *number > last_value(type))
      return cursor.expected(std::string(what_is_wanted(type)) + " without leading zeros");
    value = *number;
  } else if (kind == TokenKind::word || kind == TokenKind::string) {
    const auto number = named_value(type, cursor.spelling());
    if (!number) return cursor.unknown(std::string(hint(type)));
    value = *number;
  } else {
    return cursor.expected(std::string(what_is_wanted(type)));
  }
  cursor.advance();
  return true;
}

unsigned bits_of(Datatype type) { return type == Datatype::ipv4 ? 32 : 128; }

// Bits behind the prefix are cut off, as nft does.
bool read_prefix_length(Cursor& cursor, Datatype type, Range& item) {
  if (type != Datatype::ipv4 && type != Datatype::ipv6) return cursor.expected("a single value");
  cursor.advance();
  const auto number =
      cursor.kind() == TokenKind::number ? parse_number(cursor.spelling()) : std::nullopt;
  const unsigned bits = bits_of(type);
  if (!number || *number > bits)
    return cursor.expected("a prefix length of at most " + std::to_string(bits));
  cursor.advance();
  const auto length = static_cast<unsigned>(*number);
  const u128 all = last_value(type);
  const u128 hosts = length == 0 ? all : (length == bits ? u128{0} : all >> length);
  item.first &= all & ~hosts;
  item.last = item.first | hosts;
  return true;
}

// --- elements

class ElementReader {
 public:
  ElementReader(Cursor& cursor, std::span<const Datatype> types, bool is_map, Elements& elements)
      : cursor_(cursor), types_(types), is_map_(is_map), elements_(elements) {}

  bool read(unsigned depth) {
    for (;;) {
      cursor_.skip_newlines();
      if (cursor_.at_end() || cursor_.kind() == TokenKind::close) return true;
      if (cursor_.take(TokenKind::open)) {  // a variable that is itself a set
        if (depth == deepest_set) return cursor_.unknown("sets in sets in sets");
        if (!read(depth + 1)) return false;
        if (!cursor_.take(TokenKind::close)) return cursor_.expected("`}`");
      } else if (!element()) {
        return false;
      }
      cursor_.skip_newlines();
      if (cursor_.take(TokenKind::comma)) continue;
      if (!cursor_.at_end() && cursor_.kind() != TokenKind::close)
        return cursor_.expected("`,` or `}`");
    }
  }

 private:
  bool element() {
    if (cursor_.kind() == TokenKind::star)
      return cursor_.unknown("elements that match everything else are not known here");
    for (std::size_t i = 0; i < types_.size(); ++i) {
      if (i > 0) {
        cursor_.skip_newlines();
        if (!cursor_.take(TokenKind::dot))
          return cursor_.expected("`.` and " + std::string(what_is_wanted(types_[i])));
        cursor_.skip_newlines();
      }
      Range item;
      if (!read_item(cursor_, types_[i], item)) return false;
      elements_.has_ranges |= !item.single();
      elements_.keys.push_back(item);
    }
    if (!options()) return false;
    if (!is_map_)
      return cursor_.kind() != TokenKind::colon || cursor_.expected("no `:`: this is no map");
    cursor_.skip_newlines();
    if (!cursor_.take(TokenKind::colon)) return cursor_.expected("`:` and a verdict");
    cursor_.skip_newlines();
    ir::Verdict verdict;
    if (!read_verdict(cursor_, verdict)) return false;
    elements_.verdicts.push_back(choice(std::move(verdict)));
    return options();
  }

  std::uint32_t choice(ir::Verdict verdict) {
    const auto next = static_cast<std::uint32_t>(elements_.choices.size());
    const auto [place, made] = choices_.try_emplace({verdict.kind, verdict.chain}, next);
    if (made) elements_.choices.push_back(std::move(verdict));
    return place->second;
  }

  // What an element has been through does not say what it matches. An element with a timeout is one
  // that is there now.
  bool options() {
    for (;;) {
      if (cursor_.take_word("timeout") || cursor_.take_word("expires")) {
        if (!cursor_.take_duration()) return false;
      } else if (cursor_.take_word("comment")) {
        if (!cursor_.take_name()) return false;
      } else if (cursor_.take_word("counter")) {
        if (cursor_.take_word("packets") && !cursor_.take_number()) return false;
        if (cursor_.take_word("bytes") && !cursor_.take_number()) return false;
      } else {
        return true;
      }
    }
  }

  Cursor& cursor_;
  std::span<const Datatype> types_;
  bool is_map_;
  Elements& elements_;
  std::map<std::pair<ir::VerdictKind, std::string>, std::uint32_t> choices_;
};

bool overlap(const Range& a, const Range& b) { return a.first <= b.last && b.first <= a.last; }

}  // namespace

u128 last_value(Datatype type) {
  switch (type) {
    case Datatype::nf_proto:
    case Datatype::protocol:
    case Datatype::icmp_type:
    case Datatype::icmp_code:
    case Datatype::icmpv6_type:
    case Datatype::icmpv6_code: return 0xff;
    case Datatype::ether_type:
    case Datatype::port: return 0xffff;
    case Datatype::ipv4:
    case Datatype::user:
    case Datatype::group:
    case Datatype::state: return 0xffffffff;
    case Datatype::ipv6:
    case Datatype::interface:
    case Datatype::interface_index: return ~u128{0};
    case Datatype::opaque: return 0;
  }
  return 0;
}

bool read_item(Cursor& cursor, Datatype type, Range& item) {
  if (type == Datatype::interface || type == Datatype::interface_index)
    return read_interface(cursor, type, item);
  const auto first = cursor.position();
  if (!read_value(cursor, type, item.first)) return false;
  item.last = item.first;
  if (cursor.kind() == TokenKind::slash) return read_prefix_length(cursor, type, item);
  if (cursor.kind() != TokenKind::dash) return true;
  cursor.advance();
  if (!read_value(cursor, type, item.last)) return false;
  return item.first <= item.last ||
         cursor.conflict("this range ends before it begins", cursor.since(first));
}

bool read_verdict(Cursor& cursor, ir::Verdict& verdict) {
  const auto word = cursor.word();
  const bool jump = word == "jump";
  if (jump || word == "goto") {
    cursor.advance();
    if (cursor.kind() == TokenKind::open)
      return cursor.unknown("chains without a name are not known here");
    const auto chain = cursor.take_name();
    if (!chain) return false;
    verdict.kind = jump ? ir::VerdictKind::jump : ir::VerdictKind::go_to;
    verdict.chain = std::string(*chain);
    return true;
  }
  if (word == "accept")
    verdict.kind = ir::VerdictKind::accept;
  else if (word == "drop")
    verdict.kind = ir::VerdictKind::drop;
  else if (word == "continue")
    verdict.kind = ir::VerdictKind::next;
  else if (word == "return")
    verdict.kind = ir::VerdictKind::return_;
  else
    return word.empty() ? cursor.expected("a verdict") : cursor.unknown();
  cursor.advance();
  return true;
}

bool read_elements(Cursor& cursor, std::span<const Datatype> types, bool is_map,
                   Elements& elements) {
  elements.arity = types.size();
  return ElementReader(cursor, types, is_map, elements).read(0);
}

bool check_disjoint(const Elements& elements, Span span, Sink& sink) {
  const auto refuse = [&](const char* why) {
    sink.report(Kind::artifact_conflict, span, {why});
    return false;
  };
  std::vector<std::uint32_t> order(elements.size());
  std::iota(order.begin(), order.end(), 0U);
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    return elements.key(a)[0] < elements.key(b)[0];
  });
  std::size_t comparisons = 50'000'000;
  for (std::size_t i = 0; i < order.size(); ++i) {
    const auto a = elements.key(order[i]);
    for (std::size_t j = i + 1; j < order.size(); ++j) {
      const auto b = elements.key(order[j]);
      if (b[0].first > a[0].last) break;
      if (comparisons-- == 0) return refuse("more elements of this map overlap than can be");
      if (elements.choices[elements.verdicts[order[i]]] ==
          elements.choices[elements.verdicts[order[j]]])
        continue;
      bool all = true;
      for (std::size_t k = 0; all && k < elements.arity; ++k) all = overlap(a[k], b[k]);
      if (all) return refuse("elements of this map overlap and differ in their verdict");
    }
  }
  return true;
}

ir::InterfacePattern interface_pattern(Range range) {
  ir::InterfacePattern pattern{.name = {}, .wildcard = !range.single()};
  for (unsigned shift = 128; shift > 0; shift -= 8) {
    const auto byte = static_cast<unsigned char>(range.first >> (shift - 8));
    if (byte == 0) break;
    pattern.name += static_cast<char>(byte);
  }
  return pattern;
}

}  // namespace firewright::nftables::script
