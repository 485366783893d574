// SPDX-License-Identifier: MIT
#include "packet/packet_view.hpp"

#include <type_traits>

namespace captured::packet {

static_assert(std::is_trivially_copyable_v<packet_view>, "passed by value on the packet path");

}  // namespace captured::packet
