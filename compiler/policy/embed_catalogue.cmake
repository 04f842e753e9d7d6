# Writes INPUT, a text file, as the C++ string of catalogue_text() into OUTPUT. The text is cut into
# pieces, since a string literal of more than 65,536 bytes is not portable.
file(READ ${INPUT} text)
string(LENGTH "${text}" length)
set(pieces "")
set(at 0)
while(at LESS length)
  string(SUBSTRING "${text}" ${at} 8000 piece)
  string(APPEND pieces "R\"toml(${piece})toml\"\n")
  math(EXPR at "${at} + 8000")
endwhile()
file(WRITE ${OUTPUT} "#include \"compiler/policy/catalogue.h\"\n\nnamespace firewright::policy {\n\n"
  "std::string_view catalogue_text() {\n  static constexpr std::string_view text =\n${pieces};\n"
  "  return text;\n}\n\n}  // namespace firewright::policy\n")
