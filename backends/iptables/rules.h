// IR rules to lines of a table of one family.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "backends/iptables/merge.h"
#include "backends/iptables/product.h"
#include "backends/iptables/sets.h"
#include "backends/iptables/table.h"

namespace firewright::iptables {

class RuleWriter {
 public:
  // `program` shows which rules share a limit. With `sets`, long lists of addresses go there.
  RuleWriter(Table& table, const ir::Program& program, Family family, Sets* sets = nullptr);

  // The rule's lines, for whatever chain; the chains that they jump to are made.
  [[nodiscard]] std::vector<Line> lines(ir::Hook hook, const MergedRule& merged);

  [[nodiscard]] Table& table() { return table_; }
  [[nodiscard]] Family family() const { return family_; }
  [[nodiscard]] Sets* sets() const { return sets_; }

 private:
  // What is done with a packet that matches: lines that match nothing more but what is stateful.
  using Action = std::vector<Line>;

  [[nodiscard]] Action effects_and_verdict(const ir::Rule& rule) const;
  // Lines that test the rule's limit before the action.
  [[nodiscard]] Action limited(const ir::Rule& rule, Action action, bool in_one_place);
  [[nodiscard]] std::string spell(const std::vector<ir::Predicate>& predicates);
  [[nodiscard]] std::string spell(const ir::Predicate& predicate);
  [[nodiscard]] Line as_one(const Action& action, const std::string& what);
  // The chain that does `leaf` where one of the choice's alternatives holds, or none of them.
  [[nodiscard]] std::string chain_of(const Choice& choice, const Line& leaf);
  // Long lists of addresses as tests of the line itself.
  void use_sets(Product& product);
  template <class A>
  [[nodiscard]] std::string set_test(const IntervalSet<A>& addresses, bool source);
  void append(std::vector<Line>& lines, const Product& product, Action action,
              const std::string& comment);

  Table& table_;
  Family family_;
  Sets* sets_;
  std::map<std::vector<ir::Predicate>, unsigned> users_;  // in how many rules
  std::map<ir::Predicate, std::string> bucket_names_;
  std::set<std::string> taken_bucket_names_;
};

// Whether the rule holds for every packet of the family, and decides.
[[nodiscard]] bool decides_everything(const ir::Rule& rule, ir::Hook hook, Family family);

}  // namespace firewright::iptables
