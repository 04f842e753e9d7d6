// Random policies, kept in pieces so that a policy can be made smaller piece by piece.
//
// Every key of the language that has a meaning for packets comes, with values that overlap and
// touch one another; the values that the reader refuses are the fuzzers' matter. The same seed
// gives the same policy on every machine.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace firewright::judge {

struct Field {
  std::string key;
  std::string value;  // as TOML writes it
};

struct Section {
  std::string name;
  std::vector<Field> fields;
};

// An exception; one in the form of a string is a single field without a key.
struct Entry {
  std::string direction;
  std::string action;
  std::vector<Field> fields;
};

struct RandomPolicy {
  std::vector<Section> sections;
  std::vector<Entry> exceptions;
  bool in_arrays = false;  // `allow = [{ ... }]` rather than [[inbound.allow]]
};

// Each field on a line of its own, except in arrays, where each exception has one.
[[nodiscard]] std::string to_toml(const RandomPolicy& policy);

enum class Limits : std::uint8_t {
  plentiful,  // never used up by a few thousand packets
  any,
};
[[nodiscard]] RandomPolicy random_policy(std::uint64_t seed, Limits limits);

// A smaller policy that `still` holds for, as it does for this one: exceptions are dropped first,
// then sections and fields, then items of arrays. `still` is asked at most `questions` times.
[[nodiscard]] RandomPolicy shrunk(RandomPolicy policy,
                                  const std::function<bool(const RandomPolicy&)>& still,
                                  std::size_t questions);

}  // namespace firewright::judge
