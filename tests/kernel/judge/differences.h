// Where our decoders and the platform's readers may differ, and why.
#pragma once

#include <optional>
#include <string>

#include "tests/kernel/judge/readers.h"

namespace firewright::judge {

struct Answers {
  bool we_accept = false;
  bool they_accept = false;
  std::string our_words;    // of a refusal, rendered
  std::string their_words;  // of a refusal
};

// The class of a difference; nothing: it is in none.
[[nodiscard]] std::optional<std::string> explained(Reader reader, const std::string& text,
                                                   const Answers& answers);

}  // namespace firewright::judge
