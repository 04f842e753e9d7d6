// Follows packets from prerouting through the chains to the rules that redirect them.
#include <algorithm>

#include "backends/host/others_rules.h"

namespace firewright::host {
namespace {

constexpr int deepest = 32;
constexpr int most_visits = 100000;  // kube-proxy has a chain for each service and each endpoint

bool impossible(const ir::Match& match) {
  return match.families.empty() || match.protocols.empty() || match.source_ports.empty() ||
         match.destination_ports.empty() || match.source.empty() || match.destination.empty() ||
         match.in.empty();
}

class Walk {
 public:
  Walk(const NatTable& table, std::vector<Redirect>& found) : table_(table), found_(found) {}

  void run() {
    for (const auto& base : table_.prerouting) visit(base, {}, 0);
  }

 private:
  void visit(const std::string& chain, const NatRule& before, int depth) {
    const auto rules = table_.chains.find(chain);
    if (rules == table_.chains.end() || depth > deepest || ++visits_ > most_visits) return;
    for (const auto& rule : rules->second) {
      if (!rule.redirects && rule.jumps.empty()) continue;
      const auto both = join(before, rule);
      if (impossible(both.match)) continue;
      if (rule.redirects) add(chain, both);
      for (const auto& next : rule.jumps) visit(next, both, depth + 1);
    }
  }

  static NatRule join(const NatRule& before, const NatRule& rule) {
    NatRule both = rule;
    auto& match = both.match;
    const auto families = match.families & before.match.families;
    match.protocols = match.protocols & before.match.protocols;
    match.source_ports = match.source_ports & before.match.source_ports;
    match.destination_ports = match.destination_ports & before.match.destination_ports;
    match.source = match.source & before.match.source;
    match.destination = match.destination & before.match.destination;
    both.exact = rule.exact && before.exact;
    if (!intersect(match.in, before.match.in)) both.exact = false;
    both.to_this_host_only = rule.to_this_host_only || before.to_this_host_only;
    ir::restrict_families(match, families);
    return both;
  }

  void add(const std::string& chain, const NatRule& rule) {
    Redirect redirect{.table = table_.name,
                      .chain = chain,
                      .match = rule.match,
                      .to_this_host_only = rule.to_this_host_only,
                      .exact = rule.exact,
                      .addresses = rule.addresses,
                      .ports = rule.ports,
                      .text = text(rule)};
    // The same rule, reached by another way.
    const bool known = std::any_of(found_.begin(), found_.end(), [&](const Redirect& r) {
      return r.table == redirect.table && r.chain == redirect.chain && r.match == redirect.match &&
             r.text == redirect.text;
    });
    if (!known) found_.push_back(std::move(redirect));
  }

  template <class Set>
  static std::string list(const Set& set) {
    std::string out;
    for (const auto& interval : set.intervals()) {
      if (!out.empty()) out += ", ";
      out += to_string(interval);
    }
    return set.intervals().size() == 1 ? out : "{ " + out + " }";
  }

  static std::string addresses_text(const AddressSet& set) {
    // Of a family that is not meant, or wholly meant, there is nothing to say.
    std::string out;
    if (!set.v4.empty() && !set.v4.is_all()) out = list(set.v4);
    if (!set.v6.empty() && !set.v6.is_all()) out += (out.empty() ? "" : " ") + list(set.v6);
    return out;
  }

  static std::string text(const NatRule& rule) {
    std::string out;
    const auto& match = rule.match;
    if (!match.in.is_any()) {
      out += match.in.complemented() ? "iifname !=" : "iifname";
      for (const auto& pattern : match.in.patterns()) out += " " + to_string(pattern);
      out += " ";
    }
    if (const auto from = addresses_text(match.source); !from.empty()) out += "saddr " + from + " ";
    if (const auto to = addresses_text(match.destination); !to.empty()) out += "daddr " + to + " ";
    if (rule.to_this_host_only) out += "to this host ";
    if (!match.protocols.is_all()) out += protocols_text(match.protocols) + " ";
    if (!match.source_ports.is_all()) out += "sport " + list(match.source_ports) + " ";
    if (!match.destination_ports.is_all()) out += "dport " + list(match.destination_ports) + " ";
    if (!rule.exact) out += "and more conditions ";
    return out + target_text(rule);
  }

  static std::string protocols_text(const ProtocolSet& set) {
    std::string out;
    for (const auto& interval : set.intervals()) {
      if (!out.empty()) out += ", ";
      out += to_string(interval.first);
      if (interval.first != interval.last) out += "-" + to_string(interval.last);
    }
    return set.is_single() ? out : "protocols { " + out + " }";
  }

  static std::string target_text(const NatRule& rule) {
    std::string ports;
    for (const auto& port : rule.ports) ports += (ports.empty() ? "" : ", ") + to_string(port);
    if (rule.addresses.empty()) return "redirect" + (ports.empty() ? "" : " to :" + ports);
    std::string addresses;
    bool six = false;
    for (const auto& address : rule.addresses) {
      addresses += addresses.empty() ? "" : ", ";
      addresses += std::visit([](const auto& a) { return to_string(a); }, address);
      six = six || std::holds_alternative<Interval<Ipv6>>(address);
    }
    if (ports.empty()) return "dnat to " + addresses;
    if (rule.addresses.size() > 1) return "dnat to { " + addresses + " } ports { " + ports + " }";
    return "dnat to " + (six ? "[" + addresses + "]" : addresses) + ":" + ports;
  }

  const NatTable& table_;
  std::vector<Redirect>& found_;
  int visits_ = 0;
};

}  // namespace

bool intersect(ir::InterfaceSet& set, const ir::InterfaceSet& other) {
  if (other.is_any() || set == other) return true;
  if (set.is_any()) {
    set = other;
    return true;
  }
  if (set.complemented() && other.complemented()) {
    auto patterns = set.patterns();
    patterns.insert(patterns.end(), other.patterns().begin(), other.patterns().end());
    set = ir::InterfaceSet::except(std::move(patterns));
    return true;
  }
  // Names without '*' are in the other set or are not.
  const auto& listed = set.complemented() ? other : set;
  const auto& filter = set.complemented() ? set : other;
  std::vector<ir::InterfacePattern> kept;
  bool exact = true;
  for (const auto& pattern : listed.patterns()) {
    if (pattern.wildcard) exact = false;
    if (pattern.wildcard || filter.contains(pattern.name)) kept.push_back(pattern);
  }
  set = ir::InterfaceSet::of(std::move(kept));
  return exact;
}

std::vector<Redirect> redirects(const Live& live) {
  std::vector<Redirect> found;
  const auto add = [&](const std::vector<NatTable>& tables) {
    for (const auto& table : tables) Walk(table, found).run();
  };
  add(nat_tables_of_nftables(live.messages));
  for (const auto& saved : live.saved) {
    add(nat_tables_of_iptables(saved.v4, Family::ipv4));
    add(nat_tables_of_iptables(saved.v6, Family::ipv6));
  }
  return found;
}

}  // namespace firewright::host
