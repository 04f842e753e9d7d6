// Notices what others do to one nftables table, so that a lost race need not mean to read the table
// again: most who are faster write other tables.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "backends/host/descriptor.h"
#include "backends/host/dump.h"

namespace firewright::host {

class TableWatch {
 public:
  // From now on. Where the kernel does not tell of changes, everything counts as changed.
  explicit TableWatch(const TableName& table);

  // The generation that the ruleset has now, if the table is still as it was in generation `since`,
  // which is not older than the watch. Nothing: it may have changed.
  [[nodiscard]] std::optional<std::uint32_t> unchanged_since(std::uint32_t since);

 private:
  // False: nothing more can be known.
  [[nodiscard]] bool take(const char* bytes, std::size_t size, std::uint32_t since);

  TableName table_;
  Descriptor socket_;
  std::vector<char> buffer_;
  bool touched_ = false;  // by the transaction that is being told
  bool changed_ = false;  // by one after `since`
  bool lost_ = false;
  std::optional<std::uint32_t> generation_;
};

}  // namespace firewright::host
