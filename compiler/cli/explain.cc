#include "compiler/analysis/explain.h"

#include "compiler/analysis/diff_text.h"
#include "compiler/analysis/explain_set.h"
#include "compiler/analysis/packet_set_text.h"
#include "compiler/analysis/packet_text.h"
#include "compiler/cli/build.h"
#include "compiler/cli/options.h"
#include "compiler/diagnostics/render.h"
#include "compiler/lower/lower.h"

namespace firewright::cli {
namespace {

using analysis::Explanation;
using ir::OriginKind;
using ir::Rule;

std::string precise_place(Span span, const Sources& sources) {
  if (!span.known()) return {};
  const auto position = sources.position(span);
  return sources.file(span.file).name() + ":" + std::to_string(position.line) + ":" +
         std::to_string(position.column);
}

std::string described(const Rule& rule, const ir::Packet& packet) {
  const std::string direction(to_string(packet.hook));
  switch (rule.origin.kind) {
    case OriginKind::exception: return "`" + printable(rule.origin.label) + "`";
    case OriginKind::default_verdict: return "the default of " + direction;
    case OriginKind::default_log: return "the log of " + direction;
    case OriginKind::loopback:
    case OriginKind::established:
    case OriginKind::icmp_errors:
    case OriginKind::neighbour_discovery:
    case OriginKind::drop_invalid:
    case OriginKind::decoded: return "the baseline: " + std::string(to_string(rule.origin.kind));
  }
  return {};
}

std::string line(const Rule& rule, const ir::Packet& packet, const Sources& sources) {
  auto text = described(rule, packet);
  if (const auto at = precise_place(rule.origin.span, sources); !at.empty())
    text += " (" + printable(at) + ")";
  if (!rule.origin.reason.empty()) text += ": " + printable(rule.origin.reason);
  return text;
}

void print_text(const Explanation& explanation, const ir::Packet& packet, const Sources& sources,
                Console& console) {
  auto& out = console.out;
  out << to_string(explanation.decision.verdict) << "  " << to_text(packet) << "\n";
  if (!explanation.managed) {
    out << "  " << to_string(packet.hook) << " is unmanaged: left to other rules of the host\n";
    return;
  }
  for (const auto* rule : explanation.deciding)
    out << "  by " << line(*rule, packet, sources) << "\n";
  if (explanation.limited)
    out << "  while its limit lasts; over it: " << to_string(explanation.over_limit) << "\n";
  for (const auto* rule : explanation.decision.effects) {
    if (rule->effects.log) out << "  logged with `" << printable(*rule->effects.log) << "`\n";
    if (rule->effects.count) out << "  counted as `" << *rule->effects.count << "`\n";
  }
  if (explanation.near.empty()) return;
  out << "  nearest exceptions:\n";
  for (const auto& miss : explanation.near) {
    out << "    " << to_string(miss.rule->verdict) << " by " << line(*miss.rule, packet, sources)
        << "\n";
    std::string reasons;
    for (const auto& reason : miss.reasons) reasons += (reasons.empty() ? "" : ", ") + reason;
    out << "      but " << printable(reasons) << "\n";
  }
}

nlohmann::ordered_json rule_json(const Rule& rule, const Sources& sources) {
  nlohmann::ordered_json json;
  json["kind"] = to_string(rule.origin.kind);
  json["verdict"] = to_string(rule.verdict);
  if (!rule.origin.label.empty()) json["name"] = rule.origin.label;
  if (!rule.origin.reason.empty()) json["reason"] = rule.origin.reason;
  if (rule.origin.span.known()) {
    const auto position = sources.position(rule.origin.span);
    json["file"] = sources.file(rule.origin.span.file).name();
    json["line"] = position.line;
    json["column"] = position.column;
  }
  return json;
}

nlohmann::ordered_json to_json(const Explanation& explanation, const ir::Packet& packet,
                               const Sources& sources) {
  nlohmann::ordered_json json;
  json["packet"] = to_text(packet);
  json["verdict"] = to_string(explanation.decision.verdict);
  json["managed"] = explanation.managed;
  if (explanation.limited) json["over_limit"] = to_string(explanation.over_limit);
  json["deciding"] = nlohmann::ordered_json::array();
  for (const auto* rule : explanation.deciding)
    json["deciding"].push_back(rule_json(*rule, sources));
  json["effects"] = nlohmann::ordered_json::array();
  for (const auto* rule : explanation.decision.effects) {
    nlohmann::ordered_json effect;
    if (rule->effects.log) effect["log"] = *rule->effects.log;
    if (rule->effects.count) effect["count"] = *rule->effects.count;
    json["effects"].push_back(std::move(effect));
  }
  json["near"] = nlohmann::ordered_json::array();
  for (const auto& miss : explanation.near) {
    auto entry = rule_json(*miss.rule, sources);
    entry["but"] = miss.reasons;
    json["near"].push_back(std::move(entry));
  }
  return json;
}

// Unsaid, the first target that can say the policy exactly, Linux before Windows.
Target choose_target(const ReadPolicy& read) {
  for (const auto target : {Target::nftables, Target::iptables, Target::netsh}) {
    Sink sink;
    (void)build(read, target, false, sink);
    if (!sink.has_errors()) return target;
  }
  return Target::nftables;
}

// --- sets of packets

void print_text(const analysis::SetExplanation& explanation, const ir::Hook hook,
                const Sources& sources, Console& console) {
  for (const auto& part : explanation.parts) {
    console.out << to_string(part.verdict) << ":\n";
    for (const auto& box : part.boxes) {
      console.out << "  " << printable(box.words.sentence()) << "\n    "
                  << printable(analysis::say(box.treatment, hook, sources)) << "\n    such as  "
                  << printable(to_text(box.witness.packet)) << "\n";
    }
    if (part.left_out > 0)
      console.out << "  and more, which hold " << analysis::percent(part.left_out)
                  << " of these packets\n";
  }
}

nlohmann::ordered_json to_json(const analysis::SetExplanation& explanation, const ir::Hook hook,
                               const Sources& sources) {
  nlohmann::ordered_json json;
  json["direction"] = to_string(hook);
  json["parts"] = nlohmann::ordered_json::array();
  for (const auto& part : explanation.parts) {
    nlohmann::ordered_json entry;
    entry["verdict"] = to_string(part.verdict);
    entry["boxes"] = nlohmann::ordered_json::array();
    for (const auto& box : part.boxes) {
      nlohmann::ordered_json one;
      one["text"] = box.words.sentence();
      one["packet"] = to_text(box.witness.packet);
      one["treatment"] = analysis::say(box.treatment, hook, sources);
      one["deciding"] = nlohmann::ordered_json::array();
      for (const auto& decider : box.treatment.deciders) {
        Rule rule;
        rule.origin = decider.origin;
        rule.verdict = decider.verdict;
        one["deciding"].push_back(rule_json(rule, sources));
      }
      entry["boxes"].push_back(std::move(one));
    }
    entry["complete"] = part.left_out == 0;
    json["parts"].push_back(std::move(entry));
  }
  return json;
}

// The set is read for the target, since its zones mean something there only.
Exit explain_set(const ReadPolicy& read, FileId text, Target target, const ir::Program& program,
                 bool json, Sources& sources, Sink& sink, Console& console) {
  const auto set = analysis::parse_packet_set(text, sources, read.policy, target, sink);
  analysis::SetExplanation explanation;
  if (set && !sink.has_errors()) {
    analysis::Vocabulary vocabulary;
    vocabulary.add(read.policy, target);
    explanation = analysis::explain(program, *set, vocabulary, {});
    if (!explanation.proved)
      sink.report(Kind::not_proved, {}, {"the answer", "the budget of nodes and time is used up"});
  }
  if (json) {
    auto document = diagnostics_json(sink, sources);
    if (explanation.proved) document.update(to_json(explanation, set->hook, sources));
    print_json(console, document);
  } else {
    show(console, sink, sources);
    if (explanation.proved) print_text(explanation, set->hook, sources, console);
  }
  if (!set) return Exit::no;
  return explanation.proved ? Exit::ok : Exit::not_proved;
}

}  // namespace

Exit explain(const ExplainOptions& options, Console& console) {
  Sources sources;
  Sink sink;
  const auto read = cli::read(options.path, options.policy, console, sources, sink);
  if (!read) return Exit::usage;
  const auto text = sources.add("<packet>", options.packet);
  const bool is_set = analysis::is_packet_set(options.packet, read->policy);
  std::optional<ir::Packet> packet;
  if (!is_set) packet = analysis::parse_packet(text, sources, sink);
  ir::Program program;
  auto target = Target::nftables;
  if (!sink.has_errors()) {
    target = options.target ? *options.target : choose_target(*read);
    program = lower::lower(read->policy, {.target = target, .today = read->today}, sink);
  }
  const bool json = options.policy.format == Format::json;
  if (sink.has_errors() || (!packet && !is_set)) {
    if (json)
      print_json(console, diagnostics_json(sink, sources));
    else
      show(console, sink, sources);
    return Exit::no;
  }
  if (is_set) return explain_set(*read, text, target, program, json, sources, sink, console);
  const auto explanation = analysis::explain(program, *packet);
  if (json) {
    auto document = diagnostics_json(sink, sources);
    document.update(to_json(explanation, *packet, sources));
    print_json(console, document);
  } else {
    show(console, sink, sources);
    print_text(explanation, *packet, sources, console);
  }
  return Exit::ok;
}

}  // namespace firewright::cli
