// What a host remembers: state.json, loaded.json, the manifest of a generation, and what the kernel
// held before a change. Any bytes as each of these, and once more under a seal that fits, since a
// state that is damaged on purpose has one. What is read, written and read again is the same.
#include <string>

#include "backends/host/state_json.h"
#include "backends/host/watchdog.h"
#include "compiler/base/sha256.h"
#include "compiler/cli/standing.h"
#include "fuzz/property.h"

namespace {

using namespace firewright;

// A JSON object with its digest as the last member.
std::string sealed(std::string_view object) {
  const auto end = object.find_last_not_of(" \t\r\n");
  const auto body = std::string(object.substr(0, end == object.npos ? 0 : end));  // without "}"
  return body + ",\n  \"sha256\": \"" + hex(sha256(body)) + "\"\n}\n";
}

// `read` gives a value and takes a text and an error.
template <class ReadText>
void check(std::string_view text, ReadText read_text) {
  std::string error;
  const auto value = read_text(text, error);
  FUZZ_PROPERTY(value.has_value() == error.empty());
  if (!value) return;
  const auto again = read_text(to_text(*value), error);
  FUZZ_PROPERTY(again.has_value() && to_text(*again) == to_text(*value));
}

void check_state(std::string_view text) {
  check(text, [](std::string_view t, std::string& error) { return host::state_from(t, error); });
  check(text, [](std::string_view t, std::string& error) { return host::loaded_from(t, error); });
  check(text, [](std::string_view t, std::string& error) { return host::manifest_from(t, error); });
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto text = fuzz::text_of(data, size);
  check_state(text);
  check_state(sealed(text));

  if (const auto standing = cli::unpack(text)) {
    const auto again = cli::unpack(cli::pack(*standing));
    FUZZ_PROPERTY(again.has_value() && again->places == standing->places);
    FUZZ_PROPERTY(again->tables == standing->tables);
    FUZZ_PROPERTY(again->filter.has_value() == standing->filter.has_value());
  }
  if (const auto place = cli::place_from(text))
    FUZZ_PROPERTY(cli::place_from(cli::to_json_text(*place)) == place);
  if (const auto watchdog = host::watchdog_from(text)) {
    const auto again = host::watchdog_from(to_string(*watchdog));
    FUZZ_PROPERTY(again.has_value() && to_string(*again) == to_string(*watchdog));
  }
  return 0;
}
