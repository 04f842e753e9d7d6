// Fixed-width integers, with the 128-bit one that IPv6 addresses need.
//
// Everything here is in host byte order. Bytes in network order exist only inside the encoders.
#pragma once

#include <cstdint>

namespace firewright {

__extension__ typedef unsigned __int128 u128;  // NOLINT(modernize-use-using)

}  // namespace firewright
