// SPDX-License-Identifier: MIT
#include "capture/packet_ring.hpp"

#include <utility>

#include "capture/frame_cursor.hpp"

namespace captured::capture {

packet_ring::packet_ring(packet_socket socket, base::mapping memory,
                         const interface_options& options, packet::link_type link)
    : block_ring(memory.bytes(), options.ring.block_bytes),
      socket_(std::move(socket)),
      memory_(std::move(memory)),
      timeout_(options.ring.timeout),
      promiscuous_(options.promiscuous),
      link_(link) {}

packet_ring::packet_ring(packet_socket socket, base::mapping memory,
                         const interface_options& options, packet::link_type link,
                         ring_journal journal)
    : block_ring(memory.bytes(), options.ring.block_bytes, journal),
      socket_(std::move(socket)),
      memory_(std::move(memory)),
      timeout_(options.ring.timeout),
      promiscuous_(options.promiscuous),
      link_(link),
      journal_(std::move(journal)) {}

base::result<std::unique_ptr<packet_ring>> packet_ring::take_over(base::unique_fd socket,
                                                                  ring_journal journal,
                                                                  const device& from,
                                                                  const interface_options& options,
                                                                  const filter_program& program) {
  const packet::link_type link = link_type_of(from);
  auto taken = packet_socket::take_over(std::move(socket), from.name, framing_of(link));
  if (auto fits = taken.check_device(from.index); !fits) {
    return fits.error();
  }
  if (!taken.has_filter(program)) {
    if (auto attached = taken.attach_filter(program); !attached) {
      return attached.error();
    }
  }
  auto memory = taken.map_ring(options.ring);
  if (!memory) {
    return memory.error();
  }
  return std::unique_ptr<packet_ring>(
      new packet_ring(std::move(taken), std::move(*memory), options, link, std::move(journal)));
}

base::result<std::unique_ptr<packet_ring>> packet_ring::open(
    const device& from, const interface_options& options, const filter_program& program,
    std::shared_ptr<spare_sockets> spares) {
  const packet::link_type link = link_type_of(from);
  auto socket = packet_socket::open(from.name, framing_of(link), std::move(spares));
  if (!socket) {
    return socket.error();
  }
  // The filter before the ring, both before the device: nothing has to be drained.
  if (auto attached = socket->attach_filter(program); !attached) {
    return attached.error();
  }
  auto memory = socket->set_up_ring(options.ring);
  if (!memory) {
    return memory.error();
  }
  if (options.stamps == stamp_source::hardware) {
    if (auto preferred = socket->prefer_hardware_stamps(); !preferred) {
      return preferred.error();
    }
  }
  std::unique_ptr<packet_ring> ring(
      new packet_ring(std::move(*socket), std::move(*memory), options, link));
  if (auto bound = ring->bind(from); !bound) {
    return bound.error();
  }
  return ring;
}

base::result<> packet_ring::bind(const device& to) {
  if (link_type_of(to) != link_) {
    return base::invalid_input("bind " + to.name, "its packets have another link type now");
  }
  if (promiscuous_) {
    if (auto made = socket_.set_promiscuous(to.index); !made) {
      return made.error();
    }
  }
  return socket_.bind(to.index);
}

base::result<filter_change> packet_ring::change_filter(const filter_program& program) {
  const std::lock_guard lock(filters_);
  if (rejects_all_) {
    return base::system_failure(ECANCELED, "change filter of " + socket_.device_name());
  }
  return socket_.change_filter(program);
}

base::result<> packet_ring::reject_all() {
  const std::lock_guard lock(filters_);
  rejects_all_ = true;
  return socket_.reject_all();
}

void packet_ring::release(std::uint32_t index) noexcept {
  if (journal_) {
    const block_head head = read_block_head(block_memory(index));
    journal_->note_given_back(head.sequence, head.packet_count, losses_before(index));
  }
  block_ring::release(index);
}

producer_counters packet_ring::read_counters() noexcept {
  if (!journal_) {
    return socket_.read_counters();
  }
  counted_by_kernel& counted = journal_->room_for_counters();
  socket_.read_counters(counted);
  const producer_counters growth{
      .packets = counted.packets, .drops = counted.drops, .freezes = counted.freezes};
  journal_->add_counted();
  return growth;
}

}  // namespace captured::capture
