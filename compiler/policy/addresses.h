// Address items, groups of them, and lists in files.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/policy/context.h"
#include "compiler/policy/loader.h"

namespace firewright::policy {

// Reports an address that cannot be read. `text` stands at `span`.
void report_address(Context& context, const Value* value, Span span, std::string_view text,
                    const ParsedAddress& parsed);

// Reads a list file, one item a line, straight into a set; false: there were errors.
bool read_address_list(Context& context, const std::string& path, const Value& named_at,
                       std::vector<Interval<Ipv4>>& v4, std::vector<Interval<Ipv6>>& v6);

class Groups {
 public:
  explicit Groups(Context& context) : context_(context) {}

  // A file's `addresses`, which must live on.
  void define(const Document& document, const Value& table);
  // After all are defined: what each group comes to.
  void resolve();
  // A `from`, `to`, `from-except` or `to-except`. What narrows must leave an address.
  [[nodiscard]] std::optional<AddressList> read_list(const Entry& entry, bool narrows);
  // The groups, those marked as used that used ones name.
  [[nodiscard]] std::map<std::string, AddressGroup> take();

 private:
  struct Group {
    AddressGroup group;
    const Value* value = nullptr;
    std::string directory;
    std::vector<Interval<Ipv4>> v4;  // until resolved
    std::vector<Interval<Ipv6>> v6;
    std::vector<std::pair<Group*, Span>> members;
    enum class State : std::uint8_t { fresh, open, done } state = State::fresh;
    bool failed = false;  // something in it was reported: its set says nothing
  };

  void read_group(Group& group);
  void read_group_item(Group& group, const Value& item);
  void read_file_item(Group& group, const Value& item);
  void resolve(Group& start);
  void finish(Group& group);
  void report_cycle(const std::vector<std::pair<Group*, std::size_t>>& path, Group& again, Span at);
  void report_unknown(const Value& item, const std::string& name);

  Context& context_;
  std::map<std::string, Group> groups_;
};

}  // namespace firewright::policy
