#include "backends/nftables/decode_run.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <utility>

namespace firewright::nftables::netlink {

Run::Run(Surroundings& around, const RulePlace& place, std::vector<ir::Rule>& out)
    : artifact_(around.artifact), around_(around), place_(place), out_(out) {
  auto& world = worlds_.emplace_back();
  if (!place.families.is_all()) ir::restrict_families(world.match, place.families);
}

std::optional<Run::Expression> Run::expression_of(const Attribute& attribute) {
  const AttributeTable<NFTA_EXPR_MAX> parts(attribute.value);
  if (parts.damaged() || !parts.has(NFTA_EXPR_NAME)) return std::nullopt;
  return Expression{
      .name = parts.text(NFTA_EXPR_NAME), .data = parts[NFTA_EXPR_DATA], .whole = attribute.whole};
}

bool Run::run(std::string_view expressions) {
  netlink::Attributes list(expressions);
  while (const auto attribute = list.next()) {
    const auto expression = expression_of(*attribute);
    if (!expression) {
      artifact_.syntax(attribute->whole, "an expression without a name");
      return false;
    }
    auto rest = list;
    const auto behind = rest.next();
    next_ = behind ? expression_of(*behind) : std::nullopt;
    // Even where no packet gets there: nothing is skipped.
    if (!execute(*expression)) return false;
  }
  if (list.damaged()) {
    artifact_.syntax(place_.message, "broken expressions");
    return false;
  }
  for (auto& world : worlds_) flush(world);
  return true;
}

bool Run::execute(const Expression& expression) {
  struct Entry {
    std::string_view name;
    bool (Run::*run)(const Expression&);
  };
  static constexpr Entry entries[] = {{"payload", &Run::payload},
                                      {"meta", &Run::meta},
                                      {"cmp", &Run::cmp},
                                      {"immediate", &Run::immediate},
                                      {"lookup", &Run::lookup},
                                      {"ct", &Run::ct},
                                      {"bitwise", &Run::bitwise},
                                      {"byteorder", &Run::byteorder},
                                      {"range", &Run::range},
                                      {"counter", &Run::counter},
                                      {"last", &Run::counter},
                                      {"objref", &Run::objref},
                                      {"log", &Run::log},
                                      {"limit", &Run::limit},
                                      {"reject", &Run::reject},
                                      {"dynset", &Run::dynset},
                                      {"connlimit", &Run::connlimit},
                                      {"quota", &Run::quota},
                                      {"exthdr", &Run::exthdr},
                                      {"fib", &Run::other_load},
                                      {"rt", &Run::other_load},
                                      {"socket", &Run::other_load},
                                      {"osf", &Run::other_load},
                                      {"xfrm", &Run::other_load},
                                      {"hash", &Run::other_load},
                                      {"numgen", &Run::other_load},
                                      {"tunnel", &Run::other_load}};
  for (const auto& entry : entries)
    if (entry.name == expression.name) return (this->*entry.run)(expression);
  return unknown(expression);
}

bool Run::unknown(const Expression& expression) {
  const auto& name = expression.name;
  std::string help;
  if (name == "match" || name == "target")
    help = "rules that iptables-nft wrote are read through iptables-save";
  else if (name == "nat" || name == "masq" || name == "redir" || name == "tproxy")
    help = "addresses are translated in chains of their own, which are not compared";
  artifact_.unknown(expression.whole, std::string(name), std::move(help));
  return false;
}

bool Run::incomplete(const Expression& expression) {
  artifact_.syntax(expression.whole, "`" + std::string(expression.name) + "` without all it needs");
  return false;
}

std::optional<std::span<const Byte>> Run::source(const World& world, const Expression& expression,
                                                 std::optional<std::uint32_t> number,
                                                 std::size_t length) {
  const auto bytes = number ? world.registers.read(*number, length) : std::nullopt;
  if (!bytes) {
    artifact_.syntax(expression.whole, "a register that is none");
    return std::nullopt;
  }
  for (const auto& byte : *bytes)
    if (byte.kind == Byte::Kind::unset) {
      artifact_.conflict(expression.whole, "a register is read that nothing has been put into");
      return std::nullopt;
    }
  return bytes;
}

void Run::write(World& world, ir::Verdict verdict) {
  for (const auto& predicate : world.match.predicates)
    if (const auto* match = std::get_if<ir::OpaqueMatch>(&predicate.test))
      artifact_.opaque(place_.message, match->text);
  const bool last = verdict.kind != ir::VerdictKind::next;
  out_.push_back({.match = last ? std::move(world.match) : world.match,
                  .effects = std::exchange(world.effects, {}),
                  .verdict = std::move(verdict),
                  .origin = place_.origin});
  if (last) end(world);
}

void Run::flush(World& world) {
  if (!world.effects.empty()) write(world, ir::Verdict::next());
}

bool Run::opaque(World& world, std::string_view place, const std::string& text) {
  add_opaque(world.match, text);
  artifact_.opaque(place, text);
  return true;
}

bool Run::add_bucket(World& world, std::string_view place, ir::Predicate predicate) {
  flush(world);
  if (const auto* match = std::get_if<ir::OpaqueMatch>(&predicate.test))
    artifact_.opaque(place, match->text);
  else
    world.buckets.push_back(world.match.predicates.size());
  world.match.predicates.push_back(std::move(predicate));
  return true;
}

bool Run::decide(World& world, const KernelVerdict& verdict, std::string_view place) {
  ir::Verdict decided;
  switch (verdict.code) {
    case NF_ACCEPT: decided = ir::Verdict::accept(); break;
    case NF_DROP: decided = ir::Verdict::drop(); break;
    case NFT_RETURN: decided.kind = ir::VerdictKind::return_; break;
    case NFT_CONTINUE: return true;
    case NFT_BREAK:
      flush(world);
      end(world);
      return true;
    case NFT_JUMP:
    case NFT_GOTO: {
      const auto* chain = place_.table.find_chain(verdict.chain, verdict.chain_id);
      if (chain == nullptr) {
        artifact_.undefined(place, "chain", verdict.chain);
        return false;
      }
      if (chain->base) {
        artifact_.conflict(place, "a jump to the base chain `" + chain->name + "`");
        return false;
      }
      decided.kind = verdict.code == NFT_JUMP ? ir::VerdictKind::jump : ir::VerdictKind::go_to;
      decided.chain = around_.names.chain(place_.table, *chain);
      around_.reached(*chain);
      break;
    }
    default: artifact_.unknown(place, "verdict " + std::to_string(verdict.code)); return false;
  }
  write(world, std::move(decided));
  return true;
}

}  // namespace firewright::nftables::netlink
