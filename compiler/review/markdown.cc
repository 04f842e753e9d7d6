#include "compiler/review/markdown.h"

#include <algorithm>
#include <array>

#include "compiler/analysis/markdown.h"

namespace firewright::review {
namespace {

using analysis::Change;
using analysis::code_markdown;
using analysis::plain_markdown;

constexpr std::size_t most_groups = 40;
constexpr std::size_t most_notes = 40;
constexpr std::size_t most_names = 400;
constexpr std::size_t most_in_cell = 6;
constexpr std::size_t most_bytes = 60'000;

std::string emphasised(Severity severity) {
  switch (severity) {
    case Severity::error: return "**error**";
    case Severity::warning: return "**warning**";
    case Severity::note: return "note";
  }
  return {};
}

// Without the direction, which has a column of its own.
std::string packets_of(const ChangedSet& set) {
  const std::string direction(to_string(set.hook));
  auto text = set.text;
  if (text.starts_with(direction + " ")) text.erase(0, direction.size() + 1);
  return plain_markdown(text);
}

class Markdown {
 public:
  explicit Markdown(const Report& report) : report_(report) {}

  std::string run() {
    out_ = "### Firewall review: " + verdict(report_) + "\n\n";
    out_ += code_markdown(report_.range) + ": " + review::summary(report_) + ".\n";
    notes("Does not compile", Category::error);
    notes("Risks", Category::risk);
    table();
    notes("New findings", Category::lint);
    others();
    names();
    witnesses();
    return std::move(out_);
  }

 private:
  using Members = std::vector<std::size_t>;

  [[nodiscard]] const PolicyReview& review(const Group& group) const {
    return report_.reviews[group.members.front()];
  }

  // So many quarters of the whole are not used up.
  [[nodiscard]] bool has_room(std::size_t quarters) const {
    return out_.size() < most_bytes * quarters / 4;
  }

  [[nodiscard]] std::string in(const Members& members) const {
    return " in " + plain_markdown(name_of(report_, members));
  }
  [[nodiscard]] std::string name(const Group& group) const {
    const auto name = plain_markdown(name_of(report_, group.members));
    return group.members.size() > 1 ? "the same in " + name : name;
  }

  void notes(const std::string& heading, Category category) {
    std::vector<const SharedNote*> wanted;
    for (const auto& shared : report_.notes)
      if (shared.note.category == category) wanted.push_back(&shared);
    if (wanted.empty()) return;
    out_ += "\n#### " + heading + "\n\n";
    std::size_t shown = 0;
    for (; shown < std::min(most_notes, wanted.size()) && has_room(2); ++shown) {
      const auto& [note, members] = *wanted[shown];
      out_ += "- " + emphasised(note.severity) + " " + plain_markdown(note.message);
      if (note.place) out_ += " (" + plain_markdown(note.place->text()) + ")";
      out_ += in(members) + " `" + note.id + "`\n";
    }
    if (shown < wanted.size()) out_ += "- and " + std::to_string(wanted.size() - shown) + " more\n";
  }

  // --- the table

  [[nodiscard]] std::vector<const Group*> groups_with_sets() const {
    std::vector<const Group*> groups;
    for (const auto& group : report_.groups)
      if (std::ranges::any_of(review(group).changes,
                              [](const TargetChange& change) { return !change.sets.empty(); }))
        groups.push_back(&group);
    return groups;
  }

  [[nodiscard]] bool has_other_changes() const {
    return report_.has(Change::refusal) || report_.has(Change::effects);
  }

  void table() {
    const auto groups = groups_with_sets();
    if (groups.empty()) return;
    const bool others = has_other_changes();
    out_ += "\n#### Packets\n\n| policy | direction | newly accepted | newly denied |";
    out_ += others ? " otherwise |\n|---|---|---|---|---|\n" : "\n|---|---|---|---|\n";
    std::size_t shown = 0;
    for (; shown < std::min(most_groups, groups.size()) && has_room(3); ++shown)
      rows(*groups[shown], others);
    if (shown == groups.size()) return;
    Members rest;
    for (auto i = shown; i < groups.size(); ++i)
      rest.insert(rest.end(), groups[i]->members.begin(), groups[i]->members.end());
    out_ += "\nNot shown: what changes" + in(rest) + ".\n";
  }

  void rows(const Group& group, bool others) {
    auto policy = name(group);
    if (group.own_names) policy += ", each with its own addresses";
    for (const auto& change : review(group).changes) {
      auto more = change.more;
      for (const auto hook : {ir::Hook::inbound, ir::Hook::outbound, ir::Hook::forward}) {
        if (std::ranges::none_of(change.sets, [&](const auto& set) { return set.hook == hook; }))
          continue;
        std::string direction(to_string(hook));
        if (&change != &review(group).changes.front())
          direction += " (" + std::string(to_string(change.target)) + ")";
        std::vector<std::string> cells{policy, direction,
                                       cell(change, hook, {Change::accepted}, more),
                                       cell(change, hook, {Change::denied}, more)};
        if (others) cells.push_back(cell(change, hook, {Change::refusal, Change::effects}, more));
        for (const auto& text : cells) out_.append("| ").append(text).append(" ");
        out_ += "|\n";
        policy.clear();
      }
    }
  }

  static std::string cell(const TargetChange& change, ir::Hook hook,
                          std::initializer_list<Change> wanted,
                          std::map<Change, std::size_t>& more) {
    std::string text;
    for (const auto kind : wanted) {
      std::size_t found = 0;
      for (const auto& set : change.sets) {
        if (set.hook != hook || set.change != kind || ++found > most_in_cell) continue;
        text += (text.empty() ? "" : "<br>") + packets_of(set);
        if (kind == Change::refusal || kind == Change::effects)
          text += " (" + std::string(to_string(kind)) + ")";
      }
      auto rest = found > most_in_cell ? found - most_in_cell : 0;
      if (const auto hidden = more.extract(kind); found > 0 && !hidden.empty())
        rest += hidden.mapped();
      else if (!hidden.empty())
        more.emplace(kind, hidden.mapped());
      if (rest > 0) text += "<br>and " + std::to_string(rest) + " more";
    }
    return text;
  }

  // --- what is in no row

  void others() {
    struct Kind {
      std::string heading;
      std::vector<std::string> policies;
    };
    std::array<Kind, 4> kinds{{{"Gone", {}},
                               {"New, and accepting no more than the baseline", {}},
                               {"Touched, with the same meaning", {}},
                               {"Not proved", {}}}};
    for (const auto& one : report_.reviews) {
      auto name = code_markdown(one.path);
      if (!one.renamed_from.empty()) name += " (before " + code_markdown(one.renamed_from) + ")";
      if (!one.remark.empty()) name += " (" + plain_markdown(one.remark) + ")";
      const bool changes = std::ranges::any_of(
          one.changes, [](const TargetChange& change) { return !change.sets.empty(); });
      if (one.status == Status::removed)
        kinds[0].policies.push_back(name);
      else if (!one.proved())
        kinds[3].policies.push_back(name);
      else if (one.status == Status::added && !changes)
        kinds[1].policies.push_back(name);
      else if (one.status == Status::compared && !changes)
        kinds[2].policies.push_back(name);
    }
    for (const auto& [heading, policies] : kinds)
      if (!policies.empty()) out_ += "\n" + heading + ": " + listed(policies, 12) + ".\n";
  }

  static std::string listed(const std::vector<std::string>& names, std::size_t most) {
    std::string text;
    for (std::size_t i = 0; i < std::min(most, names.size()); ++i)
      text += (i == 0 ? "" : ", ") + names[i];
    if (names.size() > most) text += " and " + std::to_string(names.size() - most) + " more";
    return text;
  }

  // Which policies "187 policies" are.
  void names() {
    for (const auto* group : groups_with_sets()) {
      if (group->members.size() < 4) continue;
      std::vector<std::string> paths;
      for (const auto member : group->members)
        paths.push_back(code_markdown(report_.reviews[member].path));
      details("The " + std::to_string(paths.size()) + " policies",
              listed(paths, most_names) + "\n");
    }
  }

  void witnesses() {
    std::string text;
    for (const auto* group : groups_with_sets()) {
      text += "\n" + name(*group) +
              "\n\n| packets | one of them | before | after |\n|---|---|---|---|\n";
      for (const auto& change : review(*group).changes)
        for (const auto& set : change.sets)
          text += "| " + plain_markdown(set.text) + " | " + code_markdown(set.packet) + " | " +
                  plain_markdown(set.before) + " | " + plain_markdown(set.after) + " |\n";
    }
    if (text.empty()) return;
    if (out_.size() + text.size() > most_bytes)
      out_ +=
          "\nThere is no room here for one packet of each set; "
          "`firewright review --format json` has them.\n";
    else
      details("One packet of each set, and what decides it", text.substr(1));
  }

  void details(const std::string& summary, const std::string& text) {
    if (out_.size() + text.size() > most_bytes) return;
    out_ += "\n<details><summary>" + summary + "</summary>\n\n" + text + "\n</details>\n";
  }

  const Report& report_;
  std::string out_;
};

}  // namespace

std::string to_markdown(const Report& report) { return Markdown(report).run(); }

}  // namespace firewright::review
