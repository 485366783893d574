// SPDX-License-Identifier: MIT
//
// The interfaces of one output: whose block is next, and what the file has to say of them. Makes
// octets; knows no file, clock or thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "pipeline/chunk.hpp"
#include "pipeline/port.hpp"

namespace captured::pipeline {

/// All members on the strand. A port keeps its index for good.
class port_set {
 public:
  /// `earlier` are the totals of a recorder of the same recording whose place this one takes.
  port_set(device_count_reader device_counts, format::recording_totals earlier);

  /// A further interface, or one that is back; none of its name may be attached.
  void attach(output_interface what);
  [[nodiscard]] port* find(const std::string& name) noexcept;
  [[nodiscard]] port& operator[](std::size_t index) noexcept { return *ports_[index]; }

  [[nodiscard]] bool any_attached() const noexcept { return !attached_.empty(); }
  [[nodiscard]] std::size_t attached_count() const noexcept { return attached_.size(); }
  /// No feed will offer another block. What was offered before can still be taken: ask this first.
  [[nodiscard]] bool sources_closed() const noexcept;
  [[nodiscard]] bool block_waiting() const noexcept;
  /// At least half the blocks of a ring are being written as they lie: nobody will wake the strand
  /// for another block before some are given back.
  [[nodiscard]] bool has_lent_most() const noexcept;
  /// The same of a ring whose blocks wait for the packets that were copied from them: these should
  /// be written soon.
  [[nodiscard]] bool holds_most() const noexcept;
  [[nodiscard]] bool drained() const noexcept { return sources_closed() && !block_waiting(); }

  /// A block and whose it is.
  struct taken {
    capture::block_lease block;
    std::size_t port = 0;
  };
  /// The next block, port after port in turn.
  [[nodiscard]] std::optional<taken> take_block() noexcept;
  /// Octets in use of the block that `take_block` would return; 0 without one.
  [[nodiscard]] std::size_t upcoming_bytes() const noexcept;

  /// Octets that one act of saying something can take: the statistics of all, or a description.
  [[nodiscard]] std::size_t text_bytes_max() const noexcept { return text_bytes_max_; }
  /// To be called when a port's description or pending changes were altered.
  void measure_texts();
  /// Interfaces that are gone were left out of the totals, now or by an earlier recorder.
  [[nodiscard]] bool has_forgotten() const noexcept { return has_forgotten_; }
  void set_forgotten() noexcept { has_forgotten_ = true; }
  /// Leaves those that are gone out of the totals, as far as there are too many. Between files.
  void forget_some(format::recording_totals& totals);
  /// Descriptions of all that are attached, as a new file begins with; they get their ids by this.
  [[nodiscard]] std::vector<format::interface_description_block> begin_file();
  /// Descriptions as they would be with this one, which may be a new one of an interface, and with
  /// the names of all that are listed in the notes.
  [[nodiscard]] std::vector<format::interface_description_block> descriptions_with(
      const format::interface_description_block& further) const;

  /// Something is to be said of a port: its description is missing or changes, a note waits, or
  /// it leaves. `in_work` is the port whose block is being encoded.
  [[nodiscard]] bool description_due(base::steady_time now,
                                     std::optional<std::size_t> in_work) const;
  /// Called for a port that has left, with where its blocks came from: that is not used any more.
  using released_handler = std::function<void(const std::string&, capture::block_source&)>;
  /// Says it for one port.
  void describe(std::vector<std::byte>& out, base::moment now, std::optional<std::size_t> in_work,
                const released_handler& released);
  /// The change that the packets of the block in work have reached holds from now on.
  void change_reached(std::size_t port) noexcept { change_reached_ = port; }

  [[nodiscard]] bool loss_statistics_due(base::steady_time now) const noexcept;
  /// Statistics of all, or of those with losses that were not told.
  void append_running(std::vector<std::byte>& out, base::moment now, bool all);
  /// Statistics of all at the end of a file.
  void append_final(std::vector<std::byte>& out, statistics_kind kind, base::wall_time now);

  /// What has become of packets that were encoded.
  void count_stored(std::span<const chunk_run> runs);
  void count_unwritten(std::span<const chunk_run> runs);
  /// What `settle` counts as unwritten was in the totals as stored, also in the head of a file that
  /// is open: so the totals tell it from the next `settle_totals` on.
  void count_given_up(const std::function<void()>& settle);
  /// Between files.
  void settle_totals() noexcept;
  /// The file ends without its statistics.
  void forget_file() noexcept;

  [[nodiscard]] format::recording_totals totals() const;
  [[nodiscard]] format::recording_totals settled_totals() const;
  /// Of the losses in these totals, those that no packet has told of; interfaces without are left
  /// out.
  [[nodiscard]] std::map<std::string, std::uint64_t> untold(
      const format::recording_totals& totals) const;
  void refresh();
  void settle_handed_over() noexcept;
  /// What the rings that were handed over hold is not ours from now on: no block of them is
  /// taken, and their packets do not count as unwritten.
  void leave_rings() noexcept;
  /// The earliest time after `now` at which something falls due by itself.
  [[nodiscard]] base::steady_time wake_at(base::steady_time now) const noexcept;

 private:
  [[nodiscard]] bool is_change_due(std::size_t index, base::steady_time now,
                                   std::optional<std::size_t> in_work) const;
  [[nodiscard]] bool is_leaving_due(std::size_t index, std::optional<std::size_t> in_work) const;
  [[nodiscard]] bool is_due(std::size_t index, base::steady_time now,
                            std::optional<std::size_t> in_work) const;
  void append_description(std::vector<std::byte>& out, port& of);

  device_count_reader device_counts_;
  format::recording_totals earlier_;
  std::vector<std::unique_ptr<port>> ports_;
  /// Indexes of those that are attached: the others can be many, where device names change.
  std::vector<std::size_t> attached_;
  std::size_t next_ = 0;  ///< of those, where the round over them goes on
  std::uint32_t next_interface_id_ = 0;
  std::optional<std::size_t> change_reached_;
  std::size_t text_bytes_max_ = 0;
  bool has_forgotten_ = false;
};

}  // namespace captured::pipeline
