// One form for what nf_tables messages define, so that equal things are equal bytes, whether they
// were made to be sent or came from the kernel.
//
// The form is netlink attributes again and can be sent as it is: sorted by type, nests marked,
// without handles, counts, values that change while packets pass, and without zeros that mean what
// their absence means. What it does not know stays in, byte for byte: at worst two equal things
// look different, never the other way round.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace firewright::host {

// The set that a name or, in a batch, an id stands for.
struct NamedSet {
  std::size_t index = 0;   // in the owner's list
  bool anonymous = false;  // it belongs to one rule, and the kernel chooses its name
  bool is_map = false;
  std::string_view name;
  std::string_view timeout;  // NFTA_SET_TIMEOUT
};
class SetDirectory {
 public:
  virtual ~SetDirectory() = default;
  [[nodiscard]] virtual std::optional<NamedSet> find(std::string_view name,
                                                     std::optional<std::uint32_t> id) const = 0;
};

// Type and name.
using ObjectName = std::pair<std::uint32_t, std::string>;

// What named sets and objects are to be called for now.
using NewNames = std::map<std::string, std::string, std::less<>>;

// What stands in a canonical form by reference only.
struct References {
  // Anonymous sets, by SetDirectory's index, in the order of their numbers 0, 1, ... in the form.
  std::vector<std::size_t> anonymous;
  // Where in the form such a number stands, to be replaced by the set's id in a batch.
  std::vector<std::pair<std::size_t, std::uint32_t>> numbers;
  std::vector<std::string> sets;
  std::vector<ObjectName> objects;
};

enum class Shape : std::uint8_t { table, chain, object, set, element, rule };

// Appends to `out`. False: damaged, or it names a set that there is not. Attributes that only say
// where a thing belongs or what it is called are left out. `object_type` is that of an object.
// `element_timeout` is the one that the elements of the set have anyway.
struct CanonicalContext {
  const SetDirectory* sets = nullptr;
  References* references = nullptr;
  std::uint32_t object_type = 0;
  std::string_view element_timeout;
  const NewNames* objects = nullptr;  // of sets the directory tells the new name
};
[[nodiscard]] bool canonical(Shape shape, std::string_view attributes,
                             const CanonicalContext& context, std::string& out);

}  // namespace firewright::host
