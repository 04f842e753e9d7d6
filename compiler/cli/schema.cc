#include "compiler/policy/schema.h"

#include "compiler/cli/options.h"

namespace firewright::cli {

Exit schema(const SchemaOptions& options, Console& console) {
  console.out << (options.hosts ? policy::hosts_schema() : policy::policy_schema());
  return Exit::ok;
}

}  // namespace firewright::cli
