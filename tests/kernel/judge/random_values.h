// Values of the keys of a random policy, as TOML writes them. They come from small ranges, so that
// exceptions overlap, touch and contain one another.
#pragma once

#include <string>
#include <vector>

#include "tests/kernel/harness/values.h"
#include "tests/kernel/judge/random_policy.h"

namespace firewright::judge {

// Which families an exception is for, by its addresses or protocol.
enum class Families : std::uint8_t { both, v4, v6 };

class Values {
 public:
  explicit Values(kernel::Random& random) : random_(random) {}

  // From here on only what every platform has a word for.
  void keep_plain(bool plain) { plain_ = plain; }

  [[nodiscard]] std::vector<Field> groups();
  [[nodiscard]] std::vector<Field> services();

  [[nodiscard]] Families families();
  // `service`, or `protocol` with what goes with it, or nothing; may narrow the families.
  [[nodiscard]] std::vector<Field> protocol(Families& families);
  [[nodiscard]] std::string short_form();
  [[nodiscard]] std::string port();
  [[nodiscard]] std::string addresses(Families families);
  [[nodiscard]] std::string few_addresses(Families families);  // literals, at most three
  [[nodiscard]] std::string interface();
  [[nodiscard]] std::string owner();
  [[nodiscard]] std::string rate();
  [[nodiscard]] std::string log();
  [[nodiscard]] std::string name();

 private:
  [[nodiscard]] std::string address4();
  [[nodiscard]] std::string address6();
  [[nodiscard]] std::string address(Families family) {
    return family == Families::v4 ? address4() : address6();
  }
  // Some of each family that is meant.
  [[nodiscard]] std::vector<std::string> some_addresses(Families families, std::size_t most);
  [[nodiscard]] std::string ports();
  [[nodiscard]] std::vector<Field> with_ports();
  [[nodiscard]] std::vector<Field> icmp(Families& families);

  kernel::Random& random_;
  bool plain_ = false;
};

}  // namespace firewright::judge
