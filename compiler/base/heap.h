// The heap of a short-lived process: room for it is taken in large pieces, which the kernel may
// back with large pages, and is not given back before the end.
//
// A compile of 10,000 exceptions spends a fifth of its time in page faults without this.
#pragma once

namespace firewright {

// To be called once, before the first large allocation. Where the kernel refuses, everything stays
// as it was.
void prepare_heap();

// To be called in a thread that is about to allocate much: large pages for the arena that malloc(3)
// has for it.
void prepare_heap_of_thread();

}  // namespace firewright
