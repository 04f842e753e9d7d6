#include "compiler/review/inputs.h"

#include <algorithm>
#include <string_view>

#include "compiler/policy/context.h"
#include "compiler/policy/keys.h"
#include "compiler/policy/loader.h"
#include "compiler/policy/variables.h"

namespace firewright::review {
namespace {

// Writes down what is asked for. One thread's.
class RecordingFiles final : public FileSystem {
 public:
  RecordingFiles(const FileSystem& files, Inputs& inputs) : files_(files), inputs_(inputs) {}

  [[nodiscard]] FileContent read(const std::string& path, std::size_t limit) const override {
    inputs_.files.insert(path);
    return files_.read(path, limit);
  }
  [[nodiscard]] std::vector<std::string> glob(const std::string& pattern) const override {
    inputs_.patterns.insert(pattern);
    return files_.glob(pattern);
  }
  [[nodiscard]] std::string canonical(const std::string& path) const override {
    return files_.canonical(path);
  }

 private:
  const FileSystem& files_;
  Inputs& inputs_;
};

bool is_direction(std::string_view key) {
  for (const auto direction : policy::DirectionSet::all())
    if (key == to_string(direction)) return true;
  return false;
}

// It speaks of a direction; or it includes, or sets something up, and most of what it says is
// known.
bool is_shaped(const policy::Value& root) {
  bool wanted = false;
  std::size_t known = 0;
  for (const auto& entry : root.entries()) {
    if (is_direction(entry.key) && entry.value.is(policy::Value::Type::table)) return true;
    wanted = wanted || entry.key == "include" || entry.key == "policy" || entry.key == "baseline";
    if (policy::find_key(policy::Section::root, entry.key) != nullptr) ++known;
  }
  return wanted && 2 * known > root.entries().size();
}

// Of a text that is not TOML: a line of it is the head of a direction.
bool looks_shaped(std::string_view text) {
  while (!text.empty()) {
    auto line = text.substr(0, text.find('\n'));
    text.remove_prefix(std::min(text.size(), line.size() + 1));
    const auto begin = line.find_first_not_of(" \t[");
    if (begin == std::string_view::npos ||
        line.substr(0, begin).find('[') == std::string_view::npos)
      continue;
    line.remove_prefix(begin);
    if (is_direction(line.substr(0, line.find_first_of(" \t.]")))) return true;
  }
  return false;
}

// { file = "..." } of a group of addresses.
void add_list(const policy::Document& document, const policy::Value& item, Inputs& inputs) {
  if (!item.is(policy::Value::Type::table)) return;
  for (const auto& entry : item.entries())
    if (entry.key == "file" && entry.value.is(policy::Value::Type::string))
      inputs.files.insert(policy::resolve_path(document.directory, entry.value.string()));
}

void add_lists(const policy::Document& document, Inputs& inputs) {
  for (const auto* entry : document.entries()) {
    if (entry->key != "addresses" || !entry->value.is(policy::Value::Type::table)) continue;
    for (const auto& group : entry->value.entries()) {
      add_list(document, group.value, inputs);
      if (group.value.is(policy::Value::Type::array))
        for (const auto& item : group.value.items()) add_list(document, item, inputs);
    }
  }
}

}  // namespace

Inputs find_inputs(const std::string& path, const policy::ReadOptions& options) {
  Inputs inputs;
  const RecordingFiles files(*options.files, inputs);
  auto recorded = options;
  recorded.files = &files;
  Sources sources;
  Sink unheard;  // reading says it again
  policy::Context context(recorded, sources, unheard);
  policy::Variables variables(context);
  policy::Loader loader(context, variables);
  loader.load(path, std::nullopt);
  inputs.canonical = files.canonical(path);
  auto& documents = loader.documents();
  if (documents.empty()) {
    const auto text = options.files->read(path, policy::Limits::policy_bytes).text;
    inputs.shaped = text && looks_shaped(*text);
    return inputs;
  }
  inputs.shaped = is_shaped(documents.front().root);
  for (auto& document : documents) {
    if (&document != &documents.front())
      inputs.parts.push_back(files.canonical(sources.file(document.file).name()));
    document.expand(variables);
    add_lists(document, inputs);
  }
  return inputs;
}

std::set<std::string> find_policies(const std::map<std::string, Inputs>& files) {
  std::set<std::string> included;  // canonical paths
  for (const auto& [path, inputs] : files)
    if (inputs.shaped) included.insert(inputs.parts.begin(), inputs.parts.end());
  std::set<std::string> policies;
  std::set<std::string> reached;
  const auto take = [&](const std::string& path, const Inputs& inputs) {
    policies.insert(path);
    reached.insert(inputs.canonical);
    reached.insert(inputs.parts.begin(), inputs.parts.end());
  };
  for (const auto& [path, inputs] : files)
    if (inputs.shaped && !included.contains(inputs.canonical)) take(path, inputs);
  // What no policy leads to includes itself.
  for (const auto& [path, inputs] : files)
    if (inputs.shaped && !reached.contains(inputs.canonical)) take(path, inputs);
  return policies;
}

}  // namespace firewright::review
