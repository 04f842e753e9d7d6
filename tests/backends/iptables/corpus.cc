#include "tests/backends/iptables/corpus.h"

#include "tests/backends/iptables/build_program.h"
#include "tests/backends/iptables/large_program.h"

namespace firewright::iptables::test {
namespace {

// What the example policies have too little of.
std::vector<Example> more_programs() {
  using ir::TimeUnit;
  std::vector<std::string> many;
  for (unsigned i = 0; i < 9; ++i) many.push_back("192.0.2." + std::to_string(2 * i));
  std::vector<Example> list;
  list.push_back(
      {.name = "limits",
       .program =
           inbound({allow("a").tcp({22}).limit(rate("a", 10, TimeUnit::minute, 5, true)),
                    allow("b").tcp({23}).limit(rate("b", 10, TimeUnit::minute, 5, true)),
                    allow("c").from(many).tcp({24}).limit(rate("c", 7, TimeUnit::minute, 3, true)),
                    allow("d").tcp({25}).limit(connections("d", 3, true)),
                    allow("f").tcp({53}).limit(connections("f", 4, true)),
                    allow("f").udp({53}).limit(connections("f", 4, true)),
                    allow("e")
                        .family(Family::ipv4)
                        .udp({53, 123})
                        .from(many)
                        .limit(rate("e", 10, TimeUnit::minute, 4, false))}),
       .options = {}});
  list.push_back(
      {.name = "interfaces",
       .program =
           inbound({allow("a").tcp({22}).in(interfaces({"wg*"})),
                    deny("b").tcp({22, 80}).in(interfaces_except({"eth0", "eth1"})).log("b: "),
                    allow("c").tcp({80}).in(interfaces_except({"wg*"})).count("c"),
                    reject("d", ir::RejectKind::admin_prohibited).udp({53}), allow("e").udp({53})}),
       .options = {}});
  list.push_back(
      {.name = "owners",
       .program = outbound({allow("a").tcp({25}).user(0, 99), deny("b").tcp({25}).group(5, 5),
                            allow("c").tcp({25, 587}).user(1000, 1000).log("")}),
       .options = {}});
  list.push_back(
      {.name = "ranges",
       .program = inbound({allow("a").tcp({22}).from({"192.0.2.1-192.0.2.9"}),
                           deny("b").udp({53}).to({"192.0.2.3-192.0.2.6"}),
                           allow("c").udp({53}).to({"192.0.2.0/28", "2001:db8::1-2001:db8::9"}),
                           allow("d").tcp({1, 3, 5, 80, 81, 82}).from({"198.51.100.0/25"}),
                           allow("e").destination_ports(~ports({7})).protocol(protocol::udp)}),
       .options = {}});
  auto tree = one_by_one(30);
  tree.chains.front().rules.front() = deny("before").from({"10.0.0.0/30"}).tcp({1024});
  list.push_back({.name = "tree", .program = std::move(tree), .options = {}});
  return list;
}

}  // namespace

const std::vector<Example>& corpus() {
  static const auto list = [] {
    auto all = more_programs();
    all.insert(all.end(), examples().begin(), examples().end());
    return all;
  }();
  return list;
}

}  // namespace firewright::iptables::test
