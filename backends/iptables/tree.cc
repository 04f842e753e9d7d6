#include "backends/iptables/tree.h"

#include <algorithm>
#include <bit>
#include <cstdint>
#include <utility>

namespace firewright::iptables {
namespace {

// Lines of a chain at a tree's end: about so many, and at most.
constexpr std::size_t leaf_lines = 8;
constexpr std::size_t most_leaf_lines = 12;
// Parts of a list in a chain above. Long lists are split more finely: iptables-nft counts `goto` as
// a jump, and refuses chains that nest 16 deep.
constexpr std::size_t parts = 8;
constexpr std::size_t many_parts = 16;
constexpr std::size_t long_list = 65'536;

// One letter a level, for the names of chains.
constexpr std::string_view letters = "123456789abcdefg";

template <class A>
constexpr unsigned width = sizeof(decltype(A::value)) * 8;

unsigned leading_zeros(std::uint32_t bits) { return static_cast<unsigned>(std::countl_zero(bits)); }
unsigned leading_zeros(u128 bits) {
  const auto high = static_cast<std::uint64_t>(bits >> 64U);
  if (high != 0) return static_cast<unsigned>(std::countl_zero(high));
  return 64 + static_cast<unsigned>(std::countl_zero(static_cast<std::uint64_t>(bits)));
}

template <class A>
unsigned common_bits(A a, A b) {
  return leading_zeros(a.value ^ b.value);
}

// The smallest prefix with both in it.
template <class A>
Prefix<A> around(A first, A last) {
  const auto length = common_bits(first, last);
  using Raw = decltype(A::value);
  const Raw rest = length == width<A> ? Raw{0} : static_cast<Raw>(~Raw{0} >> length);
  return {.address = A{static_cast<Raw>(first.value & ~rest)}, .length = length};
}

// How a part is told from the others of its chain. `next` is where the next part begins, if there
// is one.
template <class A>
class AddressTests {
 public:
  explicit AddressTests(const AddressSlots& slots) : slots_(slots) {}

  // Parts that end where few bits are common are prefixes more often, and tested fastest.
  [[nodiscard]] unsigned distance(A before, A behind) const { return common_bits(before, behind); }

  [[nodiscard]] Line go_to(Interval<A> part, const A* next, std::string chain) const {
    Line line;
    line.target = std::move(chain);
    line.go_to = true;
    const auto prefix = around(part.first, part.last);
    if (next == nullptr || to_interval(prefix).last < *next)
      line.match.*(slots_.prefix) = slots_.prefix_option + ' ' + to_string(prefix);
    else
      line.match.*(slots_.range) =
          slots_.range_option + ' ' + to_string(part.first) + '-' + to_string(part.last);
    return line;
  }

 private:
  const AddressSlots& slots_;
};

class PortTests {
 public:
  PortTests(const PortSlots& slots, const std::string& protocol)
      : slots_(slots), protocol_(protocol) {}

  [[nodiscard]] unsigned distance(Port, Port) const { return 0; }

  [[nodiscard]] Line go_to(Interval<Port> part, const Port*, std::string chain) const {
    Line line;
    line.target = std::move(chain);
    line.go_to = true;
    line.match.protocol = protocol_;
    const auto range =
        ' ' + std::to_string(part.first.value) + ':' + std::to_string(part.last.value);
    // Only tcp and udp have a match of their own everywhere.
    if (protocol_ == "-p tcp" || protocol_ == "-p udp")
      line.match.*(slots_.port) = slots_.port_option + range;
    else
      line.match.*(slots_.multiport) = slots_.multiport_option + range;
    return line;
  }

 private:
  const PortSlots& slots_;
  const std::string& protocol_;
};

template <class T, class Tests>
class TreeWriter {
 public:
  TreeWriter(Table& table, const SortedLines<T>& lines, const Tests& tests)
      : table_(table),
        lines_(lines),
        tests_(tests),
        parts_(lines.size() > long_list ? many_parts : parts) {}

  void write_root(const std::string& name) {
    root_ = name;
    write(name, "", {.begin = 0, .end = lines_.size()});
  }

 private:
  struct Part {
    std::size_t begin = 0;
    std::size_t end = 0;
    [[nodiscard]] std::size_t size() const { return end - begin; }
  };
  struct Child {
    std::string name, path;
    Part part;
  };

  void write(const std::string& name, const std::string& path, Part part) {
    std::string text;
    std::vector<Child> children;
    if (part.size() <= most_leaf_lines) {
      for (auto i = part.begin; i < part.end; ++i) append(text, name, i);
    } else {
      for (const auto& one : split(part)) append(text, name, path, one, part.end, children);
    }
    table_.add_chain(name, std::move(text));
    for (const auto& child : children) write(child.name, child.path, child.part);
  }

  void append(std::string& text, const std::string& name, std::size_t i) const {
    text.append("-A ").append(name).append(lines_.line(i));
  }

  void append(std::string& text, const std::string& name, const std::string& path, Part part,
              std::size_t end, std::vector<Child>& children) {
    if (part.size() == 1) return append(text, name, part.begin);
    Child child{.name = {}, .path = path + letters[children.size()], .part = part};
    child.name = table_.unused_name(root_, child.path);
    const Interval<T> values{lines_.values(part.begin).first, lines_.values(part.end - 1).last};
    const T* next = part.end == end ? nullptr : &lines_.values(part.end).first;
    text.append("-A ").append(name).append(to_text(tests_.go_to(values, next, child.name))) += '\n';
    children.push_back(std::move(child));
  }

  // About equal parts; none is a quarter larger than its share of what is left.
  [[nodiscard]] std::vector<Part> split(Part whole) const {
    const auto count = std::min(parts_, (whole.size() + leaf_lines - 1) / leaf_lines);
    std::vector<Part> result;
    auto begin = whole.begin;
    for (auto left = count; left > 1; --left) {
      const auto end = end_of_part(begin, (whole.end - begin) / left);
      result.push_back({.begin = begin, .end = end});
      begin = end;
    }
    result.push_back({.begin = begin, .end = whole.end});
    return result;
  }

  [[nodiscard]] std::size_t end_of_part(std::size_t begin, std::size_t share) const {
    const auto wanted = begin + share;
    auto best = wanted;
    auto least = distance(wanted);
    for (std::size_t off = 1; off <= share / 4; ++off)
      for (const auto end : {wanted - off, wanted + off})
        if (const auto here = distance(end); here < least) {
          least = here;
          best = end;
        }
    return best;
  }

  [[nodiscard]] unsigned distance(std::size_t end) const {
    return tests_.distance(lines_.values(end - 1).last, lines_.values(end).first);
  }

  Table& table_;
  const SortedLines<T>& lines_;
  const Tests& tests_;
  std::size_t parts_;
  std::string root_;
};

template <class T, class Tests>
std::string tree(Table& table, const std::string& what, const SortedLines<T>& lines,
                 const Tests& tests) {
  auto& root = table.known_chain(lines.text());
  if (!root.empty()) return root;
  root = table.unused_name(what);
  TreeWriter<T, Tests>(table, lines, tests).write_root(root);
  return root;
}

}  // namespace

template <class A>
std::string address_tree(Table& table, const std::string& what, const SortedLines<A>& lines,
                         const AddressSlots& slots) {
  return tree(table, what, lines, AddressTests<A>(slots));
}
template std::string address_tree(Table&, const std::string&, const SortedLines<Ipv4>&,
                                  const AddressSlots&);
template std::string address_tree(Table&, const std::string&, const SortedLines<Ipv6>&,
                                  const AddressSlots&);

std::string port_tree(Table& table, const std::string& what, const SortedLines<Port>& lines,
                      const PortSlots& slots, const std::string& protocol) {
  return tree(table, what, lines, PortTests(slots, protocol));
}

AddressLine::AddressLine(const Line& line, const AddressSlots& slots)
    : slots_(slots), prefix_(open_at(line, slots.prefix)), range_(open_at(line, slots.range)) {}

template <class A>
void AddressLine::add(SortedLines<A>& lines, Interval<A> addresses) const {
  if (const auto prefix = as_prefix(addresses))
    lines.add(addresses, prefix_.before, slots_.prefix_option + ' ' + to_string(*prefix),
              prefix_.behind);
  else
    lines.add(
        addresses, range_.before,
        slots_.range_option + ' ' + to_string(addresses.first) + '-' + to_string(addresses.last),
        range_.behind);
}
template void AddressLine::add(SortedLines<Ipv4>&, Interval<Ipv4>) const;
template void AddressLine::add(SortedLines<Ipv6>&, Interval<Ipv6>) const;

}  // namespace firewright::iptables
