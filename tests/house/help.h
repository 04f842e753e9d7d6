// What the command says that it understands: the text of its `--help`, taken apart.
#pragma once

#include <set>
#include <string>

namespace firewright::house {

using Options = std::set<std::string>;

// What a shell's command line prints, errors included.
[[nodiscard]] std::string printed_by(const std::string& command_line);
// What the command prints.
[[nodiscard]] std::string output_of(const std::string& arguments);
// The long options in a line.
[[nodiscard]] Options options_in(const std::string& line);
// The options that a help text lists: those that lines begin with.
[[nodiscard]] Options options_of_help(const std::string& help);
// The commands that the help text lists under a heading with "commands" in it.
[[nodiscard]] std::set<std::string> commands_of_help(const std::string& help);

}  // namespace firewright::house
