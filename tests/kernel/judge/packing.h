// Numbers and texts as bytes, on their way out of a namespace.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>

#include "tests/kernel/harness/namespace.h"

namespace firewright::judge {

struct Writer {
  std::string bytes;

  void number(std::uint64_t value) {
    bytes.append(reinterpret_cast<const char*>(&value), sizeof value);
  }
  void text(const std::string& value) {
    number(value.size());
    bytes += value;
  }
};

struct Bytes {
  std::string_view left;

  std::uint64_t number() {
    std::uint64_t value = 0;
    need(sizeof value);
    std::memcpy(&value, left.data(), sizeof value);
    left.remove_prefix(sizeof value);
    return value;
  }
  std::string text() {
    const auto size = number();
    need(size);
    std::string value(left.substr(0, size));
    left.remove_prefix(size);
    return value;
  }
  void need(std::size_t size) const {
    if (left.size() < size) throw kernel::HarnessError("an answer that was cut off");
  }
};

}  // namespace firewright::judge
