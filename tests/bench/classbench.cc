#include "tests/bench/classbench.h"

#include <sys/resource.h>

#include <chrono>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <random>

#include "compiler/lower/match.h"
#include "compiler/semantics/boolean.h"
#include "compiler/semantics/boxes.h"
#include "compiler/semantics/compare.h"
#include "compiler/semantics/witness.h"

namespace firewright::bench {
namespace {

using Clock = std::chrono::steady_clock;
using semantics::FieldOrder;
using semantics::Node;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

struct Filter {
  unsigned source[5];
  unsigned destination[5];
  unsigned source_ports[2];
  unsigned destination_ports[2];
  unsigned protocol;
  unsigned protocol_mask;
};

std::optional<Filter> parse(const std::string& line) {
  Filter f{};
  const int read =
      std::sscanf(line.c_str(), "@%u.%u.%u.%u/%u %u.%u.%u.%u/%u %u : %u %u : %u %x/%x",
                  &f.source[0], &f.source[1], &f.source[2], &f.source[3], &f.source[4],
                  &f.destination[0], &f.destination[1], &f.destination[2], &f.destination[3],
                  &f.destination[4], &f.source_ports[0], &f.source_ports[1],
                  &f.destination_ports[0], &f.destination_ports[1], &f.protocol, &f.protocol_mask);
  if (read != 16) return std::nullopt;
  return f;
}

Ipv4Set addresses(const unsigned (&prefix)[5]) {
  const std::uint32_t bits = prefix[0] << 24U | prefix[1] << 16U | prefix[2] << 8U | prefix[3];
  const std::uint32_t host = prefix[4] == 0 ? ~0U : (1U << (32U - prefix[4])) - 1U;
  return Ipv4Set{{Ipv4{bits & ~host}, Ipv4{bits | host}}};
}

PortSet ports(const unsigned (&range)[2]) {
  return PortSet{
      {Port{static_cast<std::uint16_t>(range[0])}, Port{static_cast<std::uint16_t>(range[1])}}};
}

ir::Match match_of(const Filter& filter) {
  ir::Match match;
  ir::restrict_families(match, {Family::ipv4});
  match.source.v4 = addresses(filter.source);
  match.destination.v4 = addresses(filter.destination);
  const auto source_ports = ports(filter.source_ports);
  const auto destination_ports = ports(filter.destination_ports);
  if (filter.protocol_mask != 0)
    match.protocols = ProtocolSet::of(Protocol{static_cast<std::uint8_t>(filter.protocol)});
  if (source_ports.is_all() && destination_ports.is_all()) return match;
  if (filter.protocol_mask == 0)
    match.protocols = ProtocolSet{{protocol::tcp, protocol::tcp}, {protocol::udp, protocol::udp}};
  if (has_ports(match.protocols.intervals()[0].first)) {
    match.source_ports = source_ports;
    match.destination_ports = destination_ports;
  }
  return match;
}

// Neighbours change places where nobody can tell: they do the same, or no packet matches both.
ir::Program shuffled(ir::Program program) {
  auto& rules = program.chains[0].rules;
  std::mt19937 random(7);
  for (std::size_t i = 0; i < rules.size() * 20; ++i) {
    const auto at = random() % (rules.size() - 1);
    auto& a = rules[at];
    auto& b = rules[at + 1];
    if (a.verdict == b.verdict || !lower::overlap(a.match, b.match)) std::swap(a, b);
  }
  return program;
}

// One filter in the middle drops what it accepted, or the other way round.
ir::Program changed(ir::Program program) {
  auto& rule = program.chains[0].rules[program.chains[0].rules.size() / 2];
  rule.verdict =
      rule.verdict.kind == ir::VerdictKind::accept ? ir::Verdict::drop() : ir::Verdict::accept();
  return program;
}

struct Figures {
  double build = 0;    // seconds
  double compare = 0;  // with the shuffled one, it included
  double change = 0;   // the changed one, its difference and the boxes of that
  std::size_t nodes = 0;
  std::size_t made = 0;
  std::size_t boxes = 0;
  bool equal = false;
};

std::optional<Figures> measure(const ir::Program& program, const semantics::Attempt& attempt) {
  const auto same = shuffled(program);
  const auto other = changed(program);
  const std::array programs{&program, &same, &other};
  Figures figures;
  auto begin = Clock::now();
  semantics::Meanings meanings(programs, attempt.order, attempt.budget);
  auto& diagrams = meanings.diagrams();
  const auto node = meanings.meaning(program, ir::Hook::forward);
  if (!node) return std::nullopt;
  figures.build = seconds_since(begin);
  figures.nodes = diagrams.size(*node);
  begin = Clock::now();
  const auto equal = meanings.meaning(same, ir::Hook::forward);
  if (!equal) return std::nullopt;
  figures.equal = *node == *equal;
  figures.compare = seconds_since(begin);
  begin = Clock::now();
  const auto with_change = meanings.meaning(other, ir::Hook::forward);
  if (!with_change) return std::nullopt;
  const auto difference = diagrams.combine(
      diagrams.new_operation(), *node, *with_change, [](Node a, Node b) -> std::optional<Node> {
        if (a == b) return semantics::Booleans::none;
        if (semantics::Diagrams::is_leaf(a) && semantics::Diagrams::is_leaf(b))
          return semantics::Booleans::all;
        return std::nullopt;
      });
  const auto found = semantics::boxes(diagrams, meanings.space(), difference);
  if (diagrams.exhausted()) return std::nullopt;
  figures.boxes = found.boxes.size();
  figures.change = seconds_since(begin);
  figures.made = diagrams.size();
  return figures;
}

}  // namespace

std::optional<ir::Program> read_classbench(const std::string& path, Verdicts verdicts) {
  std::ifstream file(path);
  ir::Program program;
  program.chains.push_back(
      {.name = "forward", .hook = ir::Hook::forward, .policy = ir::VerdictKind::drop, .rules = {}});
  std::string line;
  std::mt19937 random(1);
  while (std::getline(file, line)) {
    const auto filter = parse(line);
    if (!filter) return std::nullopt;
    ir::Rule rule;
    rule.match = match_of(*filter);
    const bool drop = verdicts == Verdicts::half_drop && random() % 2 == 0;
    rule.verdict = drop ? ir::Verdict::drop() : ir::Verdict::accept();
    program.chains[0].rules.push_back(std::move(rule));
  }
  if (program.chains[0].rules.size() < 2) return std::nullopt;
  return program;
}

int run_classbench(const std::string& path, Verdicts verdicts) {
  const auto program = read_classbench(path, verdicts);
  const auto name = std::filesystem::path(path).filename().string() +
                    (verdicts == Verdicts::half_drop ? ", half drop" : ", all accept");
  if (!program) {
    std::printf("%-24s cannot be read\n", name.c_str());
    return 1;
  }
  const auto begin = Clock::now();
  std::optional<Figures> figures;
  auto order = FieldOrder::ports_first;
  for (const auto& attempt : semantics::attempts({})) {
    order = attempt.order;
    figures = measure(*program, attempt);
    if (figures) break;
  }
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const double megabytes = static_cast<double>(usage.ru_maxrss) / 1024;
  if (!figures) {
    std::printf("%-24s %6zu  budget used up in %.2f s, %.0f MB\n", name.c_str(),
                program->chains[0].rules.size(), seconds_since(begin), megabytes);
    return 0;
  }
  std::printf("%-24s %6zu %-9s %8.3f %8.3f %8.3f %9zu %9zu %6zu %7.0f%s\n", name.c_str(),
              program->chains[0].rules.size(),
              order == FieldOrder::ports_first ? "ports" : "addresses", figures->build,
              figures->compare, figures->change, figures->nodes, figures->made, figures->boxes,
              megabytes, figures->equal ? "" : "  THE SHUFFLED SET IS NOT EQUAL");
  return figures->equal ? 0 : 1;
}

}  // namespace firewright::bench
