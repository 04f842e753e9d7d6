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
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "backends/host/dump.h"

namespace firewright::host {

// Lists of elements, as in NFTA_SET_ELEM_LIST_ELEMENTS; views into the messages they come from.
using ElementLists = std::vector<std::string_view>;

struct Remembered {
  std::uint32_t generation = 0;  // of the ruleset
  std::map<std::string, ElementLists, std::less<>> sets;
};

// Lists shorter than this together are read back like everything else, in bytes.
inline constexpr std::size_t large_set = std::size_t{256} << 10U;

// The large sets with names that the messages of a batch, or of a dump completed by `put_elements`,
// fill. None of a table from which the messages take elements away.
[[nodiscard]] std::map<std::string, ElementLists, std::less<>> large_sets(std::string_view messages,
                                                                          const TableName& table);
[[nodiscard]] std::size_t count_elements(const ElementLists& lists);
// The generation after one more transaction. The kernel leaves zero out.
[[nodiscard]] std::uint32_t next_generation(std::uint32_t generation);
// Appends messages that say what the set holds.
void put_elements(std::string& out, const TableName& table, std::string_view set,
                  const ElementLists& lists);

}  // namespace firewright::host
