// The rules that a generated script keeps, read from the script alone.
//
// A finding names the rule it breaks:
//   V1  a line is a comment, a rule command, or a setting of all profiles
//   V2  printable ASCII, CR and LF at the end of every line, no line too long
//   V3  tags in full, in lower case, once each, known, without blanks round `=`
//   V4  a rule that is added has name, dir and action; one that is deleted or set has a name
//   V5  a value is in quotes if and only if it has a blank in it, and holds no quotes
//   V6  names and descriptions: length, characters, not "all", no "@" in front
//   V7  dir                      V8  action, never bypass
//   V9  protocol                 V10 ports with tcp and udp only
//   V11 ports and their lists    V12 port keywords
//   V13 addresses                V14 lengths of address lists
//   V15 no keyword as localip    V16 localip and remoteip of one family
//   V17 no interfacetype         V18 program, service, and what needs IPsec or edge traversal
//   V19 profile                  V20 rules of one generation only
//   V21 no block rule unless the policy denies something
//   V22 (batch files) every command's failure is noticed
// V23, that no step lets in what neither the old nor the new firewall does, and V24, that reading
// gives back what was written, need more than one script.
//
// Shares nothing with the encoder: a table used by both would agree with itself.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace firewright::netsh {

enum class ScriptMode {
  file,   // for `netsh -f`
  batch,  // for cmd.exe; only its netsh commands are looked at
};

// What the policy gives reason for; everything else is a finding.
struct Expected {
  bool blocks = false;
  bool profiles = false;
  bool programs = false;
  bool services = false;
  bool keywords = false;  // of remoteip and ports
  bool interface_types = false;
};

struct Finding {
  std::string rule;      // "V9"
  std::size_t line = 0;  // from 1
  std::string text;
  bool operator==(const Finding&) const = default;
};

[[nodiscard]] std::vector<Finding> check_script(std::string_view text, ScriptMode mode,
                                                const Expected& expected = {});

}  // namespace firewright::netsh
