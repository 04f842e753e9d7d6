// apply.cmd and rollback.cmd: the batch files that carry a generation onto a Windows host.
//
// They read no output of any tool, since all of it is localised; exit codes decide. State is kept
// under %SystemRoot%\firewright, where only administrators write.
#pragma once

#include <string>

#include "backends/netsh/generation.h"

namespace firewright::netsh {

// The names of the phase files. A file is there only if it has something to do.
inline constexpr std::string_view clean_file = "10-clean.txt";
inline constexpr std::string_view block_file = "20-block.txt";
inline constexpr std::string_view allow_file = "30-allow.txt";
inline constexpr std::string_view default_file = "40-default.txt";
inline constexpr std::string_view others_file = "50-others.txt";
inline constexpr std::string_view on_file = "60-on.txt";

[[nodiscard]] std::string apply_script(const Generation& generation);
[[nodiscard]] std::string rollback_script();

}  // namespace firewright::netsh
