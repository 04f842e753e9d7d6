// Diagnostics: what a phase has to say about somebody's input.
//
// Kinds live in kinds.def, one line each: identifier, severity, wording. A phase reports typed
// diagnostics into a Sink and goes on where it can; only the command line prints them. The wording
// is in lower case, values in backticks, what was observed first, no full stop.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/base/source.h"

namespace firewright {

enum class Severity { error, warning, note };

enum class Kind {
#define FIREWRIGHT_KIND(name, severity, id, wording) name,
#include "compiler/diagnostics/kinds.def"
#undef FIREWRIGHT_KIND
};

[[nodiscard]] std::string_view id(Kind kind);       // "unknown-key"; stable, part of the interface
[[nodiscard]] std::string_view wording(Kind kind);  // with a `{}` for each argument
[[nodiscard]] Severity severity(Kind kind);
[[nodiscard]] std::string_view to_string(Severity severity);
[[nodiscard]] const std::vector<Kind>& all_kinds();

// A related place: "first defined here".
struct Label {
  Span span;
  std::string text;
};

struct Diagnostic {
  Kind kind{};
  std::vector<std::string> args;
  Span span;
  std::vector<Label> labels;
  std::string help;  // empty: none

  [[nodiscard]] std::string message() const;
};

class Sink {
 public:
  // Returns the diagnostic so that the caller can add labels and help to it. The reference is valid
  // until the next report. More than `limit` errors are counted but not kept.
  Diagnostic& report(Kind kind, Span span, std::vector<std::string> args = {});

  [[nodiscard]] const std::vector<Diagnostic>& diagnostics() const { return diagnostics_; }
  [[nodiscard]] bool has_errors() const { return errors_ > 0; }
  [[nodiscard]] std::size_t errors() const { return errors_; }
  [[nodiscard]] std::size_t warnings() const { return warnings_; }
  [[nodiscard]] std::size_t dropped() const { return dropped_; }
  // In source order, file by file; those without a place first. Stable, exact repeats removed.
  void sort();
  void append(const Sink& other);

  static constexpr std::size_t limit = 1000;

 private:
  std::vector<Diagnostic> diagnostics_;
  Diagnostic overflow_;
  std::size_t errors_ = 0;
  std::size_t warnings_ = 0;
  std::size_t dropped_ = 0;
};

}  // namespace firewright
