#include "compiler/analysis/diff_text.h"

#include <algorithm>
#include <array>
#include <cstdio>

#include "compiler/analysis/markdown.h"
#include "compiler/diagnostics/render.h"

namespace firewright::analysis {
namespace {

std::string heading(Change change) {
  std::string text(to_string(change));
  text[0] = static_cast<char>(text[0] - 'a' + 'A');
  return text;
}

// Boxes that are treated alike, together.
struct Group {
  std::string before, after;
  std::vector<const ChangedBox*> boxes;
};

std::vector<Group> grouped(const ChangeClass& found, std::size_t begin, std::size_t end,
                           const Sources& sources) {
  std::vector<Group> groups;
  for (auto i = begin; i < end; ++i) {
    const auto& box = found.boxes[i];
    Group group{.before = say(box.before, box.hook, sources),
                .after = say(box.after, box.hook, sources),
                .boxes = {&box}};
    const auto same = std::find_if(groups.begin(), groups.end(), [&](const Group& g) {
      return g.before == group.before && g.after == group.after;
    });
    if (same == groups.end())
      groups.push_back(std::move(group));
    else
      same->boxes.push_back(&box);
  }
  return groups;
}

void append_rows(std::string& out, const ChangeClass& found, std::size_t begin, std::size_t end,
                 const Sources& sources) {
  out += "| packets | before | after |\n|---|---|---|\n";
  for (const auto& group : grouped(found, begin, end, sources)) {
    std::string packets;
    for (const auto* box : group.boxes)
      packets += (packets.empty() ? "" : "<br>") + plain_markdown(box->words.sentence());
    out += "| " + packets + " | " + plain_markdown(group.before) + " | " +
           plain_markdown(group.after) + " |\n";
  }
}

void append_packets(std::string& out, const ChangeClass& found) {
  out += "\n<details><summary>One packet of each</summary>\n\n";
  for (std::size_t i = 0; i < found.shown; ++i)
    out += "- " + code_markdown(to_text(found.boxes[i].witness.packet)) + "\n";
  out += "\n</details>\n";
}

std::string rest_of(const ChangeClass& found) {
  const auto more = found.boxes.size() - found.shown;
  const bool all = found.beyond_all == 0;
  return "and " + std::to_string(more) + " more" + (all ? "" : " at least") + ", which hold " +
         percent(found.beyond_shown) + " of these packets";
}

bool has_rest(const ChangeClass& found) {
  return found.boxes.size() > found.shown || found.beyond_all > 0;
}

}  // namespace

std::string summary(const Difference& difference) {
  std::string text;
  for (const auto& found : difference.classes) {
    if (!text.empty()) text += ", ";
    if (found.beyond_all > 0) text += "at least ";
    text += std::to_string(found.boxes.size()) + " " + std::string(to_string(found.change));
  }
  return text.empty() ? "no packet is treated differently" : text;
}

std::string widest_opening(const Difference& difference) {
  const auto* opened = difference.find(Change::accepted);
  return opened == nullptr || opened->boxes.empty() ? "" : opened->boxes[0].words.sentence();
}

std::string percent(double share) {
  std::array<char, 32> text{};
  const auto value = share * 100;
  if (value < 0.01) return "less than 0.01%";
  if (value > 99 && value < 100) return "more than 99%";
  std::snprintf(text.data(), text.size(), value < 1 ? "%.2f%%" : "%.0f%%", value);
  return text.data();
}

std::string to_text(const Difference& difference, const DiffNames& names, const Sources& sources) {
  std::string out = names.before + " -> " + names.after + ": " + summary(difference) + "\n";
  if (const auto widest = widest_opening(difference); !widest.empty())
    out += "widest opening: " + widest + "\n";
  for (const auto& found : difference.classes) {
    out += "\n" + std::string(to_string(found.change)) + ":\n";
    for (const auto& group : grouped(found, 0, found.shown, sources)) {
      for (const auto* box : group.boxes)
        out +=
            "  " + box->words.sentence() + "\n    packet  " + to_text(box->witness.packet) + "\n";
      out += "    before  " + group.before + "\n    after   " + group.after + "\n";
    }
    if (has_rest(found)) out += "  " + rest_of(found) + "\n";
  }
  // Line by line: what is untrusted in a line must not make another.
  std::string safe;
  for (std::size_t at = 0; at < out.size();) {
    const auto end = out.find('\n', at);
    safe += printable(out.substr(at, end - at)) + "\n";
    at = end + 1;
  }
  return safe;
}

std::string to_markdown(const Difference& difference, const DiffNames& names,
                        const Sources& sources) {
  std::string out = "### Firewall: " + summary(difference) + "\n\n";
  out += code_markdown(names.before) + " → " + code_markdown(names.after) + "\n";
  if (const auto widest = widest_opening(difference); !widest.empty())
    out += "\nWidest opening: **" + plain_markdown(widest) + "**\n";
  for (const auto& found : difference.classes) {
    out += "\n#### " + heading(found.change) + "\n\n";
    append_rows(out, found, 0, found.shown, sources);
    append_packets(out, found);
    if (!has_rest(found)) continue;
    out += "\n<details><summary>" + rest_of(found) + "</summary>\n\n";
    if (found.boxes.size() > found.shown)
      append_rows(out, found, found.shown, found.boxes.size(), sources);
    out += "\n</details>\n";
  }
  return out;
}

}  // namespace firewright::analysis
