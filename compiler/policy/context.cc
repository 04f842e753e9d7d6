#include "compiler/policy/context.h"

#include "compiler/base/edit_distance.h"

namespace firewright::policy {
namespace {

// A value as a message can hold it: somebody's megabyte of text says no more than its beginning.
void cut(std::string& text) {
  constexpr std::size_t longest = 120;
  if (text.size() <= longest) return;
  std::size_t end = longest;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0U) == 0x80U) --end;
  text.erase(end);
  text += "...";
}

}  // namespace

Diagnostic& Context::report(Kind kind, Span span, std::vector<std::string> args) const {
  for (auto& arg : args) cut(arg);
  return sink.report(kind, span, std::move(args));
}

Diagnostic& Context::report(Kind kind, const Value& value, std::vector<std::string> args) const {
  return report(kind, value, value.span, std::move(args));
}

Diagnostic& Context::report(Kind kind, const Value& value, Span part,
                            std::vector<std::string> args) const {
  auto& diagnostic = report(kind, part, std::move(args));
  if (value.from_variable && value.variable_span.known())
    diagnostic.labels.push_back({.span = value.variable_span, .text = "the value comes from here"});
  return diagnostic;
}

std::string Context::did_you_mean(std::string_view word,
                                  const std::vector<std::string>& candidates) {
  if (word.size() < 2 || !may_compare(candidates.size())) return "";
  comparisons_left_ -= candidates.size();
  const auto found = nearest(word, candidates);
  return found ? "did you mean `" + *found + "`?" : "";
}

}  // namespace firewright::policy
