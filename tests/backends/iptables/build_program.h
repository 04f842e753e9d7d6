// IR programs for tests, built from a few words each.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "compiler/ir/program.h"

namespace firewright::iptables::test {

[[nodiscard]] Interval<Ipv4> v4(const std::string& text);  // "192.0.2.0/24", "192.0.2.1-192.0.2.9"
[[nodiscard]] Interval<Ipv6> v6(const std::string& text);
[[nodiscard]] PortSet port_ranges(std::vector<std::pair<unsigned, unsigned>> ranges);
[[nodiscard]] PortSet ports(std::vector<unsigned> single);
[[nodiscard]] IcmpSet icmp_types(std::vector<unsigned> types);
[[nodiscard]] ir::InterfaceSet interfaces(std::vector<std::string> patterns);  // "eth0", "wg*"
[[nodiscard]] ir::InterfaceSet interfaces_except(std::vector<std::string> patterns);
[[nodiscard]] ir::Predicate rate(std::string instance, unsigned packets, ir::TimeUnit unit,
                                 unsigned burst, bool per_source);
[[nodiscard]] ir::Predicate connections(std::string instance, unsigned count, bool per_source);

// A rule of an exception: `allow("ssh").tcp({22}).from("192.0.2.0/24")`.
class Exception {
 public:
  Exception(std::string label, ir::Verdict verdict);

  Exception& tcp(std::vector<unsigned> destination_ports);
  Exception& udp(std::vector<unsigned> destination_ports);
  Exception& protocol(Protocol of);
  Exception& protocols(ProtocolSet set);
  Exception& destination_ports(PortSet set);
  Exception& source_ports(PortSet set);
  Exception& icmp(Family family, IcmpSet set);
  Exception& family(Family family);
  Exception& from(const std::vector<std::string>& items);  // of one family or both
  Exception& to(const std::vector<std::string>& items);
  Exception& in(ir::InterfaceSet set);
  Exception& out(ir::InterfaceSet set);
  Exception& states(ir::StateSet set);
  Exception& user(unsigned first, unsigned last);
  Exception& group(unsigned first, unsigned last);
  Exception& log(std::string prefix);
  Exception& count(std::string name);
  Exception& limit(ir::Predicate predicate);
  Exception& at(Span span);

  [[nodiscard]] const ir::Rule& rule() const { return rule_; }
  operator ir::Rule() const { return rule_; }  // NOLINT(google-explicit-constructor)

 private:
  ir::Rule rule_;
};

[[nodiscard]] Exception allow(std::string label);
[[nodiscard]] Exception deny(std::string label);
[[nodiscard]] Exception reject(std::string label, ir::RejectKind kind);

// The last rule of a chain.
[[nodiscard]] ir::Rule default_rule(ir::Verdict verdict);
[[nodiscard]] ir::Chain chain(ir::Hook hook, ir::VerdictKind policy, std::vector<ir::Rule> rules);
// These rules inbound, between nothing and the default; forward drops, outbound accepts.
[[nodiscard]] ir::Program inbound(std::vector<ir::Rule> rules);
[[nodiscard]] ir::Program outbound(std::vector<ir::Rule> rules);

}  // namespace firewright::iptables::test
