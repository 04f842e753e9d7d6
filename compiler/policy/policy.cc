#include "compiler/policy/policy.h"

#include <charconv>
#include <chrono>
#include <cstdio>
#include <string_view>

namespace firewright::policy {
namespace {

bool is_leap(int year) { return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0; }

unsigned days_in_month(int year, unsigned month) {
  constexpr unsigned days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
  return month == 2 && is_leap(year) ? 29 : days[month - 1];
}

template <class T>
bool parse_digits(std::string_view text, T& value) {
  for (char c : text)
    if (c < '0' || c > '9') return false;
  return std::from_chars(text.data(), text.data() + text.size(), value).ec == std::errc{};
}

std::string to_string(const AddressItem& item) {
  if (const auto* v4 = std::get_if<Interval<Ipv4>>(&item.value)) return firewright::to_string(*v4);
  if (const auto* v6 = std::get_if<Interval<Ipv6>>(&item.value)) return firewright::to_string(*v6);
  return std::get<std::string>(item.value);
}

// "a, b" or, of a long list, "a, b, c and 7 more".
template <class Items, class Text>
std::string enumerate(const Items& items, Text text) {
  constexpr std::size_t shown = 3;
  std::string out;
  const std::size_t count = items.size() <= shown + 1 ? items.size() : shown;
  for (std::size_t i = 0; i < count; ++i) out += (i == 0 ? "" : ", ") + text(items[i]);
  if (count < items.size()) out += " and " + std::to_string(items.size() - count) + " more";
  return out;
}

}  // namespace

std::string_view to_string(Direction direction) {
  switch (direction) {
    case Direction::inbound: return "inbound";
    case Direction::outbound: return "outbound";
    case Direction::forward: return "forward";
  }
  return "";
}

std::string_view to_string(Action action) {
  switch (action) {
    case Action::allow: return "allow";
    case Action::deny: return "deny";
    case Action::reject: return "reject";
  }
  return "";
}

std::string to_string(Date date) {
  char text[32];
  std::snprintf(text, sizeof text, "%04d-%02u-%02u", date.year, date.month, date.day);
  return text;
}

std::optional<Date> parse_date(std::string_view text) {
  Date date;
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return std::nullopt;
  if (!parse_digits(text.substr(0, 4), date.year) || !parse_digits(text.substr(5, 2), date.month) ||
      !parse_digits(text.substr(8, 2), date.day))
    return std::nullopt;
  if (date.month < 1 || date.month > 12) return std::nullopt;
  if (date.day < 1 || date.day > days_in_month(date.year, date.month)) return std::nullopt;
  return date;
}

int days_between(Date from, Date to) {
  const auto days = [](Date date) {
    return std::chrono::sys_days(std::chrono::year{date.year} / static_cast<int>(date.month) /
                                 static_cast<int>(date.day));
  };
  return static_cast<int>((days(to) - days(from)).count());
}

std::string Exception::label() const {
  if (name) return name->value;
  if (text) return *text;
  const auto addresses = [](const AddressList& list) {
    return enumerate(list.items, [](const AddressItem& item) { return to_string(item); });
  };
  const auto names = [](const std::vector<Spanned<std::string>>& list) {
    return enumerate(list, [](const Spanned<std::string>& item) { return item.value; });
  };
  std::string label = subject.empty() ? "anything" : subject;
  if (from) label += " from " + addresses(*from);
  if (from_except) label += (from ? " except " : " from all except ") + addresses(*from_except);
  if (to) label += " to " + addresses(*to);
  if (to_except) label += (to ? " except " : " to all except ") + addresses(*to_except);
  if (!in.empty()) label += " in " + names(in);
  if (!out.empty()) label += " out " + names(out);
  return label;
}

const DirectionPolicy& Policy::operator[](Direction direction) const {
  switch (direction) {
    case Direction::inbound: return inbound;
    case Direction::outbound: return outbound;
    case Direction::forward: return forward;
  }
  return inbound;
}

DirectionPolicy& Policy::operator[](Direction direction) {
  return const_cast<DirectionPolicy&>(std::as_const(*this)[direction]);
}

std::vector<ListFile> Policy::lists() const {
  std::map<std::string_view, const ListFile*> by_name;
  for (const auto& entry : groups)
    for (const auto& file : entry.second.files) by_name.emplace(file.name, &file);
  std::vector<ListFile> all;
  for (const auto& entry : by_name) all.push_back(*entry.second);
  return all;
}

}  // namespace firewright::policy
