#include "backends/netsh/encode.h"

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backends/netsh/driver.h"

namespace firewright::netsh {
namespace {

using Lines = std::vector<std::string>;

std::string text(const Lines& lines) {
  std::string result;
  for (const auto& line : lines) result += line + "\r\n";
  return result;
}

Lines header(const Generation& generation, std::string_view what) {
  Lines lines{"# Firewright, generation " + generation.name};
  if (!generation.policy_name.empty()) lines.push_back("# policy: " + generation.policy_name);
  lines.push_back("# " + std::string(what));
  return lines;
}

Lines operator+(Lines a, const Lines& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

Lines clean(const Generation& generation) {
  Lines lines = header(generation, "remains of an earlier try; nothing to delete is an error here");
  if (!generation.allows.empty())
    lines.push_back("advfirewall firewall delete rule name=" + generation.name);
  if (!generation.blocks.empty())
    lines.push_back("advfirewall firewall delete rule name=" + generation.block_name());
  return lines;
}

Lines defaults(const Generation& generation) {
  Lines lines = header(generation, "what no rule decides");
  lines.push_back(std::string("advfirewall set allprofiles firewallpolicy ") +
                  (generation.inbound_blocks ? "blockinbound," : "allowinbound,") +
                  (generation.outbound_blocks ? "blockoutbound" : "allowoutbound"));
  return lines;
}

Lines others(const Generation& generation) {
  Lines lines = header(generation, "other people's rules off, and ours on again");
  lines.emplace_back(
      "# The filter dir= of set rule is in its documented grammar; no record of its use "
      "was at hand.");
  lines.emplace_back("# Between the lines new connections are denied for a moment.");
  const std::string set = "advfirewall firewall set rule name=";
  if (generation.disables_inbound) lines.push_back(set + "all dir=in new enable=no");
  if (generation.disables_outbound) lines.push_back(set + "all dir=out new enable=no");
  if (!generation.blocks.empty())
    lines.push_back(set + generation.block_name() + " new enable=yes");
  if (!generation.allows.empty()) lines.push_back(set + generation.name + " new enable=yes");
  return lines;
}

class Parts {
 public:
  void add(std::string_view file, std::string bytes) {
    artifact_.parts.push_back({.name = std::string(file.substr(0, file.find('.'))),
                               .suffix = ".netsh/" + std::string(file),
                               .bytes = std::move(bytes)});
  }
  backend::Artifact take() {
    for (std::size_t i = 0; i < artifact_.parts.size(); ++i)
      if (artifact_.parts[i].name == "40-default") artifact_.default_part = i;
    for (std::size_t i = 0; i < artifact_.parts.size(); ++i)
      if (artifact_.parts[i].name == "30-allow") artifact_.default_part = i;
    return std::move(artifact_);
  }

 private:
  backend::Artifact artifact_;
};

}  // namespace

backend::Artifact encode(const ir::Program& program, const backend::Options& options) {
  return artifact_of(generation(program, options));
}

backend::Artifact artifact_of(const Generation& said) {
  Parts parts;
  if (!said.blocks.empty() || !said.allows.empty()) parts.add(clean_file, text(clean(said)));
  if (!said.blocks.empty())
    parts.add(block_file,
              text(header(said, "block rules: they beat every allow rule") + said.blocks));
  if (!said.allows.empty())
    parts.add(allow_file, text(header(said, "allow rules, those for remote administration first") +
                               said.allows));
  parts.add(default_file, text(defaults(said)));
  if (said.disables_inbound || said.disables_outbound) parts.add(others_file, text(others(said)));
  parts.add(on_file, text(header(said, "only now is everything in its place") +
                          Lines{"advfirewall set allprofiles state on"}));
  parts.add("apply.cmd", apply_script(said));
  parts.add("rollback.cmd", rollback_script());
  return parts.take();
}

}  // namespace firewright::netsh
