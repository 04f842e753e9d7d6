#include "compiler/analysis/packet_text.h"

#include <charconv>

namespace firewright::analysis {
namespace {

constexpr std::size_t longest_packet_text = 4096;
constexpr Port first_dynamic_port{49152};

struct Word {
  std::string_view text;
  Span span;
};

class PacketParser {
 public:
  PacketParser(FileId file, std::string_view text, Sink& sink)
      : file_(file), text_(text), sink_(sink) {}

  std::optional<ir::Packet> run() {
    if (text_.size() > longest_packet_text) {
      fail({file_, 0, 0}, "it is longer than 4096 bytes");
      return std::nullopt;
    }
    if (!split()) return std::nullopt;
    if (words_.empty()) {
      fail({file_, 0, 0}, "it is empty");
      return std::nullopt;
    }
    if (!protocol() || !endpoints() || !options() || !finish()) return std::nullopt;
    return packet_;
  }

 private:
  static constexpr const char* example =
      "write it like `tcp 203.0.113.9:40000 -> 192.0.2.10:22 in eth0`";

  bool fail(Span span, std::string what, std::string help = example) {
    sink_.report(Kind::bad_packet, span, {std::move(what)}).help = std::move(help);
    return false;
  }

  // A quote begins and ends a word that may hold blanks; it stands nowhere else.
  bool split() {
    std::size_t i = 0;
    while (i < text_.size()) {
      if (std::string_view(" \t\r\n").find(text_[i]) != std::string_view::npos) {
        ++i;
        continue;
      }
      const auto begin = i;
      if (text_[i] == '"') {
        const auto end = text_.find('"', i + 1);
        if (end == std::string_view::npos)
          return fail(span(begin, text_.size()), "this quote is not closed");
        i = end + 1;
        push(text_.substr(begin + 1, end - begin - 1), begin, i);
        continue;
      }
      while (i < text_.size() &&
             std::string_view(" \t\r\n").find(text_[i]) == std::string_view::npos)
        ++i;
      const auto word = text_.substr(begin, i - begin);
      if (word.find('"') != std::string_view::npos)
        return fail(span(begin, i), "a quote stands inside a word");
      push(word, begin, i);
    }
    return true;
  }

  [[nodiscard]] Span span(std::size_t begin, std::size_t end) const {
    return {file_, static_cast<std::uint32_t>(begin), static_cast<std::uint32_t>(end)};
  }
  void push(std::string_view text, std::size_t begin, std::size_t end) {
    words_.push_back({text, span(begin, end)});
  }

  [[nodiscard]] bool at_end() const { return next_ >= words_.size(); }
  const Word& take() { return words_[next_++]; }
  [[nodiscard]] Span end_span() const {
    const auto size = static_cast<std::uint32_t>(text_.size());
    return {file_, size, size};
  }

  bool protocol() {
    const auto& word = take();
    protocol_word_ = word;
    const auto slash = word.text.find('/');
    const auto name = word.text.substr(0, slash);
    if (name == "icmp" || name == "icmpv4" || name == "icmpv6" || name == "ping") {
      icmp_ = true;
      if (name == "icmpv4") icmp_family_ = Family::ipv4;
      if (name == "icmpv6") icmp_family_ = Family::ipv6;
      if (name == "ping") icmp_type_ = Word{"echo-request", word.span};
      if (slash != std::string_view::npos)
        icmp_type_ = Word{word.text.substr(slash + 1), word.span};
      else if (name != "ping" && !at_end() && !looks_like_endpoint(words_[next_].text))
        icmp_type_ = take();
      if (!icmp_type_)
        return fail(word.span, "an ICMP packet needs a type", "write `icmp/echo-request`");
      return true;
    }
    const auto known = slash == std::string_view::npos ? parse_protocol(name)
                       : name == "protocol"            ? parse_protocol(word.text.substr(slash + 1))
                                                       : std::nullopt;
    if (!known) return fail(word.span, "`" + std::string(word.text) + "` is not a protocol");
    packet_.protocol = *known;
    return true;
  }

  static bool looks_like_endpoint(std::string_view text) {
    return text.find_first_of(".:[") != std::string_view::npos;
  }

  struct Endpoint {
    std::variant<Ipv4, Ipv6> address = Ipv4{};
    std::optional<Port> port;
  };

  bool endpoint(const Word& word, Endpoint& out) {
    auto address = word.text;
    std::string_view port;
    if (address.starts_with('[')) {
      const auto close = address.find(']');
      if (close == std::string_view::npos) return fail(word.span, "`[` without `]`");
      const auto rest = address.substr(close + 1);
      if (!rest.empty() && rest[0] != ':')
        return fail(word.span, "after `]` stands `" + std::string(rest) + "`, not a port");
      if (!rest.empty()) port = rest.substr(1);
      if (rest == ":") return fail(word.span, "the port is missing");
      address = address.substr(1, close - 1);
    } else if (const auto colon = address.find(':');
               colon != std::string_view::npos && colon == address.rfind(':')) {
      port = address.substr(colon + 1);
      if (port.empty()) return fail(word.span, "the port is missing");
      address = address.substr(0, colon);
    }
    if (const auto v4 = parse_ipv4(address)) {
      out.address = *v4;
    } else if (const auto v6 = parse_ipv6(address)) {
      out.address = *v6;
    } else {
      return fail(word.span, "`" + std::string(address) + "` is not an address");
    }
    if (port.empty()) return true;
    unsigned value = 0;
    const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), value);
    if (error != std::errc{} || end != port.data() + port.size() || value > 65535)
      return fail(word.span, "`" + std::string(port) + "` is not a port",
                  "a port is a number from 0 to 65535");
    out.port = Port{static_cast<std::uint16_t>(value)};
    return true;
  }

  bool endpoints() {
    if (at_end()) return fail(end_span(), "the source address is missing");
    const auto source_word = take();
    if (!at_end() && (words_[next_].text == "->" || words_[next_].text == "to")) (void)take();
    if (at_end()) return fail(end_span(), "the destination address is missing");
    const auto destination_word = take();
    Endpoint source;
    Endpoint destination;
    if (!endpoint(source_word, source) || !endpoint(destination_word, destination)) return false;
    packet_.source = source.address;
    packet_.destination = destination.address;
    if (source.address.index() != destination.address.index())
      return fail(destination_word.span, "source and destination are of different families");
    if (icmp_) return icmp(source_word, source, destination_word, destination);
    if (!has_ports(packet_.protocol)) {
      if (source.port || destination.port)
        return fail(source.port ? source_word.span : destination_word.span,
                    "protocol `" + to_string(packet_.protocol) + "` has no ports");
      return plain_icmp();
    }
    if (!destination.port) return fail(destination_word.span, "the destination port is missing");
    packet_.destination_port = *destination.port;
    packet_.source_port = source.port.value_or(first_dynamic_port);
    return true;
  }

  // "protocol/1" over IPv4 would be ICMP without a type.
  bool plain_icmp() {
    const auto own = packet_.family() == Family::ipv4 ? protocol::icmp : protocol::icmpv6;
    if (packet_.protocol != own) return true;
    return fail(protocol_word_.span, "an ICMP packet needs a type", "write `icmp/echo-request`");
  }

  bool icmp(const Word& source_word, const Endpoint& source, const Word& destination_word,
            const Endpoint& destination) {
    if (source.port || destination.port)
      return fail(source.port ? source_word.span : destination_word.span, "ICMP has no ports");
    const auto family = packet_.family();
    if (icmp_family_ && *icmp_family_ != family)
      return fail(protocol_word_.span,
                  "`" + std::string(protocol_word_.text) + "` does not go with these addresses");
    packet_.protocol = family == Family::ipv4 ? protocol::icmp : protocol::icmpv6;
    return icmp_type(family);
  }

  bool icmp_type(Family family) {
    const auto text = icmp_type_->text;
    if (const auto* name = find_icmp_name(text)) {
      const auto& codes = family == Family::ipv4 ? name->v4 : name->v6;
      if (!codes)
        return fail(icmp_type_->span, "`" + std::string(text) + "` does not exist in " +
                                          (family == Family::ipv4 ? "ICMP" : "ICMPv6"));
      packet_.icmp = codes->first;
      return true;
    }
    const auto slash = text.find('/');
    const auto number = [](std::string_view digits, unsigned& value) {
      const auto [end, error] =
          std::from_chars(digits.data(), digits.data() + digits.size(), value);
      return error == std::errc{} && end == digits.data() + digits.size() && value <= 255;
    };
    unsigned type = 0;
    unsigned code = 0;
    if (!number(text.substr(0, slash), type) ||
        (slash != std::string_view::npos && !number(text.substr(slash + 1), code)))
      return fail(icmp_type_->span, "`" + std::string(text) + "` is not an ICMP type",
                  "write a name like `echo-request`, or numbers like `3/4`");
    packet_.icmp = IcmpTypeCode{static_cast<std::uint16_t>(type << 8U | code)};
    return true;
  }

  bool options() {
    while (!at_end()) {
      const auto word = take();
      if (state(word)) continue;
      if (!option(word)) return false;
    }
    return true;
  }

  bool state(const Word& word) {
    for (const auto state : ir::StateSet::all())
      if (to_string(state) == word.text) {
        packet_.state = state;
        return true;
      }
    return false;
  }

  bool option(const Word& key) {
    static constexpr std::string_view known[] = {"in",      "out",     "user",           "group",
                                                 "profile", "program", "windows-service"};
    bool found = false;
    for (const auto name : known) found = found || name == key.text;
    if (!found) return fail(key.span, "`" + std::string(key.text) + "` is not understood here");
    if (at_end()) return fail(key.span, "`" + std::string(key.text) + "` needs a value");
    const auto value = take();
    if (key.text == "in") return interface(value, packet_.in);
    if (key.text == "out") return interface(value, packet_.out);
    if (key.text == "program") packet_.program = value.text;
    if (key.text == "windows-service") packet_.windows_service = value.text;
    if (key.text == "user") return owner(value, packet_.user);
    if (key.text == "group") return owner(value, packet_.group);
    if (key.text == "profile") return profile(value);
    if (value.text.empty())
      return fail(value.span, "`" + std::string(key.text) + "` needs a value");
    return true;
  }

  // What the kernel takes for a name: dev_valid_name() of net/core/dev.c.
  bool interface(const Word& word, std::string& out) {
    constexpr std::size_t longest = 15;
    if (word.text.empty() || word.text.size() > longest || word.text == "." || word.text == ".." ||
        word.text.find_first_of("/: \t\n\v\f\r") != std::string_view::npos)
      return fail(word.span, "no interface can have this name");
    out = word.text;
    return true;
  }

  bool owner(const Word& word, std::optional<OwnerId>& out) {
    std::uint32_t value = 0;
    const auto [end, error] =
        std::from_chars(word.text.data(), word.text.data() + word.text.size(), value);
    if (error != std::errc{} || end != word.text.data() + word.text.size())
      return fail(word.span, "`" + std::string(word.text) + "` is not a numeric id");
    out = OwnerId{value};
    return true;
  }

  bool profile(const Word& word) {
    for (const auto profile : ir::ProfileSet::all())
      if (to_string(profile) == word.text) {
        packet_.profile = profile;
        return true;
      }
    return fail(word.span, "`" + std::string(word.text) + "` is not a profile",
                "profiles are `domain`, `private` and `public`");
  }

  bool finish() {
    packet_.hook = packet_.out.empty()  ? ir::Hook::inbound
                   : packet_.in.empty() ? ir::Hook::outbound
                                        : ir::Hook::forward;
    if (packet_.hook == ir::Hook::outbound) return true;
    if (packet_.user || packet_.group)
      return fail({file_, 0, static_cast<std::uint32_t>(text_.size())},
                  "only outbound packets have an owner", "say `out INTERFACE`");
    return true;
  }

  FileId file_;
  std::string_view text_;
  Sink& sink_;
  std::vector<Word> words_;
  std::size_t next_ = 0;
  ir::Packet packet_;
  Word protocol_word_;
  bool icmp_ = false;
  std::optional<Family> icmp_family_;
  std::optional<Word> icmp_type_;
};

}  // namespace

std::optional<ir::Packet> parse_packet(FileId file, const Sources& sources, Sink& sink) {
  return PacketParser(file, sources.file(file).text(), sink).run();
}

}  // namespace firewright::analysis
