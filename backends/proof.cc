#include "backends/proof.h"

#include <future>
#include <optional>

#include "compiler/base/heap.h"

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

struct ReadForm {
  std::optional<ir::Program> program;
  Sink sink;
};

ReadForm read_form(Target target, const Sources& sources, const Form& form) {
  ReadForm read;
  read.program = backend(target).decode(sources, form, read.sink);
  return read;
}

// Forms are read at the same time where there is so much that a thread pays.
std::vector<ReadForm> read_forms(Target target, const Sources& sources,
                                 std::span<const Form> forms) {
  constexpr std::size_t worth_a_thread = 64 << 10;
  std::size_t bytes = 0;
  for (const auto& form : forms)
    for (const auto& file : form) bytes += sources.file(file.file).text().size();
  const bool threads = bytes >= worth_a_thread;
  const auto policy = threads ? std::launch::async | std::launch::deferred : std::launch::deferred;
  std::vector<std::future<ReadForm>> others;
  for (const auto& form : forms.first(forms.size() - 1))
    others.push_back(std::async(policy, [target, threads, &sources, &form] {
      if (threads) prepare_heap_of_thread();
      return read_form(target, sources, form);
    }));
  auto last = read_form(target, sources, forms.back());
  std::vector<ReadForm> read;
  for (auto& other : others) read.push_back(other.get());
  read.push_back(std::move(last));
  return read;
}

}  // namespace

std::vector<Unfiltered> unfiltered(Target target) {
  const auto& entry = backend(target);
  return entry.unfiltered == nullptr ? std::vector<Unfiltered>{} : entry.unfiltered();
}

Proof prove(Target target, const ir::Program& program, const Sources& sources,
            std::span<const ArtifactFile> files, Sink& sink, const ProofOptions& options) {
  std::vector<semantics::Excluded> excluded;
  for (auto& entry : unfiltered(target))
    excluded.push_back({.hook = entry.hook, .match = std::move(entry.match)});
  Proof proof;
  const auto forms = forms_of(target, files);
  if (forms.empty()) {
    proof.why = "there is nothing to read back";
    return proof;
  }
  const auto read_back = read_forms(target, sources, forms);
  std::vector<const ir::Program*> others;
  for (std::size_t i = 0; i < forms.size(); ++i) {
    sink.append(read_back[i].sink);
    if (!read_back[i].program) {
      proof.what = name_of(target, forms[i]);
      proof.why = "it could not be read back";
      return proof;
    }
    others.push_back(&*read_back[i].program);
  }
  for (const auto& form : forms) proof.forms.push_back(name_of(target, form));
  auto comparison = semantics::compare(
      program, others,
      {.excluded = excluded, .budget = options.budget, .digests = options.digests});
  proof.answer = comparison.answer;
  proof.nodes = comparison.nodes;
  proof.digests = std::move(comparison.digests);
  if (comparison.answer == semantics::Answer::equal) return proof;
  proof.what = proof.forms[comparison.which];
  proof.difference = std::move(comparison.difference);
  proof.why = std::move(comparison.why);
  proof.forms.clear();
  return proof;
}

Proof prove(Target target, const ir::Program& program, const Artifact& artifact,
            const std::string& name, Sources& sources, Sink& sink, const ProofOptions& options) {
  std::vector<ArtifactFile> files;
  for (const auto& part : artifact.parts)
    files.push_back({.file = sources.add(name + part.suffix, part.bytes), .part = part.name});
  return prove(target, program, sources, files, sink, options);
}

}  // namespace firewright::backend
