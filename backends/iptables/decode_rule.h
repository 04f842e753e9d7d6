// One rule's words, from behind its chain's name on, to rules of the IR.
#pragma once

#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "backends/iptables/decode_draft.h"

namespace firewright::iptables::decoder {

class RuleReader {
 public:
  RuleReader(Family family, Report& report, Shared& shared);

  // Appends to `rules` and `made`, see finish(). False: an error was reported.
  [[nodiscard]] bool read(const Place& place, std::span<const Word> words,
                          std::vector<ir::Rule>& rules, std::vector<ir::Chain>& made);

  // The chains that are jumped to, each with the first place.
  [[nodiscard]] const std::map<std::string, Span, std::less<>>& targets() const { return targets_; }

 private:
  [[nodiscard]] bool read_option(std::span<const Word>& words);
  [[nodiscard]] bool rule_option(const OptionSpec<RuleOption>& spec, Said& said,
                                 std::span<const Word>& words);
  // Options of the target or of a match. Nothing: it has no such option.
  [[nodiscard]] std::optional<bool> target_option(Said& said, std::span<const Word>& words);
  [[nodiscard]] std::optional<bool> match_option(Said& said, std::span<const Word>& words);
  [[nodiscard]] bool has_interface(const Said& said, std::string_view not_in);
  [[nodiscard]] bool load_implied(const Word& option);
  [[nodiscard]] bool load(const Said& said);
  [[nodiscard]] bool jump(const Said& said, bool go_to);
  template <class Code>
  [[nodiscard]] bool take_values(const OptionSpec<Code>& spec, Said& said,
                                 std::span<const Word>& words);
  [[nodiscard]] bool once(std::uint32_t& seen, std::size_t bit, const Said& said);

  Family family_;
  Report& report_;
  Shared& shared_;
  ir::Match any_;  // of the family
  Draft draft_;
  std::string_view chain_;  // that the rule is in
  std::map<std::string, Span, std::less<>> targets_;
};

}  // namespace firewright::iptables::decoder
