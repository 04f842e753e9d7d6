// What may be called what: groups, services, zones, variables, interfaces, and texts for people.
#pragma once

#include <string>
#include <string_view>

#include "compiler/policy/context.h"

namespace firewright::policy {

// Letters, digits, '-', '_', '.'; 1 to 100 of them.
[[nodiscard]] bool is_variable_name(std::string_view name);

// A group's, service's or zone's name at its definition: as above and nothing that reads as an
// address; reported as `what` if not.
bool check_name(Context& context, const Entry& entry, std::string_view what);

// Why the kernel would not take it for an interface's name, with `*` allowed at the end behind at
// least one byte; empty: it would.
[[nodiscard]] std::string interface_problem(std::string_view name);

// A text for people: at most `longest` bytes, not empty, and nothing that a terminal, a log or
// another program's file would take for more than text.
bool check_text_for_people(Context& context, const Value& value, std::string_view key,
                           std::size_t longest, bool lines_allowed = false);

}  // namespace firewright::policy
