// Source text and places in it.
//
// A Span is a half-open range of bytes of one source file. Lines and columns are computed only when
// a person has to see them: lines count from 1, columns count from 1 in Unicode code points.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace firewright {

// Names one file of a Sources. `none` stands for "no file": things that were not written by anybody
// (the baseline, a decoded artifact's rules).
enum class FileId : std::uint32_t { none = 0xffffffff };

struct Span {
  FileId file = FileId::none;
  std::uint32_t begin = 0;
  std::uint32_t end = 0;

  [[nodiscard]] bool known() const { return file != FileId::none; }
  bool operator==(const Span&) const = default;
  auto operator<=>(const Span&) const = default;
};

// A value and the place where its author wrote it.
template <class T>
struct Spanned {
  T value{};
  Span span;
};

struct Position {
  std::uint32_t line = 0;    // from 1
  std::uint32_t column = 0;  // from 1, in code points
};

// One file's text, with an index of its lines.
class SourceFile {
 public:
  SourceFile(std::string name, std::string text);

  [[nodiscard]] const std::string& name() const { return name_; }
  [[nodiscard]] std::string_view text() const { return text_; }
  [[nodiscard]] Position position(std::uint32_t offset) const;
  // The text of a line without its line ending. Lines that do not exist are empty.
  [[nodiscard]] std::string_view line(std::uint32_t number) const;
  // The byte offset of a line and column; past the end of a line it is the line's end.
  [[nodiscard]] std::uint32_t offset(Position position) const;

 private:
  std::string name_;
  std::string text_;
  std::vector<std::uint32_t> line_starts_;
};

// All files that one run has read. References to its files stay valid as more are added.
class Sources {
 public:
  Sources() = default;
  // A layer: the files of `below`, and behind them its own. Nothing may be added to `below` while
  // it lives, so that any number of threads can have a layer each.
  explicit Sources(const Sources* below) : below_(below), first_own_(below->size()) {}

  FileId add(std::string name, std::string text);
  [[nodiscard]] const SourceFile& file(FileId id) const {
    const auto index = static_cast<std::size_t>(id);
    return index < first_own_ ? below_->file(id) : files_[index - first_own_];
  }
  [[nodiscard]] std::size_t size() const { return first_own_ + files_.size(); }
  [[nodiscard]] Position position(Span span) const { return file(span.file).position(span.begin); }

 private:
  const Sources* below_ = nullptr;
  std::size_t first_own_ = 0;
  std::deque<SourceFile> files_;
};

}  // namespace firewright
