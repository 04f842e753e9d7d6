// What the large sets of one table hold, known without asking the kernel for each element.
//
// The kernel walks a hashed set from its beginning for every part of a dump, so that reading back a
// million elements takes several times as long as loading them. But every change of the ruleset by
// a transaction makes another generation: what a transaction filled a set with, element by element
// acknowledged, is what the set holds while the generation is the one that it made. Sets that
// packets or time change are never remembered.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "backends/host/dump.h"

namespace firewright::host {

struct Remembered {
  std::uint32_t generation = 0;  // of the ruleset
  ElementsOfSets sets;
};

// Lists shorter than this together are read back like everything else, in bytes.
inline constexpr std::size_t large_set = std::size_t{256} << 10U;

// The large sets with names that the messages of a batch, or of a `whole` dump, fill. None of a
// table from which the messages take elements away.
[[nodiscard]] ElementsOfSets large_sets(std::string_view messages, const TableName& table);
[[nodiscard]] std::size_t count_elements(const ElementLists& lists);
// The generation after one more transaction. The kernel leaves zero out.
[[nodiscard]] std::uint32_t next_generation(std::uint32_t generation);
// The messages of the table's dump, and behind them such that say what the recalled sets hold.
[[nodiscard]] std::string whole(Dump dump, const TableName& table);

}  // namespace firewright::host
