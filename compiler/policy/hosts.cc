#include "compiler/policy/hosts.h"

#include <algorithm>
#include <array>

#include "compiler/policy/loader.h"
#include "compiler/policy/names.h"
#include "compiler/policy/values.h"

namespace firewright::policy {
namespace {

constexpr std::size_t longest_name = 253;  // of a name in the DNS
constexpr std::string_view how_to_write =
    "write `[hosts.NAME]` and `vars`, `facts` or `policy` below";

class HostsReader {
 public:
  HostsReader(Context& context, std::string directory)
      : context_(context), directory_(std::move(directory)) {}

  std::vector<Host> read(const Value& root, FileId file) {
    const Entry* hosts = nullptr;
    for (const auto& entry : root.entries()) {
      if (entry.key == "hosts")
        hosts = &entry;
      else
        report_unknown(entry, "a file of hosts", "hosts are `[hosts.NAME]`");
    }
    if (hosts == nullptr || (hosts->value.is(Value::Type::table) && hosts->value.entries().empty()))
      context_
          .report(Kind::missing_key, Span{.file = file, .begin = 0, .end = 0},
                  {"a file of hosts", "hosts"})
          .help = how_to_write;
    std::vector<Host> result;
    if (hosts == nullptr || !is_table(context_, hosts->value, "hosts", how_to_write)) return result;
    for (const auto& entry : hosts->value.entries()) result.push_back(read_host(entry));
    return result;
  }

 private:
  Host read_host(const Entry& entry) {
    Host host;
    host.name = entry.key;
    host.span = entry.key_span;
    if (!is_host_name(entry.key))
      context_.report(Kind::bad_name, entry.key_span, {entry.key, "host"}).help =
          "its outputs go to a folder of that name: letters, digits, `.`, `-` and `_`, and neither "
          "`.` nor `-` first";
    if (!is_table(context_, entry.value, entry.key, how_to_write)) return host;
    for (const auto& key : entry.value.entries()) {
      if (key.key == "facts")
        read_facts_paths(key, host);
      else if (key.key == "vars")
        read_vars(key, host);
      else if (key.key == "policy")
        read_policy_path(key, host);
      else
        report_unknown(key, "a host",
                       key.value.is(Value::Type::table)
                           ? "a name with dots stands in quotes: `[hosts.\"web1.example.org\"]`"
                           : "variables of the policy stand under `vars`");
    }
    return host;
  }

  void report_unknown(const Entry& entry, std::string_view where, std::string_view help) {
    context_.report(Kind::unknown_key, entry.key_span, {entry.key, std::string(where)}).help = help;
  }

  // Not empty, and nothing that the system would cut short.
  const std::string* read_path(const Value& value, std::string_view key) {
    const auto* path = read_string(context_, value, key);
    if (path == nullptr || (!path->empty() && path->find('\0') == std::string::npos)) return path;
    context_.report(Kind::cannot_read, value, {*path, "not a path"});
    return nullptr;
  }

  void read_facts_paths(const Entry& entry, Host& host) {
    for_each_item(
        context_, entry.value, entry.key,
        [&](const Value& item) {
          if (const auto* path = read_path(item, entry.key))
            host.facts.push_back({.value = resolve_path(directory_, *path), .span = item.span});
        },
        true);
  }

  void read_policy_path(const Entry& entry, Host& host) {
    if (const auto* path = read_path(entry.value, entry.key))
      host.policy = resolve_path(directory_, *path);
  }

  void read_vars(const Entry& entry, Host& host) {
    if (!is_table(context_, entry.value, entry.key, "write `vars = { name = \"value\" }`")) return;
    for (const auto& variable : entry.value.entries()) {
      if (!is_variable_name(variable.key)) {
        context_.report(Kind::bad_name, variable.key_span, {variable.key, "variable"}).help =
            "a name is made of letters, digits, `-`, `_` and `.`";
        continue;
      }
      const auto scalar = [](const Value& value) {
        return value.is(Value::Type::string) || value.is(Value::Type::integer);
      };
      const auto& value = variable.value;
      if (scalar(value) || (value.is(Value::Type::array) &&
                            std::all_of(value.items().begin(), value.items().end(), scalar)))
        host.vars.push_back({.name = variable.key, .value = value});
      else
        wrong_type(context_, value, variable.key, "a string, an integer or an array of these");
    }
  }

  Context& context_;
  std::string directory_;
};

}  // namespace

bool is_host_name(std::string_view name) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' ||
           c == '-' || c == '_';
  };
  return !name.empty() && name.size() <= longest_name && name[0] != '.' && name[0] != '-' &&
         std::all_of(name.begin(), name.end(), fits);
}

std::vector<Host> read_hosts(const std::string& path, const FileSystem& files, Sources& sources,
                             Sink& sink) {
  const ReadOptions options{.files = &files,
                            .owners = nullptr,
                            .set_vars = {},
                            .vars_files = {},
                            .facts = nullptr,
                            .shared = nullptr};
  Context context(options, sources, sink);
  auto content = files.read(path, Limits::policy_bytes);
  if (!content.text) {
    context.report(Kind::cannot_read, Span{}, {path, content.error});
    return {};
  }
  if (content.text->starts_with("\xEF\xBB\xBF")) content.text->erase(0, 3);
  const auto file = sources.add(path, std::move(*content.text));
  const auto root = parse_document(file, sources, sink);
  if (!root) return {};
  return HostsReader(context, path.substr(0, path.rfind('/') + 1)).read(*root, file);
}

}  // namespace firewright::policy
