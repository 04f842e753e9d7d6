// Policies: any bytes as the root file of one. What the reader accepts goes all the way to the
// artifacts of every target that can say it, and back.
#include <string>

#include "fuzz/checked_policy.h"
#include "fuzz/property.h"

using namespace firewright;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::PolicyInput input;
  input.files.files = {
      {"policy.toml", std::string(fuzz::text_of(data, size))},
      {"parts/web.toml", "[inbound]\nallow = [\"http\"]\n"},
      {"parts/cycle.toml", "include = [\"../policy.toml\"]\n"},
      {"parts/broken.toml", "[inbound\n"},
      {"list.txt", "192.0.2.1\n2001:db8::/32 # documentation\n"},
  };
  fuzz::check_policy(input);
  return 0;
}
