#include "compiler/cli/console.h"

#include "compiler/diagnostics/render.h"

namespace firewright::cli {

void show(Console& console, Sink& sink, const Sources& sources) {
  sink.sort();
  console.err << render_text(sink, sources, {.colour = console.colour});
}

void complain(Console& console, const std::string& message) {
  console.err << "firewright: " << printable(message) << "\n";
}

}  // namespace firewright::cli
