#include "compiler/cli/fleet.h"

#include <malloc.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <optional>
#include <set>

#include "compiler/base/file_system.h"
#include "compiler/cli/files.h"
#include "compiler/cli/fleet_jobs.h"
#include "compiler/cli/options.h"
#include "compiler/diagnostics/render.h"
#include "compiler/policy/fleet.h"
#include "compiler/policy/hosts.h"

namespace firewright::cli {
namespace {

// Facts are read this many hosts at a time; of each only what its policy asks for is kept.
constexpr std::size_t hosts_at_a_time = 64;

class FleetCompile {
 public:
  FleetCompile(const CompileOptions& options, Console& console, policy::Date today)
      : options_(options),
        console_(console),
        today_(today),
        files_(disk_),
        owners_(host_owners_),
        reading_({.files = &files_,
                  .owners = &owners_,
                  .set_vars = options.policy.set,
                  .vars_files = {},
                  .facts = nullptr,
                  .shared = nullptr}),
        reader_(reading_, sources_) {}

  Exit run() {
    const auto begin = std::chrono::steady_clock::now();
    Sink sink;
    const auto said = policy::read_hosts(options_.hosts, files_, sources_, sink);
    policy::Context context(reading_, sources_, sink);
    for (const auto& path : options_.policy.vars)
      for (auto& fact : policy::read_facts(context, path)) common_facts_.push_back(std::move(fact));
    if (sink.has_errors()) {
      if (options_.policy.format == Format::json)
        print_json(console_, diagnostics_json(sink, sources_));
      else
        show(console_, sink, sources_);
      return Exit::no;
    }
    prepare(said);
    compile_all();
    move_in();
    auto counts = count(hosts_, results_);
    counts.milliseconds = std::chrono::duration_cast<std::chrono::milliseconds>(
                              std::chrono::steady_clock::now() - begin)
                              .count();
    if (options_.policy.format == Format::json)
      print_json(console_, fleet_json(hosts_, results_, counts));
    else
      say_fleet(console_, hosts_, results_, counts);
    return exit();
  }

 private:
  // What a host's facts files hold; or, if they cannot be read, what is to say of it.
  struct Facts {
    std::vector<policy::Fact> facts;
    FleetResult failure;
  };

  Facts facts_of(const policy::Host& host) const {
    Facts read{.facts = common_facts_, .failure = {}};
    Sources layer(&sources_);
    Sink sink;
    policy::Context context(reading_, layer, sink);
    for (const auto& path : host.facts)
      for (auto& fact : policy::read_facts(context, path.value))
        read.facts.push_back(std::move(fact));
    read.facts.insert(read.facts.end(), host.vars.begin(), host.vars.end());
    if (sink.has_errors()) read.failure = failure_of(sink, layer);
    return read;
  }

  // Says of each host what its policy can ask for, and which hosts come to the same.
  void prepare(const std::vector<policy::Host>& said) {
    std::optional<std::string> text;
    if (options_.path == "-") text = read_input(console_);
    std::map<std::string, std::size_t> known;
    for (std::size_t begin = 0; begin < said.size(); begin += hosts_at_a_time) {
      std::vector<Facts> read(std::min(hosts_at_a_time, said.size() - begin));
      run_jobs(read.size(), options_.jobs, [&](std::size_t i) {
        guarded(read[i].failure, [&] { read[i] = facts_of(said[begin + i]); });
      });
      for (std::size_t i = 0; i < read.size(); ++i) add_host(said[begin + i], read[i], text, known);
    }
    aside_.resize(hosts_.size());
  }

  void add_host(const policy::Host& said, Facts& read, const std::optional<std::string>& text,
                std::map<std::string, std::size_t>& known) {
    FleetHost host;
    host.name = said.name;
    host.policy = said.policy.empty() ? options_.path : said.policy;
    host.folder = options_.directory + "/" + said.name;
    const bool from_input = host.policy == "-" && said.policy.empty();
    auto subject = reader_.prepare(from_input ? "<stdin>" : host.policy,
                                   from_input ? text : std::nullopt, std::move(read.facts));
    if (read.failure.exit != Exit::ok) subject.key = "facts of " + said.name;
    const auto [at, added] = known.emplace(subject.key, results_.size());
    host.result = at->second;
    host.first_of_result = added;
    if (added) {
      results_.push_back(std::move(read.failure));
      subjects_.push_back(std::move(subject));
      of_result_.emplace_back();
    }
    of_result_[host.result].push_back(hosts_.size());
    hosts_.push_back(std::move(host));
  }

  void compile_all() {
    std::function<void(std::size_t)> watch;
    if (console_.progress && options_.policy.format == Format::text)
      watch = [&](std::size_t done) {
        console_.err << "\rcompiling: " << done << " of " << results_.size() << "\x1b[K"
                     << std::flush;
      };
    run_jobs(
        results_.size(), options_.jobs,
        [&](std::size_t i) {
          if (results_[i].exit == Exit::ok) guarded(results_[i], [&] { compile_result(i); });
        },
        watch);
    if (watch) console_.err << "\r\x1b[K";
  }

  void compile_result(std::size_t index) {
    const auto& first = hosts_[of_result_[index].front()];
    Sources layer(&sources_);
    Sink sink;
    const ReadPolicy read{.policy = reader_.read(subjects_[index], layer, sink), .today = today_};
    const auto name = stem(first.policy);
    std::vector<OutputFile> files;
    std::vector<FleetArtifact> artifacts;
    const bool sound = !sink.has_errors();
    for (const auto target : options_.targets) {
      if (!sound) break;
      auto compiled = compile_one(read, target, options_.approximate, name, layer, sink);
      FleetArtifact artifact{.target = target,
                             .exceptions = count_exceptions(compiled.built.program),
                             .rules = count_rules(compiled.built.program),
                             .proof = to_json(compiled.proved),
                             .files = {}};
      for (auto& part : compiled.artifact.parts) {
        const auto path = name + part.suffix;
        artifact.files.push_back({.part = part.name, .path = path, .bytes = part.bytes.size()});
        files.push_back({.path = path, .bytes = std::move(part.bytes)});
      }
      artifacts.push_back(std::move(artifact));
    }
    auto& result = results_[index];
    if (sink.has_errors()) {
      result = failure_of(sink, layer);
      return;
    }
    describe(sink, layer, result);
    result.artifacts = std::move(artifacts);
    for (const auto host : of_result_[index]) write(host, files);
  }

  void write(std::size_t index, std::vector<OutputFile> files) {
    auto& host = hosts_[index];
    auto& aside = aside_[index];
    for (auto& file : files) file.path = host.folder + "/" + file.path;
    if (const auto error = aside.write(files))
      host.error = *error;
    else
      host.written = aside.size();
  }

  // Everything to the disk in one turn, then into place, host by host.
  void move_in() {
    const auto synced = sync();
    for (std::size_t i = 0; i < hosts_.size(); ++i) {
      auto& host = hosts_[i];
      auto& aside = aside_[i];
      if (aside.size() == 0 || host.failed(results_)) continue;
      const auto& error = synced.at(file_system_of(aside.first()));
      if (error)
        host.error = *error;
      else if (auto problem = aside.move_in())
        host.error = std::move(*problem);
    }
    (void)sync_moved();
  }

  // What came of syncing each file system that something was written to.
  std::map<std::uint64_t, std::optional<std::string>> sync() const {
    std::map<std::uint64_t, std::optional<std::string>> systems;
    for (const auto& aside : aside_) {
      if (aside.size() == 0) continue;
      const auto [at, added] = systems.emplace(file_system_of(aside.first()), std::nullopt);
      if (added) at->second = sync_file_system(aside.first());
    }
    return systems;
  }

  // The renames too; the best that can be done, for the files themselves are synced.
  std::size_t sync_moved() const {
    std::set<std::uint64_t> systems;
    for (std::size_t i = 0; i < hosts_.size(); ++i)
      if (aside_[i].size() != 0 && systems.insert(file_system_of(hosts_[i].folder)).second)
        (void)sync_file_system(hosts_[i].folder);
    return systems.size();
  }

  // A failed proof before one that was not finished, before what the system refused, before what is
  // wrong with a policy.
  Exit exit() const {
    const auto any = [&](Exit wanted) {
      return std::any_of(results_.begin(), results_.end(),
                         [&](const FleetResult& r) { return r.exit == wanted; });
    };
    for (const auto wanted : {Exit::proof_failed, Exit::not_proved, Exit::system})
      if (any(wanted)) return wanted;
    for (const auto& host : hosts_)
      if (!host.error.empty()) return Exit::system;
    return any(Exit::no) ? Exit::no : Exit::ok;
  }

  FleetResult failure_of(Sink& sink, const Sources& sources) const {
    FleetResult result;
    result.exit = failure(sink);
    describe(sink, sources, result);
    return result;
  }

  void describe(Sink& sink, const Sources& sources, FleetResult& result) const {
    sink.sort();
    if (options_.policy.format == Format::json)
      result.diagnostics = diagnostics_json(sink, sources);
    else
      result.said = render_text(sink, sources, {.colour = console_.colour});
  }

  // Nothing that is thrown may leave a thread.
  template <class Work>
  void guarded(FleetResult& result, Work work) const {
    try {
      work();
    } catch (const std::exception& error) {
      result = {};
      result.exit = Exit::system;
      result.said = std::string("firewright: stopped: ") + error.what() + "\n";
    }
  }

  const CompileOptions& options_;
  Console& console_;
  policy::Date today_;
  DiskFileSystem disk_;
  RememberingFileSystem files_;
  policy::HostOwnerDatabase host_owners_;
  policy::RememberingOwnerDatabase owners_;
  policy::ReadOptions reading_;
  Sources sources_;
  policy::FleetReader reader_;
  std::vector<policy::Fact> common_facts_;
  std::vector<FleetHost> hosts_;
  std::vector<FleetResult> results_;
  std::vector<policy::Subject> subjects_;            // one a result
  std::vector<std::vector<std::size_t>> of_result_;  // the hosts of each
  std::vector<AsideFiles> aside_;                    // one a host
};

// Every host needs about the memory that the one before it has given back. Given back to the system
// and asked for again, it costs an eighth of all the time.
void keep_memory() {
#ifdef __GLIBC__
  constexpr int much = 1 << 30;
  (void)::mallopt(M_TRIM_THRESHOLD, much);
  (void)::mallopt(M_MMAP_THRESHOLD, much);
#endif
}

}  // namespace

Exit compile_fleet(const CompileOptions& options, Console& console) {
  const auto today = day_of(options.policy.at, console);
  if (!today) return Exit::usage;
  keep_memory();
  return FleetCompile(options, console, *today).run();
}

}  // namespace firewright::cli
