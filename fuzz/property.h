// What every fuzz target shares: how a broken property is reported, and what holds for every
// diagnostic whatever the input was.
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "compiler/diagnostics/render.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

// Ends the run, so that the fuzzer keeps the input.
#define FUZZ_PROPERTY(holds)                                                                 \
  do {                                                                                       \
    if (!(holds)) {                                                                          \
      std::fprintf(stderr, "FUZZ PROPERTY broken: %s:%d: %s\n", __FILE__, __LINE__, #holds); \
      std::abort();                                                                          \
    }                                                                                        \
  } while (false)

namespace firewright::fuzz {

inline std::string_view text_of(const std::uint8_t* data, std::size_t size) {
  return {reinterpret_cast<const char*>(data), size};
}

inline void check_span(Span span, const Sources& sources) {
  if (!span.known()) return;
  FUZZ_PROPERTY(static_cast<std::size_t>(span.file) < sources.size());
  FUZZ_PROPERTY(span.begin <= span.end);
  FUZZ_PROPERTY(span.end <= sources.file(span.file).text().size());
}

// Every place lies inside its file, every message can be shown, and what is shown is fit for a
// terminal.
inline void check_diagnostics(const Sink& sink, const Sources& sources) {
  for (const auto& diagnostic : sink.diagnostics()) {
    check_span(diagnostic.span, sources);
    for (const auto& label : diagnostic.labels) check_span(label.span, sources);
  }
  for (const char c : render_text(sink, sources))
    FUZZ_PROPERTY(static_cast<unsigned char>(c) >= 0x20 || c == '\n');
  FUZZ_PROPERTY(!render_json(sink, sources).empty());
}

}  // namespace firewright::fuzz
