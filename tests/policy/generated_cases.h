// Bad input that is better made than kept: binary, huge, or not a file at all.
#pragma once

#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

#include "tests/policy/reading.h"

namespace firewright::policy {

struct GeneratedCase {
  std::string name;
  std::string kind;
  std::function<void(Reading&)> prepare;
  std::string message;
  std::uint32_t line = 0;  // 0: the diagnostic has no place
  std::uint32_t column = 0;
};

inline void PrintTo(const GeneratedCase& generated, std::ostream* out) { *out << generated.name; }

inline std::string repeated(const std::string& text, std::size_t times) {
  std::string out;
  out.reserve(text.size() * times);
  for (std::size_t i = 0; i < times; ++i) out += text;
  return out;
}

inline GeneratedCase text_case(std::string name, std::string kind, std::string text,
                               std::string message, std::uint32_t line, std::uint32_t column) {
  return {.name = std::move(name),
          .kind = std::move(kind),
          .prepare = [text = std::move(text)](Reading& r) { r.files.files["policy.toml"] = text; },
          .message = std::move(message),
          .line = line,
          .column = column};
}

inline std::vector<GeneratedCase> generated_cases() {
  const std::string deep = "values are nested deeper than 128";
  return {
      {.name = "MissingFile",
       .kind = "cannot-read",
       .prepare = [](Reading&) {},
       .message = "cannot read `policy.toml`: no such file or directory"},
      {.name = "Directory",
       .kind = "cannot-read",
       .prepare = [](Reading& r) { r.files.files["policy.toml/a"] = ""; },
       .message = "cannot read `policy.toml`: is a directory"},
      {.name = "HundredMegabytes",
       .kind = "file-too-large",
       .prepare = [](Reading& r) { r.files.files["policy.toml"].assign(100'000'000, '\n'); },
       .message = "`policy.toml` is larger than 64 MiB"},
      {.name = "MillionsOfValues",
       .kind = "file-too-large",
       .prepare =
           [](Reading& r) {
             r.files.files["policy.toml"] = "a = [" + repeated("0,", 5'000'001) + "]";
           },
       .message = "`policy.toml` is larger than 5000000 values"},
      text_case("NestedArrays", "nested-too-deep", "x = " + repeated("[", 100'000), deep, 1, 133),
      text_case("NestedClosedArrays", "nested-too-deep",
                "x = " + repeated("[", 100'000) + repeated("]", 100'000), deep, 1, 133),
      text_case("NestedInlineTables", "nested-too-deep", "x = " + repeated("{a=", 100'000), deep, 1,
                389),
      text_case("DottedKey", "nested-too-deep", repeated("a.", 100'000) + "a = 1\n", deep, 1, 258),
      text_case("DottedHeader", "nested-too-deep", "\n[" + repeated("a . ", 100'000) + "a]\n", deep,
                2, 516),
      text_case("NulByte", "not-utf8", std::string("[inbound]\nallow = [\"s\0sh\"]\n", 27),
                "the file is not UTF-8 text: there is a NUL byte", 2, 12),
      text_case("InvalidUtf8", "not-utf8", "# gr\xC3\xBC\xC3\x9F\n# \xFF\n",
                "the file is not UTF-8 text: byte 0xff", 2, 3),
      text_case("CutUtf8", "not-utf8", "# \xE2\x82", "the file is not UTF-8 text: byte 0xe2", 1, 3),
      text_case("Utf16", "not-utf8", std::string("\xFF\xFE[\0i\0]\0", 8),
                "the file is not UTF-8 text: byte 0xff", 1, 1),
      text_case("Surrogate", "not-utf8", "x = \"\xED\xA0\x80\"",
                "the file is not UTF-8 text: byte 0xed", 1, 6),
      {.name = "ChainOfIncludes",
       .kind = "include-limit",
       .prepare =
           [](Reading& r) {
             r.files.files["policy.toml"] = "include = '0.toml'\n[inbound]\n";
             for (int i = 0; i < 100; ++i)
               r.files.files[std::to_string(i) + ".toml"] =
                   "include = '" + std::to_string(i + 1) + ".toml'\n";
           },
       .message = "includes are nested deeper than 64",
       .line = 1,
       .column = 11},
      {.name = "BillionLaughs",
       .kind = "expansion-too-large",
       .prepare =
           [](Reading& r) {
             std::string text = "[vars]\nv0 = \"ha\"\n";
             for (int i = 1; i < 40; ++i)
               text += "v" + std::to_string(i) + " = \"${v" + std::to_string(i - 1) + "}${v" +
                       std::to_string(i - 1) + "}\"\n";
             r.files.files["policy.toml"] = text + "[inbound]\nlog = \"${v39}\"\n";
           },
       .message = "variables grow to more than 64 MiB here",
       .line = 27,
       .column = 7},
  };
}

}  // namespace firewright::policy
