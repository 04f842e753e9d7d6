#include "compiler/cli/prove.h"

#include <algorithm>

namespace firewright::cli {
namespace {

void report(Target target, const backend::Proof& proof, Sink& sink) {
  const std::string platform(to_string(target));
  if (proof.answer == semantics::Answer::not_proved && !sink.has_errors()) {
    sink.report(Kind::not_proved, {},
                {"the " + platform + " output (" + proof.what + ")", proof.why})
        .help =
        "nothing was written; a policy with fewer overlapping exceptions is easier to prove";
    return;
  }
  auto& diagnostic = sink.report(Kind::proof_failed, {}, {platform});
  diagnostic.help = proof.difference ? in_words(*proof.difference, proof.what)
                                     : "the " + proof.what + " could not be read back";
  diagnostic.help += "; this is a fault of firewright, and nothing was written";
}

}  // namespace

std::string in_words(const semantics::Difference& difference, const std::string& other) {
  std::string text = "`" + to_text(difference.packet) + "`";
  for (const auto& predicate : difference.holding)
    text += ", while `" + predicate.instance + "` holds";
  return text + ": the policy says `" + difference.first + "`, the " + other + " says `" +
         difference.second + "`";
}

Proved prove(Target target, const Built& built, const backend::Artifact& artifact,
             const std::string& name, Sources& sources, Sink& sink, bool digests) {
  const auto begin = std::chrono::steady_clock::now();
  Proved proved;
  Sink of_reading;
  proved.proof = backend::prove(target, built.program, artifact, name, sources, of_reading,
                                {.budget = {}, .digests = digests});
  proved.taken = std::chrono::duration_cast<std::chrono::milliseconds>(
      std::chrono::steady_clock::now() - begin);
  if (!proved.equal()) {
    report(target, proved.proof, of_reading);
    sink.append(of_reading);
  }
  return proved;
}

Exit failure(const Sink& sink) {
  const auto holds = [&](Kind kind) {
    return std::ranges::any_of(sink.diagnostics(), [&](const auto& d) { return d.kind == kind; });
  };
  if (holds(Kind::proof_failed)) return Exit::proof_failed;
  return holds(Kind::not_proved) ? Exit::not_proved : Exit::no;
}

std::string say(Target target, const Proved& proved) {
  std::string forms;
  for (const auto& form : proved.proof.forms) forms += (forms.empty() ? "" : " and ") + form;
  return forms + " read back and proved equal, over every packet" +
         (target == Target::netsh ? " that Windows filters" : "") + ", in " +
         std::to_string(proved.taken.count()) + " ms";
}

nlohmann::ordered_json to_json(const semantics::Difference& difference) {
  nlohmann::ordered_json json;
  json["packet"] = to_text(difference.packet);
  json["holding"] = nlohmann::ordered_json::array();
  for (const auto& predicate : difference.holding) json["holding"].push_back(predicate.instance);
  json["policy"] = difference.first;
  json["artifact"] = difference.second;
  return json;
}

nlohmann::ordered_json to_json(const Proved& proved) {
  nlohmann::ordered_json json;
  switch (proved.proof.answer) {
    case semantics::Answer::equal: json["answer"] = "equal"; break;
    case semantics::Answer::different: json["answer"] = "different"; break;
    case semantics::Answer::not_proved: json["answer"] = "not proved"; break;
  }
  json["read_back"] = proved.proof.forms;
  json["nodes"] = proved.proof.nodes;
  if (!proved.proof.what.empty()) json["of"] = proved.proof.what;
  if (!proved.proof.why.empty()) json["why"] = proved.proof.why;
  if (proved.proof.difference) json["difference"] = to_json(*proved.proof.difference);
  return json;
}

}  // namespace firewright::cli
