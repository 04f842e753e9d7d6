#include "backends/host/state.h"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <set>
#include <utility>

#include "backends/host/atomic_file.h"
#include "backends/host/error_text.h"
#include "backends/host/state_json.h"
#include "compiler/base/sha256.h"

namespace firewright::host {
namespace {

constexpr char state_name[] = "state.json";
constexpr char loaded_name[] = "loaded.json";
constexpr char manifest_name[] = "manifest.json";
constexpr char generations_name[] = "generations";
constexpr char before_name[] = "before";

constexpr std::size_t largest_state = std::size_t{1} << 20U;
constexpr std::size_t largest_manifest = std::size_t{16} << 20U;
constexpr std::size_t largest_file = std::size_t{1} << 30U;

std::string id_of(std::string_view manifest) { return hex(sha256(manifest)).substr(0, 16); }

std::string wrong(const Folder& folder, const std::string& name, const std::string& what) {
  return "`" + folder.path_of(name) + "` is damaged: " + what;
}

// What a file is, against what was written.
bool is_sound(const Folder& folder, const ManifestEntry& entry, const FileBytes& file,
              std::size_t size, const Sha256& digest, std::string& error) {
  if (!file.ok())
    error = file.problem.error;
  else if (size != entry.size)
    error = wrong(folder, entry.name,
                  "it has " + std::to_string(size) + " bytes and was written with " +
                      std::to_string(entry.size));
  else if (hex(digest) != entry.sha256)
    error = wrong(folder, entry.name, "its SHA-256 is not the one of the manifest");
  else
    return true;
  return false;
}

bool check_file(const Folder& folder, const ManifestEntry& entry, std::string& error) {
  Sha256Sum sum;
  std::size_t size = 0;
  const auto file = read_file(folder, entry.name, largest_file, [&](std::string_view piece) {
    sum.add(piece);
    size += piece.size();
  });
  return is_sound(folder, entry, file, size, std::move(sum).digest(), error);
}

std::optional<std::string> checked_file(const Folder& folder, const ManifestEntry& entry,
                                        std::string& error) {
  auto file = read_file(folder, entry.name, largest_file);
  if (!is_sound(folder, entry, file, file.bytes.size(), sha256(file.bytes), error))
    return std::nullopt;
  return std::move(file.bytes);
}

struct OpenGeneration {
  Folder folder;
  Manifest manifest;
};

std::optional<OpenGeneration> open_generation(const Folder& generations, const std::string& id,
                                              std::string& error) {
  auto opened = open_folder(generations, id, IfMissing::fail);
  if (!opened.ok()) {
    error = opened.problem.error;
    return std::nullopt;
  }
  const auto& folder = opened.folder;
  const auto text = read_file(folder, manifest_name, largest_manifest);
  if (!text.ok()) {
    error = text.problem.error;
    return std::nullopt;
  }
  if (id_of(text.bytes) != id) {
    error = wrong(folder, manifest_name, "its SHA-256 is not the folder's name");
    return std::nullopt;
  }
  auto manifest = manifest_from(text.bytes, error);
  if (!manifest) {
    error = wrong(folder, manifest_name, error);
    return std::nullopt;
  }
  return OpenGeneration{.folder = std::move(opened.folder), .manifest = std::move(*manifest)};
}

// All its files, none of which is kept.
bool check_generation(const Folder& generations, const std::string& id, std::string& error) {
  const auto opened = open_generation(generations, id, error);
  return opened && std::ranges::all_of(opened->manifest.files, [&](const ManifestEntry& entry) {
           return check_file(opened->folder, entry, error);
         });
}

// The folder NAME of the state folder.
std::optional<Folder> subfolder(const std::string& state_dir, const char* name,
                                IfMissing if_missing, std::string& error) {
  auto state = open_folder(state_dir, if_missing);
  if (!state.ok()) {
    error = state.problem.error;
    return std::nullopt;
  }
  auto opened = open_folder(state.folder, name, if_missing);
  if (!opened.ok()) {
    error = opened.problem.error;
    return std::nullopt;
  }
  return std::move(opened.folder);
}

std::optional<std::string> checked_before(const Folder& folder, const std::string& digest,
                                          std::string& error) {
  auto file = read_file(folder, digest, largest_file);
  if (!file.ok()) {
    error = file.problem.error;
    return std::nullopt;
  }
  if (hex(sha256(file.bytes)) != digest) {
    error = wrong(folder, digest, "its SHA-256 is not its name");
    return std::nullopt;
  }
  return std::move(file.bytes);
}

std::set<std::string> named_generations(const State& state) {
  std::set<std::string> names;
  if (state.confirmed) names.insert(*state.confirmed);
  if (state.previous) names.insert(*state.previous);
  if (state.pending) names.insert(state.pending->generation);
  return names;
}

StateRead unreadable(const Result& problem) {
  StateRead read;
  read.found = Found::unreadable;
  read.error = problem.error;
  read.reason = problem.reason;
  return read;
}

StateRead damaged(std::string error) {
  StateRead read;
  read.found = Found::damaged;
  read.error = std::move(error);
  return read;
}

void add_line(std::string& text, const std::string& line) {
  if (!text.empty()) text += '\n';
  text += line;
}

// No state.json: then there must be no generations either.
StateRead without_state(const Folder& folder) {
  const auto generations = open_folder(folder, generations_name, IfMissing::fail);
  if (generations.missing) return {};
  if (!generations.ok()) return unreadable(generations.problem);
  const auto names = names_in(generations.folder);
  if (!names.ok()) return unreadable(names.problem);
  if (std::ranges::none_of(names.names, is_generation_id)) return {};
  return damaged("`" + folder.path_of(state_name) + "` is missing, though there are generations");
}

StateRead read_once(const Folder& folder, const FileBytes& file) {
  if (file.missing) return without_state(folder);
  if (!file.ok()) return unreadable(file.problem);
  StateRead read;
  std::string error;
  read.state = state_from(file.bytes, error);
  if (!read.state) return damaged(wrong(folder, state_name, error));
  const auto& state = *read.state;
  read.found = Found::sound;

  for (const auto& id : named_generations(state)) {
    error.clear();
    const auto generations = open_folder(folder, generations_name, IfMissing::fail);
    if (generations.ok() && check_generation(generations.folder, id, error)) continue;
    read.damaged.push_back(id);
    add_line(read.error, generations.ok() ? error : generations.problem.error);
  }
  if (state.pending && !state.pending->before.empty()) {
    const auto before = open_folder(folder, before_name, IfMissing::fail);
    if (!before.ok())
      add_line(read.error, before.problem.error);
    else if (!checked_before(before.folder, state.pending->before, error))
      add_line(read.error, error);
  }
  if (!read.error.empty()) read.found = Found::damaged;
  return read;
}

std::optional<std::string> fail(std::string& error, const Result& problem) {
  error = problem.error;
  return std::nullopt;
}

std::vector<LentFile> all_files(const Generation& generation, std::span<const LentFile> lent) {
  std::vector<LentFile> files(lent.begin(), lent.end());
  for (const auto& file : generation.files)
    files.push_back({.name = file.name, .origin = file.origin, .bytes = file.bytes});
  return files;
}

Result write_files(const Folder& folder, std::span<const LentFile> files,
                   const std::string& manifest) {
  for (const auto& file : files)
    if (auto result = write_new_file(folder, file.name, file.bytes); !result.ok()) return result;
  if (auto result = write_new_file(folder, manifest_name, manifest); !result.ok()) return result;
  return sync_folder(folder);
}

// Under the name `aside`, of which nothing is left after a failure.
Result write_aside(const Folder& generations, const std::string& aside,
                   std::span<const LentFile> files, const std::string& manifest) {
  if (auto removed = remove_folder(generations, aside); !removed.ok()) return removed;
  const auto opened = open_folder(generations, aside, IfMissing::make);
  if (!opened.ok()) return opened.problem;
  auto written = write_files(opened.folder, files, manifest);
  if (!written.ok()) (void)remove_folder(generations, aside);
  return written;
}

// A damaged generation makes way for the same one, sound; in one step, since what could not be read
// just now may be the confirmed one, and sound after all.
Result put_in_place(const Folder& generations, const std::string& aside, const std::string& id) {
  const auto old = open_folder(generations, id, IfMissing::fail);
  if (old.missing) return rename_in(generations, aside, id);
  if (!old.ok()) return old.problem;
  if (auto exchanged = exchange_in(generations, aside, id); !exchanged.ok()) return exchanged;
  return remove_folder(generations, aside);
}

std::string manifest_text(const Generation& generation, std::span<const LentFile> files) {
  Manifest manifest{.backend = generation.backend,
                    .policy = generation.policy,
                    .audit = generation.audit,
                    .files = {}};
  for (const auto& file : files)
    manifest.files.push_back({.name = file.name,
                              .origin = file.origin,
                              .size = file.bytes.size(),
                              .sha256 = hex(sha256(file.bytes))});
  return to_text(manifest);
}

// Two files of one name, or a name that leads elsewhere, are the caller's mistake.
std::optional<std::string> wrong_name(std::span<const LentFile> files) {
  std::set<std::string_view> names = {manifest_name};
  for (const auto& file : files)
    if (!is_file_name(file.name) || !names.insert(file.name).second) return file.name;
  return std::nullopt;
}

bool is_aside(const std::string& name) { return name.starts_with(aside_prefix); }

// What killed commands left half written in the folder itself.
Result sweep_asides(const Folder& folder) {
  const auto names = names_in(folder);
  if (!names.ok()) return names.problem;
  for (const auto& name : names.names)
    if (is_aside(name))
      if (auto removed = remove_file(folder, name); !removed.ok()) return removed;
  return {};
}

// Goes through the names of the folder NAME, if there is one.
template <class Remove>
Result sweep_folder(const Folder& state, const char* name, Remove remove) {
  const auto opened = open_folder(state, name, IfMissing::fail);
  if (!opened.ok()) return opened.missing ? Result{} : opened.problem;
  const auto names = names_in(opened.folder);
  if (!names.ok()) return names.problem;
  for (const auto& entry : names.names)
    if (auto result = remove(opened.folder, entry); !result.ok()) return result;
  return {};
}

}  // namespace

const std::string* Generation::file(std::string_view name) const {
  const auto found = std::ranges::find(files, name, &GenerationFile::name);
  return found == files.end() ? nullptr : &found->bytes;
}

StateRead read_state(const std::string& state_dir) {
  const auto opened = open_folder(state_dir, IfMissing::fail);
  if (opened.missing) return {};
  if (!opened.ok()) return unreadable(opened.problem);
  // Without the lock, a generation may be swept between the reading of its name and of itself.
  constexpr int most_attempts = 5;
  auto file = read_file(opened.folder, state_name, largest_state);
  for (int attempt = 1;; ++attempt) {
    auto read = read_once(opened.folder, file);
    if (read.found != Found::damaged || attempt == most_attempts) return read;
    auto again = read_file(opened.folder, state_name, largest_state);
    if (again.bytes == file.bytes && again.missing == file.missing) return read;
    file = std::move(again);
  }
}

Result write_state(const std::string& state_dir, const State& state) {
  const auto opened = open_folder(state_dir, IfMissing::make);
  if (!opened.ok()) return opened.problem;
  return replace_file(opened.folder, state_name, to_text(state));
}

std::optional<std::string> write_generation(const std::string& state_dir,
                                            const Generation& generation, std::string& error,
                                            std::span<const LentFile> lent) {
  const auto files = all_files(generation, lent);
  if (const auto name = wrong_name(files)) {
    error = "`" + *name + "` cannot be a file of a generation";
    return std::nullopt;
  }
  const auto state = open_folder(state_dir, IfMissing::make);
  if (!state.ok()) return fail(error, state.problem);
  // So that a missing state.json beside generations is always damage.
  if (read_file(state.folder, state_name, largest_state).missing)
    if (const auto written = replace_file(state.folder, state_name, to_text(State{}));
        !written.ok())
      return fail(error, written);
  const auto generations = open_folder(state.folder, generations_name, IfMissing::make);
  if (!generations.ok()) return fail(error, generations.problem);

  const auto manifest = manifest_text(generation, files);
  auto id = id_of(manifest);
  std::string damage;
  if (check_generation(generations.folder, id, damage)) {
    // It may be new and its name not yet synced, if its writer was killed.
    if (const auto synced = sync_folder(generations.folder); !synced.ok())
      return fail(error, synced);
    return id;
  }
  const auto aside = std::string(aside_prefix) + std::to_string(own_process().pid);
  if (const auto written = write_aside(generations.folder, aside, files, manifest); !written.ok())
    return fail(error, written);
  if (const auto placed = put_in_place(generations.folder, aside, id); !placed.ok()) {
    (void)remove_folder(generations.folder, aside);
    return fail(error, placed);
  }
  return id;
}

std::optional<Generation> read_generation(const std::string& state_dir, const std::string& id,
                                          std::string& error, const Wanted& wanted) {
  if (!is_generation_id(id)) {
    error = "`" + id + "` names no generation";
    return std::nullopt;
  }
  const auto folder = subfolder(state_dir, generations_name, IfMissing::fail, error);
  if (!folder) return std::nullopt;
  auto opened = open_generation(*folder, id, error);
  if (!opened) return std::nullopt;
  const auto& manifest = opened->manifest;
  Generation generation{
      .backend = manifest.backend, .policy = manifest.policy, .audit = manifest.audit, .files = {}};
  for (const auto& entry : manifest.files) {
    if (wanted && !wanted(entry.name)) continue;
    auto bytes = checked_file(opened->folder, entry, error);
    if (!bytes) return std::nullopt;
    generation.files.push_back(
        {.name = entry.name, .origin = entry.origin, .bytes = std::move(*bytes)});
  }
  return generation;
}

std::optional<std::string> write_before(const std::string& state_dir, std::string_view bytes,
                                        std::string& error) {
  const auto folder = subfolder(state_dir, before_name, IfMissing::make, error);
  if (!folder) return std::nullopt;
  auto digest = hex(sha256(bytes));
  if (const auto written = replace_file(*folder, digest, bytes); !written.ok())
    return fail(error, written);
  return digest;
}

std::optional<std::string> read_before(const std::string& state_dir, const std::string& digest,
                                       std::string& error) {
  if (!is_digest(digest)) {
    error = "`" + digest + "` is no digest";
    return std::nullopt;
  }
  const auto folder = subfolder(state_dir, before_name, IfMissing::fail, error);
  if (!folder) return std::nullopt;
  return checked_before(*folder, digest, error);
}

Result sweep(const std::string& state_dir, const State& state) {
  const auto opened = open_folder(state_dir, IfMissing::fail);
  if (!opened.ok()) return opened.missing ? Result{} : opened.problem;
  const auto& folder = opened.folder;
  const auto kept = named_generations(state);
  auto result =
      sweep_folder(folder, generations_name, [&](const Folder& in, const std::string& name) {
        const bool gone = is_aside(name) || (is_generation_id(name) && !kept.contains(name));
        return gone ? remove_folder(in, name) : Result{};
      });
  if (!result.ok()) return result;
  result = sweep_folder(folder, before_name, [&](const Folder& in, const std::string& name) {
    const bool named = state.pending && state.pending->before == name;
    return is_aside(name) || (is_digest(name) && !named) ? remove_file(in, name) : Result{};
  });
  if (!result.ok()) return result;
  return sweep_asides(folder);
}

Result write_loaded(const std::string& run_dir, const Loaded& loaded) {
  const auto opened = open_folder(run_dir, IfMissing::make);
  if (!opened.ok()) return opened.problem;
  if (auto swept = sweep_asides(opened.folder); !swept.ok()) return swept;
  return replace_file(opened.folder, loaded_name, to_text(loaded));
}

std::optional<Loaded> read_loaded(const std::string& run_dir) {
  const auto opened = open_folder(run_dir, IfMissing::fail);
  if (!opened.ok()) return std::nullopt;
  const auto file = read_file(opened.folder, loaded_name, largest_state);
  if (!file.ok()) return std::nullopt;
  std::string error;
  auto loaded = loaded_from(file.bytes, error);
  if (!loaded || read_boot_id(error) != loaded->boot_id) return std::nullopt;
  return loaded;
}

bool at_work(const Pending& pending) {
  std::string error;
  return read_boot_id(error) == pending.boot_id && is_running(pending.process);
}

std::optional<std::string> random_token(std::string& error) {
  std::array<unsigned char, 8> bytes{};
  ssize_t got = -1;
  do got = getrandom(bytes.data(), bytes.size(), 0);
  while (got < 0 && errno == EINTR);
  if (got != static_cast<ssize_t>(bytes.size())) {
    error = std::string("no random bytes: ") + error_text(got < 0 ? errno : EIO);
    return std::nullopt;
  }
  static constexpr char digits[] = "0123456789abcdef";
  std::string token;
  for (const auto byte : bytes) {
    token += digits[byte >> 4U];
    token += digits[byte & 15U];
  }
  return token;
}

}  // namespace firewright::host
