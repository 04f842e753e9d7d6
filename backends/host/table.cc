#include "backends/host/table.h"

#include <chrono>
#include <optional>
#include <thread>
#include <utility>

#include "backends/host/dump.h"
#include "backends/host/table_watch.h"

namespace firewright::host {
namespace {

// Who writes without a pause leaves short gaps only, which a wait would miss. Later, somebody else
// may need the processor to come to an end.
void wait_after(std::size_t attempt) {
  constexpr std::size_t at_once = 16;
  if (attempt > at_once)
    std::this_thread::sleep_for(std::chrono::microseconds(100) *
                                static_cast<int>(attempt - at_once));
}

Result failure(Reason reason, std::string error) {
  return {.reason = reason, .error = std::move(error)};
}

class Change {
 public:
  Change(const TableName& table, std::string_view wanted, const TableOptions& options)
      : table_(table), wanted_(wanted), options_(options), may_prepare_(!options.dry_run) {
    if (options.remembered != nullptr) remembered_ = *options.remembered;
  }

  TableChange run() {
    for (std::size_t attempt = 1; attempt <= options_.most_attempts; ++attempt) {
      change_.attempts = attempt;
      change_.result = once();
      if (change_.result.reason != Reason::raced) return finish();
      wait_after(attempt);
    }
    change_.result =
        failure(Reason::raced, "the ruleset keeps changing: somebody else was faster " +
                                   std::to_string(options_.most_attempts) + " times");
    return finish();
  }

 private:
  // A failure after the transaction that prepares, or one whose answer was lost: what that made is
  // harmless, and goes again.
  TableChange finish() {
    if (!change_.result.ok() && (change_.changed || may_have_prepared_)) {
      Change back(table_, change_.before, options_);
      back.remembered_ = remembered_;
      back.may_prepare_ = false;
      const bool is_back = back.run().result.ok();
      change_.changed = !is_back;
    }
    if (change_.result.ok() && !options_.dry_run) change_.remembered = std::move(remembered_);
    return std::move(change_);
  }

  Result once() {
    if (!is_current())
      if (auto result = compare(); !result.ok()) return result;
    for (;;) {
      if (change_.delta.empty()) {
        remember_all(generation_);
        return {};
      }
      if (!change_.delta.detour.empty()) {
        if (auto result = go_round(); !result.ok()) return result;
        continue;
      }
      auto result =
          load_batch(change_.delta.batch, {.dry_run = options_.dry_run, .generation = generation_});
      change_.changed = change_.changed || result.ok();
      may_have_prepared_ =
          may_have_prepared_ || (change_.delta.prepares && result.reason == Reason::io);
      if (change_.delta.prepares && (result.ok() || result.reason == Reason::refused)) {
        may_prepare_ = false;  // once; if it was refused there is still the one transaction
        if (result.ok()) {
          change_.prepared += change_.delta.messages;
          remember_filled();
        }
        watch_.reset();
        if (result = compare(); !result.ok()) return result;
        continue;
      }
      if (result.ok()) remember_all(next_generation(generation_));
      const bool in_place = !change_.delta.whole && !live_.messages.empty() && !wanted_.empty();
      if (result.reason != Reason::refused || !in_place) return result;
      // The kernel knows better than the plan; what is wanted itself may still be fine.
      change_.refused_in_place = std::move(result.error);
      whole_ = true;
      if (result = make_delta(); !result.ok()) return result;
    }
  }

  // The sets hold what is wanted.
  void remember_all(std::uint32_t generation) {
    if (!names_.empty()) return;  // they are called otherwise
    remembered_ = {.generation = generation, .sets = large_sets(wanted_, table_)};
  }
  // Those do that the transaction made, the others what they held.
  void remember_filled() {
    if (remembered_.generation != generation_) remembered_.sets.clear();
    const auto wanted = large_sets(wanted_, table_);
    for (const auto& name : change_.delta.filled)
      if (const auto found = wanted.find(name); found != wanted.end() && names_.empty())
        remembered_.sets.insert_or_assign(name, found->second);
    remembered_.generation = next_generation(generation_);
  }

  Result go_round() {
    if (std::exchange(went_round_, true)) {  // somebody made it necessary again: once is enough
      may_prepare_ = false;
      return make_delta();
    }
    Change round(table_, wanted_, options_);
    round.names_ = std::move(change_.delta.detour);
    auto done = round.run();
    if (!done.result.ok()) return std::move(done.result);
    change_.changed = change_.changed || done.changed;
    change_.prepared += done.prepared + done.delta.messages;
    watch_.reset();
    return compare();
  }

  // Whether what was read before holds in the generation that there is now.
  bool is_current() {
    if (!watch_) return false;
    const auto now = watch_->unchanged_since(generation_);
    if (!now) return false;
    if (remembered_.generation == generation_) remembered_.generation = *now;
    generation_ = *now;
    return true;
  }

  Result compare() {
    Result failed;
    // To be told costs the kernel a message for each element, so it is asked for after a lost race.
    if (change_.attempts > 1) watch_.emplace(table_);
    auto dump = dump_nftables(failed, table_, &remembered_);
    if (!dump) return failed;
    generation_ = dump->generation;
    // What a transaction of ours prepared is no state to go back to.
    if (!change_.changed) change_.before = whole(*dump, table_);
    live_ = std::move(*dump);
    return make_delta();
  }

  Result make_delta() {
    std::string error;
    auto delta = host::delta(live_.messages, wanted_, table_, error,
                             {.prepare = may_prepare_ && !whole_,
                              .names = names_,
                              .whole = whole_,
                              .recalled = &live_.recalled});
    if (!delta) return failure(Reason::refused, error);
    change_.delta = std::move(*delta);
    return {};
  }

  const TableName& table_;
  std::string_view wanted_;
  const TableOptions& options_;
  TableChange change_;
  Dump live_;
  Remembered remembered_;
  NewNames names_;
  bool went_round_ = false;
  bool may_prepare_;
  bool may_have_prepared_ = false;
  std::optional<TableWatch> watch_;
  std::uint32_t generation_ = 0;
  bool whole_ = false;
};

}  // namespace

TableChange put_table(const TableName& table, std::string_view wanted,
                      const TableOptions& options) {
  return Change(table, wanted, options).run();
}

}  // namespace firewright::host
