#include "compiler/base/heap.h"

#include <malloc.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>

namespace firewright {
namespace {

// Only advice: without large pages the usual ones do.
void advise_large_pages(void* first, std::size_t size) {
  constexpr std::size_t large_page = std::size_t{2} << 20U;
  if (std::align(large_page, large_page, first, size) != nullptr)
    (void)::madvise(first, size, MADV_HUGEPAGE);
}

}  // namespace

// mallopt(3), whose limits are those of its `int`. There is one thread yet.
// NOLINTBEGIN(concurrency-mt-unsafe)
void prepare_heap() {
#ifdef __GLIBC__
  constexpr int room = 64 << 20;
  constexpr int usual_room = 1 << 20;
  mallopt(M_TOP_PAD, room);
  // Before glibc 2.35 it took no more than half of 64 MB.
  if (mallopt(M_MMAP_THRESHOLD, 1 << 30) == 0) mallopt(M_MMAP_THRESHOLD, 32 << 20);
  mallopt(M_TRIM_THRESHOLD, INT32_MAX);
  void* const first = ::sbrk(0);
  // More than is free now, so that the heap grows, by the room too.
  void* const volatile grown = std::malloc(std::size_t{1} << 20U);  // or the pair is left out
  std::free(grown);
  // Where memory is limited nothing could be had in pieces of that size.
  mallopt(M_TOP_PAD, usual_room);
  advise_large_pages(
      first, static_cast<std::size_t>(static_cast<char*>(::sbrk(0)) - static_cast<char*>(first)));
#endif
}
// NOLINTEND(concurrency-mt-unsafe)

void prepare_heap_of_thread() {
#ifdef __GLIBC__
  // HEAP_MAX_SIZE of malloc/arena.c in glibc, to which an arena is aligned.
  constexpr std::uintptr_t arena = std::uintptr_t{64} << 20U;
  // So that it grows once: else page by page, a system call each.
  void* const volatile grown = std::malloc(arena / 2);
  if (grown == nullptr) return;
  const auto offset = reinterpret_cast<std::uintptr_t>(grown) % arena;
  advise_large_pages(static_cast<char*>(grown) - offset, arena);
  std::free(grown);
#endif
}

}  // namespace firewright
