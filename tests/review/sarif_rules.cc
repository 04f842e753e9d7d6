#include "tests/review/sarif_rules.h"

#include <algorithm>
#include <map>
#include <regex>
#include <set>

namespace firewright::review {
namespace {

using nlohmann::json;

// A value: what it is, and for arrays and maps what their items are.
struct Shape {
  enum class Type { string, uri, uri_reference, guid, integer, boolean, object, array, map, any };
  Type type = Type::string;
  std::string object;             // of an object, or of an array's items; empty: strings
  std::set<std::string> allowed;  // of a string; empty: all
  long least = 0;                 // of an integer
  bool unique = false;            // of an array
  std::size_t fewest = 0;         // of an array
};

Shape of(Shape::Type type, std::string object = {}) {
  Shape shape;
  shape.type = type;
  shape.object = std::move(object);
  return shape;
}
Shape text() { return {}; }
Shape one_of(std::set<std::string> allowed) {
  Shape shape;
  shape.allowed = std::move(allowed);
  return shape;
}
Shape uri() { return of(Shape::Type::uri); }
Shape uri_reference() { return of(Shape::Type::uri_reference); }
Shape guid() { return of(Shape::Type::guid); }
Shape boolean() { return of(Shape::Type::boolean); }
Shape any() { return of(Shape::Type::any); }
Shape at_least(long least) {
  auto shape = of(Shape::Type::integer);
  shape.least = least;
  return shape;
}
Shape is(std::string object) { return of(Shape::Type::object, std::move(object)); }
Shape list(std::string object, bool unique = false, std::size_t fewest = 0) {
  auto shape = of(Shape::Type::array, std::move(object));
  shape.unique = unique;
  shape.fewest = fewest;
  return shape;
}
Shape map_of(std::string object) { return of(Shape::Type::map, std::move(object)); }
Shape bag() { return is("propertyBag"); }

using Properties = std::map<std::string, Shape>;

struct Object {
  Properties properties;
  std::set<std::string> required;
  bool open = false;             // other properties are allowed
  std::set<std::string> any_of;  // one of these must be there; empty: none must

  Object(Properties all, std::set<std::string> must, bool others = false,
         std::set<std::string> some = {})
      : properties(std::move(all)),
        required(std::move(must)),
        open(others),
        any_of(std::move(some)) {}
};

// Every object of the schema allows its own properties only, but for the property bag.
const std::map<std::string, Object>& objects() {
  const std::set<std::string> levels = {"none", "note", "warning", "error"};
  static const std::map<std::string, Object> all = {
      {"sarifLog",
       {{{"$schema", uri()},
         {"version", one_of({"2.1.0"})},
         {"runs", list("run")},
         {"inlineExternalProperties", list("externalProperties", true)},
         {"properties", bag()}},
        {"version", "runs"}}},
      {"run",
       {{{"tool", is("tool")},
         {"invocations", list("invocation")},
         {"conversion", is("conversion")},
         {"language", text()},
         {"versionControlProvenance", list("versionControlDetails", true)},
         {"originalUriBaseIds", map_of("artifactLocation")},
         {"artifacts", list("artifact", true)},
         {"logicalLocations", list("logicalLocation", true)},
         {"graphs", list("graph", true)},
         {"results", list("result")},
         {"automationDetails", is("runAutomationDetails")},
         {"runAggregates", list("runAutomationDetails", true)},
         {"baselineGuid", guid()},
         {"redactionTokens", list("", true)},
         {"defaultEncoding", text()},
         {"defaultSourceLanguage", text()},
         {"newlineSequences", list("", true, 1)},
         {"columnKind", one_of({"utf16CodeUnits", "unicodeCodePoints"})},
         {"externalPropertyFileReferences", is("externalPropertyFileReferences")},
         {"threadFlowLocations", list("threadFlowLocation", true)},
         {"taxonomies", list("toolComponent", true)},
         {"addresses", list("address")},
         {"translations", list("toolComponent", true)},
         {"policies", list("toolComponent", true)},
         {"webRequests", list("webRequest", true)},
         {"webResponses", list("webResponse", true)},
         {"specialLocations", is("specialLocations")},
         {"properties", bag()}},
        {"tool"}}},
      {"tool",
       {{{"driver", is("toolComponent")},
         {"extensions", list("toolComponent", true)},
         {"properties", bag()}},
        {"driver"}}},
      {"toolComponent",
       {{{"guid", guid()},
         {"name", text()},
         {"organization", text()},
         {"product", text()},
         {"productSuite", text()},
         {"shortDescription", is("multiformatMessageString")},
         {"fullDescription", is("multiformatMessageString")},
         {"fullName", text()},
         {"version", text()},
         {"semanticVersion", text()},
         {"dottedQuadFileVersion", text()},
         {"releaseDateUtc", text()},
         {"downloadUri", uri()},
         {"informationUri", uri()},
         {"globalMessageStrings", map_of("multiformatMessageString")},
         {"notifications", list("reportingDescriptor", true)},
         {"rules", list("reportingDescriptor", true)},
         {"taxa", list("reportingDescriptor", true)},
         {"locations", list("artifactLocation")},
         {"language", text()},
         {"contents", list("", true)},
         {"isComprehensive", boolean()},
         {"localizedDataSemanticVersion", text()},
         {"minimumRequiredLocalizedDataSemanticVersion", text()},
         {"associatedComponent", is("toolComponentReference")},
         {"translationMetadata", is("translationMetadata")},
         {"supportedTaxonomies", list("toolComponentReference", true)},
         {"properties", bag()}},
        {"name"}}},
      {"reportingDescriptor",
       {{{"id", text()},
         {"deprecatedIds", list("", true)},
         {"guid", guid()},
         {"deprecatedGuids", list("", true)},
         {"name", text()},
         {"deprecatedNames", list("", true)},
         {"shortDescription", is("multiformatMessageString")},
         {"fullDescription", is("multiformatMessageString")},
         {"messageStrings", map_of("multiformatMessageString")},
         {"defaultConfiguration", is("reportingConfiguration")},
         {"helpUri", uri()},
         {"help", is("multiformatMessageString")},
         {"relationships", list("reportingDescriptorRelationship", true)},
         {"properties", bag()}},
        {"id"}}},
      {"reportingConfiguration",
       {{{"enabled", boolean()},
         {"level", one_of(levels)},
         {"rank", any()},
         {"parameters", bag()},
         {"properties", bag()}},
        {}}},
      {"multiformatMessageString",
       {{{"text", text()}, {"markdown", text()}, {"properties", bag()}}, {"text"}}},
      {"message",
       {{{"text", text()},
         {"markdown", text()},
         {"id", text()},
         {"arguments", list("")},
         {"properties", bag()}},
        {},
        false,
        {"text", "id"}}},
      {"result",
       {{{"ruleId", text()},
         {"ruleIndex", at_least(-1)},
         {"rule", is("reportingDescriptorReference")},
         {"kind", one_of({"notApplicable", "pass", "fail", "review", "open", "informational"})},
         {"level", one_of(levels)},
         {"message", is("message")},
         {"analysisTarget", is("artifactLocation")},
         {"locations", list("location")},
         {"guid", guid()},
         {"correlationGuid", guid()},
         {"occurrenceCount", at_least(1)},
         {"partialFingerprints", map_of("")},
         {"fingerprints", map_of("")},
         {"stacks", list("stack", true)},
         {"codeFlows", list("codeFlow")},
         {"graphs", list("graph", true)},
         {"graphTraversals", list("graphTraversal", true)},
         {"relatedLocations", list("location", true)},
         {"suppressions", list("suppression", true)},
         {"baselineState", one_of({"new", "unchanged", "updated", "absent"})},
         {"rank", any()},
         {"attachments", list("attachment", true)},
         {"hostedViewerUri", uri()},
         {"workItemUris", list("", true)},
         {"provenance", is("resultProvenance")},
         {"fixes", list("fix", true)},
         {"taxa", list("reportingDescriptorReference", true)},
         {"webRequest", is("webRequest")},
         {"webResponse", is("webResponse")},
         {"properties", bag()}},
        {"message"}}},
      {"location",
       {{{"id", at_least(-1)},
         {"physicalLocation", is("physicalLocation")},
         {"logicalLocations", list("logicalLocation", true)},
         {"message", is("message")},
         {"annotations", list("region", true)},
         {"relationships", list("locationRelationship", true)},
         {"properties", bag()}},
        {}}},
      {"physicalLocation",
       {{{"address", is("address")},
         {"artifactLocation", is("artifactLocation")},
         {"region", is("region")},
         {"contextRegion", is("region")},
         {"properties", bag()}},
        {},
        false,
        {"address", "artifactLocation"}}},
      {"artifactLocation",
       {{{"uri", uri_reference()},
         {"uriBaseId", text()},
         {"index", at_least(-1)},
         {"description", is("message")},
         {"properties", bag()}},
        {}}},
      {"region",
       {{{"startLine", at_least(1)},
         {"startColumn", at_least(1)},
         {"endLine", at_least(1)},
         {"endColumn", at_least(1)},
         {"charOffset", at_least(-1)},
         {"charLength", at_least(0)},
         {"byteOffset", at_least(-1)},
         {"byteLength", at_least(0)},
         {"snippet", is("artifactContent")},
         {"message", is("message")},
         {"sourceLanguage", text()},
         {"properties", bag()}},
        {}}},
      {"runAutomationDetails",
       {{{"description", is("message")},
         {"id", text()},
         {"guid", guid()},
         {"correlationGuid", guid()},
         {"properties", bag()}},
        {}}},
      {"invocation",
       {{{"executionSuccessful", boolean()}, {"exitCode", at_least(-1000)}, {"properties", bag()}},
        {"executionSuccessful"}}},
      {"propertyBag", {{{"tags", list("", true)}}, {}, true}},
  };
  return all;
}

class Checker {
 public:
  std::vector<std::string> run(const json& document) {
    object(document, "sarifLog", "");
    if (problems_.empty()) references(document);
    return std::move(problems_);
  }

 private:
  void problem(const std::string& at, const std::string& what) {
    problems_.push_back((at.empty() ? "the document" : at) + ": " + what);
  }

  void object(const json& value, const std::string& name, const std::string& at) {
    const auto known = objects().find(name);
    if (known == objects().end()) return problem(at, "an object that is not looked into: " + name);
    const auto& rules = known->second;
    if (!value.is_object()) return problem(at, "no object");
    for (const auto& property : rules.required)
      if (!value.contains(property)) problem(at, "`" + property + "` is missing");
    if (!rules.any_of.empty() &&
        std::ranges::none_of(rules.any_of, [&](const auto& p) { return value.contains(p); }))
      problem(at, "one of several properties is missing");
    for (const auto& [property, inner] : value.items()) {
      const auto shape = rules.properties.find(property);
      if (shape != rules.properties.end())
        check(inner, shape->second, at.empty() ? property : at + "." + property);
      else if (!rules.open)
        problem(at, "`" + property + "` is no property of " + name);
    }
  }

  void check(const json& value, const Shape& shape, const std::string& at) {
    using Type = Shape::Type;
    static const std::regex of_uri(R"([A-Za-z][A-Za-z0-9+.-]*:[!-~]+)");
    static const std::regex of_reference(R"(([A-Za-z0-9._~:/?#@!$&'()*+,;=-]|%[0-9A-F]{2})+)");
    static const std::regex of_guid(
        "[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-5][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}");
    const auto matches = [&](const std::regex& form) {
      return value.is_string() && std::regex_match(value.get<std::string>(), form);
    };
    switch (shape.type) {
      case Type::string:
        if (!value.is_string()) return problem(at, "no string");
        if (!shape.allowed.empty() && !shape.allowed.contains(value.get<std::string>()))
          problem(at, "`" + value.get<std::string>() + "` is not one of its values");
        return;
      case Type::uri:
        if (!matches(of_uri)) problem(at, "no URI");
        return;
      case Type::uri_reference:
        if (!matches(of_reference)) problem(at, "no reference to a URI");
        return;
      case Type::guid:
        if (!matches(of_guid)) problem(at, "no GUID");
        return;
      case Type::integer:
        if (!value.is_number_integer() || value.get<long>() < shape.least)
          problem(at, "no integer of at least " + std::to_string(shape.least));
        return;
      case Type::boolean:
        if (!value.is_boolean()) problem(at, "neither true nor false");
        return;
      case Type::object: return object(value, shape.object, at);
      case Type::array: return array(value, shape, at);
      case Type::map:
        if (!value.is_object()) return problem(at, "no object");
        for (const auto& [key, inner] : value.items()) item(inner, shape, at + "." + key);
        return;
      case Type::any: return;
    }
  }

  void array(const json& value, const Shape& shape, const std::string& at) {
    if (!value.is_array()) return problem(at, "no array");
    if (value.size() < shape.fewest) problem(at, "too few items");
    std::set<std::string> seen;
    for (std::size_t i = 0; i < value.size(); ++i) {
      if (shape.unique && !seen.insert(value[i].dump()).second) problem(at, "an item comes twice");
      item(value[i], shape, at + "[" + std::to_string(i) + "]");
    }
  }

  void item(const json& value, const Shape& shape, const std::string& at) {
    if (shape.object.empty())
      check(value, text(), at);
    else
      object(value, shape.object, at);
  }

  // What the text of the standard wants beyond the schema: an index points at the rule of that name
  // (3.27.7), an end does not come before its begin (3.30), and braces come in pairs (3.11.5).
  void references(const json& document) {
    for (const auto& run : document["runs"]) {
      const auto rules = run["tool"]["driver"].value("rules", json::array());
      std::set<std::string> ids;
      for (const auto& rule : rules)
        if (!ids.insert(rule["id"]).second) problem("rules", "two of one name");
      for (const auto& result : run.value("results", json::array())) {
        const auto index = result.value("ruleIndex", -1);
        if (index >= 0 && (static_cast<std::size_t>(index) >= rules.size() ||
                           rules[static_cast<std::size_t>(index)]["id"] != result["ruleId"]))
          problem("results", "`ruleIndex` points elsewhere than `ruleId`");
        text_of(result["message"].value("text", ""));
        for (const auto& location : result.value("locations", json::array()))
          region(location["physicalLocation"].value("region", json::object()));
      }
    }
  }

  void region(const json& region) {
    const auto begin = std::pair(region.value("startLine", 1L), region.value("startColumn", 1L));
    const auto line = region.value("endLine", begin.first);
    if (line < begin.first ||
        (region.contains("endColumn") && std::pair(line, region["endColumn"].get<long>()) < begin))
      problem("region", "ends before it begins");
  }

  void text_of(const std::string& text) {
    for (std::size_t i = 0; i < text.size(); ++i)
      if (text[i] == '{' || text[i] == '}') {
        if (i + 1 == text.size() || text[i + 1] != text[i]) problem("message", "a brace alone");
        ++i;
      }
  }

  std::vector<std::string> problems_;
};

}  // namespace

std::vector<std::string> sarif_problems(const json& document) { return Checker().run(document); }

}  // namespace firewright::review
