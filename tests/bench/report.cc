#include "tests/bench/report.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <fstream>

namespace firewright::bench {
namespace {

// The first columns are text, the others stand to the right.
std::string padded(const std::vector<std::vector<std::string>>& rows, std::size_t text = 1) {
  std::vector<std::size_t> widths;
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) {
      if (i == widths.size()) widths.push_back(3);
      widths[i] = std::max(widths[i], row[i].size());
    }
  std::string out;
  for (std::size_t r = 0; r < rows.size(); ++r) {
    out += "|";
    for (std::size_t i = 0; i < widths.size(); ++i) {
      const std::string cell = i < rows[r].size() ? rows[r][i] : "";
      out += i < text ? fmt::format(" {:<{}} |", cell, widths[i])
                      : fmt::format(" {:>{}} |", cell, widths[i]);
    }
    out += "\n";
    if (r != 0) continue;
    out += "|";
    for (std::size_t i = 0; i < widths.size(); ++i)
      out += i < text ? fmt::format(":{:-<{}}|", "", widths[i] + 1)
                      : fmt::format("{:-<{}}:|", "", widths[i] + 1);
    out += "\n";
  }
  return out;
}

}  // namespace

std::string figure(double value) {
  if (value == 0) return "0";
  if (std::fabs(value) >= 1000) return count(std::lround(value));
  const int digits = std::fabs(value) >= 100 ? 0 : std::fabs(value) >= 10 ? 1 : 2;
  if (std::fabs(value) < 0.001) return fmt::format("{:.5f}", value);
  return std::fabs(value) < 0.1 ? fmt::format("{:.3f}", value)
                                : fmt::format("{:.{}f}", value, digits);
}

std::string count(long value) {
  const auto digits = std::to_string(std::labs(value));
  std::string out = value < 0 ? "-" : "";
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) out += ',';
    out += digits[i];
  }
  return out;
}

std::string figure(const Spread& spread) {
  return fmt::format("{} ({}-{})", figure(spread.median), figure(spread.least),
                     figure(spread.most));
}

void Report::say(const std::string& text) {
  body_ += text;
  std::fputs(text.c_str(), stdout);
  std::fflush(stdout);
}

void Report::group(const std::string& title, const std::string& about) {
  group_ = title;
  say("\n## " + title + "\n\n" + about + "\n\n");
}

void Report::table(const std::vector<std::vector<std::string>>& rows) { say(padded(rows) + "\n"); }

void Report::preformatted(const std::string& text) { say("```\n" + text + "```\n\n"); }

void Report::bar(const std::string& what, const Spread& figure_of, double limit) {
  const bool met = figure_of.median <= limit;
  bars_.push_back({group_, what, figure(figure_of), figure(limit), met ? "yes" : "NO"});
  say(fmt::format("- {}: {}, bar {}: {}\n", what, figure(figure_of), figure(limit),
                  met ? "met" : "NOT met"));
}

void Report::no_figure(const std::string& what, const std::string& why, double limit) {
  bars_.push_back({group_, what, "none: " + why, figure(limit), "-"});
  say(fmt::format("- {}: no figure: {}\n", what, why));
}

void Report::note(const std::string& text) { say("- " + text + "\n"); }

void Report::plot(const std::string& name, const Plot& plot) {
  std::ofstream(folder_ / (name + ".svg")) << svg(plot);
  body_ += fmt::format("\n![{}]({}.svg)\n", plot.title, name);
}

std::string Report::write() const {
  const auto path = folder_ / "report.md";
  std::ofstream file(path);
  file << "# Bench\n\nAll figures are of one run in which those compared took turns. A ratio is\n"
          "this program to the other one, so less is better: the median of the rounds, and the\n"
          "least and the most. A bar is met when the median is at most that.\n\n";
  std::vector<std::vector<std::string>> rows = {{"group", "what", "figure", "bar", "met"}};
  for (const auto& bar : bars_)
    rows.push_back({bar.group, bar.what, bar.figure, bar.limit, bar.met});
  file << padded(rows, 2) << body_;
  file.close();
  return file ? "" : "cannot write " + path.string();
}

std::vector<std::vector<std::string>> compared(const std::vector<Contender>& contenders,
                                               const std::vector<Result>& results,
                                               std::size_t beside) {
  std::vector<std::vector<std::string>> rows = {
      {"", "ms", "of it user", "kernel", "MB", "time ratio", "memory ratio"}};
  for (std::size_t i = 0; i < contenders.size(); ++i) {
    if (!results[i].why.empty()) {
      rows.push_back({contenders[i].name, "none: " + results[i].why});
      continue;
    }
    const auto cost = results[i].median();
    std::vector<std::string> row = {contenders[i].name, figure(cost.milliseconds),
                                    figure(cost.user), figure(cost.system), figure(cost.megabytes)};
    if (i != beside && results[beside].why.empty()) {
      row.push_back(figure(ratio(results[i].milliseconds(), results[beside].milliseconds())));
      row.push_back(figure(ratio(results[i].megabytes(), results[beside].megabytes())));
    }
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace firewright::bench
