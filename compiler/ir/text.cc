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

template <class Items, class Format>
std::string braced(const Items& items, Format format) {
  std::string out = "{";
  for (const auto& item : items) {
    if (out.size() > 1) out += ", ";
    out += format(item);
  }
  out += '}';
  return out;
}

template <class T>
std::string numbers(const IntervalSet<T>& set) {
  return braced(set.intervals(), [](const Interval<T>& i) {
    auto text = std::to_string(i.first.value);
    if (i.first != i.last) text += "-" + std::to_string(i.last.value);
    return text;
  });
}

// " key value", in place: the text of a match is what backends tell matches apart by.
void append(std::string& out, std::string_view key, std::string_view value) {
  out += ' ';
  out += key;
  out += ' ';
  out += value;
}

std::string protocols(const ProtocolSet& set) {
  return braced(set.intervals(), [](const Interval<Protocol>& i) {
    return i.first == i.last ? to_string(i.first) : to_string(i.first) + "-" + to_string(i.last);
  });
}

std::string icmp(const IcmpSet& set) {
  const auto point = [](IcmpTypeCode v) {
    return std::to_string(v.type()) + "/" + std::to_string(v.code());
  };
  return braced(set.intervals(), [&](const Interval<IcmpTypeCode>& i) {
    return i.first == i.last ? point(i.first) : point(i.first) + "-" + point(i.last);
  });
}

// An address set of one family, or nothing where it is all of it.
template <class A>
void append_addresses(std::string& out, std::string_view key, const IntervalSet<A>& set) {
  if (set.is_all() || set.empty()) return;
  append(out, key, braced(set.intervals(), [](const Interval<A>& i) { return to_string(i); }));
}

std::string interfaces(const InterfaceSet& set) {
  return (set.complemented() ? "not " : "") +
         braced(set.patterns(), [](const InterfacePattern& p) { return quoted(to_string(p)); });
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
  const auto add = [&](std::string_view key, std::string_view value) { append(out, key, value); };
  if (!match.families.is_all())
    add("family", braced(match.families, [](Family f) { return std::string(to_string(f)); }));
  if (!match.in.is_any()) add("in", interfaces(match.in));
  if (!match.out.is_any()) add("out", interfaces(match.out));
  if (!match.profiles.is_all())
    add("profile", braced(match.profiles, [](Profile p) { return std::string(to_string(p)); }));
  if (!match.states.is_all())
    add("state", braced(match.states, [](ConntrackState s) { return std::string(to_string(s)); }));
  if (!match.protocols.is_all()) add("protocol", protocols(match.protocols));
  if (!match.source_ports.is_all()) add("sport", numbers(match.source_ports));
  if (!match.destination_ports.is_all()) add("dport", numbers(match.destination_ports));
  if (!match.icmp.is_all()) add("icmp", icmp(match.icmp));
  append_addresses(out, "from4", match.source.v4);
  append_addresses(out, "from6", match.source.v6);
  append_addresses(out, "to4", match.destination.v4);
  append_addresses(out, "to6", match.destination.v6);
  if (!match.users.is_all()) add("user", numbers(match.users));
  if (!match.groups.is_all()) add("group", numbers(match.groups));
  if (!match.program.empty()) add("program", quoted(match.program));
  if (!match.windows_service.empty()) add("windows-service", quoted(match.windows_service));
  if (!match.predicates.empty()) add("while", braced(match.predicates, predicate));
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
