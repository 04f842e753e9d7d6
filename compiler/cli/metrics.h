// What status has to say, for a collector of metrics: the text format of Prometheus, version 0.0.4
// ("Exposition formats" in its documentation), as the textfile collector of node_exporter reads it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace firewright::cli {

class Metrics {
 public:
  enum class Type { counter, gauge };
  using Labels = std::vector<std::pair<std::string_view, std::string>>;

  // The samples that follow are of this metric. `help` is one line.
  void begin(std::string_view name, Type type, std::string_view help);
  void add(std::int64_t value, const Labels& labels = {});
  void add(std::uint64_t value, const Labels& labels = {});
  // A metric with one sample.
  template <class T>
  void gauge(std::string_view name, std::string_view help, T value) {
    begin(name, Type::gauge, help);
    if constexpr (std::is_same_v<T, bool>)
      add(std::int64_t{value});
    else
      add(value);
  }

  [[nodiscard]] const std::string& text() const { return text_; }

 private:
  void sample(const std::string& value, const Labels& labels);

  std::string name_;
  std::string text_;
};

}  // namespace firewright::cli
