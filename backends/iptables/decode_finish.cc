// From the draft of a rule to rules of the IR.
#include <algorithm>
#include <bit>
#include <utility>

#include "backends/iptables/decode_draft.h"
#include "backends/iptables/decode_values.h"

namespace firewright::iptables::decoder {
namespace {

// More of `--ports` in one rule, each of which makes two rules of one, are refused.
constexpr std::size_t either_ports_max = 4;

// A condition under which the rule does nothing, where the match alone cannot say so.
struct Unless {
  ir::Match match;
  std::string text;  // of the option, where it has to stay opaque
};

// Each rule of the kernel has a state of its own.
bool remembers(const LoadedMatch& loaded) {
  const auto kind = loaded.spec->kind;
  return kind == MatchKind::limit || kind == MatchKind::connlimit ||
         kind == MatchKind::stateful_opaque;
}

bool is_test(const LoadedMatch& loaded) { return loaded.spec->kind != MatchKind::comment; }

class Finisher {
 public:
  Finisher(Draft& draft, const Place& place, Report& report, Shared& shared)
      : draft_(draft), place_(place), report_(report), shared_(shared) {}

  [[nodiscard]] bool check_matches() const;
  [[nodiscard]] bool take_target();
  void take_comment();
  [[nodiscard]] bool take_matches();
  void emit(std::vector<ir::Rule>& rules, std::vector<ir::Chain>& made);

 private:
  [[nodiscard]] bool fits_protocol(const LoadedMatch& loaded) const;
  [[nodiscard]] bool complete(const LoadedMatch& loaded) const;
  void take_log();
  void take_owners(const LoadedMatch& loaded);
  void take_owner(const LoadedMatch& loaded, const LoadedMatch::Owners& owners,
                  OwnerSet ir::Match::* set);
  void take_limit(const LoadedMatch& loaded, bool last);
  void take_connlimit(const LoadedMatch& loaded, bool last);
  [[nodiscard]] bool take_set(const LoadedMatch& loaded);
  [[nodiscard]] bool take_hashlimit(const LoadedMatch& loaded, bool last);
  [[nodiscard]] std::string own_bucket() {
    return shared_.buckets.in_rule(place_.family, place_.chain, place_.number);
  }
  void opaque(std::string instance, std::string text, const LoadedMatch& loaded) {
    add_opaque(draft_, std::move(instance), std::move(text), report_.span(loaded.at), report_,
               shared_);
  }
  [[nodiscard]] ir::Match family_match() const {
    ir::Match match;
    ir::restrict_families(match, {draft_.family});
    return match;
  }
  [[nodiscard]] bool matches_nothing(const ir::Match& match) const;
  void keep_pairs(std::vector<ir::Match>& matches) const;
  [[nodiscard]] std::vector<std::pair<PortSet, PortSet>> port_products() const;
  void set_unless_apart(std::vector<ir::Chain>& made);

  Draft& draft_;
  const Place& place_;
  Report& report_;
  Shared& shared_;
  std::vector<Unless> unless_;
  std::string label_;
};

bool Finisher::fits_protocol(const LoadedMatch& loaded) const {
  const auto& said = draft_.protocol;
  if (loaded.spec->kind == MatchKind::multiport)
    return said && !said->negated && has_ports(said->value);
  if (!loaded.spec->protocol) return true;
  return said && !said->negated && said->value == *loaded.spec->protocol;
}

bool Finisher::complete(const LoadedMatch& loaded) const {
  if (loaded.spec->needs_option && loaded.seen == 0) return false;
  if (loaded.spec->kind == MatchKind::connlimit) return loaded.connections.has_value();
  if (loaded.spec->kind != MatchKind::hashlimit) return true;
  return !loaded.hash.name.empty() && (loaded.hash.rate || loaded.hash.other);
}

bool Finisher::check_matches() const {
  for (const auto& loaded : draft_.matches) {
    const auto name = std::string(loaded.spec->name);
    if (!fits_protocol(loaded)) {
      report_.syntax(loaded.at, "a match `" + name + "` without the `-p` that it needs");
      return false;
    }
    if (!complete(loaded)) {
      report_.syntax(loaded.at, "a match `" + name + "` that does not say what for");
      return false;
    }
    if (draft_.address_list && remembers(loaded)) {
      report_.syntax(loaded.at, "a list of addresses with a limit, which becomes several limits")
          .help = "write one rule for each address";
      return false;
    }
  }
  if (draft_.either_ports.size() <= either_ports_max) return true;
  report_.syntax(place_.line, "more than " + std::to_string(either_ports_max) + " times `--ports`");
  return false;
}

void Finisher::take_log() {
  if (draft_.target->kind == TargetKind::nflog)
    draft_.log_details.insert(draft_.log_details.begin(), "nflog group " + draft_.nflog_group);
  draft_.effects.log = draft_.log_prefix;
  auto& text = *draft_.effects.log;
  for (std::size_t i = 0; i < draft_.log_details.size(); ++i)
    text += (i == 0 ? " [" : ", ") + draft_.log_details[i];
  if (!draft_.log_details.empty()) text += ']';
}

bool Finisher::take_target() {
  if (draft_.target == nullptr) return true;  // a jump, or nothing
  auto& verdict = draft_.verdict;
  switch (draft_.target->kind) {
    case TargetKind::accept: verdict.kind = ir::VerdictKind::accept; return true;
    case TargetKind::drop: verdict.kind = ir::VerdictKind::drop; return true;
    case TargetKind::return_: verdict.kind = ir::VerdictKind::return_; return true;
    case TargetKind::log:
    case TargetKind::nflog: take_log(); return true;
    case TargetKind::reject: break;
  }
  verdict.kind = ir::VerdictKind::reject;
  const auto& said = draft_.protocol;
  if (verdict.reject != ir::RejectKind::tcp_reset ||
      (said && !said->negated && said->value == protocol::tcp))
    return true;
  report_.syntax(*draft_.target_at, "a TCP reset without `-p tcp`");
  return false;
}

// "count NAME: LABEL" is how a named counter is spelled, "name: LABEL" a label that would read like
// one. Any other comment is a label.
void Finisher::take_comment() {
  label_ = std::string(place_.chain) + ' ' + std::to_string(place_.number);
  if (!draft_.comment || draft_.comment->empty()) return;
  std::string_view comment = *draft_.comment;
  constexpr std::string_view counted = "count ";
  constexpr std::string_view named = "name: ";
  if (const auto colon = comment.find(": ");
      comment.starts_with(counted) && colon != std::string_view::npos) {
    draft_.effects.count = comment.substr(counted.size(), colon - counted.size());
    comment.remove_prefix(colon + 2);
  } else if (comment.starts_with(named)) {
    comment.remove_prefix(named.size());
  }
  if (!comment.empty()) label_ = comment;
}

// Owners: without a socket a packet has none, which only a negated option lets pass
// (owner_mt() of xt_owner.c).
void Finisher::take_owner(const LoadedMatch& loaded, const LoadedMatch::Owners& owners,
                          OwnerSet ir::Match::* set) {
  if (set == &ir::Match::groups && loaded.supplementary_groups) {
    opaque("opaque", "-m owner " + owners.text + " --suppl-groups", loaded);
  } else if (owners.negated) {
    unless_.push_back({.match = family_match(), .text = "-m owner " + owners.text});
    unless_.back().match.*set = owners.set;
  } else {
    draft_.match.*set = draft_.match.*set & owners.set;
  }
}

void Finisher::take_owners(const LoadedMatch& loaded) {
  if (loaded.users) take_owner(loaded, *loaded.users, &ir::Match::users);
  if (loaded.groups) take_owner(loaded, *loaded.groups, &ir::Match::groups);
}

// What stands behind a limit is asked after a token is gone.
void Finisher::take_limit(const LoadedMatch& loaded, bool last) {
  const Rate rate = loaded.rate.value_or(Rate{.packets = 3, .unit = ir::TimeUnit::hour});
  auto instance = own_bucket();
  if (last && loaded.burst > 0) {
    draft_.match.predicates.push_back({.instance = std::move(instance),
                                       .test = ir::RateLimit{.packets = rate.packets,
                                                             .unit = rate.unit,
                                                             .burst = loaded.burst,
                                                             .per_source = false}});
    return;
  }
  opaque(std::move(instance),
         "-m limit --limit " + std::to_string(rate.packets) + '/' +
             std::string(to_string(rate.unit)) + " --limit-burst " + std::to_string(loaded.burst) +
             " before other matches",
         loaded);
}

void Finisher::take_connlimit(const LoadedMatch& loaded, bool last) {
  const auto whole = draft_.family == Family::ipv4 ? 32U : 128U;
  const auto mask = loaded.mask.value_or(whole);
  const ir::ConnectionLimit limit{.connections = *loaded.connections, .per_source = mask != 0};
  if (!last || loaded.by_destination || (mask != 0 && mask != whole)) {
    opaque(own_bucket(),
           std::string("-m connlimit --connlimit-") + (loaded.above ? "above " : "upto ") +
               std::to_string(limit.connections) + " --connlimit-mask " + std::to_string(mask) +
               (loaded.by_destination ? " --connlimit-daddr" : " --connlimit-saddr") +
               (last ? "" : " before other matches"),
           loaded);
    return;
  }
  ir::Predicate predicate{.instance = own_bucket(), .test = limit};
  if (!loaded.above) {
    draft_.match.predicates.push_back(std::move(predicate));
    return;
  }
  unless_.push_back({.match = family_match(),
                     .text = "-m connlimit --connlimit-above " + std::to_string(limit.connections) +
                             " --connlimit-mask " + std::to_string(mask)});
  unless_.back().match.predicates.push_back(std::move(predicate));
}

bool Finisher::take_hashlimit(const LoadedMatch& loaded, bool last) {
  const auto& hash = loaded.hash;
  const auto bucket = plain(hash, draft_.family);
  auto parameters =
      bucket ? std::to_string(bucket->packets) + '/' + std::string(to_string(bucket->unit)) + ' ' +
                   std::to_string(bucket->burst) + (bucket->per_source ? " source" : "")
             : loaded.opaque_text;
  const auto table = shared_.buckets.table(draft_.family, hash.name, parameters,
                                           bucket && bucket->per_source, place_.line);
  if (table.conflict) {
    auto& diagnostic =
        report_.say(Kind::artifact_conflict, report_.span(loaded.at),
                    {"hashlimit `" + hash.name + "` is there twice, with different parameters"});
    diagnostic.labels.push_back({.span = *table.conflict, .text = "the kernel goes on with these"});
    return false;
  }
  if (bucket && last)
    draft_.match.predicates.push_back({.instance = table.instance, .test = *bucket});
  else
    opaque(table.instance,
           "-m hashlimit" + loaded.opaque_text + (last ? "" : " before other matches"), loaded);
  return true;
}

// Another number of directions than the set has is not interpreted: of too few the kernel finds
// nothing, and of too many it passes over the last. A set of another family iptables refuses.
bool Finisher::take_set(const LoadedMatch& loaded) {
  const bool alone = std::has_single_bit(loaded.seen);
  const auto keep = [&] {
    opaque("opaque", "-m set" + loaded.opaque_text, loaded);
    return true;
  };
  if (shared_.sets == nullptr || !loaded.set) return keep();
  const auto& [name, directions, negated] = *loaded.set;
  const auto found = shared_.sets->find(name.text);
  if (found == shared_.sets->end()) {
    report_.say(Kind::artifact_undefined, report_.span(name), {"the set", std::string(name.text)});
    return false;
  }
  const auto& set = found->second;
  if (!set.interpreted || !alone) return keep();
  if (set.family != draft_.family) {
    report_.syntax(name, "a set of the other family");
    return false;
  }
  const auto comma = directions.text.find(',');
  const auto first = directions.text.substr(0, comma);
  const auto second =
      comma == std::string_view::npos ? std::string_view{} : directions.text.substr(comma + 1);
  const auto is_direction = [](std::string_view word) { return word == "src" || word == "dst"; };
  if (!is_direction(first) ||
      (set.with_ports ? !is_direction(second) : comma != std::string_view::npos))
    return keep();
  const bool source = first == "src";
  if (!set.with_ports) {
    auto& addresses = source ? draft_.match.source : draft_.match.destination;
    addresses = addresses & (negated ? others(set.addresses, draft_.family) : set.addresses);
    return true;
  }
  if (negated || draft_.pairs) return keep();
  draft_.pairs = {.products = &set.products, .source = source, .source_port = second == "src"};
  return true;
}

bool Finisher::take_matches() {
  const auto& matches = draft_.matches;
  for (auto loaded = matches.begin(); loaded != matches.end(); ++loaded) {
    const bool last = std::none_of(loaded + 1, matches.end(), is_test);
    const bool last_but_rates =
        std::none_of(loaded + 1, matches.end(), [](const LoadedMatch& other) {
          return is_test(other) && other.spec->kind != MatchKind::limit &&
                 other.spec->kind != MatchKind::hashlimit;
        });
    switch (loaded->spec->kind) {
      case MatchKind::packet_opaque:
        opaque("opaque", "-m " + std::string(loaded->spec->name) + loaded->opaque_text, *loaded);
        break;
      case MatchKind::stateful_opaque:
        opaque(own_bucket(), "-m " + std::string(loaded->spec->name) + loaded->opaque_text,
               *loaded);
        break;
      case MatchKind::owner: take_owners(*loaded); break;
      case MatchKind::limit: take_limit(*loaded, last); break;
      case MatchKind::connlimit: take_connlimit(*loaded, last_but_rates); break;
      case MatchKind::hashlimit:
        if (!take_hashlimit(*loaded, last)) return false;
        break;
      case MatchKind::set:
        if (!take_set(*loaded)) return false;
        break;
      case MatchKind::ports:
      case MatchKind::multiport:
      case MatchKind::icmp:
      case MatchKind::iprange:
      case MatchKind::conntrack:
      case MatchKind::comment: break;  // sets, which the match holds already
    }
  }
  return true;
}

bool Finisher::matches_nothing(const ir::Match& match) const {
  const bool v4 = draft_.family == Family::ipv4;
  const auto no_address = [&](const AddressSet& set) {
    return v4 ? set.v4.empty() : set.v6.empty();
  };
  return match.in.empty() || match.out.empty() || match.states.empty() || match.protocols.empty() ||
         match.source_ports.empty() || match.destination_ports.empty() || match.icmp.empty() ||
         match.users.empty() || match.groups.empty() || no_address(match.source) ||
         no_address(match.destination);
}

// Disjoint, so that no packet fires the rule twice.
std::vector<std::pair<PortSet, PortSet>> Finisher::port_products() const {
  std::vector<std::pair<PortSet, PortSet>> products{
      {draft_.match.source_ports, draft_.match.destination_ports}};
  for (const auto& either : draft_.either_ports) {
    std::vector<std::pair<PortSet, PortSet>> finer;
    for (const auto& [source, destination] : products) {
      finer.emplace_back(source & either, destination);
      finer.emplace_back(source - either, destination & either);
    }
    products = std::move(finer);
  }
  std::erase_if(products,
                [](const auto& pair) { return pair.first.empty() || pair.second.empty(); });
  return products;
}

// Of each match what a set of pairs leaves of it, as disjoint products.
void Finisher::keep_pairs(std::vector<ir::Match>& matches) const {
  if (!draft_.pairs) return;
  std::vector<ir::Match> kept;
  for (const auto& match : matches)
    for (const auto& product : *draft_.pairs->products) {
      auto one = match;
      auto& addresses = draft_.pairs->source ? one.source : one.destination;
      auto& ports = draft_.pairs->source_port ? one.source_ports : one.destination_ports;
      one.protocols = one.protocols & ProtocolSet::of(product.protocol);
      addresses = addresses & product.addresses;
      ports = ports & product.ports;
      if (!matches_nothing(one)) kept.push_back(std::move(one));
    }
  matches = std::move(kept);
}

// "Not owned by 0" and "over 3 connections" are no products: a chain of its own leaves such packets
// out and then does what the rule does. `return` and `goto` would leave that chain only.
void Finisher::set_unless_apart(std::vector<ir::Chain>& made) {
  if (unless_.empty()) return;
  auto& verdict = draft_.verdict;
  if (verdict.kind == ir::VerdictKind::return_ || verdict.kind == ir::VerdictKind::go_to) {
    for (auto& unless : unless_) {
      const bool stateful = !unless.match.predicates.empty();
      add_opaque(draft_, stateful ? own_bucket() : "opaque", std::move(unless.text), place_.line,
                 report_, shared_);
    }
    return;
  }
  const ir::Origin origin{
      .kind = ir::OriginKind::decoded, .label = label_, .reason = {}, .span = place_.line};
  ir::Chain chain;
  chain.name = chain_name(draft_.family, place_.chain) + ' ' + std::to_string(place_.number);
  for (auto& unless : unless_)
    chain.rules.push_back({.match = std::move(unless.match),
                           .effects = {},
                           .verdict = {.kind = ir::VerdictKind::return_, .reject = {}, .chain = {}},
                           .origin = origin});
  chain.rules.push_back({.match = family_match(),
                         .effects = std::move(draft_.effects),
                         .verdict = std::move(verdict),
                         .origin = origin});
  draft_.effects = {};
  verdict = {.kind = ir::VerdictKind::jump, .reject = {}, .chain = chain.name};
  made.push_back(std::move(chain));
}

void Finisher::emit(std::vector<ir::Rule>& rules, std::vector<ir::Chain>& made) {
  if (matches_nothing(draft_.match)) return;
  set_unless_apart(made);
  const auto put = [&](ir::Match match, ir::Effects effects, ir::Verdict verdict,
                       std::string label) {
    rules.push_back({.match = std::move(match),
                     .effects = std::move(effects),
                     .verdict = std::move(verdict),
                     .origin = {.kind = ir::OriginKind::decoded,
                                .label = std::move(label),
                                .reason = {},
                                .span = place_.line}});
  };
  if (draft_.either_ports.empty() && !draft_.pairs) {
    put(std::move(draft_.match), std::move(draft_.effects), std::move(draft_.verdict),
        std::move(label_));
    return;
  }
  std::vector<ir::Match> matches;
  for (auto& [source, destination] : port_products()) {
    matches.push_back(draft_.match);
    matches.back().source_ports = std::move(source);
    matches.back().destination_ports = std::move(destination);
  }
  keep_pairs(matches);
  for (auto& match : matches) put(std::move(match), draft_.effects, draft_.verdict, label_);
}

}  // namespace

std::string chain_name(Family family, std::string_view name) {
  return (family == Family::ipv4 ? "v4 " : "v6 ") + std::string(name);
}

bool finish(Draft& draft, const Place& place, Report& report, Shared& shared,
            std::vector<ir::Rule>& rules, std::vector<ir::Chain>& made) {
  Finisher finisher(draft, place, report, shared);
  if (!finisher.check_matches() || !finisher.take_target()) return false;
  finisher.take_comment();
  if (!finisher.take_matches()) return false;
  finisher.emit(rules, made);
  return true;
}

}  // namespace firewright::iptables::decoder
