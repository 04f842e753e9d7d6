// The text and the batch give the same kernel: the same listing, and the same answers over netlink.
#include <gtest/gtest.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

#include "backends/host/host.h"
#include "backends/host/process.h"
#include "backends/nftables/capable.h"
#include "backends/nftables/encode.h"
#include "tests/backends/in_namespace.h"
#include "tests/backends/nftables/programs.h"

namespace firewright::nftables {
namespace {

using test::enter_namespace;

std::string hex(const void* bytes, std::size_t size) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string text;
  for (std::size_t i = 0; i < size; ++i) {
    const auto byte = static_cast<const unsigned char*>(bytes)[i];
    text += digits[byte >> 4U];
    text += digits[byte & 0xfU];
  }
  return text;
}

// The kernel's handles count whatever was ever made; they say nothing.
bool is_handle(int type, std::uint16_t attribute) {
  switch (type) {
    case NFT_MSG_NEWTABLE: return attribute == NFTA_TABLE_HANDLE;
    case NFT_MSG_NEWCHAIN: return attribute == NFTA_CHAIN_HANDLE;
    case NFT_MSG_NEWRULE: return attribute == NFTA_RULE_HANDLE || attribute == NFTA_RULE_POSITION;
    case NFT_MSG_NEWSET: return attribute == NFTA_SET_HANDLE;
    case NFT_MSG_NEWOBJ: return attribute == NFTA_OBJ_HANDLE;
    default: return false;
  }
}

struct Dump {
  std::vector<std::string> lines;
  std::vector<std::string> sets;
};

int on_message(const nlmsghdr* message, void* data) {
  auto& dump = *static_cast<Dump*>(data);
  const int type = message->nlmsg_type & 0xff;
  std::string line = std::to_string(type);
  const nlattr* attribute = nullptr;
  for (attribute =
           static_cast<const nlattr*>(mnl_nlmsg_get_payload_offset(message, sizeof(nfgenmsg)));
       mnl_attr_ok(attribute,
                   static_cast<int>(static_cast<const char*>(mnl_nlmsg_get_payload_tail(message)) -
                                    reinterpret_cast<const char*>(attribute)));
       attribute = mnl_attr_next(attribute)) {
    const std::uint16_t kind = mnl_attr_get_type(attribute);
    if (is_handle(type, kind)) continue;
    if (type == NFT_MSG_NEWSET && kind == NFTA_SET_NAME)
      dump.sets.emplace_back(mnl_attr_get_str(attribute));
    if (type == NFT_MSG_NEWSETELEM && kind == NFTA_SET_ELEM_LIST_ELEMENTS) {
      std::vector<std::string> elements;  // in the order of a hash table
      for (auto* element = static_cast<const nlattr*>(mnl_attr_get_payload(attribute));
           mnl_attr_ok(element, static_cast<int>(reinterpret_cast<const char*>(attribute) +
                                                 attribute->nla_len -
                                                 reinterpret_cast<const char*>(element)));
           element = mnl_attr_next(element))
        elements.push_back(hex(element, element->nla_len));
      std::sort(elements.begin(), elements.end());
      for (const auto& element : elements) line += "\n  " + element;
      continue;
    }
    line += " " + std::to_string(kind) + "=" +
            hex(mnl_attr_get_payload(attribute), mnl_attr_get_payload_len(attribute));
  }
  dump.lines.push_back(std::move(line));
  return MNL_CB_OK;
}

void dump(mnl_socket* socket, std::uint16_t type, const std::string& set, Dump& into) {
  std::vector<char> buffer(1 << 17);
  nlmsghdr* request = mnl_nlmsg_put_header(buffer.data());
  request->nlmsg_type = static_cast<std::uint16_t>((NFNL_SUBSYS_NFTABLES << 8) | type);
  request->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
  auto* extra = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(request, sizeof(nfgenmsg)));
  extra->nfgen_family = 1;  // NFPROTO_INET
  if (!set.empty()) {
    mnl_attr_put_strz(request, NFTA_SET_ELEM_LIST_TABLE, "firewright");
    mnl_attr_put_strz(request, NFTA_SET_ELEM_LIST_SET, set.c_str());
  }
  mnl_socket_sendto(socket, request, request->nlmsg_len);
  int state = MNL_CB_OK;
  while (state > MNL_CB_STOP) {
    const auto got = mnl_socket_recvfrom(socket, buffer.data(), buffer.size());
    state = mnl_cb_run(buffer.data(), static_cast<std::size_t>(got), 0, 0, on_message, &into);
  }
}

std::string whole_dump() {
  mnl_socket* socket = mnl_socket_open(NETLINK_NETFILTER);
  Dump all;
  for (const std::uint16_t type :
       {NFT_MSG_GETTABLE, NFT_MSG_GETCHAIN, NFT_MSG_GETOBJ, NFT_MSG_GETSET, NFT_MSG_GETRULE})
    dump(socket, type, {}, all);
  for (const auto& set : all.sets) dump(socket, NFT_MSG_GETSETELEM, set, all);
  mnl_socket_close(socket);
  std::string text;
  for (const auto& line : all.lines) text += line + "\n";
  return text;
}

std::string listing() {
  const auto finished = host::run({"nft", "list", "ruleset"}, {});
  return finished.out + finished.err;
}

// In a namespace: both ways, each in one of its own. Empty when they agree.
std::string compare(const std::string& text, const std::string& batch) {
  const auto checked = host::run({"nft", "-c", "-f", "-"}, text);
  if (!checked.ok()) return "nft -c refuses the text: " + checked.err;
  const auto by_text = host::run({"nft", "-f", "-"}, text);
  if (!by_text.ok()) return "nft refuses the text: " + by_text.err;
  const std::string text_listing = listing();
  const std::string text_dump = whole_dump();
  if (!enter_namespace().empty()) return "no second namespace";
  if (const auto tried = host::load_batch(batch, {.dry_run = true}); !tried.ok())
    return "the batch is refused: " + tried.error;
  if (!listing().empty()) return "a dry run changed something";
  for (int round = 0; round < 2; ++round) {
    if (const auto loaded = host::load_batch(batch); !loaded.ok())
      return "the batch is refused: " + loaded.error;
    if (const auto other = listing(); other != text_listing)
      return "listings differ\n--- text\n" + text_listing + "--- batch\n" + other;
    if (const auto other = whole_dump(); other != text_dump)
      return "dumps differ\n--- text\n" + text_dump + "--- batch\n" + other + "--- listing\n" +
             text_listing;
  }
  return {};
}

void expect_equal(const ir::Program& program, const backend::Options& options = {}) {
  Sink sink;
  const auto artifact = encode(capable(program, options, sink), options);
  ASSERT_FALSE(sink.has_errors()) << sink.diagnostics()[0].message();
  const auto& text = artifact.find("text")->bytes;
  const auto result =
      test::in_namespace([&] { return compare(text, artifact.find("batch")->bytes); });
  if (!result.refused.empty()) GTEST_SKIP() << result.refused;
  EXPECT_EQ(result.output, "") << text << ir::to_text(program);
}

TEST(Listing, WebServer) { expect_equal(test::web_server(), {.policy_name = "web server"}); }

TEST(Listing, NothingManaged) { expect_equal({}); }

// More of them for a longer look: FIREWRIGHT_SEEDS=1000.
std::uint32_t seeds() {
  const char* said = std::getenv("FIREWRIGHT_SEEDS");
  return said == nullptr ? 60 : static_cast<std::uint32_t>(std::stoul(said));
}

class RandomListing : public testing::TestWithParam<std::uint32_t> {};
TEST_P(RandomListing, TextAndBatchAgree) {
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  expect_equal(test::random_program(GetParam()));
}
TEST_P(RandomListing, TextAndBatchOfACrowdAgree) {
  SCOPED_TRACE("seed " + std::to_string(GetParam()));
  expect_equal(test::crowd(GetParam()), {.nftables_layout = backend::NftablesLayout::structured});
}
INSTANTIATE_TEST_SUITE_P(Seeds, RandomListing, testing::Range<std::uint32_t>(0, seeds()));

TEST(Listing, TextIsLaidOutAsNftListsIt) {
  const auto artifact = encode(test::web_server(), {.policy_name = "web server"});
  const auto& text = artifact.find("text")->bytes;
  const auto result = test::in_namespace([&] {
    const auto loaded = host::run({"nft", "-f", "-"}, text);
    return loaded.err + listing();
  });
  if (!result.refused.empty()) GTEST_SKIP() << result.refused;
  const std::string preamble =
      "#!/usr/sbin/nft -f\n\ntable inet firewright\ndelete table inet firewright\n\n";
  ASSERT_TRUE(text.starts_with(preamble));
  EXPECT_EQ(text.substr(preamble.size()), result.output);
}

// A list of more than one message's worth of elements.
TEST(Listing, LongAddressList) {
  std::vector<std::string> items;
  for (int i = 0; i < 1500; ++i)
    items.push_back("10." + std::to_string(i / 100) + "." + std::to_string(2 * (i % 100)) +
                    ".0/24");
  expect_equal(test::program({test::allow("list", test::with_source(test::tcp(22), items))}));
}

}  // namespace
}  // namespace firewright::nftables
