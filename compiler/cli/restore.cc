// restore: the last confirmed firewall at boot, before there is a network; or the failsafe.
//
// The kernel holds nothing yet, so whatever goes wrong has to end in a firewall. The failsafe lets
// in replies, loopback, neighbour discovery, DHCP and, unless said otherwise, ssh.

#include <unistd.h>

#include <algorithm>

#include "backends/host/proc.h"
#include "compiler/cli/build.h"
#include "compiler/cli/host_state.h"
#include "compiler/cli/options.h"
#include "compiler/cli/prove.h"
#include "compiler/net/address_set.h"

namespace firewright::cli {
namespace {

// The baseline of every policy is replies, loopback and neighbour discovery. DHCPv4 answers may
// come before an address is there, to a broadcast address, and so belong to no known connection;
// DHCPv6 answers come from another address than the one that was asked.
std::string failsafe_policy(const std::string& ssh) {
  std::string allow = "  \"dhcp-client\",\n  \"dhcpv6-client\",\n";
  if (ssh != "none") allow += "  { protocol = \"tcp\", port = [" + ssh + "], name = \"ssh\" },\n";
  return "[policy]\nname = \"failsafe\"\n\n[inbound]\nallow = [\n" + allow + "]\n";
}

// What is not understood may be somebody's firewall. A table that was only prepared is none: each
// of its chains accepts everything, before the rules that are to count.
bool is_firewall(const Standing& standing, const Place& place) {
  if (standing.empty(place)) return false;
  Sources sources;
  Sink sink;
  const auto program = decode(standing, place, sources, sink);
  return !program || !std::ranges::all_of(program->chains, [](const ir::Chain& chain) {
    return chain.rules.size() > 1 && chain.rules.front().match == ir::Match{} &&
           chain.rules.front().verdict == ir::Verdict::accept();
  });
}

class Restoring {
 public:
  Restoring(const RestoreOptions& options, Console& console)
      : options_(options), console_(console) {}

  Exit run() {
    try {
      return restore();
    } catch (const std::exception& stopped) {  // no memory, most likely: not without a firewall
      return failsafe(stopped.what());
    }
  }

 private:
  Exit restore() {
    std::string error;
    auto host = HostState::open(options_.host, "restore", HostState::IfDamaged::fail, error);
    if (!host) return failsafe(error);
    for (const auto& text : host->notes()) console_.err << "firewright: " << text << "\n";
    if (host->state().pending) {
      const auto stands = host->holds_change(error);
      if (stands && *stands) {
        console_.out << "a change waits for its confirmation; the firewall stays as it is\n";
        return Exit::ok;
      }
      // A container that starts anew is in the same run of the system.
      const auto why = "the kernel did not hold it any more when the host started";
      console_.err << "firewright: the change that waited is undone: " << why << "\n";
      if (const auto dropped = host->drop_change(why); !dropped.ok())
        console_.err << "firewright: " << dropped.error << "\n";
    }
    const auto& confirmed = host->state().confirmed;
    if (!confirmed) return failsafe("no firewall was ever confirmed on this host");
    const auto kept = read_kept(options_.host.state_dir, *confirmed, error);
    if (!kept) return failsafe(error);
    // A table is ours alone: when something is there, it was loaded, whatever is said of it.
    if (kept->place.backend == Target::nftables) loaded_ = kept->place;
    auto loaded = load(kept->place, kept->artifact, false);
    if (!loaded.result.ok()) return failsafe(loaded.result.error);
    loaded_ = kept->place;
    if (options_.host.verify_full) loaded.known = {};
    const auto same = holds(kept->place, kept->artifact, error, &loaded.known);
    if (!same || !*same)
      return failsafe("the kernel does not hold what was loaded" +
                      (error.empty() ? "" : ": " + error));
    clear_failsafe(kept->place);
    const auto remembered = remember(*confirmed, loaded.known.remembered.generation);
    console_.out << "restored " << name_of_generation(options_.host.state_dir, *confirmed) << "\n";
    if (!remembered.ok()) console_.err << "firewright: " << remembered.error << "\n";
    return Exit::ok;
  }

  // It may stand elsewhere, from an attempt before this one.
  void clear_failsafe(const Place& now) {
    const auto stands = host::read_loaded(options_.host.run_dir);
    if (!stands || stands->generation != failsafe_generation || now == failsafe_place()) return;
    if (const auto gone = clear(failsafe_place(), now); !gone.ok())
      console_.err << "firewright: the failsafe still stands, too: " << gone.error << "\n";
  }

  host::Result remember(const std::string& generation, std::uint32_t ruleset) {
    std::string error;
    const auto boot = host::read_boot_id(error);
    if (!boot) return {.reason = host::Reason::io, .error = error};
    return host::write_loaded(options_.host.run_dir,
                              {.generation = generation,
                               .boot_id = *boot,
                               .since = host::utc_now(),
                               .ruleset = ruleset,
                               .network = host::network_namespace("/proc", ::getpid())});
  }

  Exit failsafe(const std::string& why) {
    console_.err << "firewright: THE CONFIRMED FIREWALL CANNOT BE LOADED: " << why << "\n";
    std::string error;
    // Not at boot: a firewall that stands is better than the failsafe.
    std::vector<Place> places{failsafe_place()};
    if (loaded_ && !(*loaded_ == places.front())) places.push_back(*loaded_);
    const auto standing = read_standing(places, error);
    const auto stands = [&](const Place& place) { return is_firewall(*standing, place); };
    if (standing && std::ranges::any_of(places, stands)) {
      console_.err << "firewright: the firewall that stands now is left as it is\n";
      return Exit::system;
    }
    bool loaded = false;
    if (!options_.failsafe.empty()) {
      loaded = load_policy(options_.failsafe, std::nullopt, error);
      if (!loaded)
        console_.err << "firewright: THE FAILSAFE `" << options_.failsafe
                     << "` CANNOT BE LOADED EITHER: " << error << "\n";
    }
    if (!loaded) loaded = load_policy("failsafe", failsafe_policy(options_.failsafe_ssh), error);
    if (!loaded) {
      console_.err << "firewright: THE BUILT-IN FAILSAFE CANNOT BE LOADED: " << error
                   << "; THIS HOST HAS NO FIREWALL OF FIREWRIGHT\n";
      return Exit::system;
    }
    console_.err << "firewright: THE FAILSAFE IS LOADED: everything inbound and forwarded is "
                    "denied but replies, neighbour discovery, DHCP"
                 << (options_.failsafe_ssh == "none" ? "" : " and ssh")
                 << "; `firewright apply` brings the policy back\n";
    if (const auto remembered = remember(std::string(failsafe_generation), 0); !remembered.ok())
      console_.err << "firewright: " << remembered.error << "\n";
    return Exit::system;
  }

  // nftables, or where the kernel has none, iptables.
  bool load_policy(const std::string& path, const std::optional<std::string>& text,
                   std::string& error) {
    for (const auto backend : {Target::nftables, Target::iptables})
      if (load_policy(path, text, backend, error)) return true;
    return false;
  }

  bool load_policy(const std::string& path, const std::optional<std::string>& text, Target backend,
                   std::string& error) {
    Sources sources;
    Sink sink;
    MemoryFileSystem memory;
    if (text) memory.files[path] = *text;
    const auto read = cli::read(path, {}, console_, sources, sink, text ? &memory : nullptr);
    if (!read) return false;
    Built built;
    if (!sink.has_errors()) built = build(*read, backend, false, sink);
    backend::Artifact artifact;
    if (!sink.has_errors()) {
      artifact = backend::backend(backend).encode(built.program, built.options);
      (void)prove(backend, built, artifact, stem(path), sources, sink);
    }
    if (sink.has_errors()) {
      show(console_, sink, sources);
      error = "the policy has errors";
      return false;
    }
    const auto loaded = load(place_of(backend, built), artifact, false);
    error = loaded.result.error;
    return loaded.result.ok();
  }

  const RestoreOptions& options_;
  Console& console_;
  std::optional<Place> loaded_;  // where the confirmed one may stand by now
};

}  // namespace

Exit restore(const RestoreOptions& options, Console& console) {
  return Restoring(options, console).run();
}

}  // namespace firewright::cli
