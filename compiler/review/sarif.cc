#include "compiler/review/sarif.h"

#include <algorithm>
#include <filesystem>
#include <map>

#include "compiler/analysis/words.h"
#include "compiler/base/sha256.h"

namespace firewright::review {
namespace {

using analysis::Change;
using Json = nlohmann::ordered_json;

constexpr std::size_t most_named = 20;  // policies in a message

std::string_view level(Severity severity) {
  switch (severity) {
    case Severity::error: return "error";
    case Severity::warning: return "warning";
    case Severity::note: return "note";
  }
  return "none";
}

std::string_view rule_of(Change change) {
  switch (change) {
    case Change::accepted: return "newly-accepted";
    case Change::denied: return "newly-denied";
    case Change::refusal: return "denied-in-another-way";
    case Change::effects: return "logged-or-counted-in-another-way";
  }
  return "";
}

// What a rule is about, whatever its results say. Of diagnostics: their wording.
std::string description(const std::string& rule) {
  static constexpr std::pair<std::string_view, std::string_view> own[] = {
      {"newly-accepted", "packets that were dropped or rejected are accepted"},
      {"newly-denied", "packets that were accepted are dropped or rejected"},
      {"denied-in-another-way", "packets that were denied are denied in another way"},
      {"logged-or-counted-in-another-way", "packets are logged or counted in another way"},
      {"policy-added", "a policy is new"},
      {"policy-removed", "a policy is gone"},
      {"not-proved", "what changes could not be proved within the budget"},
      {"deny-removed", "an exception that denies is gone"},
      {"deny-narrowed", "an exception that denies lets packets through that it denied"},
      {"assertion-added", "an assertion is new"},
      {"assertion-changed", "an assertion claims something else"},
      {"assertion-removed", "an assertion is gone"},
      {"direction-unmanaged", "a direction is left to others"},
      {"target-lost", "a target cannot say a policy any more"},
      {"no-common-target", "no target can say a policy both before and after the change"}};
  for (const auto& [id_of, text] : own)
    if (id_of == rule) return std::string(text);
  for (const auto kind : all_kinds()) {
    if (id(kind) != rule) continue;
    std::string text(wording(kind));
    for (auto at = text.find("{}"); at != std::string::npos; at = text.find("{}", at))
      text.replace(at, 2, "...");
    return text;
  }
  return rule;
}

// In messages braces stand for arguments (SARIF 3.11.5).
std::string literal(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '{' || c == '}') out += c;
    out += c;
  }
  return out;
}

// RFC 3986: all but unreserved characters are escaped.
std::string uri_of(const std::string& path) {
  static constexpr char digits[] = "0123456789ABCDEF";
  static constexpr std::string_view plain =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~/";
  std::string uri;
  for (const char c : std::filesystem::path(path).lexically_normal().generic_string()) {
    if (plain.find(c) != std::string_view::npos) {
      uri += c;
      continue;
    }
    const auto byte = static_cast<unsigned char>(c);
    uri += '%';
    uri += digits[byte >> 4U];
    uri += digits[byte & 15U];
  }
  return uri;
}

Json artifact(const std::string& path) {
  Json json;
  if (path.starts_with('/')) {
    json["uri"] = "file://" + uri_of(path);
  } else {
    json["uri"] = uri_of(path);
    json["uriBaseId"] = "%SRCROOT%";
  }
  return json;
}

Json region(const Place& place) {
  Json json;
  json["startLine"] = place.begin.line;
  json["startColumn"] = place.begin.column;
  json["endLine"] = std::max(place.begin.line, place.end.line);
  if (place.end.line > place.begin.line || place.end.column > place.begin.column)
    json["endColumn"] = place.end.column;
  return json;
}

class Sarif {
 public:
  explicit Sarif(const Report& report) : report_(report) {}

  Json run() {
    for (const auto& shared : report_.notes) {
      auto message = shared.note.message;
      if (!shared.note.help.empty()) message += " (" + shared.note.help + ")";
      add(shared.note.id, level(shared.note.severity), message, shared.note.place, shared.members);
    }
    for (const auto& group : report_.groups) add_group(group);
    Json driver;
    driver["name"] = "firewright";
    driver["rules"] = std::move(rules_);
    Json json;
    json["$schema"] =
        "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/"
        "sarif-schema-2.1.0.json";
    json["version"] = "2.1.0";
    Json run;
    run["tool"]["driver"] = std::move(driver);
    run["automationDetails"]["id"] = "firewright-review/";
    run["columnKind"] = "unicodeCodePoints";
    run["results"] = std::move(results_);
    json["runs"].push_back(std::move(run));
    return json;
  }

 private:
  using Members = std::vector<std::size_t>;

  void add_group(const Group& group) {
    const auto& review = report_.reviews[group.members.front()];
    switch (review.status) {
      case Status::compared:
      case Status::broken: break;
      case Status::added:
        add("policy-added", "note", "this policy is new", std::nullopt, group.members);
        break;
      case Status::removed:
        add("policy-removed", "warning",
            "this policy is gone" + (review.remark.empty() ? "" : ": " + review.remark),
            std::nullopt, group.members);
        break;
    }
    for (const auto& change : review.changes) {
      if (!change.proved)
        add("not-proved", "error", "the difference is not proved: " + change.summary, std::nullopt,
            group.members);
      for (const auto& set : change.sets)
        add(std::string(rule_of(set.change)), set.change == Change::accepted ? "warning" : "note",
            std::string(to_string(set.change)) + ": " + set.text + ", such as " +
                analysis::quoted(set.packet) + "; before: " + set.before + "; after: " + set.after,
            set.place, group.members);
    }
  }

  void add(const std::string& rule, std::string_view of_level, const std::string& message,
           const std::optional<Place>& place, const Members& members) {
    Json policies = Json::array();
    std::string named;
    for (const auto member : members) {
      policies.push_back(report_.reviews[member].path);
      if (policies.size() <= most_named)
        named += (named.empty() ? "" : ", ") + report_.reviews[member].path;
    }
    if (members.size() > most_named)
      named += " and " + std::to_string(members.size() - most_named) + " more";
    const auto& path = place ? place->file : report_.reviews[members.front()].path;
    Json physical;
    physical["artifactLocation"] = artifact(path);
    if (place) physical["region"] = region(*place);
    Json location;
    location["physicalLocation"] = std::move(physical);
    Json result;
    result["ruleId"] = rule;
    result["ruleIndex"] = rule_index(rule, of_level);
    result["level"] = of_level;
    result["message"]["text"] = literal(message + " (in " + named + ")");
    result["locations"].push_back(std::move(location));
    result["partialFingerprints"]["firewright/v1"] =
        hex(sha256(rule + "\n" + path + "\n" + message));
    result["properties"]["policies"] = std::move(policies);
    results_.push_back(std::move(result));
  }

  std::size_t rule_index(const std::string& rule, std::string_view of_level) {
    const auto [at, added] = index_.emplace(rule, rules_.size());
    if (added) {
      Json json;
      json["id"] = rule;
      json["shortDescription"]["text"] = literal(description(rule));
      json["defaultConfiguration"]["level"] = of_level;
      rules_.push_back(std::move(json));
    }
    return at->second;
  }

  const Report& report_;
  std::map<std::string, std::size_t> index_;
  Json rules_ = Json::array();
  Json results_ = Json::array();
};

}  // namespace

Json to_sarif(const Report& report) { return Sarif(report).run(); }

}  // namespace firewright::review
