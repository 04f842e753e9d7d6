#include "compiler/cli/guard.h"

#include <algorithm>
#include <utility>

#include "compiler/analysis/treatment.h"
#include "compiler/ir/evaluate.h"

namespace firewright::cli {
namespace {

using ir::Hook;

// The packets of a connection that is open go both ways.
ir::Packet reply_to(const ir::Packet& packet) {
  auto reply = packet;
  std::swap(reply.source, reply.destination);
  std::swap(reply.source_port, reply.destination_port);
  std::swap(reply.in, reply.out);
  if (packet.hook == Hook::inbound) reply.hook = Hook::outbound;
  if (packet.hook == Hook::outbound) reply.hook = Hook::inbound;
  return reply;
}

// What denies the packet; none: it is accepted.
std::optional<std::string> denier(const ir::Program& program, const ir::Packet& packet,
                                  const Sources& sources) {
  const auto decision = ir::evaluate(program, packet);
  if (!decision || decision->verdict.kind == ir::VerdictKind::accept) return std::nullopt;
  if (decision->rule == nullptr || decision->rule->origin.kind != ir::OriginKind::exception)
    return "denied by the default of " + std::string(to_string(packet.hook));
  const auto& origin = decision->rule->origin;
  std::string words = "denied by `" + origin.label + "`";
  if (const auto place = analysis::place(origin.span, sources); !place.empty())
    words += " (" + place + ")";
  return words;
}

std::optional<DeniedFlow> judge(const ir::Program& program, const host::Flow& flow,
                                const Sources& sources) {
  auto packet = host::first_packet(flow);
  const auto first = denier(program, packet, sources);
  packet.state = ir::ConntrackState::established;
  auto later = denier(program, packet, sources);
  if (!later) later = denier(program, reply_to(packet), sources);
  if (!first && !later) return std::nullopt;
  return DeniedFlow{.flow = flow, .cut = later.has_value(), .by = first ? *first : *later};
}

std::string endpoint(const host::Address& address, Port port, bool has_ports) {
  const auto text = host::to_string(address);
  if (!has_ports) return text;
  return (std::holds_alternative<Ipv6>(address) ? "[" + text + "]" : text) + ":" +
         (port.value == 0 ? std::string("*") : std::to_string(port.value));
}

std::string connection(const host::Flow& flow) {
  const bool ports = has_ports(flow.protocol);
  return to_string(flow.protocol) + " " + endpoint(flow.source, flow.source_port, ports) + " -> " +
         endpoint(flow.destination, flow.destination_port, ports);
}

}  // namespace

const DeniedFlow* Guarded::management() const {
  const auto found =
      std::ranges::find_if(denied, [](const auto& one) { return one.flow.management; });
  return found == denied.end() ? nullptr : &*found;
}

Guarded guard(const ir::Program& program, const Sources& sources) {
  const auto session = host::current_session();
  std::string why;
  const auto flows = host::live_flows(session, why);
  return guard(program, sources, session, flows, why);
}

Guarded guard(const ir::Program& program, const Sources& sources, const host::Session& session,
              const std::optional<std::vector<host::Flow>>& flows, const std::string& why) {
  Guarded guarded;
  guarded.assumed = !flows;
  guarded.unknown = flows ? session.unknown : why;
  std::vector<host::Flow> denied;
  for (const auto& flow : flows ? *flows : host::assumed_flows(session))
    if (judge(program, flow, sources)) denied.push_back(flow);
  if (flows) host::name_owners(denied);
  for (const auto& flow : denied) guarded.denied.push_back(*judge(program, flow, sources));
  return guarded;
}

std::string say(const DeniedFlow& denied) {
  std::string words = connection(denied.flow) + " (" + std::string(to_string(denied.flow.hook));
  if (!denied.flow.owner.empty()) words += ", " + denied.flow.owner;
  words += "): " + denied.by;
  if (denied.flow.management) words += "; this is your own connection";
  return words;
}

nlohmann::ordered_json to_json(const Guarded& guarded) {
  auto json = nlohmann::ordered_json::array();
  for (const auto& one : guarded.denied)
    json.push_back({{"flow", connection(one.flow)},
                    {"direction", to_string(one.flow.hook)},
                    {"owner", one.flow.owner},
                    {"by", one.by},
                    {"goes_on", !one.cut},
                    {"own_connection", one.flow.management}});
  return json;
}

std::vector<std::string> end(const std::vector<DeniedFlow>& denied) {
  std::vector<std::string> problems;
  for (const auto& one : denied)
    if (const auto result = host::end_flow(one.flow); !result.ok())
      problems.push_back(connection(one.flow) + ": " + result.error);
  return problems;
}

}  // namespace firewright::cli
