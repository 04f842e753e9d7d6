// What stands inside a table: chains, sets, maps and named objects, each in braces.
#pragma once

#include <cstdint>
#include <vector>

#include "backends/nftables/read_text_cursor.h"
#include "backends/nftables/read_text_tree.h"

namespace firewright::nftables::script {

// Each function reads at the cursor and gives false when it has reported an error.
class Blocks {
 public:
  explicit Blocks(Cursor& cursor) : cursor_(cursor) {}

  bool table(TableTree& table);  // from its `{`
  // From its name. Alone: `add chain t c`.
  bool chain(TableTree& table, bool may_stand_alone);
  bool set(TableTree& table, bool is_map);         // from its name
  bool object(TableTree& table, ObjectKind kind);  // from its name
  bool rule(TableTree& table, std::vector<RuleTree>& into);

  [[nodiscard]] static bool is_object(const Cursor& cursor);
  [[nodiscard]] static ObjectKind take_object_kind(Cursor& cursor);

 private:
  bool chain_statement(TableTree& table, ChainTree& chain);
  bool base(ChainTree& chain);
  bool policy(ChainTree& chain);
  bool set_statement(SetTree& set);
  bool set_flags(SetTree& set);
  bool end_of_statement(const char* block);
  [[nodiscard]] TokenRange to_end_of_line();

  Cursor& cursor_;
  std::uint32_t base_chains_ = 0;
};

}  // namespace firewright::nftables::script
