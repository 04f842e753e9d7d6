# Writes INPUT, a text file, as the text of catalogue_text() into OUTPUT. It is cut into pieces, which are
# joined at the first call: a string literal of more than 65,536 bytes is not portable.
file(READ ${INPUT} text)
string(LENGTH "${text}" length)
set(pieces "")
set(at 0)
while(at LESS length)
  string(SUBSTRING "${text}" ${at} 8000 piece)
  string(APPEND pieces "R\"toml(${piece})toml\",\n")
  math(EXPR at "${at} + 8000")
endwhile()
file(WRITE ${OUTPUT} "#include <string>\n\n#include \"compiler/policy/catalogue.h\"\n\n"
  "namespace firewright::policy {\nnamespace {\n\n"
  "constexpr std::string_view pieces[] = {\n${pieces}};\n\n}  // namespace\n\n"
  "std::string_view catalogue_text() {\n  static const std::string text = [] {\n"
  "    std::string joined;\n    for (const auto piece : pieces) joined += piece;\n"
  "    return joined;\n  }();\n  return text;\n}\n\n}  // namespace firewright::policy\n")
