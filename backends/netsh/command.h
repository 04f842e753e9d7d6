// One line of a netsh script as its words: what kind of command it is, and its tags and values.
//
// This is the reading side. It knows how netsh takes a line apart and nothing about how our own
// lines are made; encode and its helpers are not used here.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace firewright::netsh {

// A word with its quotes taken off.
struct Word {
  std::string text;
  bool quoted = false;  // some of it stood in quotes
  bool tidy = true;     // either no quotes at all, or one pair round all behind the first `=`
};

struct Tag {
  std::string name;
  std::string value;
  bool quoted = false;
  bool tidy = true;
};

enum class CommandKind { blank, comment, add_rule, delete_rule, set_rule, set_profiles, other };

struct Command {
  CommandKind kind = CommandKind::other;
  std::vector<Tag> tags;      // of add, delete and set rule
  std::vector<Tag> new_tags;  // of set rule, behind `new`
  std::vector<Word> words;    // behind `set allprofiles`, and words that are no tags
  bool has_new = false;

  // The value of a tag; nothing if it is not there.
  [[nodiscard]] std::optional<std::string> value(std::string_view tag) const;
};

// Nothing: a quote is not closed.
[[nodiscard]] std::optional<std::vector<Word>> split_words(std::string_view line);
[[nodiscard]] std::optional<Command> parse_command(std::string_view line);

}  // namespace firewright::netsh
