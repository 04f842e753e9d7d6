#include "compiler/report/page.h"

#include <algorithm>

#include "compiler/analysis/diff_text.h"
#include "compiler/base/sha256.h"
#include "compiler/report/sections.h"
#include "compiler/report/style.h"

namespace firewright::report {
namespace {

std::string base64(const Sha256& bytes) {
  static constexpr std::string_view digits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    std::uint32_t word = 0;
    for (std::size_t i = 0; i < 3; ++i)
      word = word << 8U | (at + i < bytes.size() ? bytes[at + i] : 0U);
    for (std::size_t i = 0; i < 4; ++i)
      text += at + i <= bytes.size() ? digits[word >> (18 - 6 * i) & 63U] : '=';
  }
  return text;
}

Html begin(const std::string& title) {
  Html html("en");
  html.open("head").empty("meta", {{"charset", "utf-8"}});
  const auto policy = "default-src 'none'; style-src 'sha256-" + base64(sha256(style_sheet())) +
                      "'; base-uri 'none'; form-action 'none'";
  html.empty("meta", {{"http-equiv", "Content-Security-Policy"}, {"content", policy}});
  html.empty("meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}});
  html.empty("meta", {{"name", "color-scheme"}, {"content", "light dark"}});
  html.empty("meta", {{"name", "referrer"}, {"content", "no-referrer"}});
  html.element("title", title + " \u2013 firewall").style(style_sheet()).close();
  html.open("body").element("a", "Skip to the content", {{"class", "skip"}, {"href", "#content"}});
  return html;
}

void write_links(Html& html,
                 std::initializer_list<std::pair<std::string_view, std::string_view>> links) {
  html.open("nav", {{"aria-label", "Parts of this page"}}).open("ul");
  for (const auto& [href, text] : links) {
    html.open("li").open("a", {{"href", href}}).text(text).close().close();
  }
  html.close().close();
}

// A section and its heading, which names it.
Html& section(Html& html, const std::string& id, std::string_view title) {
  html.open("section", {{"id", id}, {"aria-labelledby", id + "-title"}});
  return html.element("h2", title, {{"id", id + "-title"}});
}

std::string file_name(const std::string& path) { return path.substr(path.rfind('/') + 1); }

void write_lines(Html& html, std::string_view text) {
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    if (end > 0) html.element("p", text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
}

std::size_t openings_of(const Picture& picture) {
  std::size_t count = 0;
  for (const auto& matrix : picture.matrices) count += matrix.openings.size();
  return count;
}

std::string proofs_of(const Picture& picture) {
  using Verdict = analysis::AssertionResult::Verdict;
  const auto proved = static_cast<std::size_t>(
      std::ranges::count(picture.assertions, Verdict::proved, &AssertionLine::verdict));
  const auto all = picture.assertions.size();
  if (proved == all) return counted(all, "assertion") + " proved";
  return std::to_string(proved) + " of " + counted(all, "assertion") + " proved";
}

void write_facts(Html& html, const Picture& picture) {
  html.open("ul", {{"class", "facts"}});
  const auto open = openings_of(picture);
  html.element(
      "li", open == 0 ? "nothing open to the world" : counted(open, "opening") + " to the world");
  html.element("li", counted(picture.exceptions.size(), "exception"));
  if (!picture.assertions.empty()) html.element("li", proofs_of(picture));
  html.element("li", "for " + std::string(to_string(picture.target)));
  if (picture.today) html.element("li", "as of " + to_string(*picture.today));
  html.close();
}

constexpr std::string_view about_openings =
    "What any public address may reach from outside, if the policy does not single it out.";
constexpr std::string_view about_matrix =
    "Computed from what the firewall does to every packet, not from how it is written. Yes: each "
    "such connection may be opened. In part and limited say which, and by which exception.";

std::string id_of(policy::Direction direction) { return std::string(to_string(direction)); }

void write_end(Html& html, const Picture& picture) {
  section(html, "baseline", "Without an exception");
  write_baseline(html, picture);
  html.close().close();
  html.open("footer").element(
      "p",
      "These tables are about packets that open connections; loopback, and what passes without an "
      "exception, is left out. Every statement was computed over the whole packet space and holds "
      "for all packets that it is about.");
  html.close();
}

// --- two of them

void write_changes(Html& html, const analysis::Difference& difference) {
  if (difference.classes.empty()) {
    html.element("p", "No packet is treated differently.");
    return;
  }
  for (const auto& change : difference.classes) {
    html.element("h3", to_string(change.change));
    html.open("ul", {{"class", "changes"}});
    for (std::size_t i = 0; i < change.shown; ++i) {
      const auto& box = change.boxes[i];
      html.open("li").text(box.words.sentence()).text(", such as ");
      html.element("code", to_text(box.witness.packet)).close();
    }
    html.close();
    if (change.beyond_shown > 0)
      html.element("p", "And more, which hold " + analysis::percent(change.beyond_shown) +
                            " of these packets.");
  }
}

std::string verdict(const analysis::Difference& difference) {
  using analysis::Change;
  const bool opens = difference.find(Change::accepted) != nullptr;
  const bool closes = difference.find(Change::denied) != nullptr;
  if (opens && closes) return "opens and closes";
  if (opens) return "opens";
  if (closes) return "closes";
  return difference.classes.empty() ? "same meaning" : "same verdicts";
}

template <class Write>
void side_by_side(Html& html, const Picture& before, const Picture& after, Write write) {
  html.open("div", {{"class", "sides"}});
  for (const auto* picture : {&before, &after}) {
    html.open("div");
    html.element("p", picture == &before ? "Before" : "After", {{"class", "tag limited"}});
    write(*picture);
    html.close();
  }
  html.close();
}

}  // namespace

std::string page(const Picture& picture) {
  auto html = begin(picture.name);
  html.open("header").element("h1", picture.name);
  write_lines(html, picture.description);
  if (!picture.owner.empty()) html.element("p", "Owner: " + picture.owner, {{"class", "quiet"}});
  write_facts(html, picture);
  write_links(html, {{"#open", "Open to the world"},
                     {"#inbound", heading(policy::Direction::inbound)},
                     {"#forward", heading(policy::Direction::forward)},
                     {"#outbound", heading(policy::Direction::outbound)},
                     {"#exceptions", "Exceptions"},
                     {"#assertions", "Assertions"}});
  html.close().open("main", {{"id", "content"}});
  section(html, "open", "Open to the world").element("p", about_openings, {{"class", "quiet"}});
  write_openings(html, picture);
  html.close();
  bool explained = false;
  for (const auto& matrix : picture.matrices) {
    section(html, id_of(matrix.direction), heading(matrix.direction));
    if (!matrix.rows.empty() && !explained) {
      html.element("p", about_matrix, {{"class", "quiet"}});
      explained = true;
    }
    write_matrix(html, nullptr, matrix);
    html.close();
  }
  section(html, "exceptions", "Exceptions");
  write_exceptions(html, picture, true);
  html.close();
  section(html, "assertions", "Assertions");
  write_assertions(html, picture, true);
  html.close();
  write_end(html, picture);
  return html.take();
}

std::string page(const Picture& before, const Picture& after,
                 const analysis::Difference& difference) {
  const bool apart = file_name(before.file) != file_name(after.file);
  const auto title = (apart ? file_name(before.file) : before.file) + " \u2192 " +
                     (apart ? file_name(after.file) : after.file);
  auto html = begin(title);
  html.open("header").element("h1", title);
  if (before.name != after.name || after.name != after.file)
    html.element("p",
                 before.name == after.name ? after.name : before.name + " \u2192 " + after.name);
  html.open("ul", {{"class", "facts"}}).element("li", verdict(difference));
  html.element("li", "for " + std::string(to_string(after.target)));
  if (after.today) html.element("li", "as of " + to_string(*after.today));
  html.close();
  write_links(html, {{"#changes", "What changes"},
                     {"#open", "Open to the world"},
                     {"#inbound", heading(policy::Direction::inbound)},
                     {"#forward", heading(policy::Direction::forward)},
                     {"#outbound", heading(policy::Direction::outbound)},
                     {"#exceptions", "Exceptions"},
                     {"#assertions", "Assertions"}});
  html.close().open("main", {{"id", "content"}});
  section(html, "changes", "What changes");
  write_changes(html, difference);
  html.close();
  section(html, "open", "Open to the world").element("p", about_openings, {{"class", "quiet"}});
  side_by_side(html, before, after, [&](const Picture& one) { write_openings(html, one); });
  html.close();
  for (std::size_t i = 0; i < after.matrices.size(); ++i) {
    section(html, id_of(after.matrices[i].direction), heading(after.matrices[i].direction));
    write_matrix(html, &before.matrices[i], after.matrices[i]);
    html.close();
  }
  section(html, "exceptions", "Exceptions");
  side_by_side(html, before, after,
               [&](const Picture& one) { write_exceptions(html, one, false); });
  html.close();
  section(html, "assertions", "Assertions");
  side_by_side(html, before, after,
               [&](const Picture& one) { write_assertions(html, one, false); });
  html.close();
  write_end(html, after);
  return html.take();
}

}  // namespace firewright::report
