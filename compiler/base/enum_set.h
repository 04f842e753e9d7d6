// A set of the values of a small enum, as a bit mask.
//
// The enum's values are 0, 1, 2, ... and its last one is named `last`. Iteration is in value order.
#pragma once

#include <cstdint>
#include <initializer_list>

namespace firewright {

template <class E>
class EnumSet {
 public:
  static constexpr unsigned count = static_cast<unsigned>(E::last) + 1;

  constexpr EnumSet() = default;
  constexpr EnumSet(std::initializer_list<E> members) {
    for (E member : members) insert(member);
  }
  [[nodiscard]] static constexpr EnumSet all() {
    EnumSet set;
    set.bits_ = (1U << count) - 1;
    return set;
  }

  constexpr void insert(E member) { bits_ |= bit(member); }
  constexpr void erase(E member) { bits_ &= ~bit(member); }
  [[nodiscard]] constexpr bool contains(E member) const { return (bits_ & bit(member)) != 0; }
  [[nodiscard]] constexpr bool empty() const { return bits_ == 0; }
  [[nodiscard]] constexpr bool is_all() const { return *this == all(); }
  [[nodiscard]] constexpr std::uint32_t bits() const { return bits_; }
  [[nodiscard]] constexpr unsigned size() const {
    return static_cast<unsigned>(__builtin_popcount(bits_));
  }

  [[nodiscard]] constexpr EnumSet operator&(EnumSet other) const {
    return from(bits_ & other.bits_);
  }
  [[nodiscard]] constexpr EnumSet operator|(EnumSet other) const {
    return from(bits_ | other.bits_);
  }
  [[nodiscard]] constexpr EnumSet operator-(EnumSet other) const {
    return from(bits_ & ~other.bits_);
  }
  constexpr bool operator==(const EnumSet&) const = default;
  constexpr auto operator<=>(const EnumSet&) const = default;

  class Iterator {
   public:
    constexpr explicit Iterator(std::uint32_t bits) : bits_(bits) {}
    constexpr E operator*() const { return static_cast<E>(__builtin_ctz(bits_)); }
    constexpr Iterator& operator++() {
      bits_ &= bits_ - 1;
      return *this;
    }
    constexpr bool operator==(const Iterator&) const = default;

   private:
    std::uint32_t bits_;
  };
  [[nodiscard]] constexpr Iterator begin() const { return Iterator(bits_); }
  [[nodiscard]] constexpr Iterator end() const { return Iterator(0); }

 private:
  static constexpr std::uint32_t bit(E member) { return 1U << static_cast<unsigned>(member); }
  static constexpr EnumSet from(std::uint32_t bits) {
    EnumSet set;
    set.bits_ = bits;
    return set;
  }
  std::uint32_t bits_ = 0;
};

}  // namespace firewright
