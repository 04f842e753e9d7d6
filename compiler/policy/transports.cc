#include "compiler/policy/transports.h"

#include <algorithm>

#include "compiler/policy/protocols.h"

namespace firewright::policy {
namespace {

bool reaches(const Transport& a, const Transport& b) {
  return a.families == b.families && a.protocols == b.protocols && a.source_ports == b.source_ports;
}

// `text` at `at` of the value, as its comma-separated parts with their offsets.
std::vector<std::pair<std::size_t, std::string_view>> comma_parts(std::string_view text,
                                                                  std::size_t at) {
  std::vector<std::pair<std::size_t, std::string_view>> parts;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const auto end = std::min(text.find(',', begin), text.size());
    auto part = text.substr(begin, end - begin);
    const auto blanks = std::min(part.find_first_not_of(' '), part.size());
    parts.emplace_back(at + begin + blanks, part.substr(blanks));
    begin = end + 1;
  }
  return parts;
}

bool read_text_ports(Context& context, const Value& value, ProtocolChoice choice,
                     std::string_view ports, std::size_t at, std::vector<Transport>& transports) {
  std::vector<Interval<Port>> intervals;
  bool good = true;
  for (const auto& [begin, part] : comma_parts(ports, at)) {
    const auto interval = read_port_text(context, value, value.part(begin, part.size()), part);
    if (interval)
      intervals.push_back(*interval);
    else
      good = false;
  }
  if (!good) return false;
  Transport transport;
  transport.protocols = choice.plain;
  transport.destination_ports = PortSet(std::move(intervals));
  transports.push_back(std::move(transport));
  return true;
}

bool read_text_icmp(Context& context, const Value& value, ProtocolChoice choice,
                    std::string_view types, std::size_t at, std::vector<Transport>& transports) {
  IcmpChoice icmp;
  bool good = true;
  for (const auto& [begin, part] : comma_parts(types, at))
    good =
        read_icmp_text(context, value, value.part(begin, part.size()), part, choice, icmp) && good;
  if (good) add_icmp(choice, icmp, transports);
  return good;
}

bool read_text_protocol(Context& context, const Value& value, std::string_view name, std::size_t at,
                        std::vector<Transport>& transports) {
  const auto choice = read_protocol_text(context, value, value.part(at, name.size()), name);
  if (!choice) return false;
  add_protocols(*choice, transports);
  return true;
}

// Do the protocols have what the other keys narrow?
void check_combination(Context& context, const TransportKeys& keys, const ProtocolChoice& choice) {
  const auto* port = keys.port != nullptr ? keys.port : keys.source_port;
  if (keys.icmp_type != nullptr && (port != nullptr || !choice.plain.empty())) {
    const auto* other = port != nullptr ? port : keys.protocol;
    context.report(Kind::conflicting_keys, keys.icmp_type->key_span, {"icmp-type", other->key})
        .help =
        "ICMP types belong to `icmp`, `icmpv4` and `icmpv6`; write an exception of its own for "
        "each "
        "protocol";
  } else if (port != nullptr && keys.protocol == nullptr) {
    context.report(Kind::port_without_protocol, port->key_span, {port->key}).help =
        "add `protocol = \"tcp\"` or `protocol = \"udp\"`, or both as an array";
  } else if (port != nullptr && (choice.is_icmp() || !choice.has_ports())) {
    context.report(Kind::protocol_without_ports, port->key_span, {choice.portless()})
        .labels.push_back({.span = keys.protocol->value.span, .text = "the protocol"});
  }
}

void add_ports(const ProtocolChoice& choice, const Transport& ports,
               std::vector<Transport>& transports) {
  for (const auto& interval : choice.plain.intervals())
    for (unsigned p = interval.first.value; p <= interval.last.value; ++p) {
      transports.push_back(ports);
      transports.back().protocols = ProtocolSet::of(Protocol{static_cast<std::uint8_t>(p)});
    }
}

void report_no_slash(Context& context, const Value& value) {
  const auto& text = value.string();
  auto& diagnostic = context.report(Kind::bad_ports, value, {text});
  diagnostic.help = "write `tcp/22`, `udp/5000-5010`, `icmp/echo-request` or `protocol/esp`";
  if (!text.empty() && text.find_first_not_of("0123456789-,") == std::string::npos)
    diagnostic.help = "say the protocol: `tcp/" + text + "`";
}

}  // namespace

bool read_transport_text(Context& context, const Value& value, std::vector<Transport>& transports) {
  const std::string& text = value.string();
  const auto slash = text.find('/');
  if (slash == std::string::npos) {
    report_no_slash(context, value);
    return false;
  }
  const auto word = std::string_view(text).substr(0, slash);
  const auto rest = std::string_view(text).substr(slash + 1);
  if (word == "protocol") return read_text_protocol(context, value, rest, slash + 1, transports);
  if (parse_protocol(rest) && !word.empty() &&
      word.find_first_not_of("0123456789-,") == std::string_view::npos) {
    context.report(Kind::bad_ports, value, {text}).help =
        "the protocol comes first: `" + std::string(rest) + "/" + std::string(word) + "`";
    return false;
  }
  const auto choice = read_protocol_text(context, value, value.part(0, word.size()), word);
  if (!choice) return false;
  if (choice->is_icmp())
    return read_text_icmp(context, value, *choice, rest, slash + 1, transports);
  if (!choice->has_ports()) {
    context
        .report(Kind::protocol_without_ports, value, value.part(0, word.size()),
                {std::string(word)})
        .help = "write `protocol/" + std::string(word) + "`";
    return false;
  }
  return read_text_ports(context, value, *choice, rest, slash + 1, transports);
}

std::optional<std::vector<Transport>> read_transport_keys(Context& context,
                                                          const TransportKeys& keys) {
  const auto errors = context.sink.errors();
  ProtocolChoice choice;
  if (keys.protocol != nullptr)
    choice = read_protocols(context, *keys.protocol);
  else if (keys.icmp_type != nullptr)
    choice.icmp = FamilySet::all();
  if (context.sink.errors() == errors) check_combination(context, keys, choice);
  const bool combined = context.sink.errors() == errors;
  Transport ports;
  if (keys.port != nullptr) ports.destination_ports = read_ports(context, *keys.port);
  if (keys.source_port != nullptr) ports.source_ports = read_ports(context, *keys.source_port);
  IcmpChoice icmp;
  if (keys.icmp_type != nullptr && combined)
    icmp = read_icmp_types(context, *keys.icmp_type, choice);
  if (context.sink.errors() > errors) return std::nullopt;
  std::vector<Transport> transports;
  if (keys.icmp_type != nullptr)
    add_icmp(choice, icmp, transports);
  else if (keys.port != nullptr || keys.source_port != nullptr)
    add_ports(choice, ports, transports);
  else
    add_protocols(choice, transports);
  return transports;
}

void join_ports(std::vector<Transport>& transports) {
  std::vector<Transport> joined;
  for (auto& transport : transports) {
    const auto same = std::find_if(joined.begin(), joined.end(), [&](const Transport& other) {
      return reaches(other, transport);
    });
    if (same == joined.end()) {
      joined.push_back(std::move(transport));
      continue;
    }
    same->destination_ports = same->destination_ports | transport.destination_ports;
    same->icmp = same->icmp | transport.icmp;
  }
  transports = std::move(joined);
}

std::string describe_keys(const TransportKeys& keys) {
  const auto words = [](const Value& value) {
    std::string text;
    const auto add = [&](const Value& item) {
      if (!text.empty()) text += ",";
      if (item.is(Value::Type::string)) text += item.string();
      if (item.is(Value::Type::integer)) text += std::to_string(item.integer());
    };
    if (value.is(Value::Type::array)) {
      constexpr std::size_t shown = 8;
      for (std::size_t i = 0; i < value.items().size() && i < shown; ++i) add(value.items()[i]);
      if (value.items().size() > shown) text += ",...";
    } else {
      add(value);
    }
    return text;
  };
  std::string text = keys.protocol != nullptr ? words(keys.protocol->value) : "icmp";
  if (keys.port != nullptr) text.append("/").append(words(keys.port->value));
  if (keys.icmp_type != nullptr) text.append("/").append(words(keys.icmp_type->value));
  if (keys.source_port != nullptr)
    text.append(" source-port ").append(words(keys.source_port->value));
  return text;
}

}  // namespace firewright::policy
