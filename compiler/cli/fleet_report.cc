#include <map>

#include "compiler/cli/fleet.h"

namespace firewright::cli {
namespace {

constexpr std::size_t names_shown = 8;

std::string enumerate(const std::vector<const FleetHost*>& hosts) {
  std::string text;
  for (std::size_t i = 0; i < hosts.size() && i < names_shown; ++i)
    text += (i == 0 ? "" : ", ") + hosts[i]->name;
  if (hosts.size() > names_shown)
    text += " and " + counted(hosts.size() - names_shown, "other host");
  return text;
}

nlohmann::ordered_json to_json(const FleetHost& host, const FleetArtifact& artifact) {
  nlohmann::ordered_json json;
  json["target"] = to_string(artifact.target);
  json["exceptions"] = artifact.exceptions;
  json["rules"] = artifact.rules;
  json["proof"] = artifact.proof;
  json["parts"] = nlohmann::ordered_json::array();
  for (const auto& file : artifact.files)
    json["parts"].push_back(
        {{"name", file.part}, {"bytes", file.bytes}, {"file", host.folder + "/" + file.path}});
  return json;
}

}  // namespace

FleetCounts count(const std::vector<FleetHost>& hosts, const std::vector<FleetResult>& results) {
  FleetCounts counts;
  counts.hosts = hosts.size();
  for (const auto& host : hosts) {
    if (host.failed(results)) {
      ++counts.failed;
      continue;
    }
    ++(host.first_of_result ? counts.compiled : counts.shared);
    if (host.written == 0) ++counts.unchanged;
  }
  return counts;
}

void say_fleet(Console& console, const std::vector<FleetHost>& hosts,
               const std::vector<FleetResult>& results, const FleetCounts& counts) {
  // A warning about a file that all include is said once.
  std::map<std::string, std::vector<const FleetHost*>> by_text;
  for (const auto& host : hosts) by_text[results[host.result].said].push_back(&host);
  for (const auto& host : hosts) {
    const auto& said = results[host.result].said;
    const auto& about = by_text.at(said);
    if (!said.empty() && about.front() == &host)
      console.err << enumerate(about) << (host.failed(results) ? ": not compiled\n" : ":\n")
                  << said;
    if (!host.error.empty()) complain(console, host.name + ": " + host.error);
  }
  console.err << counted(counts.hosts, "host") << ": " << counts.compiled
              << " compiled and proved, " << counts.shared << " the same as one of these, "
              << counts.unchanged << " unchanged, " << counts.failed << " failed, in "
              << counts.milliseconds << " ms\n";
}

nlohmann::ordered_json fleet_json(const std::vector<FleetHost>& hosts,
                                  const std::vector<FleetResult>& results,
                                  const FleetCounts& counts) {
  nlohmann::ordered_json document;
  document["hosts"] = nlohmann::ordered_json::array();
  std::vector<const FleetHost*> first(results.size());
  for (const auto& host : hosts) {
    const auto& result = results[host.result];
    nlohmann::ordered_json json;
    json["host"] = host.name;
    json["policy"] = host.policy;
    const bool failed = host.failed(results);
    json["result"] = failed ? "failed" : host.written == 0 ? "unchanged" : "written";
    if (host.first_of_result)
      first[host.result] = &host;
    else
      json["same_as"] = first[host.result]->name;
    if (!host.error.empty()) json["error"] = host.error;
    json["artifacts"] = nlohmann::ordered_json::array();
    if (!failed)
      for (const auto& artifact : result.artifacts)
        json["artifacts"].push_back(to_json(host, artifact));
    json.update(result.diagnostics);
    document["hosts"].push_back(std::move(json));
  }
  document["summary"] = {{"hosts", counts.hosts},   {"compiled", counts.compiled},
                         {"shared", counts.shared}, {"unchanged", counts.unchanged},
                         {"failed", counts.failed}, {"ms", counts.milliseconds}};
  return document;
}

}  // namespace firewright::cli
