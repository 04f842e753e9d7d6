// A store as a program: block rules over allow rules over the default, for each direction.
#pragma once

#include "backends/netsh/decode_store.h"
#include "compiler/ir/program.h"

namespace firewright::netsh {

// What rules and settings say that only Windows knows becomes opaque predicates, each reported
// once.
[[nodiscard]] ir::Program to_program(const FirewallStore& store, Sink& sink);

}  // namespace firewright::netsh
