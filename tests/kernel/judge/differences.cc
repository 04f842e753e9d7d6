#include "tests/kernel/judge/differences.h"

#include <algorithm>
#include <regex>
#include <set>
#include <sstream>
#include <string_view>
#include <vector>

#include "tests/kernel/harness/loader.h"

namespace firewright::judge {
namespace {

bool has(const std::string& text, std::string_view part) {
  return text.find(part) != std::string::npos;
}

// The first word in backticks.
std::string named(const std::string& words) {
  const auto begin = words.find('`');
  const auto end = begin == std::string::npos ? begin : words.find('`', begin + 1);
  return end == std::string::npos ? "" : words.substr(begin + 1, end - begin - 1);
}

// The source line that a rendered diagnostic shows.
std::string shown_line(const std::string& words) {
  const auto begin = words.find(" | ");
  const auto end = begin == std::string::npos ? begin : words.find('\n', begin);
  return begin == std::string::npos ? "" : words.substr(begin + 3, end - begin - 3);
}

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  std::istringstream in{std::string(text)};
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}

// Whether it is the beginning of an option or a value that is known whole.
bool is_abbreviated(const std::string& word) {
  static const std::vector<std::string_view> whole{
      "--comment", "--connlimit-mask", "--connlimit-upto", "--connlimit-saddr", "--ctstate",
      "--dport", "--dports", "--dst-range", "--gid-owner", "--hashlimit-burst",
      "--hashlimit-htable-expire", "--hashlimit-mode", "--hashlimit-name", "--hashlimit-upto",
      "--icmp-type", "--icmpv6-type", "--limit", "--limit-burst", "--log-prefix", "--reject-with",
      "--sport", "--sports", "--src-range", "--uid-owner", "--jump", "--protocol", "--match",
      "--goto", "--destination-ports", "--source-ports", "--connlimit-above", "--hashlimit-above",
      "--log-level",
      // values
      "destination-unreachable", "echo-reply", "echo-request", "icmp-admin-prohibited",
      "icmp-port-unreachable", "icmp6-adm-prohibited", "icmp6-port-unreachable",
      "parameter-problem", "tcp-reset", "time-exceeded", "timestamp-request", "packet-too-big"};
  return std::ranges::any_of(whole, [&](std::string_view known) {
    return word.size() >= 3 && known.size() > word.size() && known.starts_with(word);
  });
}

// Where nft points to first: the line, and what stands in it before the word that it points to.
struct Pointed {
  std::size_t line = 0;  // from 1
  std::string text;
  std::string before;
};
Pointed pointed(const std::string& text, const std::string& words) {
  static const std::regex place("/dev/stdin:([0-9]+):([0-9]+)");
  Pointed result;
  std::smatch found;
  if (!std::regex_search(words, found, place)) return result;
  result.line = std::stoul(found[1]);
  const auto lines = lines_of(text);
  if (result.line > 0 && result.line <= lines.size()) result.text = lines[result.line - 1];
  result.before = result.text.substr(0, std::stoul(found[2]) - 1);
  return result;
}

// Whether a name is due behind these words. nft prints interfaces in quotes, which may be lost, and
// then the next word is taken to be one.
bool wants_name(const std::string& before) {
  static const std::regex end(
      "(table (inet|ip6?)|chain( (inet|ip6?) \\S+)?|set|map|counter|limit|[io]ifname|jump|goto"
      "|[io]ifname \\{[^}]*)\\s+$");
  return std::regex_search(before, end);
}

// The line of the text at which iptables-restore stopped; it is fed an empty filter before the
// text.
struct Stopped {
  std::string line;
  std::vector<std::string> before;
};
Stopped stopped(const std::string& text, const std::string& words) {
  static const std::regex place("line ([0-9]+)(:| failed)");
  Stopped result;
  std::smatch found;
  if (!std::regex_search(words, found, place)) return result;
  const auto fed_before = lines_of(kernel::empty_filter).size();
  const auto number = std::stoul(found[1]);
  const auto lines = lines_of(text);
  if (number <= fed_before || number - fed_before > lines.size()) return result;
  const auto at = lines.begin() + static_cast<std::ptrdiff_t>(number - fed_before - 1);
  result.line = *at;
  result.before.assign(lines.begin(), at);
  return result;
}

// `-F` of a user's chain that is not declared before it.
bool flushes_undeclared(const Stopped& at) {
  static const std::set<std::string> built_in{"INPUT", "FORWARD", "OUTPUT"};
  if (!at.line.starts_with("-F ")) return false;
  const auto chain = at.line.substr(3);
  return !built_in.contains(chain) && std::ranges::none_of(at.before, [&](const auto& line) {
    return line.starts_with(":" + chain + " ");
  });
}

bool has_owner_elsewhere(const std::string& line) {
  return line.starts_with("-A ") && !line.starts_with("-A OUTPUT ") && has(line, " -m owner ");
}

// The kernel refuses the rule, or a jump by which other packets than those sent get to it, or all
// of it when the table is put in.
bool refuses_owner(const Stopped& at) {
  if (has_owner_elsewhere(at.line)) return true;
  return (at.line == "COMMIT" || has(at.line, " -j ") || has(at.line, " -g ")) &&
         std::ranges::any_of(at.before, has_owner_elsewhere);
}

// Whether the line is within a counter's block.
bool is_in_counter(const std::string& text, std::size_t line) {
  std::istringstream lines(text);
  std::string block;
  std::string one;
  for (std::size_t i = 1; i < line && std::getline(lines, one); ++i)
    if (one.ends_with("{")) block = one;
  return block.starts_with("\tcounter ");
}

// iptables reads more loosely than its own iptables-save writes; what it makes of such words is
// not written down anywhere, so the decoder does not guess.
std::optional<std::string> refused_iptables(const Answers& answers) {
  const std::string& words = answers.our_words;
  if (has(words, "a chain is declared with its policy and its counters"))
    return "we refuse: a declaration of a chain with words or counters that iptables passes over";
  if (has(words, "a quote that is not closed") || has(words, "a quote within a word"))
    return "we refuse: an open quote, which iptables takes to end with the line";
  if (has(words, "outside of a table") && shown_line(words).starts_with('*'))
    return "we refuse: words behind the name of a table, which iptables passes over";
  if (has(words, "is no list of connection states"))
    return "we refuse: a state that is abbreviated";
  if (has(words, "is no IPv4 address or prefix"))
    return "we refuse: an address in the loose forms of inet_aton, or a list by a slip";
  if (has(words, "is not understood here") &&
      (named(words).starts_with("-4") || named(words).starts_with("-6")))
    return "we refuse: a rule for the files of one family only";
  if (has(words, "is no comment of at most 255 bytes") ||
      has(words, "a log prefix of more than 29 bytes"))
    return "we refuse: a text of more than the kernel keeps, which iptables cuts off";
  if (has(words, "is there twice, with different parameters"))
    return "we refuse: one hashlimit table with two sets of parameters, where the first decides";
  if (has(words, "is no range of addresses"))
    return "we refuse: a range that ends before it begins, which matches nothing";
  if (has(words, "a policy of a chain that is not built in"))
    return "we refuse: a policy of a user's chain, which iptables passes over";
  if (has(words, "nothing to reject with") || has(words, "is no ICMP type") ||
      has(words, "is not understood here")) {
    if (is_abbreviated(named(words)))
      return "we refuse: an abbreviation that is unique among the options or values of today";
    if (has(shown_line(words), "! -p "))
      return "we refuse: options of a protocol behind its negation";
  }
  return std::nullopt;
}

std::optional<std::string> refused_nft(const Answers& answers) {
  const std::string& words = answers.our_words;
  if (has(words, "expected an IPv4 address"))
    return "we refuse: an IPv4 address as a single number";
  if (has(words, "is not understood here") && named(words).starts_with('"') &&
      has(named(words), "*"))
    return "we refuse: an asterisk within the name of an interface";
  if (has(words, "is filled with different limits"))
    return "we refuse: one set filled with different limits, which share buckets by who comes "
           "first";
  return std::nullopt;
}

std::optional<std::string> accepted_iptables(const std::string& text, const Answers& answers) {
  if (has(answers.their_words, "owner: Bad value") && has(answers.their_words, "4294967295"))
    return "we accept: the owner 4294967295, which the kernel keeps for nobody";
  if (has(answers.their_words, "Set ") && has(answers.their_words, " doesn't exist"))
    return "we accept: a set that has to be there before the text";
  const auto at = stopped(text, answers.their_words);
  if (refuses_owner(at))
    return "we accept: an owner outside of OUTPUT, which the kernel refuses there";
  if (flushes_undeclared(at))
    return "we accept: `-F` of a chain that has to be there before the text";
  return std::nullopt;
}

// A decoder takes a text as loaded into an empty ruleset and compares meanings: what means nothing
// for packets may be wrong in it.
std::optional<std::string> accepted_nft(const std::string& text, const Answers& answers) {
  const std::string& words = answers.their_words;
  if (has(words, "No such file or directory") && has(words, "\ndelete "))
    return "we accept: `delete` of what the text has not made, which undoes nothing";
  if (has(words, "expecting string or quoted string") && has(text, "comment "))
    return "we accept: a word of nft's language as a comment";
  if (has(words, "expecting '{'") && has(words, "\tcounter "))
    return "we accept: words behind the name of a counter, which mean nothing for packets";
  const auto place = pointed(text, words);
  if ((has(words, "syntax error, unexpected") ||
       has(words, "datatype mismatch, expected network interface name")) &&
      wants_name(place.before))
    return "we accept: a word of nft's language as a name";
  if (has(words, "syntax error, unexpected") && is_in_counter(text, place.line))
    return "we accept: words within a counter, which mean nothing for packets";
  if (has(words, "conflicting intervals specified") && !has(place.text, " : "))
    return "we accept: intervals of a set that overlap, which mean their union";
  if (has(answers.our_words, "text:" + std::to_string(place.line) + ":") &&
      has(answers.our_words, "is not looked into"))
    return "we accept: the value of a match that is not looked into";
  if (has(words, "comment too long")) return "we accept: a comment of more than 128 characters";
  if (has(words, "cannot use tcp reset with this protocol"))
    return "we accept: a reset for packets that are not TCP, a rule for no packet";
  if (has(words, "meta nfproto is only useful in the inet family"))
    return "we accept: the family asked for again in a table of one family";
  if (has(words, "unexpected '}', expecting newline or semicolon"))
    return "we accept: a block that ends on the line of its last statement, as later versions do";
  if (has(words, "unexpected newline, expecting comma or '}'") && has(text, ",\n"))
    return "we accept: an empty line among elements";
  if (has(words, "unexpected junk"))
    return "we accept: a character in a string that this version's lexer does not know";
  return std::nullopt;
}

}  // namespace

std::optional<std::string> explained(Reader reader, const std::string& text,
                                     const Answers& answers) {
  if (reader == Reader::nft)
    return answers.we_accept ? accepted_nft(text, answers) : refused_nft(answers);
  return answers.we_accept ? accepted_iptables(text, answers) : refused_iptables(answers);
}

}  // namespace firewright::judge
