#include <algorithm>

#include "compiler/report/sections.h"

namespace firewright::report {
namespace {

using policy::Direction;

std::string_view class_of(Answer answer) {
  switch (answer) {
    case Answer::empty: return "empty";
    case Answer::no: return "no";
    case Answer::part: return "part";
    case Answer::limited: return "limited";
    case Answer::yes: return "yes";
  }
  return "";
}

std::string_view caption(Direction direction) {
  switch (direction) {
    case Direction::inbound: return "Services of this host, and who may reach them";
    case Direction::outbound: return "Services, and where this host may reach them";
    case Direction::forward: return "Services, and between whom they may pass";
  }
  return "";
}

std::string_view all_of(Direction direction) {
  switch (direction) {
    case Direction::inbound: return "Everybody may reach everything on this host.";
    case Direction::outbound: return "This host may reach everything, everywhere.";
    case Direction::forward: return "Everything may pass through this host.";
  }
  return "";
}

std::string_view nothing_of(Direction direction) {
  switch (direction) {
    case Direction::inbound: return "Nobody may open a connection to this host.";
    case Direction::outbound: return "This host may open no connection.";
    case Direction::forward: return "Nothing may pass through this host.";
  }
  return "";
}

// Nothing: the matrix has more to say.
std::string_view whole_of(const Matrix& matrix) {
  if (!matrix.managed) return "Left to others: this firewall decides nothing here.";
  switch (matrix.whole) {
    case Answer::yes: return all_of(matrix.direction);
    case Answer::no:
    case Answer::empty: return nothing_of(matrix.direction);
    case Answer::part:
    case Answer::limited: return {};
  }
  return {};
}

// What one matrix says of a service and a party, also where it does not show them.
Cell cell_of(const Matrix& matrix, const std::string& service, const std::string& party) {
  if (matrix.rows.empty())
    return {.answer = matrix.managed ? matrix.whole : Answer::yes, .parts = {}, .more = false};
  if (std::ranges::find(matrix.shut, party) != matrix.shut.end()) return {};
  const auto column = std::ranges::find(matrix.parties, party, &Party::name);
  const auto row =
      std::ranges::find(matrix.rows, service, [](const Row& one) { return one.service.name; });
  if (column == matrix.parties.end() || row == matrix.rows.end())
    return {.answer = Answer::empty, .parts = {}, .more = false};
  return row->cells[static_cast<std::size_t>(column - matrix.parties.begin())];
}

bool same(const Cell& a, const Cell& b) {
  return a.answer == b.answer && a.more == b.more &&
         std::ranges::equal(a.parts, b.parts,
                            [](const Part& x, const Part& y) { return x.what == y.what; });
}

void write_parts(Html& html, const Cell& cell) {
  if (cell.parts.empty()) {
    html.text(to_string(cell.answer));
    return;
  }
  html.open("details").element("summary", to_string(cell.answer)).open("ul");
  for (const auto& part : cell.parts) {
    html.open("li").text(part.what.empty() ? "all of them" : part.what);
    html.text(" \u2013 by " + named(part.by, part.more_by)).close();
  }
  if (cell.more) html.element("li", "and more");
  html.close().close();
}

void write_cell(Html& html, const Cell* was, const Cell& now) {
  const bool changed = was != nullptr && !same(*was, now);
  std::string classes(class_of(now.answer));
  if (changed) classes += " changed";
  html.open("td", {{"class", classes}});
  if (changed)
    html.element("span", "was " + std::string(to_string(was->answer)) + ", is now",
                 {{"class", "was"}});
  write_parts(html, now);
  html.close();
}

// Those of both, the last of all at the end: it stands for the rest.
template <class Item, class Name>
std::vector<Item> joined(std::vector<Item> items, const std::vector<Item>& before, Name name) {
  std::vector<Item> further;
  for (const auto& item : before)
    if (std::ranges::find(items, name(item), name) == items.end()) further.push_back(item);
  const auto end = items.empty() ? items.end() : items.end() - 1;
  items.insert(end, further.begin(), further.end());
  return items;
}

// "a, b": each on a line of its own.
void write_items(Html& html, std::string_view items) {
  while (!items.empty()) {
    const auto end = std::min(items.find(", "), items.size());
    html.element("span", items.substr(0, end), {{"class", "about"}});
    items.remove_prefix(std::min(end + 2, items.size()));
  }
}

void write_head(Html& html, const std::vector<Party>& parties) {
  html.open("thead").open("tr").element("th", "Service", {{"scope", "col"}});
  for (const auto& party : parties) {
    html.open("th", {{"scope", "col"}}).text(party.name);
    write_items(html, party.about);
    html.close();
  }
  html.close().close();
}

void write_service(Html& html, const Service& service) {
  html.open("th", {{"scope", "row"}}).text(service.name);
  if (!service.ports.empty() && service.ports != service.name) {
    write_items(html, service.ports);
  }
  html.close();
}

void write_shut(Html& html, const Matrix& matrix) {
  if (matrix.shut.empty()) return;
  html.open("details").element("summary",
                               "Nothing passes on " + counted(matrix.shut.size(), "other way"));
  html.open("ul");
  for (const auto& party : matrix.shut) html.element("li", party);
  html.close().close();
}

void write_opening(Html& html, const Opening& opening) {
  const auto& service = opening.service;
  const bool risky = !service.risk.empty() || service.ports.empty();
  html.open("li", {{"class", risky ? "risky" : "plain"}});
  html.element("strong", service.name);
  if (!service.ports.empty() && service.ports != service.name)
    html.text(" ").element("code", service.ports);
  if (!service.risk.empty())
    html.text(" ").element("span", "risk: " + service.risk, {{"class", "tag bad"}});
  if (!service.about.empty()) html.element("p", service.about);
  for (const auto& part : opening.cell.parts) {
    html.open("p").text(part.what.empty() ? "" : part.what + " ");
    html.element("span", "by " + named(part.by, part.more_by), {{"class", "quiet"}}).close();
  }
  if (opening.cell.more) html.element("p", "and more");
  html.close();
}

}  // namespace

std::string_view heading(Direction direction) {
  switch (direction) {
    case Direction::inbound: return "To this host";
    case Direction::outbound: return "From this host";
    case Direction::forward: return "Through this host";
  }
  return "";
}

std::string counted(std::size_t number, std::string_view noun) {
  return std::to_string(number).append(" ").append(noun).append(number == 1 ? "" : "s");
}

std::string named(const std::vector<std::string>& names, bool more) {
  std::string text;
  for (const auto& name : names) {
    const bool word = name == "the default";
    text.append(text.empty() ? "" : ", ").append(word ? name : "\u201C" + name + "\u201D");
  }
  return more ? text + " and others" : text;
}

void write_openings(Html& html, const Picture& picture) {
  for (const auto& matrix : picture.matrices) {
    if (matrix.direction == Direction::outbound) continue;
    html.element("h3", heading(matrix.direction));
    if (!matrix.managed) {
      html.element("p", whole_of(matrix));
    } else if (matrix.openings.empty()) {
      html.element("p", "Nothing.");
    } else {
      html.open("ul", {{"class", "openings"}});
      for (const auto& opening : matrix.openings) write_opening(html, opening);
      html.close();
    }
  }
}

void write_matrix(Html& html, const Matrix* before, const Matrix& now) {
  const auto whole = whole_of(now);
  if (before == nullptr && !whole.empty()) {
    html.element("p", whole);
    return;
  }
  if (before != nullptr && !whole.empty() && !whole_of(*before).empty()) {
    html.element("p", whole);
    if (whole_of(*before) != whole)
      html.element("p", "Before: " + std::string(whole_of(*before)), {{"class", "quiet"}});
    return;
  }
  auto parties = now.parties;
  auto rows = now.rows;
  if (before != nullptr) {
    parties =
        joined(std::move(parties), before->parties, [](const Party& one) { return one.name; });
    rows = joined(std::move(rows), before->rows, [](const Row& one) { return one.service.name; });
  }
  const std::string about(caption(now.direction));
  html.open("div",
            {{"class", "scroll"}, {"role", "region"}, {"tabindex", "0"}, {"aria-label", about}});
  html.open("table", {{"class", "matrix"}}).element("caption", about);
  write_head(html, parties);
  html.open("tbody");
  for (const auto& row : rows) {
    html.open("tr");
    write_service(html, row.service);
    for (const auto& party : parties) {
      const auto is = cell_of(now, row.service.name, party.name);
      if (before == nullptr) {
        write_cell(html, nullptr, is);
        continue;
      }
      const auto was = cell_of(*before, row.service.name, party.name);
      write_cell(html, &was, is);
    }
    html.close();
  }
  html.close().close().close();
  write_shut(html, now);
}

}  // namespace firewright::report
