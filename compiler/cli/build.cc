#include "compiler/cli/build.h"

#include <algorithm>
#include <ctime>
#include <iterator>
#include <string_view>
#include <tuple>
#include <vector>

#include "compiler/diagnostics/render.h"
#include "compiler/lower/audit.h"
#include "compiler/lower/lower.h"
#include "compiler/policy/read.h"

namespace firewright::cli {
namespace {

policy::Date local_today() {
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  localtime_r(&now, &parts);
  return {.year = parts.tm_year + 1900,
          .month = static_cast<unsigned>(parts.tm_mon + 1),
          .day = static_cast<unsigned>(parts.tm_mday)};
}

}  // namespace

std::optional<policy::Date> day_of(const std::string& at, Console& console) {
  if (at.empty()) return local_today();
  const auto date = policy::parse_date(at);
  if (!date) complain(console, "--at: `" + at + "` is not a date; write it like 2030-12-31");
  return date;
}

std::string read_input(Console& console) {
  std::string text;
  char block[65536];
  while (text.size() <= policy::Limits::policy_bytes &&
         console.in.read(block, sizeof block).gcount() > 0)
    text.append(block, static_cast<std::size_t>(console.in.gcount()));
  return text;
}

std::optional<ReadPolicy> read(const std::string& path, const PolicyOptions& options,
                               Console& console, Sources& sources, Sink& sink,
                               const FileSystem* files) {
  const auto today = day_of(options.at, console);
  if (!today) return std::nullopt;
  ReadPolicy result;
  result.today = *today;
  std::optional<std::string> text;
  if (path == "-") text = read_input(console);
  const DiskFileSystem disk;
  const policy::HostOwnerDatabase owners;
  result.policy = policy::read_policy(path == "-" ? "<stdin>" : path, std::move(text),
                                      {.files = files == nullptr ? &disk : files,
                                       .owners = &owners,
                                       .set_vars = options.set,
                                       .vars_files = options.vars,
                                       .facts = nullptr,
                                       .shared = nullptr},
                                      sources, sink);
  return result;
}

Built build(const ReadPolicy& read, Target target, bool approximate, Sink& sink, bool audit) {
  Built built;
  built.options = {
      .approximate = approximate,
      .iptables_coexist = read.policy.target.iptables_mode == policy::IptablesMode::coexist,
      .iptables_ipset = read.policy.target.iptables_sets == policy::IptablesSets::ipset,
      .nftables_table = read.policy.target.nftables_table,
      .nftables_layout = static_cast<backend::NftablesLayout>(read.policy.target.nftables_layout),
      .netsh_disable_others = read.policy.target.netsh_disable_others,
      .policy_name = read.policy.name};
  built.program = lower::lower(read.policy, {.target = target, .today = read.today}, sink);
  if (audit && !sink.has_errors()) built.program = lower::audit(built.program);
  if (!sink.has_errors())
    built.program = backend::backend(target).capable(built.program, built.options, sink);
  return built;
}

std::string stem(const std::string& path) {
  if (path == "-") return "policy";
  auto name = path.substr(path.find_last_of('/') + 1);
  if (name.size() > 5 && name.ends_with(".toml")) name.resize(name.size() - 5);
  return name;
}

std::size_t count_exceptions(const ir::Program& program) {
  std::vector<std::tuple<Span, std::string_view>> seen;
  for (const auto& chain : program.chains)
    for (const auto& rule : chain.rules)
      if (rule.origin.kind == ir::OriginKind::exception)
        seen.emplace_back(rule.origin.span, rule.origin.label);
  std::sort(seen.begin(), seen.end());
  return static_cast<std::size_t>(std::unique(seen.begin(), seen.end()) - seen.begin());
}

std::size_t count_rules(const ir::Program& program) {
  std::size_t rules = 0;
  for (const auto& chain : program.chains) rules += chain.rules.size();
  return rules;
}

std::string counted(std::size_t number, const std::string& noun) {
  return std::to_string(number) + " " + noun + (number == 1 ? "" : "s");
}

nlohmann::ordered_json diagnostics_json(Sink& sink, const Sources& sources) {
  sink.sort();
  return nlohmann::ordered_json::parse(render_json(sink, sources));
}

void print_json(Console& console, const nlohmann::ordered_json& document) {
  console.out << document.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace)
              << "\n";
}

}  // namespace firewright::cli
