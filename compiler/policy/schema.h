// JSON Schemas (draft-07) of what the reader reads, for editors: completion, hover text, checking.
//
// Made from the reader's own tables: keys.h for what there is and what it is for, choices.h for
// words and bounds, the catalogue for services. A schema sees one file as it is written, with its
// variables: what needs other files, names or packets is left to the reader. So whatever the reader
// takes is valid, and what is not valid the reader refuses; tests hold both together.
#pragma once

#include <string>

namespace firewright::policy {

// Of policies and the files that they include.
[[nodiscard]] std::string policy_schema();
// Of the files of `compile --hosts`.
[[nodiscard]] std::string hosts_schema();

}  // namespace firewright::policy
