// Zones: names for interfaces (Linux) and profiles (Windows).
#pragma once

#include <map>
#include <string>
#include <vector>

#include "compiler/policy/context.h"

namespace firewright::policy {

class Zones {
 public:
  explicit Zones(Context& context) : context_(context) {}

  // A file's `zones`, which must live on.
  void define(const Value& table);
  // An exception's `in` or `out`: zones, and what is no zone's name is an interface's.
  [[nodiscard]] std::vector<Spanned<std::string>> read_use(const Entry& entry);
  [[nodiscard]] std::map<std::string, Zone> take() { return std::move(zones_); }

 private:
  void read_zone(const Entry& entry);
  [[nodiscard]] bool check_interface(const Value& item);

  Context& context_;
  std::map<std::string, Zone> zones_;
  std::map<std::string, const Value*> written_;
};

}  // namespace firewright::policy
