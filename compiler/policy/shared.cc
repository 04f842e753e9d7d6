#include "compiler/policy/shared.h"

#include <algorithm>

namespace firewright::policy {

void collect_variables(const Value& value, std::set<std::string>& names) {
  if (value.is(Value::Type::array))
    for (const auto& item : value.items()) collect_variables(item, names);
  if (value.is(Value::Type::table))
    for (const auto& entry : value.entries()) collect_variables(entry.value, names);
  if (!value.is(Value::Type::string)) return;
  const auto& text = value.string();
  for (auto at = text.find("${"); at != std::string::npos; at = text.find("${", at + 2)) {
    const auto close = text.find('}', at);
    names.insert(text.substr(at + 2, close == std::string::npos ? close : close - at - 2));
  }
}

const SharedDocument* Shared::find(const std::string& path) const {
  const auto found = documents_.find(path);
  return found == documents_.end() ? nullptr : &found->second;
}

const SharedDocument* Shared::of_file(FileId file) const {
  const auto found = by_file_.find(file);
  return found == by_file_.end() ? nullptr : found->second;
}

const GroupContent* Shared::group(Span key) const {
  const auto* document = of_file(key.file);
  if (document == nullptr) return nullptr;
  const auto found = document->groups.find(key);
  return found == document->groups.end() ? nullptr : &found->second;
}

const Exception* Shared::exception(Span span) const {
  const auto* document = of_file(span.file);
  if (document == nullptr) return nullptr;
  const auto found = document->exceptions.find(span);
  return found == document->exceptions.end() ? nullptr : &found->second;
}

void Shared::add(const std::string& path, SharedDocument document) {
  std::set<std::string> names;
  document.mentions.clear();
  for (const auto& entry : document.root.entries()) {
    std::set<std::string> of_entry;
    collect_variables(entry.value, of_entry);
    document.mentions.push_back(!of_entry.empty());
    names.merge(of_entry);
  }
  document.variables.assign(names.begin(), names.end());
  const auto [at, added] = documents_.emplace(path, std::move(document));
  if (added) by_file_.emplace(at->second.file, &at->second);
}

}  // namespace firewright::policy
