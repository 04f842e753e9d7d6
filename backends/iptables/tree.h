// A long list as a tree of user chains, so that a packet meets a number of lines that grows with
// the logarithm of the list.
//
// The leaves of the tree are the list's lines in ascending order, a handful a chain. The chains
// above hold one line for each part of the list, which tests for what lies from the part's first
// value to its last and goes (`-g`) to the part's chain. A packet that matches nothing falls out of
// the chain it is in and goes on behind the jump to the tree's root. The list's lines are about
// disjoint values. A part's test may hold for values of parts before it too, which have gone there
// by then, and never for values of parts behind it.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "backends/iptables/line.h"
#include "backends/iptables/product.h"
#include "backends/iptables/table.h"
#include "compiler/net/address_set.h"

namespace firewright::iptables {

// Lines in ascending order of the disjoint values that they are about.
template <class T>
class SortedLines {
 public:
  // `line` without its "-A CHAIN".
  void add(Interval<T> values, std::string_view before, std::string_view test,
           std::string_view behind) {
    values_.push_back(values);
    text_.append(before).append(test).append(behind) += '\n';
    ends_.push_back(text_.size());
  }
  [[nodiscard]] std::size_t size() const { return values_.size(); }
  [[nodiscard]] const Interval<T>& values(std::size_t i) const { return values_[i]; }
  [[nodiscard]] std::string_view line(std::size_t i) const {
    const auto begin = i == 0 ? 0 : ends_[i - 1];
    return std::string_view(text_).substr(begin, ends_[i] - begin);
  }
  [[nodiscard]] std::string_view text() const { return text_; }

 private:
  std::vector<Interval<T>> values_;
  std::string text_;
  std::vector<std::size_t> ends_;
};

// The root of a tree of these lines, made now if there is none yet; `what` is in its name. At most
// a handful of lines become one chain.
template <class A>
[[nodiscard]] std::string address_tree(Table& table, const std::string& what,
                                       const SortedLines<A>& lines, const AddressSlots& slots);
// `protocol` is "-p tcp", which each line that tests a port has to say.
[[nodiscard]] std::string port_tree(Table& table, const std::string& what,
                                    const SortedLines<Port>& lines, const PortSlots& slots,
                                    const std::string& protocol);

// A line with a test of addresses still to come, in both forms that such a test has.
class AddressLine {
 public:
  AddressLine(const Line& line, const AddressSlots& slots);
  template <class A>
  void add(SortedLines<A>& lines, Interval<A> addresses) const;

 private:
  const AddressSlots& slots_;
  OpenLine prefix_, range_;
};

}  // namespace firewright::iptables
