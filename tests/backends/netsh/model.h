// A model of Windows Firewall: a store of rules that netsh commands change, and what a new packet
// gets.
//
// Block beats allow, allow beats the default; no order, no weights. Written from the platform's
// documentation, with nothing of the encoder in it.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "backends/backend.h"
#include "compiler/ir/evaluate.h"

namespace firewright::netsh::model {

struct StoredRule {
  std::string name;
  bool inbound = true;
  bool allow = true;
  bool enabled = true;
  ir::ProfileSet profiles = ir::ProfileSet::all();
  std::optional<Protocol> protocol;  // none: any
  std::optional<IcmpSet> icmp;
  std::optional<AddressSet> local, remote;
  std::optional<PortSet> local_ports, remote_ports;
  std::string program, service;
};

struct Firewall {
  std::vector<StoredRule> rules;
  bool on = true;
  bool block_inbound = true;
  bool block_outbound = false;

  // Runs one line of a script; the exit code. A line that the model does not know is 2.
  int run(std::string_view line);
  // Whether a new packet passes. Not asked for loopback traffic.
  [[nodiscard]] bool passes(const ir::Packet& packet) const;
};

// Follows apply.cmd, past its checks, from the backup to the success message, and runs each line
// that its netsh calls reach. `after` is called behind every line with the file's name ("" for
// apply.cmd itself) and the line. False: a command failed that must not.
bool apply(
    const backend::Artifact& artifact, const std::string& old_generation, Firewall& firewall,
    const std::function<void(std::string_view file, std::string_view line)>& after =
        [](std::string_view, std::string_view) {});

// "firewright-0123456789abcdef", from apply.cmd.
[[nodiscard]] std::string generation_of(const backend::Artifact& artifact);
[[nodiscard]] std::vector<std::string> lines_of(std::string_view text);

}  // namespace firewright::netsh::model
