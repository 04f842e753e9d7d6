// Rules as a table of recorded ones holds them: a line each, 21 columns that are the tags of netsh,
// every cell a word in quotes of a shell in quotes of a spreadsheet.
//
// And what each of them means, read from its cells without the decoder: products of sets, with the
// words that only Windows can look up beside them.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/ir/program.h"

namespace firewright::netsh::test {

struct RecordedRule {
  std::size_t line = 0;  // of the table, from 1
  std::string name, description, enable, dir, profile, group, localip, remoteip, protocol, types,
      localport, remoteport, edge, program, service, interfacetype, rmtcomputergrp, rmtusrgrp,
      security, source, action;

  [[nodiscard]] bool inbound() const { return dir == "in"; }
  [[nodiscard]] bool enabled() const { return enable == "yes"; }
};

// The word in a cell: `"%SystemRoot%""\\a.exe"""` is %SystemRoot%\a.exe. No value: it is none.
[[nodiscard]] std::optional<std::string> cell_word(std::string_view cell);
// The same the other way; not every cell of the record is written like this.
[[nodiscard]] std::string cell_of(std::string_view word);
// The first line of a table.
[[nodiscard]] std::string table_head();
// No value: the text is no such table; `why` says where.
[[nodiscard]] std::optional<std::vector<RecordedRule>> read_table(std::string_view text,
                                                                  std::string& why);

// One product of what a rule matches. Outside of `unsaid` nothing is missing in it.
struct Meaning {
  ir::Match match;
  std::vector<std::string> unsaid;  // "remoteip=localsubnet": what the IR has no word for
};
// One for each choice of addresses, ports and ICMP types, those that are numbers together. No
// value: a cell is not understood.
[[nodiscard]] std::optional<std::vector<Meaning>> meanings(const RecordedRule& rule);
// The words of all meanings, each once, in the order of the columns.
[[nodiscard]] std::vector<std::string> unsaid(const std::vector<Meaning>& meanings);

// netsh has no way to write a quote within a value.
[[nodiscard]] bool can_be_quoted(std::string_view value);
// The rule in its own words, a line for each ICMP type; `enable` instead of its own. A description
// that cannot be quoted is left out.
[[nodiscard]] std::vector<std::string> direct_lines(const RecordedRule& rule,
                                                    std::string_view enable);

}  // namespace firewright::netsh::test
