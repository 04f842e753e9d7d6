#include "compiler/policy/settings.h"

#include <algorithm>

#include "compiler/policy/choices.h"
#include "compiler/policy/exceptions.h"
#include "compiler/policy/names.h"

namespace firewright::policy {
namespace {

bool is_table_name(std::string_view name) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  return !name.empty() && name.size() <= longest_table_name && letter(name[0]) &&
         std::all_of(name.begin(), name.end(), [&](char c) {
           return letter(c) || (c >= '0' && c <= '9') || c == '_' || c == '-';
         });
}

}  // namespace

bool Settings::agrees(std::string_view what, const Value& value) {
  const auto [at, inserted] = said_.try_emplace(std::string(what), &value);
  if (inserted || same_content(*at->second, value)) return true;
  if (value.is(Value::Type::broken) || at->second->is(Value::Type::broken)) return false;
  context_.report(Kind::conflicting_setting, value, {std::string(what)})
      .labels.push_back({.span = at->second->span, .text = "first said here"});
  return false;
}

void Settings::read_policy(const Value& table) {
  if (!is_table(context_, table, "policy")) return;
  const Fields fields(context_, table, Section::policy);
  const auto text = [&](std::string_view key, std::size_t longest, bool lines, std::string& field) {
    const auto* entry = fields.find(key);
    if (entry == nullptr || read_string(context_, entry->value, key) == nullptr) return;
    if (check_text_for_people(context_, entry->value, key, longest, lines) && field.empty())
      field = entry->value.string();
  };
  text("name", longest_text, false, policy_.name);
  text("description", longest_description, true, policy_.description);
  text("owner", longest_text, false, policy_.owner);
}

void Settings::read_baseline(const Value& table) {
  if (!is_table(context_, table, "baseline", "write `[baseline]` and its switches below it"))
    return;
  const Fields fields(context_, table, Section::baseline);
  const auto flag = [&](std::string_view key, bool& field) {
    const auto* entry = fields.find(key);
    if (entry == nullptr) return;
    const auto value = read_boolean(context_, entry->value, key);
    if (value && agrees("baseline." + std::string(key), entry->value)) field = *value;
  };
  auto& baseline = policy_.baseline;
  flag("loopback", baseline.loopback);
  flag("established", baseline.established);
  flag("drop-invalid", baseline.drop_invalid);
  flag("icmp-errors", baseline.icmp_errors);
  flag("neighbour-discovery", baseline.neighbour_discovery);
  if (const auto* entry = fields.find("established")) established_span_ = entry->value.span;
}

void Settings::read_target(const Value& table) {
  if (!is_table(context_, table, "target",
                "write `[target.nftables]`, `[target.iptables]` or "
                "`[target.netsh]`"))
    return;
  const Fields targets(context_, table, Section::target);
  auto& options = policy_.target;
  const auto option = [&](std::string_view target, Section section, std::string_view key,
                          auto read) {
    const auto* entry = targets.find(target);
    if (entry == nullptr || !is_table(context_, entry->value, target)) return;
    const Fields fields(context_, entry->value, section);
    const auto* found = fields.find(key);
    const auto name = "target." + std::string(target) + "." + std::string(key);
    if (found != nullptr && agrees(name, found->value)) read(found->value);
  };
  option("iptables", Section::target_iptables, "mode", [&](const Value& value) {
    if (const auto word = read_word(context_, value, "mode", mode_words))
      options.iptables_mode = static_cast<IptablesMode>(*word);
  });
  option("iptables", Section::target_iptables, "sets", [&](const Value& value) {
    if (const auto word = read_word(context_, value, "sets", sets_words))
      options.iptables_sets = static_cast<IptablesSets>(*word);
  });
  option("nftables", Section::target_nftables, "table", [&](const Value& value) {
    const auto* name = read_string(context_, value, "table");
    if (name == nullptr) return;
    if (is_table_name(*name))
      options.nftables_table = *name;
    else
      context_.report(Kind::bad_name, value, {*name, "table"}).help =
          "a table's name begins with a letter and is made of letters, digits, `-` and `_`, at "
          "most 64";
  });
  option("nftables", Section::target_nftables, "layout", [&](const Value& value) {
    if (const auto word = read_word(context_, value, "layout", layout_words))
      options.nftables_layout = static_cast<NftablesLayout>(*word);
  });
  option("netsh", Section::target_netsh, "other-rules", [&](const Value& value) {
    if (const auto word = read_word(context_, value, "other-rules", other_rules_words))
      options.netsh_disable_others = *word == 0;
  });
}

void Settings::read_direction(const Fields& fields, Direction direction) {
  auto& target = policy_[direction];
  const auto name = [&](std::string_view key) {
    return std::string(to_string(direction)) + "." + std::string(key);
  };
  if (const auto* entry = fields.find("default"); entry != nullptr) {
    const auto word = read_word(context_, entry->value, "default", default_words);
    if (word && agrees(name("default"), entry->value)) {
      target.default_verdict = static_cast<DefaultVerdict>(*word);
      target.default_span = entry->value.span;
    }
  }
  if (const auto* entry = fields.find("log"); entry != nullptr) {
    auto log = read_log(context_, *entry);
    if (agrees(name("log"), entry->value)) target.log = std::move(log);
  }
}

}  // namespace firewright::policy
