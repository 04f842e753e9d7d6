#include "compiler/cli/heap.h"

#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

namespace firewright::cli {

// mallopt(3), whose limits are those of its `int`. There is one thread yet.
// NOLINTBEGIN(concurrency-mt-unsafe)
void prepare_heap() {
#ifdef __GLIBC__
  constexpr int room = 64 << 20;
  constexpr int usual_room = 1 << 20;
  constexpr std::size_t large_page = std::size_t{2} << 20U;
  mallopt(M_TOP_PAD, room);
  // Before glibc 2.35 it took no more than half of 64 MB.
  if (mallopt(M_MMAP_THRESHOLD, 1 << 30) == 0) mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, INT32_MAX);
  void* first = ::sbrk(0);
  // More than is free now, so that the heap grows, by the room too.
  void* const volatile grown = std::malloc(std::size_t{1} << 20U);  // or the pair is left out
  std::free(grown);
  mallopt(M_TOP_PAD, usual_room);
  auto size = static_cast<std::size_t>(static_cast<char*>(::sbrk(0)) - static_cast<char*>(first));
  // Only advice: without large pages the usual ones do.
  if (std::align(large_page, large_page, first, size) != nullptr)
    (void)::madvise(first, size, MADV_HUGEPAGE);
#endif
}
// NOLINTEND(concurrency-mt-unsafe)

}  // namespace firewright::cli
