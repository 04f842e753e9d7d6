// `vars`, --set and --vars, and "${name}" wherever a value stands.
//
// A string that is one "${name}" and nothing else becomes the variable's value, whatever its type;
// an array in an array takes the place of its use, item by item. Inside a longer string, strings
// and integers are put in as text. "$${" stands for "${". What grows out of a policy is bounded.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "compiler/policy/context.h"
#include "compiler/policy/facts.h"

namespace firewright::policy {

class Variables {
 public:
  explicit Variables(Context& context) : context_(context) {}

  // --vars, then --set, which win over the files' own definitions.
  void read_command_line();
  // A file's `vars`, which must live on.
  void define(const Value& table);
  // Substitutes in place. What cannot be substituted is broken afterwards, and reported.
  void expand(Value& value);
  // What a name was set to from outside of the files; nullptr: it was not.
  [[nodiscard]] const Value* override_of(const std::string& name) const;
  [[nodiscard]] bool defined_by_file(const std::string& name) const {
    return defined_.contains(name);
  }
  // What is wrong with variables that nothing uses, and --set of names that nothing uses.
  void check_unused();

 private:
  enum class State : std::uint8_t { raw, resolving, done, failed };
  struct Variable {
    Value value;
    Span span;                       // of the definition; not known for JSON facts
    const Value* written = nullptr;  // by a file
    State state = State::raw;
    bool used = false;
    bool set = false;  // by --set
  };
  struct Piece {
    std::string text;  // literal text, or a variable's name
    bool variable = false;
    Span span;
  };

  void read_set(const std::string& argument, FileId file, std::uint32_t begin);
  void read_facts_file(const std::string& path);
  void override_with(const Fact& fact);
  [[nodiscard]] bool check_definition(const Entry& entry);
  void expand_array(Value& value);
  void expand_string(Value& value);
  [[nodiscard]] std::optional<std::vector<Piece>> pieces(const Value& value);
  [[nodiscard]] const Variable* resolve(const Value& use, const Piece& piece);
  [[nodiscard]] Variable* find(const std::string& name);
  [[nodiscard]] bool spend(std::size_t bytes, const Value& use);

  Context& context_;
  std::map<std::string, Variable> defined_;    // by the files
  std::map<std::string, Variable> overrides_;  // by the command line
  std::size_t depth_ = 0;
  std::size_t budget_ = 64UL << 20U;  // bytes that all substitutions together may come to
  bool budget_reported_ = false;
};

}  // namespace firewright::policy
