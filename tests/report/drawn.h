// A policy out of memory, lowered and drawn.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "compiler/lower/lower.h"
#include "compiler/report/picture.h"
#include "tests/policy/reading.h"

namespace firewright::report {

constexpr policy::Date today{.year = 2026, .month = 1, .day = 1};

struct Drawn {
  policy::Reading reading;
  ir::Program program;
  Picture picture;

  [[nodiscard]] const Matrix& of(policy::Direction direction) const {
    for (const auto& matrix : picture.matrices)
      if (matrix.direction == direction) return matrix;
    return picture.matrices.front();
  }
  // "yes", "in part: from admins by administration", ...
  [[nodiscard]] std::string cell(policy::Direction direction, const std::string& service,
                                 const std::string& party) const {
    const auto& matrix = of(direction);
    for (std::size_t p = 0; p < matrix.parties.size(); ++p)
      for (const auto& row : matrix.rows)
        if (matrix.parties[p].name == party && row.service.name == service)
          return say(row.cells[p]);
    return "nothing of this name";
  }
  // "ssh; telnet within the limit ..."
  [[nodiscard]] std::string openings(policy::Direction direction) const {
    std::string text;
    for (const auto& opening : of(direction).openings)
      text += (text.empty() ? "" : "; ") + opening.service.name + " " + say(opening.cell);
    return text;
  }

  static std::string say(const Cell& cell) {
    std::string text(to_string(cell.answer));
    for (const auto& part : cell.parts) {
      text += (&part == cell.parts.data() ? ": " : " + ") + part.what;
      for (const auto& name : part.by) text += " by " + name;
    }
    return cell.more ? text + " + more" : text;
  }
};

inline std::unique_ptr<Drawn> draw_text(const std::string& text, Target target = Target::nftables,
                                        bool say_today = false) {
  auto drawn = std::make_unique<Drawn>();
  EXPECT_EQ(drawn->reading.read_text(text), "") << text;
  drawn->program =
      lower::lower(drawn->reading.policy, {.target = target, .today = today}, drawn->reading.sink);
  auto picture = draw(drawn->reading.policy, drawn->program,
                      {.file = "policy.toml",
                       .target = target,
                       .today = today,
                       .say_today = say_today,
                       .beside = nullptr,
                       .budget = {}},
                      drawn->reading.sources);
  EXPECT_TRUE(picture);
  if (picture) drawn->picture = std::move(*picture);
  return drawn;
}

}  // namespace firewright::report
