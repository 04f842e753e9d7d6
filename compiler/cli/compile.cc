#include "compiler/cli/compile.h"

#include <algorithm>

#include "compiler/cli/certificate.h"
#include "compiler/cli/files.h"
#include "compiler/cli/options.h"

namespace firewright::cli {
namespace {

bool is_text(const std::string& bytes) {
  return std::none_of(bytes.begin(), bytes.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 && c != '\n' && c != '\r' && c != '\t';
  });
}

std::string base64(const std::string& bytes) {
  static constexpr char digits[] =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](std::size_t k) {
      return k < bytes.size() ? static_cast<unsigned char>(bytes[k]) : 0U;
    };
    const unsigned group = byte(i) << 16U | byte(i + 1) << 8U | byte(i + 2);
    out += digits[group >> 18U];
    out += digits[group >> 12U & 63U];
    out += i + 1 < bytes.size() ? digits[group >> 6U & 63U] : '=';
    out += i + 2 < bytes.size() ? digits[group & 63U] : '=';
  }
  return out;
}

std::string summary(const std::string& path, const Compiled& compiled) {
  return path + ": " + counted(count_exceptions(compiled.built.program), "exception") + ", " +
         counted(count_rules(compiled.built.program), "rule") + " for " +
         std::string(to_string(compiled.target)) + "; " + say(compiled.target, compiled.proved);
}

nlohmann::ordered_json part_json(const backend::Part& part, const std::string& file) {
  nlohmann::ordered_json json;
  json["name"] = part.name;
  json["bytes"] = part.bytes.size();
  if (!file.empty())
    json["file"] = file;
  else if (is_text(part.bytes))
    json["text"] = part.bytes;
  else
    json["base64"] = base64(part.bytes);
  return json;
}

// The part that goes to standard output; null when --part names none, which has been said.
const backend::Part* choose_part(const backend::Artifact& artifact, const std::string& name,
                                 Console& console) {
  if (name.empty()) return &artifact.parts.at(artifact.default_part);
  if (const auto* part = artifact.find(name)) return part;
  std::string known;
  for (const auto& part : artifact.parts) known += (known.empty() ? "`" : ", `") + part.name + "`";
  complain(console, "--part: there is no part `" + name + "`; this target has " + known);
  return nullptr;
}

Compiled build_one(const ReadPolicy& read, Target target, bool approximate, Sink& sink) {
  return {.target = target,
          .built = build(read, target, approximate, sink),
          .artifact = {},
          .proved = {}};
}

void encode_and_prove(Compiled& compiled, const std::string& name, Sources& sources, Sink& sink,
                      bool digests = false) {
  const auto target = compiled.target;
  compiled.artifact =
      backend::backend(target).encode(compiled.built.program, compiled.built.options);
  compiled.proved = prove(target, compiled.built, compiled.artifact, name, sources, sink, digests);
}

Exit output(const CompileOptions& options, const policy::Policy& policy,
            const std::vector<Compiled>& all, Sink& sink, const Sources& sources,
            Console& console) {
  const auto name = stem(options.path);
  std::vector<OutputFile> files;
  auto document = diagnostics_json(sink, sources);
  document["policy"] = options.path;
  document["artifacts"] = nlohmann::ordered_json::array();
  const backend::Part* chosen = nullptr;
  for (const auto& compiled : all) {
    if (options.directory.empty()) {
      chosen = choose_part(compiled.artifact, options.part, console);
      if (chosen == nullptr) return Exit::usage;
    }
    nlohmann::ordered_json artifact;
    artifact["target"] = to_string(compiled.target);
    artifact["exceptions"] = count_exceptions(compiled.built.program);
    artifact["rules"] = count_rules(compiled.built.program);
    artifact["proof"] = to_json(compiled.proved);
    artifact["parts"] = nlohmann::ordered_json::array();
    for (const auto& part : compiled.artifact.parts) {
      std::string file;
      if (!options.directory.empty()) {
        file = options.directory + "/" + name + part.suffix;
        files.push_back({.path = file, .bytes = part.bytes});
      }
      artifact["parts"].push_back(part_json(part, file));
    }
    document["artifacts"].push_back(std::move(artifact));
  }
  if (!options.certificate.empty()) {
    std::vector<Certified> certified;
    for (const auto& one : all)
      certified.push_back({.target = one.target,
                           .built = &one.built,
                           .artifact = &one.artifact,
                           .proved = &one.proved});
    const auto certificate = cli::certificate(policy, certified, sources);
    if (!certificate) {
      complain(console,
               "no certificate: the meaning needs more than the budget; nothing was written");
      return Exit::not_proved;
    }
    files.push_back({.path = options.certificate, .bytes = certificate->dump(2) + "\n"});
  }
  if (const auto error = write_files(files)) {
    complain(console, *error);
    return Exit::system;
  }
  if (options.policy.format == Format::json)
    print_json(console, document);
  else if (chosen != nullptr)
    console.out << chosen->bytes;
  return Exit::ok;
}

}  // namespace

Compiled compile_one(const ReadPolicy& read, Target target, bool approximate,
                     const std::string& name, Sources& sources, Sink& sink) {
  Sink of_target;
  auto compiled = build_one(read, target, approximate, of_target);
  if (!of_target.has_errors()) encode_and_prove(compiled, name, sources, of_target);
  sink.append(of_target);
  return compiled;
}

Exit compile(const CompileOptions& options, Console& console) {
  Sources sources;
  Sink sink;
  auto read = cli::read(options.path, options.policy, console, sources, sink);
  if (!read) return Exit::usage;
  std::vector<Compiled> all;
  std::vector<Sink> said;
  if (!sink.has_errors())
    for (const auto target : options.targets)
      all.push_back(build_one(*read, target, options.approximate, said.emplace_back()));
  // Programs have it all; of a large policy it is a fourth of the memory.
  for (const auto direction : policy::DirectionSet::all())
    read->policy[direction].exceptions = std::vector<policy::Exception>();
  for (std::size_t i = 0; i < all.size(); ++i) {
    if (!options.emit_ir && !said[i].has_errors())
      encode_and_prove(all[i], stem(options.path), sources, said[i], !options.certificate.empty());
    sink.append(said[i]);
  }
  sink.sort();
  const bool json = options.policy.format == Format::json;
  if (sink.has_errors()) {
    if (json)
      print_json(console, diagnostics_json(sink, sources));
    else
      show(console, sink, sources);
    return failure(sink);
  }
  if (!json) show(console, sink, sources);
  if (options.emit_ir) {
    const auto text = to_text(all.at(0).built.program);
    if (json) {
      auto document = diagnostics_json(sink, sources);
      document["ir"] = text;
      print_json(console, document);
    } else {
      console.out << text;
    }
    return Exit::ok;
  }
  const auto exit = output(options, read->policy, all, sink, sources, console);
  if (exit == Exit::ok && !json)
    for (const auto& compiled : all) console.err << summary(options.path, compiled) << "\n";
  return exit;
}

}  // namespace firewright::cli
