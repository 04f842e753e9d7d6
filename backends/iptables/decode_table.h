// The filter table that an iptables-restore file leaves behind: its commands, carried out.
//
// Tables other than filter are passed over; one that does anything is reported as not compared.
// Chains that nobody declares, and jumps to them, are errors, and so are chains that jump in a
// circle.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "backends/iptables/decode_rule.h"

namespace firewright::iptables::decoder {

// "[12:3456]"
[[nodiscard]] bool is_packet_counters(std::string_view text);

class TableReader {
 public:
  TableReader(Family family, FileId file, std::string_view text, Shared& shared);

  // False: an error was reported.
  [[nodiscard]] bool read();
  // After a read without error: base chains, then the others.
  [[nodiscard]] std::vector<ir::Chain> take_chains();

 private:
  // The rules that one line added; `one_more` of them: a place in Chain::more.
  struct Added {
    std::uint32_t first = 0;
    std::uint32_t count = 0;
  };
  static constexpr std::uint32_t one_more = 0xffffffff;
  // A rule that is like another one but for its addresses. Files of a million rules have little
  // else.
  struct More {
    AddressSet addresses;
    bool source = false;
    std::uint32_t like = 0;  // in Chain::rules
    std::uint32_t number = 0;
    Span line;
  };
  struct Chain {
    std::string name;
    std::optional<ir::Hook> hook;
    std::optional<ir::VerdictKind> policy;  // accept or drop; none: the file does not say
    Span declared;
    bool said = false;  // the file mentions it
    std::size_t lines = 0;
    std::vector<ir::Rule> rules;  // as added
    std::vector<More> more;       // likewise
    std::vector<Added> order;     // as the kernel has them
    bool gone_to = false;         // by a `goto`
  };
  using Words = std::span<const Word>;

  // The file and its tables: decode_table.cc.
  void read_line(const Line& line);
  void read_comment(const Line& line);
  void begin_table(const Line& line);
  void pass_over(const Line& line);
  void not_compared(const std::string& what, Span at);
  void check_jumps();
  [[nodiscard]] ir::Chain finished(Chain& chain);
  [[nodiscard]] static bool is_as_added(const Chain& chain);
  void mark_gone_to();
  // Rules that a chain holds as `more`: decode_more.cc.
  void shorten(Chain& chain, Added& added);
  [[nodiscard]] static std::vector<ir::Rule> rules_of(const Chain& chain, const Added& added);
  [[nodiscard]] static std::vector<ir::Rule> united(Chain& chain);

  // Chains and commands of the filter table: decode_commands.cc.
  void declare(const Line& line, Words words);
  void command(const Line& line, Words words);
  void append(Chain& chain, const Line& line, Words words);
  void insert(Chain& chain, const Line& line, Words words);
  void remove(Chain& chain, const Line& line, Words words);
  void flush(const Line& line, Words words);
  void delete_chain(Words words);
  void set_policy(Words words);
  void new_chain(const Word& name, Span at);
  [[nodiscard]] std::optional<ir::VerdictKind> policy_of(const Word& word);
  [[nodiscard]] std::optional<Added> add(Chain& chain, const Line& line, Words words);
  [[nodiscard]] Chain* find(std::string_view name);
  [[nodiscard]] Chain* need(const Word& name);

  Family family_;
  std::string_view text_;
  Shared& shared_;
  Report report_;
  RuleReader rules_;
  Splitter splitter_;
  std::vector<Word> words_;

  enum class Where : std::uint8_t { between, filter, other_table };
  Where where_ = Where::between;
  std::string table_;
  bool filter_seen_ = false;
  std::vector<std::string> told_tables_;
  std::size_t errors_before_ = 0;

  std::deque<Chain> chains_;  // which stay where they are
  std::map<std::string, std::size_t, std::less<>> index_;
  std::size_t last_ = 0;         // the chain found last
  std::vector<ir::Chain> made_;  // of rules that are no products
};

}  // namespace firewright::iptables::decoder
