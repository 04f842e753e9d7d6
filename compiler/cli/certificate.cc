#include "compiler/cli/certificate.h"

#include <algorithm>
#include <array>
#include <set>

#include "compiler/base/sha256.h"
#include "compiler/semantics/digest.h"

namespace firewright::cli {
namespace {

using Json = nlohmann::ordered_json;

constexpr int certificate_format = 1;

std::string digest_of(std::string_view bytes) { return hex(sha256(bytes)); }

// The meaning of the policy's program, hook by hook. Equal to that of every form that was read
// back.
std::optional<semantics::Digests> digests(const ir::Program& program,
                                          std::optional<semantics::FieldOrder> order) {
  const std::array programs{&program};
  for (const auto& attempt : semantics::attempts({})) {
    if (order && attempt.order != *order) continue;
    semantics::Meanings meanings(programs, attempt.order, attempt.budget);
    if (auto made = semantics::digests(meanings, program, attempt.order)) return made;
  }
  return std::nullopt;
}

Json meaning_json(const semantics::Digests& digests) {
  auto json = Json::object();
  for (const auto& [hook, of] : digests.hooks)
    for (const auto family : {Family::ipv4, Family::ipv6})
      json[std::string(to_string(hook))][std::string(to_string(family))] =
          hex(of[static_cast<std::size_t>(family)]);
  return json;
}

std::string_view in_words(semantics::FieldOrder order) {
  switch (order) {
    case semantics::FieldOrder::ports_first: return "ports first";
    case semantics::FieldOrder::addresses_first: return "addresses first";
  }
  return "";
}

std::optional<semantics::FieldOrder> order_of(const Json& words) {
  for (const auto order :
       {semantics::FieldOrder::ports_first, semantics::FieldOrder::addresses_first})
    if (words == in_words(order)) return order;
  return std::nullopt;
}

Json predicates_json(const ir::Program& program) {
  std::set<ir::Predicate> seen;
  for (const auto& chain : program.chains)
    for (const auto& rule : chain.rules)
      seen.insert(rule.match.predicates.begin(), rule.match.predicates.end());
  auto json = Json::array();
  for (const auto& predicate : seen) {
    ir::Match only;
    only.predicates.push_back(predicate);
    json.push_back(to_text(only));
  }
  return json;
}

Json scope_json(Target target) {
  auto json = Json::array();
  for (const auto& entry : backend::unfiltered(target))
    json.push_back(
        {{"hook", to_string(entry.hook)}, {"packets", to_text(entry.match)}, {"why", entry.why}});
  return json;
}

// For each exception a packet that gets something else without it.
Json exceptions_json(const std::vector<analysis::ExceptionUse>& uses, const Sources& sources) {
  auto json = Json::array();
  for (const auto& use : uses) {
    Json entry;
    entry["exception"] = use.origin.label;
    if (use.origin.span.known()) {
      entry["file"] = sources.file(use.origin.span.file).name();
      entry["line"] = sources.position(use.origin.span).line;
    }
    entry["direction"] = to_string(use.hook);
    if (use.alone) {
      entry["decides"] = to_text(use.alone->packet);
      if (!use.alone->holding.empty()) {
        entry["while"] = Json::array();
        for (const auto& predicate : use.alone->holding)
          entry["while"].push_back(predicate.instance);
      }
    } else {
      entry["dead"] = true;
    }
    json.push_back(std::move(entry));
  }
  return json;
}

std::optional<Json> proof_json(const Certified& one, const Sources& sources) {
  const auto& program = one.built->program;
  const auto& known = one.proved->proof.digests;
  const auto meaning = known ? known : digests(program, one.order);
  if (!meaning) return std::nullopt;
  const auto made = one.uses == nullptr ? analysis::exception_uses(program) : std::nullopt;
  const auto* uses = made ? &*made : one.uses;
  if (uses == nullptr) return std::nullopt;
  Json json;
  json["target"] = to_string(one.target);
  json["ir_sha256"] = digest_of(to_text(program));
  json["rules"] = count_rules(program);
  json["parts"] = Json::array();
  for (const auto& part : one.artifact->parts)
    json["parts"].push_back(
        {{"part", part.name}, {"bytes", part.bytes.size()}, {"sha256", digest_of(part.bytes)}});
  json["answer"] = "equal";
  json["read_back"] = one.proved->proof.forms;
  json["field_order"] = in_words(meaning->order);
  json["meaning_sha256"] = meaning_json(*meaning);
  json["not_filtered"] = scope_json(one.target);
  json["predicates"] = predicates_json(program);
  json["exceptions"] = exceptions_json(*uses, sources);
  return json;
}

}  // namespace

std::optional<Json> certificate(const policy::Policy& policy, const std::vector<Certified>& all,
                                const Sources& sources) {
  Json json;
  json["certificate"] = certificate_format;
  json["policy"] = Json::array();
  for (const auto id : policy.files) {
    const auto& file = sources.file(id);
    json["policy"].push_back({{"file", file.name()}, {"sha256", digest_of(file.text())}});
  }
  for (const auto& list : policy.lists())
    json["policy"].push_back({{"file", list.name}, {"sha256", list.sha256}});
  json["assumptions"] = {
      "the platform does what its documentation and the facts in the manual say of each rule",
      "a packet has exactly one conntrack state",
      "a limit or any other predicate may hold or not, whatever the packet; two are the same one "
      "when their parameters and their place are"};
  json["proofs"] = Json::array();
  for (const auto& one : all) {
    auto proof = proof_json(one, sources);
    if (!proof) return std::nullopt;
    json["proofs"].push_back(std::move(*proof));
  }
  return json;
}

std::optional<Json> parse_certificate(std::string_view text) {
  // The library compares and prints by recursion, so a deep text would take the stack.
  constexpr std::size_t deepest = 64;
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') in_string = !in_string;
    if (in_string && c == '\\') ++i;
    if (in_string) continue;
    if ((c == '[' || c == '{') && ++depth > deepest) return std::nullopt;
    if ((c == ']' || c == '}') && depth > 0) --depth;
  }
  auto json = Json::parse(text, nullptr, false);
  if (json.is_discarded()) return std::nullopt;
  return json;
}

std::optional<semantics::FieldOrder> claimed_order(const Json& claimed, Target target) {
  if (!claimed.is_object() || !claimed.contains("proofs") || !claimed["proofs"].is_array())
    return std::nullopt;
  for (const auto& proof : claimed["proofs"])
    if (proof.is_object() && proof.contains("field_order") &&
        proof.value("target", Json()) == to_string(target))
      return order_of(proof["field_order"]);
  return std::nullopt;
}

std::vector<std::string> contradictions(const Json& claimed, const Json& made) {
  if (!claimed.is_object() || claimed.value("certificate", Json()) != made.at("certificate"))
    return {"it is not of a form that is known here"};
  std::vector<std::string> wrong;
  if (claimed.value("policy", Json()) != made.at("policy"))
    wrong.emplace_back("the files of the policy are others");
  if (claimed.value("assumptions", Json()) != made.at("assumptions"))
    wrong.emplace_back("its assumptions are others");
  for (const auto& [key, value] : claimed.items())
    if (!made.contains(key)) wrong.push_back("`" + key + "` is not known here");
  const auto proofs = claimed.value("proofs", Json::array());
  if (!proofs.is_array() || proofs.empty()) wrong.emplace_back("it claims nothing");
  for (const auto& proof : proofs) {
    const auto target = proof.is_object() ? proof.value("target", Json()) : Json();
    const auto found = std::ranges::find_if(
        made.at("proofs"), [&](const auto& candidate) { return candidate.at("target") == target; });
    if (found == made.at("proofs").end()) {
      wrong.push_back("no artifact was given for " + target.dump());
      continue;
    }
    // All but how it was read back, and `parts`, which is looked at one by one below.
    const auto is_compared = [](const std::string& key) {
      return key != "parts" && key != "read_back";
    };
    for (const auto& [key, value] : proof.items())
      if (is_compared(key) && (!found->contains(key) || found->at(key) != value))
        wrong.push_back("`" + key + "` of " + target.dump() + " is another one");
    for (const auto& [key, value] : found->items())
      if (!proof.contains(key) && key != "read_back")
        wrong.push_back("`" + key + "` of " + target.dump() + " is left out");
    if (proof.value("parts", Json()).empty())
      wrong.push_back("it claims no part of " + target.dump());
    for (const auto& part : proof.value("parts", Json::array()))
      if (std::ranges::find(found->at("parts"), part) == found->at("parts").end())
        wrong.push_back("part " + (part.is_object() ? part.value("part", Json()) : part).dump() +
                        " of " + target.dump() + " is another one, or was not given");
  }
  return wrong;
}

}  // namespace firewright::cli
