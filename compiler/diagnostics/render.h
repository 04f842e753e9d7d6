// Diagnostics as text for people and as JSON for programs.
#pragma once

#include <string>
#include <string_view>

#include "compiler/diagnostics/diagnostic.h"

namespace firewright {

struct RenderOptions {
  bool colour = false;
};

// file:line:column: error: message [id]
//   LINE | the source line
//        | ^~~~ caret under the value
//   ...   = help: ...
[[nodiscard]] std::string render_text(const Sink& sink, const Sources& sources,
                                      RenderOptions options = {});

// One JSON document: {"diagnostics": [{id, severity, message, file, line, column, end_line,
// end_column, related: [...], help}], "errors": n, "warnings": n}
[[nodiscard]] std::string render_json(const Sink& sink, const Sources& sources);

// Untrusted text made safe for a terminal: control characters and invalid UTF-8 become escapes.
[[nodiscard]] std::string printable(std::string_view text);

}  // namespace firewright
