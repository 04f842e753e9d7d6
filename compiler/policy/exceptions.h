// Exceptions, and the sets of packets of assertions, which are exceptions with the narrowing keys
// only.
#pragma once

#include <optional>
#include <string>

#include "compiler/policy/addresses.h"
#include "compiler/policy/context.h"
#include "compiler/policy/services.h"
#include "compiler/policy/values.h"
#include "compiler/policy/zones.h"

namespace firewright::policy {

// `log`: true, false or a prefix. nullopt: false was said, or it was reported.
[[nodiscard]] std::optional<Log> read_log(Context& context, const Entry& entry);
// Whether `ignore` of an exception may name findings of this kind.
[[nodiscard]] bool can_be_ignored(Kind kind);
// `limit` of an exception.
[[nodiscard]] std::optional<Limit> read_limit(Context& context, const Value& value);
// `user` or `group`.
[[nodiscard]] OwnerSet read_owners(Context& context, const Entry& entry);

class ExceptionReader {
 public:
  ExceptionReader(Context& context, Groups& groups, Services& services, Zones& zones)
      : context_(context), groups_(groups), services_(services), zones_(zones) {}

  // One entry of allow, deny or reject.
  [[nodiscard]] Exception read(const Value& value, Direction direction, Action action);
  // An assertion's never or always; nullopt: it says no direction.
  [[nodiscard]] std::optional<Exception> read_assertion_set(const Value& value,
                                                            std::string_view key);

 private:
  void read_string_form(const Value& value, Exception& exception);
  void check_places(const Fields& fields, const Exception& exception);
  void read_narrowing(const Fields& fields, Exception& exception);
  void read_transports(const Fields& fields, Exception& exception);
  void read_addresses(const Fields& fields, Exception& exception);
  void read_process(const Fields& fields, Exception& exception);
  void read_treatment(const Fields& fields, Exception& exception);
  void read_people(const Fields& fields, Exception& exception);
  void read_expiry(const Entry& entry, Exception& exception);
  void read_only_on(const Entry& entry, Exception& exception);
  void read_ignore(const Fields& fields, Exception& exception);
  void use_service(const Value& name, Exception& exception);

  Context& context_;
  Groups& groups_;
  Services& services_;
  Zones& zones_;
};

}  // namespace firewright::policy
