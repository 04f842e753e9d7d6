// Policies of several files: includes, variables, facts. The input is the files one behind the
// other, each under a line `=== PATH`; what stands before the first is policy.toml. The lines of
// `--set` are arguments of that option, and facts.json is given to --vars.
#include <string>

#include "fuzz/checked_policy.h"
#include "fuzz/property.h"

namespace {

using namespace firewright;

constexpr std::string_view mark = "\n=== ";
constexpr std::size_t most_files = 32;

void add(fuzz::PolicyInput& input, std::string path, std::string_view text) {
  if (path == "facts.json") input.vars_files = {path};
  if (path != "--set") {
    input.files.files[std::move(path)] = text;
    return;
  }
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    input.set_vars.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

fuzz::PolicyInput split(std::string_view text) {
  fuzz::PolicyInput input;
  std::string path = input.root;
  for (;;) {
    const auto end = input.files.files.size() < most_files ? text.find(mark) : text.npos;
    if (end == text.npos) break;
    add(input, std::move(path), text.substr(0, end + 1));
    text.remove_prefix(end + mark.size());
    const auto line_end = std::min(text.find('\n'), text.size());
    path = text.substr(0, line_end);
    text.remove_prefix(line_end);  // the line's end may be the beginning of the next mark
  }
  add(input, std::move(path), text);
  return input;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::check_policy(split(fuzz::text_of(data, size)));
  return 0;
}
