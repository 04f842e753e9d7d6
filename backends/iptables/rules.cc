#include "backends/iptables/rules.h"

#include <algorithm>
#include <cstdint>
#include <type_traits>
#include <utility>

#include "backends/iptables/rates.h"
#include "backends/iptables/tree.h"

namespace firewright::iptables {
namespace {

// More lines than this for one rule, and lists move to chains of their own.
constexpr std::size_t most_lines = 8;

std::string reject_name(ir::RejectKind kind, Family family) {
  const bool v4 = family == Family::ipv4;
  switch (kind) {
    case ir::RejectKind::tcp_reset: return "tcp-reset";
    case ir::RejectKind::port_unreachable:
      return v4 ? "icmp-port-unreachable" : "icmp6-port-unreachable";
    case ir::RejectKind::host_unreachable:
      return v4 ? "icmp-host-unreachable" : "icmp6-addr-unreachable";
    case ir::RejectKind::net_unreachable: return v4 ? "icmp-net-unreachable" : "icmp6-no-route";
    case ir::RejectKind::admin_prohibited:
      return v4 ? "icmp-admin-prohibited" : "icmp6-adm-prohibited";
    case ir::RejectKind::proto_unreachable: return "icmp-proto-unreachable";
    case ir::RejectKind::net_prohibited: return "icmp-net-prohibited";
    case ir::RejectKind::host_prohibited: return "icmp-host-prohibited";
    case ir::RejectKind::policy_fail: return "icmp6-policy-fail";
    case ir::RejectKind::reject_route: return "icmp6-reject-route";
  }
  return "";
}

std::string target(const ir::Verdict& verdict, Family family) {
  switch (verdict.kind) {
    case ir::VerdictKind::accept: return "ACCEPT";
    case ir::VerdictKind::drop: return "DROP";
    case ir::VerdictKind::reject:
      return "REJECT --reject-with " + reject_name(verdict.reject, family);
    case ir::VerdictKind::next: return "";
    case ir::VerdictKind::jump:
    case ir::VerdictKind::go_to:
    case ir::VerdictKind::return_: return "";  // refused by capable()
  }
  return "";
}

// How many lines without chains; a choice by exclusion always takes a chain.
std::size_t flat_lines(const Product& product) {
  std::size_t lines = 1;
  for (const auto& choice : product.choices)
    if (!choice.except) lines *= choice.size();
  return lines;
}

bool takes_one_line(const std::vector<Product>& list) {
  return list.size() == 1 && list.front().choices.empty();
}

// Which choices go to chains: those by exclusion, and the longest ones until the others are few.
std::vector<bool> chosen_for_chains(const Product& product) {
  std::vector<bool> chained(product.choices.size());
  auto lines = flat_lines(product);
  for (std::size_t i = 0; i < chained.size(); ++i) chained[i] = product.choices[i].except;
  while (lines > most_lines) {
    std::size_t longest = chained.size();
    for (std::size_t i = 0; i < chained.size(); ++i)
      if (!chained[i] && (longest == chained.size() ||
                          product.choices[i].size() > product.choices[longest].size()))
        longest = i;
    chained[longest] = true;
    lines /= product.choices[longest].size();
  }
  return chained;
}

// A label that would read like the comment of a counted rule is marked as a name.
std::string label_comment(const std::vector<std::string>& labels) {
  const auto text = comment_of(labels);
  if (text.starts_with("count ") || text.starts_with("name: "))
    return comment_of({"name: " + text});
  return text;
}

}  // namespace

RuleWriter::RuleWriter(Table& table, const ir::Program& program, Family family, Sets* sets)
    : table_(table), family_(family), sets_(sets) {
  for (const auto& chain : program.chains)
    for (const auto& rule : chain.rules)
      if (!rule.match.predicates.empty() && rule.match.families.contains(family))
        ++users_[rule.match.predicates];
}

RuleWriter::Action RuleWriter::effects_and_verdict(const ir::Rule& rule) const {
  Action action;
  if (rule.effects.log) {
    const auto prefix =
        rule.effects.log->empty() ? "" : " --log-prefix " + quote(*rule.effects.log);
    action.push_back({.match = {}, .target = "LOG" + prefix, .comment = {}});
  }
  if (rule.verdict.kind != ir::VerdictKind::next || (rule.effects.count && !rule.effects.log)) {
    action.push_back({.match = {}, .target = target(rule.verdict, family_), .comment = {}});
    if (rule.verdict == ir::Verdict::rejected(ir::RejectKind::tcp_reset))
      action.back().match.protocol = "-p tcp";  // ipt_REJECT wants to see it in its own rule
  }
  // Whatever counts a matching packet once carries the name of the counter.
  if (rule.effects.count)
    action.back().comment = tame("count " + *rule.effects.count + ": " + rule.origin.label, 255);
  return action;
}

std::string RuleWriter::spell(const ir::Predicate& predicate) {
  if (const auto* connections = std::get_if<ir::ConnectionLimit>(&predicate.test)) {
    const auto upto = "-m connlimit --connlimit-upto " + std::to_string(connections->connections);
    if (!connections->per_source) return upto + " --connlimit-mask 0";
    return upto + " --connlimit-mask " + (family_ == Family::ipv4 ? "32" : "128") +
           " --connlimit-saddr";
  }
  const auto* rate = std::get_if<ir::RateLimit>(&predicate.test);
  if (rate == nullptr) return "";  // refused by capable()
  std::string name;
  if (needs_table(*rate)) {
    auto& known = bucket_names_[predicate];
    for (unsigned attempt = 0; known.empty(); ++attempt)
      if (auto candidate = table_name(predicate, attempt);
          taken_bucket_names_.insert(candidate).second)
        known = std::move(candidate);
    name = known;
  }
  return iptables::spell(*rate, name);
}

// Connections first: a packet that opens one too many takes no token.
std::string RuleWriter::spell(const std::vector<ir::Predicate>& predicates) {
  std::string connections, rates;
  for (const auto& predicate : predicates) {
    const bool is_rate = std::holds_alternative<ir::RateLimit>(predicate.test);
    auto& text = is_rate ? rates : connections;
    if (!text.empty()) text += ' ';
    text += spell(predicate);
  }
  if (!connections.empty() && !rates.empty()) connections += ' ';
  return connections + rates;
}

Line RuleWriter::as_one(const Action& action, const std::string& what) {
  if (action.size() == 1) return action.front();
  return {.match = {}, .target = table_.user_chain(what, action), .comment = {}};
}

// A limit's state lives in one rule of the kernel: what shares it goes through that rule.
RuleWriter::Action RuleWriter::limited(const ir::Rule& rule, Action action, bool in_one_place) {
  const auto& predicates = rule.match.predicates;
  if (predicates.empty()) return action;
  auto line = as_one(action, "log");
  line.match.predicates = spell(predicates);
  if (in_one_place && users_[predicates] == 1) return {line};
  std::string identity;
  for (const auto& predicate : predicates) identity += predicate.instance + ' ';
  const auto chain = table_.user_chain("limit-" + predicates.front().instance, {line}, identity);
  return {Line{.match = {}, .target = chain, .comment = {}}};
}

std::string RuleWriter::chain_of(const Choice& choice, const Line& leaf) {
  const auto tree_of = [&](const auto& set) {
    SortedLines<typename std::decay_t<decltype(set)>::Value> lines;
    const AddressLine line(leaf, address_slots(choice.source));
    for (const auto& interval : set.intervals()) line.add(lines, interval);
    return address_tree(table_, choice.what, lines, address_slots(choice.source));
  };
  if (const auto* v4 = std::get_if<Ipv4Set>(&choice.addresses)) return tree_of(*v4);
  if (const auto* v6 = std::get_if<Ipv6Set>(&choice.addresses)) return tree_of(*v6);

  std::vector<Line> lines;
  for (const auto& alternative : choice.alternatives) {
    if (choice.except) {
      lines.push_back({.match = alternative, .target = "RETURN", .comment = {}});
    } else {
      lines.push_back(leaf);
      lines.back().match = both(alternative, leaf.match);
    }
  }
  if (choice.except) lines.push_back(leaf);
  if (choice.spans.empty()) return table_.user_chain(choice.what, lines);

  SortedLines<Port> sorted;
  for (std::size_t i = 0; i < lines.size(); ++i)
    sorted.add(choice.spans[i], to_text(lines[i]), "", "");
  return port_tree(table_, choice.what, sorted, *choice.span_slots,
                   choice.alternatives.front().protocol);
}

template <class A>
std::string RuleWriter::set_test(const IntervalSet<A>& addresses, bool source) {
  const auto rest = ~addresses;
  const bool negate = count_prefixes(rest) < count_prefixes(addresses);
  return std::string("-m set ") + (negate ? "! " : "") + "--match-set " +
         sets_->of_addresses(negate ? rest : addresses) + (source ? " src" : " dst");
}

void RuleWriter::use_sets(Product& product) {
  for (const auto& choice : product.choices) {
    auto& slot = choice.source ? product.fixed.source_set : product.fixed.destination_set;
    if (const auto* v4 = std::get_if<Ipv4Set>(&choice.addresses))
      slot = set_test(*v4, choice.source);
    if (const auto* v6 = std::get_if<Ipv6Set>(&choice.addresses))
      slot = set_test(*v6, choice.source);
  }
  std::erase_if(product.choices, [](const Choice& choice) {
    return !std::holds_alternative<std::monostate>(choice.addresses);
  });
}

void RuleWriter::append(std::vector<Line>& lines, const Product& product, Action action,
                        const std::string& comment) {
  const auto chained = chosen_for_chains(product);
  for (std::size_t i = chained.size(); i-- > 0;) {
    if (!chained[i]) continue;
    const auto chain = chain_of(product.choices[i], as_one(action, "log"));
    action = {Line{.match = {}, .target = chain, .comment = {}}};
  }

  std::vector<LineMatch> matches{product.fixed};
  for (std::size_t i = 0; i < chained.size(); ++i) {
    if (chained[i]) continue;
    std::vector<LineMatch> longer;
    for (const auto& match : matches)
      for (const auto& alternative : product.choices[i].alternatives)
        longer.push_back(both(match, alternative));
    matches = std::move(longer);
  }
  if (matches.size() > 1) action = {as_one(action, "log")};
  for (const auto& match : matches) {
    for (std::size_t i = 0; i < action.size(); ++i) {
      auto line = action[i];
      line.match = both(match, line.match);
      if (line.comment.empty() && i + 1 == action.size()) line.comment = comment;
      lines.push_back(std::move(line));
    }
  }
}

std::vector<Line> RuleWriter::lines(ir::Hook hook, const MergedRule& merged) {
  const auto& rule = merged.rule;
  auto action = effects_and_verdict(rule);
  if (action.empty()) return {};
  auto list = products(rule.match, hook, family_);
  if (list.empty()) return {};
  if (sets_ != nullptr)
    for (auto& product : list) use_sets(product);
  action = limited(rule, std::move(action), takes_one_line(list));
  if (list.size() > 1) action = {as_one(action, "log")};
  const auto comment = label_comment(merged.labels);
  std::vector<Line> result;
  for (const auto& product : list) append(result, product, action, comment);
  return result;
}

bool decides_everything(const ir::Rule& rule, ir::Hook hook, Family family) {
  switch (rule.verdict.kind) {
    case ir::VerdictKind::accept:
    case ir::VerdictKind::drop:
    case ir::VerdictKind::reject: break;
    case ir::VerdictKind::next:
    case ir::VerdictKind::jump:
    case ir::VerdictKind::go_to:
    case ir::VerdictKind::return_: return false;
  }
  if (!rule.match.predicates.empty()) return false;
  const auto list = products(rule.match, hook, family);
  return takes_one_line(list) && list.front().fixed == LineMatch{};
}

}  // namespace firewright::iptables
