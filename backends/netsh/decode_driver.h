// What apply.cmd does with the phases: whether they are the ones that it runs, in its order,
// whether it calls netsh for anything else that changes rules, and whether it knows the rules by
// the name under which they are added (the next generation deletes by that name).
//
// Only batch files of the form that stands beside our phases are understood; another one is an
// error. rollback.cmd brings back what was there before and takes no part in the meaning.
#pragma once

#include <span>
#include <string>

#include "backends/backend.h"
#include "backends/netsh/decode_store.h"
#include "compiler/diagnostics/diagnostic.h"

namespace firewright::netsh {

// `files` are all files of an artifact, those of the phases in the order in which they are read.
void check_driver(const Sources& sources, std::span<const backend::ArtifactFile> files,
                  const FirewallStore& store, Sink& sink);

}  // namespace firewright::netsh
