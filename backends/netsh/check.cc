#include "backends/netsh/check.h"

#include <algorithm>
#include <optional>
#include <set>
#include <utility>

#include "backends/netsh/check_values.h"
#include "backends/netsh/command.h"

namespace firewright::netsh {
namespace {

constexpr std::size_t longest_file_line = 1000;
constexpr std::size_t longest_batch_line = 8000;

struct Line {
  std::string_view text;
  bool terminated = true;  // by CR and LF
};

std::vector<Line> split_lines(std::string_view text) {
  std::vector<Line> lines;
  while (!text.empty()) {
    const auto end = text.find('\n');
    std::string_view line = text.substr(0, end);
    const bool cr = line.ends_with('\r');
    if (cr) line.remove_suffix(1);
    lines.push_back({line, cr && end != std::string_view::npos});
    if (end == std::string_view::npos) break;
    text.remove_prefix(end + 1);
  }
  return lines;
}

bool known_tag(const std::string& tag) {
  static constexpr std::string_view tags[] = {
      "name",     "dir",           "action",         "program",   "service",   "description",
      "enable",   "profile",       "localip",        "remoteip",  "localport", "remoteport",
      "protocol", "interfacetype", "rmtcomputergrp", "rmtusrgrp", "edge",      "security",
  };
  return std::find(std::begin(tags), std::end(tags), tag) != std::end(tags);
}

// `firewright-` and 16 digits, and perhaps `-block`: the generation.
std::optional<std::string> generation_of(std::string_view name) {
  constexpr std::string_view prefix = "firewright-";
  if (name.ends_with("-block")) name.remove_suffix(6);
  if (!name.starts_with(prefix) || name.size() != prefix.size() + 16) return std::nullopt;
  for (const char c : name.substr(prefix.size()))
    if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'))) return std::nullopt;
  return std::string(name);
}

// %NAME%, and perhaps `-block`: a name that the batch file knows only when it runs.
bool is_variable(std::string_view name) {
  if (name.ends_with("-block")) name.remove_suffix(6);
  if (name.size() < 3 || name.front() != '%' || name.back() != '%') return false;
  name = name.substr(1, name.size() - 2);
  return std::all_of(name.begin(), name.end(),
                     [](char c) { return (c >= 'A' && c <= 'Z') || c == '_'; });
}

class Checker {
 public:
  Checker(ScriptMode mode, const Expected& expected) : mode_(mode), expected_(expected) {}

  std::vector<Finding> run(std::string_view text) {
    const auto lines = split_lines(text);
    for (std::size_t i = 0; i < lines.size(); ++i) {
      line_ = i + 1;
      check_bytes(lines[i]);
      if (mode_ == ScriptMode::file)
        check_command(lines[i].text);
      else
        check_batch_line(lines, i);
    }
    return std::move(findings_);
  }

 private:
  void add(std::string rule, std::string text) {
    findings_.push_back({.rule = std::move(rule), .line = line_, .text = std::move(text)});
  }
  void add(const std::optional<Wrong>& wrong) {
    if (wrong) add(wrong->rule, wrong->text);
  }
  [[nodiscard]] bool batch() const { return mode_ == ScriptMode::batch; }

  void check_bytes(const Line& line) {
    if (!line.terminated) add("V2", "no CR and LF at the end");
    if (!std::all_of(line.text.begin(), line.text.end(),
                     [](char c) { return c >= ' ' && c <= '~'; }))
      add("V2", "a character that is not printable ASCII");
    if (line.text.size() > (batch() ? longest_batch_line : longest_file_line))
      add("V2", "the line is too long");
  }

  void check_command(std::string_view line) {
    const auto command = parse_command(line);
    if (!command) {
      add("V5", "a quote is not closed");
      return;
    }
    switch (command->kind) {
      case CommandKind::blank:
      case CommandKind::comment: return;
      case CommandKind::other: add("V1", "not a command that is known here"); return;
      case CommandKind::set_profiles: check_profile_setting(*command); return;
      case CommandKind::add_rule: check_add(*command); return;
      case CommandKind::delete_rule: check_delete(*command); return;
      case CommandKind::set_rule: check_set(*command); return;
    }
  }

  void check_profile_setting(const Command& command) {
    if (command.words.size() == 2) {
      const auto& what = command.words[0].text;
      const auto& value = command.words[1].text;
      if (what == "state" && value == "on") return;
      if (what == "firewallpolicy") {
        const auto halves = split_list(value);
        if (halves.size() == 2 && (halves[0] == "blockinbound" || halves[0] == "allowinbound") &&
            (halves[1] == "blockoutbound" || halves[1] == "allowoutbound"))
          return;
      }
    }
    add("V1", "not a setting that is known here");
  }

  void check_tags(const Command& command, const std::vector<Tag>& tags) {
    std::set<std::string> seen;
    for (const auto& word : command.words) add("V3", "`" + word.text + "` is no tag with a value");
    for (const auto& tag : tags) {
      if (!known_tag(tag.name)) add("V3", "`" + tag.name + "` is no tag");
      if (!seen.insert(tag.name).second) add("V3", "`" + tag.name + "` twice");
      if (tag.value.empty()) add("V3", "`" + tag.name + "` has no value");
      const bool blank = tag.value.find(' ') != std::string::npos;
      if (!tag.tidy || blank != tag.quoted) add("V5", "the quotes of `" + tag.name + "`");
    }
  }

  void check_name(const std::string& name, bool adds) {
    if (batch() && !adds && is_variable(name)) return;
    add(check_text(name, batch()));
    if (lower_case(name) == "all") {
      add("V6", "the name `" + name + "`");
      return;
    }
    const auto generation = generation_of(name);
    if (!generation)
      add("V20", "`" + name + "` is no generation's name");
    else if (generation_.empty())
      generation_ = *generation;
    else if (generation_ != *generation)
      add("V20", "`" + name + "` is of another generation");
  }

  void check_add(const Command& command) {
    check_tags(command, command.tags);
    for (const char* tag : {"name", "dir", "action"})
      if (!command.value(tag)) add("V4", std::string("no ") + tag);
    if (const auto name = command.value("name")) check_name(*name, true);
    if (const auto text = command.value("description")) add(check_text(*text, batch()));
    check_direction(command);
    if (const auto action = command.value("action")) {
      if (*action != "allow" && *action != "block") add("V8", "`" + *action + "`");
      if (*action == "block" && !expected_.blocks) add("V21", "the policy denies nothing");
    }
    if (const auto enable = command.value("enable"); enable && *enable != "yes" && *enable != "no")
      add("V3", "`enable` is yes or no");
    check_transport(command);
    check_sides(command);
    check_owner(command);
    const auto profile = command.value("profile");
    if (!profile)
      add("V19", "no profile");
    else
      add(check_profiles(*profile, expected_.profiles));
  }

  void check_direction(const Command& command) {
    const auto dir = command.value("dir");
    if (dir && *dir != "in" && *dir != "out") add("V7", "`" + *dir + "`");
  }

  void check_transport(const Command& command) {
    const auto protocol = command.value("protocol").value_or("any");
    add(check_protocol(protocol));
    for (const char* tag : {"localport", "remoteport"}) {
      const auto ports = command.value(tag);
      if (!ports) continue;
      if (!has_port_tags(protocol)) add("V10", "ports of `" + protocol + "`");
      add(check_ports(*ports, expected_.keywords));
      for (const auto& item : split_list(*ports))
        if (is_port_keyword(item) && command.value("dir") != "in")
          add("V12", "`" + item + "` is for inbound rules");
    }
  }

  void check_sides(const Command& command) {
    FamilySet local, remote;
    const auto localip = command.value("localip");
    const auto remoteip = command.value("remoteip");
    if (localip) {
      for (const auto& item : split_list(*localip))
        if (is_address_keyword(item)) add("V15", "`" + item + "` as localip");
      add(check_addresses(*localip, true, local));
    }
    if (remoteip) add(check_addresses(*remoteip, expected_.keywords, remote));
    if (localip && remoteip && (!(local == remote) || local.size() != 1))
      add("V16", "localip and remoteip are not of the same one family");
    if (const auto type = command.value("interfacetype")) {
      if (!expected_.interface_types) add("V17", "the policy names no interface types");
      if (localip) add("V17", "interfacetype with localip");
    }
  }

  void check_owner(const Command& command) {
    if (const auto program = command.value("program")) {
      if (!expected_.programs) add("V18", "the policy names no program");
      add(check_program(*program));
    }
    if (const auto service = command.value("service")) {
      if (!expected_.services) add("V18", "the policy names no service");
      add(check_service(*service));
    }
    for (const char* tag : {"rmtcomputergrp", "rmtusrgrp", "edge", "security"})
      if (command.value(tag)) add("V18", std::string("`") + tag + "`");
  }

  void check_delete(const Command& command) {
    check_tags(command, command.tags);
    check_direction(command);
    const auto name = command.value("name");
    if (!name)
      add("V4", "no name");
    else
      check_name(*name, false);
  }

  // Either all rules of a direction are disabled, or those of the generation enabled.
  void check_set(const Command& command) {
    check_tags(command, command.tags);
    check_tags(Command{}, command.new_tags);
    check_direction(command);
    const auto name = command.value("name");
    if (!name) {
      add("V4", "no name");
      return;
    }
    const bool enables = command.new_tags.size() == 1 && command.new_tags[0].name == "enable";
    const std::string value = enables ? command.new_tags[0].value : "";
    if (!command.has_new || (value != "yes" && value != "no"))
      add("V1", "set rule does something other than to enable or disable");
    if (*name != "all") {
      check_name(*name, false);
    } else if (value != "no" || !command.value("dir") || command.tags.size() != 2) {
      add("V20", "name=all, for something else than to disable one direction");
    }
  }

  // --- batch files

  // What stands behind the name of netsh, if the line calls it: up to a redirection or the next
  // command.
  static std::optional<std::string_view> netsh_arguments(std::string_view line) {
    for (const std::string_view command : {"\"%FW_NETSH%\" ", "netsh ", "netsh.exe "}) {
      if (!lower_case(line).starts_with(lower_case(command))) continue;
      line.remove_prefix(command.size());
      bool quotes = false;
      std::size_t end = 0;
      for (; end < line.size(); ++end) {
        if (line[end] == '"') quotes = !quotes;
        if (!quotes && std::string_view("><&|").find(line[end]) != std::string_view::npos) break;
      }
      line = line.substr(0, end);
      while (line.ends_with(' ')) line.remove_suffix(1);
      return line;
    }
    return std::nullopt;
  }

  static bool hides_netsh(std::string_view line) {
    const std::string lower = lower_case(line);
    if (lower.find("netsh") == std::string::npos) return false;
    for (const std::string_view harmless : {"rem ", "echo ", "set \"fw_netsh="})
      if (lower.starts_with(harmless)) return false;
    return true;
  }

  static bool tests_result(std::string_view line) {
    for (const std::string_view test : {"|| goto ", "&& goto ", "|| exit /b ", "&& exit /b "})
      if (line.find(test) != std::string_view::npos) return true;
    return false;
  }

  // The line behind notices the failure: by the exit code, or by looking for the rules.
  static bool next_tests(const std::vector<Line>& lines, std::size_t index) {
    if (index + 1 >= lines.size()) return false;
    const auto line = lines[index + 1].text;
    if (lower_case(line).starts_with("if errorlevel 1 ")) return true;
    const auto arguments = netsh_arguments(line);
    return arguments && arguments->starts_with("advfirewall firewall show rule ") &&
           tests_result(line);
  }

  void check_batch_line(const std::vector<Line>& lines, std::size_t index) {
    const auto line = lines[index].text;
    const auto arguments = netsh_arguments(line);
    if (!arguments) {
      if (hides_netsh(line)) add("V1", "netsh is called in the middle of a line");
      return;
    }
    const bool shows = arguments->starts_with("advfirewall firewall show rule ");
    const bool deletes = arguments->starts_with("advfirewall firewall delete rule ");
    // To delete what is not there is a failure that means nothing.
    if (!deletes && !tests_result(line) && !next_tests(lines, index))
      add("V22", "nobody looks at the exit code");
    const bool whole = arguments->starts_with("-f ") ||
                       arguments->starts_with("advfirewall export ") ||
                       arguments->starts_with("advfirewall import ");
    if (!shows && !whole) check_command(*arguments);
  }

  const ScriptMode mode_;
  const Expected& expected_;
  std::size_t line_ = 0;
  std::string generation_;
  std::vector<Finding> findings_;
};

}  // namespace

std::vector<Finding> check_script(std::string_view text, ScriptMode mode,
                                  const Expected& expected) {
  return Checker(mode, expected).run(text);
}

}  // namespace firewright::netsh
