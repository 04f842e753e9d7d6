#include "backends/iptables/decode_rule.h"

#include <algorithm>
#include <cstddef>
#include <utility>

#include "backends/iptables/decode_names.h"
#include "backends/iptables/decode_values.h"

namespace firewright::iptables::decoder {
namespace {

bool is_negation(const Word& word) { return word.text == "!" && !word.quoted; }

bool is_port_option(MatchOption option) {
  return option == MatchOption::source_port || option == MatchOption::destination_port;
}

// Names of one option are the same one; those without an interpretation have one code for all.
bool stands_for_many(MatchOption option) {
  return option == MatchOption::opaque || option == MatchOption::hashlimit_table ||
         option == MatchOption::hashlimit_other;
}
bool stands_for_many(TargetOption option) {
  return option == TargetOption::log_flag || option == TargetOption::nflog_number;
}

template <class Code>
std::size_t bit_of(const OptionSpec<Code>& spec, std::span<const OptionSpec<Code>> options) {
  std::size_t bit = 0;
  while (stands_for_many(spec.code) ? &options[bit] != &spec : options[bit].code != spec.code)
    ++bit;
  return bit;
}

std::string family_word(Family family) { return family == Family::ipv4 ? "IPv4" : "IPv6"; }

bool read_addresses(Draft& draft, const Said& said, AddressSet& set, Report& report,
                    Shared& shared) {
  const auto read = addresses_of(said.value().text, draft.family);
  const bool list = said.value().text.find(',') != std::string_view::npos;
  draft.address_list = draft.address_list || list;
  if (list && said.negated) {
    report.syntax(said.value(), "`!` before a list of addresses");
    return false;
  }
  if (!read) {
    report
        .syntax(said.value(), shown(said.value().text) + " is no " + family_word(draft.family) +
                                  " address or prefix")
        .help = "a name is looked up when the file is loaded: write the address";
    return false;
  }
  if (const auto* addresses = std::get_if<AddressSet>(&*read)) {
    set = set & (said.negated ? others(*addresses, draft.family) : *addresses);
    return true;
  }
  add_opaque(draft, "opaque", text_of(said), report.span(said.value()), report, shared);
  return true;
}

bool read_interface(const Said& said, ir::InterfaceSet& set, Report& report) {
  const auto read = interfaces_of(said.value().text);
  if (!read) {
    report.syntax(said.value(), shown(said.value().text) + " is no name of an interface");
    return false;
  }
  set = *read;
  if (!said.negated) return true;
  // "! -i +" is for no packet.
  set = read->is_any() ? ir::InterfaceSet::of({}) : ir::InterfaceSet::except(read->patterns());
  return true;
}

bool read_protocol(Draft& draft, const Said& said, Report& report) {
  const auto of = protocol_of(said.value().text);
  if (!of) {
    report.syntax(said.value(), shown(said.value().text) + " is no protocol");
    return false;
  }
  if (*of == Protocol{0}) {  // any
    if (!said.negated) return true;
    report.syntax(said.value(), "no protocol at all");
    return false;
  }
  draft.protocol = {.value = *of, .negated = said.negated};
  const auto set = ProtocolSet::of(*of);
  draft.match.protocols = draft.match.protocols & (said.negated ? ~set : set);
  return true;
}

bool read_fragment(Draft& draft, const Said& said, Report& report, Shared& shared) {
  if (draft.family == Family::ipv6) {
    report.syntax(said.at, "`-f` in a file for IPv6");
    return false;
  }
  add_opaque(draft, "opaque", said.negated ? "! -f" : "-f", report.span(said.at), report, shared);
  return true;
}

}  // namespace

RuleReader::RuleReader(Family family, Report& report, Shared& shared)
    : family_(family), report_(report), shared_(shared) {
  ir::restrict_families(any_, {family});
}

bool RuleReader::once(std::uint32_t& seen, std::size_t bit, const Said& said) {
  const auto mask = std::uint32_t{1} << bit;
  if ((seen & mask) != 0) {
    report_.syntax(said.at, shown(said.at.text) + " is there twice");
    return false;
  }
  seen |= mask;
  return true;
}

bool RuleReader::read(const Place& place, std::span<const Word> words, std::vector<ir::Rule>& rules,
                      std::vector<ir::Chain>& made) {
  auto matches = std::move(draft_.matches);  // for its memory
  matches.clear();
  draft_ = Draft{};
  draft_.matches = std::move(matches);
  draft_.family = family_;
  chain_ = place.chain;
  draft_.match = any_;
  while (!words.empty()) {
    if (!read_option(words)) return false;
    if (draft_.other_family) return true;
  }
  return finish(draft_, place, report_, shared_, rules, made);
}

template <class Code>
bool RuleReader::take_values(const OptionSpec<Code>& spec, Said& said,
                             std::span<const Word>& words) {
  // As iptables wrote it before 1.4.3: "-s ! 192.0.2.0/24".
  if (spec.negatable && spec.values > 0 && !words.empty() && is_negation(words.front())) {
    if (said.negated) {
      report_.syntax(words.front(), "`!` twice");
      return false;
    }
    said.negated = true;
    words = words.subspan(1);
  }
  if (said.negated && !spec.negatable) {
    report_.syntax(said.at, "`!` before " + shown(said.at.text));
    return false;
  }
  if (words.size() < spec.values) {
    report_.syntax(said.at, shown(said.at.text) + " without its value");
    return false;
  }
  said.values = words.first(spec.values);
  words = words.subspan(spec.values);
  return true;
}

bool RuleReader::read_option(std::span<const Word>& words) {
  Said said;
  if (is_negation(words.front())) {
    said.negated = true;
    if (words.size() == 1) {
      report_.syntax(words.front(), "`!` before nothing");
      return false;
    }
    words = words.subspan(1);
  }
  said.at = words.front();
  words = words.subspan(1);
  if (const auto* spec = decoder::rule_option(said.at.text)) return rule_option(*spec, said, words);
  if (const auto done = target_option(said, words)) return *done;
  if (const auto done = match_option(said, words)) return *done;
  return load_implied(said.at) && match_option(said, words).value_or(false);
}

bool RuleReader::rule_option(const OptionSpec<RuleOption>& spec, Said& said,
                             std::span<const Word>& words) {
  if (!take_values(spec, said, words)) return false;
  if (spec.code == RuleOption::match) return load(said);
  const auto code = spec.code == RuleOption::go_to ? RuleOption::jump : spec.code;
  if (!once(draft_.seen, static_cast<std::size_t>(code), said)) return false;
  switch (spec.code) {
    case RuleOption::protocol: return read_protocol(draft_, said, report_);
    case RuleOption::source:
      return read_addresses(draft_, said, draft_.match.source, report_, shared_);
    case RuleOption::destination:
      return read_addresses(draft_, said, draft_.match.destination, report_, shared_);
    case RuleOption::in:
      return has_interface(said, "OUTPUT") && read_interface(said, draft_.match.in, report_);
    case RuleOption::out:
      return has_interface(said, "INPUT") && read_interface(said, draft_.match.out, report_);
    case RuleOption::match: return load(said);
    case RuleOption::jump: return jump(said, false);
    case RuleOption::go_to: return jump(said, true);
    case RuleOption::fragment: return read_fragment(draft_, said, report_, shared_);
    case RuleOption::only_ipv4: draft_.other_family = family_ != Family::ipv4; return true;
    case RuleOption::only_ipv6: draft_.other_family = family_ != Family::ipv6; return true;
    case RuleOption::counters: return true;
  }
  return false;
}

// What comes in has no interface to go out by, and the other way round.
bool RuleReader::has_interface(const Said& said, std::string_view not_in) {
  if (chain_ != not_in) return true;
  report_.syntax(said.at, shown(said.at.text) + " in the chain `" + std::string(chain_) + "`");
  return false;
}

std::optional<bool> RuleReader::target_option(Said& said, std::span<const Word>& words) {
  if (draft_.target == nullptr) return std::nullopt;
  const auto* spec = find_option(draft_.target->options, said.at.text);
  if (spec == nullptr) return std::nullopt;
  return take_values(*spec, said, words) &&
         once(draft_.target_seen, bit_of(*spec, draft_.target->options), said) &&
         read_target_option(draft_, spec->code, said, report_);
}

// The match that was loaded last is asked first, as getopt's merged tables are.
std::optional<bool> RuleReader::match_option(Said& said, std::span<const Word>& words) {
  for (auto match = draft_.matches.rbegin(); match != draft_.matches.rend(); ++match) {
    const auto* spec = find_option(match->spec->options, said.at.text);
    if (spec == nullptr) continue;
    return take_values(*spec, said, words) &&
           once(match->seen, bit_of(*spec, match->spec->options), said) &&
           read_match_option(draft_, *match, spec->code, said, report_, shared_);
  }
  return std::nullopt;
}

// `-p tcp --dport 22` brings the match tcp along.
bool RuleReader::load_implied(const Word& option) {
  const auto* implied = draft_.protocol && !draft_.protocol->negated
                            ? match_of(draft_.protocol->value, family_)
                            : nullptr;
  const auto* spec = implied == nullptr ? nullptr : find_option(implied->options, option.text);
  if (spec == nullptr) {
    report_.unknown(option, option.text.starts_with('-')
                                ? "options stand behind the `-p`, `-m` or `-j` that knows them"
                                : "a word with blanks needs quotes");
    return false;
  }
  const bool has_multiport = std::any_of(
      draft_.matches.begin(), draft_.matches.end(),
      [](const LoadedMatch& match) { return match.spec->kind == MatchKind::multiport; });
  if (has_multiport && is_port_option(spec->code)) {
    report_.syntax(option, shown(option.text) + " behind `-m multiport`, which takes it for `" +
                               std::string(option.text) + "s`");
    return false;
  }
  draft_.matches.emplace_back();
  draft_.matches.back().spec = implied;
  draft_.matches.back().at = option;
  return true;
}

bool RuleReader::load(const Said& said) {
  const auto* spec = match_named(said.value().text, family_);
  if (spec == nullptr) {
    report_.unknown(said.value(), "where its options end is not known here");
    return false;
  }
  draft_.matches.emplace_back();
  draft_.matches.back().spec = spec;
  draft_.matches.back().at = said.value();
  return true;
}

bool RuleReader::jump(const Said& said, bool go_to) {
  const auto& name = said.value();
  draft_.target_at = name;
  if (!go_to) {
    draft_.target = target_named(name.text);
    if (draft_.target != nullptr) return true;
    if (is_other_target(name.text)) {
      report_.unknown(name, "it changes the packet, or hands it to something else");
      return false;
    }
  }
  if (name.text.empty() || name.text == "INPUT" || name.text == "OUTPUT" ||
      name.text == "FORWARD") {
    report_.syntax(name, "a jump to " + shown(name.text));
    return false;
  }
  draft_.verdict.kind = go_to ? ir::VerdictKind::go_to : ir::VerdictKind::jump;
  draft_.verdict.chain = chain_name(family_, name.text);
  if (!targets_.contains(name.text)) targets_.emplace(name.text, report_.span(name));
  return true;
}

}  // namespace firewright::iptables::decoder
