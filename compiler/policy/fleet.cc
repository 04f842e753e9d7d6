#include "compiler/policy/fleet.h"

#include <algorithm>
#include <set>

#include "compiler/policy/addresses.h"
#include "compiler/policy/loader.h"
#include "compiler/policy/variables.h"

namespace firewright::policy {
namespace {

// Distinct for distinct values.
void append_key(std::string& key, const Value& value) {
  switch (value.type) {
    case Value::Type::string:
      key += 's' + std::to_string(value.string().size()) + ':' + value.string();
      break;
    case Value::Type::integer: key += 'i' + std::to_string(value.integer()) + ':'; break;
    case Value::Type::array:
      key += 'a' + std::to_string(value.items().size()) + ':';
      for (const auto& item : value.items()) append_key(key, item);
      break;
    case Value::Type::broken:
    case Value::Type::floating:
    case Value::Type::boolean:
    case Value::Type::date:
    case Value::Type::time:
    case Value::Type::table: key += 'b'; break;  // an error wherever it is used
  }
}

}  // namespace

Subject FleetReader::prepare(std::string path, std::optional<std::string> text,
                             std::vector<Fact> facts) {
  auto options = options_;
  options.facts = &facts;
  options.shared = &shared_;
  Sink unheard;  // reading says it again
  Context context(options, sources_, unheard);
  Variables variables(context);
  Loader loader(context, variables);
  loader.load(path, std::move(text));
  Subject subject;
  std::set<std::string> names;
  for (auto& document : loader.documents()) {
    if (document.shared == nullptr) share(context, document);
    subject.key += 'f' + std::to_string(static_cast<std::uint32_t>(document.file)) + ':';
    const auto& mentioned = shared_.find(sources_.file(document.file).name())->variables;
    names.insert(mentioned.begin(), mentioned.end());
  }
  bool missing = loader.documents().empty();
  for (const auto& name : names) {
    const auto* value = variables.override_of(name);
    if (value != nullptr)
      append_key(subject.key, *value);
    else
      subject.key += '-';
    missing = missing || (value == nullptr && !variables.defined_by_file(name));
  }
  // Which other names there are matters for nothing but what is said of one that is missing.
  if (missing)
    subject.key = 'u' + std::to_string(unshared_++);
  else
    std::erase_if(facts, [&](const Fact& fact) { return !names.contains(fact.name); });
  subject.policy = std::move(path);
  subject.facts = std::move(facts);
  return subject;
}

void FleetReader::share(Context& context, Document& document) {
  SharedDocument shared;
  shared.file = document.file;
  shared.directory = document.directory;
  for (const auto& entry : document.root.entries()) {
    if (entry.key != "addresses" || !entry.value.is(Value::Type::table)) continue;
    for (const auto& group : entry.value.entries()) {
      std::set<std::string> names;
      collect_variables(group.value, names);
      if (!names.empty()) continue;
      bool sound = true;
      auto content = read_group(context, group.key, document.directory, group.value, sound);
      if (sound) shared.groups.emplace(group.key_span, std::move(content));
    }
  }
  shared.root = std::move(document.root);
  shared_.add(context.sources.file(shared.file).name(), std::move(shared));
}

Policy FleetReader::read(const Subject& subject, Sources& layer, Sink& sink) const {
  auto options = options_;
  options.facts = &subject.facts;
  options.shared = &shared_;
  return read_policy(subject.policy, std::nullopt, options, layer, sink);
}

}  // namespace firewright::policy
