#include "compiler/policy/loader.h"

#include "compiler/policy/values.h"

namespace firewright::policy {
namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

std::string directory_of(const std::string& path) {
  const auto slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash + 1);
}

bool is_pattern(const std::string& path) { return path.find_first_of("*?[") != std::string::npos; }

std::string size_text(std::size_t bytes) { return std::to_string(bytes >> 20U) + " MiB"; }

}  // namespace

void Document::expand(Variables& variables) {
  const auto is_expanded = [](const Entry& entry) {
    return entry.key != "vars" && entry.key != "include";
  };
  if (shared == nullptr) {
    for (auto& entry : root.entries()) {
      if (is_expanded(entry)) variables.expand(entry.value);
      entries_.push_back(&entry);
    }
    return;
  }
  // Only what a variable has a part in is copied.
  const auto& all = shared->root.entries();
  root.type = Value::Type::table;
  auto& own = root.data.emplace<std::vector<Entry>>();
  own.reserve(all.size());  // they stay where they are
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!shared->mentions[i] || !is_expanded(all[i])) {
      entries_.push_back(&all[i]);
      continue;
    }
    own.push_back(all[i]);
    variables.expand(own.back().value);
    entries_.push_back(&own.back());
  }
}

std::string resolve_path(const std::string& directory, const std::string& path) {
  return path.starts_with('/') ? path : directory + path;
}

void Loader::load(const std::string& path, std::optional<std::string> text) {
  load_file(path, std::move(text), nullptr);
}

void Loader::load_file(const std::string& path, std::optional<std::string> text,
                       const Value* item) {
  const auto* shared =
      context_.options.shared == nullptr ? nullptr : context_.options.shared->find(path);
  FileContent content;
  if (shared != nullptr)
    content.text.emplace();
  else if (!text)
    content = context_.options.files->read(path, Limits::policy_bytes);
  else if (text->size() > Limits::policy_bytes)
    content.too_large = true;
  else
    content.text = std::move(text);
  if (!content.text) {
    report_unread(path, content, item);
    return;
  }
  const auto canonical = context_.options.files->canonical(path);
  seen_.insert(canonical);
  open_.push_back({.canonical = canonical, .included_at = item == nullptr ? Span{} : item->span});
  if (shared != nullptr) {
    Document document;
    document.file = shared->file;
    document.directory = shared->directory;
    document.shared = shared;
    take(std::move(document));
  } else {
    parse_file(path, std::move(*content.text));
  }
  open_.pop_back();
}

void Loader::report_unread(const std::string& path, const FileContent& content, const Value* item) {
  Value nowhere;
  const auto& at = item == nullptr ? nowhere : *item;
  if (content.too_large) {
    context_.report(Kind::file_too_large, at, {path, size_text(Limits::policy_bytes)});
  } else if (content.missing && item != nullptr) {
    context_.report(Kind::include_not_found, at, {path}).help =
        "paths are relative to the file that names them";
  } else {
    auto& diagnostic = context_.report(Kind::cannot_read, at, {path, content.error});
    if (item != nullptr && content.error == "is a directory")
      diagnostic.help =
          "write `" + path + (path.ends_with('/') ? "" : "/") + "*.toml` for all policies in it";
  }
}

void Loader::parse_file(const std::string& path, std::string text) {
  if (text.starts_with(byte_order_mark)) text.erase(0, byte_order_mark.size());
  const auto file = context_.sources.add(context_.options.files->shown(path), std::move(text));
  auto parsed = parse_document(file, context_.sources, context_.sink);
  if (!parsed) return;
  Document document;
  document.file = file;
  document.directory = directory_of(path);
  document.root = std::move(*parsed);
  take(std::move(document));
}

void Loader::take(Document taken) {
  const bool root = documents_.empty();
  documents_.push_back(std::move(taken));
  const auto& document = documents_.back();
  if (root) variables_.read_command_line();
  for (const auto& entry : document.written())
    if (entry.key == "vars") variables_.define(entry.value);
  for (const auto& entry : document.written())
    if (entry.key == "include") include_all(document, entry);
}

void Loader::include_all(const Document& document, const Entry& include) {
  Value value = include.value;
  variables_.expand(value);
  for_each_item(
      context_, value, "include",
      [&](const Value& item) {
        const auto* path = read_string(context_, item, "include");
        if (path == nullptr) return;
        if (path->empty() || path->find('\0') != std::string::npos)
          context_.report(Kind::include_not_found, item, {*path});
        else
          include_item(document, item);
      },
      true);
}

void Loader::include_item(const Document& document, const Value& item) {
  const auto path = resolve_path(document.directory, item.string());
  if (!is_pattern(item.string())) {
    include_path(path, item, false);
    return;
  }
  for (const auto& match : context_.options.files->glob(path)) include_path(match, item, true);
}

void Loader::include_path(const std::string& path, const Value& item, bool from_glob) {
  const auto canonical = context_.options.files->canonical(path);
  // A pattern that also matches the file that it stands in means the others.
  if (from_glob && open_.back().canonical == canonical) return;
  for (const auto& open : open_)
    if (open.canonical == canonical) {
      report_cycle(path, canonical, item);
      return;
    }
  if (seen_.contains(canonical)) return;
  if (open_.size() >= Limits::include_depth) {
    context_.report(Kind::include_limit, item,
                    {"nested deeper than " + std::to_string(Limits::include_depth)});
    return;
  }
  if (seen_.size() >= Limits::files) {
    if (!too_many_reported_)
      context_.report(Kind::include_limit, item,
                      {"more than " + std::to_string(Limits::files) + " files"});
    too_many_reported_ = true;
    return;
  }
  load_file(path, std::nullopt, &item);
}

void Loader::report_cycle(const std::string& path, const std::string& canonical,
                          const Value& item) {
  auto& diagnostic = context_.report(Kind::include_cycle, item, {path});
  bool inside = false;
  for (const auto& open : open_) {
    if (inside && open.included_at.known())
      diagnostic.labels.push_back({.span = open.included_at, .text = "reached through this"});
    inside = inside || open.canonical == canonical;
  }
}

}  // namespace firewright::policy
