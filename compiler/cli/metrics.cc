#include "compiler/cli/metrics.h"

namespace firewright::cli {
namespace {

// Backslash, double quote and line feed are what the format escapes in values of labels.
std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\\' || c == '"') out += '\\';
    if (c == '\n')
      out += "\\n";
    else
      out += c;
  }
  return out;
}

}  // namespace

void Metrics::begin(std::string_view name, Type type, std::string_view help) {
  name_ = "firewright_" + std::string(name);
  text_.append("# HELP ").append(name_).append(" ").append(help).append("\n# TYPE ").append(name_);
  text_.append(type == Type::counter ? " counter\n" : " gauge\n");
}

void Metrics::add(std::int64_t value, const Labels& labels) {
  sample(std::to_string(value), labels);
}
void Metrics::add(std::uint64_t value, const Labels& labels) {
  sample(std::to_string(value), labels);
}

void Metrics::sample(const std::string& value, const Labels& labels) {
  text_ += name_;
  char separator = '{';
  for (const auto& [name, text] : labels) {
    text_ += std::exchange(separator, ',');
    text_.append(name).append("=\"").append(escaped(text)) += '"';
  }
  if (!labels.empty()) text_ += '}';
  text_.append(" ").append(value) += '\n';
}

}  // namespace firewright::cli
