// What the policies of a fleet's hosts have in common, read once: files as parsed TOML, groups of
// addresses that no variable has a part in, and exceptions that name nothing a host could define.
//
// Filled while hosts are prepared, by one thread; from then on any number of threads read from it.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "compiler/base/source.h"
#include "compiler/net/address_set.h"
#include "compiler/policy/document.h"

namespace firewright::policy {

// What a group says by itself: its addresses, and the groups that it names.
struct GroupContent {
  AddressSet set;
  std::vector<Spanned<std::string>> names;
  std::vector<ListFile> files;
};

struct SharedDocument {
  FileId file = FileId::none;
  std::string directory;
  Value root;                            // as written: variables stand for themselves
  std::vector<bool> mentions;            // one an entry of the root: whether a variable is in it
  std::vector<std::string> variables;    // all that its strings may mean, sorted
  std::map<Span, GroupContent> groups;   // by the place of their key; sound ones only
  std::map<Span, Exception> exceptions;  // by their own place; sound ones that hang on nothing else
};

// The names in "${name}" of all strings of a value; also of those that are written "$${name}".
void collect_variables(const Value& value, std::set<std::string>& names);

class Shared {
 public:
  // By the path that it was reached by; nullptr: not known.
  [[nodiscard]] const SharedDocument* find(const std::string& path) const;
  [[nodiscard]] const GroupContent* group(Span key) const;
  [[nodiscard]] const Exception* exception(Span span) const;
  void add(const std::string& path, SharedDocument document);

 private:
  [[nodiscard]] const SharedDocument* of_file(FileId file) const;

  std::map<std::string, SharedDocument> documents_;
  std::map<FileId, const SharedDocument*> by_file_;
};

}  // namespace firewright::policy
