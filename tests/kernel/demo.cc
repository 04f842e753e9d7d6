// ./dev demo: the first policy, from TOML to real packets in a real kernel.
//
//   firewright_demo FIREWRIGHT [POLICY]
//
// Compiles the policy for all targets beside the binary, has the binary load it into a network
// namespace made for that (nothing else on this machine is touched), sends packets, and prints what
// the naive evaluator expects of each and what the kernel did. Ends with 1 when the two differ
// anywhere.
#include <sys/stat.h>

#include <iomanip>
#include <iostream>
#include <set>
#include <string>
#include <vector>

#include "compiler/ir/evaluate.h"
#include "tests/kernel/harness/compiled.h"
#include "tests/kernel/harness/judge.h"
#include "tests/kernel/life.h"

namespace {

using namespace firewright;
using namespace firewright::kernel;
using ir::ConntrackState;
using ir::Hook;

struct Row {
  std::string what;
  TestPacket packet;
};

const char* const client4 = "203.0.113.9";
const char* const client6 = "2001:db8:113::9";
const char* const server4 = "192.0.2.10";
const char* const server6 = "2001:db8::10";

ir::Packet inbound(Protocol protocol, bool v6, std::uint16_t port) {
  ir::Packet packet;
  packet.hook = Hook::inbound;
  packet.in = "eth0";
  packet.protocol = protocol;
  packet.source_port = Port{40000};
  packet.destination_port = Port{port};
  if (v6) {
    packet.source = *parse_ipv6(client6);
    packet.destination = *parse_ipv6(server6);
  } else {
    packet.source = *parse_ipv4(client4);
    packet.destination = *parse_ipv4(server4);
  }
  return packet;
}

ir::Packet icmp(bool v6, unsigned type, unsigned code = 0) {
  ir::Packet packet = inbound(v6 ? protocol::icmpv6 : protocol::icmp, v6, 0);
  packet.icmp = IcmpTypeCode{static_cast<std::uint16_t>(type << 8U | code)};
  return packet;
}

ir::Packet outbound(Protocol protocol, bool v6, std::uint16_t port) {
  ir::Packet packet = reversed(inbound(protocol, v6, 0));
  packet.source_port = Port{40001};
  packet.destination_port = Port{port};
  return packet;
}

TestPacket test(const ir::Packet& packet, TcpKind tcp = TcpKind::syn) {
  TestPacket result;
  result.packet = packet;
  result.tcp = tcp;
  return result;
}

// A connection that the host has opened itself.
ir::Packet own_connection(bool v6) { return outbound(protocol::tcp, v6, 443); }

std::vector<Row> rows() {
  std::vector<Row> all;
  for (const bool v6 : {false, true}) {
    for (const std::uint16_t port : std::initializer_list<std::uint16_t>{22, 80, 443})
      all.push_back({"new connection", test(inbound(protocol::tcp, v6, port))});
    all.push_back({"new connection", test(inbound(protocol::tcp, v6, 3306))});
    all.push_back({"datagram", test(inbound(protocol::udp, v6, 53))});
    all.push_back({"ping", test(icmp(v6, v6 ? 128 : 8))});
    all.push_back({"reply to the host", test(reversed(own_connection(v6)), TcpKind::ack)});
    TestPacket too_big = test(v6 ? icmp(v6, 2) : icmp(v6, 3, 4));
    too_big.quote = own_connection(v6);
    all.push_back({"path-MTU discovery", too_big});
    all.push_back({"stray reset", test(inbound(protocol::tcp, v6, 22), TcpKind::reset)});
    all.push_back({"stray answer", test(inbound(protocol::tcp, v6, 8080), TcpKind::syn_ack)});
    all.push_back({"the host calls out", test(outbound(protocol::tcp, v6, 25))});
    ir::Packet through = inbound(protocol::tcp, v6, 80);
    through.hook = Hook::forward;
    through.out = "eth1";
    all.push_back({"to somebody else", test(through)});
  }
  ir::Packet own = inbound(protocol::tcp, false, 3306);
  own.in = "lo";
  own.source = *parse_ipv4("127.0.0.1");
  own.destination = own.source;
  all.push_back({"on loopback", test(own)});
  ir::Packet neighbour = icmp(true, 135);
  neighbour.source = *parse_ipv6("fe80::9");
  all.push_back({"neighbour discovery", test(neighbour)});
  return all;
}

std::string address(const std::variant<Ipv4, Ipv6>& value) {
  return std::visit([](auto a) { return to_string(a); }, value);
}

std::string target_text(const ir::Packet& packet) {
  std::string text = to_string(packet.protocol);
  if (has_ports(packet.protocol))
    text += " to port " + std::to_string(packet.destination_port.value);
  if (is_icmp_of(packet.family(), packet.protocol))
    text += " " + std::to_string(packet.icmp.type()) + "/" + std::to_string(packet.icmp.code());
  return text;
}

// The policy file's name without folder and ".toml", which the artifacts are named after.
std::string stem(const std::string& policy) {
  const std::string name = policy.substr(policy.rfind('/') + 1);
  return name.ends_with(".toml") ? name.substr(0, name.size() - 5) : name;
}

// Where the parts of an artifact went; a folder of many parts is named once.
void print_places(const std::string& start, const backend::Artifact& artifact) {
  std::set<std::string> named;
  for (const auto& part : artifact.parts) {
    const std::string place = start + part.suffix.substr(0, part.suffix.find('/') + 1);
    const std::string full =
        part.suffix.find('/') == std::string::npos ? start + part.suffix : place;
    if (named.insert(full).second) std::cout << "  " << full;
  }
  std::cout << "\n";
}

// Each target's artifact in `folder`, by the command itself. Gives whether all went well.
bool compile_all(const std::string& firewright, const std::string& policy,
                 const std::string& folder) {
  for (const Target target : TargetSet::all()) {
    const std::string name(to_string(target));
    const auto result = run({firewright, "compile", policy, "--target", name, "-o", folder});
    if (result.status != 0) {
      std::cerr << "compile for " << name << ": " << result.err << result.out;
      return false;
    }
    std::cout << "  " << std::left << std::setw(8) << name;
    print_places(folder + "/" + stem(policy), compile(policy, target).artifact);
  }
  return true;
}

struct Column {
  std::string backend;
  std::vector<Observation> observations;
};

std::optional<Column> column(const std::string& firewright, const std::string& policy,
                             const std::string& backend, const Choice& choice) {
  const Trial trial = try_packets(choice, [&]() -> std::optional<std::string> {
    const Life life;
    const auto result = run({firewright, "apply", policy, "--backend", backend, "--state-dir",
                             life.state(), "--run-dir", life.path("run")});
    if (result.status == 0) return std::nullopt;
    return "apply: exit status " + std::to_string(result.status) + ": " + result.err + result.out;
  });
  if (trial.outcome.done()) return Column{.backend = backend, .observations = trial.observations};
  std::cerr << backend << ": " << trial.outcome.text << "\n";
  return std::nullopt;
}

// Prints a line a packet; gives how many differ.
std::size_t print_table(const ir::Program& program, const std::vector<Row>& table,
                        const std::vector<Column>& columns) {
  std::cout << "\n"
            << std::left << std::setw(21) << "packet" << std::setw(22) << "" << std::setw(17)
            << "from" << std::setw(13) << "state" << std::setw(10) << "expected";
  for (const auto& column : columns) std::cout << std::setw(10) << column.backend;
  std::cout << "\n" << std::string(103, '-') << "\n";
  std::size_t wrong = 0;
  for (std::size_t i = 0; i < table.size(); ++i) {
    ir::Packet packet = table[i].packet.packet;
    packet.state = columns.front().observations[i].state;
    const auto decision = ir::evaluate(program, packet);
    const std::string expected = decision ? to_string(decision->verdict) : "nothing";
    std::cout << std::setw(21) << table[i].what << std::setw(22) << target_text(packet)
              << std::setw(17) << address(packet.source) << std::setw(13) << to_string(packet.state)
              << std::setw(10) << expected;
    bool differs = false;
    for (const auto& column : columns) {
      const std::string seen = describe(column.observations[i], packet.family());
      differs = differs || seen != expected;
      std::cout << std::setw(10) << seen;
    }
    if (differs) ++wrong;
    std::cout << (differs ? "<-- differs\n" : "\n");
  }
  return wrong;
}

int demo(const std::string& firewright, const std::string& policy) {
  if (const auto why = why_no_bed()) {
    std::cerr << "the demo cannot run here: " << *why << "\n";
    return 3;
  }
  const auto slash = firewright.rfind('/');
  const std::string folder =
      (slash == std::string::npos ? "." : firewright.substr(0, slash)) + "/demo";
  ::mkdir(folder.c_str(), 0777);
  std::cout << policy << " compiled for\n";
  if (!compile_all(firewright, policy, folder)) return 3;

  const Compiled compiled = compile(policy, Target::nftables);
  if (!compiled.ok()) {
    std::cerr << compiled.errors;
    return 1;
  }
  const std::vector<Row> table = rows();
  Choice choice{.interfaces = {"lo", "eth0", "eth1"},
                .flows = {test(own_connection(false)), test(own_connection(true))},
                .packets = {}};
  for (const Row& row : table) choice.packets.push_back(row.packet);
  std::vector<Column> columns;
  for (const char* backend : {"nftables", "iptables"}) {
    auto seen = column(firewright, policy, backend, choice);
    if (!seen) return 3;
    columns.push_back(std::move(*seen));
  }
  std::cout
      << "loaded by `firewright apply` into a network namespace of its own, once by each backend\n";
  const std::size_t wrong = print_table(compiled.program, table, columns);
  std::cout << "\n" << table.size() << " packets, " << columns.size() << " firewalls: ";
  if (wrong == 0)
    std::cout << "each verdict is the expected one\n";
  else
    std::cout << wrong << " packets got another verdict than expected\n";
  return wrong == 0 ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2 || argc > 3) {
    std::cerr << "usage: firewright_demo FIREWRIGHT [POLICY]\n";
    return 2;
  }
  try {
    return demo(argv[1], argc > 2 ? argv[2] : "policies/web-server.toml");
  } catch (const std::exception& error) {
    std::cerr << error.what() << "\n";
    return 3;
  }
}
