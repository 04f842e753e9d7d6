#include "backends/proof.h"

#include <deque>

namespace firewright::backend {
namespace {

using Form = std::vector<ArtifactFile>;

// What is read back together. Each form by itself says the whole firewall.
std::vector<Form> forms_of(Target target, std::span<const ArtifactFile> files) {
  if (target != Target::nftables) return {Form(files.begin(), files.end())};
  std::vector<Form> forms;
  for (const auto& file : files) forms.push_back({file});
  return forms;
}

std::string name_of(Target target, const Form& form) {
  if (target == Target::netsh) return "script";
  std::string name;
  for (const auto& file : form) name += (name.empty() ? "" : " and ") + file.part;
  return name;
}

}  // namespace

std::vector<Unfiltered> unfiltered(Target target) {
  const auto& entry = backend(target);
  return entry.unfiltered == nullptr ? std::vector<Unfiltered>{} : entry.unfiltered();
}

Proof prove(Target target, const ir::Program& program, const Sources& sources,
            std::span<const ArtifactFile> files, Sink& sink, const semantics::Budget& budget) {
  std::vector<semantics::Excluded> excluded;
  for (auto& entry : unfiltered(target))
    excluded.push_back({.hook = entry.hook, .match = std::move(entry.match)});
  Proof proof;
  std::deque<ir::Program> read_back;
  std::vector<const ir::Program*> others;
  for (const auto& form : forms_of(target, files)) {
    proof.forms.push_back(name_of(target, form));
    auto program_read = backend(target).decode(sources, form, sink);
    if (!program_read) {
      proof.what = proof.forms.back();
      proof.why = "it could not be read back";
      proof.forms.clear();
      return proof;
    }
    others.push_back(&read_back.emplace_back(std::move(*program_read)));
  }
  if (others.empty()) {
    proof.why = "there is nothing to read back";
    return proof;
  }
  auto comparison = semantics::compare(program, others, {.excluded = excluded, .budget = budget});
  proof.answer = comparison.answer;
  proof.nodes = comparison.nodes;
  if (comparison.answer == semantics::Answer::equal) return proof;
  proof.what = proof.forms[comparison.which];
  proof.difference = std::move(comparison.difference);
  proof.why = std::move(comparison.why);
  proof.forms.clear();
  return proof;
}

Proof prove(Target target, const ir::Program& program, const Artifact& artifact,
            const std::string& name, Sources& sources, Sink& sink,
            const semantics::Budget& budget) {
  std::vector<ArtifactFile> files;
  for (const auto& part : artifact.parts)
    files.push_back({.file = sources.add(name + part.suffix, part.bytes), .part = part.name});
  return prove(target, program, sources, files, sink, budget);
}

}  // namespace firewright::backend
