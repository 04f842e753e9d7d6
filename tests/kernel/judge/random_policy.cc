#include "tests/kernel/judge/random_policy.h"

#include <algorithm>
#include <array>

#include "tests/kernel/harness/values.h"
#include "tests/kernel/judge/random_values.h"

namespace firewright::judge {
namespace {

using kernel::Random;

class Generator {
 public:
  Generator(std::uint64_t seed, Limits limits) : random_(seed), values_(random_), limits_(limits) {}

  RandomPolicy run() {
    // Some say only what every platform can.
    values_.keep_plain(plain_ = random_.one_in(5));
    policy_.in_arrays = random_.one_in(4);
    settings();
    const auto count = random_.one_in(8) ? 8 + random_.below(10) : 1 + random_.below(7);
    for (std::uint64_t i = 0; i < count; ++i) policy_.exceptions.push_back(exception());
    if (random_.one_in(8)) crowd();
    variables();
    return std::move(policy_);
  }

 private:
  void settings() {
    if (random_.one_in(3)) policy_.sections.push_back({"policy", {{"name", "\"random\""}}});
    policy_.sections.push_back({"addresses", values_.groups()});
    policy_.sections.push_back({"services", values_.services()});
    policy_.sections.push_back(
        {"zones.z0", {{"interfaces", R"(["eth0", "wg*"])"}, {"profiles", R"(["private"])"}}});
    policy_.sections.push_back(
        {"zones.z1",
         {{"interfaces", R"(["lan*", "dmz0", "eth1"])"}, {"profiles", R"(["domain", "public"])"}}});
    Section baseline{"baseline", {}};
    for (const char* key :
         {"loopback", "established", "drop-invalid", "icmp-errors", "neighbour-discovery"}) {
      if (plain_ || !random_.one_in(6)) continue;
      baseline.fields.push_back({key, random_.one_in(4) ? "true" : "false"});
      if (std::string_view(key) == "established")
        established_ = baseline.fields.back().value == "true";
    }
    policy_.sections.push_back(std::move(baseline));
    directions();
    targets();
  }

  void directions() {
    for (const char* name : {"inbound", "outbound", "forward"}) {
      Section direction{name, {}};
      // A direction that is left to others has nothing else to say; one is always ours.
      const bool unmanaged = random_.one_in(12) && (name[0] != 'f' || !managed_.empty());
      if (unmanaged && !plain_) {
        direction.fields.push_back({"default", R"("unmanaged")"});
      } else {
        if (random_.one_in(2)) direction.fields.push_back({"default", default_verdict()});
        if (!plain_ && random_.one_in(5)) direction.fields.push_back({"log", values_.log()});
        managed_.emplace_back(name);
      }
      policy_.sections.push_back(std::move(direction));
    }
    // Most of what is said is said of inbound.
    if (plain_) managed_ = {"inbound", "inbound", "outbound"};
    if (managed_[0] == "inbound") managed_.insert(managed_.begin(), 2, "inbound");
  }

  std::string default_verdict() {
    const std::vector<std::string> verdicts{R"("drop")", R"("drop")", R"("accept")", R"("reject")",
                                            R"("reject")"};
    return verdicts[random_.below(plain_ ? 3 : verdicts.size())];
  }

  void targets() {
    Section iptables{"target.iptables", {}};
    if (random_.one_in(6)) iptables.fields.push_back({"mode", R"("coexist")"});
    if (random_.one_in(4)) iptables.fields.push_back({"sets", R"("ipset")"});
    policy_.sections.push_back(std::move(iptables));
    Section nftables{"target.nftables", {}};
    if (random_.one_in(3))
      nftables.fields.push_back(
          {"layout", random_.one_in(2) ? R"("readable")" : R"("structured")"});
    policy_.sections.push_back(std::move(nftables));
    if (random_.one_in(4))
      policy_.sections.push_back({"target.netsh", {{"other-rules", R"("keep")"}}});
  }

  Entry exception() {
    const std::vector<std::string> actions{"allow", "allow", "allow", "deny", "reject"};
    Entry entry{random_.of(managed_), actions[random_.below(plain_ ? 4 : actions.size())], {}};
    if (!plain_ && random_.one_in(10)) {
      entry.fields.push_back({"", values_.short_form()});
      return entry;
    }
    auto families = values_.families();
    // Some protocols exist in one family only.
    for (auto& field : values_.protocol(families)) entry.fields.push_back(std::move(field));
    addresses(entry, families);
    if (families != Families::both && random_.one_in(3))
      entry.fields.push_back({"family", families == Families::v4 ? R"("ipv4")" : R"("ipv6")"});
    if (entry.direction != "outbound" && random_.one_in(4))
      entry.fields.push_back({"in", values_.interface()});
    if (entry.direction != "inbound" && random_.one_in(4))
      entry.fields.push_back({"out", values_.interface()});
    if (entry.direction == "outbound" && !plain_) owners(entry);
    if (!plain_) effects(entry, families);
    others(entry);
    return entry;
  }

  void addresses(Entry& entry, Families families) {
    for (const auto& [key, except] : std::array<std::pair<const char*, const char*>, 2>{
             {{"from", "from-except"}, {"to", "to-except"}}}) {
      if (random_.one_in(2)) entry.fields.push_back({key, values_.addresses(families)});
      if (random_.one_in(6)) entry.fields.push_back({except, values_.few_addresses(families)});
    }
  }

  void owners(Entry& entry) {
    if (random_.one_in(6)) entry.fields.push_back({"user", values_.owner()});
    if (random_.one_in(8)) entry.fields.push_back({"group", values_.owner()});
  }

  void effects(Entry& entry, Families families) {
    if (entry.action == "allow" && established_ && random_.one_in(7))
      entry.fields.push_back({"limit", limit(families)});
    if (random_.one_in(8)) entry.fields.push_back({"log", values_.log()});
    if (random_.one_in(6)) entry.fields.push_back({"count", random_.one_in(5) ? "false" : "true"});
  }

  void others(Entry& entry) {
    if (random_.one_in(10))
      entry.fields.push_back({"expires", random_.one_in(3) ? "2025-12-31" : "2030-12-31"});
    if (random_.one_in(3)) entry.fields.push_back({"name", values_.name()});
    if (random_.one_in(8)) entry.fields.push_back({"reason", R"("because")"});
    if (random_.one_in(16)) {
      const std::vector<std::string> targets{R"(["iptables"])", R"(["nftables"])",
                                             R"(["iptables", "nftables"])",
                                             R"(["netsh", "nftables"])"};
      entry.fields.push_back({"only-on", random_.of(targets)});
    }
  }

  std::string limit(Families families) {
    const bool plentiful = limits_ == Limits::plentiful;
    const std::string rate = plentiful ? R"("10000/second")" : values_.rate();
    const std::string burst = plentiful ? "10000" : std::to_string(1 + random_.below(60));
    const std::string connections = plentiful ? "1000000" : std::to_string(1 + random_.below(200));
    // One bucket for both families is more than iptables can say; each source has one family.
    const bool per_source = families == Families::both ? !random_.one_in(8) : random_.one_in(2);
    const std::string per = per_source ? R"(, per = "source")" : "";
    switch (random_.below(3)) {
      case 0: return "{ rate = " + rate + ", burst = " + burst + per + " }";
      case 1: return "{ connections = " + connections + per + " }";
      default:
        return "{ rate = " + rate + ", burst = " + burst + ", connections = " + connections + per +
               " }";
    }
  }

  // Many of one kind, which backends put into sets and trees.
  void crowd() {
    const Entry like{random_.of(managed_), random_.one_in(3) ? "deny" : "allow", {}};
    const auto families = values_.families();
    const bool ports = !random_.one_in(4);
    for (auto left = 9 + random_.below(30); left > 0; --left) {
      Entry entry = like;
      if (ports) {
        entry.fields.push_back({"protocol", random_.one_in(3) ? R"("udp")" : R"("tcp")"});
        entry.fields.push_back({"port", values_.port()});
      }
      entry.fields.push_back(
          {like.direction == "outbound" ? "to" : "from", values_.few_addresses(families)});
      policy_.exceptions.push_back(std::move(entry));
    }
  }

  // A value that is nothing but a variable is what the variable is.
  void variables() {
    Section vars{"vars", {}};
    for (auto& entry : policy_.exceptions) {
      for (auto& [key, value] : entry.fields) {
        const bool may = value.front() == '"' || value.front() == '[' ||
                         (value.front() >= '0' && value.front() <= '9' && key != "expires");
        if (key.empty() || !may || !random_.one_in(25)) continue;
        const std::string name = "v" + std::to_string(vars.fields.size());
        vars.fields.push_back({name, value});
        value = "\"${" + name + "}\"";
      }
    }
    if (!vars.fields.empty()) policy_.sections.insert(policy_.sections.begin(), std::move(vars));
  }

  Random random_;
  Values values_;
  Limits limits_;
  bool established_ = true;
  bool plain_ = false;
  std::vector<std::string> managed_;  // directions, as often as they are to come
  RandomPolicy policy_;
};

std::string line_of(const Field& field) {
  return field.key.empty() ? field.value : field.key + " = " + field.value;
}

std::string item_of(const Entry& entry) {
  if (entry.fields.size() == 1 && entry.fields[0].key.empty()) return entry.fields[0].value;
  std::string text;
  for (const auto& field : entry.fields) text += (text.empty() ? "" : ", ") + line_of(field);
  return "{ " + text + " }";
}

bool has_strings(const RandomPolicy& policy, const std::string& direction,
                 const std::string& action) {
  return std::ranges::any_of(policy.exceptions, [&](const Entry& entry) {
    return entry.direction == direction && entry.action == action && !entry.fields.empty() &&
           entry.fields[0].key.empty();
  });
}

}  // namespace

std::string to_toml(const RandomPolicy& policy) {
  std::string text;
  for (const auto& section : policy.sections) {
    std::string lines;
    for (const auto& field : section.fields) lines += line_of(field) + "\n";
    for (const char* action : {"allow", "deny", "reject"}) {
      if (!policy.in_arrays && !has_strings(policy, section.name, action)) continue;
      std::string items;
      for (const auto& entry : policy.exceptions)
        if (entry.direction == section.name && entry.action == action)
          items += "  " + item_of(entry) + ",\n";
      if (!items.empty()) lines += std::string(action) + " = [\n" + items + "]\n";
    }
    if (!lines.empty()) text += "[" + section.name + "]\n" + lines + "\n";
  }
  for (const auto& entry : policy.exceptions) {
    if (policy.in_arrays || has_strings(policy, entry.direction, entry.action)) continue;
    text += "[[" + entry.direction + "." + entry.action + "]]\n";
    for (const auto& field : entry.fields) text += line_of(field) + "\n";
    text += "\n";
  }
  return text;
}

RandomPolicy random_policy(std::uint64_t seed, Limits limits) {
  return Generator(seed, limits).run();
}

}  // namespace firewright::judge
