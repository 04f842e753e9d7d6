#include "backends/iptables/decode_sets.h"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <tuple>
#include <utility>

#include "backends/iptables/decode_names.h"
#include "backends/iptables/decode_values.h"

namespace firewright::iptables::decoder {
namespace {

constexpr std::size_t set_name_max = 31;             // IPSET_MAXNAMELEN without its NUL
constexpr std::size_t elements_unless_said = 65536;  // IPSET_DEFAULT_MAXELEM

struct Type {
  std::string_view name;
  bool nets;
  bool ports;
};
constexpr Type types[] = {{"hash:ip", false, false},
                          {"hash:net", true, false},
                          {"hash:ip,port", false, true},
                          {"hash:net,port", true, true}};

struct Option {
  std::string_view name;
  std::size_t values;
  bool harmless;  // it does not matter to what matches
};
constexpr Option create_options[] = {
    {"hashsize", 1, true},  {"bucketsize", 1, true}, {"initval", 1, true},  {"counters", 0, true},
    {"comment", 0, true},   {"skbinfo", 0, true},    {"-exist", 0, true},   {"-!", 0, true},
    {"timeout", 1, false},  {"forceadd", 0, false},  {"netmask", 1, false}, {"bitmask", 1, false},
    {"markmask", 1, false}, {"range", 1, false},     {"size", 1, false},    {"wildcard", 0, false},
};
constexpr Option add_options[] = {
    {"comment", 1, true},  {"packets", 1, true},  {"bytes", 1, true},  {"skbmark", 1, true},
    {"skbprio", 1, true},  {"skbqueue", 1, true}, {"-exist", 0, true}, {"-!", 0, true},
    {"timeout", 1, false}, {"nomatch", 0, false},
};

// With ports of their own in elements.
constexpr std::pair<std::string_view, std::uint8_t> protocols[] = {
    {"tcp", 6}, {"udp", 17}, {"sctp", 132}, {"udplite", 136}};

struct Intervals {
  std::vector<Interval<Ipv4>> v4;
  std::vector<Interval<Ipv6>> v6;

  void add(const AddressSet& one) {
    v4.insert(v4.end(), one.v4.intervals().begin(), one.v4.intervals().end());
    v6.insert(v6.end(), one.v6.intervals().begin(), one.v6.intervals().end());
  }
  [[nodiscard]] AddressSet set() && {
    return {.v4 = Ipv4Set(std::move(v4)), .v6 = Ipv6Set(std::move(v6))};
  }
};

// A set while its elements are read.
struct Reading {
  KnownSet set;
  bool nets = false;
  std::size_t most = elements_unless_said;
  std::size_t elements = 0;
  Intervals addresses;
  std::map<std::pair<Protocol, Port>, Intervals> pairs;
};

template <class A>
IntervalSet<A> first_bits(A address, unsigned length) {
  using Raw = decltype(A::value);
  constexpr unsigned width = sizeof(Raw) * 8;
  const Raw rest = length == width ? Raw{0} : static_cast<Raw>(~Raw{0} >> length);
  return IntervalSet<A>{
      {A{static_cast<Raw>(address.value & ~rest)}, A{static_cast<Raw>(address.value | rest)}}};
}

// Where elements with the same ports have the same addresses, those are one product.
std::vector<SetProduct> products_of(std::map<std::pair<Protocol, Port>, Intervals> pairs) {
  struct Of {
    Protocol protocol;
    Port port;
    AddressSet addresses;
  };
  std::vector<Of> all;
  for (auto& [key, intervals] : pairs)
    all.push_back({key.first, key.second, std::move(intervals).set()});
  const auto less = [](const auto& a, const auto& b) {
    const auto by = [](const auto& x, const auto& y) {
      return std::lexicographical_compare_three_way(x.begin(), x.end(), y.begin(), y.end());
    };
    if (const auto v4 = by(a.addresses.v4.intervals(), b.addresses.v4.intervals()); v4 != 0)
      return v4 < 0;
    return by(a.addresses.v6.intervals(), b.addresses.v6.intervals()) < 0;
  };
  std::ranges::sort(all, [&](const Of& a, const Of& b) {
    if (a.protocol != b.protocol) return a.protocol < b.protocol;
    return less(a, b);
  });
  std::vector<SetProduct> products;
  for (std::size_t i = 0; i < all.size();) {
    std::vector<Interval<Port>> ports;
    const auto first = i;
    for (; i < all.size() && all[i].protocol == all[first].protocol &&
           all[i].addresses == all[first].addresses;
         ++i)
      ports.push_back({all[i].port, all[i].port});
    products.push_back({.protocol = all[first].protocol,
                        .ports = PortSet(std::move(ports)),
                        .addresses = std::move(all[first].addresses)});
  }
  return products;
}

class SetReader {
 public:
  SetReader(FileId file, std::string_view text, Sink& sink)
      : text_(text), report_(file, sink), sink_(sink) {}

  std::optional<SetTable> read() {
    const auto errors = sink_.errors();
    if (const auto nul = text_.find('\0'); nul != std::string_view::npos) {
      const auto at = static_cast<std::uint32_t>(nul);
      syntax(report_.span(at, at + 1), "a NUL byte");
      return std::nullopt;
    }
    Lines lines(text_);
    Line line;
    while (lines.next(line)) read_line(line);
    if (lines.cut_off())
      report_.say(Kind::artifact_truncated, report_.span(line.begin, line.end()), {"a line"});
    if (sink_.errors() != errors) return std::nullopt;
    SetTable table;
    for (auto& [name, reading] : sets_) {
      reading.set.addresses = std::move(reading.addresses).set();
      reading.set.products = products_of(std::move(reading.pairs));
      table.emplace(name, std::move(reading.set));
    }
    return table;
  }

 private:
  using Words = std::span<const Word>;

  void syntax(Span at, std::string what) {
    report_.say(Kind::artifact_syntax, at, {"ipset restore text", std::move(what)});
  }
  void syntax(const Word& at, std::string what) { syntax(report_.span(at), std::move(what)); }

  void read_line(const Line& line) {
    const auto begin = line.text.find_first_not_of(" \t");
    if (begin == std::string_view::npos || line.text[begin] == '#' || line.text == "COMMIT") return;
    if (!fits(line, report_) || !splitter_.split(line, words_, report_)) return;
    const Words words(words_);
    const bool create = words.front().text == "create";
    if (!create && words.front().text != "add") {
      report_.unknown(words.front(), "sets are read from `create` and `add`");
      return;
    }
    if (words.size() < 3) {
      syntax(report_.span(line.begin, line.end()), "a command without its set or its value");
      return;
    }
    if (create)
      read_create(words[1], words[2], words.subspan(3));
    else
      read_add(words[1], words[2], words.subspan(3));
  }

  void read_create(const Word& name, const Word& type, Words options) {
    if (name.text.empty() || name.text.size() > set_name_max) {
      syntax(name, shown(name.text) + " is no name for a set");
      return;
    }
    const auto [entry, added] = sets_.try_emplace(std::string(name.text));
    if (!added) {
      report_.say(Kind::artifact_conflict, report_.span(name),
                  {"the set `" + std::string(name.text) + "` is there twice"});
      return;
    }
    auto& reading = entry->second;
    last_ = entry;
    const auto known = std::ranges::find(types, type.text, &Type::name);
    if (known == std::end(types)) {
      reading.set.interpreted = false;
    } else {
      reading.nets = known->nets;
      reading.set.with_ports = known->ports;
    }
    while (!options.empty() && read_create_option(reading, options)) continue;
  }

  bool read_create_option(Reading& reading, Words& options) {
    const auto& option = options.front();
    if (option.text == "family" && options.size() > 1) {
      const auto& value = options[1].text;
      if (value != "inet" && value != "inet6" && reading.set.interpreted) {
        syntax(options[1], shown(value) + " is no family");
        return false;
      }
      reading.set.family = value == "inet6" ? Family::ipv6 : Family::ipv4;
      options = options.subspan(2);
      return true;
    }
    if (option.text == "maxelem" && options.size() > 1) {
      const auto value = number(options[1].text, 0xffffffff);
      if (!value) {
        syntax(options[1], shown(options[1].text) + " is no number");
        return false;
      }
      // For ipset, 0 is as if it were not said.
      if (*value > 0) reading.most = *value;
      options = options.subspan(2);
      return true;
    }
    return skip_option(reading, create_options, options);
  }

  bool skip_option(Reading& reading, std::span<const Option> known, Words& options) {
    if (!reading.set.interpreted) {  // whatever it is
      options = options.subspan(1);
      return true;
    }
    const auto option = std::ranges::find(known, options.front().text, &Option::name);
    if (option == known.end() || options.size() <= option->values) {
      syntax(options.front(), shown(options.front().text) + ", which is not known here");
      return false;
    }
    if (!option->harmless) reading.set.interpreted = false;
    options = options.subspan(option->values + 1);
    return true;
  }

  void read_add(const Word& name, const Word& element, Words options) {
    if (last_ == sets_.end() || last_->first != name.text) last_ = sets_.find(name.text);
    if (last_ == sets_.end()) {
      report_.say(Kind::artifact_undefined, report_.span(name),
                  {"the set", std::string(name.text)});
      return;
    }
    auto& reading = last_->second;
    while (reading.set.interpreted && !options.empty())
      if (!skip_option(reading, add_options, options)) return;
    if (!reading.set.interpreted) return;
    if (++reading.elements > reading.most) {
      syntax(element, "more elements than the set's `maxelem`");
      return;
    }
    if (!(reading.set.with_ports ? read_pair(reading, element.text)
                                 : read_addresses(reading, element.text, reading.addresses)))
      syntax(element, shown(element.text) + " is no element of its set");
  }

  // "192.0.2.1", and of networks "192.0.2.0/24".
  static bool read_addresses(const Reading& reading, std::string_view text, Intervals& into) {
    const bool v4 = reading.set.family == Family::ipv4;
    const auto slash = text.find('/');
    unsigned length = v4 ? 32 : 128;
    if (slash != std::string_view::npos) {
      const auto said = number(text.substr(slash + 1), length);
      if (!reading.nets || !said || *said == 0) return false;  // the kernel takes no /0
      length = *said;
    }
    if (text.find('-') != std::string_view::npos) return false;
    const auto address = address_range_of(text.substr(0, slash), reading.set.family);
    if (!address) return false;
    AddressSet set;
    if (v4)
      set.v4 = first_bits(address->v4.intervals().front().first, length);
    else
      set.v6 = first_bits(address->v6.intervals().front().first, length);
    if (!reading.nets && (set.v4.contains(Ipv4{0}) || set.v6.contains(Ipv6{0})))
      return false;  // which the kernel does not take either
    into.add(set);
    return true;
  }

  // "192.0.2.1,tcp:80"; without a protocol it is tcp.
  static bool read_pair(Reading& reading, std::string_view text) {
    const auto comma = text.find(',');
    if (comma == std::string_view::npos) return false;
    auto rest = text.substr(comma + 1);
    const auto colon = rest.find(':');
    Protocol of{6};
    if (colon != std::string_view::npos) {
      const auto name = rest.substr(0, colon);
      const auto known = std::ranges::find_if(protocols, [&](const auto& protocol) {
        return protocol.first == name || std::to_string(protocol.second) == name;
      });
      if (known == std::end(protocols)) {
        reading.set.interpreted = false;  // ICMP types, and what has no ports
        return true;
      }
      of = Protocol{known->second};
      rest.remove_prefix(colon + 1);
    }
    const auto port = number(rest, 0xffff);
    if (!port) return false;
    return read_addresses(reading, text.substr(0, comma),
                          reading.pairs[{of, Port{static_cast<std::uint16_t>(*port)}}]);
  }

  std::string_view text_;
  Report report_;
  Sink& sink_;
  Splitter splitter_;
  std::vector<Word> words_;
  std::map<std::string, Reading, std::less<>> sets_;
  std::map<std::string, Reading, std::less<>>::iterator last_ = sets_.end();  // used last
};

}  // namespace

std::optional<SetTable> read_sets(FileId file, std::string_view text, Sink& sink) {
  return SetReader(file, text, sink).read();
}

}  // namespace firewright::iptables::decoder
