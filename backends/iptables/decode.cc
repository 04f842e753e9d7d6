#include "backends/iptables/decode.h"

#include <array>
#include <iterator>
#include <utility>
#include <vector>

#include "backends/iptables/decode_table.h"
#include "backends/iptables/decode_trees.h"

namespace firewright::iptables {
namespace {

std::optional<Family> family_of(const std::string& part) {
  if (part == "v4") return Family::ipv4;
  if (part == "v6") return Family::ipv6;
  return std::nullopt;
}

// Base chains hook by hook, so that IPv4 and IPv6 stand beside each other, then the others.
std::vector<ir::Chain> in_order(std::vector<ir::Chain> chains) {
  std::vector<ir::Chain> result;
  result.reserve(chains.size());
  const auto take = [&](std::optional<ir::Hook> hook) {
    for (auto& chain : chains)
      if (chain.hook == hook) result.push_back(std::move(chain));
  };
  for (const auto hook : {ir::Hook::inbound, ir::Hook::outbound, ir::Hook::forward}) take(hook);
  take(std::nullopt);
  return result;
}

}  // namespace

std::optional<ir::Program> decode(const Sources& sources,
                                  std::span<const backend::ArtifactFile> files, Sink& sink) {
  std::array<FileId, FamilySet::count> of_family;
  of_family.fill(FileId::none);
  decoder::Shared shared{.sink = sink, .buckets = {}, .told = {}, .sets = nullptr};
  std::optional<decoder::SetTable> sets;
  for (const auto& file : files) {
    if (file.part == "sets") {
      if (sets) {
        sink.report(Kind::artifact_conflict, {.file = file.file, .begin = 0, .end = 0},
                    {"the part `sets` is there twice"});
        return std::nullopt;
      }
      sets = decoder::read_sets(file.file, sources.file(file.file).text(), sink);
      if (!sets) return std::nullopt;
      shared.sets = &*sets;
      continue;
    }
    const auto family = family_of(file.part);
    const Span start{.file = file.file, .begin = 0, .end = 0};
    if (!family) {
      sink.report(Kind::artifact_kind, start,
                  {file.part, "the parts of an iptables artifact are `v4`, `v6` and `sets`"});
      return std::nullopt;
    }
    auto& place = of_family[static_cast<std::size_t>(*family)];
    if (place != FileId::none) {
      sink.report(Kind::artifact_conflict, start, {"the part `" + file.part + "` is there twice"});
      return std::nullopt;
    }
    place = file.file;
  }

  ir::Program program;
  bool fine = true;
  for (const auto family : FamilySet::all()) {
    const auto file = of_family[static_cast<std::size_t>(family)];
    if (file == FileId::none) continue;
    decoder::TableReader table(family, file, sources.file(file).text(), shared);
    if (!table.read()) {
      fine = false;
      continue;
    }
    auto chains = decoder::without_trees(table.take_chains());
    std::move(chains.begin(), chains.end(), std::back_inserter(program.chains));
  }
  if (!fine) return std::nullopt;
  program.chains = in_order(std::move(program.chains));
  return program;
}

}  // namespace firewright::iptables
