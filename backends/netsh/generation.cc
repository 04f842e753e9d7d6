#include "backends/netsh/generation.h"

#include <cstdint>
#include <utility>

#include "backends/netsh/spell.h"

namespace firewright::netsh {
namespace {

using ir::Hook;

constexpr std::size_t longest_description = 160;
constexpr std::string_view unnamed = "firewright-0000000000000000";

// A planned rule on its way to lines.
struct Entry {
  Hook hook;
  ir::Match match;
  std::string description;
};

struct Entries {
  std::vector<Entry> blocks, allows;
};

// "in-7 ssh: for the administrators": the rule's number in `compile --emit=ir`, and what its author
// calls it. The number comes first, so that the text is never an indirect string ("@...") or a
// keyword.
std::string describe(const ir::Rule& rule, Hook hook, std::size_t number) {
  std::string text = (hook == Hook::inbound ? "in-" : "out-") + std::to_string(number) + " ";
  text += rule.origin.label.empty() ? ir::to_string(rule.origin.kind) : rule.origin.label;
  if (!rule.origin.reason.empty()) text += ": " + rule.origin.reason;
  text = harmless(text, longest_description);
  while (text.ends_with(' ')) text.pop_back();
  return text;
}

void collect(const ir::Program& program, Hook hook, const Plan& planned, Entries& entries) {
  const ir::Chain* chain = program.find(hook);
  if (chain == nullptr) return;
  const auto append = [&](const std::vector<PlannedRule>& from, std::vector<Entry>& to) {
    for (const auto& rule : from)
      to.push_back({hook, rule.match, describe(chain->rules[rule.rule], hook, rule.rule + 1)});
  };
  append(planned.blocks, entries.blocks);
  append(planned.allows, entries.allows);
}

// Whether a rule lets Remote Desktop, WinRM or SSH in. Such rules are added first: a session that
// the new firewall keeps has its rule before anything is taken away.
bool administrates(const Entry& entry) {
  if (entry.hook != Hook::inbound || !entry.match.protocols.contains(protocol::tcp)) return false;
  for (const Port port : {Port{22}, Port{3389}, Port{5985}, Port{5986}})
    if (entry.match.destination_ports.contains(port)) return true;
  return false;
}

std::vector<std::string> lines(const std::vector<Entry>& entries, Action action,
                               const std::string& name) {
  std::vector<std::string> result;
  for (const auto& entry : entries)
    for (auto& line : add_rule_lines(entry.match, {.hook = entry.hook,
                                                   .action = action,
                                                   .name = name,
                                                   .description = entry.description}))
      result.push_back(std::move(line));
  return result;
}

class Fnv1a {
 public:
  void add(std::string_view text) {
    for (const char c : text) {
      state_ ^= static_cast<unsigned char>(c);
      state_ *= 0x100000001b3ULL;
    }
  }
  [[nodiscard]] std::string hex() const {
    std::string text;
    for (unsigned shift = 64; shift > 0; shift -= 4)
      text += "0123456789abcdef"[(state_ >> (shift - 4)) & 0xfU];
    return text;
  }

 private:
  std::uint64_t state_ = 0xcbf29ce484222325ULL;
};

std::string digest(const Generation& said) {
  Fnv1a hash;
  for (const auto* list : {&said.blocks, &said.allows})
    for (const auto& line : *list) hash.add(line + "\n");
  for (const bool flag :
       {said.inbound_blocks, said.outbound_blocks, said.disables_inbound, said.disables_outbound})
    hash.add(flag ? "1" : "0");
  return hash.hex();
}

}  // namespace

Plans plans(const ir::Program& program) {
  // A direction without a chain accepts.
  const auto of = [&](Hook hook) {
    const ir::Chain* chain = program.find(hook);
    if (chain != nullptr) return plan(*chain);
    return Plan{.accepts_by_default = true,
                .blocks = {},
                .allows = {},
                .unspeakable = {},
                .behind_accept = {}};
  };
  return {.inbound = of(Hook::inbound), .outbound = of(Hook::outbound)};
}

Generation generation(const ir::Program& program, const backend::Options& options) {
  return generation(program, plans(program), options);
}

Generation generation(const ir::Program& program, const Plans& plans,
                      const backend::Options& options) {
  Generation said;
  said.inbound_blocks = !plans.inbound.accepts_by_default;
  said.outbound_blocks = !plans.outbound.accepts_by_default;
  Entries entries;
  collect(program, Hook::inbound, plans.inbound, entries);
  collect(program, Hook::outbound, plans.outbound, entries);
  std::vector<Entry> allows;
  for (const bool first : {true, false})
    for (const auto& entry : entries.allows)
      if (administrates(entry) == first) allows.push_back(entry);
  entries.allows = std::move(allows);
  said.disables_inbound = options.netsh_disable_others && said.inbound_blocks;
  said.disables_outbound = options.netsh_disable_others && said.outbound_blocks;
  said.policy_name = harmless(options.policy_name, longest_description);

  // The hash is taken over the lines under a name of the same length, so the lines that are written
  // are split in the same places.
  said.blocks = lines(entries.blocks, Action::block, std::string(unnamed) + "-block");
  said.allows = lines(entries.allows, Action::allow, std::string(unnamed));
  said.name = "firewright-" + digest(said);
  said.blocks = lines(entries.blocks, Action::block, said.block_name());
  said.allows = lines(entries.allows, Action::allow, said.name);
  return said;
}

}  // namespace firewright::netsh
