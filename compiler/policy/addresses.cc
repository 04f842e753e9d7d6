#include "compiler/policy/addresses.h"

#include <algorithm>

#include "compiler/policy/names.h"
#include "compiler/policy/values.h"

namespace firewright::policy {
namespace {

constexpr std::string_view group_help =
    "write `name = [\"192.0.2.0/24\", ...]` or `name = { file = \"list.txt\" }`";

// Adds an item that names addresses; false: it may name a group, or is wrong.
bool add_interval(const ParsedAddress& parsed, std::vector<Interval<Ipv4>>& v4,
                  std::vector<Interval<Ipv6>>& v6) {
  if (const auto* interval = std::get_if<Interval<Ipv4>>(&parsed.value)) {
    v4.push_back(*interval);
    return true;
  }
  if (const auto* interval = std::get_if<Interval<Ipv6>>(&parsed.value)) {
    v6.push_back(*interval);
    return true;
  }
  return false;
}

// Sets that are the only ones of their family with members stay shared.
AddressSet united(const std::vector<const AddressSet*>& sets) {
  std::vector<const Ipv4Set*> v4;
  std::vector<const Ipv6Set*> v6;
  for (const auto* set : sets) {
    if (!set->v4.empty()) v4.push_back(&set->v4);
    if (!set->v6.empty()) v6.push_back(&set->v6);
  }
  return {.v4 = Ipv4Set::united(v4), .v6 = Ipv6Set::united(v6)};
}

class GroupReader {
 public:
  GroupReader(Context& context, const std::string& name, const std::string& directory)
      : context_(context), name_(name), directory_(directory) {}

  GroupContent read(const Value& value, bool& sound) {
    const auto errors = context_.sink.errors();
    if (value.is(Value::Type::array)) {
      v4_.reserve(value.items().size());
      for (const auto& item : value.items()) read_item(item);
    } else {
      read_item(value);
    }
    content_.set.v4 = Ipv4Set(std::move(v4_));
    content_.set.v6 = Ipv6Set(std::move(v6_));
    sound = !broken_ && context_.sink.errors() == errors;
    return std::move(content_);
  }

 private:
  void read_item(const Value& item) {
    if (item.is(Value::Type::broken)) {
      broken_ = true;
      return;
    }
    if (item.is(Value::Type::table)) {
      read_file_item(item);
      return;
    }
    if (!item.is(Value::Type::string)) {
      if (auto* diagnostic = wrong_type(context_, item, name_, "addresses and names of groups"))
        diagnostic->help = group_help;
      return;
    }
    const auto parsed = parse_address_item(item.string());
    if (add_interval(parsed, v4_, v6_)) return;
    if (std::get<AddressProblem>(parsed.value) == AddressProblem::not_an_address &&
        is_variable_name(item.string()))  // looked up when all groups are known
      content_.names.push_back({.value = item.string(), .span = item.span});
    else
      report_address(context_, &item, item.span, item.string(), parsed);
  }

  void read_file_item(const Value& item) {
    const Fields fields(context_, item, Section::address_file);
    const auto* file = fields.find("file");
    if (file == nullptr) {
      context_.report(Kind::missing_key, item, {"an address group's table", "file"}).help =
          group_help;
      return;
    }
    const auto* path = read_string(context_, file->value, "file");
    if (path == nullptr) return;
    content_.files.push_back(
        read_address_list(context_, resolve_path(directory_, *path), file->value, v4_, v6_));
  }

  Context& context_;
  const std::string& name_;
  const std::string& directory_;
  GroupContent content_;
  std::vector<Interval<Ipv4>> v4_;
  std::vector<Interval<Ipv6>> v6_;
  bool broken_ = false;
};

}  // namespace

GroupContent read_group(Context& context, const std::string& name, const std::string& directory,
                        const Value& value, bool& sound) {
  return GroupReader(context, name, directory).read(value, sound);
}

void Groups::define(const Document& document, const Value& table) {
  if (!is_table(context_, table, "addresses", "write `[addresses]` and groups below it")) return;
  for (const auto& entry : table.entries()) {
    if (!check_name(context_, entry, "group")) continue;
    const auto [at, inserted] = groups_.try_emplace(entry.key);
    auto& group = at->second;
    if (!inserted) {
      const bool same = same_content(*group.value, entry.value) &&
                        (group.directory == document.directory || group.content.files.empty());
      if (!same)
        context_.report(Kind::conflicting_definition, entry.key_span, {"group", entry.key})
            .labels.push_back({.span = group.group.span, .text = "first defined here"});
      continue;
    }
    group.value = &entry.value;
    group.directory = document.directory;
    group.group.name = entry.key;
    group.group.span = entry.key_span;
    const auto* shared = context_.options.shared == nullptr
                             ? nullptr
                             : context_.options.shared->group(group.group.span);
    bool sound = true;
    group.content = shared != nullptr
                        ? *shared
                        : read_group(context_, entry.key, document.directory, entry.value, sound);
    group.failed = !sound;
  }
}

void Groups::resolve() {
  for (auto& [name, group] : groups_) {
    for (const auto& member : group.content.names) {
      const auto found = groups_.find(member.value);
      if (found != groups_.end()) {
        group.members.emplace_back(&found->second, member.span);
        continue;
      }
      Value use;
      use.span = member.span;
      report_unknown(use, member.value);
      group.failed = true;
    }
  }
  for (auto& [name, group] : groups_) resolve(group);
}

// Members before the groups that hold them, without recursion: a chain of groups may be long.
void Groups::resolve(Group& start) {
  if (start.state != Group::State::fresh) return;
  std::vector<std::pair<Group*, std::size_t>> path;
  path.emplace_back(&start, 0);
  start.state = Group::State::open;
  while (!path.empty()) {
    auto& [group, next] = path.back();
    if (next == group->members.size()) {
      finish(*group);
      path.pop_back();
      continue;
    }
    const auto [member, span] = group->members[next++];
    if (member->state == Group::State::fresh) {
      member->state = Group::State::open;
      path.emplace_back(member, 0);
    } else if (member->state == Group::State::open) {
      report_cycle(path, *member, span);
      group->failed = true;
    }
  }
}

void Groups::finish(Group& group) {
  std::vector<const AddressSet*> sets{&group.content.set};
  for (const auto& [member, span] : group.members) {
    sets.push_back(&member->group.set);
    group.failed = group.failed || member->failed;
  }
  group.group.set = united(sets);
  group.group.files = group.content.files;
  group.state = Group::State::done;
}

void Groups::report_cycle(const std::vector<std::pair<Group*, std::size_t>>& path, Group& again,
                          Span at) {
  auto& diagnostic = context_.report(Kind::group_cycle, at, {again.group.name});
  const auto start = std::find_if(path.begin(), path.end(),
                                  [&](const auto& step) { return step.first == &again; });
  constexpr std::size_t shown = 8;
  for (auto step = start; step != path.end() && diagnostic.labels.size() < shown; ++step)
    if (step + 1 != path.end())
      diagnostic.labels.push_back(
          {.span = step->first->members[step->second - 1].second, .text = "reached through this"});
}

void Groups::report_unknown(const Value& item, const std::string& name) {
  auto help = context_.did_you_mean_key(name, groups_);
  const auto parsed = parse_address_item(name);
  const bool dotted = name.find('.') != std::string::npos || name == "localhost";
  if (help.empty() && dotted) {
    report_address(context_, &item, item.span, name, parsed);
    return;
  }
  if (name == "any" || name == "all" || name == "*")
    help = "leave the key out for any address";
  else if (help.empty())
    help = "groups are defined under `[addresses]`";
  context_.report(Kind::unknown_group, item, {name}).help = help;
}

std::optional<AddressList> Groups::read_list(const Entry& entry, bool narrows) {
  AddressList list;
  list.span = entry.value.span;
  std::vector<const AddressSet*> groups;
  std::vector<Interval<Ipv4>> v4;
  std::vector<Interval<Ipv6>> v6;
  const auto errors = context_.sink.errors();
  bool failed = entry.value.is(Value::Type::broken);
  const auto read_item = [&](const Value& item) {
    if (!item.is(Value::Type::string)) {
      auto* diagnostic = wrong_type(context_, item, entry.key, "an address or a group's name");
      if (diagnostic != nullptr && item.is(Value::Type::table))
        diagnostic->help = "give the list a name under `[addresses]`, and use that";
      return;
    }
    AddressItem read;
    const auto parsed = parse_address_item(item.string());
    read.span = item.span;
    if (add_interval(parsed, v4, v6)) {
      if (const auto* four = std::get_if<Interval<Ipv4>>(&parsed.value)) read.value = *four;
      if (const auto* six = std::get_if<Interval<Ipv6>>(&parsed.value)) read.value = *six;
      list.items.push_back(std::move(read));
      return;
    }
    const auto problem = std::get<AddressProblem>(parsed.value);
    const auto found = groups_.find(item.string());
    if (found != groups_.end()) {
      found->second.group.used = true;
      failed = failed || found->second.failed;
      groups.push_back(&found->second.group.set);
      read.value = item.string();
      list.items.push_back(std::move(read));
    } else if (problem == AddressProblem::not_an_address && is_variable_name(item.string())) {
      report_unknown(item, item.string());
    } else {
      report_address(context_, &item, item.span, item.string(), parsed);
    }
  };
  for_each_item(context_, entry.value, entry.key, read_item, !narrows);
  if (entry.value.is(Value::Type::array))
    for (const auto& item : entry.value.items()) failed = failed || item.is(Value::Type::broken);
  const AddressSet literal{.v4 = Ipv4Set(std::move(v4)), .v6 = Ipv6Set(std::move(v6))};
  groups.push_back(&literal);
  list.set = united(groups);
  if (failed || context_.sink.errors() > errors) return list;
  if (narrows && list.set.empty())
    context_.report(Kind::empty_group, entry.value, {entry.key}).help =
        "an empty group matches nothing, never everything; leave the exception out, or fill the "
        "group";
  return list;
}

std::map<std::string, AddressGroup> Groups::take() {
  std::vector<Group*> open;
  for (auto& [name, group] : groups_)
    if (group.group.used) open.push_back(&group);
  while (!open.empty()) {
    auto* group = open.back();
    open.pop_back();
    for (const auto& [member, span] : group->members) {
      if (member->group.used) continue;
      member->group.used = true;
      open.push_back(member);
    }
  }
  std::map<std::string, AddressGroup> result;
  for (auto& [name, group] : groups_) result.emplace(name, std::move(group.group));
  return result;
}

}  // namespace firewright::policy
