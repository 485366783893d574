// SPDX-License-Identifier: MIT
#include "pipeline/live_copy.hpp"

#include <utility>

#include "format/packet_block_encoder.hpp"
#include "pipeline/file_text.hpp"

namespace captured::pipeline {

void live_copy::begin(const std::string& comment) {
  const file_identity identity = describe_host();
  format::section_header_block section;
  section.hardware = identity.hardware;
  section.os = identity.os;
  section.application = identity.application;
  section.comments.push_back(comment);
  format::append(octets_, section);
}

std::uint32_t live_copy::add_interface(const format::interface_description_block& description,
                                       copy_wish wish) {
  format::append(octets_, description);
  sources_.push_back({.wish = std::move(wish)});
  return static_cast<std::uint32_t>(sources_.size() - 1);
}

void live_copy::copy(std::uint32_t interface_id, const shown_block& block) {
  source& from = sources_[interface_id];
  shown_packets packets(block);
  for (packet::packet_view packet; packets.next(packet);) {
    if (!from.wish.filter || matches(from, packet)) {
      copy_packet(interface_id, from, packet);
    }
  }
}

bool live_copy::matches(const source& from, const packet::packet_view& packet) {
  const whole_packet whole = make_whole(packet, scratch_);
  return from.wish.filter->matches(whole.data, whole.original_length);
}

void live_copy::copy_packet(std::uint32_t interface_id, source& from,
                            const packet::packet_view& packet) {
  ++figures_.offered;
  const format::packet_block_extras extras{.dropcount = from.drops};
  const std::size_t size = format::packet_block_bytes(packet, extras, from.wish.snaplen);
  const std::size_t used = octets_.size();
  if (used + size > bytes_max_) {
    ++figures_.dropped;
    ++from.drops;
    return;
  }
  octets_.resize(used + size);
  (void)format::encode_packet_block(octets_.data() + used, interface_id, packet, extras,
                                    from.wish.snaplen);
  from.drops = 0;
  ++figures_.copied;
}

void live_copy::take(std::vector<std::byte>& spare) {
  std::swap(octets_, spare);
  octets_.clear();
}

whole_packet make_whole(const packet::packet_view& packet, std::vector<std::byte>& scratch) {
  if (packet.vlan.tpid == 0) {
    return {packet.data, packet.original_length};
  }
  constexpr std::uint32_t no_limit = 0xFFFFFFFF;
  scratch.resize(format::packet_block_bytes(packet, {}, no_limit));
  (void)format::encode_packet_block(scratch.data(), 0, packet, {}, no_limit);
  const auto captured = base::load_little<std::uint32_t>(scratch.data() + 20);
  return {std::span(scratch).subspan(format::packet_block_header_bytes, captured),
          base::load_little<std::uint32_t>(scratch.data() + 24)};
}

}  // namespace captured::pipeline
