// The ways to replace a firewall that the reload bench compares: ours, and other programs as their
// users run them.
//
// Each way works on the network namespace that the caller is in, with files in a folder of its own.
// A way that this machine has no program for says so.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace firewright::bench {

class Way {
 public:
  virtual ~Way() = default;
  [[nodiscard]] virtual std::string name() const = 0;
  // Whether it has to be without a fault; the others are there to compare.
  [[nodiscard]] virtual bool ours() const { return false; }
  // Gets ready and loads the first of two firewalls, the one that lets TCP be opened. Gives why it
  // cannot, or nothing.
  [[nodiscard]] virtual std::string prepare(const std::string& folder) = 0;
  // Loads the first (0) or the second (1). Gives what went wrong, or nothing.
  [[nodiscard]] virtual std::string reload(unsigned which) = 0;
  // Ends what prepare() started.
  virtual void finish() {}
};

[[nodiscard]] std::vector<std::unique_ptr<Way>> ways(const std::string& firewright);

}  // namespace firewright::bench
