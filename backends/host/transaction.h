// The messages of a transaction on one table, written from what table_model.h read.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/host/dump.h"
#include "backends/host/messages.h"
#include "backends/host/table_model.h"

namespace firewright::host {

class Transaction {
 public:
  explicit Transaction(TableName table);

  void new_table(const TableModel& table);
  void delete_table();

  void new_chain(const ChainModel& chain);
  void set_policy(const ChainModel& chain);
  void delete_chain(const ChainModel& chain);
  void flush_chain(const ChainModel& chain);  // of its rules

  void new_object(const ObjectModel& object);
  void delete_object(const ObjectModel& object);

  // With its elements, unless packets or time are to fill it.
  void new_set(const SetModel& set);
  void delete_set(const SetModel& set);
  void flush_set(const SetModel& set);  // of its elements
  void add_elements(const SetModel& set, const std::vector<Element>& elements);
  void delete_elements(const SetModel& set, const std::vector<Element>& elements);

  // At the chain's end, or before the rule with this handle. `wanted` has the rule's anonymous
  // sets.
  void new_rule(const ChainModel& chain, const RuleModel& rule, const TableModel& wanted,
                std::optional<std::uint64_t> before);
  // A rule without conditions at the chain's end.
  void accept_all(const ChainModel& chain);
  void delete_rule(const ChainModel& chain, const RuleModel& rule);

  [[nodiscard]] std::size_t messages() const { return messages_; }
  // The batch, its last message asking for an acknowledgement; none without messages. It is lent
  // the lists of large sets, which have to live as long. No value: something in it is larger than a
  // message can be.
  [[nodiscard]] std::optional<Batch> finish();

 private:
  enum class Verb : std::uint8_t { add, append, remove };
  void begin(int type, Verb verb);
  void end();
  void frame(std::uint16_t type);
  void define_set(const SetModel& set, std::string_view name, std::uint32_t id);
  void lend_elements(std::string_view list);
  void put_elements(int type, const SetModel& set, std::string_view name, std::uint32_t id,
                    const std::vector<Element>& elements);

  TableName table_;
  std::string out_;
  std::vector<Batch::Lent> lent_;
  std::size_t message_ = 0;     // where the last one begins
  std::size_t lent_bytes_ = 0;  // in the last one
  std::size_t messages_ = 0;
  std::uint32_t sequence_ = 0;
  std::uint32_t set_ids_ = 0;
  bool too_large_ = false;
};

}  // namespace firewright::host
