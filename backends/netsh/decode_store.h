// Windows Firewall as a script leaves it: the rules that the script has made, and what it has set
// of each profile.
//
// What other people have on the host is not known. Their rules are taken to be none of those that
// the script makes, whatever they are called; that the script deletes or disables them says nothing
// here, and that it enables or changes one is reported as not compared. What the script does not
// set of a profile stays open: `unknown`.
#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <vector>

#include "backends/netsh/decode_rule.h"

namespace firewright::netsh {

enum class SwitchState : std::uint8_t { unknown, on, off };
// `block_always`: no allow rule counts (inbound only).
enum class DefaultAction : std::uint8_t { unknown, allow, block, block_always };

struct ProfileSettings {
  SwitchState state = SwitchState::unknown;
  DefaultAction inbound = DefaultAction::unknown;
  DefaultAction outbound = DefaultAction::unknown;
  Span state_span, policy_span;
};

inline constexpr std::size_t profile_count = ir::ProfileSet::count;

class FirewallStore {
 public:
  explicit FirewallStore(Sink& sink) : sink_(sink) {}

  void add(RuleFields fields, Span line);
  void remove(const RuleFields& fields, Span line);
  void set(const RuleFields& choice, const RuleFields& change, Span line);
  // The state of a new installation, its many rules included.
  void reset(Span line);
  [[nodiscard]] ProfileSettings& profile(ir::Profile profile) {
    return profiles_[static_cast<std::size_t>(profile)];
  }
  [[nodiscard]] const ProfileSettings& profile(ir::Profile profile) const {
    return profiles_[static_cast<std::size_t>(profile)];
  }

  // The script is over: says what of other people's rules takes part.
  void finish();
  // In the order in which they were added.
  [[nodiscard]] std::vector<const StoredRule*> rules() const;

 private:
  // Other people's rules that were enabled or changed.
  struct Foreign {
    std::string what;
    Span span;
    bool inbound = true;
    bool outbound = true;
  };

  // The indices of the rules that are chosen.
  [[nodiscard]] std::vector<std::size_t> choose(const RuleFields& fields, Span line);
  void forget_foreign(const RuleFields& choice);

  Sink& sink_;
  std::deque<StoredRule> rules_;
  std::vector<bool> present_;  // deleted ones stay where they are
  // By name in lower case: whether netsh tells names apart by case is not known.
  std::unordered_map<std::string, std::vector<std::size_t>> by_name_;
  std::vector<std::size_t>* same_name_ = nullptr;  // those called as the rule that was added last
  std::array<ProfileSettings, profile_count> profiles_{};
  std::vector<Foreign> foreign_;
};

}  // namespace firewright::netsh
