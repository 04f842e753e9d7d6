#include "compiler/cli/heap.h"

#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>

namespace firewright::cli {

// mallopt(3); the limits are those of its `int`.
void prepare_heap() {
#ifdef __GLIBC__
  constexpr int room = 64 << 20;
  constexpr int usual_room = 1 << 20;
  constexpr std::uintptr_t large_page = std::uintptr_t{2} << 20U;
  mallopt(M_TOP_PAD, room);
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, INT32_MAX);
  const auto begin = reinterpret_cast<std::uintptr_t>(::sbrk(0));
  // More than is free now, so that the heap grows, by the room too.
  void* const volatile grown = std::malloc(std::size_t{1} << 20U);  // or the pair is left out
  std::free(grown);
  mallopt(M_TOP_PAD, usual_room);
  const auto end = reinterpret_cast<std::uintptr_t>(::sbrk(0));
  const auto first = (begin + large_page - 1) & ~(large_page - 1);
  // Only advice: without large pages the usual ones do.
  if (first < end) (void)::madvise(reinterpret_cast<void*>(first), end - first, MADV_HUGEPAGE);
#endif
}

}  // namespace firewright::cli
