// Reading a policy out of memory, for the tests of the reader.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "compiler/base/file_system.h"
#include "compiler/diagnostics/render.h"
#include "compiler/policy/read.h"

namespace firewright::policy {

class FakeOwners final : public OwnerDatabase {
 public:
  [[nodiscard]] std::optional<OwnerId> user(const std::string& name) const override {
    if (name == "root") return OwnerId{0};
    if (name == "www-data") return OwnerId{33};
    return std::nullopt;
  }
  [[nodiscard]] std::optional<OwnerId> group(const std::string& name) const override {
    if (name == "adm") return OwnerId{4};
    return std::nullopt;
  }
};

struct Reading {
  MemoryFileSystem files;
  FakeOwners owners;
  std::vector<std::string> set_vars;
  std::vector<std::string> vars_files;
  Sources sources;
  Sink sink;
  Policy policy;

  // The diagnostics as the command line shows them; empty: none.
  std::string read(const std::string& path = "policy.toml",
                   std::optional<std::string> text = std::nullopt) {
    ReadOptions options;
    options.files = &files;
    options.owners = &owners;
    options.set_vars = set_vars;
    options.vars_files = vars_files;
    policy = read_policy(path, std::move(text), options, sources, sink);
    sink.sort();
    return render_text(sink, sources);
  }
  std::string read_text(std::string text) {
    files.files["policy.toml"] = std::move(text);
    return read();
  }
  // What was written at a place.
  [[nodiscard]] std::string text(Span span) const {
    return std::string(sources.file(span.file).text().substr(span.begin, span.end - span.begin));
  }
};

}  // namespace firewright::policy
