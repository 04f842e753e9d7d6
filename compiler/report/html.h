// HTML, written element by element: tags are closed in the order in which they were opened, and
// text of other people stays text.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <vector>

namespace firewright::report {

struct Attribute {
  std::string_view name;
  std::string_view value;
};
using Attributes = std::initializer_list<Attribute>;

// `&`, `<`, `>` and both quotes become entities. What a reader would not see, or what turns text
// around, is shown as an escape, and bytes that are no UTF-8 as well.
[[nodiscard]] std::string escaped(std::string_view text);

class Html {
 public:
  explicit Html(std::string_view language);

  Html& open(std::string_view tag, Attributes attributes = {});
  Html& close();
  Html& text(std::string_view text);
  // One element with nothing but text in it.
  Html& element(std::string_view tag, std::string_view text, Attributes attributes = {});
  // One that has no content and no end tag.
  Html& empty(std::string_view tag, Attributes attributes);
  // A style sheet of ours, as it is.
  Html& style(std::string_view sheet);
  // Closes all that is open.
  [[nodiscard]] std::string take();

 private:
  void begin(std::string_view tag, Attributes attributes);

  std::string out_;
  std::vector<std::string_view> open_;
};

}  // namespace firewright::report
