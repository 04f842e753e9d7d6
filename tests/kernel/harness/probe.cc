#include "tests/kernel/harness/probe.h"

#include <charconv>
#include <string_view>
#include <utility>

#include "tests/kernel/harness/namespace.h"

namespace firewright::kernel {
namespace {

constexpr std::string_view notes = R"(
table inet probe {
  set seen4 { typeof ip id . ct state; size 262144; flags dynamic; }
  set seen6 { typeof ip6 flowlabel . ct state; size 262144; flags dynamic; }
  set accepted4 { typeof ip id; size 65536; flags dynamic; }
  set accepted6 { typeof ip6 flowlabel; size 65536; flags dynamic; }
  set reset4 { typeof tcp sequence . tcp ackseq; size 65536; flags dynamic; }
  set reset6 { typeof tcp sequence . tcp ackseq; size 65536; flags dynamic; }
  set error4 { typeof icmp type . icmp code . ip id; size 65536; flags dynamic; }
  set error6 { typeof icmpv6 type . icmpv6 code . ip6 flowlabel; size 65536; flags dynamic; }

  chain note_arrival {
    meta nfproto ipv4 add @seen4 { ip id . ct state }
    meta nfproto ipv6 add @seen6 { ip6 flowlabel . ct state }
  }
  chain note_accepted {
    meta nfproto ipv4 add @accepted4 { ip id }
    meta nfproto ipv6 add @accepted6 { ip6 flowlabel }
  }
  # What was to be forwarded has DSCP bits; what the kernel takes for itself all the same did not arrive.
  chain before_input {
    type filter hook input priority -190;
    ip dscp != 0 drop
    ip6 dscp != 0 drop
    jump note_arrival
  }
  chain before_forward { type filter hook forward priority -190; jump note_arrival; }
  # Packets without a mark of ours are what the kernel itself says. An ICMP error quotes the packet that it is
  # about, 8 bytes behind its own header.
  chain before_output {
    type filter hook output priority -190;
    meta mark & 0xffff0000 == 0x46570000 goto note_arrival
    meta nfproto ipv4 tcp flags rst add @reset4 { tcp sequence . tcp ackseq }
    meta nfproto ipv6 tcp flags rst add @reset6 { tcp sequence . tcp ackseq }
    meta nfproto ipv4 icmp type 3 add @error4 { icmp type . icmp code . @th,96,16 }
    meta nfproto ipv6 icmpv6 type 1 add @error6 { icmpv6 type . icmpv6 code . @th,76,20 }
    drop
  }
  chain behind_input { type filter hook input priority 300; jump note_accepted; }
  chain behind_forward { type filter hook forward priority 300; jump note_accepted; drop; }
  chain behind_output { type filter hook output priority 300; jump note_accepted; drop; }
}
)";
constexpr std::string_view drop_accepted = "add rule inet probe behind_input drop\n";
constexpr std::string_view end_opening = "delete table inet probe_opening\n";

using Row = std::vector<unsigned long>;

constexpr const char* all_sets[] = {"seen4",  "seen6",  "accepted4", "accepted6",
                                    "reset4", "reset6", "error4",    "error6"};

// The numbers of "elements = { 1 . 2, 3 . 4 }", as `nft -nn` prints it.
std::vector<Row> rows(const std::string& listing, const std::string& set) {
  std::vector<Row> result;
  const auto own = listing.find("set " + set + " {");
  if (own == std::string::npos) throw HarnessError("no set " + set + " in the listing");
  const auto begin = listing.find("elements = {", own);
  if (begin == std::string::npos || begin > listing.find("\n\t}", own)) return result;
  Row row;
  std::string_view rest = std::string_view(listing).substr(begin + 12);
  while (!rest.empty()) {
    const char c = rest.front();
    if (c >= '0' && c <= '9') {
      unsigned long value = 0;
      const int base = rest.starts_with("0x") ? 16 : 10;
      if (base == 16) rest.remove_prefix(2);
      const auto read = std::from_chars(rest.data(), rest.data() + rest.size(), value, base);
      rest.remove_prefix(static_cast<std::size_t>(read.ptr - rest.data()));
      row.push_back(value);
      continue;
    }
    if (c == ',' || c == '}') {
      if (!row.empty()) result.push_back(row);
      row.clear();
      if (c == '}') return result;
    } else if (c != ' ' && c != '.' && c != '\n' && c != '\t') {
      throw HarnessError("cannot read the set " + set + " at: " + std::string(rest.substr(0, 40)));
    }
    rest.remove_prefix(1);
  }
  throw HarnessError("the set " + set + " has no end");
}

ir::ConntrackState state_of(unsigned long bit) {
  switch (bit) {
    case 1: return ir::ConntrackState::invalid;
    case 2: return ir::ConntrackState::established;
    case 4: return ir::ConntrackState::related;
    case 8: return ir::ConntrackState::fresh;
    case 64: return ir::ConntrackState::untracked;
    default: throw HarnessError("a conntrack state of " + std::to_string(bit));
  }
}

// Nothing for numbers that no packet of ours has.
Observation* find(std::vector<Observation>& observations, unsigned long id) {
  return id >= 1 && id <= observations.size() ? &observations[id - 1] : nullptr;
}

void read_arrivals(std::vector<Observation>& observations, const std::string& listing,
                   const std::string& set) {
  for (const Row& row : rows(listing, set)) {
    Observation* seen = find(observations, row.at(0));
    if (seen == nullptr) continue;
    if (seen->arrived)
      throw HarnessError("packet " + std::to_string(row[0]) + " arrived twice: as " +
                         std::string(to_string(seen->state)) + ", and in " + set + " as " +
                         std::string(to_string(state_of(row.at(1)))));
    seen->arrived = true;
    seen->state = state_of(row.at(1));
  }
}

void read_resets(std::vector<Observation>& observations, const std::string& listing,
                 const std::string& set) {
  for (const Row& row : rows(listing, set))
    if (Observation* seen = find(observations, row.at(0) != 0 ? row[0] : row.at(1)))
      seen->reset = true;
}

void read_errors(std::vector<Observation>& observations, const std::string& listing,
                 const std::string& set) {
  for (const Row& row : rows(listing, set)) {
    Observation* seen = find(observations, row.at(2));
    if (seen == nullptr) continue;
    seen->icmp_error = true;
    seen->icmp_type = static_cast<std::uint8_t>(row.at(0));
    seen->icmp_code = static_cast<std::uint8_t>(row.at(1));
  }
}

// All sets from one process. While the kernel gives a set another size, which it does some time
// after elements came or went, a listing of many parts has elements twice or not at all.
std::string list_notes() {
  constexpr int most_listings = 100;
  const auto list = [] { return must_run({"nft", "-nn", "list", "table", "inet", "probe"}); };
  auto listing = list();
  for (int i = 0; i < most_listings; ++i) {
    auto again = list();
    if (again == listing) return listing;
    listing = std::move(again);
  }
  throw HarnessError("the notes keep changing");
}

}  // namespace

std::string opening_ruleset(unsigned interfaces) {
  std::string text = "table inet probe_ways {\n  chain by_class {\n";
  text += "    type filter hook prerouting priority -300;\n";
  text += "    ip ecn 1 notrack\n    ip6 ecn 1 notrack\n";
  for (unsigned number = 1; number <= interfaces; ++number) {
    for (const char* family : {"ip", "ip6"}) {
      text += std::string("    ") + family + " dscp " + std::to_string(number) + " meta mark set " +
              std::to_string(mark_of(number)) + "\n";
    }
  }
  text += "  }\n  chain tracking { type filter hook output priority -300; ip ecn 1 notrack; ";
  text += "ip6 ecn 1 notrack; }\n";
  text += "  chain switch_on { type filter hook input priority 0; ct state new accept; }\n}\n";
  text += "table inet probe_opening {\n  chain own_words { type filter hook output priority -300; ";
  text += "meta mark & 0xffff0000 != 0x46570000 drop; }\n}\n";
  return text;
}

std::string measuring_ruleset(bool deliver) {
  std::string text(notes);
  if (!deliver) text.append(drop_accepted).append(end_opening);
  return text;
}

void read_notes(std::vector<Observation>& observations) {
  const std::string listing = list_notes();
  read_arrivals(observations, listing, "seen4");
  read_arrivals(observations, listing, "seen6");
  for (const char* set : {"accepted4", "accepted6"})
    for (const Row& row : rows(listing, set))
      if (Observation* seen = find(observations, row.at(0))) seen->accepted = true;
  read_resets(observations, listing, "reset4");
  read_resets(observations, listing, "reset6");
  read_errors(observations, listing, "error4");
  read_errors(observations, listing, "error6");
}

std::string forgetting() {
  std::string text;
  for (const char* set : all_sets) text += "flush set inet probe " + std::string(set) + "\n";
  return text;
}

}  // namespace firewright::kernel
