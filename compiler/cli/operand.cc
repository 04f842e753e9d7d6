#include "compiler/cli/operand.h"

#include <algorithm>
#include <filesystem>
#include <vector>

#include "backends/host/live.h"
#include "backends/iptables/decode.h"
#include "backends/netsh/decode.h"
#include "backends/nftables/decode.h"
#include "compiler/cli/beside.h"
#include "compiler/policy/read.h"

namespace firewright::cli {
namespace {

namespace fs = std::filesystem;

constexpr std::size_t largest_artifact = std::size_t{1} << 30U;

bool exists(const std::string& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

bool is_folder(const std::string& path) {
  std::error_code error;
  return fs::is_directory(path, error);
}

// The first line that is no comment, as far as a recogniser has to look.
std::string_view first_words(std::string_view text) {
  while (!text.empty()) {
    const auto line = text.substr(0, text.find('\n'));
    const auto begin = line.find_first_not_of(" \t\r");
    if (begin != std::string_view::npos && line[begin] != '#') return line.substr(begin);
    text.remove_prefix(std::min(text.size(), line.size() + 1));
  }
  return {};
}

bool is_nft_statement(std::string_view line) {
  static constexpr std::string_view words[] = {"table ",        "add table ",     "flush ruleset",
                                               "delete table ", "destroy table ", "add chain ",
                                               "add rule ",     "create table "};
  return std::any_of(std::begin(words), std::end(words),
                     [&](std::string_view word) { return line.starts_with(word); });
}

// A file that was read once already, since a pipe can be read only once.
class ReadBefore final : public FileSystem {
 public:
  ReadBefore(std::string path, std::string text) : path_(std::move(path)), text_(std::move(text)) {}
  [[nodiscard]] FileContent read(const std::string& path, std::size_t limit) const override {
    if (path != path_ || text_.size() > limit) return disk_.read(path, limit);
    return {.text = text_, .error = {}, .too_large = false, .missing = false};
  }
  [[nodiscard]] std::vector<std::string> glob(const std::string& pattern) const override {
    return disk_.glob(pattern);
  }
  [[nodiscard]] std::string canonical(const std::string& path) const override {
    return disk_.canonical(path);
  }

 private:
  std::string path_, text_;
  DiskFileSystem disk_;
};

class Loading {
 public:
  Loading(Operand& operand, const FileSystem& files, Sources& sources, Sink& sink)
      : operand_(operand), disk_(files), sources_(sources), sink_(sink) {}

  void run() {
    switch (operand_.kind) {
      case OperandKind::policy: return;
      case OperandKind::live: return live();
      case OperandKind::iptables: return iptables();
      case OperandKind::nftables_text: return one("text", nftables::decode);
      case OperandKind::nftables_batch: return one("batch", nftables::decode);
      case OperandKind::netsh: return netsh();
    }
  }

 private:
  using Decode = std::optional<ir::Program> (*)(const Sources&,
                                                std::span<const backend::ArtifactFile>, Sink&);

  bool add(const std::string& path, std::string part) {
    auto content = disk_.read(path, largest_artifact);
    if (!content.text) {
      sink_.report(Kind::cannot_read, {}, {path, content.error});
      return false;
    }
    files_.push_back(
        {.file = sources_.add(path, std::move(*content.text)), .part = std::move(part)});
    return true;
  }

  void decode(Decode decoder) {
    if (sink_.has_errors()) return;
    operand_.files.insert(operand_.files.end(), files_.begin(), files_.end());
    if (auto program = decoder(sources_, files_, sink_))
      append_beside(operand_.program, std::move(*program));
    files_.clear();
  }

  void live() {
    std::string error;
    auto live = host::read_live(error);
    if (!live) {
      sink_.report(Kind::cannot_read, {}, {"live", error});
      return;
    }
    if (!live->messages.empty()) {
      add_text("live nftables", "batch", std::move(live->messages));
      decode(nftables::decode);
    }
    for (auto& saved : live->saved) {
      add_text("live iptables", "v4", std::move(saved.v4));
      add_text("live ip6tables", "v6", std::move(saved.v6));
      if (!saved.sets.empty()) add_text("live ipset", "sets", std::move(saved.sets));
      decode(firewright::iptables::decode);
    }
  }
  void add_text(const std::string& name, std::string part, std::string text) {
    files_.push_back({.file = sources_.add(name, std::move(text)), .part = std::move(part)});
  }

  void one(const std::string& part, Decode decoder) {
    if (add(operand_.name, part)) decode(decoder);
  }

  // "a,b", or one file and what stands beside it of the other family and of the sets.
  void iptables() {
    auto paths = exists(operand_.name) ? std::vector{operand_.name} : parts_of(operand_.name);
    std::vector<std::string> tables;
    std::ranges::copy_if(paths, std::back_inserter(tables),
                         [](const std::string& path) { return !path.ends_with(".ipset"); });
    if (tables.empty())
      for (const auto* end : {".v4.rules", ".v6.rules"})
        if (const auto beside = stem_of_tables(paths.front()) + end; exists(beside))
          paths.push_back(beside);
    if (tables.size() == 1)
      if (const auto other = sibling(tables.front()); !other.empty() && exists(other))
        paths.push_back(other);
    if (const auto sets = sets_beside(paths); !sets.empty()) paths.push_back(sets);
    for (const auto& path : paths) {
      if (!add(path, "")) return;
      files_.back().part = part_of(path, sources_.file(files_.back().file).text());
    }
    const auto of_rules = [](const auto& file) { return file.part != "sets"; };
    std::ranges::sort(files_, {},
                      [&](const auto& file) { return std::pair(!of_rules(file), file.part); });
    const auto rules = std::ranges::count_if(files_, of_rules);
    if (rules == 2 && files_[0].part == files_[1].part) {
      sink_.report(Kind::artifact_conflict, {.file = files_[1].file, .begin = 0, .end = 0},
                   {"both files are of IP" + files_[0].part});
      return;
    }
    if (rules == 0) {
      sink_.report(Kind::artifact_kind, {}, {operand_.name, "sets without rules that need them"});
      return;
    }
    if (rules == 1) {
      const bool four = files_[0].part == "v4";
      operand_.missing = {four ? Family::ipv6 : Family::ipv4};
      sink_.report(Kind::artifact_not_compared, {}, {four ? "IPv6" : "IPv4"}).help =
          "name both files with a comma between them: `X.v4.rules,X.v6.rules`";
    }
    decode(firewright::iptables::decode);
  }

  static std::vector<std::string> parts_of(const std::string& name) {
    std::vector<std::string> parts;
    for (std::size_t begin = 0; begin <= name.size();) {
      const auto end = std::min(name.find(',', begin), name.size());
      parts.push_back(name.substr(begin, end - begin));
      begin = end + 1;
    }
    return parts;
  }

  // "web.ipset" beside "web.v4.rules", if none is named.
  static std::string sets_beside(const std::vector<std::string>& paths) {
    for (const auto& path : paths)
      if (path.ends_with(".ipset")) return {};
    const auto path = stem_of_tables(paths.front()) + ".ipset";
    return exists(path) ? path : std::string();
  }

  // "web.v4.rules" and "web.v6.rules", or as Debian has them, "rules.v4" and "rules.v6".
  static std::string sibling(const std::string& path) {
    const auto slash = path.find_last_of('/');
    for (const auto& [mine, other] : {std::pair{".v4", ".v6"}, std::pair{".v6", ".v4"}}) {
      const auto at = path.rfind(mine);
      if (at == std::string::npos || (slash != std::string::npos && at < slash)) continue;
      return path.substr(0, at) + other + path.substr(at + 3);
    }
    return {};
  }

  static std::string part_of(const std::string& path, std::string_view text) {
    const auto name = path.substr(path.find_last_of('/') + 1);
    if (name.ends_with(".ipset") || first_words(text).starts_with("create ")) return "sets";
    if (name.find("v6") != std::string::npos) return "v6";
    if (name.find("v4") != std::string::npos) return "v4";
    const auto has = [&](std::string_view word) {
      return text.find(word) != std::string_view::npos;
    };
    return has("ip6tables-save") || has("icmp6") || has("ipv6-icmp") ? "v6" : "v4";
  }

  void netsh() {
    std::vector<std::string> paths;
    if (is_folder(operand_.name)) {
      std::error_code error;
      for (const auto& entry : fs::directory_iterator(operand_.name, error))
        if (entry.path().extension() == ".txt" || entry.path().extension() == ".cmd")
          paths.push_back(entry.path().string());
      std::sort(paths.begin(), paths.end());
      if (error || paths.empty()) {
        sink_.report(Kind::artifact_kind, {},
                     {operand_.name, "the folder holds no phase of a script"});
        return;
      }
    } else {
      paths = {operand_.name};
    }
    for (const auto& path : paths) {
      const auto name = path.substr(path.find_last_of('/') + 1);
      if (!add(path, name.substr(0, name.find('.')))) return;
    }
    decode(firewright::netsh::decode);
  }

  Operand& operand_;
  const FileSystem& disk_;
  Sources& sources_;
  Sink& sink_;
  std::vector<backend::ArtifactFile> files_;
};

}  // namespace

std::optional<Target> platform(OperandKind kind) {
  switch (kind) {
    case OperandKind::policy: return std::nullopt;
    case OperandKind::iptables: return Target::iptables;
    case OperandKind::nftables_text:
    case OperandKind::nftables_batch:
    case OperandKind::live: return Target::nftables;
    case OperandKind::netsh: return Target::netsh;
  }
  return std::nullopt;
}

std::string stem_of_tables(const std::string& path) {
  const auto name = path.find_last_of('/') + 1;
  for (const auto* end : {".v4", ".v6", ".ipset"})
    if (const auto at = path.rfind(end); at != std::string::npos && at >= name)
      return path.substr(0, at);
  return path;
}

std::optional<OperandKind> recognise_name(const std::string& path) {
  if (path == "live") return OperandKind::live;
  if (path == "-" || path.ends_with(".toml")) return OperandKind::policy;
  if (path.ends_with(".nft")) return OperandKind::nftables_text;
  if (path.ends_with(".nlbatch")) return OperandKind::nftables_batch;
  if (path.ends_with(".rules") || path.ends_with(".ipset") || path.ends_with(".v4") ||
      path.ends_with(".v6"))
    return OperandKind::iptables;
  if (is_folder(path)) return OperandKind::netsh;
  return std::nullopt;
}

OperandKind recognise_text(std::string_view text) {
  if (text.find('\0') < 64) return OperandKind::nftables_batch;
  const auto line = first_words(text);
  if (line.starts_with('*') || line.starts_with(":INPUT") || line.starts_with("create "))
    return OperandKind::iptables;
  if (is_nft_statement(line)) return OperandKind::nftables_text;
  if (line.starts_with("advfirewall") || line.starts_with("netsh ")) return OperandKind::netsh;
  return OperandKind::policy;
}

std::optional<Operand> load(const std::string& path, const PolicyOptions& options, Console& console,
                            Sources& sources, Sink& sink, const FileSystem* files) {
  Operand operand;
  operand.name = path;
  const DiskFileSystem disk;
  std::optional<ReadBefore> read_before;
  if (files == nullptr) {
    files = &disk;
    if (const auto kind = recognise_name(path)) {
      operand.kind = *kind;
    } else if (auto content = disk.read(path, largest_artifact); content.text) {
      operand.kind = recognise_text(*content.text);
      files = &read_before.emplace(path, std::move(*content.text));
    }
  }
  if (operand.is_policy()) {
    operand.policy = cli::read(path, options, console, sources, sink, files);
    if (!operand.policy) return std::nullopt;
    return operand;
  }
  Loading(operand, *files, sources, sink).run();
  return operand;
}

}  // namespace firewright::cli
