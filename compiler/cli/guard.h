// The lockout guard: which of the connections that are open now a policy would not let open again.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "backends/host/flows.h"
#include "compiler/base/source.h"
#include "compiler/ir/program.h"

namespace firewright::cli {

struct DeniedFlow {
  host::Flow flow;
  bool cut = false;  // not even what is open would go on
  std::string by;    // "denied by `no ssh` (web.toml:7)", "by the default of inbound"
};

struct Guarded {
  std::vector<DeniedFlow> denied;
  std::string unknown;   // what could not be looked at; empty: nothing
  bool assumed = false;  // the host's connections cannot be listed; these are the session's

  // The first one that the administrator works through; null: none of them is.
  [[nodiscard]] const DeniedFlow* management() const;
};

[[nodiscard]] Guarded guard(const ir::Program& program, const Sources& sources);
// For a session that is known already. No `flows`: the host's connections cannot be listed, `why`.
[[nodiscard]] Guarded guard(const ir::Program& program, const Sources& sources,
                            const host::Session& session,
                            const std::optional<std::vector<host::Flow>>& flows,
                            const std::string& why);

// "tcp 198.51.100.7:50112 -> 192.0.2.1:22 (inbound, sshd (pid 812)): denied by ..."
[[nodiscard]] std::string say(const DeniedFlow& denied);
[[nodiscard]] nlohmann::ordered_json to_json(const Guarded& guarded);

// Ends the flows; what went wrong, a line each.
[[nodiscard]] std::vector<std::string> end(const std::vector<DeniedFlow>& denied);

}  // namespace firewright::cli
