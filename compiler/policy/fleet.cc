#include "compiler/policy/fleet.h"

#include <algorithm>
#include <set>

#include "compiler/policy/addresses.h"
#include "compiler/policy/exceptions.h"
#include "compiler/policy/loader.h"
#include "compiler/policy/services.h"
#include "compiler/policy/variables.h"
#include "compiler/policy/zones.h"

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

bool mentions_variables(const Value& value) {
  std::set<std::string> names;
  collect_variables(value, names);
  return !names.empty();
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
    if (!entry.value.is(Value::Type::table)) continue;
    if (entry.key == "addresses") share_groups(context, entry.value, shared);
    for (const auto direction : DirectionSet::all())
      if (entry.key == to_string(direction))
        share_exceptions(context, entry.value, direction, shared);
  }
  shared.root = std::move(document.root);
  shared_.add(context.sources.file(shared.file).name(), std::move(shared));
}

void FleetReader::share_groups(Context& context, const Value& groups, SharedDocument& shared) {
  for (const auto& group : groups.entries()) {
    if (mentions_variables(group.value)) continue;
    bool sound = true;
    auto content = read_group(context, group.key, shared.directory, group.value, sound);
    if (sound) shared.groups.emplace(group.key_span, std::move(content));
  }
}

// Read as if the policy defined no group, service or zone: what is then without a fault, and comes
// in by no interface that may be a zone, is the same in every policy.
void FleetReader::share_exceptions(const Context& context, const Value& table, Direction direction,
                                   SharedDocument& shared) {
  for (const auto action : {Action::allow, Action::deny, Action::reject})
    for (const auto& list : table.entries()) {
      if (list.key != to_string(action) || !list.value.is(Value::Type::array)) continue;
      for (const auto& item : list.value.items()) {
        if (item.is(Value::Type::broken) || mentions_variables(item)) continue;
        Sink sink;
        Context alone(context.options, context.sources, sink);
        Groups groups(alone);
        Services services(alone);
        Zones zones(alone);
        auto exception =
            ExceptionReader(alone, groups, services, zones).read(item, direction, action);
        if (sink.diagnostics().empty() && exception.in.empty() && exception.out.empty())
          shared.exceptions.emplace(item.span, std::move(exception));
      }
    }
}

Policy FleetReader::read(const Subject& subject, Sources& layer, Sink& sink) const {
  auto options = options_;
  options.facts = &subject.facts;
  options.shared = &shared_;
  return read_policy(subject.policy, std::nullopt, options, layer, sink);
}

}  // namespace firewright::policy
