// Contents of a repository's files, by the numbers that git has for them, each read once.
//
// Any number of threads may ask.
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>

#include "backends/host/process.h"
#include "compiler/base/file_system.h"

namespace firewright::cli {

class GitBlobs {
 public:
  // Reads those of `numbers` that are not known yet, all with one call of git. What cannot be had
  // is left for read() to say.
  void fetch(const std::set<std::string>& numbers);
  [[nodiscard]] FileContent read(const std::string& number, std::size_t limit);

 private:
  using Text = std::shared_ptr<const std::string>;
  [[nodiscard]] Text find(const std::string& number) const;

  mutable std::mutex mutex_;
  std::map<std::string, Text> texts_;
};

// Why a call of git has failed.
[[nodiscard]] std::string failure(const host::Finished& git);

}  // namespace firewright::cli
