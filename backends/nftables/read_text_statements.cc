#include "backends/nftables/read_text_statements.h"

#include <algorithm>
#include <array>
#include <limits>
#include <optional>
#include <utility>

#include "backends/nftables/read_text_cursor.h"
#include "backends/nftables/read_text_limits.h"
#include "backends/nftables/read_text_matches.h"
#include "backends/nftables/read_text_reject.h"
#include "backends/nftables/read_text_selectors.h"

namespace firewright::nftables::script {
namespace {

class RuleReader {
 public:
  RuleReader(const Script& script, const RuleTree& rule, const RulePlace& place,
             Declarations& declarations, Sink& sink, std::vector<ir::Rule>& rules)
      : place_(place),
        declarations_(declarations),
        cursor_(script, rule.tokens, sink),
        matches_(declarations, place.table, cursor_, [this] { return name('-'); }),
        rules_(rules),
        first_(rules.size()) {
    origin_.span = rule.span;
  }

  bool read() {
    while (!cursor_.at_end())
      if (!statement()) return false;
    if (!ended_) emit_all(matches_.take(), ir::Verdict::next());
    if (origin_.label.empty()) origin_.label = name(' ');
    for (auto i = first_; i < rules_.size(); ++i) rules_[i].origin = origin_;
    return true;
  }

 private:
  bool statement() {
    const auto word = cursor_.word();
    if (word == "comment") {
      cursor_.advance();
      const auto text = cursor_.take_name();
      if (!text) return false;
      origin_.label = std::string(*text);
      return cursor_.at_end() || cursor_.expected("the end of the rule");
    }
    if (ended_) return cursor_.expected("the end of the rule: nothing comes behind a verdict");
    if (is_verdict(word)) return verdict();
    if (word == "reject") return reject();
    if (word == "counter") return counter();
    if (word == "log") return log();
    if (word == "limit") return limit();
    if (word == "quota") return quota();
    if (word == "ct" && cursor_.word(1) == "count") return connections();
    if ((word == "add" || word == "update" || word == "delete") && cursor_.kind(1) == TokenKind::at)
      return dynamic_set();
    if (word == "meter") return meter();
    if (word == "last") return last();
    if ((word == "meta" && cursor_.word(1) == "nftrace") || word == "nftrace") return trace();
    if (is_selector(cursor_)) return match();
    return refuse(word);
  }

  static bool is_verdict(std::string_view word) {
    static constexpr std::array verdicts =
        std::to_array<std::string_view>({"accept", "drop", "continue", "return", "jump", "goto"});
    return std::find(verdicts.begin(), verdicts.end(), word) != verdicts.end();
  }

  bool refuse(std::string_view word) {
    static constexpr std::array nat =
        std::to_array<std::string_view>({"masquerade", "snat", "dnat", "redirect", "tproxy"});
    if (word.empty()) return cursor_.expected("a match, a statement or a verdict");
    if (std::find(nat.begin(), nat.end(), word) != nat.end())
      return cursor_.unknown(
          "address translation is read in chains of type nat only, and left out");
    if (word == "queue")
      return cursor_.unknown("what another program decides about a packet is not known");
    if (word == "xt") return cursor_.unknown("read the rules with iptables-save instead");
    return cursor_.unknown();
  }

  // --- matches and verdicts

  bool match() {
    flush();
    if (!matches_.read()) return false;
    if (!matches_.map()) return true;
    ended_ = true;
    for (auto& part : *matches_.map()) emit_all(part.packets.take(), part.verdict);
    return true;
  }

  bool verdict() {
    ir::Verdict verdict;
    if (!read_verdict(cursor_, verdict)) return false;
    ended_ = true;
    emit_all(matches_.take(), verdict);
    return true;
  }

  bool reject() {
    const auto kind = read_reject(cursor_, matches_, place_.table.family);
    if (!kind) return false;
    ended_ = true;
    emit_all(matches_.take(), ir::Verdict::rejected(*kind));
    return true;
  }

  // One rule for each product. What the rule does besides happens in each of them.
  void emit_all(std::vector<ir::Match> products, const ir::Verdict& verdict) {
    for (auto& match : products) {
      auto& rule = rules_.emplace_back();
      rule.match = std::move(match);
      rule.effects = pending_;
      rule.verdict = verdict;
    }
  }

  // A match or another effect behind an effect: what went before happens all the same.
  void flush() {
    if (pending_.empty()) return;
    emit_all(matches_.packets().matches(), ir::Verdict::next());
    pending_ = {};
  }

  // --- effects

  void count(std::string name) {
    if (pending_.count) flush();
    pending_.count = std::move(name);
  }

  bool counter() {
    cursor_.advance();
    if (cursor_.take_word("name")) {
      const auto use = cursor_.here();
      const auto name = cursor_.take_name();
      if (!name) return false;
      auto effect = declarations_.counter(place_.table, *name, use);
      if (!effect) return false;
      count(std::move(*effect));
      return true;
    }
    if (cursor_.take_word("packets") && !cursor_.take_number()) return false;
    return !cursor_.take_word("bytes") || cursor_.take_number();
  }

  bool last() {
    cursor_.advance();
    if (!cursor_.take_word("used")) return true;
    return cursor_.take_word("never") || cursor_.take_duration();
  }

  bool trace() {
    cursor_.advance(cursor_.word() == "meta" ? 2 : 1);
    if (!cursor_.take_word("set")) return cursor_.unknown("nftrace is only set, not looked at");
    return cursor_.take_number().has_value();
  }

  bool log() {
    cursor_.advance();
    std::string prefix;
    std::string options;
    const auto option = [&](std::string_view name, const std::string& value) {
      options += (options.empty() ? "" : ", ") + std::string(name) + " " + value;
    };
    // In one order, however they were written.
    std::optional<std::string> level;
    std::optional<std::string> flags;
    std::array<std::optional<std::uint64_t>, 3> numbers;
    static constexpr std::array number_names = {std::string_view("group"),
                                                std::string_view("snaplen"),
                                                std::string_view("queue-threshold")};
    for (;;) {
      const auto word = cursor_.word();
      const auto* const number = std::find(number_names.begin(), number_names.end(), word);
      if (word == "prefix") {
        cursor_.advance();
        const auto text = cursor_.take_name();
        if (!text) return false;
        if (text->find('$') != std::string_view::npos)
          return cursor_.unknown("variables in a log prefix are not put in");
        prefix = std::string(*text);
      } else if (word == "level") {
        cursor_.advance();
        const auto text = cursor_.take_name();
        if (!text) return false;
        level = std::string(*text);
      } else if (word == "flags") {
        cursor_.advance();
        const auto first = cursor_.position();
        if (!cursor_.take_name()) return false;
        if (cursor_.word() == "sequence" || cursor_.word() == "options") cursor_.advance();
        while (cursor_.take(TokenKind::comma)) cursor_.advance();
        flags = (flags ? *flags + " " : "") + cursor_.text({first, cursor_.position()});
      } else if (number != number_names.end()) {
        cursor_.advance();
        const auto value = cursor_.take_number();
        if (!value) return false;
        numbers[static_cast<std::size_t>(number - number_names.begin())] = value;
      } else {
        break;
      }
    }
    if (level && *level != "warn") option("level", *level);
    if (flags) option("flags", *flags);
    for (std::size_t i = 0; i < numbers.size(); ++i)
      if (numbers[i]) option(number_names[i], std::to_string(*numbers[i]));
    if (pending_.log) flush();
    pending_.log = options.empty() ? prefix : prefix + " [" + options + "]";
    return true;
  }

  // --- conditions with a memory

  void require_bucket(std::string instance, const LimitText& limit) {
    if (limit.rate) {
      matches_.require_bucket({.instance = std::move(instance), .test = *limit.rate});
      return;
    }
    declarations_.note_opaque(limit.text, origin_.span);
    matches_.require_bucket({.instance = std::move(instance), .test = ir::OpaqueMatch{limit.text}});
  }

  // The rule's own name, "input-3".
  [[nodiscard]] std::string name(char separator) const {
    return std::string(place_.chain.name) + separator + std::to_string(place_.number);
  }
  [[nodiscard]] std::string own_instance() { return declarations_.new_instance(name('-')); }

  bool limit() {
    flush();
    cursor_.advance();
    if (cursor_.take_word("name")) {
      const auto use = cursor_.here();
      const auto name = cursor_.take_name();
      if (!name) return false;
      const auto known = declarations_.limit(place_.table, *name, use);
      if (!known) return false;
      require_bucket(declarations_.instance(place_.table, ObjectKind::limit, *name), *known);
      return true;
    }
    const auto anonymous = read_limit(cursor_);
    if (!anonymous) return false;
    require_bucket(own_instance(), *anonymous);
    return true;
  }

  bool quota() {
    flush();
    const auto first = cursor_.position();
    cursor_.advance();
    if (cursor_.take_word("name")) {
      const auto use = cursor_.here();
      const auto name = cursor_.take_name();
      if (!name) return false;
      const auto* object = declarations_.object(place_.table, ObjectKind::quota, *name, use);
      if (object == nullptr) return false;
      require_bucket(declarations_.instance(place_.table, ObjectKind::quota, *name),
                     {.rate = {}, .text = "quota { " + cursor_.text(object->body) + " }"});
      return true;
    }
    if (!cursor_.take_word("over")) cursor_.take_word("until");
    if (!cursor_.take_number()) return false;
    if (!cursor_.take_name()) return false;
    const auto text = cursor_.text({first, cursor_.position()});
    if (cursor_.take_word("used") && (!cursor_.take_number() || !cursor_.take_name())) return false;
    require_bucket(own_instance(), {.rate = {}, .text = text});
    return true;
  }

  // `over` is the opposite of what the model has.
  std::optional<ir::ConnectionLimit> take_connections(std::string& text) {
    cursor_.advance(2);
    const bool over = cursor_.take_word("over");
    const auto number = cursor_.take_number();
    if (!number) return std::nullopt;
    if (*number > std::numeric_limits<std::uint32_t>::max()) {
      cursor_.expected("a number of 32 bits");
      return std::nullopt;
    }
    if (over) text = "ct count over " + std::to_string(*number);
    return ir::ConnectionLimit{.connections = static_cast<std::uint32_t>(*number),
                               .per_source = false};
  }

  bool connections() {
    flush();
    std::string over;
    const auto limit = take_connections(over);
    if (!limit) return false;
    if (!over.empty())
      require_bucket(own_instance(), {.rate = {}, .text = over});
    else
      matches_.require_bucket({.instance = own_instance(), .test = *limit});
    return true;
  }

  // --- sets that packets fill

  // What stands in the braces of `add @set { ... }`.
  struct Update {
    std::vector<Selector> key;
    std::optional<std::uint64_t> timeout;
    std::optional<LimitText> limit;
    std::optional<ir::ConnectionLimit> connections;
    std::string over;  // a count of connections that means the opposite
  };

  bool take_update(Update& update) {
    if (!cursor_.take(TokenKind::open)) return cursor_.expected("`{`");
    if (!matches_.read_key(update.key)) return false;
    while (!cursor_.take(TokenKind::close)) {
      if (cursor_.take_word("timeout") || cursor_.take_word("expires")) {
        update.timeout = cursor_.take_duration();
        if (!update.timeout) return false;
      } else if (cursor_.take_word("limit")) {
        update.limit = read_limit(cursor_);
        if (!update.limit) return false;
      } else if (cursor_.word() == "ct" && cursor_.word(1) == "count") {
        update.connections = take_connections(update.over);
        if (!update.connections) return false;
      } else if (cursor_.take_word("counter")) {
        if (cursor_.take_word("packets") && !cursor_.take_number()) return false;
        if (cursor_.take_word("bytes") && !cursor_.take_number()) return false;
      } else if (cursor_.take_word("comment")) {
        if (!cursor_.take_name()) return false;
      } else {
        return cursor_.word().empty() ? cursor_.expected("`}`") : cursor_.unknown();
      }
    }
    return true;
  }

  bool dynamic_set() {
    flush();
    const auto first = cursor_.position();
    const auto verb = cursor_.word();
    cursor_.advance(2);
    const auto use = cursor_.here();
    const auto name = cursor_.take_name();
    if (!name) return false;
    const auto* set = declarations_.set(place_.table, *name, use);
    if (set == nullptr) return false;
    Update update;
    if (!take_update(update)) return false;
    if (!update.timeout) update.timeout = set->tree->timeout;
    std::vector<Datatype> types;
    for (const auto& selector : update.key) types.push_back(selector.type);
    if (types != set->types) {
      cursor_.sink().report(Kind::artifact_conflict, use,
                            {"`" + std::string(*name) + "` has another type than this key"});
      return false;
    }
    const auto text = cursor_.text({first, cursor_.position()});
    if (verb == "delete" || (!update.limit && !update.connections)) {
      count(text);
      return true;
    }
    return bucket(*name, use, verb == "update", update, text);
  }

  bool meter() {
    flush();
    const auto first = cursor_.position();
    cursor_.advance();
    const auto use = cursor_.here();
    const auto name = cursor_.take_name();
    if (!name) return false;
    if (cursor_.take_word("size") && !cursor_.take_number()) return false;
    Update update;
    if (!take_update(update)) return false;
    const auto text = cursor_.text({first, cursor_.position()});
    if (!update.limit && !update.connections) {
      count(text);
      return true;
    }
    return bucket(*name, use, /*renews=*/true, update, text);
  }

  bool bucket(std::string_view set, Span use, bool renews, const Update& update,
              const std::string& text) {
    const auto& key = update.key[0];
    const bool of_source = update.key.size() == 1 && key.field == Field::source;
    ir::Predicate predicate;
    if (of_source && update.limit && update.limit->rate && !update.connections) {
      auto rate = *update.limit->rate;
      rate.per_source = true;
      const bool kept = !update.timeout || (renews && *update.timeout >= seconds_to_fill(rate));
      if (kept)
        predicate.test = rate;
      else
        predicate.test = ir::OpaqueMatch{text};
    } else if (of_source && update.connections && update.over.empty() && !update.limit &&
               !update.timeout) {
      auto limit = *update.connections;
      limit.per_source = true;
      predicate.test = limit;
    } else {
      predicate.test = ir::OpaqueMatch{text};
    }
    std::string parameters;
    if (update.limit) parameters = update.limit->text;
    if (update.connections)
      parameters += " ct count " + update.over + std::to_string(update.connections->connections);
    parameters += " " + std::to_string(update.timeout.value_or(0)) + (renews ? " update" : " add");
    const auto family = key.type == Datatype::ipv6 ? Family::ipv6 : Family::ipv4;
    auto instance = declarations_.source_instance(place_.table, set, family, parameters);
    if (!instance) {
      cursor_.sink().report(Kind::artifact_conflict, use,
                            {"`" + std::string(set) + "` is filled with different limits"});
      return false;
    }
    predicate.instance = std::move(*instance);
    if (std::holds_alternative<ir::OpaqueMatch>(predicate.test))
      declarations_.note_opaque(text, origin_.span);
    matches_.require_bucket(predicate);
    return true;
  }

  const RulePlace& place_;
  Declarations& declarations_;
  Cursor cursor_;
  Matches matches_;
  ir::Origin origin_;
  ir::Effects pending_;
  std::vector<ir::Rule>& rules_;
  std::size_t first_;
  bool ended_ = false;
};

}  // namespace

bool read_rule(const Script& script, const RuleTree& rule, const RulePlace& place,
               Declarations& declarations, Sink& sink, std::vector<ir::Rule>& rules) {
  return RuleReader(script, rule, place, declarations, sink, rules).read();
}

}  // namespace firewright::nftables::script
