#include "compiler/policy/zones.h"

#include "compiler/policy/choices.h"
#include "compiler/policy/names.h"
#include "compiler/policy/values.h"

namespace firewright::policy {
namespace {

constexpr std::string_view zone_help =
    "write `name = { interfaces = [\"eth0\"], profiles = [\"private\"] }`";

}  // namespace

void Zones::define(const Value& table) {
  if (!is_table(context_, table, "zones", "write `[zones]` and zones below it")) return;
  for (const auto& entry : table.entries()) {
    if (!check_name(context_, entry, "zone")) continue;
    const auto [at, inserted] = written_.try_emplace(entry.key, &entry.value);
    if (inserted) {
      read_zone(entry);
    } else if (!same_content(*at->second, entry.value)) {
      context_.report(Kind::conflicting_definition, entry.key_span, {"zone", entry.key})
          .labels.push_back({.span = zones_[entry.key].span, .text = "first defined here"});
    }
  }
}

void Zones::read_zone(const Entry& entry) {
  Zone& zone = zones_[entry.key];
  zone.name = entry.key;
  zone.span = entry.key_span;
  if (!is_table(context_, entry.value, entry.key, zone_help)) return;
  const Fields fields(context_, entry.value, Section::zone);
  if (const auto* interfaces = fields.find("interfaces"))
    for_each_item(context_, interfaces->value, "interfaces", [&](const Value& item) {
      const auto* name = read_string(context_, item, "interfaces");
      if (name != nullptr && check_interface(item))
        zone.interfaces.push_back({.value = *name, .span = item.span});
    });
  if (const auto* profiles = fields.find("profiles"))
    for_each_item(context_, profiles->value, "profiles", [&](const Value& item) {
      if (read_word(context_, item, "profiles", profile_words))
        zone.profiles.push_back({.value = item.string(), .span = item.span});
    });
  if (entry.value.entries().empty())
    context_.report(Kind::missing_key, entry.key_span, {"a zone", "interfaces"}).help = zone_help;
}

bool Zones::check_interface(const Value& item) {
  const auto& name = item.string();
  auto reason = interface_problem(name);
  if (reason.empty()) return true;
  auto help = context_.did_you_mean_key(name, zones_);
  if (name == "*") help = "leave the key out for any interface";
  context_.report(Kind::bad_interface, item, {name, std::move(reason)}).help = std::move(help);
  return false;
}

std::vector<Spanned<std::string>> Zones::read_use(const Entry& entry) {
  std::vector<Spanned<std::string>> names;
  for_each_item(context_, entry.value, entry.key, [&](const Value& item) {
    const auto* name = read_string(context_, item, entry.key);
    if (name == nullptr) return;
    const auto zone = zones_.find(*name);
    if (zone != zones_.end())
      zone->second.used = true;
    else if (!check_interface(item))
      return;
    names.push_back({.value = *name, .span = item.span});
  });
  return names;
}

}  // namespace firewright::policy
