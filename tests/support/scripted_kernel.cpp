// SPDX-License-Identifier: MIT
#include "support/scripted_kernel.hpp"

#include <algorithm>
#include <cstring>

#include <arpa/inet.h>
#include <linux/if_arp.h>
#include <sys/socket.h>

#include "base/bytes.hpp"
#include "base/check.hpp"

namespace captured::test {
namespace {

constexpr std::size_t status_end = 12;  // version, offset to the private area, status
constexpr std::size_t status_offset = 8;
constexpr std::size_t first_frame_offset = sizeof(tpacket_block_desc);
constexpr std::size_t frame_alignment = 8;
constexpr std::uint32_t frame_head_bytes = sizeof(tpacket3_hdr) + sizeof(sockaddr_ll);
static_assert(sizeof(tpacket3_hdr) % TPACKET_ALIGNMENT == 0, "sockaddr_ll follows at once");
constexpr std::size_t addresses_end = 14;

tpacket_bd_ts block_time(std::uint64_t timestamp_ns) {
  tpacket_bd_ts time{};
  time.ts_sec = static_cast<unsigned>(timestamp_ns / 1'000'000'000);
  time.ts_nsec = static_cast<unsigned>(timestamp_ns % 1'000'000'000);
  return time;
}

/// From tpacket_rcv: the network header aligned to 16 behind the frame's head, and the reserve.
std::uint32_t data_offset_of(const scripted_options& options) {
  const std::uint32_t network_offset =
      base::align_up(frame_head_bytes + std::max(options.mac_length, std::uint32_t{16}),
                     std::uint32_t{TPACKET_ALIGNMENT}) +
      options.reserve;
  return network_offset - options.mac_length;
}

tpacket3_hdr header_of(const scripted_packet& packet, std::uint32_t captured_length) {
  tpacket3_hdr header{};
  header.tp_sec = static_cast<std::uint32_t>(packet.timestamp_ns / 1'000'000'000);
  header.tp_nsec = static_cast<std::uint32_t>(packet.timestamp_ns % 1'000'000'000);
  header.tp_snaplen = captured_length;
  header.tp_len = packet.original_length != 0 ? packet.original_length
                                              : static_cast<std::uint32_t>(packet.data.size());
  header.tp_status = TP_STATUS_USER | TP_STATUS_TS_SOFTWARE | packet.status;
  header.hv1.tp_vlan_tci = packet.vlan.tci;
  header.hv1.tp_vlan_tpid = packet.vlan.tpid;
  if (packet.vlan.tpid != 0) {
    header.tp_status |= TP_STATUS_VLAN_VALID | TP_STATUS_VLAN_TPID_VALID;
  }
  return header;
}

sockaddr_ll address_of(const scripted_packet& packet) {
  sockaddr_ll address{};
  address.sll_family = AF_PACKET;
  address.sll_ifindex = 1;
  address.sll_hatype = ARPHRD_ETHER;
  address.sll_pkttype = packet.packet_type;
  if (packet.data.size() >= addresses_end) {
    address.sll_halen = 6;
    std::memcpy(address.sll_addr, packet.data.data() + 6, 6);
    address.sll_protocol = base::load_native<std::uint16_t>(packet.data.data() + 12);
  }
  return address;
}

}  // namespace

scripted_kernel::scripted_kernel(const scripted_options& options)
    : memory_(
          base::mapping::anonymous(std::size_t{options.block_count} * options.block_bytes).value()),
      options_(options) {
  open_block();
}

std::byte* scripted_kernel::open_memory() noexcept {
  return memory_.bytes().data() + std::size_t{open_} * options_.block_bytes;
}

std::atomic_ref<std::uint32_t> scripted_kernel::open_status() noexcept {
  return std::atomic_ref(*reinterpret_cast<std::uint32_t*>(open_memory() + status_offset));
}

bool scripted_kernel::block_in_use() noexcept {
  return (open_status().load(std::memory_order_acquire) & TP_STATUS_USER) != 0;
}

void scripted_kernel::open_block() {
  frozen_ = false;
  head_ = {};
  head_.version = TPACKET_V3;
  head_.offset_to_priv = first_frame_offset;
  head_.hdr.bh1.offset_to_first_pkt = first_frame_offset;
  head_.hdr.bh1.blk_len = first_frame_offset;
  head_.hdr.bh1.seq_num = ++sequence_;
  end_ = first_frame_offset;
}

void scripted_kernel::open_next_block() {
  open_ = open_ + 1 == options_.block_count ? 0 : open_ + 1;
  if (block_in_use()) {
    frozen_ = true;
    freezes_.fetch_add(1, std::memory_order_relaxed);
    return;
  }
  open_block();
}

void scripted_kernel::close_block(std::uint32_t status_bits) {
  if (head_.hdr.bh1.num_pkts != 0) {
    base::store_native<std::uint32_t>(
        open_memory() + last_frame_ + offsetof(tpacket3_hdr, tp_next_offset), 0);
  }
  std::memcpy(open_memory(), &head_, status_offset);
  std::memcpy(open_memory() + status_end, reinterpret_cast<const std::byte*>(&head_) + status_end,
              sizeof head_ - status_end);
  open_status().store(TP_STATUS_USER | status_bits, std::memory_order_release);
}

void scripted_kernel::write_frame(const scripted_packet& packet, std::uint32_t data_offset,
                                  std::uint32_t captured_length) {
  const std::size_t frame_bytes =
      base::align_up<std::size_t>(data_offset + captured_length, frame_alignment);
  std::byte* const frame = open_memory() + end_;
  tpacket3_hdr header = header_of(packet, captured_length);
  header.tp_next_offset = static_cast<std::uint32_t>(frame_bytes);
  header.tp_mac = static_cast<std::uint16_t>(data_offset);
  header.tp_net = static_cast<std::uint16_t>(data_offset + options_.mac_length);
  const sockaddr_ll address = address_of(packet);
  std::memcpy(frame, &header, sizeof header);
  std::memcpy(frame + sizeof header, &address, sizeof address);
  std::copy_n(packet.data.begin(), captured_length, frame + data_offset);

  if (head_.hdr.bh1.num_pkts++ == 0) {
    head_.hdr.bh1.ts_first_pkt = block_time(packet.timestamp_ns);
  }
  head_.hdr.bh1.ts_last_pkt = block_time(packet.timestamp_ns);
  last_frame_ = end_;
  end_ += frame_bytes;
  head_.hdr.bh1.blk_len = static_cast<std::uint32_t>(end_);
  packets_.fetch_add(1, std::memory_order_relaxed);
}

bool scripted_kernel::produce(const scripted_packet& packet) {
  const std::uint32_t data_offset = data_offset_of(options_);
  const auto length_max = static_cast<std::uint32_t>(options_.block_bytes - first_frame_offset);
  CAPTURED_CHECK(data_offset < length_max);
  const std::uint32_t captured_length = std::min(
      {static_cast<std::uint32_t>(packet.data.size()), options_.snaplen, length_max - data_offset});
  if (frozen_ && !block_in_use()) {
    open_block();
  }
  // The comparison is strict in the kernel too; a frame that needs a whole block is placed in a
  // fresh one without it.
  if (!frozen_ &&
      end_ + base::align_up<std::size_t>(data_offset + captured_length, frame_alignment) >=
          options_.block_bytes) {
    close_block(0);
    open_next_block();
  }
  if (frozen_) {
    lose(1);
    return false;
  }
  write_frame(packet, data_offset, captured_length);
  return true;
}

void scripted_kernel::retire() {
  if (frozen_) {
    if (!block_in_use()) {
      open_block();
    }
    return;
  }
  if (head_.hdr.bh1.num_pkts != 0) {
    close_block(TP_STATUS_BLK_TMO);
    open_next_block();
  }
}

void scripted_kernel::lose(std::uint32_t packets) noexcept {
  drops_.fetch_add(packets, std::memory_order_relaxed);
}

capture::producer_counters scripted_kernel::read_counters() noexcept {
  const std::uint32_t drops = drops_.exchange(0, std::memory_order_relaxed);
  return {.packets = packets_.exchange(0, std::memory_order_relaxed) + drops,
          .drops = drops,
          .freezes = freezes_.exchange(0, std::memory_order_relaxed)};
}

}  // namespace captured::test
