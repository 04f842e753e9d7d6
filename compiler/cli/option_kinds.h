// Options that several commands have, and the kinds of values that options take.
#pragma once

#include <CLI/CLI.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <string>
#include <vector>

#include "compiler/base/target.h"
#include "compiler/cli/options.h"

namespace firewright::cli {

// Accepts one of the names of `values`, and says all of them when it is none.
template <class T>
CLI::Option* add_choice(CLI::App* app, const std::string& name,
                        const std::map<std::string, T>& values, std::function<void(T)> set,
                        const std::string& help) {
  std::string known;
  for (const auto& [word, value] : values) known += (known.empty() ? "" : "|") + word;
  return app
      ->add_option_function<std::string>(
          name, [set, values](const std::string& word) { set(values.at(word)); }, help)
      ->check(CLI::Validator(
          [values, known](std::string& word) {
            return values.contains(word) ? std::string() : "`" + word + "` is not one of " + known;
          },
          known, "choice"));
}

void add_format(CLI::App* app, Format& format);
// Of commands that read a policy; with `--format`, and without.
void add_policy_options(CLI::App* app, PolicyOptions& options);
void add_reading_options(CLI::App* app, PolicyOptions& options);
void add_targets(CLI::App* app, std::vector<Target>& targets, bool required);
void add_approximate(CLI::App* app, bool& approximate);
// "60s", "5m", "1h"; a number alone is seconds.
void add_seconds(CLI::App* app, const std::string& name,
                 std::function<void(std::chrono::milliseconds)> set, const std::string& help);
// "22", "22,2222", "none"
[[nodiscard]] bool is_port_list(const std::string& text);
void add_host_options(CLI::App* app, HostOptions& options);
// Of commands that read back what the kernel holds.
void add_read_back(CLI::App* app, HostOptions& options);

[[nodiscard]] const std::map<std::string, Target>& target_names();
[[nodiscard]] const std::map<std::string, Format>& format_names();

}  // namespace firewright::cli
