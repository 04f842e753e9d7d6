// The heap of a short-lived process: room for it is taken in one piece, which the kernel may back
// with large pages, and is not given back before the end.
//
// A compile of 10,000 exceptions spends a fifth of its time in page faults without this.
#pragma once

namespace firewright::cli {

// To be called once, before the first large allocation. Where the kernel refuses, everything stays
// as it was.
void prepare_heap();

}  // namespace firewright::cli
