#include "compiler/policy/catalogue.h"

#include "compiler/policy/services.h"
#include "compiler/policy/transports.h"
#include "compiler/policy/values.h"

namespace firewright::policy {
namespace {

void read_text(Context& context, const Fields& fields, std::string_view key, std::string& text) {
  const auto* entry = fields.find(key);
  if (entry == nullptr) return;
  if (const auto* value = read_string(context, entry->value, key)) text = *value;
}

void add_name(Context& context, Catalogue& catalogue, const std::string& name, Span span,
              std::size_t index) {
  if (!catalogue.by_name.emplace(name, index).second)
    context.report(Kind::conflicting_definition, span, {"service", name});
}

void read_service(Context& context, const Entry& entry, Catalogue& catalogue) {
  if (!is_table(context, entry.value, entry.key)) return;
  const Fields fields(context, entry.value, Section::catalogue_service);
  Service service;
  service.name = entry.key;
  read_text(context, fields, "description", service.description);
  read_text(context, fields, "category", service.category);
  read_text(context, fields, "risk", service.risk);
  const auto index = catalogue.services.size();
  add_name(context, catalogue, service.name, entry.key_span, index);
  if (const auto* ports = fields.find("ports"))
    for_each_item(context, ports->value, "ports", [&](const Value& item) {
      if (read_string(context, item, "ports") != nullptr)
        read_transport_text(context, item, service.transports);
    });
  else
    context.report(Kind::missing_key, entry.key_span, {"a service", "ports"});
  if (const auto* aliases = fields.find("aliases"))
    for_each_item(
        context, aliases->value, "aliases",
        [&](const Value& item) {
          if (const auto* alias = read_string(context, item, "aliases"))
            add_name(context, catalogue, *alias, item.span, index);
        },
        true);
  join_ports(service.transports);
  catalogue.services.push_back(std::move(service));
}

}  // namespace

const Service* Catalogue::find(std::string_view name) const {
  const auto it = by_name.find(std::string(name));
  return it == by_name.end() ? nullptr : &services[it->second];
}

Catalogue read_catalogue(std::string_view text, Sources& sources, Sink& sink) {
  Catalogue catalogue;
  const auto file = sources.add("services.toml", std::string(text));
  const auto root = parse_document(file, sources, sink);
  if (!root) return catalogue;
  const ReadOptions options;
  Context context(options, sources, sink);
  for (const auto& entry : root->entries()) read_service(context, entry, catalogue);
  return catalogue;
}

const Catalogue& catalogue() {
  static const Catalogue parsed = [] {
    Sources sources;
    Sink sink;
    return read_catalogue(catalogue_text(), sources, sink);
  }();
  return parsed;
}

}  // namespace firewright::policy
