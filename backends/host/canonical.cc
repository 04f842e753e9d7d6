#include "backends/host/canonical.h"

#include <linux/netfilter.h>
#include <linux/netfilter/nf_tables.h>

#include <algorithm>
#include <array>
#include <span>

#include "backends/host/attributes.h"

namespace firewright::host {
namespace {

// Attributes of sets that are newer than many a header: what kind of set the kernel has chosen, and
// how many elements it holds.
constexpr std::uint16_t set_backend = 19;
constexpr std::uint16_t set_count = 20;

enum class Form : std::uint8_t {
  raw,
  text,  // with or without the zero that ends it
  left_out,
  masked,      // 32 bits of which only `mask` counts; zero is the same as nothing
  unless,      // 32 bits that mean nothing new when they are `mask`
  nest,        // of `kind`
  full_nest,   // the same; empty is the same as nothing
  expression,  // a name and what belongs to it
  expressions,
  set_name,
  set_id,
  object_name,
  timeout,         // of 64 bits; left out when it is that of the set
  object_payload,  // depends on the object's type
  data_length,     // of a map's values; the kernel knows that of verdicts
};

struct Kind;
struct Part {
  std::uint16_t type = 0;
  Form form = Form::raw;
  const Kind* kind = nullptr;
  std::uint32_t mask = 0;
};
struct Kind {
  std::span<const Part> parts;  // those that are not listed are raw
};

constexpr std::uint32_t all_bits = 0xffffffff;

constexpr Kind raw_kind{};
constexpr Part verdict_parts[] = {{NFTA_VERDICT_CHAIN, Form::text}};
constexpr Kind verdict{verdict_parts};
constexpr Part data_parts[] = {{NFTA_DATA_VERDICT, Form::nest, &verdict}};
constexpr Kind data{data_parts};

// --- expressions

constexpr Part bitwise_parts[] = {{NFTA_BITWISE_MASK, Form::nest, &data},
                                  {NFTA_BITWISE_XOR, Form::nest, &data},
                                  {NFTA_BITWISE_OP, Form::masked, nullptr, all_bits},
                                  {NFTA_BITWISE_DATA, Form::nest, &data}};
constexpr Kind bitwise{bitwise_parts};
constexpr Part cmp_parts[] = {{NFTA_CMP_DATA, Form::nest, &data}};
constexpr Kind cmp{cmp_parts};
constexpr Part range_parts[] = {{NFTA_RANGE_FROM_DATA, Form::nest, &data},
                                {NFTA_RANGE_TO_DATA, Form::nest, &data}};
constexpr Kind range{range_parts};
constexpr Part immediate_parts[] = {{NFTA_IMMEDIATE_DATA, Form::nest, &data}};
constexpr Kind immediate{immediate_parts};
constexpr Part lookup_parts[] = {{NFTA_LOOKUP_SET, Form::set_name},
                                 {NFTA_LOOKUP_SET_ID, Form::set_id},
                                 {NFTA_LOOKUP_FLAGS, Form::masked, nullptr, all_bits}};
constexpr Kind lookup{lookup_parts};
constexpr Part dynset_parts[] = {{NFTA_DYNSET_SET_NAME, Form::set_name},
                                 {NFTA_DYNSET_SET_ID, Form::set_id},
                                 {NFTA_DYNSET_TIMEOUT, Form::timeout},
                                 {NFTA_DYNSET_EXPR, Form::expression},
                                 {NFTA_DYNSET_PAD, Form::left_out},
                                 {NFTA_DYNSET_FLAGS, Form::masked, nullptr, all_bits},
                                 {NFTA_DYNSET_EXPRESSIONS, Form::expressions}};
constexpr Kind dynset{dynset_parts};
constexpr Part objref_parts[] = {{NFTA_OBJREF_IMM_NAME, Form::object_name},
                                 {NFTA_OBJREF_SET_NAME, Form::set_name},
                                 {NFTA_OBJREF_SET_ID, Form::set_id}};
constexpr Kind objref{objref_parts};
// A counter is its place; what it has counted is no part of what is wanted.
constexpr Part counter_parts[] = {{NFTA_COUNTER_BYTES, Form::left_out},
                                  {NFTA_COUNTER_PACKETS, Form::left_out},
                                  {NFTA_COUNTER_PAD, Form::left_out}};
constexpr Kind counter{counter_parts};
constexpr Part quota_parts[] = {{NFTA_QUOTA_FLAGS, Form::masked, nullptr, NFT_QUOTA_F_INV},
                                {NFTA_QUOTA_PAD, Form::left_out},
                                {NFTA_QUOTA_CONSUMED, Form::left_out}};
constexpr Kind quota{quota_parts};
constexpr Part last_parts[] = {{NFTA_LAST_SET, Form::left_out},
                               {NFTA_LAST_MSECS, Form::left_out},
                               {NFTA_LAST_PAD, Form::left_out}};
constexpr Kind last{last_parts};
constexpr Part limit_parts[] = {{NFTA_LIMIT_TYPE, Form::masked, nullptr, all_bits},
                                {NFTA_LIMIT_FLAGS, Form::masked, nullptr, all_bits},
                                {NFTA_LIMIT_PAD, Form::left_out}};
constexpr Kind limit{limit_parts};
constexpr Part connlimit_parts[] = {{NFTA_CONNLIMIT_FLAGS, Form::masked, nullptr, all_bits}};
constexpr Kind connlimit{connlimit_parts};
constexpr std::uint32_t log_level_warning = 4;
constexpr Part log_parts[] = {{NFTA_LOG_PREFIX, Form::text},
                              {NFTA_LOG_LEVEL, Form::unless, nullptr, log_level_warning},
                              {NFTA_LOG_FLAGS, Form::masked, nullptr, all_bits}};
constexpr Kind log{log_parts};
// With a TCP reset the kernel takes a code and never gives it back.
constexpr Part reset_parts[] = {{NFTA_REJECT_ICMP_CODE, Form::left_out}};
constexpr Kind reset{reset_parts};

const Kind& expression_kind(std::string_view name, std::string_view payload) {
  struct Entry {
    std::string_view name;
    const Kind& kind;
  };
  static constexpr Entry entries[] = {
      {"bitwise", bitwise}, {"cmp", cmp},       {"range", range},   {"immediate", immediate},
      {"lookup", lookup},   {"dynset", dynset}, {"objref", objref}, {"counter", counter},
      {"quota", quota},     {"last", last},     {"limit", limit},   {"connlimit", connlimit},
      {"log", log}};
  if (name == "reject") {
    const auto type = find_attribute(payload, NFTA_REJECT_TYPE);
    return type && big_endian_u32(*type) == NFT_REJECT_TCP_RST ? reset : raw_kind;
  }
  for (const auto& entry : entries)
    if (entry.name == name) return entry.kind;
  return raw_kind;
}

bool is_known(std::string_view name) {
  static constexpr std::string_view flat[] = {"meta", "payload", "ct", "byteorder", "reject"};
  return std::find(std::begin(flat), std::end(flat), name) != std::end(flat) ||
         expression_kind(name, {}).parts.data() != nullptr;
}

// --- what a table is made of

constexpr Part table_parts[] = {{NFTA_TABLE_NAME, Form::left_out},
                                {NFTA_TABLE_FLAGS, Form::masked, nullptr, all_bits},
                                {NFTA_TABLE_USE, Form::left_out},
                                {NFTA_TABLE_HANDLE, Form::left_out},
                                {NFTA_TABLE_PAD, Form::left_out}};
constexpr Kind table{table_parts};
constexpr Part hook_parts[] = {{NFTA_HOOK_DEV, Form::text}};
constexpr Kind hook{hook_parts};
// That a chain has a hook, and that it belongs to a rule, is said by other means.
constexpr Part chain_parts[] = {
    {NFTA_CHAIN_TABLE, Form::left_out},
    {NFTA_CHAIN_HANDLE, Form::left_out},
    {NFTA_CHAIN_NAME, Form::left_out},
    {NFTA_CHAIN_HOOK, Form::nest, &hook},
    {NFTA_CHAIN_POLICY, Form::left_out},
    {NFTA_CHAIN_USE, Form::left_out},
    {NFTA_CHAIN_TYPE, Form::text},
    {NFTA_CHAIN_COUNTERS, Form::left_out},
    {NFTA_CHAIN_PAD, Form::left_out},
    {NFTA_CHAIN_FLAGS, Form::masked, nullptr, ~std::uint32_t{NFT_CHAIN_BASE | NFT_CHAIN_BINDING}},
    {NFTA_CHAIN_ID, Form::left_out}};
constexpr Kind chain{chain_parts};
constexpr Part object_parts[] = {
    {NFTA_OBJ_TABLE, Form::left_out}, {NFTA_OBJ_NAME, Form::left_out},
    {NFTA_OBJ_TYPE, Form::left_out},  {NFTA_OBJ_DATA, Form::object_payload},
    {NFTA_OBJ_USE, Form::left_out},   {NFTA_OBJ_HANDLE, Form::left_out},
    {NFTA_OBJ_PAD, Form::left_out}};
constexpr Kind object{object_parts};
constexpr Part description_parts[] = {{NFTA_SET_DESC_SIZE, Form::masked, nullptr, all_bits}};
constexpr Kind description{description_parts};
constexpr Part set_parts[] = {{NFTA_SET_TABLE, Form::left_out},
                              {NFTA_SET_NAME, Form::left_out},
                              {NFTA_SET_FLAGS, Form::masked, nullptr, all_bits},
                              {NFTA_SET_DATA_LEN, Form::data_length},
                              {NFTA_SET_POLICY, Form::masked, nullptr, all_bits},
                              {NFTA_SET_DESC, Form::full_nest, &description},
                              {NFTA_SET_ID, Form::left_out},
                              {NFTA_SET_PAD, Form::left_out},
                              {NFTA_SET_HANDLE, Form::left_out},
                              {NFTA_SET_EXPR, Form::expression},
                              {NFTA_SET_EXPRESSIONS, Form::expressions},
                              {set_backend, Form::left_out},
                              {set_count, Form::left_out}};
constexpr Kind set{set_parts};
constexpr Part element_parts[] = {{NFTA_SET_ELEM_KEY, Form::nest, &data},
                                  {NFTA_SET_ELEM_DATA, Form::nest, &data},
                                  {NFTA_SET_ELEM_FLAGS, Form::masked, nullptr, all_bits},
                                  {NFTA_SET_ELEM_TIMEOUT, Form::timeout},
                                  {NFTA_SET_ELEM_EXPIRATION, Form::left_out},
                                  {NFTA_SET_ELEM_EXPR, Form::expression},
                                  {NFTA_SET_ELEM_PAD, Form::left_out},
                                  {NFTA_SET_ELEM_OBJREF, Form::text},
                                  {NFTA_SET_ELEM_KEY_END, Form::nest, &data},
                                  {NFTA_SET_ELEM_EXPRESSIONS, Form::expressions}};
constexpr Kind element{element_parts};
constexpr Part rule_parts[] = {
    {NFTA_RULE_TABLE, Form::left_out},    {NFTA_RULE_CHAIN, Form::left_out},
    {NFTA_RULE_HANDLE, Form::left_out},   {NFTA_RULE_EXPRESSIONS, Form::expressions},
    {NFTA_RULE_POSITION, Form::left_out}, {NFTA_RULE_PAD, Form::left_out},
    {NFTA_RULE_ID, Form::left_out},       {NFTA_RULE_POSITION_ID, Form::left_out}};
constexpr Kind rule{rule_parts};

const Kind& kind_of(Shape shape) {
  switch (shape) {
    case Shape::table: return table;
    case Shape::chain: return chain;
    case Shape::object: return object;
    case Shape::set: return set;
    case Shape::element: return element;
    case Shape::rule: return rule;
  }
  return raw_kind;
}

const Kind& object_kind(std::uint32_t type) {
  switch (type) {
    case NFT_OBJECT_COUNTER: return counter;
    case NFT_OBJECT_QUOTA: return quota;
    case NFT_OBJECT_LIMIT: return limit;
    case NFT_OBJECT_CONNLIMIT: return connlimit;
    default: return raw_kind;
  }
}

class Writer {
 public:
  Writer(const CanonicalContext& context, std::string& out) : context_(context), out_(out) {}

  bool list(const Kind& kind, std::string_view attributes, unsigned depth) {
    constexpr unsigned deepest = 8;
    if (depth > deepest) return false;
    if (is_plain(kind, attributes)) {
      AttributeReader reader(attributes);
      while (const auto attribute = reader.next())
        if (!one(part_of(kind, attribute->type), *attribute, std::nullopt, depth)) return false;
      return !reader.damaged();
    }
    return sorted_list(kind, attributes, depth);
  }

  void verdict_map() { verdict_map_ = true; }

 private:
  // In order already, and looking into no set: the usual case by far.
  static bool is_plain(const Kind& kind, std::string_view attributes) {
    for (const auto& part : kind.parts)
      if (part.form == Form::set_name) return false;
    AttributeReader reader(attributes);
    unsigned last_type = 0;
    while (const auto attribute = reader.next()) {
      if (attribute->type < last_type) return false;
      last_type = attribute->type;
    }
    return true;
  }

  bool sorted_list(const Kind& kind, std::string_view attributes, unsigned depth) {
    Sorted sorted;
    AttributeReader reader(attributes);
    while (const auto attribute = reader.next())
      if (!sorted.add(*attribute)) return false;
    if (reader.damaged()) return false;
    std::optional<NamedSet> named;
    std::string number;
    if (!resolve(kind, sorted, named, number)) return false;
    sorted.sort();
    for (const auto& attribute : sorted.span())
      if (!one(part_of(kind, attribute.type), attribute, named, depth)) return false;
    return true;
  }

  // Few attributes, mostly in order already.
  class Sorted {
   public:
    bool add(const Attribute& attribute) {
      if (size_ == attributes_.size()) return false;
      attributes_[size_++] = attribute;
      return true;
    }
    void sort() {
      const auto less = [](const Attribute& a, const Attribute& b) { return a.type < b.type; };
      const auto all = span();
      if (!std::is_sorted(all.begin(), all.end(), less))
        std::stable_sort(all.begin(), all.end(), less);
    }
    std::span<Attribute> span() { return {attributes_.data(), size_}; }

   private:
    std::array<Attribute, 48> attributes_;
    std::size_t size_ = 0;
  };

  static Part part_of(const Kind& kind, std::uint16_t type) {
    for (const auto& part : kind.parts)
      if (part.type == type) return part;
    return {.type = type};
  }

  // Which set an expression looks into; the number of an anonymous one becomes an attribute.
  bool resolve(const Kind& kind, Sorted& sorted, std::optional<NamedSet>& named,
               std::string& number) {
    const Part* by_name = nullptr;
    const Part* by_id = nullptr;
    for (const auto& part : kind.parts) {
      if (part.form == Form::set_name) by_name = &part;
      if (part.form == Form::set_id) by_id = &part;
    }
    if (by_name == nullptr) return true;
    std::optional<std::string_view> name;
    std::optional<std::uint32_t> id;
    for (const auto& attribute : sorted.span()) {
      if (attribute.type == by_name->type) name = text_of(attribute.value);
      if (attribute.type == by_id->type) id = big_endian_u32(attribute.value);
    }
    if (!name) return !id;  // an object by its name
    if (context_.sets == nullptr || context_.references == nullptr) return false;
    named = context_.sets->find(*name, id);
    if (!named) return false;
    if (!named->anonymous) {
      context_.references->sets.emplace_back(named->name);
      return true;
    }
    auto& anonymous = context_.references->anonymous;
    number_ = static_cast<std::uint32_t>(anonymous.size());
    anonymous.push_back(named->index);
    number.assign(sizeof number_, '\0');
    for (auto& attribute : sorted.span())
      if (attribute.type == by_id->type) {
        attribute.value = number;
        return true;
      }
    return sorted.add({.type = by_id->type, .value = number});
  }

  bool one(const Part& part, const Attribute& attribute, const std::optional<NamedSet>& named,
           unsigned depth) {
    const auto value = attribute.value;
    switch (part.form) {
      case Form::raw: put_attribute(out_, attribute.type, value); return true;
      case Form::text: put_text(out_, attribute.type, text_of(value)); return true;
      case Form::left_out: return true;
      case Form::masked: return masked(part, value);
      case Form::unless:
        if (big_endian_u32(value) != part.mask) put_attribute(out_, attribute.type, value);
        return true;
      case Form::nest: return nest(*part.kind, attribute.type, value, depth + 1);
      case Form::full_nest: return full_nest(part, value, depth + 1);
      case Form::expression: return expression(attribute.type, value, depth + 1);
      case Form::expressions: return expressions(attribute.type, value, depth + 1);
      case Form::set_name:
        put_text(out_, attribute.type,
                 !named->anonymous ? named->name
                 : named->is_map   ? "__map%d"
                                   : "__set%d");
        return true;
      case Form::set_id:
        if (!named || !named->anonymous) return true;
        context_.references->numbers.emplace_back(out_.size() + sizeof(nlattr), number_);
        put_u32(out_, attribute.type, number_);
        return true;
      case Form::object_name:
        put_text(out_, attribute.type, object_name(text_of(value)));
        return true;
      case Form::timeout: timeout(attribute, named); return true;
      case Form::object_payload:
        return nest(object_kind(context_.object_type), attribute.type, value, depth + 1);
      case Form::data_length:
        if (!verdict_map_) put_attribute(out_, attribute.type, value);
        return true;
    }
    return false;
  }

  bool masked(const Part& part, std::string_view value) {
    const auto number = big_endian_u32(value);
    if (!number) return false;
    if ((*number & part.mask) != 0) put_u32(out_, part.type, *number & part.mask);
    return true;
  }

  void timeout(const Attribute& attribute, const std::optional<NamedSet>& named) {
    const auto usual = named ? named->timeout : context_.element_timeout;
    static constexpr char zeros[8] = {};
    if (attribute.value != usual && attribute.value != std::string_view(zeros, sizeof zeros))
      put_attribute(out_, attribute.type, attribute.value);
  }

  bool nest(const Kind& kind, std::uint16_t type, std::string_view value, unsigned depth) {
    const auto begin = begin_nest(out_, type);
    return list(kind, value, depth) && end_nest(out_, begin);
  }

  bool full_nest(const Part& part, std::string_view value, unsigned depth) {
    const auto begin = out_.size();
    if (!nest(*part.kind, part.type, value, depth)) return false;
    if (out_.size() == begin + sizeof(nlattr)) out_.resize(begin);
    return true;
  }

  // What is known is brought to one form; the rest is taken as it is.
  bool expression(std::uint16_t type, std::string_view value, unsigned depth) {
    const auto begin = begin_nest(out_, type);
    const auto name = find_attribute(value, NFTA_EXPR_NAME);
    const auto payload = find_attribute(value, NFTA_EXPR_DATA);
    if (!name) return false;
    const auto word = text_of(*name);
    put_text(out_, NFTA_EXPR_NAME, word);
    if (word == "objref" && payload) note_object(*payload);
    if (!is_known(word)) {
      if (payload) put_attribute(out_, NFTA_EXPR_DATA, *payload);
    } else if (!nest(expression_kind(word, payload.value_or("")), NFTA_EXPR_DATA,
                     payload.value_or(""), depth)) {
      return false;
    }
    AttributeReader reader(value);
    while (const auto attribute = reader.next())
      if (attribute->type != NFTA_EXPR_NAME && attribute->type != NFTA_EXPR_DATA)
        put_attribute(out_, attribute->type, attribute->value);
    return !reader.damaged() && end_nest(out_, begin);
  }

  void note_object(std::string_view payload) {
    const auto type = find_attribute(payload, NFTA_OBJREF_IMM_TYPE);
    const auto name = find_attribute(payload, NFTA_OBJREF_IMM_NAME);
    if (context_.references == nullptr || !type || !name) return;
    context_.references->objects.emplace_back(big_endian_u32(*type).value_or(0),
                                              object_name(text_of(*name)));
  }

  [[nodiscard]] std::string_view object_name(std::string_view name) const {
    if (context_.objects == nullptr) return name;
    const auto found = context_.objects->find(name);
    return found == context_.objects->end() ? name : std::string_view(found->second);
  }

  bool expressions(std::uint16_t type, std::string_view value, unsigned depth) {
    const auto begin = begin_nest(out_, type);
    AttributeReader reader(value);
    while (const auto attribute = reader.next()) {
      if (attribute->type != NFTA_LIST_ELEM) return false;
      if (!expression(NFTA_LIST_ELEM, attribute->value, depth)) return false;
    }
    return !reader.damaged() && end_nest(out_, begin);
  }

  const CanonicalContext& context_;
  std::string& out_;
  std::uint32_t number_ = 0;
  bool verdict_map_ = false;
};

}  // namespace

bool canonical(Shape shape, std::string_view attributes, const CanonicalContext& context,
               std::string& out) {
  Writer writer(context, out);
  if (shape == Shape::set) {
    const auto type = find_attribute(attributes, NFTA_SET_DATA_TYPE);
    if (type && big_endian_u32(*type) == NFT_DATA_VERDICT) writer.verdict_map();
  }
  return writer.list(kind_of(shape), attributes, 0);
}

}  // namespace firewright::host
