// A plot of lines as SVG, readable on a light and on a dark page. It writes text and no file.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace firewright::bench {

struct Series {
  std::string name;
  std::vector<std::pair<double, double>> points;  // both above 0
};
struct Plot {
  std::string title;
  std::string across;  // what the axes count
  std::string up;
  std::vector<Series> series;
};

// Both axes are logarithmic. A series without points is left out.
[[nodiscard]] std::string svg(const Plot& plot);

}  // namespace firewright::bench
