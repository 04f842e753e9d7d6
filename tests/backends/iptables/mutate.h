// Damage to iptables-restore files: what a slip in an encoder, a bad merge or a hand in a hurry
// makes of them. Kinds that change what a file means at some place, and kinds that never do.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace firewright::iptables::test {

using FileLines = std::vector<std::string>;
using Words = std::vector<std::string>;  // of a line, quotes kept

[[nodiscard]] FileLines lines_of(const std::string& text);
[[nodiscard]] std::string text_of(const FileLines& lines);
[[nodiscard]] Words words_of(const std::string& line);

struct MutantKind {
  std::string name;
  // Each way to do this damage to the file.
  std::function<std::vector<FileLines>(const FileLines&)> mutants;
};

[[nodiscard]] const std::vector<MutantKind>& damages();
// What another spelling, order or name may be without any difference.
[[nodiscard]] const std::vector<MutantKind>& harmless_changes();

}  // namespace firewright::iptables::test
