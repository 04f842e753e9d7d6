// What a test does where the kernel gives no namespaces: it says so, and skips.
#pragma once

#include <gtest/gtest.h>

#include "tests/kernel/harness/namespace.h"

#define SKIP_WITHOUT_NAMESPACES()                                                                    \
  do {                                                                                               \
    const auto namespaces = ::firewright::kernel::in_namespace([] { return std::string(); });        \
    if (namespaces.refused()) GTEST_SKIP() << namespaces.text;                                       \
  } while (false)
