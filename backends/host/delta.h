// The transaction that makes of one table of the kernel another one: pure, bytes in and bytes out.
//
// Both sides are brought to one form first (table_model.h). What is the same then is not mentioned
// in the transaction and so keeps its handle, its counters and the elements that packets put there.
// Only `table` is ever named in it. It is one transaction and meant for the generation that `live`
// was read from; base chains stay where they are, and a base chain that is new counts on an
// explicit verdict in its last rule, since the kernel sets its policy last.
//
// Kept apart from what is wanted: elements of sets that packets fill or that time out belong to the
// packets; values of counters, buckets and quotas are no difference. A set of intervals is made
// anew as a whole, with the rules that look into it; so are objects and sets whose definition
// differs. Where the table or a chain is defined otherwise, the whole table is deleted and made
// anew.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "backends/host/dump.h"

namespace firewright::host {

struct Delta {
  std::string batch;  // from begin to end, an acknowledgement asked for; empty: nothing to do
  std::size_t messages = 0;  // without begin and end
  bool whole = false;        // the table is deleted and made anew
  std::size_t kept_rules = 0, new_rules = 0, gone_rules = 0;
  std::size_t kept_sets = 0, new_sets = 0, gone_sets = 0;  // with a name; replaced: new and gone
  std::size_t new_elements = 0, gone_elements = 0;         // of kept sets
  [[nodiscard]] bool empty() const { return batch.empty(); }
};

struct DeltaOptions {
  bool whole = false;  // where something differs, delete the table and make it anew
};

// `live`: the kernel's messages; those of other tables are passed over. `wanted`: a batch that
// makes the table, or a former dump that holds it. Empty: the table is to go. No value: one of them
// is not understood, or the table is one that nobody else may change; `error` says so, for people.
[[nodiscard]] std::optional<Delta> delta(std::string_view live, std::string_view wanted,
                                         const TableName& table, std::string& error,
                                         const DeltaOptions& options = {});

}  // namespace firewright::host
