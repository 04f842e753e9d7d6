#include <array>
#include <utility>

#include "backends/iptables/decode_draft.h"
#include "backends/iptables/decode_names.h"

namespace firewright::iptables::decoder {
namespace {

constexpr std::size_t log_prefix_max = 29;    // xt_log_info.prefix without its NUL
constexpr std::size_t nflog_prefix_max = 63;  // xt_nflog_info.prefix without its NUL
constexpr std::uint8_t default_log_level = 4;

constexpr std::array<std::string_view, 8> log_levels{"emerg", "alert",  "crit", "err",
                                                     "warn",  "notice", "info", "debug"};

bool read_prefix(Draft& draft, const Said& said, std::size_t max, Report& report) {
  if (said.value().text.size() > max) {
    report.syntax(said.value(), "a log prefix of more than " + std::to_string(max) + " bytes");
    return false;
  }
  draft.log_prefix = said.value().text;
  return true;
}

bool read_level(Draft& draft, const Said& said, Report& report) {
  const auto level = log_level_of(said.value().text);
  if (!level) {
    report.syntax(said.value(), shown(said.value().text) + " is no log level");
    return false;
  }
  if (*level != default_log_level)
    draft.log_details.insert(draft.log_details.begin(), "level " + std::string(log_levels[*level]));
  return true;
}

bool read_reject(Draft& draft, const Said& said, Report& report) {
  const auto kind = reject_of(said.value().text, draft.family);
  if (!kind) {
    report.syntax(said.value(), shown(said.value().text) + " is nothing to reject with");
    return false;
  }
  draft.verdict.reject = *kind;
  return true;
}

}  // namespace

bool read_target_option(Draft& draft, TargetOption option, const Said& said, Report& report) {
  switch (option) {
    case TargetOption::reject_with: return read_reject(draft, said, report);
    case TargetOption::log_prefix: return read_prefix(draft, said, log_prefix_max, report);
    case TargetOption::log_level: return read_level(draft, said, report);
    case TargetOption::log_flag:
      draft.log_details.emplace_back(said.at.text.substr(std::string_view("--log-").size()));
      return true;
    case TargetOption::nflog_prefix: return read_prefix(draft, said, nflog_prefix_max, report);
    case TargetOption::nflog_group:
    case TargetOption::nflog_number: break;
  }
  const auto value = number(said.value().text, 0xffffffff);
  if (!value) {
    report.syntax(said.value(), shown(said.value().text) + " is no number");
    return false;
  }
  if (option == TargetOption::nflog_group)
    draft.nflog_group = said.value().text;
  else
    draft.log_details.push_back(
        std::string(said.at.text.substr(std::string_view("--nflog-").size())) + ' ' +
        std::string(said.value().text));
  return true;
}

}  // namespace firewright::iptables::decoder
