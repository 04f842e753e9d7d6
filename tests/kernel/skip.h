// What a test does where the kernel or the machine gives it no test bed: it says why, and skips.
#pragma once

#include <gtest/gtest.h>

#include "tests/kernel/harness/bed.h"

#define SKIP_WITHOUT_BED()                                                         \
  do {                                                                             \
    if (const auto why = ::firewright::kernel::why_no_bed()) GTEST_SKIP() << *why; \
  } while (false)
