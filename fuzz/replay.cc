// A main for the fuzz targets where there is no libFuzzer: runs the target over files, and over the
// files of directories, in the order of their names.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "fuzz/property.h"

// Of targets that make their inputs themselves.
extern "C" [[gnu::weak]] std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                                             std::size_t max_size, unsigned seed);

namespace {

namespace fs = std::filesystem;

std::vector<fs::path> inputs(const fs::path& path) {
  if (!fs::is_directory(path)) return {path};
  std::vector<fs::path> files;
  for (const auto& entry : fs::recursive_directory_iterator(path))
    if (entry.is_regular_file()) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  return files;
}

// A line of inputs, each made out of the one before; the same ones in every run.
void mutate(const std::string& bytes) {
  constexpr std::size_t largest = 4096;
  constexpr unsigned count = 40;
  std::vector<std::uint8_t> input(bytes.begin(), bytes.end());
  auto size = input.size();
  input.resize(std::max(size, largest));
  for (unsigned seed = 0; seed < count; ++seed) {
    size = LLVMFuzzerCustomMutator(input.data(), size, input.size(), seed);
    std::printf("  seed %u (%zu bytes)\n", seed, size);
    std::fflush(stdout);
    LLVMFuzzerTestOneInput(input.data(), size);
  }
}

bool replay(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    std::fprintf(stderr, "cannot read %s\n", path.c_str());
    return false;
  }
  const std::string bytes((std::istreambuf_iterator<char>(file)), {});
  // Said before it runs: a target that breaks ends the process.
  std::printf("%s (%zu bytes)\n", path.c_str(), bytes.size());
  std::fflush(stdout);
  LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size());
  if (LLVMFuzzerCustomMutator != nullptr) mutate(bytes);
  return true;
}

}  // namespace

int main(int argc, char** argv) {
  std::size_t count = 0;
  for (int i = 1; i < argc; ++i) {
    for (const auto& path : inputs(argv[i])) {
      if (!replay(path)) return 1;
      ++count;
    }
  }
  std::printf("%zu inputs\n", count);
  return count > 0 ? 0 : 1;
}
