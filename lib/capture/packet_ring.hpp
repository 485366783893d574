// SPDX-License-Identifier: MIT
//
// The ring that the kernel fills from one device: a packet socket, its mapped blocks and the order
// of steps in which they come up and go down. How blocks are taken and given back is block_ring's.
#pragma once

#include <chrono>
#include <memory>
#include <mutex>

#include "base/error.hpp"
#include "base/mapping.hpp"
#include "capture/block_ring.hpp"
#include "capture/device.hpp"
#include "capture/packet_socket.hpp"
#include "capture/ring_journal.hpp"

namespace captured::capture {

/// Threads as in block_source. `attach_filter`, `change_filter`, `reject_all` and `bind` may be
/// called beside both.
///
/// To end exactly: `reject_all`, wait three times `timeout()` for the last block to retire, take
/// what is there, release it all, `statistics()`. Read at once the figures would be wrong.
class packet_ring final : public block_ring {
 public:
  /// Opens socket and ring, attaches `program` and only then begins to receive from `from`, so that
  /// no packet passes that the program rejects. Fails as the steps of packet_socket do. The socket
  /// is one of `spares` when there are any.
  static base::result<std::unique_ptr<packet_ring>> open(
      const device& from, const interface_options& options, const filter_program& program,
      std::shared_ptr<spare_sockets> spares = nullptr);

  /// Goes on with a ring that another process made with these options and left behind: its socket,
  /// and the journal that was written to. Packets that came meanwhile are in it, judged by the
  /// filter before; from now on it is this one. Fails with EINVAL when the socket is bound to
  /// another device, or has a ring of another size.
  static base::result<std::unique_ptr<packet_ring>> take_over(base::unique_fd socket,
                                                              ring_journal journal,
                                                              const device& from,
                                                              const interface_options& options,
                                                              const filter_program& program);
  /// Keeps a journal from now on, which nobody has written to. Before the first block is taken.
  void keep_journal(ring_journal journal) noexcept { journal_ = std::move(journal); }
  /// Where it is noted what was dealt with: packets of a block that is released are. They can be
  /// noted before; then blocks must be given back in the order of their filling.
  [[nodiscard]] ring_journal* journal() noexcept { return journal_ ? &*journal_ : nullptr; }

  /// As block_source says. With a journal, blocks are given back in the order of their filling.
  void release(std::uint32_t index) noexcept override;

  /// Begins to receive from a device that was made anew under its name. Blocks, filter and sums
  /// stay. A device that is down is taken all the same and reports ENETDOWN (poll_set.hpp). Fails
  /// when the new device's packets have another link type: that takes another ring.
  base::result<> bind(const device& to);

  base::result<> attach_filter(const filter_program& program) {
    return socket_.attach_filter(program);
  }
  /// Exchanges filter or snaplen while packets come; says when, so that the file can.
  /// Takes some milliseconds. Fails with ECANCELED once `reject_all` was called.
  base::result<filter_change> change_filter(const filter_program& program);
  /// No packet comes any more, whatever filter is attached elsewhere at the same time.
  base::result<> reject_all();
  /// Several rings on one device: open each with `capture::reject_all()`, join all, then attach the
  /// filters. A ring that takes packets before all have joined gets those of the others too.
  base::result<std::uint16_t> make_fanout(fanout_mode mode) { return socket_.make_fanout(mode); }
  base::result<> join_fanout(std::uint16_t group, fanout_mode mode) {
    return socket_.join_fanout(group, mode);
  }

  [[nodiscard]] packet::link_type link() const noexcept { return link_; }
  [[nodiscard]] framing form() const noexcept override { return framing_of(link_); }

  /// Readable while the block before the kernel's own is unreleased: wait edge-triggered, with
  /// poll_set, then take until there is nothing. Stays owned by the ring.
  [[nodiscard]] int fd() const noexcept { return socket_.fd(); }
  /// A block with packets retires after this.
  [[nodiscard]] std::chrono::milliseconds timeout() const noexcept { return timeout_; }

 private:
  packet_ring(packet_socket socket, base::mapping memory, const interface_options& options,
              packet::link_type link);
  packet_ring(packet_socket socket, base::mapping memory, const interface_options& options,
              packet::link_type link, ring_journal journal);
  [[nodiscard]] producer_counters read_counters() noexcept override;

  packet_socket socket_;
  std::mutex filters_;  ///< orders a change and the end
  bool rejects_all_ = false;
  base::mapping memory_;
  std::chrono::milliseconds timeout_;
  bool promiscuous_;
  packet::link_type link_;
  std::optional<ring_journal> journal_;
};

}  // namespace captured::capture
