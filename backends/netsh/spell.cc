#include "backends/netsh/spell.h"

#include <algorithm>
#include <array>
#include <utility>

namespace firewright::netsh {
namespace {

using Words = std::vector<std::string>;

const Ipv4Set& loopback(Ipv4) {
  static const Ipv4Set set{{Ipv4{0x7f000000}, Ipv4{0x7fffffff}}};
  return set;
}
const Ipv6Set& loopback(Ipv6) {
  static const Ipv6Set set{{Ipv6{1}, Ipv6{1}}};
  return set;
}

template <class A>
IntervalSet<A> take_loopback_out(const IntervalSet<A>& set) {
  const auto& exempt = loopback(A{});
  if (set.empty()) return set;
  return (set | exempt).is_all() ? IntervalSet<A>::all() : set - exempt;
}

bool implies_family(Protocol p) { return p == protocol::icmp || p == protocol::icmpv6; }
Family implied_family(Protocol p) { return p == protocol::icmp ? Family::ipv4 : Family::ipv6; }

template <class A>
const IntervalSet<A>& side(const AddressSet& set) {
  if constexpr (std::is_same_v<A, Ipv4>)
    return set.v4;
  else
    return set.v6;
}

// The two sides of a match in one family.
template <class A>
struct Sides {
  IntervalSet<A> source;
  IntervalSet<A> destination;

  explicit Sides(const ir::Match& match)
      : source(take_loopback_out(side<A>(match.source))),
        destination(take_loopback_out(side<A>(match.destination))) {}
  [[nodiscard]] bool only_loopback() const { return source.empty() || destination.empty(); }
  [[nodiscard]] bool all() const { return source.is_all() && destination.is_all(); }
  [[nodiscard]] bool names_unspecified() const {
    return (!source.is_all() && source.contains(A{0})) ||
           (!destination.is_all() && destination.contains(A{0}));
  }
};

template <class A>
Words list(const IntervalSet<A>& set) {
  Words words;
  if (set.is_all()) return words;
  for (const auto& interval : set.intervals()) words.push_back(to_string(interval));
  return words;
}

template <class A>
void append_pair(const ir::Match& match, std::vector<AddressPair>& pairs) {
  const Sides<A> sides(match);
  if (!sides.only_loopback()) pairs.push_back({list(sides.source), list(sides.destination)});
}

bool addressless(const ir::Match& match) {
  return match.families.is_all() && Sides<Ipv4>(match).all() && Sides<Ipv6>(match).all();
}

std::vector<AddressPair> address_pairs(const ir::Match& match) {
  if (addressless(match)) return {AddressPair{}};
  std::vector<AddressPair> pairs;
  if (match.families.contains(Family::ipv4)) append_pair<Ipv4>(match, pairs);
  if (match.families.contains(Family::ipv6)) append_pair<Ipv6>(match, pairs);
  return pairs;
}

// The protocols that are not ICMP of either family.
ProtocolSet plain_protocols(const ir::Match& match) {
  return match.protocols - ProtocolSet{{protocol::icmp, protocol::icmp}} -
         ProtocolSet{{protocol::icmpv6, protocol::icmpv6}};
}

template <class A>
void check_family(const ir::Match& match, Family family, std::vector<Unspeakable>& found) {
  if (!match.families.contains(family)) return;
  const Sides<A> sides(match);
  if (sides.only_loopback()) return;
  if (sides.names_unspecified()) found.push_back(Unspeakable::unspecified_address);
  if (sides.all() && !addressless(match) && !plain_protocols(match).empty())
    found.push_back(Unspeakable::one_family_without_addresses);
}

bool printable_ascii(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return c >= ' ' && c <= '~'; });
}
bool starts_with_letter(std::string_view text) {
  return text.size() >= 2 && ((text[0] | 0x20) >= 'a' && (text[0] | 0x20) <= 'z');
}
std::string lower(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c | 0x20);
  return result;
}

// A program is a path from a drive or an environment variable on, or the kernel itself. A block
// rule for a path that leads nowhere would silently block nothing.
bool speakable_program(std::string_view program) {
  if (lower(program) == "system") return true;
  return program.size() <= 259 && printable_ascii(program) &&
         program.find_first_of("/*?\"<>|") == std::string_view::npos && program.back() != '\\' &&
         program.front() != ' ' && program.back() != ' ' &&
         (program.front() == '%' || (starts_with_letter(program) && program.substr(1, 2) == ":\\"));
}

// "any" would restrict the rule to services of every name.
bool speakable_service(std::string_view service) {
  return service.size() <= 259 && printable_ascii(service) &&
         service.find_first_of("/\\|\"*") == std::string_view::npos && service.front() != ' ' &&
         service.back() != ' ' && lower(service) != "any";
}

// What `protocol=` says; a rule for each.
Words protocol_words(const ir::Match& match) {
  if (match.protocols.is_all()) return {"any"};
  Words words;
  for (const auto& interval : match.protocols.intervals()) {
    for (unsigned number = interval.first.value; number <= interval.last.value; ++number) {
      const Protocol p{static_cast<std::uint8_t>(number)};
      if (p == protocol::tcp || p == protocol::udp) {
        words.push_back(p == protocol::tcp ? "tcp" : "udp");
      } else if (!implies_family(p)) {
        words.push_back(std::to_string(number));
      } else if (match.families.contains(implied_family(p))) {
        const std::string name = p == protocol::icmp ? "icmpv4" : "icmpv6";
        if (match.icmp.is_all()) {
          words.push_back(name);
          continue;
        }
        for (const auto& types : match.icmp.intervals()) {
          for (std::uint32_t value = types.first.value; value <= types.last.value;) {
            const IcmpTypeCode pair{static_cast<std::uint16_t>(value)};
            const bool whole = pair.code() == 0 && types.last.value - value >= 255;
            words.push_back(name + ":" + std::to_string(pair.type()) + "," +
                            (whole ? std::string("any") : std::to_string(pair.code())));
            value += whole ? 256 : 1;
          }
        }
      }
    }
  }
  return words;
}

Words port_words(const PortSet& ports) {
  Words words;
  if (ports.is_all()) return words;
  for (const auto& interval : ports.intervals()) words.push_back(to_string(interval));
  return words;
}

std::string join(const Words& words) {
  std::string text;
  for (const auto& word : words) {
    if (!text.empty()) text += ',';
    text += word;
  }
  return text;
}

std::string tagged(std::string_view tag, std::string_view value) {
  const bool blank = value.find(' ') != std::string_view::npos;
  std::string text = " ";
  text.append(tag).append("=");
  if (blank) text += '"';
  text.append(value);
  if (blank) text += '"';
  return text;
}

// Pieces of a list of at most `room` characters and `longest_list` entries each. An entry is
// shorter than the room.
std::vector<Words> split(const Words& words, std::size_t room) {
  std::vector<Words> pieces(1);
  std::size_t used = 0;
  for (const auto& word : words) {
    auto* piece = &pieces.back();
    if (!piece->empty() && (used + 1 + word.size() > room || piece->size() == longest_list)) {
      piece = &pieces.emplace_back();
      used = 0;
    }
    used += word.size() + (piece->empty() ? 0 : 1);
    piece->push_back(word);
  }
  return pieces;
}

constexpr std::size_t list_count = 4;
struct Lists {
  std::array<std::string_view, list_count> tags{"localip", "remoteip", "localport", "remoteport"};
  std::array<Words, list_count> words;
};

// How many characters each list may take: short ones take what they need, the others share what is
// left.
std::array<std::size_t, list_count> share_room(const Lists& lists, std::size_t room) {
  std::array<std::size_t, list_count> need{};
  std::array<std::size_t, list_count> granted{};
  std::array<bool, list_count> settled{};
  for (std::size_t i = 0; i < list_count; ++i) need[i] = join(lists.words[i]).size();
  std::size_t open = list_count;
  for (bool changed = true; changed && open > 0;) {
    changed = false;
    for (std::size_t i = 0; i < list_count; ++i) {
      if (settled[i] || need[i] > room / open) continue;
      settled[i] = changed = true;
      granted[i] = need[i];
      room -= need[i];
      if (--open == 0) break;
    }
  }
  for (std::size_t i = 0; i < list_count; ++i)
    if (!settled[i]) granted[i] = room / open;
  return granted;
}

// Every combination of a piece of each list, between `head` and `tail`.
void append_combinations(const Lists& lists, const std::string& head, const std::string& tail,
                         Words& lines) {
  std::size_t fixed = head.size() + tail.size();
  for (std::size_t i = 0; i < list_count; ++i)
    if (!lists.words[i].empty()) fixed += lists.tags[i].size() + 2;
  const auto room = share_room(lists, longest_line - fixed);
  Words partial{head};
  for (std::size_t i = 0; i < list_count; ++i) {
    if (lists.words[i].empty()) continue;
    Words next;
    const auto pieces = split(lists.words[i], room[i]);
    for (const auto& line : partial)
      for (const auto& piece : pieces) next.push_back(line + tagged(lists.tags[i], join(piece)));
    partial = std::move(next);
  }
  for (auto& line : partial) lines.push_back(std::move(line) + tail);
}

std::string profile_words(const ir::ProfileSet& profiles) {
  if (profiles.is_all()) return "any";
  Words words;
  for (ir::Profile profile : profiles) {
    switch (profile) {
      case ir::Profile::domain: words.emplace_back("domain"); break;
      case ir::Profile::private_: words.emplace_back("private"); break;
      case ir::Profile::public_: words.emplace_back("public"); break;
    }
  }
  return join(words);
}

}  // namespace

Ipv4Set without_loopback(const Ipv4Set& set) { return take_loopback_out(set); }
Ipv6Set without_loopback(const Ipv6Set& set) { return take_loopback_out(set); }
Ipv4Set unsafe_ipv4() { return {{Ipv4{0}, Ipv4{0x00ffffff}}}; }
Ipv6Set unsafe_ipv6() { return {{Ipv6{0}, Ipv6{(u128{1} << 112U) - 1}}}; }

std::vector<Unspeakable> unspeakable(const ir::Match& match) {
  std::vector<Unspeakable> found;
  if (!match.source_ports.is_all() || !match.destination_ports.is_all()) {
    const ProtocolSet known{{protocol::tcp, protocol::tcp}, {protocol::udp, protocol::udp}};
    if (!known.contains(match.protocols)) found.push_back(Unspeakable::ports_without_tcp_or_udp);
    const auto zero = [](const PortSet& set) { return !set.is_all() && set.contains(Port{0}); };
    if (zero(match.source_ports) || zero(match.destination_ports))
      found.push_back(Unspeakable::port_zero);
  }
  if (!match.protocols.is_all()) {
    const auto strange = [&](Protocol p, Family other) {
      return match.protocols.contains(p) && match.families.contains(other);
    };
    if (strange(protocol::icmp, Family::ipv6) || strange(protocol::icmpv6, Family::ipv4))
      found.push_back(Unspeakable::protocol_in_other_family);
  }
  check_family<Ipv4>(match, Family::ipv4, found);
  check_family<Ipv6>(match, Family::ipv6, found);
  if (!match.program.empty() && !speakable_program(match.program))
    found.push_back(Unspeakable::program);
  if (!match.windows_service.empty() && !speakable_service(match.windows_service))
    found.push_back(Unspeakable::windows_service);
  return found;
}

std::vector<std::string> add_rule_lines(const ir::Match& match, const Wording& wording) {
  const bool inbound = wording.hook == ir::Hook::inbound;
  Words lines;
  std::string tail = tagged("profile", profile_words(match.profiles));
  if (!match.program.empty()) tail += tagged("program", match.program);
  if (!match.windows_service.empty()) tail += tagged("service", match.windows_service);
  if (!wording.description.empty()) tail += tagged("description", wording.description);
  const Words protocols = protocol_words(match);
  for (const auto& pair : address_pairs(match)) {
    for (const auto& protocol_word : protocols) {
      std::string head = "advfirewall firewall add rule";
      head += tagged("name", wording.name);
      head += tagged("dir", inbound ? "in" : "out");
      head += tagged("action", wording.action == Action::allow ? "allow" : "block");
      head += tagged("protocol", protocol_word);
      Lists lists;
      lists.words = {inbound ? pair.destination : pair.source,
                     inbound ? pair.source : pair.destination,
                     port_words(inbound ? match.destination_ports : match.source_ports),
                     port_words(inbound ? match.source_ports : match.destination_ports)};
      append_combinations(lists, head, tail, lines);
    }
  }
  return lines;
}

std::string harmless(std::string_view text, std::size_t limit) {
  std::string result;
  for (const char c : text) {
    if (result.size() == limit) break;
    const auto byte = static_cast<unsigned char>(c);
    if ((byte & 0xc0U) == 0x80U) continue;  // the rest of a character that is `_` already
    if (c == '"')
      result += '\'';
    else if (c == '\\')
      result += '/';
    else if (c < ' ' || c > '~' || std::string_view("|%^&<>!").find(c) != std::string_view::npos)
      result += '_';
    else
      result += c;
  }
  return result;
}

}  // namespace firewright::netsh
