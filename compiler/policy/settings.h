// Single-valued keys: `policy`, `baseline`, a direction's `default` and `log`, and `target`.
//
// Fragments may all say one, if they say the same. Of `policy`, which is for people, the first
// file's word stands.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "compiler/policy/context.h"
#include "compiler/policy/values.h"

namespace firewright::policy {

class Settings {
 public:
  Settings(Context& context, Policy& policy) : context_(context), policy_(policy) {}

  void read_policy(const Value& table);
  void read_baseline(const Value& table);
  void read_target(const Value& table);
  // `default` and `log` of a direction.
  void read_direction(const Fields& fields, Direction direction);
  // Where `established` was said; not known where unsaid.
  [[nodiscard]] Span established_span() const { return established_span_; }

 private:
  // True: `what` is said for the first time, or again in the same way. Otherwise it is reported.
  [[nodiscard]] bool agrees(std::string_view what, const Value& value);

  Context& context_;
  Policy& policy_;
  std::map<std::string, const Value*, std::less<>> said_;
  Span established_span_;
};

}  // namespace firewright::policy
