#include "backends/host/forwarding.h"
#include "backends/host/host.h"
#include "backends/iptables/update.h"
#include "compiler/cli/build.h"
#include "compiler/cli/options.h"
#include "compiler/cli/prove.h"

namespace firewright::cli {
namespace {

// A host that forwards for containers or guests, and a policy that forwards nothing, contradict
// each other; nobody should find that out from silence.
void warn_of_forwarding(const policy::Policy& policy, Sink& sink) {
  const auto& forward = policy.forward;
  if (forward.default_verdict != policy::DefaultVerdict::drop &&
      forward.default_verdict != policy::DefaultVerdict::reject)
    return;
  std::string names;
  for (const auto& name : host::forwarding_interfaces())
    names += (names.empty() ? "`" : ", `") + name + "`";
  if (names.empty()) return;
  const Span span = forward.default_span.known() || policy.files.empty()
                        ? forward.default_span
                        : Span{.file = policy.files.front(), .begin = 0, .end = 0};
  sink.report(Kind::forwarding_host, span, {names}).help =
      "`[forward] default = \"unmanaged\"` leaves forwarding to whoever made them";
}

host::Result load(const ApplyOptions& options, const Built& built,
                  const backend::Artifact& artifact) {
  if (options.backend == Target::nftables)
    return host::load_batch(artifact.find("batch")->bytes, {.dry_run = options.dry_run});
  host::IptablesOptions load;
  load.dry_run = options.dry_run;
  load.noflush = iptables::needs_noflush(built.program, built.options);
  if (load.noflush) load.adapt = iptables::update;
  return host::load_iptables(artifact.find("v4")->bytes, artifact.find("v6")->bytes, load);
}

}  // namespace

Exit apply(const ApplyOptions& options, Console& console) {
  Sources sources;
  Sink sink;
  const auto read = cli::read(options.path, options.policy, console, sources, sink);
  if (!read) return Exit::usage;
  Built built;
  if (!sink.has_errors()) built = build(*read, options.backend, options.approximate, sink);
  backend::Artifact artifact;
  Proved proved;
  if (!sink.has_errors()) {
    warn_of_forwarding(read->policy, sink);
    artifact = backend::backend(options.backend).encode(built.program, built.options);
    proved = prove(options.backend, built, artifact, stem(options.path), sources, sink);
  }
  const bool json = options.policy.format == Format::json;
  auto document = diagnostics_json(sink, sources);
  document["policy"] = options.path;
  document["backend"] = to_string(options.backend);
  document["dry_run"] = options.dry_run;
  document["loaded"] = false;
  if (!json) show(console, sink, sources);
  if (sink.has_errors()) {
    if (json) print_json(console, document);
    return failure(sink);
  }
  const auto result = load(options, built, artifact);
  if (!result.ok()) {
    if (json) {
      document["error"] = result.error;
      print_json(console, document);
    } else {
      complain(console, result.error + (result.changed ? "" : "; nothing was changed"));
    }
    return Exit::system;
  }
  document["loaded"] = !options.dry_run;
  document["exceptions"] = count_exceptions(built.program);
  document["rules"] = count_rules(built.program);
  document["proof"] = to_json(proved);
  if (json)
    print_json(console, document);
  else
    console.out << options.path << ": " << (options.dry_run ? "would load " : "loaded ")
                << counted(count_exceptions(built.program), "exception") << ", "
                << counted(count_rules(built.program), "rule") << " by "
                << to_string(options.backend) << "\n";
  if (!json) console.err << options.path << ": " << say(options.backend, proved) << "\n";
  return Exit::ok;
}

}  // namespace firewright::cli
