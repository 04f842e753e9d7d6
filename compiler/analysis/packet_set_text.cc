#include "compiler/analysis/packet_set_text.h"

#include <algorithm>
#include <charconv>

#include "compiler/lower/match.h"
#include "compiler/policy/catalogue.h"

namespace firewright::analysis {
namespace {

using policy::Transport;

constexpr std::size_t longest_text = 4096;
constexpr std::string_view blanks = " \t\r\n";

struct Word {
  std::string_view text;
  Span span;
};

std::vector<Word> words_of(FileId file, std::string_view text) {
  std::vector<Word> words;
  for (std::size_t at = text.find_first_not_of(blanks); at < text.size();) {
    const auto end = std::min(text.find_first_of(blanks, at), text.size());
    words.push_back({text.substr(at, end - at),
                     {file, static_cast<std::uint32_t>(at), static_cast<std::uint32_t>(end)}});
    at = std::min(text.find_first_not_of(blanks, end), text.size());
  }
  return words;
}

// "22", "1-1023", "22,80-90": nothing but ports looks like this.
bool looks_like_ports(std::string_view text) {
  return !text.empty() && text.find_first_not_of("0123456789,-") == std::string_view::npos;
}

const policy::Service* find_service(const policy::Policy& policy, std::string_view name) {
  const auto own = policy.services.find(std::string(name));
  return own != policy.services.end() ? &own->second : policy::catalogue().find(name);
}

std::vector<std::string_view> split(std::string_view text, char at) {
  std::vector<std::string_view> parts;
  for (;;) {
    const auto end = text.find(at);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

class SetParser {
 public:
  SetParser(FileId file, std::string_view text, const policy::Policy& policy, Target target,
            Sink& sink)
      : policy_(policy), target_(target), sink_(sink), words_(words_of(file, text)) {
    whole_ = {file, 0, static_cast<std::uint32_t>(text.size())};
  }

  std::optional<PacketSet> run() {
    if (words_.empty()) {
      fail(whole_, "it is empty");
      return std::nullopt;
    }
    if (!what(take()) || !ends() || !options()) return std::nullopt;
    return finish();
  }

 private:
  static constexpr const char* example =
      "write it like `tcp any -> port 3389` or `udp from 192.0.2.0/24 -> 53 in eth0`";

  bool fail(Span span, std::string what, std::string help = example) {
    sink_.report(Kind::bad_packet, span, {std::move(what)}).help = std::move(help);
    return false;
  }
  static std::string quote(std::string_view text) { return "`" + std::string(text) + "`"; }

  [[nodiscard]] bool at_end() const { return next_ == words_.size(); }
  [[nodiscard]] std::string_view peek() const { return at_end() ? "" : words_[next_].text; }
  const Word& take() { return words_[next_++]; }

  // --- what

  bool what(const Word& word) {
    if (word.text == "any") return true;
    const auto slash = word.text.find('/');
    const auto name = word.text.substr(0, slash);
    const bool icmp = name == "icmp" || name == "icmpv4" || name == "icmpv6";
    if (icmp) return icmp_types(word, name, slash);
    if (const auto known = parse_protocol(name)) {
      protocols_ = ProtocolSet::of(*known);
      if (slash == std::string_view::npos) return true;
      return ports(word, word.text.substr(slash + 1), destination_ports_);
    }
    if (const auto* service = find_service(policy_, word.text)) {
      transports_ = service->transports;
      return true;
    }
    return fail(word.span, quote(word.text) + " is no protocol and no service");
  }

  bool icmp_types(const Word& word, std::string_view name, std::size_t slash) {
    const auto text =
        slash == std::string_view::npos ? std::string_view() : word.text.substr(slash + 1);
    const auto* known = find_icmp_name(text);
    const auto add = [&](Family family, Protocol protocol,
                         const std::optional<Interval<IcmpTypeCode>>& of_name) {
      Transport transport;
      transport.families = {family};
      transport.protocols = ProtocolSet::of(protocol);
      if (text.empty()) {
      } else if (known != nullptr) {
        if (!of_name) return;
        transport.icmp = IcmpSet{*of_name};
      } else {
        transport.icmp = numbered_;
      }
      transports_.push_back(std::move(transport));
    };
    if (!text.empty() && known == nullptr && !icmp_number(text))
      return fail(word.span, quote(text) + " is no ICMP type",
                  "write a name like `echo-request`, or numbers like `3/4`");
    if (name != "icmpv6")
      add(Family::ipv4, protocol::icmp, known == nullptr ? std::nullopt : known->v4);
    if (name != "icmpv4")
      add(Family::ipv6, protocol::icmpv6, known == nullptr ? std::nullopt : known->v6);
    if (transports_.empty()) return fail(word.span, quote(text) + " does not exist there");
    return true;
  }

  // "3" or "3/4".
  bool icmp_number(std::string_view text) {
    const auto parts = split(text, '/');
    unsigned numbers[2] = {0, 0};
    if (parts.size() > 2) return false;
    for (std::size_t i = 0; i < parts.size(); ++i) {
      const auto* end = parts[i].data() + parts[i].size();
      const auto read = std::from_chars(parts[i].data(), end, numbers[i]);
      if (read.ec != std::errc{} || read.ptr != end || numbers[i] > 255) return false;
    }
    const auto code = [&](unsigned c) {
      return IcmpTypeCode{static_cast<std::uint16_t>(numbers[0] << 8U | c)};
    };
    numbered_ = parts.size() == 2 ? IcmpSet::of(code(numbers[1])) : IcmpSet{{code(0), code(255)}};
    return true;
  }

  // --- ends

  bool ends() {
    if (peek() == "from") (void)take();
    if (!at_end() && peek() != "->" && peek() != "to" && !is_option(peek()))
      if (!end(source_, source_ports_)) return false;
    if (peek() == "->" || peek() == "to") {
      const auto arrow = take();
      if (at_end() || is_option(peek()))
        return fail(arrow.span, "behind " + quote(arrow.text) + " the destination is missing");
      return end(destination_, destination_ports_);
    }
    // "tcp port 22" is about those who call that port.
    if (!source_ && source_ports_ && !destination_ports_)
      std::swap(source_ports_, destination_ports_);
    return true;
  }

  bool end(std::optional<AddressSet>& addresses, std::optional<PortSet>& port_set) {
    const auto word = take();
    if (word.text == "port") {
      if (at_end()) return fail(word.span, "behind `port` the ports are missing");
      const auto value = take();
      return ports(value, value.text, port_set);
    }
    if (looks_like_ports(word.text)) return ports(word, word.text, port_set);
    auto text = word.text;
    if (const auto behind = ports_behind(text); !behind.empty()) {
      if (!ports(word, behind, port_set)) return false;
      text.remove_suffix(behind.size() + 1);
    }
    if (text != "any") {
      AddressSet set;
      for (auto item : split(text, ','))
        if (!address(word, item, set)) return false;
      addresses = set;
    }
    if (peek() != "port") return true;
    (void)take();
    if (at_end()) return fail(word.span, "behind `port` the ports are missing");
    const auto value = take();
    return ports(value, value.text, port_set);
  }

  // "192.0.2.0/24:53" and "[2001:db8::1]:53" end in ports; an IPv6 address alone does not.
  static std::string_view ports_behind(std::string_view text) {
    const auto colon = text.rfind(':');
    if (colon == std::string_view::npos) return {};
    const auto behind = text.substr(colon + 1);
    if (!looks_like_ports(behind)) return {};
    const auto before = text.substr(0, colon);
    const bool bracketed = before.ends_with(']');
    return bracketed || before.find(':') == std::string_view::npos ? behind : std::string_view();
  }

  bool address(const Word& word, std::string_view item, AddressSet& set) {
    if (item.starts_with('[') && item.ends_with(']')) item = item.substr(1, item.size() - 2);
    const auto group = policy_.groups.find(std::string(item));
    if (group != policy_.groups.end()) {
      set = set | group->second.set;
      return true;
    }
    const auto parsed = parse_address_item(item);
    if (const auto* v4 = std::get_if<Interval<Ipv4>>(&parsed.value))
      set.v4 = set.v4 | Ipv4Set{*v4};
    else if (const auto* v6 = std::get_if<Interval<Ipv6>>(&parsed.value))
      set.v6 = set.v6 | Ipv6Set{*v6};
    else
      return fail(
          word.span, quote(item) + " is no address, no prefix and no group",
          parsed.suggestion.empty() ? std::string(example) : "perhaps " + quote(parsed.suggestion));
    return true;
  }

  bool ports(const Word& word, std::string_view text, std::optional<PortSet>& set) {
    std::vector<Interval<Port>> list;
    for (const auto item : split(text, ',')) {
      const auto parsed = parse_port_item(item);
      const auto* interval = std::get_if<Interval<Port>>(&parsed.value);
      if (interval == nullptr)
        return fail(word.span, quote(item) + " is no port", "ports are 1 to 65535, or `low-high`");
      list.push_back(*interval);
    }
    if (set) return fail(word.span, "the ports are said twice");
    set = PortSet(std::move(list));
    return true;
  }

  // --- options

  static bool is_state(std::string_view word) {
    for (const auto state : ir::StateSet::all())
      if (to_string(state) == word) return true;
    return false;
  }
  static bool is_option(std::string_view word) {
    return word == "in" || word == "out" || word == "user" || word == "group" || word == "ipv4" ||
           word == "ipv6" || is_state(word);
  }

  bool options() {
    while (!at_end()) {
      const auto word = take();
      if (!is_option(word.text))
        return fail(word.span, quote(word.text) + " is not understood here");
      if (word.text == "ipv4" || word.text == "ipv6") {
        exception_.family = {word.text == "ipv4" ? Family::ipv4 : Family::ipv6, word.span};
        continue;
      }
      if (is_state(word.text)) {
        for (const auto state : ir::StateSet::all())
          if (to_string(state) == word.text) states_.insert(state);
        continue;
      }
      if (at_end()) return fail(word.span, quote(word.text) + " needs a value");
      const auto value = take();
      if (word.text == "in" || word.text == "out") {
        auto& names = word.text == "in" ? exception_.in : exception_.out;
        for (const auto name : split(value.text, ','))
          names.push_back({.value = std::string(name), .span = value.span});
      } else if (!owner(word, value)) {
        return false;
      }
    }
    return true;
  }

  bool owner(const Word& key, const Word& value) {
    std::uint32_t id = 0;
    const auto* end = value.text.data() + value.text.size();
    const auto read = std::from_chars(value.text.data(), end, id);
    if (read.ec != std::errc{} || read.ptr != end)
      return fail(value.span, quote(value.text) + " is not a numeric id");
    auto& set = key.text == "user" ? exception_.user : exception_.group;
    set = {OwnerSet::of(OwnerId{id}), value.span};
    return true;
  }

  // --- the set

  std::optional<PacketSet> finish() {
    if (!with_ports()) return std::nullopt;
    const auto list = [&](const std::optional<AddressSet>& set) {
      return set ? std::optional(policy::AddressList{.items = {}, .set = *set, .span = whole_})
                 : std::nullopt;
    };
    exception_.span = whole_;
    exception_.from = list(source_);
    exception_.to = list(destination_);
    if (!transports_.empty()) exception_.transports = {transports_, whole_};
    PacketSet set;
    set.hook = exception_.out.empty()  ? ir::Hook::inbound
               : exception_.in.empty() ? ir::Hook::outbound
                                       : ir::Hook::forward;
    if ((exception_.user || exception_.group) && set.hook != ir::Hook::outbound) {
      fail(whole_, "only outbound packets have an owner", "say `out INTERFACE`");
      return std::nullopt;
    }
    set.matches = lower::to_matches(policy_, exception_, target_, sink_);
    if (set.matches.empty()) return std::nullopt;
    if (states_.empty()) states_ = {ir::ConntrackState::fresh};
    const auto not_loopback = ir::InterfaceSet::except({{.name = "lo", .wildcard = false}});
    for (auto& match : set.matches) {
      match.states = states_;
      if (set.hook != ir::Hook::outbound && match.in.is_any()) match.in = not_loopback;
      if (set.hook == ir::Hook::outbound && match.out.is_any()) match.out = not_loopback;
    }
    return set;
  }

  bool with_ports() {
    if (transports_.empty() && protocols_.is_all() && !source_ports_ && !destination_ports_)
      return true;
    if (transports_.empty()) transports_.push_back({});
    for (auto& transport : transports_) {
      if (!protocols_.is_all()) transport.protocols = protocols_;
      if (!source_ports_ && !destination_ports_) continue;
      for (const auto& interval : transport.protocols.intervals())
        if (!has_ports(interval.first) || interval.first != interval.last)
          return fail(words_[0].span, quote(words_[0].text) + " has no ports",
                      "name a protocol with ports, such as `tcp`");
      if (source_ports_) transport.source_ports = transport.source_ports & *source_ports_;
      if (destination_ports_)
        transport.destination_ports = transport.destination_ports & *destination_ports_;
      if (transport.source_ports.empty() || transport.destination_ports.empty())
        return fail(words_[0].span, quote(words_[0].text) + " has none of these ports");
    }
    return true;
  }

  const policy::Policy& policy_;
  Target target_;
  Sink& sink_;
  std::vector<Word> words_;
  std::size_t next_ = 0;
  Span whole_;
  std::vector<Transport> transports_;
  ProtocolSet protocols_ = ProtocolSet::all();
  IcmpSet numbered_;
  std::optional<AddressSet> source_, destination_;
  std::optional<PortSet> source_ports_, destination_ports_;
  ir::StateSet states_;
  policy::Exception exception_;
};

}  // namespace

bool is_packet_set(std::string_view text, const policy::Policy& policy) {
  const auto words = words_of(FileId::none, text);
  if (words.empty()) return false;
  const auto first = words[0].text;
  if (first == "any") return true;
  const auto name = first.substr(0, first.find('/'));
  const bool icmp = name == "icmp" || name == "icmpv4" || name == "icmpv6" || name == "ping";
  const bool protocol = name == "protocol" || parse_protocol(name).has_value();
  if (!icmp && !protocol && find_service(policy, first) != nullptr) return true;
  if (!icmp && name != "protocol" && protocol && first.size() > name.size()) return true;  // tcp/22
  return std::any_of(words.begin() + 1, words.end(), [&](const Word& word) {
    if (word.text == "any" || word.text == "from" || word.text == "port" || word.text == "ipv4" ||
        word.text == "ipv6" || word.text.find(',') != std::string_view::npos)
      return true;
    if (policy.groups.contains(std::string(word.text))) return true;
    const auto parsed = parse_address_item(word.text);
    const auto wide = [](const auto* interval) {
      return interval != nullptr && interval->first != interval->last;
    };
    return wide(std::get_if<Interval<Ipv4>>(&parsed.value)) ||
           wide(std::get_if<Interval<Ipv6>>(&parsed.value));
  });
}

std::optional<PacketSet> parse_packet_set(FileId file, const Sources& sources,
                                          const policy::Policy& policy, Target target, Sink& sink) {
  const auto text = sources.file(file).text();
  if (text.size() > longest_text) {
    sink.report(Kind::bad_packet, {file, 0, 0}, {"it is longer than 4096 bytes"});
    return std::nullopt;
  }
  return SetParser(file, text, policy, target, sink).run();
}

}  // namespace firewright::analysis
