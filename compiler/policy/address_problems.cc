// What to say about an address that cannot be read, and lists in files.
#include <algorithm>

#include "compiler/base/sha256.h"
#include "compiler/policy/addresses.h"
#include "compiler/policy/source_text.h"

namespace firewright::policy {
namespace {

constexpr std::size_t most_errors_a_list = 20;

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

// "www.example.org", "localhost": labels joined by dots, the last one with a letter.
bool looks_like_host_name(std::string_view text) {
  if (text == "localhost") return true;
  if (text.ends_with('.')) text.remove_suffix(1);
  const auto dot = text.rfind('.');
  if (dot == std::string_view::npos || dot == 0 || dot + 1 == text.size()) return false;
  if (!is_letter(text[dot + 1])) return false;
  return std::all_of(text.begin(), text.end(), [](char c) {
    return is_letter(c) || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.' ||
           (static_cast<unsigned char>(c) & 0x80U) != 0;
  });
}

std::string_view trim(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r");
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

// What a text that is no address of any form was probably meant to be.
std::string not_an_address_help(std::string_view text) {
  if (text.empty()) return "leave the key out for any address";
  if (text.find_first_of(" ,;") != std::string_view::npos)
    return "several addresses are an array of strings";
  if (text.find("://") != std::string_view::npos) return "an address, not a URL";
  if (text.front() == '[') return "an IPv6 address stands without brackets";
  if (text.find('*') != std::string_view::npos)
    return "write a prefix, such as `192.0.2.0/24`, in place of `*`";
  if (text.front() == '!') return "take addresses out with `from-except` or `to-except`";
  if (text.find(':') != std::string_view::npos && text.find('.') != std::string_view::npos)
    return "a port has a key of its own, `port`";
  return "an address, a prefix, `low-high` or a group's name";
}

}  // namespace

void report_address(Context& context, const Value* value, Span span, std::string_view text,
                    const ParsedAddress& parsed) {
  const auto report = [&](Kind kind, std::vector<std::string> args) -> Diagnostic& {
    return value != nullptr ? context.report(kind, *value, span, std::move(args))
                            : context.report(kind, span, std::move(args));
  };
  const std::string word(text);
  const auto& meant = parsed.suggestion;
  const std::string address = word.substr(0, word.find('/'));
  switch (std::get<AddressProblem>(parsed.value)) {
    case AddressProblem::not_an_address:
      if (looks_like_host_name(text)) {
        report(Kind::host_name, {word}).help =
            "write its addresses: a name resolved here would make the build depend on DNS, and one "
            "that does not resolve at boot must not cost the host its firewall";
        return;
      }
      report(Kind::bad_address, {word, "it is none of the known forms"}).help =
          not_an_address_help(text);
      return;
    case AddressProblem::bad_octet:
      report(Kind::bad_address,
             {word, "an IPv4 address is four numbers of 0 to 255, without leading zeros"});
      return;
    case AddressProblem::prefix_too_long:
      report(Kind::bad_prefix_length, {word}).help = word.find(':') == std::string::npos
                                                         ? "an IPv4 prefix has at most 32 bits"
                                                         : "an IPv6 prefix has at most 128 bits";
      return;
    case AddressProblem::bad_prefix_length:
      report(Kind::bad_prefix_length, {word}).help =
          word.find('.', address.size()) == std::string::npos
              ? "the part behind `/` is a number of bits"
              : "write the mask as a number of bits: `" + address + "/24`";
      return;
    case AddressProblem::host_bits:
      report(Kind::host_bits, {word}).help =
          "the network is `" + meant + "`, the host alone is `" + address + "`";
      return;
    case AddressProblem::ipv4_mapped:
      report(Kind::ipv4_mapped, {word}).help =
          meant.empty() ? "such addresses are not on the wire; write the IPv4 addresses"
                        : "such addresses are not on the wire; write `" + meant + "`";
      return;
    case AddressProblem::zone_index:
      report(Kind::zone_index, {word}).help = "write `" + word.substr(0, word.find('%')) +
                                              "`, and say the interface with `in` or `out`";
      return;
    case AddressProblem::mixed_families: report(Kind::mixed_families, {word}); return;
    case AddressProblem::reversed_range:
      report(Kind::reversed_range, {word}).help =
          meant.empty() ? "" : "did you mean `" + meant + "`?";
      return;
  }
}

ListFile read_address_list(Context& context, const std::string& path, const Value& named_at,
                           std::vector<Interval<Ipv4>>& v4, std::vector<Interval<Ipv6>>& v6) {
  ListFile list{.name = context.options.files->shown(path), .bytes = 0, .sha256 = {}};
  auto content = context.options.files->read(path, Limits::list_bytes);
  if (content.too_large) {
    context.report(Kind::file_too_large, named_at,
                   {path, std::to_string(Limits::list_bytes >> 20U) + " MiB"});
    return list;
  }
  if (!content.text) {
    context.report(Kind::cannot_read, named_at, {path, content.error});
    return list;
  }
  std::string text = std::move(*content.text);
  list.bytes = text.size();
  list.sha256 = hex(sha256(text));
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  struct Problem {
    std::size_t begin;
    std::string item;
    ParsedAddress parsed;
  };
  std::vector<Problem> problems;
  bool gave_up = false;
  std::size_t begin = 0;
  while (begin < text.size() && !gave_up) {
    const auto end = std::min(text.find('\n', begin), text.size());
    const auto line = std::string_view(text).substr(begin, end - begin);
    const auto item = trim(line.substr(0, line.find('#')));
    begin = end + 1;
    if (item.empty()) continue;
    if (const auto address = parse_ipv4(item)) {  // most lines of most lists
      v4.push_back({*address, *address});
      continue;
    }
    auto parsed = parse_address_item(item);
    if (const auto* interval = std::get_if<Interval<Ipv4>>(&parsed.value)) {
      v4.push_back(*interval);
    } else if (const auto* interval6 = std::get_if<Interval<Ipv6>>(&parsed.value)) {
      v6.push_back(*interval6);
    } else {
      gave_up = problems.size() == most_errors_a_list;
      problems.push_back({.begin = static_cast<std::size_t>(item.data() - text.data()),
                          .item = std::string(item),
                          .parsed = std::move(parsed)});
    }
  }
  if (problems.empty()) return list;
  // Only a list with something wrong in it is kept, to be shown.
  const auto file = context.sources.add(list.name, std::move(text));
  const auto place = [&](const Problem& problem) {
    const auto at = static_cast<std::uint32_t>(problem.begin);
    return Span{
        .file = file, .begin = at, .end = at + static_cast<std::uint32_t>(problem.item.size())};
  };
  if (gave_up) {
    context.report(Kind::list_given_up, place(problems.back()), {path});
    problems.pop_back();
  }
  for (const auto& problem : problems)
    report_address(context, nullptr, place(problem), problem.item, problem.parsed);
  return list;
}

}  // namespace firewright::policy
