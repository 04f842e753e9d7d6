// The texts of the files of state.h, and nothing about where they are kept.
//
// Each is JSON whose last line is the SHA-256 of all bytes before it, but for manifests: their
// name is their digest. A text of which one byte is another, or is missing, is refused.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/host/state.h"

namespace firewright::host {

struct ManifestEntry {
  std::string name;
  std::string origin;
  std::uint64_t size = 0;
  std::string sha256;
};

struct Manifest {
  std::string backend;
  std::string policy;
  bool audit = false;
  std::vector<ManifestEntry> files;
};

[[nodiscard]] std::string to_text(const State& state);
[[nodiscard]] std::string to_text(const Loaded& loaded);
[[nodiscard]] std::string to_text(const Manifest& manifest);

// The error says what is wrong with the text, not where it came from.
[[nodiscard]] std::optional<State> state_from(std::string_view text, std::string& error);
[[nodiscard]] std::optional<Loaded> loaded_from(std::string_view text, std::string& error);
[[nodiscard]] std::optional<Manifest> manifest_from(std::string_view text, std::string& error);

// How things are named.
[[nodiscard]] bool is_generation_id(std::string_view text);  // 16 hex digits, also tokens
[[nodiscard]] bool is_digest(std::string_view text);         // 64 hex digits
[[nodiscard]] bool is_file_name(std::string_view text);      // of a GenerationFile

}  // namespace firewright::host
