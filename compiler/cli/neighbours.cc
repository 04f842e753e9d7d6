#include "compiler/cli/neighbours.h"

#include <algorithm>

#include "backends/host/live.h"
#include "backends/host/others.h"
#include "backends/iptables/decode.h"
#include "backends/nftables/decode.h"
#include "compiler/cli/beside.h"
#include "compiler/cli/changes.h"

namespace firewright::cli {
namespace {

using ir::Hook;

constexpr std::size_t most_shown = 3;  // of one kind

analysis::Vocabulary catalogue() {
  analysis::Vocabulary vocabulary;
  vocabulary.add(policy::Policy{}, Target::nftables);
  return vocabulary;
}

// The other firewalls of the host as one program; no value: not all of them can be read, and then
// `sink` says why.
std::optional<ir::Program> others(const host::Live& live, const Place& place, Sources& sources,
                                  Sink& sink) {
  ir::Program program;
  const auto add = [&](std::optional<ir::Program> one) {
    if (one) append_beside(program, std::move(*one));
    return one.has_value();
  };
  if (!live.messages.empty()) {
    const std::vector<backend::ArtifactFile> files = {
        {.file = sources.add("live nftables", live.messages), .part = "batch"}};
    if (!add(nftables::decode(sources, files, sink))) return std::nullopt;
  }
  // The rules of iptables beside ours in one table are part of what stands at the place.
  if (place.backend == Target::nftables)
    for (const auto& saved : live.saved) {
      std::vector<backend::ArtifactFile> files = {
          {.file = sources.add("live iptables", saved.v4), .part = "v4"},
          {.file = sources.add("live ip6tables", saved.v6), .part = "v6"}};
      if (!saved.sets.empty())
        files.push_back({.file = sources.add("live ipset", saved.sets), .part = "sets"});
      if (!add(iptables::decode(sources, files, sink))) return std::nullopt;
    }
  return program;
}

// Without the hooks that the policy leaves to others.
void keep_managed(ir::Program& program, const ir::Program& ours) {
  std::erase_if(program.chains, [&](const ir::Chain& chain) {
    return chain.hook && ours.find(*chain.hook) == nullptr;
  });
}

// A packet has to get through all base chains, so what others deny is denied.
void denied_by_others(const ir::Program& ours, const host::Live& live, const Place& place,
                      std::vector<std::string>& sentences) {
  Sources sources;
  Sink sink;
  auto theirs = others(live, place, sources, sink);
  if (!theirs) {
    sentences.emplace_back(
        "other firewall rules of this host cannot be read, so whether they deny what the policy "
        "allows is not known");
    return;
  }
  keep_managed(*theirs, ours);
  if (theirs->chains.empty()) return;
  auto both = ours;
  append_beside(both, std::move(*theirs));
  const auto difference = changes(ours, both, catalogue(), /*all=*/false);
  if (!difference.proved) {
    sentences.push_back(
        "whether other firewall rules of this host deny what the policy allows is "
        "not known: " +
        difference.why);
    return;
  }
  const auto* denied = difference.find(analysis::Change::denied);
  if (denied == nullptr) return;
  for (std::size_t i = 0; i < std::min(denied->boxes.size(), most_shown); ++i) {
    const auto& box = denied->boxes[i];
    std::string who;
    if (!box.after.deciders.empty()) who = " (`" + box.after.deciders.front().origin.label + "`)";
    sentences.push_back("another base chain" + who +
                        " denies what the policy allows: " + box.words.sentence());
  }
  if (denied->boxes.size() > most_shown)
    sentences.push_back("other base chains deny " +
                        std::to_string(denied->boxes.size() - most_shown) +
                        " more sets of packets that the policy allows");
}

// The packets of a redirect that the policy denies inbound, as if they came there.
std::optional<std::string> denied_part(const ir::Program& ours, const host::Redirect& redirect) {
  auto open = ours;
  const auto inbound = std::ranges::find_if(
      open.chains, [](const ir::Chain& chain) { return chain.hook == Hook::inbound; });
  if (inbound == open.chains.end()) return std::nullopt;
  ir::Rule rule;
  rule.match = redirect.match;
  rule.match.states = {ir::ConntrackState::fresh};
  rule.match.out = ir::InterfaceSet::any();
  rule.verdict = ir::Verdict::accept();
  inbound->rules.insert(inbound->rules.begin(), std::move(rule));
  const auto difference = changes(ours, open, catalogue(), /*all=*/false);
  const auto* opened = difference.find(analysis::Change::accepted);
  if (opened == nullptr || opened->boxes.empty()) return std::nullopt;
  return opened->boxes.front().words.sentence();
}

// Whether the policy denies the packets where they go now.
bool denied_after(const ir::Program& ours, const host::Redirect& redirect) {
  auto reached = redirect.match;
  reached.states = {ir::ConntrackState::fresh};
  if (!redirect.ports.empty()) {
    std::vector<Interval<Port>> ports(redirect.ports.begin(), redirect.ports.end());
    reached.destination_ports = PortSet(ports);
  }
  const bool local = redirect.addresses.empty();
  if (!local) {
    AddressSet to;
    for (const auto& one : redirect.addresses) {
      if (const auto* v4 = std::get_if<Interval<Ipv4>>(&one))
        to.v4 = to.v4 | Ipv4Set{*v4};
      else
        to.v6 = to.v6 | Ipv6Set{std::get<Interval<Ipv6>>(one)};
    }
    reached.destination = to;
    ir::restrict_families(reached, reached.families & to.families());
  }
  const auto hook = local ? Hook::inbound : Hook::forward;
  if (ours.find(hook) == nullptr) return false;
  reached.out = ir::InterfaceSet::any();
  auto denies = ours;
  ir::Rule rule;
  rule.match = reached;
  rule.verdict = ir::Verdict::drop();
  for (auto& chain : denies.chains)
    if (chain.hook == hook) chain.rules.insert(chain.rules.begin(), rule);
  // If denying them all changes nothing, they are denied already.
  const auto difference = changes(ours, denies, catalogue(), /*all=*/false);
  return difference.proved && difference.find(analysis::Change::denied) == nullptr;
}

void led_past(const ir::Program& ours, const host::Live& live,
              std::vector<std::string>& sentences) {
  std::size_t shown = 0, more = 0;
  for (const auto& redirect : host::redirects(live)) {
    const auto denied = denied_part(ours, redirect);
    if (!denied || denied_after(ours, redirect)) continue;
    if (++shown > most_shown) {
      ++more;
      continue;
    }
    sentences.push_back("the deny of inbound packets has no effect on `" + redirect.text +
                        "` (table " + redirect.table + ", chain " + redirect.chain +
                        "), which gives them another destination first: " + *denied +
                        (ours.find(Hook::forward) == nullptr && !redirect.addresses.empty()
                             ? "; forwarding is left unmanaged"
                             : ""));
  }
  if (more > 0)
    sentences.push_back(std::to_string(more) + " more redirects lead packets past the policy");
}

}  // namespace

std::vector<std::string> neighbours(const ir::Program& program, const Place& place) {
  std::vector<std::string> sentences;
  for (const auto& manager : host::other_managers())
    if (manager.standing == host::Standing::rival)
      sentences.push_back("another firewall manager is at work on this host: " + manager.name +
                          ", " + manager.how);
  std::string error;
  std::set<host::TableName> ours;
  if (place.backend == Target::nftables) ours.insert(host::inet_table(place.table));
  const auto live = host::read_live(error, {}, ours);
  if (!live) {
    sentences.push_back("other firewall rules of this host cannot be listed: " + error);
    return sentences;
  }
  denied_by_others(program, *live, place, sentences);
  led_past(program, *live, sentences);
  return sentences;
}

}  // namespace firewright::cli
