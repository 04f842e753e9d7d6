#include "backends/netsh/decode_driver.h"

#include <algorithm>
#include <string_view>
#include <vector>

#include "backends/netsh/check.h"
#include "backends/netsh/decode_words.h"

namespace firewright::netsh {
namespace {

using backend::ArtifactFile;

constexpr std::string_view call = "\"%FW_NETSH%\" ";

bool is_driver(const ArtifactFile& file) { return file.part == "apply" || file.part == "rollback"; }

std::string_view next_line(std::string_view& rest) {
  const auto end = std::min(rest.find('\n'), rest.size());
  auto line = rest.substr(0, end);
  rest.remove_prefix(std::min(end + 1, rest.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

class Driver {
 public:
  Driver(const Sources& sources, const ArtifactFile& file, Sink& sink)
      : file_(file.file), text_(sources.file(file.file).text()), sink_(sink) {}

  // Whether netsh is called in a way that hides what it does, or that hides its failure.
  void check_calls() {
    for (const auto& finding : check_script(text_, ScriptMode::batch))
      sink_.report(Kind::artifact_syntax, line_span(finding.line), {"apply.cmd", finding.text});
  }

  // From the backup to the success message: the part that is run when nothing fails. Behind it
  // stand the ways back.
  void follow(const std::vector<std::string_view>& phases) {
    bool changing = false;
    bool done = false;
    std::vector<std::string_view> run;
    auto rest = text_;
    while (!rest.empty()) {
      const auto begin = text_.size() - rest.size();
      const auto line = next_line(rest);
      here_ = {.file = file_,
               .begin = static_cast<std::uint32_t>(begin),
               .end = static_cast<std::uint32_t>(begin + line.size())};
      if (line == ":change") changing = true;
      if (changing && line.starts_with("echo changed ")) done = true;
      constexpr std::string_view name = "set \"FW_NEW=";
      if (line.starts_with(name) && line.ends_with('"'))
        generation_ = line.substr(name.size(), line.size() - name.size() - 1);
      if (line.starts_with(call))
        follow_call(line.substr(call.size()), changing && !done, run);
      else if (const auto word = in_lower_case(line.substr(0, line.find(' ')));
               word == "netsh" || word == "netsh.exe")
        unknown(line);
    }
    if (!done) {
      sink_.report(Kind::artifact_part_missing, {}, {"apply.cmd does not reach its end"});
      return;
    }
    compare(run, phases);
  }

  void check_names(const std::vector<const StoredRule*>& rules) {
    for (const auto* rule : rules) {
      std::string_view name = rule->name;
      if (name.ends_with("-block")) name.remove_suffix(6);
      if (name == generation_) continue;
      sink_.report(Kind::artifact_conflict, rule->span,
                   {"apply.cmd loads `" + std::string(generation_) +
                    "`, and this rule is called `" + rule->name + "`"});
      return;
    }
  }

 private:
  void unknown(std::string_view what) {
    sink_.report(Kind::artifact_unknown, here_, {std::string(what.substr(0, 60))});
  }

  void follow_call(std::string_view arguments, bool counts, std::vector<std::string_view>& run) {
    for (const std::string_view harmless :
         {"advfirewall firewall show rule ", "advfirewall export ", "advfirewall import "})
      if (arguments.starts_with(harmless)) return;
    constexpr std::string_view file = "-f \"%FW_HERE%";
    if (arguments.starts_with(file)) {
      const auto name = arguments.substr(file.size());
      if (counts) run.push_back(name.substr(0, name.find_first_of(".\"")));
      return;
    }
    // The generation before; and behind the success message, the one that could not be loaded.
    constexpr std::string_view remove = "advfirewall firewall delete rule name=";
    if (arguments.starts_with(remove)) {
      const auto name =
          arguments.substr(remove.size(), arguments.find(' ', remove.size()) - remove.size());
      const bool of_old = name == "%FW_OLD%" || name == "%FW_OLD%-block";
      const bool of_new = name == "%FW_NEW%" || name == "%FW_NEW%-block";
      if (of_old || (of_new && !counts)) return;
    }
    unknown(arguments);
  }

  void compare(const std::vector<std::string_view>& run,
               const std::vector<std::string_view>& phases) {
    bool whole = true;
    for (const auto& name : run) {
      if (std::find(phases.begin(), phases.end(), name) != phases.end()) continue;
      sink_.report(Kind::artifact_part_missing, {},
                   {"apply.cmd runs `" + std::string(name) + "`, which is not among its files"});
      whole = false;
    }
    for (const auto& name : phases) {
      if (std::find(run.begin(), run.end(), name) != run.end()) continue;
      sink_.report(Kind::artifact_conflict, {},
                   {"apply.cmd does not run `" + std::string(name) + "`"});
      whole = false;
    }
    if (whole && run != phases)
      sink_.report(Kind::artifact_conflict, {},
                   {"apply.cmd runs the phases in another order than they are given in"});
  }

  [[nodiscard]] Span line_span(std::size_t number) const {
    auto rest = text_;
    for (std::size_t i = 1; i < number; ++i) (void)next_line(rest);
    const auto begin = static_cast<std::uint32_t>(text_.size() - rest.size());
    const auto length = static_cast<std::uint32_t>(next_line(rest).size());
    return {.file = file_, .begin = begin, .end = begin + length};
  }

  const FileId file_;
  const std::string_view text_;
  Sink& sink_;
  Span here_;
  std::string_view generation_;  // what is loaded
};

}  // namespace

void check_driver(const Sources& sources, std::span<const ArtifactFile> files,
                  const FirewallStore& store, Sink& sink) {
  std::vector<std::string_view> phases;
  for (const auto& file : files)
    if (!is_driver(file)) phases.emplace_back(file.part);
  for (const auto& file : files) {
    if (!is_driver(file)) continue;
    Driver driver(sources, file, sink);
    driver.check_calls();
    if (file.part != "apply") continue;
    driver.follow(phases);
    driver.check_names(store.rules());
  }
}

}  // namespace firewright::netsh
