#include "tests/backends/nftables/text_reading.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <random>
#include <set>
#include <utility>

#include "backends/nftables/capable.h"
#include "backends/nftables/read_text.h"
#include "compiler/lower/lower.h"
#include "compiler/policy/read.h"

namespace firewright::test {
namespace {

std::string shown(const Diagnostic& diagnostic, const Sources& sources) {
  auto text = std::string(id(diagnostic.kind));
  if (diagnostic.span.known()) {
    const auto& file = sources.file(diagnostic.span.file);
    const auto begin = file.position(diagnostic.span.begin);
    const auto end = file.position(diagnostic.span.end);
    text += ' ' + std::to_string(begin.line) + ':' + std::to_string(begin.column) + '-' +
            std::to_string(end.column);
  }
  return text + ' ' + diagnostic.message();
}

// What a packet gets, effects as a set.
std::string outcome(const ir::Program& program, const ir::Packet& packet,
                    const ir::PredicateValue& holds) {
  const auto decision = ir::evaluate(program, packet, holds);
  if (!decision) return "nothing";
  std::set<std::string> effects;
  for (const auto* rule : decision->effects) {
    if (rule->effects.log) effects.insert("log " + *rule->effects.log);
    if (rule->effects.count) effects.insert("count " + *rule->effects.count);
  }
  auto text = to_string(decision->verdict);
  for (const auto& effect : effects) text += ", " + effect;
  return text;
}

// --- packets that rules of a program are about, on both sides of their boundaries

class Packets {
 public:
  explicit Packets(std::uint32_t seed) : engine_(seed) {}

  ir::Packet next(const ir::Program& program) {
    ir::Packet packet;
    packet.hook = static_cast<ir::Hook>(below(3));
    std::vector<const ir::Rule*> rules;
    for (const auto& chain : program.chains)
      if (!chain.hook || *chain.hook == packet.hook)
        for (const auto& rule : chain.rules) rules.push_back(&rule);
    static const ir::Rule none;
    const auto& match = (rules.empty() ? none : *rules[below(rules.size())]).match;
    const bool v6 = match.families.contains(Family::ipv6) &&
                    (!match.families.contains(Family::ipv4) || below(2) == 0);
    packet.source = address(v6, match.source);
    packet.destination = address(v6, match.destination);
    packet.protocol = value(match.protocols);
    if (match.protocols.is_all())
      packet.protocol = below(2) == 0 ? protocol::tcp : v6 ? protocol::icmpv6 : protocol::icmp;
    if (has_ports(packet.protocol)) {
      packet.source_port = value(match.source_ports);
      packet.destination_port = value(match.destination_ports);
    }
    packet.icmp = value(match.icmp);
    const auto state = static_cast<ir::ConntrackState>(below(ir::StateSet::count));
    packet.state = match.states.contains(state) || below(8) == 0 ? state : *match.states.begin();
    if (packet.hook != ir::Hook::outbound) packet.in = interface(match.in);
    if (packet.hook != ir::Hook::inbound) packet.out = interface(match.out);
    if (packet.hook == ir::Hook::outbound && below(4) != 0) {
      packet.user = value(match.users);
      packet.group = value(match.groups);
    }
    return packet;
  }

  std::size_t below(std::size_t n) { return engine_() % n; }

 private:
  template <class T>
  T value(const IntervalSet<T>& set) {
    using Raw = decltype(T{}.value);
    if (set.empty()) return T{};
    const auto& interval = set.intervals()[below(set.intervals().size())];
    switch (below(6)) {
      case 0: return T{static_cast<Raw>(interval.first.value - 1)};
      case 1: return T{static_cast<Raw>(interval.last.value + 1)};
      case 2: return interval.last;
      default: return interval.first;
    }
  }
  std::variant<Ipv4, Ipv6> address(bool v6, const AddressSet& set) {
    if (v6) return value(set.v6);
    return value(set.v4);
  }
  std::string interface(const ir::InterfaceSet& set) {
    if (set.patterns().empty() || below(6) == 0) return below(2) == 0 ? "lo" : "eth7";
    const auto& pattern = set.patterns()[below(set.patterns().size())];
    return pattern.name + (pattern.wildcard || below(6) == 0 ? "0" : "");
  }

  std::mt19937 engine_;
};

// --- policies

class FixedOwners final : public policy::OwnerDatabase {
 public:
  [[nodiscard]] std::optional<OwnerId> user(const std::string& name) const override {
    return name == "root" ? OwnerId{0} : OwnerId{1000};
  }
  [[nodiscard]] std::optional<OwnerId> group(const std::string& name) const override {
    return user(name);
  }
};

std::optional<Example> compiled(const std::filesystem::path& path) {
  const DiskFileSystem files;
  const FixedOwners owners;
  Sources sources;
  Sink sink;
  const auto policy = policy::read_policy(
      path.string(), std::nullopt,
      {.files = &files, .owners = &owners, .set_vars = {}, .vars_files = {}}, sources, sink);
  if (sink.has_errors()) return std::nullopt;
  Example example;
  example.name = path.stem().string();
  example.program = lower::lower(
      policy, {.target = Target::nftables, .today = {.year = 2026, .month = 1, .day = 1}}, sink);
  example.options.nftables_table = policy.target.nftables_table;
  example.options.policy_name = policy.name;
  if (!sink.has_errors())
    example.sayable = nftables::capable(example.program, example.options, sink);
  if (sink.has_errors()) return std::nullopt;
  return example;
}

}  // namespace

ReadText read_script(const std::string& text) {
  Sources sources;
  Sink sink;
  ReadText read;
  read.program = nftables::decode_text(sources, sources.add("ruleset.nft", text), sink);
  for (const auto& diagnostic : sink.diagnostics())
    (severity(diagnostic.kind) == Severity::error ? read.errors : read.others)
        .push_back(shown(diagnostic, sources));
  return read;
}

std::string in_table(const std::string& rules, const std::string& before,
                     const std::string& family) {
  return "table " + family + " t {\n" + before +
         "chain c {\ntype filter hook input priority 0; policy accept;\n" + rules + "\n}\n}\n";
}

// The program's text without what it says about where rules come from.
std::string meaning(const ReadText& read) {
  if (!read.program) return read.errors.empty() ? "refused in silence" : read.errors[0];
  std::string text;
  const auto whole = ir::to_text(*read.program);
  for (std::size_t at = 0; at < whole.size();) {
    const auto end = std::min(whole.find('\n', at), whole.size());
    auto line = whole.substr(at, end - at);
    if (const auto origin = line.find("  # "); origin != std::string::npos) line.resize(origin);
    if (line.starts_with("  ")) line = line.substr(2);
    text += line + "\n";
    at = end + 1;
  }
  return text;
}

// What rules of a chain mean, one a line.
std::string rules(const std::string& text, const std::string& before, const std::string& family) {
  const auto read = read_script(in_table(text, before, family));
  if (read.program) {
    for (const auto& chain : read.program->chains)
      for (const auto& rule : chain.rules) EXPECT_TRUE(ir::valid(rule.match)) << text;
  }
  auto all = meaning(read);
  if (!read.program) return all;
  all.erase(0, all.find('\n') + 1);
  if (const auto next = all.find("\nchain "); next != std::string::npos) all.resize(next);
  while (all.ends_with("\n")) all.pop_back();
  return all;
}

std::string contradiction(const ir::Program& a, const ir::Program& b,
                          const semantics::Comparison& comparison, std::size_t count) {
  const auto aligned = semantics::align_predicates(a, b);
  if (comparison.answer == semantics::Answer::different) {
    const auto& witness = *comparison.difference;
    const ir::PredicateValue holds = [&](const ir::Predicate& predicate) {
      return std::find(witness.holding.begin(), witness.holding.end(), predicate) !=
             witness.holding.end();
    };
    const auto first = outcome(a, witness.packet, holds);
    const auto second = outcome(aligned, witness.packet, holds);
    if (first != second) return {};
    return "no difference on " + ir::to_text(witness.packet) + ": " + first;
  }
  if (comparison.answer == semantics::Answer::not_proved) return "not proved: " + comparison.why;
  Packets packets(static_cast<std::uint32_t>(count));
  for (std::size_t i = 0; i < count; ++i) {
    const auto packet = packets.next(i % 2 == 0 ? a : b);
    const auto salt = packets.below(1000);
    const ir::PredicateValue holds = [&](const ir::Predicate& predicate) {
      std::size_t sum = salt;
      for (const char c : predicate.instance) sum = sum * 31 + static_cast<unsigned char>(c);
      return sum % 3 != 0;
    };
    const auto first = outcome(a, packet, holds);
    const auto second = outcome(aligned, packet, holds);
    if (first != second) return ir::to_text(packet) + ": " + first + ", the other " + second;
  }
  return {};
}

std::string shown(const semantics::Comparison& comparison) {
  if (!comparison.difference) return comparison.why;
  const auto& difference = *comparison.difference;
  auto text =
      ir::to_text(difference.packet) + ": " + difference.first + ", the other " + difference.second;
  for (const auto& predicate : difference.holding) text += ", `" + predicate.instance + "` holds";
  return text;
}

const std::vector<Example>& examples() {
  static const auto list = [] {
    namespace fs = std::filesystem;
    std::vector<fs::path> paths;
    for (const auto* folder : {"policies", "policies/fleet/hosts"})
      for (const auto& entry : fs::directory_iterator(fs::path(FIREWRIGHT_SOURCE_DIR) / folder))
        if (entry.path().extension() == ".toml" && entry.path().stem() != "services")
          paths.push_back(entry.path());
    std::sort(paths.begin(), paths.end());
    std::vector<Example> found;
    for (const auto& path : paths)
      if (auto example = compiled(path)) found.push_back(std::move(*example));
    return found;
  }();
  return list;
}

}  // namespace firewright::test
