// Runs the lines of a netsh script on a store.
//
// What a line does that is no filtering is passed over: comments, `show`, `export`, `dump`, what is
// logged, who is notified. Every other line that is not understood is an error. Two forms are read:
// files for `netsh -f`, with contexts that a line may switch; and lines that begin with `netsh`, as
// in a batch file, where `rem`, `echo` and `pause` may stand as well.
#pragma once

#include "backends/netsh/decode_store.h"
#include "backends/netsh/decode_words.h"
#include "compiler/base/source.h"
#include "compiler/diagnostics/diagnostic.h"

namespace firewright::netsh {

void run_script(const Sources& sources, FileId file, FirewallStore& store, Sink& sink);

}  // namespace firewright::netsh
