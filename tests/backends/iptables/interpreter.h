// What an iptables-restore file does with a packet, read from its text: a second, naive opinion
// about the encoder. It knows the options that the encoder uses and fails on any other; it shares
// nothing with the encoder, nor with the decoder.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "compiler/ir/evaluate.h"

namespace firewright::iptables::test {

struct TextRule {
  std::vector<std::string> words;  // behind "-A CHAIN"
};

struct TextTable {
  std::map<std::string, std::string> policies;  // of built-in chains; "-" for others
  std::map<std::string, std::vector<TextRule>> chains;
  std::map<std::string, std::string> jumps;  // "-I INPUT -j firewright-input"
  // Of ipset: the type, and the elements as the text has them.
  struct TextSet {
    std::string type, family;
    std::vector<std::string> elements;
  };
  std::map<std::string, TextSet> sets;
};

struct TextDecision {
  std::string verdict;  // "accept", "drop", "reject tcp-reset"
  std::vector<std::string> logs;
  std::vector<std::string> counts;
};

// Whether a limit holds; asked with the number of packets or connections that the text gives.
using LimitValue = std::function<bool(unsigned)>;

// They throw std::runtime_error on what they do not know.
[[nodiscard]] TextTable read_table(const std::string& text, const std::string& sets = {});
[[nodiscard]] TextDecision run(const TextTable& table, const ir::Packet& packet,
                               const LimitValue& holds);
// The words of a line, as iptables-restore splits them.
[[nodiscard]] std::vector<std::string> split_words(const std::string& line);

}  // namespace firewright::iptables::test
