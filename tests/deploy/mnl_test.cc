// deploy/static/mnl.cc, which stands in for libmnl where the command is linked statically, against
// libmnl itself: the same calls on both write the same bytes, and read the same from any bytes.

#include <dlfcn.h>
#include <gtest/gtest.h>
#include <libmnl/libmnl.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <random>
#include <vector>

namespace firewright::deploy {
namespace {

using Buffer = std::array<char, 8192>;

// The functions of one of the two, by their names.
class Library {
 public:
  explicit Library(const char* path) : handle_(dlopen(path, RTLD_NOW | RTLD_LOCAL)) {
    if (handle_ == nullptr) throw std::runtime_error(dlerror());
  }
  Library(const Library&) = delete;
  Library& operator=(const Library&) = delete;
  ~Library() { dlclose(handle_); }

  template <class Function>
  Function* get(Function*, const char* name) const {
    auto* found = dlsym(handle_, name);
    if (found == nullptr) throw std::runtime_error(std::string("no ") + name);
    return reinterpret_cast<Function*>(found);
  }

 private:
  void* handle_;
};

#define CALL(library, name) (library).get(&name, #name)

// A message of random attributes, nested up to three deep. Both get the same choices.
void write_attributes(const Library& library, std::mt19937& random, nlmsghdr* message, int depth) {
  const auto count = random() % 4;  // so that all of them fit
  for (unsigned i = 0; i < count; ++i) {
    const auto type = static_cast<std::uint16_t>(random() % 20);
    const auto length = random() % 20;
    const std::string text(length, static_cast<char>('a' + random() % 26));
    switch (random() % 8) {
      case 0:
        CALL(library, mnl_attr_put_u8)(message, type, static_cast<std::uint8_t>(length));
        break;
      case 1:
        CALL(library, mnl_attr_put_u16)(message, type, static_cast<std::uint16_t>(length));
        break;
      case 2:
        CALL(library, mnl_attr_put_u32)(message, type, static_cast<std::uint32_t>(length));
        break;
      case 3: CALL(library, mnl_attr_put_u64)(message, type, length); break;
      case 4: CALL(library, mnl_attr_put_str)(message, type, text.c_str()); break;
      case 5: CALL(library, mnl_attr_put_strz)(message, type, text.c_str()); break;
      case 6: CALL(library, mnl_attr_put)(message, type, length, text.data()); break;
      default:
        if (depth == 3) break;
        auto* nest = CALL(library, mnl_attr_nest_start)(message, type);
        write_attributes(library, random, message, depth + 1);
        CALL(library, mnl_attr_nest_end)(message, nest);
    }
  }
}

std::string written(const Library& library, unsigned seed, Buffer& buffer) {
  std::mt19937 random(seed);
  buffer.fill(0);  // libmnl does not write what pads a value
  auto* message = CALL(library, mnl_nlmsg_put_header)(buffer.data());
  message->nlmsg_type = static_cast<std::uint16_t>(random());
  auto* extra = CALL(library, mnl_nlmsg_put_extra_header)(message, random() % 9);
  static_cast<void>(extra);
  write_attributes(library, random, message, 0);
  const auto* tail = CALL(library, mnl_nlmsg_get_payload_tail)(message);
  return {buffer.data(), static_cast<std::size_t>(static_cast<const char*>(tail) - buffer.data())};
}

// All that can be asked of an attribute and what is in it, as numbers.
struct Reading {
  const Library& library;
  std::vector<std::uint64_t> seen;
  int depth = 0;
  unsigned stop_after = 0;

  void note_result(int result) {
    seen.push_back(static_cast<std::uint64_t>(result));
    seen.push_back(result < 0 ? static_cast<std::uint64_t>(errno) : 0);
  }
  void look(const nlattr* attribute) {
    const auto length = CALL(library, mnl_attr_get_payload_len)(attribute);
    seen.push_back(CALL(library, mnl_attr_get_type)(attribute));
    seen.push_back(length);
    note_result(CALL(library, mnl_attr_type_valid)(attribute, 10));
    for (int type = MNL_TYPE_UNSPEC; type <= MNL_TYPE_MAX; ++type)
      note_result(
          CALL(library, mnl_attr_validate)(attribute, static_cast<mnl_attr_data_type>(type)));
    if (length >= 1) seen.push_back(CALL(library, mnl_attr_get_u8)(attribute));
    if (length >= 2) seen.push_back(CALL(library, mnl_attr_get_u16)(attribute));
    if (length >= 4) seen.push_back(CALL(library, mnl_attr_get_u32)(attribute));
    if (length >= 8) seen.push_back(CALL(library, mnl_attr_get_u64)(attribute));
    if (depth == 3) return;
    ++depth;
    note_result(CALL(library, mnl_attr_parse_nested)(attribute, &Reading::each, this));
    --depth;
  }
  static int each(const nlattr* attribute, void* data) {
    auto& reading = *static_cast<Reading*>(data);
    reading.look(attribute);
    return reading.stop_after > 0 && --reading.stop_after == 0 ? MNL_CB_STOP : MNL_CB_OK;
  }
};

std::vector<std::uint64_t> read(const Library& library, const Buffer& buffer, std::size_t size,
                                unsigned stop_after) {
  Reading reading{.library = library, .seen = {}, .stop_after = stop_after};
  int left = static_cast<int>(size);
  const auto* message = reinterpret_cast<const nlmsghdr*>(buffer.data());
  reading.seen.push_back(CALL(library, mnl_nlmsg_ok)(message, left) ? 1 : 0);
  if (reading.seen.back() == 0) return reading.seen;
  reading.seen.push_back(CALL(library, mnl_nlmsg_get_payload_len)(message));
  reading.note_result(CALL(library, mnl_attr_parse)(message, 4, &Reading::each, &reading));
  const auto* next = CALL(library, mnl_nlmsg_next)(message, &left);
  reading.seen.push_back(static_cast<std::uint64_t>(left));
  reading.seen.push_back(static_cast<std::uint64_t>(reinterpret_cast<const char*>(next) -
                                                    reinterpret_cast<const char*>(message)));
  return reading.seen;
}

TEST(StaticMnl, WritesAndReadsAsTheLibraryDoes) {
  const Library theirs("libmnl.so.0");
  const Library ours(FIREWRIGHT_STATIC_MNL);
  std::size_t seen = 0;
  for (unsigned seed = 1; seed <= 20'000; ++seed) {
    Buffer a{}, b{};
    const auto expected = written(theirs, seed, a);
    ASSERT_EQ(written(ours, seed, b), expected) << "seed " << seed;
    ASSERT_EQ(a, b) << "seed " << seed;
    // As it is, and with some bytes changed.
    std::mt19937 random(seed);
    for (int round = 0; round < 3; ++round) {
      const auto stop_after = static_cast<unsigned>(random() % 5);
      const auto wanted = read(theirs, a, expected.size(), stop_after);
      ASSERT_EQ(read(ours, a, expected.size(), stop_after), wanted) << "seed " << seed;
      seen += wanted.size();
      // Of the message's length not the highest byte: the library takes it for a sign.
      const auto at = random() % expected.size();
      if (at != 3) a[at] = static_cast<char>(random());
    }
  }
  EXPECT_GT(seen, 1'000'000U);
}

}  // namespace
}  // namespace firewright::deploy
