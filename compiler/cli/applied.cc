#include "compiler/cli/applied.h"

#include "compiler/analysis/diff_text.h"
#include "compiler/cli/changes.h"

namespace firewright::cli {
namespace {

constexpr std::size_t most_flows = 20;  // that are shown to a person

std::string_view to_string(Applied applied) {
  switch (applied) {
    case Applied::unchanged: return "unchanged";
    case Applied::loaded: return "loaded";
    case Applied::pending: return "pending";
  }
  return "";
}

}  // namespace

nlohmann::ordered_json ApplyReport::document() {
  auto document = diagnostics_json(sink_, sources_);
  document["policy"] = options_.path;
  document["backend"] = firewright::to_string(options_.backend);
  document["audit"] = options_.audit;
  document["dry_run"] = options_.dry_run;
  document["changed"] = false;
  document["notes"] = notes;
  if (built == nullptr) return document;
  document["exceptions"] = count_exceptions(built->program);
  document["rules"] = count_rules(built->program);
  document["proof"] = to_json(proved);
  if (!certificate.empty()) document["certificate_sha256"] = certificate;
  if (!generation.empty()) document["generation"] = generation;
  if (difference)
    document["diff"] = to_json(*difference, {.before = "live", .after = options_.path}, sources_);
  document["denied_flows"] = to_json(guarded);
  if (ended) document["ended_flows"] = *ended;
  return document;
}

void ApplyReport::say_notes() {
  for (const auto& text : notes) console_.err << "firewright: " << text << "\n";
  std::size_t shown = 0;
  for (const auto& denied : guarded.denied) {
    if (++shown > most_flows) {
      console_.err << "... and " << guarded.denied.size() - most_flows << " more\n";
      break;
    }
    console_.err << "open now and not to be opened again: " << say(denied) << "\n";
  }
}

Exit ApplyReport::refused() {
  if (json())
    print_json(console_, document());
  else
    show(console_, sink_, sources_);
  return failure(sink_);
}

Exit ApplyReport::failed(const std::string& error, Exit exit) {
  if (json()) {
    auto all = document();
    all["error"] = error;
    print_json(console_, all);
  } else {
    show(console_, sink_, sources_);
    say_notes();
    complain(console_, error);
  }
  return exit;
}

Exit ApplyReport::locks_out() {
  return failed(
      "this policy cuts off the connection that you work through: " + say(*guarded.management()) +
          "; nothing was changed (--allow-lockout loads it all the same)",
      Exit::no);
}

Exit ApplyReport::would(bool change) {
  const analysis::DiffNames names{.before = "live", .after = options_.path};
  if (json()) {
    auto all = document();
    all["changed"] = change;
    print_json(console_, all);
  } else {
    show(console_, sink_, sources_);
    say_notes();
    console_.out << options_.path << ": "
                 << (change ? "would load " : "unchanged, nothing would be sent: ")
                 << counted(count_exceptions(built->program), "exception") << ", "
                 << counted(count_rules(built->program), "rule") << " by "
                 << firewright::to_string(options_.backend) << "\n";
    if (change && difference && difference->proved)
      console_.out << analysis::to_text(*difference, names, sources_);
    if (change && difference && !difference->proved)
      console_.err << "firewright: the difference is not known: " << difference->why << "\n";
    console_.err << options_.path << ": " << say(options_.backend, proved) << "\n";
  }
  return change ? Exit::no : Exit::ok;
}

Exit ApplyReport::done(Applied applied) {
  const bool change = applied != Applied::unchanged;
  if (json()) {
    auto all = document();
    all["changed"] = change;
    all["result"] = to_string(applied);
    if (deadline && applied == Applied::pending) all["confirm_by"] = deadline->wall;
    print_json(console_, all);
    return Exit::ok;
  }
  show(console_, sink_, sources_);
  say_notes();
  console_.out << options_.path << ": " << (change ? "loaded " : "unchanged: ")
               << counted(count_exceptions(built->program), "exception") << ", "
               << counted(count_rules(built->program), "rule") << " by "
               << firewright::to_string(options_.backend);
  if (change && difference && difference->proved)
    console_.out << "; " << analysis::summary(*difference);
  if (options_.audit) console_.out << "; audit: nothing is denied";
  if (ended) console_.out << "; " << counted(*ended, "connection") << " ended";
  console_.out << "\n";
  if (applied == Applied::pending && deadline)
    console_.out << "say `firewright confirm` by " << deadline->wall
                 << ", or what was before comes back\n";
  console_.err << options_.path << ": " << say(options_.backend, proved) << "\n";
  return Exit::ok;
}

}  // namespace firewright::cli
