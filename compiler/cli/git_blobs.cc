#include "compiler/cli/git_blobs.h"

#include <charconv>
#include <optional>
#include <string_view>
#include <system_error>

namespace firewright::cli {
namespace {

// "NUMBER blob SIZE\n", SIZE bytes, "\n"; or "NUMBER missing\n".
struct Answer {
  std::string_view number;
  std::optional<std::string_view> text;
};

std::optional<Answer> take_answer(std::string_view& out) {
  const auto end = out.find('\n');
  if (end == std::string_view::npos) return std::nullopt;
  const auto head = out.substr(0, end);
  out.remove_prefix(end + 1);
  Answer answer{.number = head.substr(0, head.find(' ')), .text = std::nullopt};
  const auto type = head.find(" blob ");
  if (type == std::string_view::npos) return answer;
  std::size_t size = 0;
  const auto* const last = head.data() + head.size();
  if (std::from_chars(head.data() + type + 6, last, size).ptr != last || size >= out.size())
    return std::nullopt;
  answer.text = out.substr(0, size);
  out.remove_prefix(size + 1);
  return answer;
}

}  // namespace

std::string failure(const host::Finished& git) {
  if (git.exec_error != 0)
    return "cannot run git: " + std::generic_category().message(git.exec_error);
  const auto said = git.err.substr(0, git.err.find('\n'));
  return said.empty() ? "git failed" : said;
}

GitBlobs::Text GitBlobs::find(const std::string& number) const {
  const std::scoped_lock lock(mutex_);
  const auto known = texts_.find(number);
  return known == texts_.end() ? nullptr : known->second;
}

void GitBlobs::fetch(const std::set<std::string>& numbers) {
  std::string wanted;
  for (const auto& number : numbers)
    if (find(number) == nullptr) wanted += number + "\n";
  if (wanted.empty()) return;
  const auto git = host::run({"git", "cat-file", "--batch"}, wanted);
  if (!git.ok()) return;  // too much for one call, for example
  const std::scoped_lock lock(mutex_);
  std::string_view out = git.out;
  while (const auto answer = take_answer(out))
    if (answer->text)
      texts_.try_emplace(std::string(answer->number),
                         std::make_shared<const std::string>(*answer->text));
}

FileContent GitBlobs::read(const std::string& number, std::size_t limit) {
  auto text = find(number);
  if (text == nullptr) {
    auto git = host::run({"git", "cat-file", "blob", number}, {});
    if (!git.ok())
      return {.text = std::nullopt, .error = failure(git), .too_large = false, .missing = false};
    text = std::make_shared<const std::string>(std::move(git.out));
    const std::scoped_lock lock(mutex_);
    texts_.try_emplace(number, text);
  }
  if (text->size() > limit)
    return {.text = std::nullopt, .error = "it is too large", .too_large = true, .missing = false};
  return {.text = *text, .error = {}, .too_large = false, .missing = false};
}

}  // namespace firewright::cli
