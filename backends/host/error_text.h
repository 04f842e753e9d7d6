// What an errno says, for people; strerror(3) promises nothing to threads.
#pragma once

#include <string>
#include <system_error>

namespace firewright::host {

[[nodiscard]] inline std::string error_text(int error) {
  return std::generic_category().message(error);
}

}  // namespace firewright::host
