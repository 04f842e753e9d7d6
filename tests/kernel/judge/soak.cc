#include "tests/kernel/judge/soak.h"

#include <algorithm>
#include <optional>
#include <string_view>

#include "backends/proof.h"
#include "compiler/diagnostics/render.h"
#include "compiler/policy/keys.h"
#include "tests/kernel/harness/compiled.h"
#include "tests/kernel/judge/random_policy.h"

namespace firewright::judge {
namespace {

constexpr std::size_t most_findings = 20;
constexpr std::size_t most_questions = 400;
const std::string policy_file = "policy.toml";

// The text without the line that begins there; without the whole exception where that is its
// header.
std::string without_line(const std::string& text, std::size_t begin) {
  auto end = text.find('\n', begin);
  if (text[begin] == '[') end = text.find("\n\n", begin) + 1;
  return text.substr(0, begin) + text.substr(end + 1);
}

// The policy without what the error names: the line that it points at, or that of a key that it
// speaks of.
std::vector<std::string> without_named(const std::string& text, const Diagnostic& error) {
  std::vector<std::string> rest;
  if (error.span.known() && error.span.begin < text.size()) {
    const auto before =
        error.span.begin == 0 ? std::string::npos : text.rfind('\n', error.span.begin - 1);
    rest.push_back(without_line(text, before == std::string::npos ? 0 : before + 1));
  }
  const std::string words = error.message() + error.help;
  for (const auto& key : policy::all_keys()) {
    if (words.find("`" + std::string(key.name)) == std::string::npos) continue;
    const std::string begins = "\n" + std::string(key.name) + " = ";
    for (auto at = text.find(begins); at != std::string::npos; at = text.find(begins, at + 1))
      rest.push_back(without_line(text, at + 1));
  }
  return rest;
}

std::size_t times(const Sink& sink, const Diagnostic& wanted) {
  return static_cast<std::size_t>(
      std::ranges::count_if(sink.diagnostics(), [&](const Diagnostic& diagnostic) {
        return diagnostic.kind == wanted.kind && diagnostic.message() == wanted.message();
      }));
}

// Whether the error names what, once it is gone, is refused no more. Behind one exception another
// may have had nothing left to say, so that its error comes only then; `more` of these are
// followed.
bool names_the_key(Target target, const std::string& text, const Sink& sink,
                   const Diagnostic& error, unsigned more = 1) {
  return std::ranges::any_of(without_named(text, error), [&](const std::string& rest) {
    Sources other_sources;
    Sink other;
    static_cast<void>(kernel::compile(policy_file, target, rest, other_sources, other));
    if (times(other, error) < times(sink, error)) return true;
    return more > 0 && std::ranges::all_of(other.diagnostics(), [&](const Diagnostic& next) {
             return next.kind != error.kind || next.message() != error.message() ||
                    names_the_key(target, rest, other, next, more - 1);
           });
  });
}

// What is wrong with a refusal, if something is.
std::string wrong_with_refusal(Target target, const std::string& text, const Sink& sink,
                               const Sources& sources) {
  std::size_t errors = 0;
  for (const auto& error : sink.diagnostics()) {
    if (severity(error.kind) != Severity::error) continue;
    ++errors;
    if (error.kind != Kind::empty_policy && !names_the_key(target, text, sink, error))
      return "refused, and not for what is named: " + error.message() + "\n" +
             render_text(sink, sources);
  }
  return errors > 0 ? "" : "refused without an error";
}

std::string wrong_with_proof(Target target, const kernel::Compiled& compiled, Sources& sources) {
  Sink sink;
  const auto proof =
      backend::prove(target, compiled.said, compiled.artifact, "artifact", sources, sink);
  if (sink.has_errors()) return "not read back:\n" + render_text(sink, sources);
  switch (proof.answer) {
    case semantics::Answer::equal: return "";
    case semantics::Answer::not_proved: return "not proved: " + proof.why;
    case semantics::Answer::different: break;
  }
  if (!proof.difference) return "different";
  return "different in " + proof.what + ": " + ir::to_text(proof.difference->packet) + ": " +
         proof.difference->first + " / " + proof.difference->second;
}

struct Answer {
  bool proved = false;
  std::string wrong;  // empty: nothing
};

Answer try_policy(Target target, const std::string& text) {
  Sources sources;
  Sink sink;
  const auto compiled = kernel::compile(policy_file, target, text, sources, sink);
  if (!compiled.ok())
    return {.proved = false, .wrong = wrong_with_refusal(target, text, sink, sources)};
  return {.proved = true, .wrong = wrong_with_proof(target, compiled, sources)};
}

std::string finding(std::uint64_t seed, Target target, const RandomPolicy& policy) {
  // The same thing wrong, not just anything.
  const auto sort = [&](const RandomPolicy& smaller) {
    const auto wrong = try_policy(target, to_toml(smaller)).wrong;
    return wrong.substr(0, wrong.find(':'));
  };
  const auto smallest = shrunk(
      policy,
      [&, wanted = sort(policy)](const RandomPolicy& smaller) { return sort(smaller) == wanted; },
      most_questions);
  return "seed " + std::to_string(seed) + ", " + std::string(to_string(target)) + ": " +
         try_policy(target, to_toml(smallest)).wrong + "\n--- smallest policy\n" +
         to_toml(smallest) + "---\n";
}

}  // namespace

Soaked& Soaked::operator+=(const Soaked& other) {
  policies += other.policies;
  for (std::size_t i = 0; i < proved.size(); ++i) {
    proved[i] += other.proved[i];
    refused[i] += other.refused[i];
  }
  findings.insert(findings.end(), other.findings.begin(), other.findings.end());
  return *this;
}

Soaked soak(std::uint64_t seed, std::size_t policies) {
  Soaked soaked;
  for (const auto end = seed + policies; seed < end; ++seed) {
    const auto policy = random_policy(seed, Limits::any);
    const auto text = to_toml(policy);
    ++soaked.policies;
    for (const Target target : TargetSet::all()) {
      const auto answer = try_policy(target, text);
      ++(answer.proved ? soaked.proved : soaked.refused)[static_cast<std::size_t>(target)];
      if (!answer.wrong.empty() && soaked.findings.size() < most_findings)
        soaked.findings.push_back(finding(seed, target, policy));
    }
  }
  return soaked;
}

std::string to_text(const Soaked& soaked) {
  std::string text = "policies: " + std::to_string(soaked.policies) + "\n";
  for (const Target target : TargetSet::all()) {
    const auto which = static_cast<std::size_t>(target);
    text += "  " + std::string(to_string(target)) + ": " + std::to_string(soaked.proved[which]) +
            " proved, " + std::to_string(soaked.refused[which]) + " refused at a key\n";
  }
  return text + "findings: " + std::to_string(soaked.findings.size()) + "\n";
}

}  // namespace firewright::judge
