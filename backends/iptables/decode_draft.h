// A rule while its words are read, and what reading them takes.
//
// Options fill the draft in any order, as iptables takes them; `finish` makes rules of it.
#pragma once

#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "backends/iptables/decode_limits.h"
#include "backends/iptables/decode_options.h"
#include "backends/iptables/decode_sets.h"
#include "backends/iptables/decode_text.h"
#include "compiler/ir/program.h"

namespace firewright::iptables::decoder {

// What all files of an artifact have in common.
struct Shared {
  Sink& sink;
  Buckets buckets;
  std::set<std::string, std::less<>> told;  // opaque conditions, each reported once
  const SetTable* sets = nullptr;           // none: what is in them is not known
};

// A match that is in the rule, in the order in which the kernel asks them.
struct LoadedMatch {
  const MatchSpec* spec = nullptr;
  Word at;
  std::uint32_t seen = 0;   // bits of options by their place in the spec
  std::string opaque_text;  // of a match that is not interpreted

  // limit, connlimit
  std::optional<Rate> rate;
  std::uint32_t burst = 5;
  std::optional<std::uint32_t> connections;
  std::optional<std::uint32_t> mask;
  bool above = false;
  bool by_destination = false;
  HashLimit hash;
  // owner
  struct Owners {
    OwnerSet set;
    bool negated = false;
    std::string text;
  };
  std::optional<Owners> users, groups;
  bool supplementary_groups = false;
  // set
  struct SetTest {
    Word name, directions;
    bool negated = false;
  };
  std::optional<SetTest> set;
};

struct Draft {
  Family family = Family::ipv4;
  ir::Match match;
  ir::Effects effects;
  ir::Verdict verdict;
  std::optional<std::string> comment;

  struct SaidProtocol {
    Protocol value;
    bool negated = false;
  };
  std::optional<SaidProtocol> protocol;
  std::vector<LoadedMatch> matches;
  std::vector<PortSet> either_ports;  // source or destination in each of them
  // Addresses with ports, of which one has to be the packet's.
  struct PairTest {
    const std::vector<SetProduct>* products = nullptr;
    bool source = false;       // the address
    bool source_port = false;  // the port
  };
  std::optional<PairTest> pairs;
  bool address_list = false;  // of which iptables makes several rules

  const TargetSpec* target = nullptr;
  std::optional<Word> target_at;  // also of a jump
  std::uint32_t target_seen = 0;
  std::string log_prefix;
  std::vector<std::string> log_details;  // what is not the default
  std::string nflog_group = "0";

  std::uint32_t seen = 0;     // bits of RuleOption
  bool other_family = false;  // `-6` in a file for IPv4: the line does nothing
};

// One option as it stands in the text.
struct Said {
  Word at;
  bool negated = false;
  std::span<const Word> values;

  [[nodiscard]] const Word& value() const { return values.front(); }
};

// The option's words again: "! --ctproto 6".
[[nodiscard]] std::string text_of(const Said& said);
// Adds the condition, which must hold too, and a note about it.
void add_opaque(Draft& draft, std::string instance, std::string text, Span at, Report& report,
                Shared& shared);

// False: an error was reported.
[[nodiscard]] bool read_match_option(Draft& draft, LoadedMatch& loaded, MatchOption option,
                                     const Said& said, Report& report, Shared& shared);
[[nodiscard]] bool read_target_option(Draft& draft, TargetOption option, const Said& said,
                                      Report& report);

// Where the rule stands.
struct Place {
  Family family = Family::ipv4;
  std::string_view chain;
  std::size_t number = 0;  // from 1; the lines that the file adds to the chain, in its order
  Span line;
};

// Appends the rules that the draft stands for, none if it matches no packet. They match no packet
// twice. What is no product takes a chain, which is appended to `made`.
[[nodiscard]] bool finish(Draft& draft, const Place& place, Report& report, Shared& shared,
                          std::vector<ir::Rule>& rules, std::vector<ir::Chain>& made);

// The name of an artifact's chain in the program.
[[nodiscard]] std::string chain_name(Family family, std::string_view name);

}  // namespace firewright::iptables::decoder
