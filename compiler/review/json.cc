#include "compiler/review/json.h"

namespace firewright::review {
namespace {

using Json = nlohmann::ordered_json;

std::string_view to_string(Status status) {
  switch (status) {
    case Status::compared: return "compared";
    case Status::added: return "added";
    case Status::removed: return "removed";
    case Status::broken: return "broken";
  }
  return "";
}

std::string_view to_string(Category category) {
  switch (category) {
    case Category::error: return "error";
    case Category::risk: return "risk";
    case Category::lint: return "lint";
  }
  return "";
}

Json to_json(const Counts& counts) {
  Json json;
  json["touched"] = counts.touched;
  json["accept_more"] = counts.accept_more;
  json["deny_more"] = counts.deny_more;
  json["otherwise"] = counts.otherwise;
  json["same_meaning"] = counts.same;
  json["added"] = counts.added;
  json["repaired"] = counts.repaired;
  json["removed"] = counts.removed;
  json["renamed"] = counts.renamed;
  json["broken"] = counts.broken;
  json["not_proved"] = counts.not_proved;
  json["failed_assertions"] = counts.failed_assertions;
  return json;
}

Json to_json(const Group& group, const Report& report) {
  const auto& first = report.reviews[group.members.front()];
  Json json;
  json["policies"] = Json::array();
  for (const auto member : group.members) {
    const auto& review = report.reviews[member];
    Json policy;
    policy["path"] = review.path;
    if (!review.renamed_from.empty()) policy["renamed_from"] = review.renamed_from;
    json["policies"].push_back(std::move(policy));
  }
  json["status"] = to_string(first.status);
  if (!first.remark.empty()) json["remark"] = first.remark;
  json["own_names"] = group.own_names;
  json["differences"] = Json::array();
  for (const auto& change : first.changes) {
    Json difference;
    difference["target"] = to_string(change.target);
    difference.update(change.json);
    json["differences"].push_back(std::move(difference));
  }
  return json;
}

Json to_json(const SharedNote& shared, const Report& report) {
  const auto& note = shared.note;
  Json json;
  json["category"] = to_string(note.category);
  json["id"] = note.id;
  json["severity"] = to_string(note.severity);
  json["message"] = note.message;
  if (note.place) {
    json["file"] = note.place->file;
    json["line"] = note.place->begin.line;
    json["column"] = note.place->begin.column;
    json["end_line"] = note.place->end.line;
    json["end_column"] = note.place->end.column;
  }
  if (!note.help.empty()) json["help"] = note.help;
  json["policies"] = Json::array();
  for (const auto member : shared.members) json["policies"].push_back(report.reviews[member].path);
  return json;
}

}  // namespace

Json to_json(const Report& report) {
  Json json;
  json["range"] = report.range;
  json["verdict"] = verdict(report);
  json["summary"] = summary(report);
  json["policies"] = report.policies;
  json["counts"] = to_json(report.counts);
  json["groups"] = Json::array();
  for (const auto& group : report.groups) json["groups"].push_back(to_json(group, report));
  json["notes"] = Json::array();
  for (const auto& note : report.notes) json["notes"].push_back(to_json(note, report));
  return json;
}

}  // namespace firewright::review
