#include "compiler/policy/services.h"

#include <algorithm>

#include "compiler/policy/names.h"
#include "compiler/policy/transports.h"
#include "compiler/policy/values.h"

namespace firewright::policy {
namespace {

// Transports as a set: the order in which ports are written says nothing.
bool same_transports(const std::vector<Transport>& a, const std::vector<Transport>& b) {
  return a.size() == b.size() && std::is_permutation(a.begin(), a.end(), b.begin());
}

}  // namespace

void Services::define(const Value& table) {
  if (!is_table(context_, table, "services",
                "write `[services]` and `name = \"tcp/8080\"` below it"))
    return;
  for (const auto& entry : table.entries()) {
    if (!check_name(context_, entry, "service")) continue;
    const auto [at, inserted] = written_.try_emplace(entry.key, &entry.value);
    if (inserted) {
      read_service(entry);
    } else if (!same_content(*at->second, entry.value)) {
      const auto first = services_.find(entry.key);
      auto& diagnostic =
          context_.report(Kind::conflicting_definition, entry.key_span, {"service", entry.key});
      if (first != services_.end())
        diagnostic.labels.push_back({.span = first->second.span, .text = "first defined here"});
    }
  }
}

void Services::read_service(const Entry& entry) {
  Service service;
  service.name = entry.key;
  service.span = entry.key_span;
  const auto errors = context_.sink.errors();
  for_each_item(context_, entry.value, entry.key, [&](const Value& item) {
    if (!item.is(Value::Type::string)) {
      if (auto* diagnostic = wrong_type(context_, item, entry.key, "ports such as `tcp/8080`"))
        diagnostic->help = "write `" + entry.key + " = \"tcp/8080\"` or an array of such strings";
    } else if (item.string().find('/') == std::string::npos &&
               catalogue().find(item.string()) != nullptr) {
      context_.report(Kind::bad_ports, item, {item.string()}).help =
          "a service is made of ports; an exception's `service` takes an array of names";
    } else {
      read_transport_text(context_, item, service.transports);
    }
  });
  join_ports(service.transports);
  const auto* known = catalogue().find(entry.key);
  if (known != nullptr && context_.sink.errors() == errors &&
      !same_transports(known->transports, service.transports))
    context_.report(Kind::catalogue_service, entry.key_span, {entry.key}).help =
        "give yours a name of its own, such as `" + entry.key + "-custom`; `firewright services " +
        entry.key + "` shows the catalogue's";
  services_.emplace(entry.key, std::move(service));
}

const Service* Services::find(const Value& name) {
  const auto own = services_.find(name.string());
  if (own != services_.end()) {
    own->second.used = true;
    return &own->second;
  }
  if (const auto* known = catalogue().find(name.string())) return known;
  report_unknown(name);
  return nullptr;
}

void Services::report_unknown(const Value& name) {
  const auto& text = name.string();
  std::string help;
  const bool digits = !text.empty() && text.find_first_not_of("0123456789-,") == std::string::npos;
  if (digits) {
    help = "say the protocol: `tcp/" + text + "`";
  } else if (const auto protocol = parse_protocol(text)) {
    help = has_ports(*protocol) ? "for all of a protocol write `{ protocol = \"" + text +
                                      "\" }`, for a port `" + text + "/PORT`"
                                : "for a protocol write `protocol/" + text + "`";
  } else if (text == "any" || text == "all" || text == "*") {
    help = "an exception without `service` is for any; `{}` is the widest";
  } else {
    help = context_.did_you_mean_key(text, services_);
    if (help.empty()) help = context_.did_you_mean_key(text, catalogue().by_name);
  }
  if (help.empty())
    help = "`firewright services` lists the catalogue; define others in `[services]`";
  context_.report(Kind::unknown_service, name, {text}).help = help;
}

}  // namespace firewright::policy
