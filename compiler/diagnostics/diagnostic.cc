#include "compiler/diagnostics/diagnostic.h"

#include <algorithm>
#include <tuple>

namespace firewright {
namespace {

struct KindInfo {
  Kind kind;
  Severity severity;
  std::string_view id;
  std::string_view wording;
};

constexpr KindInfo kinds[] = {
#define FIREWRIGHT_KIND(name, severity, id, wording) {Kind::name, Severity::severity, id, wording},
#include "compiler/diagnostics/kinds.def"
#undef FIREWRIGHT_KIND
};

const KindInfo& info(Kind kind) { return kinds[static_cast<std::size_t>(kind)]; }

}  // namespace

std::string_view id(Kind kind) { return info(kind).id; }
std::string_view wording(Kind kind) { return info(kind).wording; }
Severity severity(Kind kind) { return info(kind).severity; }

std::string_view to_string(Severity severity) {
  switch (severity) {
    case Severity::error: return "error";
    case Severity::warning: return "warning";
    case Severity::note: return "note";
  }
  return "";
}

const std::vector<Kind>& all_kinds() {
  static const std::vector<Kind> all = [] {
    std::vector<Kind> list;
    for (const auto& entry : kinds) list.push_back(entry.kind);
    return list;
  }();
  return all;
}

std::string Diagnostic::message() const {
  const auto text = wording(kind);
  std::string out;
  std::size_t next = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i, 2) == "{}") {
      if (next < args.size()) out += args[next];
      ++next;
      ++i;
    } else {
      out += text[i];
    }
  }
  return out;
}

Diagnostic& Sink::report(Kind kind, Span span, std::vector<std::string> args) {
  switch (severity(kind)) {
    case Severity::error: ++errors_; break;
    case Severity::warning: ++warnings_; break;
    case Severity::note: break;
  }
  Diagnostic diagnostic{
      .kind = kind, .args = std::move(args), .span = span, .labels = {}, .help = {}};
  if (diagnostics_.size() >= limit) {
    ++dropped_;
    overflow_ = std::move(diagnostic);
    return overflow_;
  }
  return diagnostics_.emplace_back(std::move(diagnostic));
}

void Sink::sort() {
  const auto key = [](const Diagnostic& d) {
    return std::tuple(d.span.known(), d.span.file, d.span.begin, d.span.end);
  };
  std::stable_sort(diagnostics_.begin(), diagnostics_.end(),
                   [&](const Diagnostic& a, const Diagnostic& b) { return key(a) < key(b); });
  const auto same = [](const Diagnostic& a, const Diagnostic& b) {
    return a.kind == b.kind && a.span == b.span && a.args == b.args;
  };
  const auto last = std::unique(diagnostics_.begin(), diagnostics_.end(), same);
  for (auto it = last; it != diagnostics_.end(); ++it) {
    if (severity(it->kind) == Severity::error) --errors_;
    if (severity(it->kind) == Severity::warning) --warnings_;
  }
  diagnostics_.erase(last, diagnostics_.end());
}

void Sink::append(const Sink& other) {
  for (const auto& diagnostic : other.diagnostics_) {
    auto& copy = report(diagnostic.kind, diagnostic.span, diagnostic.args);
    copy.labels = diagnostic.labels;
    copy.help = diagnostic.help;
  }
  dropped_ += other.dropped_;
}

}  // namespace firewright
