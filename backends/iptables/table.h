// The filter table of one family as text: built-in or own base chains, and user chains, which are
// made when they are needed and shared when they say the same.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "backends/iptables/line.h"
#include "compiler/base/sha256.h"

namespace firewright::iptables {

// All own chains begin with this, so that they are known as ours among other people's.
inline constexpr std::string_view own_prefix = "firewright-";
// XT_EXTENSION_MAXNAMELEN is 29 with its NUL; both variants take 28 bytes.
inline constexpr std::size_t chain_name_max = 28;

class Table {
 public:
  // A chain that exists from the start: built in, or an own base chain.
  void declare(std::string chain, std::string policy);
  void append(const std::string& chain, const Line& line);
  // The user chain with exactly these lines, made now if there is none. Chains with different
  // `identity` are never the same one: state that lives in a rule must not be shared by accident.
  [[nodiscard]] std::string user_chain(const std::string& what, const std::vector<Line>& lines,
                                       const std::string& identity = {});

  // A user chain of finished lines, for trees.
  void add_chain(std::string name, std::string rules);
  // Of a chain of its own kind, and of one that belongs to `chain`: "PARENT" and "PARENT-3a" for
  // the path "3a".
  [[nodiscard]] std::string unused_name(const std::string& what);
  [[nodiscard]] std::string unused_name(const std::string& chain, const std::string& path);
  // The chain that was made for the same text before. Empty: none yet; the caller fills it in.
  [[nodiscard]] std::string& known_chain(std::string_view text) { return by_text_[sha256(text)]; }

  // ":CHAIN POLICY [0:0]" lines, and "-A" lines, in order of declaration.
  void append_declarations(std::string& text) const;
  void append_rules(std::string& text) const;

 private:
  struct Chain {
    std::string name;
    std::string policy;  // "-" for a user chain
    std::string rules;
  };

  std::vector<Chain> chains_;
  std::map<std::string, std::size_t, std::less<>> index_;  // name -> place in chains_
  std::map<std::string, std::string> by_content_;          // content -> name
  std::map<Sha256, std::string> by_text_;                  // of long lists
  std::map<std::string, unsigned> numbers_;                // what -> last number given
};

}  // namespace firewright::iptables
