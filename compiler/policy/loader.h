// The files of a policy: the root, and all that it includes, each read once.
//
// Knows the keys `include` and `vars` only. Paths are relative to the file that names them.
#pragma once

#include <deque>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "compiler/policy/context.h"
#include "compiler/policy/shared.h"
#include "compiler/policy/variables.h"

namespace firewright::policy {

struct Document {
  FileId file = FileId::none;
  std::string directory;  // of the file, with a '/' at the end; empty for this directory
  Value root;             // a table: all of it, or of a shared file the entries that differ
  const SharedDocument* shared = nullptr;

  // As it was written, but for variables.
  [[nodiscard]] const std::vector<Entry>& written() const {
    return shared == nullptr ? root.entries() : shared->root.entries();
  }
  // With variables put in, once that was done.
  [[nodiscard]] const std::vector<const Entry*>& entries() const { return entries_; }
  void expand(Variables& variables);

 private:
  std::vector<const Entry*> entries_;
};

// `path` as seen from `directory`.
[[nodiscard]] std::string resolve_path(const std::string& directory, const std::string& path);

class Loader {
 public:
  Loader(Context& context, Variables& variables) : context_(context), variables_(variables) {}

  void load(const std::string& path, std::optional<std::string> text);
  // The root first, then includes in reading order, depth first.
  [[nodiscard]] std::deque<Document>& documents() { return documents_; }

 private:
  struct Open {  // a file that is being read, with those that it includes
    std::string canonical;
    Span included_at;
  };

  // `item`: what includes it; nullptr for the root.
  void load_file(const std::string& path, std::optional<std::string> text, const Value* item);
  void report_unread(const std::string& path, const FileContent& content, const Value* item);
  void parse_file(const std::string& path, std::string text);
  void take(Document document);
  void include_all(const Document& document, const Entry& include);
  void include_item(const Document& document, const Value& item);
  void include_path(const std::string& path, const Value& item, bool from_glob);
  void report_cycle(const std::string& path, const std::string& canonical, const Value& item);

  Context& context_;
  Variables& variables_;
  std::deque<Document> documents_;
  std::vector<Open> open_;
  std::set<std::string> seen_;  // canonical paths
  bool too_many_reported_ = false;
};

}  // namespace firewright::policy
