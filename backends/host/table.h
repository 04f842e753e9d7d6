// One table of the kernel made to be what is wanted, all of it or nothing, whoever else writes
// meanwhile.
//
// The table is read, the difference is sent against the generation that was read, and if somebody
// was faster both are done again. Other tables are neither read nor named.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "backends/host/delta.h"
#include "backends/host/host.h"
#include "backends/host/remembered.h"

namespace firewright::host {

struct TableOptions {
  bool dry_run = false;                    // the kernel checks everything and changes nothing
  const Remembered* remembered = nullptr;  // of this table, from before
  std::size_t most_attempts = 40;
};

struct TableChange {
  Result result;
  // The kernel has taken a transaction, or would have in a dry run. False with an ok result: the
  // table was so already and nothing was sent.
  bool changed = false;
  // The table as it was right before, good as `wanted` later. Empty: there was none, or it could
  // not be read.
  std::string before;
  // What is known of the table's large sets from now on; views into `wanted`, which has to live as
  // long. Not of a dry run.
  Remembered remembered;
  std::size_t attempts = 0;
  std::size_t prepared = 0;  // messages of the transactions before the last, see delta.h
  Delta delta;               // the last one
  // Not empty: the kernel did not take the change in place for this reason, and the whole table was
  // made anew instead.
  std::string refused_in_place;
};

// `wanted` as for `delta`. Reason::raced: the ruleset changed at every attempt.
[[nodiscard]] TableChange put_table(const TableName& table, std::string_view wanted,
                                    const TableOptions& options = {});

}  // namespace firewright::host
