// The transaction that makes of one table of the kernel another one: pure, bytes in and bytes out.
//
// Both sides are brought to one form first (table_model.h). What is the same then is not mentioned
// in the transaction and so keeps its handle, its counters and the elements that packets put there.
// Only `table` is ever named in it. It is one transaction and meant for the generation that `live`
// was read from; base chains stay where they are, and a base chain that is new counts on an
// explicit verdict in its last rule, since the kernel sets its policy last.
//
// Kept apart from what is wanted: elements of sets that packets fill or that time out belong to the
// packets; values of counters, buckets and quotas are no difference. A set of intervals is filled
// anew as a whole; objects and sets whose definition differs are made anew with the rules that
// refer to them. Where the table or a chain is defined otherwise, the whole table is deleted and
// made anew.
//
// A set of intervals or a map that is new in a transaction is empty to packets for an instant after
// the rules that look into it count (measured on Linux 6.18). So where such a set comes, there is a
// transaction before, which changes no packet's verdict: it makes the new sets, and the new rules
// behind the last rule of their chain, which no packet gets past. The transaction after it, whose
// difference is taken from what stands then, removes the old rules.
//
// That is not possible where something is made anew under the name that its forerunner still bears.
// Then there is a detour: first all of what is wanted with such things under other names, and from
// there to what is wanted.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/host/canonical.h"
#include "backends/host/dump.h"
#include "backends/host/messages.h"

namespace firewright::host {

struct Delta {
  // From begin to end, an acknowledgement asked for; empty: nothing to do. It may be lent bytes of
  // what is wanted, which has to live as long.
  Batch batch;
  std::size_t messages = 0;         // without begin and end
  bool whole = false;               // the table is deleted and made anew
  bool prepares = false;            // it changes nothing yet; another difference has to follow
  std::vector<std::string> filled;  // sets that it makes, if it prepares
  NewNames detour;  // not empty: there is no batch; what is wanted goes by these names first
  std::size_t kept_rules = 0, new_rules = 0, gone_rules = 0;
  std::size_t kept_sets = 0, new_sets = 0, gone_sets = 0;  // with a name; replaced: new and gone
  std::size_t new_elements = 0, gone_elements = 0;         // of kept sets
  [[nodiscard]] bool empty() const { return batch.empty() && detour.empty(); }
};

struct DeltaOptions {
  bool prepare = false;  // if need be, give the detour or the transaction before
  NewNames names = {};   // of a detour
  bool whole = false;    // where something differs, delete the table and make it anew
  const ElementsOfSets* recalled = nullptr;  // by the dump that `live` is
};

// `live`: the kernel's messages; those of other tables are passed over. `wanted`: a batch that
// makes the table, or a former dump that holds it. Empty: the table is to go. No value: one of them
// is not understood, or the table is one that nobody else may change; `error` says so, for people.
[[nodiscard]] std::optional<Delta> delta(std::string_view live, std::string_view wanted,
                                         const TableName& table, std::string& error,
                                         const DeltaOptions& options = {});

}  // namespace firewright::host
