// Services: the policy's own, and looking up names in them and in the catalogue.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "compiler/policy/catalogue.h"
#include "compiler/policy/context.h"

namespace firewright::policy {

class Services {
 public:
  explicit Services(Context& context) : context_(context) {}

  // A file's `services`, which must live on.
  void define(const Value& table);
  // The service that a string names; nullptr: reported.
  [[nodiscard]] const Service* find(const Value& name);
  [[nodiscard]] std::map<std::string, Service> take() { return std::move(services_); }

 private:
  void read_service(const Entry& entry);
  void report_unknown(const Value& name);

  Context& context_;
  std::map<std::string, Service> services_;
  std::map<std::string, const Value*> written_;
};

// A catalogue's text; used for the one in the binary and by its tests.
[[nodiscard]] Catalogue read_catalogue(std::string_view text, Sources& sources, Sink& sink);

}  // namespace firewright::policy
