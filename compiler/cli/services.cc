#include <algorithm>

#include "compiler/base/edit_distance.h"
#include "compiler/cli/build.h"
#include "compiler/cli/options.h"
#include "compiler/policy/catalogue.h"

namespace firewright::cli {
namespace {

using policy::Service;
using policy::Transport;

std::string icmp_text(const IcmpSet& set) {
  std::string text;
  for (const auto& interval : set.intervals()) {
    if (!text.empty()) text += ",";
    text += std::to_string(interval.first.type());
    if (interval.first.code() != 0 || interval.last.code() != 255)
      text += "/" + std::to_string(interval.first.code());
  }
  return text;
}

// "tcp/80,443", "icmp/8", "esp".
std::string ports_text(const Transport& transport) {
  std::string text;
  for (const auto& interval : transport.protocols.intervals())
    for (unsigned p = interval.first.value; p <= interval.last.value; ++p)
      text += (text.empty() ? "" : ",") + to_string(Protocol{static_cast<std::uint8_t>(p)});
  if (!transport.icmp.is_all()) return text + "/" + icmp_text(transport.icmp);
  if (transport.destination_ports.is_all()) return text;
  std::string ports;
  for (const auto& interval : transport.destination_ports.intervals())
    ports += (ports.empty() ? "/" : ",") + to_string(interval);
  return text + ports;
}

std::string ports_text(const Service& service) {
  std::string text;
  for (const auto& transport : service.transports)
    text += (text.empty() ? "" : " ") + ports_text(transport);
  return text;
}

std::vector<std::string> aliases(const Service& service) {
  std::vector<std::string> names;
  for (const auto& [name, index] : policy::catalogue().by_name)
    if (name != service.name && policy::catalogue().services[index].name == service.name)
      names.push_back(name);
  return names;
}

nlohmann::ordered_json to_json(const Service& service) {
  nlohmann::ordered_json json;
  json["name"] = service.name;
  json["ports"] = nlohmann::ordered_json::array();
  for (const auto& transport : service.transports) json["ports"].push_back(ports_text(transport));
  json["description"] = service.description;
  json["category"] = service.category;
  if (!service.risk.empty()) json["risk"] = service.risk;
  if (const auto others = aliases(service); !others.empty()) json["aliases"] = others;
  return json;
}

Exit show_one(const ServicesOptions& options, Console& console) {
  const auto* service = policy::catalogue().find(options.name);
  if (service == nullptr) {
    std::vector<std::string> names;
    for (const auto& [name, index] : policy::catalogue().by_name) names.push_back(name);
    const auto near = nearest(options.name, names);
    complain(console, "there is no service `" + options.name + "` in the catalogue" +
                          (near ? "; did you mean `" + *near + "`?" : ""));
    return Exit::no;
  }
  if (options.format == Format::json) {
    print_json(console, to_json(*service));
    return Exit::ok;
  }
  console.out << service->name << "  " << ports_text(*service) << "\n  " << service->description
              << " (" << service->category << ")\n";
  std::string others;
  for (const auto& name : aliases(*service)) others += (others.empty() ? "" : ", ") + name;
  if (!others.empty()) console.out << "  also known as " << others << "\n";
  if (!service->risk.empty())
    console.out << "  risk: " << service->risk << "; seldom meant to be open to any source\n";
  return Exit::ok;
}

}  // namespace

Exit services(const ServicesOptions& options, Console& console) {
  if (!options.name.empty()) return show_one(options, console);
  const auto& all = policy::catalogue().services;
  if (options.format == Format::json) {
    auto list = nlohmann::ordered_json::array();
    for (const auto& service : all) list.push_back(to_json(service));
    nlohmann::ordered_json document;
    document["services"] = std::move(list);
    print_json(console, document);
    return Exit::ok;
  }
  std::size_t widest = 0;
  for (const auto& service : all) widest = std::max(widest, service.name.size());
  std::string category;
  for (const auto& service : all) {
    if (service.category != category) {
      console.out << (category.empty() ? "" : "\n") << service.category << "\n";
      category = service.category;
    }
    console.out << "  " << service.name << std::string(widest + 2 - service.name.size(), ' ')
                << ports_text(service) << "\n";
  }
  return Exit::ok;
}

}  // namespace firewright::cli
