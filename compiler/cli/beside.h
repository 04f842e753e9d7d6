// Firewalls of one host beside each other, as one program.
#pragma once

#include "compiler/ir/program.h"

namespace firewright::cli {

// A packet has to come through all of them. What bears the same name in two of them is not the
// same, but for opaque conditions on the packet alone.
void append_beside(ir::Program& program, ir::Program other);

}  // namespace firewright::cli
