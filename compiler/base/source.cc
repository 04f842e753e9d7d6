#include "compiler/base/source.h"

#include <algorithm>

namespace firewright {
namespace {

bool continues_code_point(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) == 0x80; }

}  // namespace

SourceFile::SourceFile(std::string name, std::string text)
    : name_(std::move(name)), text_(std::move(text)) {
  line_starts_.push_back(0);
  for (auto at = text_.find('\n'); at != std::string::npos; at = text_.find('\n', at + 1))
    line_starts_.push_back(static_cast<std::uint32_t>(at + 1));
}

Position SourceFile::position(std::uint32_t offset) const {
  offset = std::min(offset, static_cast<std::uint32_t>(text_.size()));
  const auto after = std::upper_bound(line_starts_.begin(), line_starts_.end(), offset);
  const auto start = *(after - 1);
  Position position{.line = static_cast<std::uint32_t>(after - line_starts_.begin()), .column = 1};
  for (auto i = start; i < offset; ++i)
    if (!continues_code_point(text_[i])) ++position.column;
  if (offset > start && offset < text_.size() && continues_code_point(text_[offset]))
    --position.column;  // inside a code point: its own column
  return position;
}

std::string_view SourceFile::line(std::uint32_t number) const {
  if (number == 0 || number > line_starts_.size()) return {};
  const std::size_t begin = line_starts_[number - 1];
  std::size_t end = number < line_starts_.size() ? line_starts_[number] - 1 : text_.size();
  if (end > begin && text_[end - 1] == '\r') --end;
  return std::string_view(text_).substr(begin, end - begin);
}

std::uint32_t SourceFile::offset(Position position) const {
  if (position.line == 0) return 0;
  if (position.line > line_starts_.size()) return static_cast<std::uint32_t>(text_.size());
  const auto text = line(position.line);
  std::size_t i = 0;
  for (std::uint32_t column = 1; column < position.column && i < text.size(); ++column) {
    ++i;
    while (i < text.size() && continues_code_point(text[i])) ++i;
  }
  return line_starts_[position.line - 1] + static_cast<std::uint32_t>(i);
}

FileId Sources::add(std::string name, std::string text) {
  files_.emplace_back(std::move(name), std::move(text));
  return static_cast<FileId>(size() - 1);
}

}  // namespace firewright
