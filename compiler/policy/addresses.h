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
#include "compiler/policy/shared.h"

namespace firewright::policy {

// Reports an address that cannot be read. `text` stands at `span`.
void report_address(Context& context, const Value* value, Span span, std::string_view text,
                    const ParsedAddress& parsed);

// Reads a list file, one item a line, straight into intervals. What is wrong with it is reported.
ListFile read_address_list(Context& context, const std::string& path, const Value& named_at,
                           std::vector<Interval<Ipv4>>& v4, std::vector<Interval<Ipv6>>& v6);

// Reads what a group says by itself; `directory` is its file's. `sound`: nothing was reported.
[[nodiscard]] GroupContent read_group(Context& context, const std::string& name,
                                      const std::string& directory, const Value& value,
                                      bool& sound);

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
    AddressGroup group;  // its set once it is done
    const Value* value = nullptr;
    std::string directory;
    GroupContent content;
    std::vector<std::pair<Group*, Span>> members;
    enum class State : std::uint8_t { fresh, open, done } state = State::fresh;
    bool failed = false;  // something in it was reported: its set says nothing
  };

  void resolve(Group& start);
  void finish(Group& group);
  void report_cycle(const std::vector<std::pair<Group*, std::size_t>>& path, Group& again, Span at);
  void report_unknown(const Value& item, const std::string& name);

  Context& context_;
  std::map<std::string, Group> groups_;
};

}  // namespace firewright::policy
