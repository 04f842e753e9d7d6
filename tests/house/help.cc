#include "tests/house/help.h"

#include <array>
#include <cstdio>
#include <regex>
#include <sstream>

namespace firewright::house {

std::string printed_by(const std::string& command_line) {
  std::string out;
  FILE* pipe = popen(("LC_ALL=C; export LC_ALL; { " + command_line + "; } 2>&1").c_str(), "r");
  if (pipe == nullptr) return out;
  std::array<char, 4096> buffer{};
  while (const auto size = std::fread(buffer.data(), 1, buffer.size(), pipe))
    out.append(buffer.data(), size);
  pclose(pipe);
  return out;
}

std::string output_of(const std::string& arguments) {
  return printed_by(FIREWRIGHT_BINARY " " + arguments);
}

Options options_in(const std::string& line) {
  static const std::regex option(R"((--[a-z][a-z0-9-]*))");
  Options found;
  for (std::sregex_iterator it(line.begin(), line.end(), option), end; it != end; ++it)
    found.insert((*it)[1].str());
  return found;
}

Options options_of_help(const std::string& help) {
  Options found;
  std::istringstream lines(help);
  for (std::string line; std::getline(lines, line);) {
    const auto begin = line.find_first_not_of(' ');
    if (begin == 0 || begin == std::string::npos || line[begin] != '-') continue;
    // The head of the line; what is said about the option starts behind two blanks.
    found.merge(options_in(line.substr(begin, line.find("  ", begin) - begin)));
  }
  return found;
}

std::set<std::string> commands_of_help(const std::string& help) {
  static const std::regex heading(R"(^[A-Za-z ]*commands:)", std::regex::icase);
  static const std::regex entry(R"(^  ([a-z]+)  )");
  std::set<std::string> found;
  std::istringstream lines(help);
  bool inside = false;
  for (std::string line; std::getline(lines, line);) {
    std::smatch match;
    if (!line.empty() && line[0] != ' ') inside = std::regex_search(line, heading);
    if (inside && std::regex_search(line, match, entry)) found.insert(match[1].str());
  }
  return found;
}

}  // namespace firewright::house
