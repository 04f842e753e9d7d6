#include "compiler/cli/option_kinds.h"

#include <algorithm>
#include <charconv>
#include <cstdint>
#include <optional>
#include <string_view>

namespace firewright::cli {
namespace {

// "60s", "5m", "1h"; a number alone is seconds. Zero is none.
std::optional<std::chrono::milliseconds> parse_span(const std::string& word) {
  std::int64_t number = 0;
  const char* const end = word.data() + word.size();
  const auto parsed = std::from_chars(word.data(), end, number);
  if (parsed.ec != std::errc{} || number < 1 || number > 1'000'000) return std::nullopt;
  const std::string_view unit(parsed.ptr, static_cast<std::size_t>(end - parsed.ptr));
  if (unit.empty() || unit == "s") return std::chrono::seconds(number);
  if (unit == "ms") return std::chrono::milliseconds(number);
  if (unit == "m") return std::chrono::minutes(number);
  if (unit == "h") return std::chrono::hours(number);
  return std::nullopt;
}

}  // namespace

const std::map<std::string, Target>& target_names() {
  static const std::map<std::string, Target> names = {
      {"iptables", Target::iptables}, {"nftables", Target::nftables}, {"netsh", Target::netsh}};
  return names;
}

const std::map<std::string, Format>& format_names() {
  static const std::map<std::string, Format> names = {{"text", Format::text},
                                                      {"json", Format::json}};
  return names;
}

void add_format(CLI::App* app, Format& format) {
  add_choice<Format>(
      app, "--format", format_names(), [&format](Format f) { format = f; },
      "results as text or as JSON");
}

void add_reading_options(CLI::App* app, PolicyOptions& options) {
  app->add_option("--set", options.set, "NAME=VALUE: set a variable of the policy")
      ->type_name("NAME=VALUE")
      ->allow_extra_args(false);
  app->add_option("--vars", options.vars, "a JSON object of variables, such as a host's facts")
      ->type_name("FILE")
      ->allow_extra_args(false);
  app->add_option("--at", options.at, "the day that `expires` is held against; unsaid: today")
      ->type_name("DATE");
}

void add_policy_options(CLI::App* app, PolicyOptions& options) {
  add_reading_options(app, options);
  add_format(app, options.format);
}

void add_targets(CLI::App* app, std::vector<Target>& targets, bool required) {
  auto* option = add_choice<Target>(
      app, "--target", target_names(),
      [&targets](Target target) {
        if (std::find(targets.begin(), targets.end(), target) == targets.end())
          targets.push_back(target);
      },
      "the firewall to compile to; may be said again");
  option->take_all()->trigger_on_parse()->required(required);
}

void add_approximate(CLI::App* app, bool& approximate) {
  app->add_flag("--approximate", approximate,
                "where the target cannot say an exception exactly, deny more, never less");
}

void add_seconds(CLI::App* app, const std::string& name,
                 std::function<void(std::chrono::milliseconds)> set, const std::string& help) {
  app->add_option_function<std::string>(
         name, [set = std::move(set)](const std::string& word) { set(*parse_span(word)); }, help)
      ->type_name("TIME")
      ->check(CLI::Validator(
          [](std::string& word) {
            return parse_span(word) ? std::string() : "`" + word + "` is no time like 60s or 5m";
          },
          "", "time"));
}

bool is_port_list(const std::string& text) {
  if (text == "none") return true;
  std::size_t begin = 0;
  while (begin <= text.size()) {
    const auto end = std::min(text.find(',', begin), text.size());
    unsigned port = 0;
    const auto parsed = std::from_chars(text.data() + begin, text.data() + end, port);
    if (parsed.ec != std::errc{} || parsed.ptr != text.data() + end || port < 1 || port > 65535)
      return false;
    begin = end + 1;
  }
  return true;
}

void add_host_options(CLI::App* app, HostOptions& options) {
  app->add_option("--state-dir", options.state_dir,
                  "what the host remembers of its firewall; unsaid: " + options.state_dir)
      ->type_name("DIR");
  app->add_option("--run-dir", options.run_dir, "the lock; unsaid: " + options.run_dir)
      ->type_name("DIR");
  add_seconds(
      app, "--lock-timeout", [&options](auto span) { options.lock_wait = span; },
      "how long to wait for another firewright; unsaid: 10s");
}

void add_read_back(CLI::App* app, HostOptions& options) {
  app->add_option_function<std::string>(
         "--verify", [&options](const std::string& text) { options.verify_full = text == "full"; },
         "what is read back: what may have `changed`, or in `full` every element of every set; "
         "unsaid: changed")
      ->check(CLI::IsMember({"changed", "full"}));
}

}  // namespace firewright::cli
