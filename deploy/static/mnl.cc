// libmnl for a command that is linked statically: Debian has no archive of it. The layout of
// netlink messages and attributes, as <libmnl/libmnl.h> promises it; tests/deploy/mnl_test.cc holds
// it against the library. What libnftnl's archive names and nothing here calls (sockets, batches)
// only fails.
//
// Netlink: netlink(7), and <linux/netlink.h>.

#include <libmnl/libmnl.h>

#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <cstring>

namespace {

constexpr std::size_t attribute_header = MNL_ALIGN(sizeof(nlattr));

char* bytes(const void* at) { return static_cast<char*>(const_cast<void*>(at)); }

template <class T>
T value_of(const nlattr* attribute) {
  T value;
  std::memcpy(&value, mnl_attr_get_payload(attribute), sizeof value);
  return value;
}

// The least, and but for zero the only, size of a value; -1 for what is no type.
int size_of(mnl_attr_data_type type) {
  switch (type) {
    case MNL_TYPE_U8: return 1;
    case MNL_TYPE_U16: return 2;
    case MNL_TYPE_U32: return 4;
    case MNL_TYPE_U64:
    case MNL_TYPE_MSECS: return 8;
    case MNL_TYPE_UNSPEC:
    case MNL_TYPE_STRING:
    case MNL_TYPE_FLAG:
    case MNL_TYPE_NESTED:
    case MNL_TYPE_NESTED_COMPAT:
    case MNL_TYPE_NUL_STRING:
    case MNL_TYPE_BINARY: return 0;
    case MNL_TYPE_MAX: break;
  }
  return -1;
}

int refuse(int error) {
  errno = error;
  return -1;
}

int each(const char* begin, const char* end, mnl_attr_cb_t call, void* data) {
  int result = MNL_CB_OK;
  const auto* attribute = reinterpret_cast<const nlattr*>(begin);
  while (result > MNL_CB_STOP && mnl_attr_ok(attribute, static_cast<int>(end - bytes(attribute)))) {
    result = call(attribute, data);
    attribute = mnl_attr_next(attribute);
  }
  return result;
}

}  // namespace

extern "C" {

// --- messages

nlmsghdr* mnl_nlmsg_put_header(void* buffer) {
  std::memset(buffer, 0, MNL_NLMSG_HDRLEN);
  auto* message = static_cast<nlmsghdr*>(buffer);
  message->nlmsg_len = MNL_NLMSG_HDRLEN;
  return message;
}

void* mnl_nlmsg_put_extra_header(nlmsghdr* message, size_t size) {
  char* const at = bytes(message) + message->nlmsg_len;
  const auto padded = MNL_ALIGN(size);
  std::memset(at, 0, padded);
  message->nlmsg_len += static_cast<std::uint32_t>(padded);
  return at;
}

bool mnl_nlmsg_ok(const nlmsghdr* message, int length) {
  return length >= static_cast<int>(sizeof(nlmsghdr)) && message->nlmsg_len >= sizeof(nlmsghdr) &&
         message->nlmsg_len <= static_cast<unsigned>(length);
}

nlmsghdr* mnl_nlmsg_next(const nlmsghdr* message, int* length) {
  const auto padded = MNL_ALIGN(message->nlmsg_len);
  *length -= static_cast<int>(padded);
  return reinterpret_cast<nlmsghdr*>(bytes(message) + padded);
}

size_t mnl_nlmsg_get_payload_len(const nlmsghdr* message) {
  return message->nlmsg_len - MNL_NLMSG_HDRLEN;
}

void* mnl_nlmsg_get_payload(const nlmsghdr* message) { return bytes(message) + MNL_NLMSG_HDRLEN; }

void* mnl_nlmsg_get_payload_offset(const nlmsghdr* message, size_t offset) {
  return bytes(message) + MNL_NLMSG_HDRLEN + MNL_ALIGN(offset);
}

void* mnl_nlmsg_get_payload_tail(const nlmsghdr* message) {
  return bytes(message) + MNL_ALIGN(message->nlmsg_len);
}

// --- attributes read

uint16_t mnl_attr_get_type(const nlattr* attribute) {
  return static_cast<std::uint16_t>(attribute->nla_type & NLA_TYPE_MASK);
}

uint16_t mnl_attr_get_payload_len(const nlattr* attribute) {
  return static_cast<std::uint16_t>(attribute->nla_len - attribute_header);
}

void* mnl_attr_get_payload(const nlattr* attribute) { return bytes(attribute) + attribute_header; }

uint8_t mnl_attr_get_u8(const nlattr* attribute) { return value_of<std::uint8_t>(attribute); }
uint16_t mnl_attr_get_u16(const nlattr* attribute) { return value_of<std::uint16_t>(attribute); }
uint32_t mnl_attr_get_u32(const nlattr* attribute) { return value_of<std::uint32_t>(attribute); }
uint64_t mnl_attr_get_u64(const nlattr* attribute) { return value_of<std::uint64_t>(attribute); }

const char* mnl_attr_get_str(const nlattr* attribute) {
  return bytes(mnl_attr_get_payload(attribute));
}

bool mnl_attr_ok(const nlattr* attribute, int length) {
  return length >= static_cast<int>(attribute_header) && attribute->nla_len >= attribute_header &&
         attribute->nla_len <= length;
}

nlattr* mnl_attr_next(const nlattr* attribute) {
  return reinterpret_cast<nlattr*>(bytes(attribute) + MNL_ALIGN(attribute->nla_len));
}

int mnl_attr_type_valid(const nlattr* attribute, uint16_t largest) {
  return mnl_attr_get_type(attribute) > largest ? refuse(EOPNOTSUPP) : 1;
}

int mnl_attr_validate(const nlattr* attribute, mnl_attr_data_type type) {
  const int size = size_of(type);
  if (size < 0) return refuse(EINVAL);
  const int length = mnl_attr_get_payload_len(attribute);
  if (length < size || (size > 0 && length > size)) return refuse(ERANGE);
  if (type == MNL_TYPE_FLAG && length > 0) return refuse(ERANGE);
  if (type == MNL_TYPE_STRING && length == 0) return refuse(ERANGE);
  if (type == MNL_TYPE_NESTED && length > 0 && length < static_cast<int>(attribute_header))
    return refuse(ERANGE);
  if (type == MNL_TYPE_NUL_STRING) {
    if (length == 0) return refuse(ERANGE);
    if (mnl_attr_get_str(attribute)[length - 1] != '\0') return refuse(EINVAL);
  }
  return 0;
}

int mnl_attr_parse(const nlmsghdr* message, unsigned int offset, mnl_attr_cb_t call, void* data) {
  return each(bytes(mnl_nlmsg_get_payload_offset(message, offset)),
              bytes(mnl_nlmsg_get_payload_tail(message)), call, data);
}

int mnl_attr_parse_nested(const nlattr* nest, mnl_attr_cb_t call, void* data) {
  const char* const begin = bytes(mnl_attr_get_payload(nest));
  return each(begin, begin + mnl_attr_get_payload_len(nest), call, data);
}

// --- attributes written

void mnl_attr_put(nlmsghdr* message, uint16_t type, size_t length, const void* data) {
  auto* attribute = static_cast<nlattr*>(mnl_nlmsg_get_payload_tail(message));
  attribute->nla_type = type;
  attribute->nla_len = static_cast<std::uint16_t>(attribute_header + length);
  char* const at = bytes(mnl_attr_get_payload(attribute));
  if (length > 0) std::memcpy(at, data, length);
  std::memset(at + length, 0, MNL_ALIGN(length) - length);
  message->nlmsg_len += static_cast<std::uint32_t>(MNL_ALIGN(attribute_header + length));
}

void mnl_attr_put_u8(nlmsghdr* message, uint16_t type, uint8_t value) {
  mnl_attr_put(message, type, sizeof value, &value);
}
void mnl_attr_put_u16(nlmsghdr* message, uint16_t type, uint16_t value) {
  mnl_attr_put(message, type, sizeof value, &value);
}
void mnl_attr_put_u32(nlmsghdr* message, uint16_t type, uint32_t value) {
  mnl_attr_put(message, type, sizeof value, &value);
}
void mnl_attr_put_u64(nlmsghdr* message, uint16_t type, uint64_t value) {
  mnl_attr_put(message, type, sizeof value, &value);
}
void mnl_attr_put_str(nlmsghdr* message, uint16_t type, const char* text) {
  mnl_attr_put(message, type, std::strlen(text), text);
}
void mnl_attr_put_strz(nlmsghdr* message, uint16_t type, const char* text) {
  mnl_attr_put(message, type, std::strlen(text) + 1, text);
}

nlattr* mnl_attr_nest_start(nlmsghdr* message, uint16_t type) {
  auto* nest = static_cast<nlattr*>(mnl_nlmsg_get_payload_tail(message));
  nest->nla_type = static_cast<std::uint16_t>(type | NLA_F_NESTED);
  message->nlmsg_len += static_cast<std::uint32_t>(attribute_header);
  return nest;
}

void mnl_attr_nest_end(nlmsghdr* message, nlattr* nest) {
  nest->nla_len =
      static_cast<std::uint16_t>(bytes(mnl_nlmsg_get_payload_tail(message)) - bytes(nest));
}

// --- what nothing calls

mnl_socket* mnl_socket_open(int) { return refuse(ENOSYS), nullptr; }
int mnl_socket_bind(mnl_socket*, unsigned int, pid_t) { return refuse(ENOSYS); }
int mnl_socket_close(mnl_socket*) { return refuse(ENOSYS); }
unsigned int mnl_socket_get_portid(const mnl_socket*) { return 0; }
ssize_t mnl_socket_sendto(const mnl_socket*, const void*, size_t) { return refuse(ENOSYS); }
ssize_t mnl_socket_recvfrom(const mnl_socket*, void*, size_t) { return refuse(ENOSYS); }
int mnl_cb_run(const void*, size_t, unsigned int, unsigned int, mnl_cb_t, void*) {
  return refuse(ENOSYS);
}
mnl_nlmsg_batch* mnl_nlmsg_batch_start(void*, size_t) { return refuse(ENOSYS), nullptr; }
void mnl_nlmsg_batch_stop(mnl_nlmsg_batch*) {}
bool mnl_nlmsg_batch_next(mnl_nlmsg_batch*) { return false; }
size_t mnl_nlmsg_batch_size(mnl_nlmsg_batch*) { return 0; }
void* mnl_nlmsg_batch_head(mnl_nlmsg_batch*) { return nullptr; }
void* mnl_nlmsg_batch_current(mnl_nlmsg_batch*) { return nullptr; }
bool mnl_nlmsg_batch_is_empty(mnl_nlmsg_batch*) { return true; }

}  // extern "C"
