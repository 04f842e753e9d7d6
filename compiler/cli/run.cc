#include "compiler/cli/run.h"

#include <CLI/CLI.hpp>
#include <functional>

#include "compiler/base/edit_distance.h"
#include "compiler/cli/option_kinds.h"
#include "compiler/cli/options.h"
#include "compiler/diagnostics/render.h"

namespace firewright::cli {
namespace {

Exit say_usage(Console& console, const std::string& message, const CLI::App& app) {
  complain(console, message);
  auto name = app.get_parent() == nullptr ? std::string() : app.get_name() + " ";
  console.err << "try `firewright " << name << "--help`\n";
  return Exit::usage;
}

// The subcommand that parsing has got to.
const CLI::App& deepest(const CLI::App& app) {
  const auto chosen = app.get_subcommands();
  return chosen.empty() ? app : *chosen.front();
}

class CommandLine {
 public:
  explicit CommandLine(Console& console) : console_(console) {
    app_.require_subcommand(1);
    app_.set_version_flag("--version", std::string("firewright ") + FIREWRIGHT_VERSION);
    app_.get_formatter()->column_width(34);
    add_check();
    add_compile();
    add_apply();
    add_confirm();
    add_rollback();
    add_status();
    add_restore();
    add_verify();
    add_diff();
    add_review();
    add_explain();
    add_fmt();
    add_services();
    add_schema();
    add_report();
  }

  Exit run(std::vector<std::string> arguments) {
    if (!arguments.empty())
      if (const auto wrong = unknown_subcommand(arguments.front())) return *wrong;
    std::reverse(arguments.begin(), arguments.end());  // what CLI11 wants
    try {
      app_.parse(std::move(arguments));
    } catch (const CLI::CallForAllHelp&) {
      console_.out << app_.help("", CLI::AppFormatMode::All);
      return Exit::ok;
    } catch (const CLI::CallForHelp&) {
      console_.out << deepest(app_).help();
      return Exit::ok;
    } catch (const CLI::CallForVersion& version) {
      console_.out << version.what() << "\n";
      return Exit::ok;
    } catch (const CLI::ParseError& error) {
      return say_usage(console_, error.what(), deepest(app_));
    }
    return command_();
  }

 private:
  // CLI11 would say only what was expected; a slip of the finger deserves the word that was meant.
  std::optional<Exit> unknown_subcommand(const std::string& word) {
    if (word.starts_with('-')) return std::nullopt;
    std::vector<std::string> names;
    for (const auto* subcommand : app_.get_subcommands({})) names.push_back(subcommand->get_name());
    if (std::find(names.begin(), names.end(), word) != names.end()) return std::nullopt;
    const auto near = nearest(word, names);
    return say_usage(
        console_,
        "there is no command `" + word + "`" + (near ? "; did you mean `" + *near + "`?" : ""),
        app_);
  }

  CLI::App* add(const std::string& name, const std::string& help, std::function<Exit()> run) {
    auto* subcommand = app_.add_subcommand(name, help);
    subcommand->callback([this, run = std::move(run)] { command_ = run; });
    return subcommand;
  }

  void add_check() {
    auto* app = add("check", "read policies, prove their assertions, and say what looks wrong",
                    [this] { return check(check_, console_); });
    app->add_option("POLICY", check_.policies, "policy files; `-` is standard input")->required();
    add_targets(app, check_.targets, false);
    app->add_flag("--strict", check_.strict, "a warning is a no");
    add_approximate(app, check_.approximate);
    add_policy_options(app, check_.policy);
  }

  void add_compile() {
    auto* app =
        add("compile", "write the firewall that a policy says", [this] { return run_compile(); });
    app->add_option("POLICY", compile_.path, "policy file; `-` is standard input")->required();
    add_targets(app, compile_.targets, false);
    app->add_option("-o,--output", compile_.directory, "write all parts into this folder")
        ->type_name("DIR");
    app->add_option("--hosts", compile_.hosts,
                    "compile for each host of this TOML file: [hosts.NAME] with vars, facts or a "
                    "policy of its own; the parts go to DIR/NAME/")
        ->type_name("FILE");
    app->add_option("--jobs", compile_.jobs,
                    "with --hosts: how many hosts at a time; unsaid: as many as the machine can")
        ->type_name("N")
        ->check(CLI::Range(1, 1024));
    app->add_option("--part", compile_.part, "the part that goes to standard output")
        ->type_name("PART");
    app->add_option("--certificate", compile_.certificate,
                    "write what was proved about which bytes, as JSON")
        ->type_name("FILE");
    app->add_option("--emit", emit_, "write the IR in place of an artifact")
        ->check(CLI::IsMember({"ir"}))
        ->type_name("ir");
    add_approximate(app, compile_.approximate);
    add_policy_options(app, compile_.policy);
  }

  Exit run_compile() {
    const auto& app = *app_.get_subcommand("compile");
    compile_.emit_ir = !emit_.empty();
    if (compile_.targets.empty()) {
      if (!compile_.emit_ir) return say_usage(console_, "--target is required", app);
      compile_.targets.push_back(Target::nftables);
    }
    if (compile_.directory.empty() && compile_.targets.size() > 1)
      return say_usage(console_, "several targets need a folder to write to (-o DIR)", app);
    if (!compile_.certificate.empty() && compile_.emit_ir)
      return say_usage(console_, "--certificate is about an artifact; it does not go with --emit",
                       app);
    if (!compile_.directory.empty() && (!compile_.part.empty() || compile_.emit_ir))
      return say_usage(console_, "-o writes all parts; it does not go with --part or --emit", app);
    if (compile_.hosts.empty() && compile_.jobs != 0)
      return say_usage(console_, "--jobs is for many hosts; it goes with --hosts", app);
    if (!compile_.hosts.empty()) {
      if (compile_.directory.empty())
        return say_usage(console_, "--hosts needs a folder to write to (-o DIR)", app);
      if (!compile_.certificate.empty())
        return say_usage(console_, "--certificate is about one host; it does not go with --hosts",
                         app);
      return compile_fleet(compile_, console_);
    }
    return compile(compile_, console_);
  }

  void add_apply() {
    auto* app = add("apply", "load a policy on this host, atomically",
                    [this] { return apply(apply_, console_); });
    app->add_option("POLICY", apply_.path, "policy file; `-` is standard input")->required();
    static const std::map<std::string, Target> backends = {{"iptables", Target::iptables},
                                                           {"nftables", Target::nftables}};
    add_choice<Target>(
        app, "--backend", backends, [this](Target t) { apply_.backend = t; },
        "what to load it with; unsaid: nftables");
    app->add_flag("--dry-run", apply_.dry_run,
                  "change nothing; say what would change, and end with 1 if anything would");
    add_seconds(
        app, "--confirm", [this](auto span) { apply_.confirm = span; },
        "undo it after this time (60s, 5m) unless `firewright confirm` comes first");
    app->add_flag("--audit", apply_.audit, "deny nothing; log and count what would be denied");
    app->add_flag("--allow-lockout", apply_.allow_lockout,
                  "even if it cuts off the connection that you work through");
    app->add_flag("--end-denied-flows", apply_.end_denied_flows,
                  "end the open connections that the policy forbids");
    add_approximate(app, apply_.approximate);
    add_policy_options(app, apply_.policy);
    add_host_options(app, apply_.host);
    add_read_back(app, apply_.host);
  }

  void add_confirm() {
    auto* app = add("confirm", "keep the change that waits for its confirmation",
                    [this] { return confirm(confirm_, console_); });
    add_format(app, confirm_.format);
    add_host_options(app, confirm_.host);
    add_read_back(app, confirm_.host);
  }

  void add_rollback() {
    auto* app = add("rollback",
                    "undo the change that waits, or go back to the firewall before the confirmed",
                    [this] { return rollback(rollback_, console_); });
    app->add_option("--token", rollback_.token, "only if this change still waits")
        ->type_name("TOKEN");
    app->add_flag("--waiting", rollback_.waiting,
                  "undo a change that waits; where none does, change nothing");
    add_format(app, rollback_.format);
    add_host_options(app, rollback_.host);
    add_read_back(app, rollback_.host);
  }

  void add_restore() {
    auto* app = add("restore", "load the last confirmed firewall at boot, or the failsafe",
                    [this] { return restore(restore_, console_); });
    app->add_option("--failsafe", restore_.failsafe,
                    "a policy to load where no confirmed firewall can be")
        ->type_name("POLICY");
    app->add_option("--failsafe-ssh", restore_.failsafe_ssh,
                    "TCP ports that the built-in failsafe leaves open; unsaid: 22")
        ->type_name("PORT,...|none")
        ->check(CLI::Validator(
            [](std::string& ports) {
              return is_port_list(ports) ? std::string()
                                         : "`" + ports + "` is neither ports nor `none`";
            },
            "", "ports"));
    add_host_options(app, restore_.host);
    add_read_back(app, restore_.host);
  }

  void add_status() {
    auto* app = add("status", "say what stands, what it has counted, and whether it has drifted",
                    [this] { return status(status_, console_); });
    add_choice<StatusFormat>(
        app, "--format",
        {{"text", StatusFormat::text},
         {"json", StatusFormat::json},
         {"prometheus", StatusFormat::prometheus}},
        [this](StatusFormat format) { status_.format = format; },
        "results as text, as JSON, or as metrics for Prometheus' textfile collector");
    app->add_option("--at", status_.at, "the day that `expires` is held against; unsaid: today")
        ->type_name("DATE");
    add_host_options(app, status_.host);
  }

  void add_verify() {
    auto* app = add("verify", "prove that an artifact, or this host, means what a policy says",
                    [this] { return verify(verify_, console_); });
    app->add_option("POLICY", verify_.path, "policy file; `-` is standard input")->required();
    app->add_option("ARTIFACT", verify_.artifacts, "artifacts of any platform, or `live`")
        ->required();
    app->add_option("--certificate", verify_.certificate,
                    "prove again what this certificate claims")
        ->type_name("FILE");
    add_approximate(app, verify_.approximate);
    add_policy_options(app, verify_.policy);
  }

  void add_diff() {
    auto* app = add("diff", "say what changes between two firewalls, in packets",
                    [this] { return run_diff(); });
    app->add_option("OLD NEW", operands_,
                    "policies, artifacts, or `live`; with --git the one policy")
        ->required()
        ->expected(1, 2);
    app->add_option("--git", diff_.git,
                    "compare the policy in two commits, or in one and the work tree")
        ->type_name("BASE..HEAD");
    static const std::map<std::string, DiffOptions::FailOn> conditions = {
        {"widen", DiffOptions::FailOn::widen},
        {"any", DiffOptions::FailOn::any},
        {"none", DiffOptions::FailOn::none}};
    add_choice<DiffOptions::FailOn>(
        app, "--fail-on", conditions, [this](auto f) { diff_.fail_on = f; },
        "which difference ends in exit status 1; unsaid: any");
    add_choice<Target>(
        app, "--target", target_names(), [this](Target t) { diff_.target = t; },
        "compare what this target is told; unsaid: the artifact's, or the first that can");
    add_reading_options(app, diff_.policy);
    static const std::map<std::string, DiffOptions::As> forms = {
        {"text", DiffOptions::As::text},
        {"markdown", DiffOptions::As::markdown},
        {"json", DiffOptions::As::json}};
    add_choice<DiffOptions::As>(
        app, "--format", forms, [this](auto f) { diff_.as = f; },
        "text, Markdown for a review's comment, or JSON");
  }

  Exit run_diff() {
    const auto& app = *app_.get_subcommand("diff");
    const bool git = !diff_.git.empty();
    if (git && operands_.size() != 1)
      return say_usage(console_, "--git compares one policy with itself; name only that", app);
    if (!git && operands_.size() != 2) return say_usage(console_, "NEW is required", app);
    diff_.before = operands_.front();
    diff_.after = operands_.back();
    return diff(diff_, console_);
  }

  void add_review() {
    auto* app = add("review", "say what a change in git means for every policy that it touches",
                    [this] { return review(review_, console_); });
    app->add_option(
           "--git", review_.git,
           "the change: from one commit to the other, or with three dots since they parted")
        ->type_name("BASE..HEAD")
        ->required();
    app->add_option("PATH", review_.paths, "policies, or folders of them; unsaid: all");
    static const std::map<std::string, ReviewOptions::FailOn> conditions = {
        {"widen", ReviewOptions::FailOn::widen},
        {"risk", ReviewOptions::FailOn::risk},
        {"any", ReviewOptions::FailOn::any},
        {"none", ReviewOptions::FailOn::none}};
    add_choice<ReviewOptions::FailOn>(
        app, "--fail-on", conditions, [this](auto f) { review_.fail_on = f; },
        "which change ends in exit status 1; unsaid: any");
    add_targets(app, review_.targets, false);
    app->add_option("--jobs", review_.jobs,
                    "how many policies at a time; unsaid: as many as the machine can")
        ->type_name("N")
        ->check(CLI::Range(1, 1024));
    add_reading_options(app, review_.policy);
    static const std::map<std::string, ReviewOptions::As> forms = {
        {"markdown", ReviewOptions::As::markdown},
        {"json", ReviewOptions::As::json},
        {"sarif", ReviewOptions::As::sarif}};
    add_choice<ReviewOptions::As>(
        app, "--format", forms, [this](auto f) { review_.as = f; },
        "Markdown for a comment, JSON, or SARIF for a forge; unsaid: markdown");
  }

  void add_explain() {
    auto* app = add("explain", "say what one packet gets, and why",
                    [this] { return explain(explain_, console_); });
    app->add_option("POLICY", explain_.path, "policy file; `-` is standard input")->required();
    app->add_option("PACKET", explain_.packet,
                    "like `tcp 203.0.113.9:40000 -> 192.0.2.10:22 in eth0`")
        ->required();
    add_choice<Target>(
        app, "--target", target_names(), [this](Target t) { explain_.target = t; },
        "explain what this target is told; unsaid: the first that can say the policy");
    add_policy_options(app, explain_.policy);
  }

  void add_fmt() {
    auto* app = add("fmt", "write policies in their one form, comments and all",
                    [this] { return fmt(fmt_, console_); });
    app->add_option("FILE", fmt_.files,
                    "TOML files, changed in place; `-` is standard input, and goes to the output")
        ->required();
    app->add_flag("--check", fmt_.check,
                  "change nothing; name the files that would change, and end with 1 if any would");
  }

  void add_services() {
    auto* app = add("services", "show the service catalogue, or one of its services",
                    [this] { return services(services_, console_); });
    app->add_option("NAME", services_.name, "a service's name");
    add_format(app, services_.format);
  }

  void add_report() {
    auto* app =
        add("report", "draw who may reach what, as one HTML page", [this] { return run_report(); });
    app->add_option("POLICY", operands_, "a policy, or the old and the new one")
        ->required()
        ->expected(1, 2);
    app->add_option("-o,--output", report_.output, "write the page into this file")
        ->type_name("FILE");
    app->add_option("--git", report_.git,
                    "the policy in two commits, or in one and the work tree, side by side")
        ->type_name("BASE..HEAD");
    add_choice<Target>(
        app, "--target", target_names(), [this](Target t) { report_.target = t; },
        "draw what this target is told; unsaid: the first that can say the policy");
    add_reading_options(app, report_.policy);
  }

  Exit run_report() {
    if (!report_.git.empty() && operands_.size() != 1)
      return say_usage(console_, "--git compares one policy with itself; name only that",
                       *app_.get_subcommand("report"));
    if (operands_.size() > 1) report_.before = operands_.front();
    report_.after = operands_.back();
    return report(report_, console_);
  }

  void add_schema() {
    auto* app = add("schema", "print a JSON Schema of policies, for editors",
                    [this] { return schema(schema_, console_); });
    app->add_option_function<std::string>(
           "KIND", [this](const std::string& kind) { schema_.hosts = kind == "hosts"; },
           "what files it is of; unsaid: policy")
        ->check(CLI::IsMember({"policy", "hosts"}));
  }

  Console& console_;
  CLI::App app_{"Compiles a firewall policy to iptables, nftables or Windows Firewall.",
                "firewright"};
  std::function<Exit()> command_;
  CheckOptions check_;
  CompileOptions compile_;
  std::string emit_;
  ApplyOptions apply_;
  ConfirmOptions confirm_;
  RollbackOptions rollback_;
  RestoreOptions restore_;
  StatusOptions status_;
  VerifyOptions verify_;
  DiffOptions diff_;
  std::vector<std::string> operands_;
  ReviewOptions review_;
  ExplainOptions explain_;
  FmtOptions fmt_;
  ServicesOptions services_;
  SchemaOptions schema_;
  ReportOptions report_;
};

}  // namespace

Exit run(const std::vector<std::string>& arguments, Console& console) {
  try {
    const auto exit = CommandLine(console).run(arguments);
    console.out.flush();
    if (!console.out) {
      complain(console, "cannot write to standard output");
      return Exit::system;
    }
    return exit;
  } catch (const std::exception& error) {
    complain(console, std::string("stopped: ") + error.what());
    return Exit::system;
  }
}

}  // namespace firewright::cli
