#include "backends/netsh/decode_script.h"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace firewright::netsh {
namespace {

using Words = std::span<const LineWord>;

// Nobody has documented how long a line may be; clones of netsh read 1,024 characters at a time,
// and cmd.exe 8,191.
constexpr std::size_t longest_file_line = 1000;
constexpr std::size_t longest_batch_line = 8191;

constexpr RuleTags choice_tags{RuleTag::name,      RuleTag::dir,        RuleTag::profile,
                               RuleTag::protocol,  RuleTag::localip,    RuleTag::remoteip,
                               RuleTag::localport, RuleTag::remoteport, RuleTag::program,
                               RuleTag::service};
constexpr RuleTags rule_tags = RuleTags::all() - RuleTags{RuleTag::group};

enum class Context { root, advfirewall, firewall };

class Script {
 public:
  Script(const Sources& sources, FileId file, FirewallStore& store, Sink& sink)
      : text_(sources.file(file).text()), file_(file), store_(store), sink_(sink) {}

  void run() {
    if (text_.starts_with("\xef\xbb\xbf") || text_.starts_with("\xff\xfe")) {
      syntax({.file = file_, .begin = 0, .end = 2}, "netsh reads no byte order mark");
      return;
    }
    for (std::size_t begin = 0; begin < text_.size() && !ended_;) {
      const auto end = std::min(text_.find('\n', begin), text_.size());
      auto line = text_.substr(begin, end - begin);
      if (line.ends_with('\r')) line.remove_suffix(1);
      line_ = {.file = file_,
               .begin = static_cast<std::uint32_t>(begin),
               .end = static_cast<std::uint32_t>(begin + line.size())};
      run_line(line);
      begin = end + 1;
    }
  }

 private:
  // --- reporting

  void syntax(Span span, std::string what) {
    sink_.report(Kind::artifact_syntax, span, {"netsh", std::move(what)});
  }
  void unknown(std::string_view help = {}) {
    const auto line = text_.substr(line_.begin, std::min<std::size_t>(line_.end - line_.begin, 60));
    sink_.report(Kind::artifact_unknown, line_, {std::string(line)}).help = help;
  }
  void not_compared(const LineWord& word) {
    sink_.report(Kind::artifact_not_compared, line_, {"`" + std::string(word.text) + "`"});
  }

  static bool is(const LineWord& word, std::string_view lower) {
    return equal_ignoring_case(word.text, lower);
  }

  // --- lines

  void run_line(std::string_view line) {
    if (std::any_of(line.begin(), line.end(), [](char c) {
          return (static_cast<unsigned char>(c) < 0x20 && c != '\t') || c == 0x7f;
        })) {
      syntax(line_, "a line has a character in it that cannot be printed");
      return;
    }
    if (is_comment(line)) return;
    const auto words = reader_.words(line, file_, line_.begin);
    if (!words) {
      syntax(line_, "a quote is not closed");
      return;
    }
    if (words->empty() || is_batch_noise(*words, line)) return;
    const bool batch = is((*words)[0], "netsh") || is((*words)[0], "netsh.exe");
    const auto longest = batch ? longest_batch_line : longest_file_line;
    if (line.size() > longest) {
      syntax(line_, "a line has more than " + std::to_string(longest) + " characters");
      return;
    }
    if (batch)
      run_batch_line(words->subspan(1));
    else
      run_command(*words, context_);
  }

  // `#`, or what batch files write. A comment may have any quotes in it.
  static bool is_comment(std::string_view line) {
    const auto begin = std::min(line.find_first_not_of(" \t"), line.size());
    auto first = line.substr(begin);
    first = first.substr(0, first.find_first_of(" \t"));
    if (first == "#") return true;
    if (first.starts_with('@')) first.remove_prefix(1);
    return equal_ignoring_case(first, "rem") || first.starts_with("::");
  }

  // What a batch file does besides calling netsh. A script for `netsh -f` that holds such a line
  // gets an error message for it, and goes on.
  static bool is_batch_noise(Words words, std::string_view line) {
    auto first = words[0].text;
    if (first.starts_with('@')) first.remove_prefix(1);
    return (equal_ignoring_case(first, "echo") || equal_ignoring_case(first, "pause")) &&
           line.find_first_of("&|<>") == std::string_view::npos;
  }

  void run_batch_line(Words words) {
    while (!words.empty() && is_discarded_output(words.back()))
      words = words.first(words.size() - 1);
    for (const auto& word : words)
      if (word.text.find_first_of("%^&|<>!") != std::string_view::npos) {
        unknown("cmd.exe gives `%^&|<>!` a meaning, and it is not asked here");
        return;
      }
    if (words.empty() || words[0].text.starts_with('-') || words[0].text.starts_with('/')) {
      unknown();
      return;
    }
    auto context = Context::root;  // every call begins there
    run_command(words, context);
  }
  static bool is_discarded_output(const LineWord& word) {
    return is(word, ">nul") || is(word, "1>nul") || is(word, "2>nul") || is(word, "2>&1");
  }

  void run_command(Words words, Context& context) {
    if (words.size() == 1 &&
        (is(words[0], "exit") || is(words[0], "quit") || is(words[0], "bye"))) {
      ended_ = true;
      return;
    }
    if (words.size() == 1 && words[0].text == "..") {
      context = context == Context::firewall ? Context::advfirewall : Context::root;
      return;
    }
    auto here = context;
    if (is(words[0], "advfirewall")) {
      here = Context::advfirewall;
      words = words.subspan(1);
    }
    if (here == Context::advfirewall && !words.empty() && is(words[0], "firewall")) {
      here = Context::firewall;
      words = words.subspan(1);
    }
    if (words.empty()) {
      context = here;
      return;
    }
    switch (here) {
      case Context::root: unknown("only `advfirewall` is known here"); return;
      case Context::advfirewall: run_settings(words); return;
      case Context::firewall: run_rules(words); return;
    }
  }

  // --- advfirewall firewall ...

  void run_rules(Words words) {
    if (words.size() < 2 || !is(words[1], "rule")) {
      unknown();
      return;
    }
    const auto rest = words.subspan(2);
    if (is(words[0], "add"))
      add(rest);
    else if (is(words[0], "delete"))
      remove(rest);
    else if (is(words[0], "set"))
      set(rest);
    else if (!is(words[0], "show"))
      unknown();
  }

  // The words that choose rules. The first may be a name without its tag.
  std::optional<RuleFields> read_choice(Words words, RuleTags allowed) {
    const auto arguments = reader_.arguments(words);
    if (!arguments.empty() && arguments[0].tag.empty()) arguments[0].tag = "name";
    return read_rule_fields(arguments, allowed, sink_);
  }

  void add(Words words) {
    if (auto fields = read_rule_fields(reader_.arguments(words), rule_tags, sink_))
      store_.add(std::move(*fields), line_);
  }

  void remove(Words words) {
    if (const auto fields = read_choice(words, choice_tags)) store_.remove(*fields, line_);
  }

  void set(Words words) {
    std::size_t at = 0;
    while (at < words.size() &&
           !(is(words[at], "new") && (at == 0 || !words[at - 1].text.ends_with('='))))
      ++at;
    const auto choice = read_choice(words.first(at), choice_tags | RuleTags{RuleTag::group});
    if (!choice) return;
    if (at + 1 >= words.size()) {
      syntax(line_, "`set rule` without `new` and values changes nothing");
      return;
    }
    const auto change =
        read_rule_fields(reader_.arguments(words.subspan(at + 1)), rule_tags, sink_);
    if (change) store_.set(*choice, *change, line_);
  }

  // --- advfirewall ...

  void run_settings(Words words) {
    const auto& verb = words[0];
    if (is(verb, "show") || is(verb, "export") || is(verb, "dump")) return;
    if (is(verb, "reset")) {
      store_.reset(line_);
    } else if (is(verb, "set") && words.size() >= 3) {
      run_set(words.subspan(1));
    } else {
      unknown(is(verb, "import") ? "the imported file is in no documented form" : "");
    }
  }

  void run_set(Words words) {
    if (is(words[0], "store")) {
      if (words.size() != 2 || !is(words[1], "local"))
        unknown("rules of a group policy are kept apart from those of the host");
      return;
    }
    if (is(words[0], "global")) {
      if (words.size() == 3 && (is(words[1], "statefulftp") || is(words[1], "statefulpptp")))
        not_compared(words[1]);
      else
        unknown();
      return;
    }
    ir::ProfileSet profiles;
    if (is(words[0], "allprofiles"))
      profiles = ir::ProfileSet::all();
    else if (is(words[0], "domainprofile"))
      profiles = {ir::Profile::domain};
    else if (is(words[0], "privateprofile"))
      profiles = {ir::Profile::private_};
    else if (is(words[0], "publicprofile"))
      profiles = {ir::Profile::public_};
    else
      return unknown(
          is(words[0], "currentprofile") ? "which profile is the current one is not known" : "");
    set_profiles(profiles, words.subspan(1));
  }

  void set_profiles(ir::ProfileSet profiles, Words words) {
    const auto& what = words[0];
    if (is(what, "state") && words.size() == 2)
      set_state(profiles, words[1]);
    else if (is(what, "firewallpolicy") && words.size() == 2)
      set_policy(profiles, words[1]);
    else if (is(what, "settings") && words.size() == 3)
      set_setting(words[1]);
    else if (!is(what, "logging") || words.size() != 3)
      unknown();
  }

  void set_state(ir::ProfileSet profiles, const LineWord& value) {
    if (!is(value, "on") && !is(value, "off"))
      return unknown("`notconfigured` leaves it to a group policy");
    for (const auto profile : profiles) {
      store_.profile(profile).state = is(value, "on") ? SwitchState::on : SwitchState::off;
      store_.profile(profile).state_span = line_;
    }
  }

  void set_policy(ir::ProfileSet profiles, const LineWord& value) {
    const auto comma = value.text.find(',');
    const auto in = in_lower_case(value.text.substr(0, comma));
    const auto out =
        comma == std::string_view::npos ? "" : in_lower_case(value.text.substr(comma + 1));
    auto inbound = DefaultAction::unknown;
    if (in == "blockinbound") inbound = DefaultAction::block;
    if (in == "blockinboundalways") inbound = DefaultAction::block_always;
    if (in == "allowinbound") inbound = DefaultAction::allow;
    auto outbound = DefaultAction::unknown;
    if (out == "blockoutbound") outbound = DefaultAction::block;
    if (out == "allowoutbound") outbound = DefaultAction::allow;
    if (inbound == DefaultAction::unknown || outbound == DefaultAction::unknown)
      return syntax(value.span, "`" + std::string(value.text) +
                                    "` does not say what happens inbound and outbound");
    for (const auto profile : profiles) {
      store_.profile(profile).inbound = inbound;
      store_.profile(profile).outbound = outbound;
      store_.profile(profile).policy_span = line_;
    }
  }

  void set_setting(const LineWord& what) {
    if (is(what, "inboundusernotification")) return;
    // These open and close ports without a rule of the script.
    if (is(what, "remotemanagement") || is(what, "unicastresponsetomulticast"))
      not_compared(what);
    else
      unknown("`localfirewallrules` and `localconsecrules` belong to group policies");
  }

  const std::string_view text_;
  const FileId file_;
  FirewallStore& store_;
  Sink& sink_;
  LineReader reader_;
  Context context_ = Context::root;
  Span line_;
  bool ended_ = false;
};

}  // namespace

void run_script(const Sources& sources, FileId file, FirewallStore& store, Sink& sink) {
  Script(sources, file, store, sink).run();
}

}  // namespace firewright::netsh
