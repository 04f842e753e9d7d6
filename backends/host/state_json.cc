#include "backends/host/state_json.h"

#include <algorithm>
#include <limits>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "compiler/base/sha256.h"

namespace firewright::host {
namespace {

using Json = nlohmann::ordered_json;

constexpr int version = 1;
constexpr std::string_view state_format = "firewright state";
constexpr std::string_view loaded_format = "firewright loaded";
constexpr std::string_view manifest_format = "firewright generation";

constexpr std::string_view seal_begin = ",\n  \"sha256\": \"";
constexpr std::string_view seal_end = "\"\n}\n";
constexpr std::size_t digest_digits = 64;
constexpr std::size_t seal_size = seal_begin.size() + digest_digits + seal_end.size();

bool all_hex(std::string_view text) {
  return std::ranges::all_of(
      text, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

// Bytes of a path that are no UTF-8 become U+FFFD: they are for people.
std::string dumped(const Json& json) {
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

std::string sealed(const Json& json) {
  auto text = dumped(json);
  text.resize(text.size() - 2);  // "\n}", which comes after the digest
  const auto digest = hex(sha256(text));
  return text + std::string(seal_begin) + digest + std::string(seal_end);
}

bool seal_holds(std::string_view text) {
  if (text.size() < seal_size) return false;
  const auto body = text.substr(0, text.size() - seal_size);
  auto seal = text.substr(body.size());
  if (!seal.starts_with(seal_begin) || !seal.ends_with(seal_end)) return false;
  seal.remove_prefix(seal_begin.size());
  return seal.substr(0, digest_digits) == hex(sha256(body));
}

// Takes members out of an object; the first that is missing or of another kind is the error.
class Members {
 public:
  Members(const Json& object, std::string& error) : object_(object), error_(error) {}

  [[nodiscard]] bool ok() const { return ok_; }
  [[nodiscard]] bool has(const char* key) const { return object_.contains(key); }

  const Json* find(const char* key) {
    const auto found = object_.find(key);
    if (found != object_.end()) return &*found;
    fail(key, "is missing");
    return nullptr;
  }
  void take(const char* key, std::string& into) {
    const auto* json = find(key);
    if (json == nullptr) return;
    if (json->is_string())
      into = json->get<std::string>();
    else
      fail(key, "is no text");
  }
  void take(const char* key, bool& into) {
    const auto* json = find(key);
    if (json == nullptr) return;
    if (json->is_boolean())
      into = json->get<bool>();
    else
      fail(key, "is neither true nor false");
  }
  template <class Integer>
  void take_number(const char* key, Integer& into) {
    const auto* json = find(key);
    if (json == nullptr) return;
    if (json->is_number_unsigned() && std::in_range<Integer>(json->template get<std::uint64_t>()))
      into = static_cast<Integer>(json->template get<std::uint64_t>());
    else
      fail(key, "is no such number");
  }
  void take_id(const char* key, std::string& into) {
    take(key, into);
    if (ok_ && !is_generation_id(into)) fail(key, "is not made of 16 hex digits");
  }
  void fail(const char* key, const char* what) {
    if (ok_) error_ = std::string("`") + key + "` " + what;
    ok_ = false;
  }

 private:
  const Json& object_;
  std::string& error_;
  bool ok_ = true;
};

std::optional<Json> parsed(std::string_view text, std::string_view format, std::string& error) {
  auto json = Json::parse(text, nullptr, false);
  if (json.is_discarded() || !json.is_object()) {
    error = "it is not JSON";
    return std::nullopt;
  }
  Members members(json, error);
  std::string found_format;
  int found_version = 0;
  members.take("format", found_format);
  members.take_number("version", found_version);
  if (!members.ok()) return std::nullopt;
  if (found_format != format) {
    error = "it is of another kind: `" + found_format + "`";
    return std::nullopt;
  }
  if (found_version != version) {
    error = "it was written by another version of firewright (its form is " +
            std::to_string(found_version) + ", known is " + std::to_string(version) + ")";
    return std::nullopt;
  }
  return json;
}

std::optional<Json> unsealed(std::string_view text, std::string_view format, std::string& error) {
  if (seal_holds(text)) return parsed(text, format, error);
  error = text.empty() ? "it is empty" : "its SHA-256 is not the one it was written with";
  return std::nullopt;
}

Json object(std::string_view format) { return {{"format", format}, {"version", version}}; }

std::string_view to_string(Pending::Phase phase) {
  switch (phase) {
    case Pending::Phase::loading: return "loading";
    case Pending::Phase::loaded: return "loaded";
    case Pending::Phase::undoing: return "undoing";
  }
  return "";
}

Json to_json(const Deadline& deadline) {
  return {{"boot-id", deadline.boot_id},
          {"boottime-ms", deadline.boottime_ms},
          {"wall", deadline.wall}};
}

Json to_json(const Pending& pending) {
  Json json = {{"generation", pending.generation},  {"token", pending.token},
               {"before", pending.before},          {"before-was-empty", pending.before_was_empty},
               {"phase", to_string(pending.phase)}, {"boot-id", pending.boot_id},
               {"pid", pending.process.pid},        {"pid-start", pending.process.start},
               {"watchdog", pending.watchdog}};
  if (pending.deadline) json["deadline"] = to_json(*pending.deadline);
  return json;
}

Json to_json(const Undone& undone) {
  return {{"generation", undone.generation}, {"at", undone.at}, {"why", undone.why}};
}

// An object within another.
template <class Take>
bool take_object(Members& outer, const Json& json, const char* key, std::string& error, Take take) {
  if (!json.at(key).is_object()) {
    outer.fail(key, "is no object");
    return false;
  }
  Members inner(json.at(key), error);
  take(inner, json.at(key));
  return inner.ok();
}

bool take_pending(Members& outer, const Json& json, Pending& pending, std::string& error) {
  bool deadline_ok = true;
  const bool ok = take_object(outer, json, "pending", error, [&](Members& in, const Json& object) {
    std::string phase;
    in.take_id("generation", pending.generation);
    in.take("token", pending.token);
    in.take("before", pending.before);
    in.take("before-was-empty", pending.before_was_empty);
    in.take("phase", phase);
    in.take("boot-id", pending.boot_id);
    in.take_number("pid", pending.process.pid);
    in.take_number("pid-start", pending.process.start);
    in.take("watchdog", pending.watchdog);
    if (!in.ok()) return;
    if (!pending.before.empty() && !is_digest(pending.before)) in.fail("before", "is no digest");
    if (phase == to_string(Pending::Phase::loaded))
      pending.phase = Pending::Phase::loaded;
    else if (phase == to_string(Pending::Phase::undoing))
      pending.phase = Pending::Phase::undoing;
    else if (phase != to_string(Pending::Phase::loading))
      in.fail("phase", "is not known");
    if (!in.has("deadline") || !in.ok()) return;
    auto& deadline = pending.deadline.emplace();
    deadline_ok =
        take_object(in, object, "deadline", error, [&](Members& members, const Json& /*object*/) {
          members.take("boot-id", deadline.boot_id);
          members.take_number("boottime-ms", deadline.boottime_ms);
          members.take("wall", deadline.wall);
        });
  });
  return ok && deadline_ok;
}

void take_generation(Members& members, const char* key, std::optional<std::string>& into) {
  if (members.has(key)) members.take_id(key, into.emplace());
}

}  // namespace

bool is_generation_id(std::string_view text) { return text.size() == 16 && all_hex(text); }

bool is_digest(std::string_view text) { return text.size() == digest_digits && all_hex(text); }

bool is_file_name(std::string_view text) {
  constexpr std::size_t longest = 200;
  return !text.empty() && text.size() <= longest && text[0] != '.' &&
         std::ranges::all_of(text, [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                  c == '.' || c == '-' || c == '_';
         });
}

std::string to_text(const State& state) {
  auto json = object(state_format);
  json["backend"] = state.backend;
  if (state.confirmed) json["confirmed"] = *state.confirmed;
  if (state.previous) json["previous"] = *state.previous;
  json["confirmed-since"] = state.confirmed_since;
  json["audit"] = state.audit;
  if (state.pending) json["pending"] = to_json(*state.pending);
  if (state.undone) json["undone"] = to_json(*state.undone);
  return sealed(json);
}

std::optional<State> state_from(std::string_view text, std::string& error) {
  const auto json = unsealed(text, state_format, error);
  if (!json) return std::nullopt;
  State state;
  Members members(*json, error);
  members.take("backend", state.backend);
  take_generation(members, "confirmed", state.confirmed);
  take_generation(members, "previous", state.previous);
  members.take("confirmed-since", state.confirmed_since);
  members.take("audit", state.audit);
  if (!members.ok()) return std::nullopt;
  if (members.has("pending") && !take_pending(members, *json, state.pending.emplace(), error))
    return std::nullopt;
  if (members.has("undone") &&
      !take_object(members, *json, "undone", error, [&](Members& in, const Json& /*object*/) {
        auto& undone = state.undone.emplace();
        in.take_id("generation", undone.generation);
        in.take("at", undone.at);
        in.take("why", undone.why);
      }))
    return std::nullopt;
  return state;
}

std::string to_text(const Loaded& loaded) {
  auto json = object(loaded_format);
  json["generation"] = loaded.generation;
  json["boot-id"] = loaded.boot_id;
  json["since"] = loaded.since;
  if (loaded.ruleset != 0) {
    json["ruleset"] = loaded.ruleset;
    json["network"] = loaded.network;
  }
  return sealed(json);
}

std::optional<Loaded> loaded_from(std::string_view text, std::string& error) {
  const auto json = unsealed(text, loaded_format, error);
  if (!json) return std::nullopt;
  Loaded loaded;
  Members members(*json, error);
  members.take_id("generation", loaded.generation);
  members.take("boot-id", loaded.boot_id);
  members.take("since", loaded.since);
  if (members.has("ruleset")) {
    members.take_number("ruleset", loaded.ruleset);
    members.take("network", loaded.network);
  }
  if (!members.ok()) return std::nullopt;
  return loaded;
}

std::string to_text(const Manifest& manifest) {
  auto json = object(manifest_format);
  json["backend"] = manifest.backend;
  json["policy"] = manifest.policy;
  json["audit"] = manifest.audit;
  json["files"] = Json::array();
  for (const auto& file : manifest.files)
    json["files"].push_back({{"name", file.name},
                             {"origin", file.origin},
                             {"size", file.size},
                             {"sha256", file.sha256}});
  return dumped(json) + "\n";
}

std::optional<Manifest> manifest_from(std::string_view text, std::string& error) {
  const auto json = parsed(text, manifest_format, error);
  if (!json) return std::nullopt;
  Manifest manifest;
  Members members(*json, error);
  members.take("backend", manifest.backend);
  members.take("policy", manifest.policy);
  members.take("audit", manifest.audit);
  const auto* files = members.find("files");
  if (!members.ok() || files == nullptr) return std::nullopt;
  if (!files->is_array()) {
    error = "`files` is no array";
    return std::nullopt;
  }
  for (const auto& json_file : *files) {
    if (!json_file.is_object()) {
      error = "a file of `files` is no object";
      return std::nullopt;
    }
    Members in(json_file, error);
    auto& file = manifest.files.emplace_back();
    in.take("name", file.name);
    in.take("origin", file.origin);
    in.take_number("size", file.size);
    in.take("sha256", file.sha256);
    if (in.ok() && !is_file_name(file.name)) in.fail("name", "is no name of a file");
    if (in.ok() && !is_digest(file.sha256)) in.fail("sha256", "is no digest");
    if (!in.ok()) return std::nullopt;
  }
  return manifest;
}

}  // namespace firewright::host
