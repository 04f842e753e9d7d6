#include "compiler/policy/read.h"

#include <algorithm>
#include <tuple>

#include "compiler/policy/addresses.h"
#include "compiler/policy/choices.h"
#include "compiler/policy/context.h"
#include "compiler/policy/exceptions.h"
#include "compiler/policy/loader.h"
#include "compiler/policy/names.h"
#include "compiler/policy/services.h"
#include "compiler/policy/settings.h"
#include "compiler/policy/shared.h"
#include "compiler/policy/variables.h"
#include "compiler/policy/zones.h"

namespace firewright::policy {
namespace {

class PolicyReader {
 public:
  PolicyReader(Context& context, std::deque<Document>& documents)
      : context_(context),
        documents_(documents),
        groups_(context),
        services_(context),
        zones_(context),
        settings_(context, policy_),
        exceptions_(context, groups_, services_, zones_) {}

  Policy read() {
    for (const auto direction : DirectionSet::all())
      policy_[direction].default_verdict = unsaid_default(direction);
    for (const auto& document : documents_) policy_.files.push_back(document.file);
    check_root_keys();
    define_names();
    for (const auto& document : documents_) read_rest(document);
    check_limits();
    policy_.groups = groups_.take();
    policy_.services = services_.take();
    policy_.zones = zones_.take();
    return std::move(policy_);
  }

 private:
  void check_root_keys() {
    bool says_something = false;
    for (const auto& document : documents_) {
      const Fields fields(context_, document.written(), Section::root);
      for (const auto& entry : document.written())
        says_something = says_something || entry.key != "include";
      if (const auto* nat = fields.find("nat"))
        context_.report(Kind::reserved_key, nat->key_span, {nat->key}).help =
            "this version filters and does not translate addresses";
    }
    if (says_something || documents_.empty()) return;
    const Span start{.file = documents_.front().file, .begin = 0, .end = 0};
    context_.report(Kind::empty_policy, start).help =
        "the smallest policy is `[inbound]`, which denies everything that was not asked for; below "
        "it, "
        "`allow = [\"ssh\"]` lets something in";
  }

  void define_names() {
    for (const auto& document : documents_)
      for (const auto* entry : document.entries()) {
        if (entry->key == "addresses") groups_.define(document, entry->value);
        if (entry->key == "services") services_.define(entry->value);
        if (entry->key == "zones") zones_.define(entry->value);
      }
    groups_.resolve();
  }

  void read_rest(const Document& document) {
    for (const auto* of_root : document.entries()) {
      const auto& entry = *of_root;
      if (entry.key == "policy") settings_.read_policy(entry.value);
      if (entry.key == "baseline") settings_.read_baseline(entry.value);
      if (entry.key == "target") settings_.read_target(entry.value);
      if (entry.key == "inbound") read_direction(entry, Direction::inbound);
      if (entry.key == "outbound") read_direction(entry, Direction::outbound);
      if (entry.key == "forward") read_direction(entry, Direction::forward);
      if (entry.key == "assert") read_assertions(entry.value);
    }
  }

  void read_direction(const Entry& entry, Direction direction) {
    if (!is_table(context_, entry.value, entry.key,
                  "write `[" + entry.key + "]`, and its keys below it"))
      return;
    const Fields fields(context_, entry.value, Section::direction, "`[" + entry.key + "]`");
    settings_.read_direction(fields, direction);
    const auto first_new = policy_[direction].exceptions.size();
    for (const auto action : {Action::allow, Action::deny, Action::reject})
      if (const auto* list = fields.find(to_string(action)))
        read_exceptions(*list, direction, action);
    auto& all = policy_[direction].exceptions;
    const auto begin = all.begin() + static_cast<std::ptrdiff_t>(first_new);
    const auto earlier = [](const Exception& a, const Exception& b) {  // a variable's share a span
      return std::tie(a.span, a.action, a.index) < std::tie(b.span, b.action, b.index);
    };
    if (!std::is_sorted(begin, all.end(), earlier)) std::sort(begin, all.end(), earlier);
  }

  void read_exceptions(const Entry& list, Direction direction, Action action) {
    if (!list.value.is(Value::Type::array)) {
      if (auto* diagnostic =
              wrong_type(context_, list.value, list.key, "an array of strings and tables"))
        diagnostic->help = list.value.is(Value::Type::table)
                               ? "write `[[" + std::string(to_string(direction)) + "." + list.key +
                                     "]]`, with two brackets"
                               : "write `" + list.key + " = [\"ssh\"]`";
      return;
    }
    auto& next =
        next_index_[static_cast<std::size_t>(direction) * 3 + static_cast<std::size_t>(action)];
    policy_[direction].exceptions.reserve(policy_[direction].exceptions.size() +
                                          list.value.items().size());
    for (const auto& item : list.value.items()) {
      if (item.is(Value::Type::broken)) continue;
      const auto* known = context_.options.shared == nullptr || item.from_variable
                              ? nullptr
                              : context_.options.shared->exception(item.span);
      policy_[direction].exceptions.push_back(
          known != nullptr ? *known : exceptions_.read(item, direction, action));
      policy_[direction].exceptions.back().index = next++;
    }
  }

  void read_assertions(const Value& value) {
    if (!value.is(Value::Type::array)) {
      if (auto* diagnostic = wrong_type(context_, value, "assert", "an array of tables"))
        diagnostic->help = "write `[[assert]]`, with two brackets";
      return;
    }
    for (const auto& item : value.items()) read_assertion(item);
  }

  void read_assertion(const Value& value) {
    if (!is_table(context_, value, "assert", "write `[[assert]]` and its keys below it")) return;
    const Fields fields(context_, value, Section::assertion);
    Assertion assertion;
    assertion.span = value.span;
    if (const auto* name = fields.find("name"))
      if (read_string(context_, name->value, "name") != nullptr &&
          check_text_for_people(context_, name->value, "name", longest_name))
        assertion.name = {.value = name->value.string(), .span = name->value.span};
    const auto* never = fields.find("never");
    const auto* always = fields.find("always");
    if (never != nullptr && always != nullptr) {
      auto& diagnostic =
          context_.report(Kind::conflicting_keys, always->key_span, {always->key, never->key});
      diagnostic.labels.push_back({.span = never->key_span, .text = "the other one"});
      diagnostic.help = "write an assertion for each";
      return;
    }
    const auto* claim = never != nullptr ? never : always;
    if (claim == nullptr) {
      context_.report(Kind::missing_key, value, {"an assertion", "never"}).help =
          "or `always`: the packets of which it claims something";
      return;
    }
    assertion.claim = never != nullptr ? Assertion::Claim::never : Assertion::Claim::always;
    auto set = exceptions_.read_assertion_set(claim->value, claim->key);
    if (!set) return;
    assertion.set = std::move(*set);
    policy_.assertions.push_back(std::move(assertion));
  }

  // A limit counts new connections; without replies by the baseline it would count every packet.
  void check_limits() {
    if (policy_.baseline.established) return;
    for (const auto direction : DirectionSet::all())
      for (const auto& exception : policy_[direction].exceptions) {
        if (!exception.limit) continue;
        auto& diagnostic = context_.report(Kind::limit_needs_established, exception.limit->span);
        diagnostic.labels.push_back(
            {.span = settings_.established_span(), .text = "switched off here"});
        diagnostic.help =
            "a limit counts new connections, and the packets of the old ones come in by "
            "`established`";
      }
  }

  Context& context_;
  std::deque<Document>& documents_;
  Policy policy_;
  Groups groups_;
  Services services_;
  Zones zones_;
  Settings settings_;
  ExceptionReader exceptions_;
  std::size_t next_index_[9] = {};
};

}  // namespace

Policy read_policy(const std::string& path, std::optional<std::string> text,
                   const ReadOptions& options, Sources& sources, Sink& sink) {
  Context context(options, sources, sink);
  Variables variables(context);
  Loader loader(context, variables);
  loader.load(path, std::move(text));
  auto& documents = loader.documents();
  if (documents.empty()) return {};
  for (auto& document : documents) document.expand(variables);
  auto policy = PolicyReader(context, documents).read();
  variables.check_unused();
  return policy;
}

}  // namespace firewright::policy
