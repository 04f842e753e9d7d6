// One rule line of an iptables-restore file in the making: match options in slots, a target, a
// comment. Which slot stands where, and which option needs which `-m`, is known here and nowhere
// else.
//
// It refuses nothing: that a value can be spelled at all is capable.h's matter.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace firewright::iptables {

// What a rule line matches. An empty slot matches everything.
struct LineMatch {
  std::string in;           // "-i eth0", "! -i wg+"
  std::string out;          // "-o eth1"
  std::string source;       // "-s 192.0.2.0/24"
  std::string destination;  // "-d 192.0.2.1"
  std::string protocol;     // "-p tcp"
  std::string icmp;         // "--icmp-type echo-request"
  // "--sport 53": options of the protocol's own match. They stand before any multiport, whose
  // `--sports` getopt would take `--sport` for.
  std::string source_port;
  std::string destination_port;
  std::string source_multiport;       // "--sports 1,2:5"
  std::string destination_multiport;  // "--dports 22,80"
  std::string source_range;           // "--src-range 192.0.2.1-192.0.2.9"
  std::string destination_range;      // "--dst-range ..."
  // Whole options with their `-m`, of which each names one set.
  std::string source_set;       // "-m set --match-set fw-net4-... src"
  std::string destination_set;  // "-m set ! --match-set fw-ip4-... dst"
  std::string pair_set;         // "-m set --match-set fw-ip4-port-... src,dst"
  std::string user;             // "--uid-owner 0"
  std::string group;            // "--gid-owner 100-199"
  std::string states;           // "--ctstate NEW"
  // Whole options with their `-m`. Last, so that a token is spent only on a packet that matches.
  std::string predicates;

  bool operator==(const LineMatch&) const = default;
};

// Both matches in one; a slot that both fill must say the same in both.
[[nodiscard]] LineMatch both(const LineMatch& a, const LineMatch& b);

struct Line {
  LineMatch match;
  std::string target;   // "ACCEPT", "LOG --log-prefix \"x\"", a chain; empty: count only
  std::string comment;  // not yet quoted; empty: none
  bool go_to = false;   // the target is a chain that does not come back here
};

// The line without its "-A CHAIN", beginning with a blank where it is not empty.
[[nodiscard]] std::string to_text(const Line& line);

// A line that lacks one test, for lines by the million: the text before it and behind it.
struct OpenLine {
  std::string before, behind;
};
[[nodiscard]] OpenLine open_at(const Line& line, std::string LineMatch::* slot);

// In double quotes, for the words of an iptables-restore file: it knows no quote but `"`, and
// inside of it no escape but the backslash.
[[nodiscard]] std::string quote(std::string_view text);

// The comment of a rule that stands for these exceptions: at most 255 bytes of UTF-8, the kernel's
// limit, without control characters, which would end the line.
[[nodiscard]] std::string comment_of(const std::vector<std::string>& labels);
// Cut to at most `limit` bytes at a character's end, with "..." where something is lost; control
// characters become '?'.
[[nodiscard]] std::string tame(std::string_view text, std::size_t limit);

}  // namespace firewright::iptables
