// The policies that are measured, and the same as people write it for the platform's own tools.
// Everything is made from numbers and seeds: two runs measure the same.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

namespace firewright::bench {

[[nodiscard]] std::string seed_policy();

// The nth of many exceptions: a TCP port and a source of its own, 10.0.0.0 plus n.
struct Exception {
  std::string name, port, source;
};
[[nodiscard]] Exception exception(int n);
constexpr std::uint32_t first_source = 10U << 24;
constexpr std::uint16_t first_port = 1024;
constexpr std::uint32_t port_step = 7;
constexpr std::uint32_t port_count = 60000;

// A table each, with name and reason. Those numbered `from` to `from + 2` are left out.
[[nodiscard]] std::string policy_of(int count, int from = -3);
// One rule an exception, for nft and for iptables-restore.
[[nodiscard]] std::string nft_rules(int count);
[[nodiscard]] std::string iptables_rules(int count);

// Different addresses all over the unicast space.
[[nodiscard]] std::vector<std::uint32_t> random_addresses(int count, std::uint64_t seed);
struct Block {
  std::uint32_t first = 0;
  int length = 32;
};
// Disjoint blocks with gaps between them. Their lengths are spread as in lists of a country's
// networks, each five bits longer, so that a million fit; from `corpus` when it names a folder of
// such lists (*.ipv4.txt), taken in order and again from the start.
[[nodiscard]] std::vector<Block> blocks(int count, std::uint64_t seed, const std::string& corpus);

[[nodiscard]] std::string text_of(std::uint32_t address);
[[nodiscard]] std::string text_of(const Block& block);

// A policy of 16 lists, each allowed to a TCP port of its own, or of one list of blocks; with the
// files of the lists beside it. The same as one nft set that a person would write.
struct Written {
  std::string policy;  // paths
  std::string rules;
};
[[nodiscard]] Written write_addresses_and_ports(const std::filesystem::path& folder, int count);
[[nodiscard]] Written write_blocks(const std::filesystem::path& folder, int count,
                                   const std::string& corpus);
// One list of single addresses, allowed to one port.
[[nodiscard]] std::string write_addresses(const std::filesystem::path& folder, int count);

std::string write(const std::filesystem::path& path, const std::string& text);

}  // namespace firewright::bench
