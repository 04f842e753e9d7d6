#include "backends/iptables/decode_table.h"

#include <algorithm>
#include <iterator>
#include <set>

#include "backends/iptables/decode_jumps.h"

namespace firewright::iptables::decoder {
namespace {

struct BuiltIn {
  std::string_view name;
  ir::Hook hook;
};
constexpr BuiltIn built_in[] = {
    {"INPUT", ir::Hook::inbound}, {"OUTPUT", ir::Hook::outbound}, {"FORWARD", ir::Hook::forward}};

constexpr std::string_view other_tables[] = {"nat", "mangle", "raw", "security"};

}  // namespace

TableReader::TableReader(Family family, FileId file, std::string_view text, Shared& shared)
    : family_(family),
      text_(text),
      shared_(shared),
      report_(file, shared.sink),
      rules_(family, report_, shared),
      errors_before_(shared.sink.errors()) {
  for (const auto& [name, hook] : built_in) {
    index_.emplace(name, chains_.size());
    chains_.emplace_back();
    chains_.back().name = name;
    chains_.back().hook = hook;
  }
}

bool TableReader::read() {
  if (const auto nul = text_.find('\0'); nul != std::string_view::npos) {
    const auto at = static_cast<std::uint32_t>(nul);
    report_.syntax(report_.span(at, at + 1), "a NUL byte");
    return false;
  }
  Lines lines(text_);
  Line line;
  while (lines.next(line)) read_line(line);
  const auto size = static_cast<std::uint32_t>(text_.size());
  if (lines.cut_off())
    report_.say(Kind::artifact_truncated, report_.span(line.begin, line.end()), {"a line"});
  else if (where_ != Where::between)
    report_.say(Kind::artifact_truncated, report_.span(size, size),
                {"the table `" + table_ + "`, which has no `COMMIT`"});
  for (const auto& [name, place] : rules_.targets())
    if (find(name) == nullptr) report_.say(Kind::artifact_undefined, place, {"the chain", name});
  if (shared_.sink.errors() == errors_before_) check_jumps();
  return shared_.sink.errors() == errors_before_;
}

void TableReader::read_line(const Line& line) {
  if (line.text.empty() || !fits(line, report_)) return;
  if (line.text.front() == '#') return read_comment(line);
  if (!splitter_.split(line, words_, report_)) return;
  if (where_ == Where::between) return begin_table(line);
  if (line.text == "COMMIT") {
    where_ = Where::between;
    return;
  }
  if (where_ == Where::other_table) return pass_over(line);
  Words words(words_);
  if (line.text.front() == ':') return declare(line, words);
  if (!words.empty() && is_packet_counters(words.front().text)) words = words.subspan(1);
  command(line, words);
}

// iptables-nft-save says in comments what it leaves out.
void TableReader::read_comment(const Line& line) {
  constexpr std::string_view begin = "# Table `";
  if (!line.text.starts_with(begin) || line.text.find("incompatible") == std::string_view::npos)
    return;
  const auto rest = line.text.substr(begin.size());
  const auto name = std::string(rest.substr(0, rest.find('\'')));
  const auto at = report_.span(line.begin, line.end());
  if (name != "filter") return not_compared("the table `" + name + "`", at);
  auto& diagnostic = report_.say(Kind::artifact_unknown, at, {std::string(line.text)});
  diagnostic.help = "the table has rules that only nft shows: read the nftables ruleset instead";
}

void TableReader::begin_table(const Line& line) {
  const auto at = report_.span(line.begin, line.end());
  if (line.text.front() != '*' || words_.size() != 1 || words_.front().quoted) {
    report_.syntax(at, shown(line.text) + " outside of a table");
    return;
  }
  table_ = words_.front().text.substr(1);
  if (table_ != "filter") {
    where_ = Where::other_table;
    if (std::ranges::find(other_tables, table_) == std::end(other_tables))
      report_.say(Kind::artifact_unknown, at, {"*" + table_}).help = "no such table is known";
    return;
  }
  where_ = Where::filter;
  if (filter_seen_) report_.say(Kind::artifact_conflict, at, {"the table `filter` is there twice"});
  filter_seen_ = true;
}

// Chains without rules that accept do nothing.
void TableReader::pass_over(const Line& line) {
  const bool plain_chain =
      line.text.front() == ':' && words_.size() >= 2 && words_[1].text != "DROP";
  if (!plain_chain)
    not_compared("the table `" + table_ + "`", report_.span(line.begin, line.end()));
}

void TableReader::not_compared(const std::string& what, Span at) {
  if (std::ranges::find(told_tables_, what) != told_tables_.end()) return;
  told_tables_.push_back(what);
  report_.say(Kind::artifact_not_compared, at, {what});
}

void TableReader::check_jumps() {
  std::vector<JumpingChain> jumping;
  for (auto& chain : chains_) {
    if (chain.name.empty()) continue;
    // A deleted rule jumps nowhere.
    JumpingChain one{.name = chain_name(family_, chain.name), .declared = chain.declared, .to = {}};
    for (const auto& added : chain.order)
      for (std::uint32_t i = 0; added.count != one_more && i < added.count; ++i)
        if (const auto& to = chain.rules[added.first + i].verdict.chain; !to.empty())
          one.to.push_back(to);
    jumping.push_back(std::move(one));
  }
  for (const auto& chain : made_)
    for (const auto& rule : chain.rules)
      if (!rule.verdict.chain.empty()) {
        jumping.push_back({.name = chain.name, .declared = rule.origin.span, .to = {}});
        jumping.back().to.push_back(rule.verdict.chain);
      }
  check_circles(jumping, report_);
}

ir::Chain TableReader::finished(Chain& chain) {
  ir::Chain result;
  result.name = chain_name(family_, chain.name);
  result.hook = chain.hook;
  if (chain.gone_to && !chain.hook) {
    result.rules = united(chain);
  } else if (is_as_added(chain)) {
    result.rules = std::move(chain.rules);
  } else {
    for (const auto& added : chain.order)
      for (auto& rule : rules_of(chain, added)) result.rules.push_back(std::move(rule));
  }
  chain.rules = {};
  chain.more = {};
  chain.order = {};
  return result;
}

bool TableReader::is_as_added(const Chain& chain) {
  std::uint32_t next = 0;
  for (const auto& added : chain.order) {
    if (added.first != next || added.count == one_more) return false;
    next += added.count;
  }
  return next == chain.rules.size();
}

// Which chains belong to others, that look addresses up in them.
void TableReader::mark_gone_to() {
  std::set<std::string, std::less<>> names;
  for (const auto& chain : chains_)
    for (const auto& rule : chain.rules)
      if (rule.verdict.kind == ir::VerdictKind::go_to) names.insert(rule.verdict.chain);
  for (auto& chain : chains_) chain.gone_to = names.contains(chain_name(family_, chain.name));
}

std::vector<ir::Chain> TableReader::take_chains() {
  std::vector<ir::Chain> result;
  ir::Match everything;
  ir::restrict_families(everything, {family_});
  mark_gone_to();
  for (auto& chain : chains_) {
    if (!chain.said) continue;
    result.push_back(finished(chain));
    if (!chain.hook || chain.policy != ir::VerdictKind::drop) continue;
    // Packets of the other family are not dropped here. What leaves the rules early, by `return`
    // or behind a `goto`, gets the policy too: then the rules go to a chain of their own.
    const ir::Origin origin{.kind = ir::OriginKind::decoded,
                            .label = chain.name + " policy",
                            .reason = {},
                            .span = chain.declared};
    const bool leaves_early = std::ranges::any_of(result.back().rules, [](const ir::Rule& rule) {
      return rule.verdict.kind == ir::VerdictKind::return_ ||
             rule.verdict.kind == ir::VerdictKind::go_to;
    });
    if (leaves_early) {
      ir::Chain inner;
      inner.name = result.back().name + " rules";
      inner.rules = std::move(result.back().rules);
      result.back().rules.clear();
      result.back().rules.push_back(
          {.match = everything,
           .effects = {},
           .verdict = {.kind = ir::VerdictKind::jump, .reject = {}, .chain = inner.name},
           .origin = origin});
      made_.push_back(std::move(inner));
    }
    result.back().rules.push_back(
        {.match = everything, .effects = {}, .verdict = ir::Verdict::drop(), .origin = origin});
  }
  std::move(made_.begin(), made_.end(), std::back_inserter(result));
  made_.clear();
  return result;
}

}  // namespace firewright::iptables::decoder
