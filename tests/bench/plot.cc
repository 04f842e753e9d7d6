#include "tests/bench/plot.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <string_view>

namespace firewright::bench {
namespace {

constexpr double width = 720;
constexpr double height = 440;
constexpr double left = 76;
constexpr double right = 40;
constexpr double top = 44;
constexpr double legend_line = 18;
constexpr double bottom = 56;

// Distinct to the colour-blind as well, and on both backgrounds; marks differ too.
constexpr std::array<std::string_view, 7> colours = {"#0072b2", "#d55e00", "#009e73", "#cc79a7",
                                                     "#b8860b", "#56b4e9", "#8a8a8a"};

constexpr std::string_view style =
    "<style>\n"
    "  text { font: 13px system-ui, sans-serif; fill: #222; }\n"
    "  .title { font-size: 15px; font-weight: 600; }\n"
    "  .page { fill: #fff; }\n"
    "  .grid { stroke: #ddd; stroke-width: 1; }\n"
    "  .axis { stroke: #555; stroke-width: 1; }\n"
    "  .line { fill: none; stroke-width: 2; }\n"
    "  @media (prefers-color-scheme: dark) {\n"
    "    text { fill: #ddd; }\n"
    "    .page { fill: #16181c; }\n"
    "    .grid { stroke: #33373d; }\n"
    "    .axis { stroke: #999; }\n"
    "  }\n"
    "</style>\n";

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) switch (c) {
      case '&': out += "&amp;"; break;
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  return out;
}

// 1,000 for a thousand; 0.01 for a hundredth.
std::string number(double value) {
  if (value < 1) return fmt::format("{:g}", value);
  const auto digits = fmt::format("{:.0f}", value);
  std::string out;
  for (std::size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0) out += ',';
    out += digits[i];
  }
  return out;
}

// A logarithmic axis from a power of ten to another.
struct Axis {
  int first = 0;  // exponents
  int last = 1;
  double from = 0;  // places on the page
  double to = 1;

  void holds(double least, double most) {
    first = static_cast<int>(std::floor(std::log10(least) + 1e-9));
    last = std::max(first + 1, static_cast<int>(std::ceil(std::log10(most) - 1e-9)));
  }
  [[nodiscard]] double place(double value) const {
    return from + (to - from) * (std::log10(value) - first) / (last - first);
  }
};

// Its own shape for each series, since not everybody tells the colours apart.
std::string mark(std::size_t which, double x, double y) {
  const auto colour = colours[which % colours.size()];
  switch (which % 3) {
    case 0:
      return fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"4\" fill=\"{}\"/>\n", x, y,
                         colour);
    case 1:
      return fmt::format("<rect x=\"{:.1f}\" y=\"{:.1f}\" width=\"7\" height=\"7\" fill=\"{}\"/>\n",
                         x - 3.5, y - 3.5, colour);
    default:
      return fmt::format("<path d=\"M{:.1f} {:.1f} l5 9 h-10 z\" fill=\"{}\"/>\n", x, y - 5,
                         colour);
  }
}

std::string grid(const Plot& plot, const Axis& x, const Axis& y) {
  std::string out;
  for (int exponent = x.first; exponent <= x.last; ++exponent) {
    const double value = std::pow(10, exponent);
    out += fmt::format(
        "<line class=\"grid\" x1=\"{0:.1f}\" y1=\"{1:.1f}\" x2=\"{0:.1f}\" y2=\"{2:.1f}\"/>\n"
        "<text x=\"{0:.1f}\" y=\"{3:.1f}\" text-anchor=\"middle\">{4}</text>\n",
        x.place(value), y.from, y.to, y.from + 18, number(value));
  }
  for (int exponent = y.first; exponent <= y.last; ++exponent) {
    const double value = std::pow(10, exponent);
    out += fmt::format(
        "<line class=\"grid\" x1=\"{0:.1f}\" y1=\"{1:.1f}\" x2=\"{2:.1f}\" y2=\"{1:.1f}\"/>\n"
        "<text x=\"{3:.1f}\" y=\"{4:.1f}\" text-anchor=\"end\">{5}</text>\n",
        x.from, y.place(value), x.to, x.from - 8, y.place(value) + 4, number(value));
  }
  out += fmt::format(
      "<path class=\"axis\" fill=\"none\" d=\"M{0:.1f} {1:.1f} V{2:.1f} H{3:.1f}\"/>\n"
      "<text x=\"{4:.1f}\" y=\"{5:.1f}\" text-anchor=\"middle\">{6}</text>\n"
      "<text transform=\"translate(18 {7:.1f}) rotate(-90)\" text-anchor=\"middle\">{8}</text>\n",
      x.from, y.to, y.from, x.to, (x.from + x.to) / 2, y.from + 40, escaped(plot.across),
      (y.from + y.to) / 2, escaped(plot.up));
  return out;
}

}  // namespace

std::string svg(const Plot& plot) {
  std::vector<Series> shown;
  double least_x = std::numeric_limits<double>::infinity();
  double least_y = least_x;
  double most_x = 0;
  double most_y = 0;
  for (const auto& series : plot.series) {
    if (series.points.empty()) continue;
    shown.push_back(series);
    for (const auto& [x, y] : series.points) {
      least_x = std::min(least_x, x);
      most_x = std::max(most_x, x);
      least_y = std::min(least_y, y);
      most_y = std::max(most_y, y);
    }
  }
  // The legend stands below the axis: no line can run through it.
  const double whole = height + legend_line * static_cast<double>((shown.size() + 1) / 2);
  std::string out = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {0} {1}\" width=\"{0}\" "
      "height=\"{1}\" role=\"img\">\n<title>{2}</title>\n{3}"
      "<rect class=\"page\" width=\"{0}\" height=\"{1}\"/>\n"
      "<text class=\"title\" x=\"{4}\" y=\"26\">{2}</text>\n",
      width, whole, escaped(plot.title), style, left);
  if (shown.empty()) return out + "</svg>\n";

  Axis across{.from = left, .to = width - right};
  Axis up{.from = height - bottom, .to = top};
  across.holds(least_x, most_x);
  up.holds(least_y, most_y);
  out += grid(plot, across, up);
  for (std::size_t i = 0; i < shown.size(); ++i) {
    std::string path;
    std::string marks;
    for (const auto& [x, y] : shown[i].points) {
      path +=
          fmt::format("{}{:.1f} {:.1f}", path.empty() ? "M" : " L", across.place(x), up.place(y));
      marks += mark(i, across.place(x), up.place(y));
    }
    const double key_x = left + (i % 2 == 0 ? 0 : (width - left - right) / 2);
    const double key_y = height + legend_line * static_cast<double>(i / 2) - 4;
    out += fmt::format(
        "<path class=\"line\" stroke=\"{}\" d=\"{}\"/>\n{}{}<text x=\"{:.1f}\" "
        "y=\"{:.1f}\">{}</text>\n",
        colours[i % colours.size()], path, marks, mark(i, key_x, key_y), key_x + 12, key_y + 4,
        escaped(shown[i].name));
  }
  return out + "</svg>\n";
}

}  // namespace firewright::bench
