// What every part of the reader has at hand: where to report, what to read from, how to suggest.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "compiler/diagnostics/diagnostic.h"
#include "compiler/policy/document.h"
#include "compiler/policy/read.h"

namespace firewright::policy {

class Context {
 public:
  Context(const ReadOptions& read_options, Sources& all_sources, Sink& errors)
      : options(read_options), sources(all_sources), sink(errors) {}

  const ReadOptions& options;
  Sources& sources;
  Sink& sink;

  // The reference is good until the next report. Arguments of more than a line's length are cut.
  Diagnostic& report(Kind kind, Span span, std::vector<std::string> args = {}) const;
  // At a value, or at `part` of it; says also where a value from a variable was defined.
  Diagnostic& report(Kind kind, const Value& value, std::vector<std::string> args = {}) const;
  Diagnostic& report(Kind kind, const Value& value, Span part, std::vector<std::string> args) const;

  // "did you mean `x`?", or nothing. Compares so many names only: a file full of mistakes has to
  // end.
  [[nodiscard]] std::string did_you_mean(std::string_view word,
                                         const std::vector<std::string>& candidates);
  // The same for the keys of a map.
  template <class Map>
  [[nodiscard]] std::string did_you_mean_key(std::string_view word, const Map& map) {
    if (!may_compare(map.size())) return "";
    std::vector<std::string> names;
    names.reserve(map.size());
    for (const auto& entry : map) names.push_back(entry.first);
    return did_you_mean(word, names);
  }

 private:
  [[nodiscard]] bool may_compare(std::size_t names) const { return names <= comparisons_left_; }

  std::size_t comparisons_left_ = 500'000;
};

}  // namespace firewright::policy
