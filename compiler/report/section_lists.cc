#include <algorithm>

#include "compiler/report/sections.h"

namespace firewright::report {
namespace {

using Verdict = analysis::AssertionResult::Verdict;
using State = ExceptionLine::State;

struct Tag {
  std::string_view text;
  std::string_view look;
};

Tag tag_of(policy::Action action) {
  switch (action) {
    case policy::Action::allow: return {"allow", "tag yes"};
    case policy::Action::deny: return {"deny", "tag bad"};
    case policy::Action::reject: return {"reject", "tag bad"};
  }
  return {};
}

Tag tag_of(State state) {
  switch (state) {
    case State::in_force: return {};
    case State::idle: return {"changes nothing", "tag part"};
    case State::expired: return {"expired", "tag bad"};
    case State::elsewhere: return {"for other targets", "tag limited"};
  }
  return {};
}

Tag tag_of(Verdict verdict) {
  switch (verdict) {
    case Verdict::proved: return {"proved", "tag yes"};
    case Verdict::vacuous: return {"says nothing", "tag part"};
    case Verdict::failed: return {"does not hold", "tag bad"};
    case Verdict::unprovable: return {"cannot be proved", "tag bad"};
    case Verdict::not_proved: return {"not proved", "tag bad"};
  }
  return {};
}

void write_tag(Html& html, const Tag& tag) {
  if (!tag.text.empty()) html.element("span", tag.text, {{"class", tag.look}}).text(" ");
}

// The roles are said because narrow pages show these tables as cards, and browsers then forget that
// they are tables.
void open_lines(Html& html, bool wide, std::string_view caption,
                const std::vector<std::string_view>& columns) {
  html.open("table", {{"class", wide ? "lines wide" : "lines"}, {"role", "table"}});
  html.element("caption", caption);
  html.open("thead", {{"role", "rowgroup"}}).open("tr", {{"role", "row"}});
  for (const auto column : columns)
    html.element("th", column, {{"scope", "col"}, {"role", "columnheader"}});
  html.close().close().open("tbody", {{"role", "rowgroup"}});
}

void write_field(Html& html, std::string_view name, std::string_view text) {
  html.element("td", text, {{"role", "cell"}, {"data-name", name}});
}

void write_says(Html& html, const ExceptionLine& line) {
  html.open("td", {{"role", "cell"}});
  html.open("dl");
  for (const auto& [name, text] : line.says)
    html.open("div").element("dt", name).element("dd", text).close();
  html.close();
  if (!line.reason.empty()) html.element("p", line.reason, {{"class", "quiet"}});
  html.close();
}

// "2030-12-31, in 12 days"
std::string expiry(const ExceptionLine& line, const std::optional<policy::Date>& today) {
  if (!line.expires) return {};
  auto text = to_string(*line.expires);
  if (!today) return text;
  const auto days = policy::days_between(*today, *line.expires);
  if (days > 0) return text + ", in " + counted(static_cast<std::size_t>(days), "day");
  if (days == 0) return text + ", today";
  return text + ", " + counted(static_cast<std::size_t>(-days), "day") + " ago";
}

struct Field {
  std::string_view name;
  std::string (*of)(const ExceptionLine&, const std::optional<policy::Date>& today);
};

constexpr Field fields[] = {
    {"Owner", [](const ExceptionLine& line, const auto&) { return line.owner; }},
    {"Ticket", [](const ExceptionLine& line, const auto&) { return line.ticket; }},
    {"Expires", [](const ExceptionLine& line, const auto& today) { return expiry(line, today); }},
    {"Written at", [](const ExceptionLine& line, const auto&) { return line.place; }},
};

void write_exception(Html& html, const ExceptionLine& line, const std::vector<Field>& shown,
                     const std::optional<policy::Date>& today) {
  html.open("tr", {{"role", "row"}}).open("th", {{"scope", "row"}, {"role", "rowheader"}});
  write_tag(html, tag_of(line.action));
  write_tag(html, tag_of(line.state));
  html.text(line.name).close();
  write_says(html, line);
  for (const auto& field : shown) write_field(html, field.name, field.of(line, today));
  html.close();
}

void write_exceptions(Html& html, const Picture& picture, policy::Direction direction, bool wide) {
  std::vector<const ExceptionLine*> lines;
  for (const auto& line : picture.exceptions)
    if (line.direction == direction) lines.push_back(&line);
  if (lines.empty()) return;
  // Columns that hold nothing are left out.
  std::vector<Field> shown;
  std::vector<std::string_view> columns{"Exception", "Says"};
  for (const auto& field : fields) {
    const bool used = std::ranges::any_of(
        lines, [&](const auto* line) { return !field.of(*line, picture.today).empty(); });
    if (!used) continue;
    shown.push_back(field);
    columns.push_back(field.name);
  }
  html.element("h3", heading(direction));
  open_lines(html, wide, "Exceptions, " + std::string(to_string(direction)), columns);
  for (const auto* line : lines) write_exception(html, *line, shown, picture.today);
  html.close().close();
}

}  // namespace

void write_exceptions(Html& html, const Picture& picture, bool wide) {
  if (picture.exceptions.empty()) html.element("p", "There is none.");
  for (const auto direction :
       {policy::Direction::inbound, policy::Direction::forward, policy::Direction::outbound})
    write_exceptions(html, picture, direction, wide);
}

void write_assertions(Html& html, const Picture& picture, bool wide) {
  if (picture.assertions.empty()) {
    html.element("p", "Nothing is claimed.");
    return;
  }
  open_lines(html, wide, "Assertions, each with what was found of every packet that it is about",
             {"Assertion", "Claims", "Found", "Written at"});
  for (const auto& line : picture.assertions) {
    html.open("tr", {{"role", "row"}}).open("th", {{"scope", "row"}, {"role", "rowheader"}});
    write_tag(html, tag_of(line.verdict));
    html.text(line.name).close();
    write_field(html, "Claims", line.claim);
    html.open("td", {{"role", "cell"}});
    if (line.verdict == Verdict::proved) html.text("Of all packets: ");
    std::string why;
    for (const auto& one : line.why) why.append(why.empty() ? "" : "; ").append(one);
    html.text(why).close();
    write_field(html, "Written at", line.place);
    html.close();
  }
  html.close().close();
}

void write_baseline(Html& html, const Picture& picture) {
  struct Switch {
    bool on;
    std::string_view is_on, is_off;
  };
  const auto& baseline = picture.baseline;
  const Switch switches[] = {
      {baseline.loopback, "The host may talk to itself.", "The host may not talk to itself."},
      {baseline.established, "Replies to what was let in pass, and what is related to it.",
       "Replies need exceptions of their own."},
      {baseline.icmp_errors, "ICMP errors pass.", "ICMP errors need exceptions of their own."},
      {baseline.neighbour_discovery, "IPv6 neighbour discovery passes.",
       "IPv6 neighbour discovery needs exceptions of its own."},
      {baseline.drop_invalid, "Packets that belong to no connection and open none are dropped.",
       "Packets that belong to no connection and open none are treated like others."},
  };
  html.open("ul");
  for (const auto& one : switches) html.element("li", one.on ? one.is_on : one.is_off);
  html.close();
}

}  // namespace firewright::report
