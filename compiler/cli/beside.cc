#include "compiler/cli/beside.h"

#include <map>
#include <set>
#include <string>

namespace firewright::cli {
namespace {

// Depends on the packet alone, and is the same everywhere.
bool is_opaque(const ir::Predicate& predicate) {
  return std::holds_alternative<ir::OpaqueMatch>(predicate.test) && predicate.instance == "opaque";
}

// What the names of a second program become, so that none is one of the first's.
class NewNames {
 public:
  void add(const std::string& name, bool first) { (first ? first_ : second_).insert(name); }
  std::string of(const std::string& name) {
    if (!first_.contains(name)) return name;
    auto& renamed = renamed_[name];
    for (int n = 2; renamed.empty(); ++n)
      if (const auto other = name + "-" + std::to_string(n);
          !first_.contains(other) && !second_.contains(other) && taken_.insert(other).second)
        renamed = other;
    return renamed;
  }

 private:
  std::set<std::string> first_, second_, taken_;
  std::map<std::string, std::string> renamed_;
};

}  // namespace

void append_beside(ir::Program& program, ir::Program other) {
  NewNames chains, instances;
  for (const auto* one : {&std::as_const(program), &std::as_const(other)}) {
    const bool first = one == &program;
    for (const auto& chain : one->chains) {
      chains.add(chain.name, first);
      for (const auto& rule : chain.rules)
        for (const auto& predicate : rule.match.predicates)
          if (!is_opaque(predicate)) instances.add(predicate.instance, first);
    }
  }
  for (auto& chain : other.chains) {
    chain.name = chains.of(chain.name);
    for (auto& rule : chain.rules) {
      rule.verdict.chain = chains.of(rule.verdict.chain);
      for (auto& predicate : rule.match.predicates)
        if (!is_opaque(predicate)) predicate.instance = instances.of(predicate.instance);
    }
    program.chains.push_back(std::move(chain));
  }
}

}  // namespace firewright::cli
