#include "tests/backends/netsh/examples.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "backends/netsh/capable.h"
#include "compiler/base/file_system.h"
#include "compiler/lower/lower.h"
#include "compiler/policy/read.h"
#include "tests/backends/netsh/programs.h"

namespace firewright::netsh::test {
namespace {

class NoOwners final : public policy::OwnerDatabase {
 public:
  [[nodiscard]] std::optional<OwnerId> user(const std::string&) const override {
    return OwnerId{1000};
  }
  [[nodiscard]] std::optional<OwnerId> group(const std::string&) const override {
    return OwnerId{1000};
  }
};

void add_examples(const std::filesystem::path& folder, std::vector<Example>& list) {
  std::vector<std::filesystem::path> paths;
  for (const auto& entry : std::filesystem::directory_iterator(folder))
    if (entry.path().extension() == ".toml" && entry.path().stem() != "services")
      paths.push_back(entry.path());
  std::sort(paths.begin(), paths.end());
  const DiskFileSystem files;
  const NoOwners owners;
  for (const auto& path : paths) {
    Sources sources;
    Sink sink;
    const auto policy = policy::read_policy(
        path.string(), std::nullopt,
        {.files = &files, .owners = &owners, .set_vars = {}, .vars_files = {}}, sources, sink);
    const auto program =
        lower::lower(policy, {.target = Target::netsh, .today = {2026, 1, 1}}, sink);
    if (sink.has_errors()) continue;
    for (const bool approximate : {false, true}) {
      Example example{.name = path.stem().string(), .program = {}, .options = {}};
      example.options.approximate = approximate;
      Sink said;
      example.program = capable(program, example.options, said);
      if (said.has_errors()) continue;
      list.push_back(std::move(example));
      break;
    }
  }
}

ir::Rule allow(ir::Match match) {
  return exception(std::move(match), ir::Verdict::accept(), "allow");
}
ir::Rule deny(ir::Match match) { return exception(std::move(match), ir::Verdict::drop(), "deny"); }

std::vector<Example> more_examples() {
  auto rdp = from(tcp(3389), addresses({"192.0.2.0/24", "198.51.100.7", "2001:db8::/32"}));
  rdp.profiles = {ir::Profile::domain, ir::Profile::private_};
  auto server_program = tcp({{Port{8000}, Port{8100}}});
  server_program.program = "C:\\Program Files\\Example\\server.exe";
  auto time = udp(123);
  time.windows_service = "W32Time";
  auto ranges = to(from(tcp(22), addresses({"203.0.113.4-203.0.113.9", "192.0.2.0/25"})),
                   addresses({"198.51.100.0/25"}));
  ranges.source_ports = PortSet{{Port{1024}, Port{65535}}};
  auto names = udp(53);
  names.protocols = ProtocolSet{{protocol::tcp, protocol::tcp}, {protocol::udp, protocol::udp}};
  const auto everyone = from({}, address("192.0.2.128/26"));

  std::vector<Example> list;
  list.push_back({"denies",
                  server({deny(everyone), deny(tcp(23)), allow(rdp), allow(server_program),
                          allow(icmp(Family::ipv4, IcmpSet{types(8, 8)}))}),
                  {}});
  list.push_back(
      {"both directions",
       server({allow(ranges), allow(time)},
              {deny(to(tcp(25), address("2001:db8::/32"))), allow(names), allow(tcp(443))}, false),
       {}});
  // Every protocol from a part of what is allowed: the allow is narrowed.
  list.push_back(
      {"narrowed", server({deny(everyone), allow(from({}, address("192.0.2.0/24")))}), {}});
  list.push_back({"open",
                  {.chains = {chain(ir::Hook::inbound,
                                    {deny(tcp(445)), deny(rdp), deny(server_program)}, true),
                              chain(ir::Hook::outbound, {deny(tcp(25)), deny(time)}, true)}},
                  {}});
  return list;
}

}  // namespace

const std::vector<Example>& policy_examples() {
  static const auto list = [] {
    std::vector<Example> all;
    const std::filesystem::path root = FIREWRIGHT_SOURCE_DIR;
    add_examples(root / "policies", all);
    add_examples(root / "policies/fleet/hosts", all);
    return all;
  }();
  return list;
}

const std::vector<Example>& all_examples() {
  static const auto list = [] {
    auto all = policy_examples();
    for (auto& example : more_examples()) all.push_back(std::move(example));
    return all;
  }();
  return list;
}

}  // namespace firewright::netsh::test
