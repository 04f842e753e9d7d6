// What every part of the reader has at hand: where to report, what to read from, how to suggest.
#pragma once

#include <functional>
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

  // "did you mean `x`?", or nothing. Looks for so many names only: a file full of mistakes has to end.
  [[nodiscard]] std::string did_you_mean(std::string_view word,
                                         const std::vector<std::string>& candidates);

 private:
  std::size_t comparisons_left_ = 500'000;
};

}  // namespace firewright::policy
