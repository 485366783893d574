// SPDX-License-Identifier: MIT
#include "stream/packet_batch.hpp"

namespace captured::stream {

void packet_batch::append(const packet_message& packet) {
  const std::size_t before = octets_.size();
  const std::size_t name = packet.interface ? packet.interface->name.size() : 0;
  octets_.resize(before + message_bytes_max(packet.data.size(), name));
  const std::size_t length = encode_message(octets_.data() + before, packet);
  octets_.resize(before + length);
  entries_.push_back({static_cast<std::uint32_t>(length), packet.interface_id});
}

}  // namespace captured::stream
