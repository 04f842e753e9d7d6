// Policies that are TOML: the mutator changes their values, exceptions and sections, so that the
// fuzzer gets behind the reader and into lowering, the backends and their decoders.
#include <string>

#include "fuzz/checked_policy.h"
#include "fuzz/policy_mutator.h"
#include "fuzz/property.h"

using namespace firewright;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  fuzz::PolicyInput input;
  input.files.files["policy.toml"] = std::string(fuzz::text_of(data, size));
  fuzz::check_policy(input);
  return 0;
}

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned seed) {
  const auto text = fuzz::mutate_policy(fuzz::text_of(data, size), seed, max_size);
  text.copy(reinterpret_cast<char*>(data), text.size());
  return text.size();
}
