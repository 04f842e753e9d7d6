#include "compiler/analysis/diff_json.h"

#include <cmath>

#include "compiler/analysis/diff_text.h"

namespace firewright::analysis {
namespace {

using Json = nlohmann::ordered_json;

std::string key(Change change) {
  switch (change) {
    case Change::accepted: return "newly_accepted";
    case Change::denied: return "newly_denied";
    case Change::refusal: return "denied_in_another_way";
    case Change::effects: return "logged_or_counted_in_another_way";
  }
  return {};
}

Json to_json(const Treatment& treatment, const Sources& sources) {
  Json json;
  json["verdict"] = to_string(treatment.verdict);
  json["managed"] = treatment.managed;
  json["deciding"] = Json::array();
  for (const auto& decider : treatment.deciders) {
    Json entry;
    entry["kind"] = to_string(decider.origin.kind);
    entry["verdict"] = to_string(decider.verdict);
    if (!decider.origin.label.empty()) entry["name"] = decider.origin.label;
    if (!decider.origin.reason.empty()) entry["reason"] = decider.origin.reason;
    if (decider.origin.span.known()) {
      const auto position = sources.position(decider.origin.span);
      entry["file"] = sources.file(decider.origin.span.file).name();
      entry["line"] = position.line;
      entry["column"] = position.column;
    }
    json["deciding"].push_back(std::move(entry));
  }
  json["others_decide_too"] = treatment.more;
  json["effects"] = treatment.effects;
  return json;
}

Json to_json(const Words& words) {
  Json json;
  json["items"] = words.items;
  if (!words.except.empty()) json["except"] = words.except;
  return json;
}

Json to_json(const ChangedBox& box, const Sources& sources) {
  Json json;
  json["text"] = box.words.sentence();
  json["direction"] = box.words.direction;
  json["service"] = to_json(box.words.service);
  json["from"] = to_json(box.words.from);
  json["to"] = to_json(box.words.to);
  json["in"] = to_json(box.words.in);
  json["out"] = to_json(box.words.out);
  json["further"] = box.words.further;
  json["packet"] = to_text(box.witness.packet);
  json["limits_that_hold"] = Json::array();
  for (const auto& predicate : box.witness.holding)
    json["limits_that_hold"].push_back(say_predicate(predicate));
  json["before"] = to_json(box.before, sources);
  json["after"] = to_json(box.after, sources);
  return json;
}

}  // namespace

Json to_json(const Difference& difference, const Sources& sources) {
  Json json;
  json["proved"] = difference.proved;
  if (!difference.proved) {
    json["why"] = difference.why;
    return json;
  }
  json["equal"] = difference.classes.empty();
  json["summary"] = summary(difference);
  json["widest_opening"] = widest_opening(difference);
  for (const auto change : {Change::accepted, Change::denied, Change::refusal, Change::effects}) {
    Json entry;
    const auto* found = difference.find(change);
    entry["count"] = found == nullptr ? 0 : found->boxes.size();
    // Of a difference of very many boxes some are left out: this share of its packets.
    entry["left_out"] = found == nullptr ? 0 : std::round(found->beyond_all * 1e6) / 1e6;
    entry["boxes"] = Json::array();
    if (found != nullptr)
      for (const auto& box : found->boxes) entry["boxes"].push_back(to_json(box, sources));
    json[key(change)] = std::move(entry);
  }
  return json;
}

}  // namespace firewright::analysis
