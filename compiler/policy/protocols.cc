#include "compiler/policy/protocols.h"

#include <charconv>

#include "compiler/policy/values.h"

namespace firewright::policy {
namespace {

ProtocolChoice choice_of(Protocol protocol) {
  if (protocol == protocol::icmp) return {.plain = {}, .icmp = {Family::ipv4}};
  if (protocol == protocol::icmpv6) return {.plain = {}, .icmp = {Family::ipv6}};
  return {.plain = ProtocolSet::of(protocol), .icmp = {}};
}

Transport icmp_transport(Family family, IcmpSet types) {
  Transport transport;
  transport.families = {family};
  transport.protocols = ProtocolSet::of(family == Family::ipv4 ? protocol::icmp : protocol::icmpv6);
  transport.icmp = std::move(types);
  return transport;
}

std::optional<unsigned> byte_of(std::string_view text) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value > 255) return std::nullopt;
  return value;
}

// "8" or "3/4".
std::optional<Interval<IcmpTypeCode>> icmp_number(std::string_view text) {
  const auto slash = text.find('/');
  const auto type = byte_of(text.substr(0, slash));
  if (!type) return std::nullopt;
  const auto of = [&](unsigned code) {
    return IcmpTypeCode{static_cast<std::uint16_t>(*type * 256 + code)};
  };
  if (slash == std::string_view::npos) return Interval<IcmpTypeCode>{of(0), of(255)};
  const auto code = byte_of(text.substr(slash + 1));
  if (!code) return std::nullopt;
  return Interval<IcmpTypeCode>{of(*code), of(*code)};
}

std::string icmp_suggestion(Context& context, std::string_view text) {
  std::vector<std::string> names;
  for (const auto& name : icmp_names()) names.emplace_back(name.name);
  return context.did_you_mean(text, names);
}

void add(IcmpSet& set, Interval<IcmpTypeCode> interval) { set = set | IcmpSet{interval}; }

}  // namespace

const std::vector<std::string>& protocol_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> list{"icmpv4"};
    for (unsigned p = 0; p < 256; ++p) {
      auto name = firewright::to_string(Protocol{static_cast<std::uint8_t>(p)});
      if (name[0] < '0' || name[0] > '9') list.push_back(std::move(name));
    }
    return list;
  }();
  return names;
}

bool ProtocolChoice::has_ports() const {
  for (const auto& interval : plain.intervals())
    for (unsigned p = interval.first.value; p <= interval.last.value; ++p)
      if (!firewright::has_ports(Protocol{static_cast<std::uint8_t>(p)})) return false;
  return !plain.empty();
}

std::string ProtocolChoice::portless() const {
  if (icmp == FamilySet{Family::ipv6}) return "icmpv6";
  if (is_icmp()) return icmp.is_all() ? "icmp" : "icmpv4";
  for (const auto& interval : plain.intervals())
    for (unsigned p = interval.first.value; p <= interval.last.value; ++p)
      if (const Protocol protocol{static_cast<std::uint8_t>(p)}; !firewright::has_ports(protocol))
        return firewright::to_string(protocol);
  return "";
}

std::optional<ProtocolChoice> read_protocol_text(Context& context, const Value& value, Span span,
                                                 std::string_view text) {
  if (text == "icmp") return ProtocolChoice{.plain = {}, .icmp = FamilySet::all()};
  if (text == "icmpv4") return choice_of(protocol::icmp);
  if (text == "icmp6" || text == "ipv6-icmp") return choice_of(protocol::icmpv6);
  if (const auto protocol = parse_protocol(text)) return choice_of(*protocol);
  auto help = context.did_you_mean(text, protocol_names());
  if (help.empty() && (text == "any" || text == "all")) help = "leave the key out for any protocol";
  if (help.empty()) help = "a protocol is a name such as `tcp` or a number of 0 to 255";
  context.report(Kind::unknown_protocol, value, span, {std::string(text)}).help = help;
  return std::nullopt;
}

ProtocolChoice read_protocols(Context& context, const Entry& entry) {
  ProtocolChoice all;
  for_each_item(context, entry.value, entry.key, [&](const Value& item) {
    std::optional<ProtocolChoice> one;
    if (item.is(Value::Type::integer)) {
      const auto text = std::to_string(item.integer());
      one = read_protocol_text(context, item, item.span, text);
    } else if (item.is(Value::Type::string)) {
      one = read_protocol_text(context, item, item.span, item.string());
    } else {
      wrong_type(context, item, entry.key, "a protocol's name or number");
    }
    if (!one) return;
    all.plain = all.plain | one->plain;
    all.icmp = all.icmp | one->icmp;
  });
  return all;
}

std::optional<Interval<Port>> read_port_text(Context& context, const Value& value, Span span,
                                             std::string_view text) {
  const auto parsed = parse_port_item(text);
  if (const auto* interval = std::get_if<Interval<Port>>(&parsed.value)) return *interval;
  const std::string word(text);
  const auto report = [&](std::string reason) -> Diagnostic& {
    return context.report(Kind::bad_port, value, span, {word, std::move(reason)});
  };
  switch (std::get<PortProblem>(parsed.value)) {
    case PortProblem::not_a_port:
      report("a port is a number of 1 to 65535 or a range `low-high`").help =
          word.find(',') != std::string::npos   ? "several ports are an array: `[22, \"80-90\"]`"
          : word.find(':') != std::string::npos ? "a range is written with `-`"
          : word.find('/') != std::string::npos ? "the protocol has a key of its own, `protocol`"
                                                : "";
      break;
    case PortProblem::zero: report("port 0 is reserved and never on the wire"); break;
    case PortProblem::too_large: report("the highest port is 65535"); break;
    case PortProblem::empty: report("there is no port"); break;
    case PortProblem::reversed_range: {
      const auto dash = word.find('-');
      context.report(Kind::reversed_range, value, span, {word}).help =
          "did you mean `" + word.substr(dash + 1) + "-" + word.substr(0, dash) + "`?";
      break;
    }
  }
  return std::nullopt;
}

PortSet read_ports(Context& context, const Entry& entry) {
  std::vector<Interval<Port>> intervals;
  for_each_item(context, entry.value, entry.key, [&](const Value& item) {
    std::optional<Interval<Port>> one;
    if (item.is(Value::Type::integer))
      one = read_port_text(context, item, item.span, std::to_string(item.integer()));
    else if (item.is(Value::Type::string))
      one = read_port_text(context, item, item.span, item.string());
    else
      wrong_type(context, item, entry.key, "a port or a range `low-high`");
    if (one) intervals.push_back(*one);
  });
  return PortSet(std::move(intervals));
}

bool read_icmp_text(Context& context, const Value& value, Span span, std::string_view text,
                    const ProtocolChoice& choice, IcmpChoice& icmp) {
  const auto report = [&]() -> Diagnostic& {
    return context.report(Kind::unknown_icmp_type, value, span, {std::string(text)});
  };
  if (const auto number = icmp_number(text)) {
    if (choice.icmp.is_all()) {
      report().help =
          "numbers differ between IPv4 and IPv6: say `icmpv4` or `icmpv6`, or use a name "
          "such as `echo-request`";
      return false;
    }
    add(choice.icmp.contains(Family::ipv4) ? icmp.v4 : icmp.v6, *number);
    return true;
  }
  const auto* name = find_icmp_name(text);
  if (name == nullptr) {
    auto help = icmp_suggestion(context, text);
    if (text == "ping") help = "did you mean `echo-request`?";
    report().help = help;
    return false;
  }
  const bool v4 = name->v4 && choice.icmp.contains(Family::ipv4);
  const bool v6 = name->v6 && choice.icmp.contains(Family::ipv6);
  if (!v4 && !v6) {
    report().help = name->v4 ? "this type is of `icmpv4`" : "this type is of `icmpv6`";
    return false;
  }
  if (v4) add(icmp.v4, *name->v4);
  if (v6) add(icmp.v6, *name->v6);
  return true;
}

IcmpChoice read_icmp_types(Context& context, const Entry& entry, const ProtocolChoice& choice) {
  IcmpChoice icmp;
  for_each_item(context, entry.value, entry.key, [&](const Value& item) {
    if (item.is(Value::Type::integer))
      read_icmp_text(context, item, item.span, std::to_string(item.integer()), choice, icmp);
    else if (item.is(Value::Type::string))
      read_icmp_text(context, item, item.span, item.string(), choice, icmp);
    else
      wrong_type(context, item, entry.key, "an ICMP type");
  });
  return icmp;
}

void add_protocols(const ProtocolChoice& choice, std::vector<Transport>& transports) {
  if (!choice.plain.empty()) {
    Transport transport;
    transport.protocols = choice.plain;
    transports.push_back(std::move(transport));
  }
  for (const Family family : choice.icmp)
    transports.push_back(icmp_transport(family, IcmpSet::all()));
}

void add_icmp(const ProtocolChoice& choice, const IcmpChoice& icmp,
              std::vector<Transport>& transports) {
  for (const Family family : choice.icmp) {
    const auto& types = family == Family::ipv4 ? icmp.v4 : icmp.v6;
    if (!types.empty()) transports.push_back(icmp_transport(family, types));
  }
}

}  // namespace firewright::policy
