// What the bench tells: printed as it comes, and at the end a page of Markdown with its plots
// beside it. A figure that could not be had is said to be missing; none is made up.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "tests/bench/measure.h"
#include "tests/bench/plot.h"

namespace firewright::bench {

class Report {
 public:
  explicit Report(std::filesystem::path folder) : folder_(std::move(folder)) {}

  void group(const std::string& title, const std::string& about);
  // The first row is the head; the first column is text, the others stand to the right.
  void table(const std::vector<std::vector<std::string>>& rows);
  void preformatted(const std::string& text);
  // A figure that the design sets a bar for: met when it is at most `limit`.
  void bar(const std::string& what, const Spread& figure, double limit);
  void no_figure(const std::string& what, const std::string& why, double limit);
  void note(const std::string& text);
  void plot(const std::string& name, const Plot& plot);

  // report.md; empty when it went well.
  [[nodiscard]] std::string write() const;

 private:
  void say(const std::string& text);

  struct Bar {
    std::string group, what, figure, limit, met;
  };
  std::filesystem::path folder_;
  std::string group_;
  std::string body_;
  std::vector<Bar> bars_;
};

// Figures for people: three digits, thousands apart.
[[nodiscard]] std::string figure(double value);
[[nodiscard]] std::string count(long value);
// 0.52 (0.50-0.61)
[[nodiscard]] std::string figure(const Spread& spread);

// The usual table of contenders - time, the kernel's part of it, memory - with the ratio to the
// one named `beside`, by its place.
[[nodiscard]] std::vector<std::vector<std::string>> compared(
    const std::vector<Contender>& contenders, const std::vector<Result>& results,
    std::size_t beside);

}  // namespace firewright::bench
