#include "backends/netsh/command.h"

#include <cstddef>
#include <initializer_list>
#include <utility>

namespace firewright::netsh {
namespace {

Tag to_tag(const Word& word) {
  const auto equals = word.text.find('=');
  return {.name = word.text.substr(0, equals),
          .value = word.text.substr(equals + 1),
          .quoted = word.quoted,
          .tidy = word.tidy};
}

bool begins_with(const std::vector<Word>& words, std::initializer_list<std::string_view> wanted) {
  if (words.size() < wanted.size()) return false;
  std::size_t i = 0;
  for (const auto word : wanted)
    if (words[i++].text != word) return false;
  return true;
}

void read_tags(Command& command, const std::vector<Word>& words, std::size_t from) {
  for (std::size_t i = from; i < words.size(); ++i) {
    if (words[i].text == "new" && command.kind == CommandKind::set_rule && !command.has_new)
      command.has_new = true;
    else if (words[i].text.find('=') == std::string::npos)
      command.words.push_back(words[i]);
    else
      (command.has_new ? command.new_tags : command.tags).push_back(to_tag(words[i]));
  }
}

}  // namespace

std::optional<std::string> Command::value(std::string_view tag) const {
  for (const auto& candidate : tags)
    if (candidate.name == tag) return candidate.value;
  return std::nullopt;
}

std::optional<std::vector<Word>> split_words(std::string_view line) {
  std::vector<Word> words;
  std::size_t i = 0;
  while (true) {
    while (i < line.size() && line[i] == ' ') ++i;
    if (i == line.size()) return words;
    Word word;
    std::size_t quotes = 0;
    bool inside = false;
    const std::size_t begin = i;
    for (; i < line.size() && (inside || line[i] != ' '); ++i) {
      if (line[i] != '"') {
        word.text += line[i];
        continue;
      }
      inside = !inside;
      ++quotes;
      const bool opens = quotes == 1 && (i == begin || line[i - 1] == '=');
      const bool closes = quotes == 2 && (i + 1 == line.size() || line[i + 1] == ' ');
      if (!opens && !closes) word.tidy = false;
    }
    if (inside) return std::nullopt;
    word.quoted = quotes > 0;
    words.push_back(std::move(word));
  }
}

std::optional<Command> parse_command(std::string_view line) {
  const auto words = split_words(line);
  Command command;
  if (line.starts_with("# ") || line == "#") {
    command.kind = CommandKind::comment;
    return command;
  }
  if (!words) return std::nullopt;
  if (words->empty()) {
    command.kind = CommandKind::blank;
  } else if (begins_with(*words, {"advfirewall", "firewall", "add", "rule"})) {
    command.kind = CommandKind::add_rule;
    read_tags(command, *words, 4);
  } else if (begins_with(*words, {"advfirewall", "firewall", "delete", "rule"})) {
    command.kind = CommandKind::delete_rule;
    read_tags(command, *words, 4);
  } else if (begins_with(*words, {"advfirewall", "firewall", "set", "rule"})) {
    command.kind = CommandKind::set_rule;
    read_tags(command, *words, 4);
  } else if (begins_with(*words, {"advfirewall", "set", "allprofiles"})) {
    command.kind = CommandKind::set_profiles;
    command.words.assign(words->begin() + 3, words->end());
  } else {
    command.words = *words;
  }
  return command;
}

}  // namespace firewright::netsh
