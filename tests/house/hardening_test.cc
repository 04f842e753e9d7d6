// How the command was linked and compiled: what keeps a fault from becoming a way in.
//
// ELF(5), and https://wiki.debian.org/Hardening for what is usual.

#include <elf.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

namespace firewright::house {
namespace {

#if defined(__SANITIZE_ADDRESS__)
constexpr bool sanitized = true;
#else
constexpr bool sanitized = false;
#endif

class Executable {
 public:
  explicit Executable(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    bytes_.assign(std::istreambuf_iterator<char>(file), {});
    header_ = at<Elf64_Ehdr>(0);
  }

  [[nodiscard]] bool is_elf() const {
    return std::memcmp(header_.e_ident, ELFMAG, SELFMAG) == 0 &&
           header_.e_ident[EI_CLASS] == ELFCLASS64;
  }
  [[nodiscard]] bool is_position_independent() const { return header_.e_type == ET_DYN; }

  [[nodiscard]] std::vector<Elf64_Phdr> segments(std::uint32_t type) const {
    std::vector<Elf64_Phdr> found;
    for (std::size_t i = 0; i < header_.e_phnum; ++i)
      if (const auto segment = at<Elf64_Phdr>(header_.e_phoff + i * header_.e_phentsize);
          segment.p_type == type)
        found.push_back(segment);
    return found;
  }
  [[nodiscard]] std::uint64_t dynamic(std::int64_t tag) const {
    for (const auto& segment : segments(PT_DYNAMIC))
      for (std::size_t offset = 0; offset < segment.p_filesz; offset += sizeof(Elf64_Dyn))
        if (const auto entry = at<Elf64_Dyn>(segment.p_offset + offset); entry.d_tag == tag)
          return entry.d_un.d_val;
    return 0;
  }
  // As a whole word: among the names of symbols and sections.
  [[nodiscard]] bool names(const std::string& symbol) const {
    return bytes_.find('\0' + symbol + '\0') != std::string::npos;
  }

 private:
  template <class T>
  [[nodiscard]] T at(std::size_t offset) const {
    T value{};
    if (offset + sizeof value <= bytes_.size())
      std::memcpy(&value, bytes_.data() + offset, sizeof value);
    return value;
  }

  std::string bytes_;
  Elf64_Ehdr header_{};
};

TEST(Hardening, OfTheCommand) {
  if (sanitized) GTEST_SKIP() << "not of a build with sanitizers";
  const Executable command(FIREWRIGHT_BINARY);
  if (!command.is_elf()) GTEST_SKIP() << "no 64-bit ELF file";
  EXPECT_TRUE(command.is_position_independent());
  EXPECT_EQ(command.segments(PT_GNU_RELRO).size(), 1U);
  EXPECT_NE(command.dynamic(DT_FLAGS) & DF_BIND_NOW, 0U);
  const auto stacks = command.segments(PT_GNU_STACK);
  ASSERT_EQ(stacks.size(), 1U);
  EXPECT_EQ(stacks[0].p_flags & PF_X, 0U);
  for (const auto& segment : command.segments(PT_LOAD))
    EXPECT_FALSE((segment.p_flags & PF_W) != 0 && (segment.p_flags & PF_X) != 0);
  EXPECT_TRUE(command.names("__stack_chk_fail"));
#ifdef NDEBUG
  // Of what it calls, at least one has the form that knows the size of its buffer.
  bool fortified = false;
  for (const char* name : {"memcpy", "memmove", "snprintf", "read", "recv", "readlink"})
    fortified = fortified || command.names("__" + std::string(name) + "_chk");
  EXPECT_TRUE(fortified);
#endif
}

}  // namespace
}  // namespace firewright::house
