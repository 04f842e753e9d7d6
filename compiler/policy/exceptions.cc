#include "compiler/policy/exceptions.h"

#include <algorithm>
#include <iterator>

#include "compiler/policy/choices.h"
#include "compiler/policy/names.h"
#include "compiler/policy/transports.h"

namespace firewright::policy {
namespace {

std::string in_backticks(std::string_view word) {
  return std::string("`").append(word).append("`");
}

// Why a direction does not know a key.
std::string misplaced_help(std::string_view key, Direction direction) {
  if (key == "in") return "an outbound packet has no interface that it came in by; use `out`";
  if (key == "out") return "an inbound packet has no interface that it goes out by; use `in`";
  if (key == "user" || key == "group")
    return direction == Direction::inbound
               ? "the owner of a socket is known for what this host sends only"
               : "what passes through this host has no socket here";
  return "what passes through this host belongs to no program here";
}

}  // namespace

Exception ExceptionReader::read(const Value& value, Direction direction, Action action) {
  Exception exception;
  exception.direction = direction;
  exception.action = action;
  exception.span = value.span;
  if (value.is(Value::Type::string)) {
    read_string_form(value, exception);
    return exception;
  }
  if (!value.is(Value::Type::table)) {
    auto* diagnostic = wrong_type(context_, value, to_string(action), "strings and tables");
    if (diagnostic != nullptr && value.is(Value::Type::integer))
      diagnostic->help = "say the protocol: `\"tcp/" + std::to_string(value.integer()) + "\"`";
    return exception;
  }
  const Fields fields(context_, value, Section::exception);
  check_places(fields, exception);
  read_narrowing(fields, exception);
  read_treatment(fields, exception);
  read_people(fields, exception);
  read_ignore(fields, exception);
  return exception;
}

void ExceptionReader::read_string_form(const Value& value, Exception& exception) {
  const auto& text = value.string();
  exception.text = text;
  exception.subject = text;
  std::vector<Transport> transports;
  if (text.find('/') == std::string::npos) {
    use_service(value, exception);
    return;
  }
  if (!read_transport_text(context_, value, transports)) return;
  exception.transports = {.value = std::move(transports), .span = value.span};
}

void ExceptionReader::use_service(const Value& name, Exception& exception) {
  const auto* service = services_.find(name);
  if (service == nullptr) return;
  exception.services.push_back({.value = name.string(), .span = name.span});
  if (!exception.transports) exception.transports = {.value = {}, .span = name.span};
  auto& transports = exception.transports->value;
  transports.insert(transports.end(), service->transports.begin(), service->transports.end());
}

std::optional<Exception> ExceptionReader::read_assertion_set(const Value& value,
                                                             std::string_view key) {
  if (!is_table(
          context_, value, key,
          "write `" + std::string(key) + " = { direction = \"inbound\", service = \"rdp\" }`"))
    return std::nullopt;
  Exception set;
  set.span = value.span;
  const Fields fields(context_, value, Section::assertion_set);
  const auto* direction = fields.find("direction");
  if (direction == nullptr) {
    context_.report(Kind::missing_key, value, {"an assertion's set of packets", "direction"}).help =
        "`inbound`, `outbound` or `forward`";
    return std::nullopt;
  }
  const auto word = read_word(context_, direction->value, "direction", direction_words);
  if (!word) return std::nullopt;
  set.direction = static_cast<Direction>(*word);
  check_places(fields, set);
  read_narrowing(fields, set);
  return set;
}

// Keys that the direction or the action does not know.
void ExceptionReader::check_places(const Fields& fields, const Exception& exception) {
  for (const auto& entry : fields.entries()) {
    const auto* key = find_key(Section::exception, entry.key);
    if (key == nullptr) continue;
    if (!key->directions.contains(exception.direction))
      context_
          .report(Kind::misplaced_key, entry.key_span,
                  {entry.key, std::string(to_string(exception.direction)) + " exceptions"})
          .help = misplaced_help(entry.key, exception.direction);
    if (entry.key == "limit" && exception.action != Action::allow)
      context_
          .report(Kind::misplaced_key, entry.key_span,
                  {entry.key, in_backticks(to_string(exception.action))})
          .help =
          "a limit says how much is welcome: put it on an `allow`; what is over the limit falls "
          "to the default";
  }
}

void ExceptionReader::read_narrowing(const Fields& fields, Exception& exception) {
  read_transports(fields, exception);
  read_addresses(fields, exception);
  if (const auto* in = fields.find("in")) exception.in = zones_.read_use(*in);
  if (const auto* out = fields.find("out")) exception.out = zones_.read_use(*out);
  if (const auto* family = fields.find("family"))
    if (const auto word = read_word(context_, family->value, "family", family_words))
      exception.family = {.value = static_cast<Family>(*word), .span = family->value.span};
  read_process(fields, exception);
}

void ExceptionReader::read_transports(const Fields& fields, Exception& exception) {
  const TransportKeys keys{.protocol = fields.find("protocol"),
                           .port = fields.find("port"),
                           .source_port = fields.find("source-port"),
                           .icmp_type = fields.find("icmp-type")};
  const auto* service = fields.find("service");
  if (service != nullptr && keys.any()) {
    for (const auto* other : {keys.protocol, keys.port, keys.source_port, keys.icmp_type}) {
      if (other == nullptr) continue;
      auto& diagnostic =
          context_.report(Kind::conflicting_keys, other->key_span, {other->key, "service"});
      diagnostic.labels.push_back({.span = service->key_span, .text = "the service"});
      diagnostic.help =
          "a service says protocol and ports itself; define one in `[services]`, or leave "
          "`service` out";
      break;
    }
  }
  if (service != nullptr) {
    for_each_item(context_, service->value, "service", [&](const Value& item) {
      if (read_string(context_, item, "service") == nullptr) return;
      if (item.string().find('/') != std::string::npos) {
        context_.report(Kind::unknown_service, item, {item.string()}).help =
            "`service` takes names; write ports with `protocol` and `port`, or the exception as a "
            "string";
        return;
      }
      use_service(item, exception);
      exception.subject += (exception.subject.empty() ? "" : ",") + item.string();
    });
    if (exception.transports) exception.transports->span = service->value.span;
    return;
  }
  if (!keys.any()) return;
  exception.subject = describe_keys(keys);
  auto transports = read_transport_keys(context_, keys);
  if (!transports) return;
  const auto* first = keys.protocol != nullptr ? keys.protocol : keys.icmp_type;
  exception.transports = {.value = std::move(*transports), .span = first->value.span};
}

void ExceptionReader::read_addresses(const Fields& fields, Exception& exception) {
  if (const auto* entry = fields.find("from")) exception.from = groups_.read_list(*entry, true);
  if (const auto* entry = fields.find("to")) exception.to = groups_.read_list(*entry, true);
  if (const auto* entry = fields.find("from-except"))
    exception.from_except = groups_.read_list(*entry, false);
  if (const auto* entry = fields.find("to-except"))
    exception.to_except = groups_.read_list(*entry, false);
}

void ExceptionReader::read_process(const Fields& fields, Exception& exception) {
  if (const auto* user = fields.find("user"))
    exception.user = {.value = read_owners(context_, *user), .span = user->value.span};
  if (const auto* group = fields.find("group"))
    exception.group = {.value = read_owners(context_, *group), .span = group->value.span};
  const auto text = [&](std::string_view key, std::optional<Spanned<std::string>>& field) {
    const auto* entry = fields.find(key);
    if (entry == nullptr || read_string(context_, entry->value, key) == nullptr) return;
    if (check_text_for_people(context_, entry->value, key, longest_text))
      field = {.value = entry->value.string(), .span = entry->value.span};
  };
  text("program", exception.program);
  text("windows-service", exception.windows_service);
}

void ExceptionReader::read_treatment(const Fields& fields, Exception& exception) {
  const auto* limit = fields.find("limit");
  if (limit != nullptr && exception.action == Action::allow)
    exception.limit = read_limit(context_, limit->value);
  if (const auto* log = fields.find("log")) exception.log = read_log(context_, *log);
  if (const auto* count = fields.find("count"))
    exception.count = read_boolean(context_, count->value, "count").value_or(false);
  if (const auto* expires = fields.find("expires")) read_expiry(*expires, exception);
  if (const auto* only_on = fields.find("only-on")) read_only_on(*only_on, exception);
}

void ExceptionReader::read_people(const Fields& fields, Exception& exception) {
  const auto text = [&](std::string_view key, std::size_t longest,
                        std::optional<Spanned<std::string>>& field) {
    const auto* entry = fields.find(key);
    if (entry == nullptr || read_string(context_, entry->value, key) == nullptr) return;
    if (check_text_for_people(context_, entry->value, key, longest))
      field = {.value = entry->value.string(), .span = entry->value.span};
  };
  text("name", longest_name, exception.name);
  text("reason", longest_text, exception.reason);
  text("owner", longest_text, exception.owner);
  text("ticket", longest_text, exception.ticket);
}

void ExceptionReader::read_expiry(const Entry& entry, Exception& exception) {
  const auto& value = entry.value;
  if (value.is(Value::Type::date)) {
    exception.expires = {.value = value.date(), .span = value.span};
    return;
  }
  if (value.is(Value::Type::string)) {
    const auto date = parse_date(value.string());
    if (date && value.from_variable) {  // variables hold no dates
      exception.expires = {.value = *date, .span = value.span};
      return;
    }
    auto* diagnostic = wrong_type(context_, value, "expires", "a local date");
    diagnostic->help = date ? "write it without quotes: `expires = " + value.string() + "`"
                            : "write `expires = 2030-12-31`, without quotes";
    return;
  }
  if (auto* diagnostic = wrong_type(context_, value, "expires", "a local date"))
    diagnostic->help = value.is(Value::Type::time)
                           ? "write the day only; the exception ends as that day begins"
                           : "write `expires = 2030-12-31`";
}

void ExceptionReader::read_only_on(const Entry& entry, Exception& exception) {
  TargetSet targets;
  for_each_item(context_, entry.value, "only-on", [&](const Value& item) {
    if (const auto word = read_word(context_, item, "only-on", target_words))
      targets.insert(static_cast<Target>(*word));
  });
  exception.only_on = {.value = targets, .span = entry.value.span};
}

void ExceptionReader::read_ignore(const Fields& fields, Exception& exception) {
  const auto* entry = fields.find("ignore");
  if (entry == nullptr) return;
  for_each_item(context_, entry->value, "ignore", [&](const Value& item) {
    const auto* name = read_string(context_, item, "ignore");
    if (name == nullptr) return;
    std::vector<std::string> known;
    for (const auto kind : all_kinds())
      if (can_be_ignored(kind)) known.emplace_back(id(kind));
    if (std::find(known.begin(), known.end(), *name) != known.end()) {
      exception.ignore.push_back({.value = *name, .span = item.span});
      return;
    }
    const bool other = std::any_of(all_kinds().begin(), all_kinds().end(),
                                   [&](Kind kind) { return id(kind) == *name; });
    auto help = other ? "only what `check` finds out about the meaning of an exception can be "
                        "ignored, not `" +
                            *name + "`"
                      : context_.did_you_mean(*name, known);
    if (help.empty()) help = "LINT in firewright-policy(5) lists what can be ignored";
    context_.report(Kind::ignore_unknown, item, {*name}).help = std::move(help);
  });
  if (fields.find("reason") == nullptr)
    context_.report(Kind::ignore_without_reason, entry->key_span).help =
        "say in `reason` why it is meant to be so: `reason = \"...\"`";
}

bool can_be_ignored(Kind kind) {
  static constexpr Kind ignorable[] = {Kind::lint_shadowed,  Kind::lint_redundant,
                                       Kind::lint_overlap,   Kind::lint_open_service,
                                       Kind::lint_open_ssh,  Kind::lint_open_everything,
                                       Kind::lint_open_ipv6, Kind::lint_expires_soon};
  return std::find(std::begin(ignorable), std::end(ignorable), kind) != std::end(ignorable);
}

}  // namespace firewright::policy
