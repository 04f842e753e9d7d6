#include "tests/bench/policies.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <random>
#include <sstream>
#include <utility>

namespace firewright::bench {
namespace {

namespace fs = std::filesystem;

constexpr int shift = 5;  // by how much longer than a country's networks the blocks are

// Prefix lengths of the IPv4 networks of two countries, of a thousand.
constexpr std::array<std::pair<int, int>, 17> lengths = {{{8, 1},
                                                          {9, 1},
                                                          {10, 1},
                                                          {11, 2},
                                                          {12, 4},
                                                          {13, 6},
                                                          {14, 16},
                                                          {15, 34},
                                                          {16, 67},
                                                          {17, 31},
                                                          {18, 45},
                                                          {19, 70},
                                                          {20, 88},
                                                          {21, 101},
                                                          {22, 193},
                                                          {23, 120},
                                                          {24, 220}}};

std::vector<int> made_up_lengths(int count, std::mt19937_64& random) {
  std::vector<int> each;
  for (const auto& [length, share] : lengths) each.insert(each.end(), share, length);
  std::vector<int> all;
  for (int i = 0; i < count; ++i) all.push_back(each[random() % each.size()]);
  return all;
}

std::vector<int> lengths_of_lists(int count, const std::string& folder) {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder))
    if (entry.path().string().ends_with(".ipv4.txt")) files.push_back(entry.path());
  std::ranges::sort(files);
  std::vector<int> read;
  for (const auto& path : files) {
    std::ifstream file(path);
    std::string line;
    while (std::getline(file, line))
      if (const auto slash = line.find('/'); slash != std::string::npos && line[0] != '#')
        read.push_back(std::stoi(line.substr(slash + 1)));
  }
  std::vector<int> all;
  for (int i = 0; i < count && !read.empty(); ++i)
    all.push_back(read[static_cast<std::size_t>(i) % read.size()]);
  return all;
}

std::string head_of_rules() {
  return "table inet firewright {\n\tchain input {\n\t\ttype filter hook input priority filter; "
         "policy drop;\n\t\tiifname \"lo\" accept\n\t\tct state established,related accept\n";
}

}  // namespace

std::string seed_policy() {
  return "[inbound]\nallow = [\"ssh\", \"http\", \"https\", \"ping\"]\n";
}

Exception exception(int n) {
  const auto number = static_cast<std::uint32_t>(n);
  return {.name = "rule " + std::to_string(n),
          .port = std::to_string(first_port + number * port_step % port_count),
          .source = text_of(first_source + number)};
}

std::string policy_of(int count, int from) {
  std::string text;
  for (int i = 0; i < count; ++i) {
    if (i >= from && i < from + 3) continue;
    const auto e = exception(i);
    text += "[[inbound.allow]]\nname = \"" + e.name + "\"\nreason = \"one of many\"\n";
    text += "protocol = \"tcp\"\nport = " + e.port + "\nfrom = \"" + e.source + "\"\n\n";
  }
  return text;
}

std::string nft_rules(int count) {
  std::string text = head_of_rules();
  for (int i = 0; i < count; ++i) {
    const auto e = exception(i);
    text += "\t\tip saddr " + e.source + " tcp dport " + e.port + " accept comment \"" + e.name +
            "\"\n";
  }
  return text + "\t\tdrop\n\t}\n}\n";
}

std::string iptables_rules(int count) {
  std::string text =
      "*filter\n:INPUT DROP [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -i lo -j "
      "ACCEPT\n-A INPUT -m conntrack --ctstate ESTABLISHED,RELATED -j ACCEPT\n";
  for (int i = 0; i < count; ++i) {
    const auto e = exception(i);
    text += "-A INPUT -s " + e.source + "/32 -p tcp -m tcp --dport " + e.port +
            " -m comment --comment \"" + e.name + "\" -j ACCEPT\n";
  }
  return text + "-A INPUT -j DROP\nCOMMIT\n";
}

std::vector<std::uint32_t> random_addresses(int count, std::uint64_t seed) {
  // A sorted list with the doubles taken out, filled up until there are enough.
  std::mt19937_64 random(seed);
  std::vector<std::uint32_t> all;
  const auto wanted = static_cast<std::size_t>(count);
  while (all.size() < wanted) {
    while (all.size() < wanted) {
      const auto address = static_cast<std::uint32_t>(random());
      const auto top = address >> 24;
      if (top != 0 && top != 127 && top < 224) all.push_back(address);
    }
    std::ranges::sort(all);
    const auto doubles = std::ranges::unique(all);
    all.erase(doubles.begin(), doubles.end());
  }
  std::ranges::shuffle(all, random);
  return all;
}

std::vector<Block> blocks(int count, std::uint64_t seed, const std::string& corpus) {
  std::mt19937_64 random(seed);
  const auto each =
      corpus.empty() ? made_up_lengths(count, random) : lengths_of_lists(count, corpus);
  std::vector<Block> all;
  std::uint64_t next = 1U << 24;
  for (const int length : each) {
    const int longer = std::min(32, length + shift);
    const std::uint64_t size = 1ULL << (32 - longer);
    next = (next + size - 1) / size * size;
    if (next + size >= 224ULL << 24) break;
    all.push_back({.first = static_cast<std::uint32_t>(next), .length = longer});
    next += size + 8;
  }
  return all;
}

std::string text_of(std::uint32_t address) {
  return fmt::format("{}.{}.{}.{}", address >> 24, address >> 16 & 255U, address >> 8 & 255U,
                     address & 255U);
}

std::string text_of(const Block& block) {
  return text_of(block.first) + "/" + std::to_string(block.length);
}

Written write_addresses_and_ports(const fs::path& folder, int count) {
  constexpr int lists = 16;
  constexpr int first_list_port = 8001;
  fs::create_directories(folder);
  const auto addresses = random_addresses(count, 1);
  std::string groups = "[addresses]\n";
  std::string allowed = "\n[inbound]\nallow = [\n";
  std::string elements;
  for (int list = 0; list < lists; ++list) {
    const auto name = "list-" + std::to_string(list);
    const auto port = std::to_string(first_list_port + list);
    std::string text;
    for (int i = list; i < count; i += lists) {
      const auto address = text_of(addresses[static_cast<std::size_t>(i)]);
      text += address + "\n";
      elements += (elements.empty() ? "" : ", ") + address + " . " + port;
    }
    write(folder / (name + ".txt"), text);
    groups += name + " = { file = \"" + name + ".txt\" }\n";
    allowed += fmt::format(
        "  {{ name = \"to {0}\", protocol = \"tcp\", port = {0}, from = \"{1}\" }},\n", port, name);
  }
  const auto rules =
      "table inet firewright {\n\tset allowed {\n\t\ttype ipv4_addr . inet_service\n\t\telements = "
      "{ " +
      elements + " }\n\t}\n" +
      "\tchain input {\n\t\ttype filter hook input priority filter; policy drop;\n\t\tiifname "
      "\"lo\" accept\n\t\tct state established,related accept\n\t\tip saddr . tcp dport @allowed "
      "accept\n\t\tdrop\n\t}\n}\n";
  return {.policy = write(folder / "million.toml", groups + allowed + "]\n"),
          .rules = write(folder / "one-set.nft", rules)};
}

Written write_blocks(const fs::path& folder, int count, const std::string& corpus) {
  fs::create_directories(folder);
  std::string list;
  std::string elements;
  for (const auto& block : blocks(count, 2, corpus)) {
    const auto text = text_of(block);
    list += text + "\n";
    elements += (elements.empty() ? "" : ", ") + text;
  }
  write(folder / "blocks.txt", list);
  const auto policy =
      "[addresses]\nmany = { file = \"blocks.txt\" }\n\n[inbound]\nallow = [ { name = \"the "
      "many\", protocol = \"tcp\", port = 443, from = \"many\" } ]\n";
  const auto rules =
      "table inet firewright {\n\tset many {\n\t\ttype ipv4_addr\n\t\tflags interval\n\t\telements "
      "= { " +
      elements + " }\n\t}\n" +
      "\tchain input {\n\t\ttype filter hook input priority filter; policy drop;\n\t\tiifname "
      "\"lo\" accept\n\t\tct state established,related accept\n\t\tip saddr @many tcp dport 443 "
      "accept\n\t\tdrop\n\t}\n}\n";
  return {.policy = write(folder / "blocks.toml", policy),
          .rules = write(folder / "one-set.nft", rules)};
}

std::string write_addresses(const fs::path& folder, int count) {
  fs::create_directories(folder);
  const auto name = "addresses-" + std::to_string(count);
  std::string list;
  for (const auto address : random_addresses(count, 3)) list += text_of(address) + "\n";
  write(folder / (name + ".txt"), list);
  return write(folder / (name + ".toml"),
               "[addresses]\nmany = { file = \"" + name +
                   ".txt\" }\n\n[inbound]\nallow = [ { name = \"the many\", protocol = \"tcp\", "
                   "port = 443, from = \"many\" } ]\n");
}

std::string write(const fs::path& path, const std::string& text) {
  std::ofstream(path) << text;
  return path.string();
}

}  // namespace firewright::bench
