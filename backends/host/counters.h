// The counters of exceptions, as the kernel has counted.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

namespace firewright::host {

struct Count {
  std::uint64_t packets = 0;
  std::uint64_t bytes = 0;
};

// Of a dump: its counter objects, by name.
[[nodiscard]] std::map<std::string, Count> counters(std::string_view messages);

// Of what iptables-save --counters gave, to be called for each family: the rules whose comment is
// "count NAME: ...", by that name; several rules of one name are summed up.
void add_counters(std::string_view saved, std::map<std::string, Count>& counts);

}  // namespace firewright::host
