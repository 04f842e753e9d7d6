#include "backends/netsh/decode_store.h"

#include <algorithm>
#include <utility>

namespace firewright::netsh {
namespace {

bool names_all(const RuleFields& fields) {
  return fields.present.contains(RuleTag::name) && equal_ignoring_case(fields.values.name, "all");
}

// `fields` without `name=all`, which chooses by nothing.
RuleFields without_all(RuleFields fields) {
  if (names_all(fields)) fields.present.erase(RuleTag::name);
  return fields;
}

// A name that only we give: `firewright-` and a hash. Nobody else has such rules.
bool is_ours(std::string_view name) {
  constexpr std::string_view prefix = "firewright-";
  if (name.ends_with("-block")) name.remove_suffix(6);
  return name.size() == prefix.size() + 16 && name.starts_with(prefix) &&
         name.find_first_not_of("0123456789abcdef", prefix.size()) == std::string_view::npos;
}

}  // namespace

void FirewallStore::add(RuleFields fields, Span line) {
  for (const auto tag : {RuleTag::name, RuleTag::dir, RuleTag::action}) {
    if (fields.present.contains(tag)) continue;
    sink_.report(Kind::artifact_syntax, line,
                 {"netsh", "a rule without `" + std::string(to_string(tag)) + "`"});
    return;
  }
  const auto& transport = fields.values.transport;
  const bool has_ports = transport.protocol == protocol::tcp || transport.protocol == protocol::udp;
  const bool says_ports =
      !(fields.present & RuleTags{RuleTag::localport, RuleTag::remoteport}).empty();
  auto wrong = check_rule(fields.values);
  // Even `localport=any` is refused.
  if (!wrong && says_ports && !has_ports) wrong = "ports are for TCP and UDP only";
  if (wrong) {
    sink_.report(Kind::artifact_syntax, line, {"netsh", *wrong});
    return;
  }
  if (same_name_ == nullptr || rules_.back().name != fields.values.name)
    same_name_ = &by_name_[in_lower_case(fields.values.name)];
  same_name_->push_back(rules_.size());
  rules_.push_back(std::move(fields.values));
  rules_.back().span = line;
  present_.push_back(true);
}

std::vector<std::size_t> FirewallStore::choose(const RuleFields& said, Span line) {
  const auto fields = without_all(said);
  std::vector<std::size_t> chosen;
  bool unclear = false;
  const auto consider = [&](std::size_t index) {
    if (!present_[index]) return;
    switch (is_chosen(rules_[index], fields)) {
      case Chosen::no: return;
      case Chosen::yes: chosen.push_back(index); return;
      case Chosen::unclear: unclear = true; return;
    }
  };
  if (!fields.present.contains(RuleTag::name)) {
    for (std::size_t i = 0; i < rules_.size(); ++i) consider(i);
  } else if (const auto found = by_name_.find(in_lower_case(fields.values.name));
             found != by_name_.end()) {
    for (const auto index : found->second) {
      const auto& name = rules_[index].name;
      if (present_[index] && name != fields.values.name && equal_ignoring_case(name, found->first))
        unclear = true;
      consider(index);
    }
  }
  if (unclear)
    sink_.report(Kind::artifact_unknown, line, {"the choice of rules"}).help =
        "name the rules and profiles exactly as they were added";
  return chosen;
}

void FirewallStore::remove(const RuleFields& fields, Span line) {
  if (!fields.present.contains(RuleTag::name)) {
    sink_.report(Kind::artifact_syntax, line, {"netsh", "`delete rule` without `name`"});
    return;
  }
  for (const auto index : choose(fields, line)) present_[index] = false;
  if (names_all(fields))
    forget_foreign(fields);
  else if (const auto found = by_name_.find(in_lower_case(fields.values.name));
           found != by_name_.end())
    std::erase_if(found->second, [&](std::size_t index) { return !present_[index]; });
}

void FirewallStore::set(const RuleFields& choice, const RuleFields& change, Span line) {
  const bool by_name = choice.present.contains(RuleTag::name);
  const bool by_group = choice.present.contains(RuleTag::group);
  if (by_name == by_group) {
    sink_.report(Kind::artifact_syntax, line,
                 {"netsh", "`set rule` without one `name` or `group`"});
    return;
  }
  const RuleTags only_enable{RuleTag::enable};
  if (by_group && change.present != only_enable) {
    sink_.report(Kind::artifact_syntax, line,
                 {"netsh", "a group can be enabled and disabled, and nothing else"});
    return;
  }
  const bool disables = change.present == only_enable && !change.values.enabled;
  const bool all = names_all(choice);
  const auto chosen = by_group ? std::vector<std::size_t>() : choose(choice, line);
  for (const auto index : chosen) {
    StoredRule changed = rules_[index];
    change_fields(changed, change);
    if (const auto wrong = check_rule(changed)) {
      sink_.report(Kind::artifact_syntax, line, {"netsh", *wrong});
      return;
    }
    if (changed.name != rules_[index].name) {
      by_name_[in_lower_case(changed.name)].push_back(index);
      same_name_ = nullptr;
    }
    rules_[index] = std::move(changed);
  }
  if (all && disables) forget_foreign(choice);
  if (disables || (!all && !chosen.empty())) return;
  const auto& name = by_group ? choice.values.group : choice.values.name;
  if (by_name && is_ours(name)) {
    sink_.report(Kind::artifact_undefined, line, {"the rule", name});
    return;
  }
  const bool one_direction = choice.present.contains(RuleTag::dir);
  foreign_.push_back(
      {.what = all ? "every rule that was there before" : "somebody else's `" + name + "`",
       .span = line,
       .inbound = !one_direction || choice.values.inbound,
       .outbound = !one_direction || !choice.values.inbound});
}

// Other people's rules of the chosen kind take no part any more. Only whole directions count.
void FirewallStore::forget_foreign(const RuleFields& choice) {
  if (!(choice.present - RuleTags{RuleTag::name, RuleTag::dir}).empty()) return;
  const bool one_direction = choice.present.contains(RuleTag::dir);
  for (auto& foreign : foreign_) {
    if (!one_direction || choice.values.inbound) foreign.inbound = false;
    if (!one_direction || !choice.values.inbound) foreign.outbound = false;
  }
  std::erase_if(foreign_, [](const Foreign& f) { return !f.inbound && !f.outbound; });
}

void FirewallStore::reset(Span line) {
  present_.assign(rules_.size(), false);
  by_name_.clear();
  same_name_ = nullptr;
  for (auto& settings : profiles_)
    settings = {.state = SwitchState::on,
                .inbound = DefaultAction::block,
                .outbound = DefaultAction::allow,
                .state_span = line,
                .policy_span = line};
  foreign_ = {{.what = "what Windows ships with", .span = line, .inbound = true, .outbound = true}};
}

void FirewallStore::finish() {
  for (const auto& foreign : foreign_)
    sink_.report(Kind::artifact_not_compared, foreign.span, {foreign.what});
}

std::vector<const StoredRule*> FirewallStore::rules() const {
  std::vector<const StoredRule*> result;
  for (std::size_t i = 0; i < rules_.size(); ++i)
    if (present_[i] && rules_[i].enabled) result.push_back(&rules_[i]);
  return result;
}

}  // namespace firewright::netsh
