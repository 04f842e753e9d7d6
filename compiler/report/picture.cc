#include "compiler/report/picture.h"

#include <algorithm>
#include <set>
#include <tuple>

#include "compiler/analysis/decides.h"
#include "compiler/analysis/explain_set.h"
#include "compiler/analysis/treatment.h"

namespace firewright::report {
namespace {

using analysis::AssertionResult;
using policy::Direction;
using policy::Exception;

std::string join(const std::vector<std::string>& items, std::string_view between) {
  std::string text;
  for (const auto& item : items) text.append(text.empty() ? "" : between).append(item);
  return text;
}

ir::Hook hook_of(Direction direction) {
  switch (direction) {
    case Direction::inbound: return ir::Hook::inbound;
    case Direction::outbound: return ir::Hook::outbound;
    case Direction::forward: return ir::Hook::forward;
  }
  return ir::Hook::inbound;
}

// --- exceptions: what their authors wrote

std::string written(const policy::AddressItem& item) {
  if (const auto* name = std::get_if<std::string>(&item.value)) return *name;
  if (const auto* four = std::get_if<Interval<Ipv4>>(&item.value)) {
    const auto prefix = as_prefix(*four);
    return prefix ? to_string(*prefix) : to_string(*four);
  }
  const auto& six = std::get<Interval<Ipv6>>(item.value);
  const auto prefix = as_prefix(six);
  return prefix ? to_string(*prefix) : to_string(six);
}

std::string written(const policy::AddressList& list) {
  constexpr std::size_t most = 8;
  std::vector<std::string> items;
  for (const auto& item : list.items) {
    if (items.size() == most) {
      items.push_back(std::to_string(list.items.size() - most) + " more");
      break;
    }
    items.push_back(written(item));
  }
  return join(items, ", ");
}

std::string written(const std::vector<Spanned<std::string>>& names) {
  std::vector<std::string> items;
  for (const auto& name : names) items.push_back(name.value);
  return join(items, ", ");
}

std::string written(const OwnerSet& owners) {
  std::vector<std::string> items;
  for (const auto& [first, last] : owners.intervals())
    items.push_back(std::to_string(first.value) +
                    (first == last ? "" : "-" + std::to_string(last.value)));
  return join(items, ", ");
}

std::string written(const policy::Limit& limit) {
  static constexpr const char* units[] = {"second", "minute", "hour", "day"};
  std::vector<std::string> items;
  if (limit.rate) {
    items.push_back(std::to_string(limit.rate->packets) + "/" +
                    units[static_cast<std::size_t>(limit.rate->unit)] + ", burst " +
                    std::to_string(limit.rate->burst));
    if (limit.rate->per_source) items.back() += ", for each source";
  }
  if (limit.connections) {
    items.push_back(std::to_string(*limit.connections) + " open at once");
    if (limit.connections_per_source) items.back() += ", for each source";
  }
  return join(items, "; ");
}

std::vector<Detail> details(const Exception& exception) {
  std::vector<Detail> all;
  const auto add = [&](const char* name, std::string text) {
    if (!text.empty()) all.push_back({.name = name, .text = std::move(text)});
  };
  add("service", exception.subject.empty() ? "any" : exception.subject);
  if (exception.from) add("from", written(*exception.from));
  if (exception.from_except) add("from except", written(*exception.from_except));
  if (exception.to) add("to", written(*exception.to));
  if (exception.to_except) add("to except", written(*exception.to_except));
  add("in", written(exception.in));
  add("out", written(exception.out));
  if (exception.family) add("family", std::string(to_string(exception.family->value)));
  if (exception.user) add("user", written(exception.user->value));
  if (exception.group) add("group", written(exception.group->value));
  if (exception.program) add("program", exception.program->value);
  if (exception.windows_service) add("Windows service", exception.windows_service->value);
  if (exception.limit) add("limit", written(*exception.limit));
  if (exception.log) add("log", exception.log->prefix.value_or("yes"));
  if (exception.count) add("count", "yes");
  return all;
}

// Of those that could be taken out: the places and labels of the rules that they became.
using Origins = std::set<std::tuple<ir::Hook, Span, std::string>>;

Origins idle_ones(const ir::Program& program, semantics::Budget budget) {
  Origins idle;
  if (const auto uses = analysis::exception_uses(program, budget))
    for (const auto& use : *uses)
      if (!use.alone) idle.emplace(use.hook, use.origin.span, use.origin.label);
  return idle;
}

std::string value_of(const std::optional<Spanned<std::string>>& text) {
  return text ? text->value : std::string();
}

std::vector<ExceptionLine> exception_lines(const policy::Policy& policy, const ir::Program& program,
                                           const DrawOptions& options, const Sources& sources) {
  const auto needless = idle_ones(program, options.budget);
  std::vector<ExceptionLine> lines;
  for (const auto direction : {Direction::inbound, Direction::forward, Direction::outbound})
    for (const auto& exception : policy[direction].exceptions) {
      ExceptionLine line;
      line.direction = direction;
      line.action = exception.action;
      line.name = exception.label();
      line.says = details(exception);
      line.reason = value_of(exception.reason);
      line.owner = value_of(exception.owner);
      line.ticket = value_of(exception.ticket);
      line.place = analysis::place(exception.span, sources);
      if (exception.expires) line.expires = exception.expires->value;
      using enum ExceptionLine::State;
      if (line.expires && *line.expires <= options.today)
        line.state = expired;
      else if (exception.only_on && !exception.only_on->value.contains(options.target))
        line.state = elsewhere;
      else if (needless.contains({hook_of(direction), exception.span, line.name}))
        line.state = idle;
      lines.push_back(std::move(line));
    }
  return lines;
}

// --- assertions

std::string verb(const ir::Verdict& verdict) {
  switch (verdict.kind) {
    case ir::VerdictKind::accept: return "accepted";
    case ir::VerdictKind::drop: return "dropped";
    case ir::VerdictKind::reject: return "rejected";
    case ir::VerdictKind::next:
    case ir::VerdictKind::jump:
    case ir::VerdictKind::go_to:
    case ir::VerdictKind::return_: return "left undecided";
  }
  return "";
}

std::string decider(const analysis::Decider& decider) {
  switch (decider.origin.kind) {
    case ir::OriginKind::exception:
    case ir::OriginKind::decoded: return "\u201C" + decider.origin.label + "\u201D";
    case ir::OriginKind::default_verdict: return "the default";
    case ir::OriginKind::loopback:
    case ir::OriginKind::established:
    case ir::OriginKind::icmp_errors:
    case ir::OriginKind::neighbour_discovery:
    case ir::OriginKind::drop_invalid:
    case ir::OriginKind::default_log:
      return "the baseline (" + std::string(to_string(decider.origin.kind)) + ")";
  }
  return "";
}

// What becomes of the packets that a proved assertion is about: "dropped by the default".
std::vector<std::string> fates(const policy::Policy& policy, const ir::Program& program,
                               const policy::Assertion& assertion, const DrawOptions& options,
                               const analysis::Vocabulary& vocabulary) {
  const analysis::PacketSet set{.hook = hook_of(assertion.set.direction),
                                .matches = analysis::packets_of(policy, assertion, options.target)};
  if (set.matches.empty()) return {};
  constexpr std::size_t most = 4;
  std::vector<std::string> fates;
  for (const auto& part : analysis::explain(program, set, vocabulary, options.budget).parts) {
    std::vector<std::string> names;
    bool more = part.left_out > 0;
    for (const auto& box : part.boxes) {
      more = more || box.treatment.more;
      for (const auto& one : box.treatment.deciders) {
        if (one.verdict.kind != part.verdict.kind) continue;
        auto name = decider(one);
        if (std::ranges::find(names, name) == names.end()) names.push_back(std::move(name));
      }
    }
    if (names.size() > most) {
      names.resize(most);
      more = true;
    }
    auto fate = verb(part.verdict) + " by " + join(names, ", ") + (more ? " and others" : "");
    if (std::ranges::find(fates, fate) == fates.end()) fates.push_back(std::move(fate));
  }
  return fates;
}

std::vector<AssertionLine> assertion_lines(const policy::Policy& policy, const ir::Program& program,
                                           const DrawOptions& options,
                                           const analysis::Vocabulary& vocabulary,
                                           const Sources& sources) {
  const analysis::Lowering lowering{.target = options.target, .program = &program};
  Sink sink;
  const auto results =
      analysis::prove_assertions(policy, std::span(&lowering, 1), options.budget, sink);
  std::vector<AssertionLine> lines;
  for (const auto& result : results) {
    const auto& assertion = *result.assertion;
    AssertionLine line;
    line.name = analysis::label(assertion);
    line.claim =
        std::string(assertion.claim == policy::Assertion::Claim::never ? "never" : "always")
            .append(" ")
            .append(to_string(assertion.set.direction))
            .append(" ")
            .append(assertion.set.label());
    line.place = analysis::place(assertion.span, sources);
    line.verdict = result.verdict;
    if (result.verdict == AssertionResult::Verdict::proved)
      line.why = fates(policy, program, assertion, options, vocabulary);
    for (const auto& diagnostic : sink.diagnostics())
      if (diagnostic.kind == Kind::assertion_failed && diagnostic.span == assertion.span)
        line.why.push_back(diagnostic.args.back());
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace

std::optional<Picture> draw(const policy::Policy& policy, const ir::Program& program,
                            const DrawOptions& options, const Sources& sources) {
  analysis::Vocabulary vocabulary;
  vocabulary.add(policy, options.target);
  if (options.beside != nullptr) vocabulary.add(*options.beside, options.target);
  Picture picture;
  picture.name =
      policy.name.empty() ? options.file.substr(options.file.rfind('/') + 1) : policy.name;
  picture.description = policy.description;
  picture.owner = policy.owner;
  picture.file = options.file;
  picture.target = options.target;
  if (options.say_today) picture.today = options.today;
  picture.baseline = policy.baseline;
  for (const auto direction : {Direction::inbound, Direction::forward, Direction::outbound}) {
    auto one = matrix(policy, program, direction,
                      {.target = options.target,
                       .vocabulary = &vocabulary,
                       .beside = options.beside,
                       .budget = options.budget});
    if (!one) return std::nullopt;
    picture.matrices.push_back(std::move(*one));
  }
  picture.exceptions = exception_lines(policy, program, options, sources);
  picture.assertions = assertion_lines(policy, program, options, vocabulary, sources);
  return picture;
}

}  // namespace firewright::report
