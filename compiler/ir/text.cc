#include <array>
#include <charconv>
#include <cstdint>

#include "compiler/ir/program.h"

namespace firewright::ir {
namespace {

// Quoted so that no text of an author can look like IR.
std::string quoted(std::string_view text) {
  static constexpr char hex[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (byte < 0x20 || byte == 0x7f) {
      out += "\\x";
      out += hex[byte >> 4U];
      out += hex[byte & 0xfU];
    } else {
      out += c;
    }
  }
  return out + '"';
}

// Everything below writes in place, without a string for each part: the text of a match is also
// what backends tell matches apart by.

template <class Items, class Append>
void append_braced(std::string& out, const Items& items, Append append) {
  out += '{';
  bool first = true;
  for (const auto& item : items) {
    if (!first) out += ", ";
    first = false;
    append(item);
  }
  out += '}';
}

void append(std::string& out, std::uint32_t number) {
  std::array<char, 10> text{};
  out.append(text.data(), std::to_chars(text.data(), text.data() + text.size(), number).ptr);
}

// "low-high", or the one value.
template <class T, class Point>
void append(std::string& out, const Interval<T>& interval, Point point) {
  point(interval.first);
  if (interval.first == interval.last) return;
  out += '-';
  point(interval.last);
}

template <class T>
void append_numbers(std::string& out, const IntervalSet<T>& set) {
  append_braced(out, set.intervals(), [&](const Interval<T>& i) {
    append(out, i, [&](T value) { append(out, value.value); });
  });
}

void append(std::string& out, const ProtocolSet& set) {
  append_braced(out, set.intervals(), [&](const Interval<Protocol>& i) {
    append(out, i, [&](Protocol p) { out += to_string(p); });
  });
}

void append(std::string& out, const IcmpSet& set) {
  append_braced(out, set.intervals(), [&](const Interval<IcmpTypeCode>& i) {
    append(out, i, [&](IcmpTypeCode v) {
      append(out, v.type());
      out += '/';
      append(out, v.code());
    });
  });
}

void append_key(std::string& out, std::string_view key) {
  out += ' ';
  out += key;
  out += ' ';
}

// An address set of one family, or nothing where it is all of it.
template <class A>
void append_addresses(std::string& out, std::string_view key, const IntervalSet<A>& set) {
  if (set.is_all() || set.empty()) return;
  append_key(out, key);
  append_braced(out, set.intervals(), [&](const Interval<A>& i) { out += to_string(i); });
}

void append(std::string& out, const InterfaceSet& set) {
  if (set.complemented()) out += "not ";
  append_braced(out, set.patterns(),
                [&](const InterfacePattern& p) { out += quoted(to_string(p)); });
}

template <class E>
void append(std::string& out, EnumSet<E> set) {
  append_braced(out, set, [&](E member) { out += to_string(member); });
}

std::string predicate(const Predicate& predicate) {
  std::string out = predicate.instance.empty() ? "" : predicate.instance + ":";
  if (const auto* rate = std::get_if<RateLimit>(&predicate.test)) {
    out += "rate " + std::to_string(rate->packets) + "/" + std::string(to_string(rate->unit)) +
           " burst " + std::to_string(rate->burst);
    if (rate->per_source) out += " per source";
  } else if (const auto* limit = std::get_if<ConnectionLimit>(&predicate.test)) {
    out += "connections " + std::to_string(limit->connections);
    if (limit->per_source) out += " per source";
  } else {
    out += "opaque " + quoted(std::get<OpaqueMatch>(predicate.test).text);
  }
  return out;
}

}  // namespace

std::string to_text(const Match& match) {
  std::string out;
  const auto add = [&](bool said, std::string_view key, auto value) {
    if (!said) return;
    append_key(out, key);
    value();
  };
  const auto add_set = [&](std::string_view key, const auto& set) {
    add(!set.is_all(), key, [&] { append(out, set); });
  };
  const auto add_numbers = [&](std::string_view key, const auto& set) {
    add(!set.is_all(), key, [&] { append_numbers(out, set); });
  };
  add_set("family", match.families);
  add(!match.in.is_any(), "in", [&] { append(out, match.in); });
  add(!match.out.is_any(), "out", [&] { append(out, match.out); });
  add_set("profile", match.profiles);
  add_set("state", match.states);
  add_set("protocol", match.protocols);
  add_numbers("sport", match.source_ports);
  add_numbers("dport", match.destination_ports);
  add_set("icmp", match.icmp);
  append_addresses(out, "from4", match.source.v4);
  append_addresses(out, "from6", match.source.v6);
  append_addresses(out, "to4", match.destination.v4);
  append_addresses(out, "to6", match.destination.v6);
  add_numbers("user", match.users);
  add_numbers("group", match.groups);
  add(!match.program.empty(), "program", [&] { out += quoted(match.program); });
  add(!match.windows_service.empty(), "windows-service",
      [&] { out += quoted(match.windows_service); });
  add(!match.predicates.empty(), "while", [&] {
    append_braced(out, match.predicates, [&](const Predicate& p) { out += predicate(p); });
  });
  if (out.empty()) return "any";
  out.erase(0, 1);
  return out;
}

std::string to_text(const Program& program) {
  std::string out;
  for (const auto& chain : program.chains) {
    if (!out.empty()) out += "\n";
    out += "chain " + chain.name;
    if (chain.hook) {
      out += " hook " + std::string(to_string(*chain.hook));
      out += chain.policy == VerdictKind::drop ? " policy drop" : " policy accept";
    }
    out += "\n";
    for (const auto& rule : chain.rules) {
      out += "  " + to_text(rule.match);
      if (rule.effects.log) out += " ; log " + quoted(*rule.effects.log);
      if (rule.effects.count) out += " ; count " + quoted(*rule.effects.count);
      out += " -> " + to_string(rule.verdict);
      out += "  # " + std::string(to_string(rule.origin.kind));
      if (!rule.origin.label.empty()) out += " " + quoted(rule.origin.label);
      if (!rule.origin.reason.empty()) out += " because " + quoted(rule.origin.reason);
      out += "\n";
    }
  }
  return out;
}

}  // namespace firewright::ir
