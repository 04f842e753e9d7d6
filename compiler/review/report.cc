#include "compiler/review/report.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "compiler/analysis/words.h"

namespace firewright::review {
namespace {

using analysis::Change;

// Tells what is to be told apart.
std::string words_of(const PolicyReview& review) {
  std::string key = std::to_string(static_cast<int>(review.status)) + review.remark + '\n';
  for (const auto& change : review.changes) {
    key += std::string(to_string(change.target)) + ' ' + change.summary + '\n';
    for (const auto& set : change.sets)
      key += std::string(to_string(set.change)) + ' ' + set.text + '\n';
  }
  return key;
}

bool same_packets(const PolicyReview& a, const PolicyReview& b) {
  return std::ranges::equal(a.changes, b.changes, {}, &TargetChange::digest, &TargetChange::digest);
}

std::vector<Group> grouped(const std::vector<PolicyReview>& reviews) {
  std::map<std::string, std::size_t> known;
  std::vector<Group> groups;
  for (std::size_t i = 0; i < reviews.size(); ++i) {
    const auto [at, added] = known.emplace(words_of(reviews[i]), groups.size());
    if (added) groups.emplace_back();
    auto& group = groups[at->second];
    group.members.push_back(i);
    group.own_names = group.own_names || !same_packets(reviews[group.members.front()], reviews[i]);
  }
  std::ranges::stable_sort(groups, {}, [&](const Group& group) {
    const auto& review = reviews[group.members.front()];
    return std::tuple(!review.has(Change::accepted), !review.has(Change::denied),
                      -static_cast<std::ptrdiff_t>(group.members.size()));
  });
  return groups;
}

std::vector<SharedNote> shared_notes(const std::vector<PolicyReview>& reviews) {
  std::map<Note, std::vector<std::size_t>> members;
  for (std::size_t i = 0; i < reviews.size(); ++i)
    for (const auto& note : reviews[i].notes) {
      auto& of_note = members[note];
      if (of_note.empty() || of_note.back() != i) of_note.push_back(i);
    }
  std::vector<SharedNote> notes;
  for (auto& [note, of_note] : members)
    notes.push_back({.note = note, .members = std::move(of_note)});
  return notes;
}

Counts count(const std::vector<PolicyReview>& reviews) {
  Counts counts;
  counts.touched = reviews.size();
  for (const auto& review : reviews) {
    if (!review.renamed_from.empty()) ++counts.renamed;
    for (const auto& note : review.notes)
      if (note.id == id(Kind::assertion_failed)) ++counts.failed_assertions;
    switch (review.status) {
      case Status::compared: break;
      case Status::added: ++(review.remark.empty() ? counts.added : counts.repaired); break;
      case Status::removed: ++counts.removed; continue;
      case Status::broken: ++counts.broken; continue;
    }
    if (!review.proved()) {
      ++counts.not_proved;
      continue;
    }
    const bool accepts = review.has(Change::accepted);
    const bool denies = review.has(Change::denied);
    if (accepts) ++counts.accept_more;
    if (denies) ++counts.deny_more;
    if (accepts || denies) continue;
    if (review.has(Change::refusal) || review.has(Change::effects))
      ++counts.otherwise;
    else if (review.status == Status::compared)
      ++counts.same;
  }
  return counts;
}

}  // namespace

bool Report::has(Change change) const {
  return std::ranges::any_of(reviews, [&](const auto& review) { return review.has(change); });
}

bool Report::any_difference() const {
  return counts.accept_more + counts.deny_more + counts.otherwise + counts.added + counts.repaired +
             counts.removed >
         0;
}

bool Report::not_proved() const {
  return counts.not_proved > 0 || std::ranges::any_of(notes, [](const SharedNote& shared) {
           return shared.note.id == id(Kind::not_proved);
         });
}

bool Report::any_risk() const {
  return std::ranges::any_of(notes, [](const SharedNote& shared) {
    const auto& note = shared.note;
    return note.category == Category::risk && note.severity != Severity::note &&
           note.id != id(Kind::not_proved);
  });
}

Report make_report(std::string range, std::size_t policies, std::vector<PolicyReview> reviews) {
  Report report;
  report.range = std::move(range);
  report.policies = policies;
  report.reviews = std::move(reviews);
  std::ranges::stable_sort(report.reviews, {}, &PolicyReview::path);
  report.groups = grouped(report.reviews);
  report.notes = shared_notes(report.reviews);
  report.counts = count(report.reviews);
  return report;
}

std::string verdict(const Report& report) {
  const auto& counts = report.counts;
  std::string text;
  if (counts.accept_more > 0 && counts.deny_more > 0)
    text = "widens and narrows";
  else if (counts.accept_more > 0)
    text = "widens";
  else if (counts.deny_more > 0)
    text = "narrows";
  else if (counts.otherwise > 0)
    text = "treats packets otherwise";
  else if (counts.same + counts.added + counts.repaired > 0 || counts.touched == 0)
    text = "same meaning";
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : "; ") + part; };
  if (counts.removed > 0)
    add(counts.removed == 1 ? "a policy is gone"
                            : std::to_string(counts.removed) + " policies are gone");
  if (counts.broken > 0)
    add(counts.broken == 1 ? "a policy does not compile"
                           : std::to_string(counts.broken) + " policies do not compile");
  if (counts.failed_assertions > 0) add("an assertion does not hold");
  if (counts.not_proved > 0) add("not proved");
  return text;
}

std::string summary(const Report& report) {
  const auto& counts = report.counts;
  std::string text;
  const auto add = [&](std::size_t number, const std::string& one, const std::string& many) {
    if (number > 0)
      text +=
          (text.empty() ? ": " : ", ") + std::to_string(number) + " " + (number == 1 ? one : many);
  };
  add(counts.broken, "does not compile", "do not compile");
  add(counts.not_proved, "is not proved", "are not proved");
  add(counts.accept_more, "accepts more", "accept more");
  add(counts.deny_more, "denies more", "deny more");
  add(counts.otherwise, "denies, logs or counts in another way",
      "deny, log or count in another way");
  add(counts.same, "means what it meant", "mean what they meant");
  add(counts.added, "is new", "are new");
  add(counts.repaired, "compiles now", "compile now");
  add(counts.removed, "is gone", "are gone");
  add(counts.renamed, "has another name", "have other names");
  if (counts.touched == 0) return "no policy is touched";
  return std::to_string(counts.touched) + " of " +
         std::to_string(report.policies + counts.removed) + " policies " +
         (counts.touched == 1 ? "is" : "are") + " touched" + text;
}

std::string name_of(const Report& report, const std::vector<std::size_t>& members) {
  constexpr std::size_t most_names = 3;
  if (members.size() > most_names) return std::to_string(members.size()) + " policies";
  std::string names;
  for (const auto member : members) {
    const auto& review = report.reviews[member];
    names += (names.empty() ? "" : ", ") + analysis::quoted(review.path);
    if (review.status == Status::added)
      names += " (" + (review.remark.empty() ? "new" : review.remark) + ")";
    if (!review.renamed_from.empty())
      names += " (before " + analysis::quoted(review.renamed_from) + ")";
  }
  return names;
}

}  // namespace firewright::review
