#include "backends/nftables/batch.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <libnftnl/chain.h>
#include <libnftnl/common.h>
#include <libnftnl/object.h>
#include <libnftnl/rule.h>
#include <libnftnl/set.h>
#include <libnftnl/table.h>
#include <libnftnl/udata.h>
#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>

#include <algorithm>
#include <map>
#include <memory>
#include <span>
#include <utility>

#include "backends/nftables/expressions.h"
#include "backends/nftables/fields.h"

namespace firewright::nftables {
namespace {

template <auto release>
struct Release {
  template <class T>
  void operator()(T* object) const {
    release(object);
  }
};
using TablePtr = std::unique_ptr<nftnl_table, Release<nftnl_table_free>>;
using ChainPtr = std::unique_ptr<nftnl_chain, Release<nftnl_chain_free>>;
using RulePtr = std::unique_ptr<nftnl_rule, Release<nftnl_rule_free>>;
using SetPtr = std::unique_ptr<nftnl_set, Release<nftnl_set_free>>;
using ObjectPtr = std::unique_ptr<nftnl_obj, Release<nftnl_obj_free>>;

// nft's type-length-value user data, which holds what the kernel has no field for.
class UserData {
 public:
  void put(std::uint8_t type, std::string_view value) {
    bytes_ += static_cast<char>(type);
    bytes_ += static_cast<char>(value.size());
    bytes_ += value;
  }
  void put_u32(std::uint8_t type, std::uint32_t value) {
    put(type, {reinterpret_cast<const char*>(&value), sizeof value});
  }
  void put_text(std::uint8_t type, const std::string& text) {
    put(type, {text.c_str(), text.size() + 1});
  }
  [[nodiscard]] const std::string& bytes() const { return bytes_; }
  [[nodiscard]] std::uint32_t size() const { return static_cast<std::uint32_t>(bytes_.size()); }

 private:
  std::string bytes_;
};

// nft's enum byteorder and enum expr_types, and what it writes about a type.
constexpr std::uint32_t host_endian = 1;
constexpr std::uint32_t big_endian = 2;
constexpr std::uint32_t expr_payload = 7;
constexpr std::uint32_t expr_meta = 9;
constexpr std::uint32_t expr_ct = 11;
constexpr std::uint32_t expr_concatenation = 13;
constexpr std::uint32_t verdict_data_type = 0xffffff00;  // NFT_DATA_VERDICT

// What the field is that an anonymous set's keys come from.
UserData type_of(Field field) {
  const auto& place = facts(field);
  UserData inner;
  std::uint32_t kind = expr_payload;
  switch (place.source) {
    case Source::meta:
      kind = expr_meta;
      inner.put_u32(0, place.place);
      break;
    case Source::ct:
      kind = expr_ct;
      inner.put_u32(0, place.place);
      break;
    case Source::network:
    case Source::transport:
      inner.put_u32(0, place.description);
      inner.put_u32(1, place.template_index);
      break;
  }
  UserData result;
  result.put_u32(NFTNL_UDATA_SET_TYPEOF_EXPR, kind);
  result.put(NFTNL_UDATA_SET_TYPEOF_DATA, inner.bytes());
  return result;
}

// One element of a set as the kernel takes it: the start of an interval or its end.
struct RawElement {
  u128 key = 0;
  bool is_end = false;
  bool open = false;  // no end follows: the interval reaches the last value
  std::uint32_t element = 0;
};

u128 largest(DataType type) {
  const unsigned bits = facts(type).bytes * 8;
  return bits == 128 ? ~u128{0} : (u128{1} << bits) - 1;
}

// Single values stay; of intervals there are starts and ends, and an end before all where nothing
// begins at zero.
std::vector<RawElement> raw_elements(DataType type, const Elements& elements, bool intervals) {
  std::vector<RawElement> raw;
  raw.reserve(elements.keys.size() * (intervals ? 2 : 1) + 1);
  if (intervals && !elements.keys.empty() && elements.keys[0].first != 0)
    raw.push_back({.key = 0, .is_end = true, .open = false, .element = 0});
  for (std::uint32_t i = 0; i < elements.keys.size(); ++i) {
    const Range& range = elements.keys[i];
    const bool open = intervals && range.last == largest(type);
    raw.push_back({.key = range.first, .is_end = false, .open = open, .element = i});
    if (intervals && !open)
      raw.push_back({.key = range.last + 1, .is_end = true, .open = false, .element = i});
  }
  return raw;
}

class Writer final : private SetSource {
 public:
  explicit Writer(const Ruleset& ruleset) : ruleset_(ruleset), scratch_(scratch_size) {}

  std::string write() {
    frame(NFNL_MSG_BATCH_BEGIN);
    // Only a table that exists can be deleted, so it is made first.
    bare_table(NFT_MSG_NEWTABLE);
    bare_table(NFT_MSG_DELTABLE);
    table();
    for (const auto& chain : ruleset_.chains) new_chain(chain);
    for (const auto& counter : ruleset_.counters) new_counter(counter);
    for (const auto& limit : ruleset_.limits) new_limit(limit);
    for (const auto& set : ruleset_.sets) named_set(set);
    for (const auto& set : ruleset_.tuple_sets) tuple_set(set);
    for (const auto& chain : ruleset_.chains)
      for (const auto& rule : chain.rules) new_rule(chain.name, rule);
    ask_for_acknowledgement();
    frame(NFNL_MSG_BATCH_END);
    return std::move(out_);
  }

 private:
  static constexpr std::size_t scratch_size = std::size_t{1} << 17U;
  // The 16 bits of an attribute's length hold the list of a message's elements.
  static constexpr std::size_t most_element_bytes = 60000;

  // --- messages

  nlmsghdr* start(int type, std::uint16_t flags) {
    return nftnl_nlmsg_build_hdr(scratch_.data(), static_cast<std::uint16_t>(type), NFPROTO_INET,
                                 flags, sequence_++);
  }
  void finish(const nlmsghdr* message) {
    last_ = out_.size();
    take(message);
  }
  // What stands between attributes is zero, and not a rest of the message before.
  void take(const nlmsghdr* message) {
    const std::size_t length = message->nlmsg_len;
    out_.append(scratch_.data(), length);
    std::fill_n(scratch_.begin(), length, '\0');
  }

  void frame(std::uint16_t type) {
    nlmsghdr* message = mnl_nlmsg_put_header(scratch_.data());
    message->nlmsg_type = type;
    message->nlmsg_flags = NLM_F_REQUEST;
    message->nlmsg_seq = sequence_++;
    auto* extra = static_cast<nfgenmsg*>(mnl_nlmsg_put_extra_header(message, sizeof(nfgenmsg)));
    extra->nfgen_family = AF_UNSPEC;
    extra->version = NFNETLINK_V0;
    extra->res_id = htons(NFNL_SUBSYS_NFTABLES);
    take(message);
  }

  void ask_for_acknowledgement() {
    reinterpret_cast<nlmsghdr*>(out_.data() + last_)->nlmsg_flags |= NLM_F_ACK;
  }

  void bare_table(int type) {
    const TablePtr table(nftnl_table_alloc());
    nftnl_table_set_str(table.get(), NFTNL_TABLE_NAME, ruleset_.table.c_str());
    nlmsghdr* message = start(type, type == NFT_MSG_NEWTABLE ? NLM_F_CREATE : 0);
    nftnl_table_nlmsg_build_payload(message, table.get());
    finish(message);
  }

  void table() {
    const TablePtr table(nftnl_table_alloc());
    nftnl_table_set_str(table.get(), NFTNL_TABLE_NAME, ruleset_.table.c_str());
    nftnl_table_set_u32(table.get(), NFTNL_TABLE_FLAGS, 0);
    nlmsghdr* message = start(NFT_MSG_NEWTABLE, NLM_F_CREATE);
    nftnl_table_nlmsg_build_payload(message, table.get());
    finish(message);
  }

  void new_chain(const Chain& chain) {
    const ChainPtr object(nftnl_chain_alloc());
    nftnl_chain_set_str(object.get(), NFTNL_CHAIN_TABLE, ruleset_.table.c_str());
    nftnl_chain_set_str(object.get(), NFTNL_CHAIN_NAME, chain.name.c_str());
    if (chain.base) {
      nftnl_chain_set_str(object.get(), NFTNL_CHAIN_TYPE, "filter");
      nftnl_chain_set_u32(object.get(), NFTNL_CHAIN_HOOKNUM, hook_number(chain.base->hook));
      nftnl_chain_set_s32(object.get(), NFTNL_CHAIN_PRIO, chain.base->priority);
      nftnl_chain_set_u32(object.get(), NFTNL_CHAIN_POLICY,
                          chain.base->policy_accepts ? NF_ACCEPT : NF_DROP);
    }
    nlmsghdr* message = start(NFT_MSG_NEWCHAIN, NLM_F_CREATE);
    nftnl_chain_nlmsg_build_payload(message, object.get());
    finish(message);
  }

  static std::uint32_t hook_number(ir::Hook hook) {
    switch (hook) {
      case ir::Hook::inbound: return NF_INET_LOCAL_IN;
      case ir::Hook::outbound: return NF_INET_LOCAL_OUT;
      case ir::Hook::forward: return NF_INET_FORWARD;
    }
    return NF_INET_LOCAL_IN;
  }

  ObjectPtr object(const std::string& name, std::uint32_t type) {
    ObjectPtr result(nftnl_obj_alloc());
    nftnl_obj_set_str(result.get(), NFTNL_OBJ_TABLE, ruleset_.table.c_str());
    nftnl_obj_set_str(result.get(), NFTNL_OBJ_NAME, name.c_str());
    nftnl_obj_set_u32(result.get(), NFTNL_OBJ_TYPE, type);
    return result;
  }
  void new_object(const ObjectPtr& object) {
    nlmsghdr* message = start(NFT_MSG_NEWOBJ, NLM_F_CREATE);
    nftnl_obj_nlmsg_build_payload(message, object.get());
    finish(message);
  }

  void new_counter(const std::string& name) {
    const ObjectPtr counter = object(name, NFT_OBJECT_COUNTER);
    nftnl_obj_set_u64(counter.get(), NFTNL_OBJ_CTR_PKTS, 0);
    nftnl_obj_set_u64(counter.get(), NFTNL_OBJ_CTR_BYTES, 0);
    new_object(counter);
  }

  void new_limit(const NamedLimit& limit) {
    const ObjectPtr result = object(limit.name, NFT_OBJECT_LIMIT);
    nftnl_obj_set_u64(result.get(), NFTNL_OBJ_LIMIT_RATE, limit.limit.rate);
    nftnl_obj_set_u64(result.get(), NFTNL_OBJ_LIMIT_UNIT, ir::seconds(limit.limit.unit));
    nftnl_obj_set_u32(result.get(), NFTNL_OBJ_LIMIT_BURST, limit.limit.burst);
    nftnl_obj_set_u32(result.get(), NFTNL_OBJ_LIMIT_TYPE, NFT_LIMIT_PKTS);
    nftnl_obj_set_u32(result.get(), NFTNL_OBJ_LIMIT_FLAGS, 0);
    new_object(result);
  }

  void new_rule(const std::string& chain, const Rule& rule) {
    const RulePtr object(nftnl_rule_alloc());
    nftnl_rule_set_str(object.get(), NFTNL_RULE_TABLE, ruleset_.table.c_str());
    nftnl_rule_set_str(object.get(), NFTNL_RULE_CHAIN, chain.c_str());
    add_expressions(object.get(), rule.statements, *this);
    if (!rule.comment.empty()) {
      UserData data;
      data.put_text(NFTNL_UDATA_RULE_COMMENT, rule.comment);
      nftnl_rule_set_data(object.get(), NFTNL_RULE_USERDATA, data.bytes().data(), data.size());
    }
    nlmsghdr* message = start(NFT_MSG_NEWRULE, NLM_F_CREATE | NLM_F_APPEND);
    nftnl_rule_nlmsg_build_payload(message, object.get());
    finish(message);
  }

  // --- sets

  void named_set(const Set& set) {
    const bool intervals = set.elements.has_intervals();
    const std::uint32_t id = ++set_ids_;
    named_[set.name] = {.name = set.name, .id = id, .intervals = intervals};
    const SetPtr object = set_object(set.name, id, set.type, intervals, set.elements.is_map());
    std::uint32_t flags = nftnl_set_get_u32(object.get(), NFTNL_SET_FLAGS);
    if (set.dynamic) flags |= NFT_SET_EVAL;
    if (set.timeout_seconds != 0) {
      flags |= NFT_SET_TIMEOUT;
      nftnl_set_set_u64(object.get(), NFTNL_SET_TIMEOUT, set.timeout_seconds * 1000);
    }
    nftnl_set_set_u32(object.get(), NFTNL_SET_FLAGS, flags);
    if (set.size != 0) nftnl_set_set_u32(object.get(), NFTNL_SET_DESC_SIZE, set.size);
    UserData data;
    data.put_u32(NFTNL_UDATA_SET_KEYBYTEORDER,
                 facts(set.type).network_order ? big_endian : host_endian);
    if (!set.comment.empty()) data.put_text(NFTNL_UDATA_SET_COMMENT, set.comment);
    nftnl_set_set_data(object.get(), NFTNL_SET_USERDATA, data.bytes().data(), data.size());
    new_set(object);
    put_elements(set.name, id, set.type, set.elements,
                 raw_elements(set.type, set.elements, intervals), intervals);
  }

  // nft's number of a concatenation: six bits a type.
  void tuple_set(const TupleSet& set) {
    const std::uint32_t id = ++set_ids_;
    named_[set.name] = {.name = set.name, .id = id, .intervals = false};
    std::uint32_t type = 0;
    std::uint32_t length = 0;
    for (const auto part : set.types) {
      type = type << 6U | facts(part).id;
      length += padded(part);
    }
    const SetPtr object(nftnl_set_alloc());
    nftnl_set_set_str(object.get(), NFTNL_SET_TABLE, ruleset_.table.c_str());
    nftnl_set_set_str(object.get(), NFTNL_SET_NAME, set.name.c_str());
    nftnl_set_set_u32(object.get(), NFTNL_SET_ID, id);
    nftnl_set_set_u32(object.get(), NFTNL_SET_KEY_TYPE, type);
    nftnl_set_set_u32(object.get(), NFTNL_SET_KEY_LEN,
                      set.types.size() == 1 ? facts(set.types[0]).bytes : length);
    nftnl_set_set_u32(object.get(), NFTNL_SET_FLAGS, 0);
    if (set.size != 0) nftnl_set_set_u32(object.get(), NFTNL_SET_DESC_SIZE, set.size);
    UserData data;
    data.put_u32(NFTNL_UDATA_SET_KEYBYTEORDER, set.types.size() == 1 ? big_endian : 0);
    if (set.types.size() > 1) {
      UserData concatenation;
      concatenation.put_u32(NFTNL_UDATA_SET_TYPEOF_EXPR, expr_concatenation);
      concatenation.put(NFTNL_UDATA_SET_TYPEOF_DATA, {});
      data.put(NFTNL_UDATA_SET_KEY_TYPEOF, concatenation.bytes());
    }
    nftnl_set_set_data(object.get(), NFTNL_SET_USERDATA, data.bytes().data(), data.size());
    new_set(object);
    put_tuples(set, id);
  }

  static std::uint32_t padded(DataType type) { return (facts(type).bytes + 3) / 4 * 4; }

  void put_tuples(const TupleSet& set, std::uint32_t id) {
    std::string key;
    for (std::size_t at = 0; at < set.keys.size();) {
      nlmsghdr* message = start_elements(set.name, id);
      nlattr* list = mnl_attr_nest_start(message, NFTA_SET_ELEM_LIST_ELEMENTS);
      while (at < set.keys.size() && message->nlmsg_len < most_element_bytes) {
        key.clear();
        for (const auto type : set.types) {
          key.append(set.keys, at, facts(type).bytes);
          at += facts(type).bytes;
          if (set.types.size() > 1) key.resize((key.size() + 3) / 4 * 4, '\0');
        }
        nlattr* element = mnl_attr_nest_start(message, NFTA_LIST_ELEM);
        nlattr* key_attribute = mnl_attr_nest_start(message, NFTA_SET_ELEM_KEY);
        mnl_attr_put(message, NFTA_DATA_VALUE, key.size(), key.data());
        mnl_attr_nest_end(message, key_attribute);
        mnl_attr_nest_end(message, element);
      }
      mnl_attr_nest_end(message, list);
      finish(message);
    }
  }

  nlmsghdr* start_elements(const std::string& name, std::uint32_t id) {
    nlmsghdr* message = start(NFT_MSG_NEWSETELEM, NLM_F_CREATE);
    mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_TABLE, ruleset_.table.c_str());
    mnl_attr_put_strz(message, NFTA_SET_ELEM_LIST_SET, name.c_str());
    mnl_attr_put_u32(message, NFTA_SET_ELEM_LIST_SET_ID, htonl(id));
    return message;
  }

  SetReference named(const std::string& name) override { return named_.at(name); }

  SetReference anonymous(Field field, const Elements& elements) override {
    const bool intervals = elements.has_intervals();
    const DataType type = facts(field).type;
    const SetReference reference{.name = elements.is_map() ? "__map%d" : "__set%d",
                                 .id = ++set_ids_,
                                 .intervals = intervals};
    const SetPtr object =
        set_object(reference.name, reference.id, type, intervals, elements.is_map());
    nftnl_set_set_u32(
        object.get(), NFTNL_SET_FLAGS,
        nftnl_set_get_u32(object.get(), NFTNL_SET_FLAGS) | NFT_SET_ANONYMOUS | NFT_SET_CONSTANT);
    const auto raw = raw_elements(type, elements, intervals);
    // nft counts the end of an open interval although it does not send it.
    const bool open = !raw.empty() && raw.back().open;
    nftnl_set_set_u32(object.get(), NFTNL_SET_DESC_SIZE,
                      static_cast<std::uint32_t>(raw.size() + (open ? 1 : 0)));
    UserData data;
    data.put_u32(NFTNL_UDATA_SET_KEYBYTEORDER, byte_order(field, intervals));
    if (intervals) data.put_u32(NFTNL_UDATA_SET_MERGE_ELEMENTS, 1);
    data.put(NFTNL_UDATA_SET_KEY_TYPEOF, type_of(field).bytes());
    nftnl_set_set_data(object.get(), NFTNL_SET_USERDATA, data.bytes().data(), data.size());
    new_set(object);
    put_elements(reference.name, reference.id, type, elements, raw, intervals);
    return reference;
  }

  // nft holds the protocol that the kernel knows for a host's number, until it has to compare it.
  static std::uint32_t byte_order(Field field, bool intervals) {
    const auto& place = facts(field);
    const bool host =
        !facts(place.type).network_order || (place.source == Source::meta && !intervals);
    return host ? host_endian : big_endian;
  }

  SetPtr set_object(const std::string& name, std::uint32_t id, DataType type, bool intervals,
                    bool map) {
    SetPtr object(nftnl_set_alloc());
    nftnl_set_set_str(object.get(), NFTNL_SET_TABLE, ruleset_.table.c_str());
    nftnl_set_set_str(object.get(), NFTNL_SET_NAME, name.c_str());
    nftnl_set_set_u32(object.get(), NFTNL_SET_ID, id);
    nftnl_set_set_u32(object.get(), NFTNL_SET_KEY_TYPE, facts(type).id);
    nftnl_set_set_u32(object.get(), NFTNL_SET_KEY_LEN, facts(type).bytes);
    nftnl_set_set_u32(object.get(), NFTNL_SET_FLAGS,
                      (intervals ? std::uint32_t{NFT_SET_INTERVAL} : 0U) |
                          (map ? std::uint32_t{NFT_SET_MAP} : 0U));
    if (map) {
      nftnl_set_set_u32(object.get(), NFTNL_SET_DATA_TYPE, verdict_data_type);
      nftnl_set_set_u32(object.get(), NFTNL_SET_DATA_LEN, 0);
    }
    return object;
  }

  void new_set(const SetPtr& object) {
    nlmsghdr* message = start(NFT_MSG_NEWSET, NLM_F_CREATE);
    nftnl_set_nlmsg_build_payload(message, object.get());
    finish(message);
  }

  // Elements go straight into messages: there may be a million.
  void put_elements(const std::string& name, std::uint32_t id, DataType type,
                    const Elements& elements, const std::vector<RawElement>& raw, bool intervals) {
    for (std::size_t i = 0; i < raw.size();) {
      nlmsghdr* message = start_elements(name, id);
      nlattr* list = mnl_attr_nest_start(message, NFTA_SET_ELEM_LIST_ELEMENTS);
      while (i < raw.size() && message->nlmsg_len < most_element_bytes)
        put_element(message, type, elements, raw[i++], intervals);
      mnl_attr_nest_end(message, list);
      finish(message);
    }
  }

  static void put_element(nlmsghdr* message, DataType type, const Elements& elements,
                          const RawElement& raw, bool intervals) {
    nlattr* element = mnl_attr_nest_start(message, NFTA_LIST_ELEM);
    if (raw.is_end)
      mnl_attr_put_u32(message, NFTA_SET_ELEM_FLAGS, htonl(NFT_SET_ELEM_INTERVAL_END));
    const std::string key = key_bytes(type, raw.key, intervals);
    nlattr* key_attribute = mnl_attr_nest_start(message, NFTA_SET_ELEM_KEY);
    mnl_attr_put(message, NFTA_DATA_VALUE, key.size(), key.data());
    mnl_attr_nest_end(message, key_attribute);
    if (elements.is_map() && !raw.is_end) put_verdict(message, elements.verdicts[raw.element]);
    if (raw.open) {
      UserData data;
      data.put_u32(NFTNL_UDATA_SET_ELEM_FLAGS, NFTNL_SET_ELEM_F_INTERVAL_OPEN);
      mnl_attr_put(message, NFTA_SET_ELEM_USERDATA, data.size(), data.bytes().data());
    }
    mnl_attr_nest_end(message, element);
  }

  static void put_verdict(nlmsghdr* message, const Verdict& verdict) {
    nlattr* data = mnl_attr_nest_start(message, NFTA_SET_ELEM_DATA);
    nlattr* nest = mnl_attr_nest_start(message, NFTA_DATA_VERDICT);
    mnl_attr_put_u32(message, NFTA_VERDICT_CODE, htonl(kernel_verdict(verdict.code)));
    if (!verdict.chain.empty())
      mnl_attr_put_strz(message, NFTA_VERDICT_CHAIN, verdict.chain.c_str());
    mnl_attr_nest_end(message, nest);
    mnl_attr_nest_end(message, data);
  }

  const Ruleset& ruleset_;
  std::vector<char> scratch_;
  std::string out_;
  std::size_t last_ = 0;  // where the last message begins
  std::uint32_t sequence_ = 0;
  std::uint32_t set_ids_ = 0;
  std::map<std::string, SetReference> named_;
};

}  // namespace

std::string to_batch(const Ruleset& ruleset) { return Writer(ruleset).write(); }

}  // namespace firewright::nftables
