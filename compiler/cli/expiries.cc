#include "compiler/cli/expiries.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>

namespace firewright::cli {
namespace {

using Json = nlohmann::ordered_json;

}  // namespace

std::vector<Expiry> expiries(const policy::Policy& policy, Target target, policy::Date today) {
  std::vector<Expiry> found;
  for (const auto* direction : {&policy.inbound, &policy.outbound, &policy.forward})
    for (const auto& exception : direction->exceptions)
      if (exception.expires && exception.expires->value > today &&
          (!exception.only_on || exception.only_on->value.contains(target)))
        found.push_back({.exception = exception.label(), .date = exception.expires->value});
  std::ranges::stable_sort(found, {}, [](const Expiry& one) { return one.date; });
  return found;
}

void put_expiries(const std::vector<Expiry>& expiries, host::Generation& generation) {
  if (expiries.empty()) return;
  Json all = Json::array();
  for (const auto& one : expiries)
    all.push_back({{"exception", one.exception}, {"expires", policy::to_string(one.date)}});
  generation.files.push_back(
      {.name = std::string(expiries_file), .origin = {}, .bytes = all.dump(2) + "\n"});
}

std::optional<std::vector<Expiry>> expiries(const host::Generation& generation) {
  std::vector<Expiry> found;
  const auto* file = generation.file(expiries_file);
  if (file == nullptr) return found;
  const auto all = Json::parse(*file, nullptr, /*allow_exceptions=*/false);
  if (!all.is_array()) return std::nullopt;
  for (const auto& one : all) {
    const bool has_both = one.is_object() && one.contains("exception") && one.contains("expires") &&
                          one["exception"].is_string() && one["expires"].is_string();
    const auto date =
        has_both ? policy::parse_date(one["expires"].get_ref<const std::string&>()) : std::nullopt;
    if (!date) return std::nullopt;
    found.push_back({.exception = one["exception"].get<std::string>(), .date = *date});
  }
  return found;
}

}  // namespace firewright::cli
