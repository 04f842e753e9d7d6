#include <filesystem>
#include <optional>

#include "compiler/base/file_system.h"
#include "compiler/cli/build.h"
#include "compiler/cli/files.h"
#include "compiler/cli/options.h"
#include "compiler/format/format.h"
#include "compiler/policy/read.h"

namespace firewright::cli {
namespace {

using format::Formatted;

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

struct Operand {
  std::string name;  // for people
  std::string path;  // where it is written to; empty: to standard output
  std::string text;
};

// No value: reported.
std::optional<Operand> open(const std::string& path, Console& console, Sink& sink) {
  if (path == "-") return Operand{.name = "<stdin>", .path = {}, .text = read_input(console)};
  auto content = DiskFileSystem().read(path, policy::Limits::policy_bytes);
  if (content.too_large)
    sink.report(Kind::file_too_large, {}, {path, "64 MiB"});
  else if (!content.text)
    sink.report(Kind::cannot_read, {}, {path, content.error});
  if (!content.text) return std::nullopt;
  return Operand{.name = path, .path = path, .text = std::move(*content.text)};
}

// In place of the file that a link leads to, and not of the link.
Exit replace(const Operand& operand, std::string bytes, Console& console) {
  std::error_code error;
  const auto path = std::filesystem::canonical(operand.path, error);
  if (error || !std::filesystem::is_regular_file(path, error)) {
    complain(console, "`" + operand.path + "` is no regular file that could be replaced; " +
                          "`-` goes to standard output");
    return Exit::system;
  }
  const OutputFile file{.path = path.string(), .bytes = std::move(bytes), .as_before = true};
  if (const auto failed = write_files({&file, 1})) {
    complain(console, *failed);
    return Exit::system;
  }
  console.out << operand.name << ": formatted\n";
  return Exit::ok;
}

Exit finish(const Operand& operand, Formatted formatted, bool check, Console& console) {
  const auto line = format::first_difference(operand.text, formatted.text);
  if (check) {
    if (line == 0) return Exit::ok;
    console.out << operand.name << ":" << line << ": would be formatted from this line on\n";
    return Exit::no;
  }
  if (!operand.path.empty())
    return line == 0 ? Exit::ok : replace(operand, std::move(formatted.text), console);
  console.out << formatted.text;
  return Exit::ok;
}

Exit format_one(const std::string& path, bool check, Console& console) {
  Sources sources;
  Sink sink;
  const auto operand = open(path, console, sink);
  if (operand && operand->text.size() > policy::Limits::policy_bytes)  // standard input
    sink.report(Kind::file_too_large, {}, {operand->name, "64 MiB"});
  Formatted formatted;
  if (operand && !sink.has_errors()) {
    auto text = operand->text;
    if (text.starts_with(byte_order_mark)) text.erase(0, byte_order_mark.size());
    formatted = format::format(sources.add(operand->name, std::move(text)), sources, sink);
  }
  show(console, sink, sources);
  if (sink.has_errors()) return Exit::no;
  if (formatted.outcome != Formatted::Outcome::done) {
    complain(console, "`" + operand->name + "` is left as it is: formatted it would not say the " +
                          "same, which is a mistake in firewright");
    return Exit::proof_failed;
  }
  return finish(*operand, std::move(formatted), check, console);
}

// What went wrong here before what is wrong with a file.
Exit worse(Exit a, Exit b) { return static_cast<int>(a) > static_cast<int>(b) ? a : b; }

}  // namespace

Exit fmt(const FmtOptions& options, Console& console) {
  auto exit = Exit::ok;
  for (const auto& path : options.files)
    exit = worse(exit, format_one(path, options.check, console));
  return exit;
}

}  // namespace firewright::cli
