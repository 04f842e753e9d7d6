// What a test does where the kernel or the machine gives it no test bed: it says why, and skips.
#pragma once

#include <gtest/gtest.h>

#include "tests/kernel/harness/bed.h"
#include "tests/kernel/harness/namespace.h"

#define SKIP_WITHOUT_BED()                                                         \
  do {                                                                             \
    if (const auto why = ::firewright::kernel::why_no_bed()) GTEST_SKIP() << *why; \
  } while (false)

// What `text` is: what the body gave back, in a namespace of its own. A failure of the bed is a
// failure.
#define IN_NAMESPACE(...)                                               \
  SKIP_WITHOUT_BED();                                                   \
  const auto outcome = ::firewright::kernel::in_namespace(__VA_ARGS__); \
  ASSERT_TRUE(outcome.done()) << outcome.text;                          \
  const std::string& text = outcome.text
