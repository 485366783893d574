// SPDX-License-Identifier: MIT
//
// What an output keeps for each of its interfaces: where its blocks come from, what was read from
// the kernel's counters, and what has been done with its packets.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>

#include "base/time.hpp"
#include "capture/block_source.hpp"
#include "capture/device_counters.hpp"
#include "format/pcapng_blocks.hpp"
#include "format/recording_note.hpp"
#include "pipeline/file_text.hpp"
#include "pipeline/ledger.hpp"
#include "pipeline/ring_feed.hpp"

namespace captured::pipeline {

/// One interface that is recorded into an output. Feed and ledger must outlive the recorder.
struct output_interface {
  format::interface_description_block description;
  std::uint32_t snaplen = 262144;
  ring_feed* feed = nullptr;
  interface_ledger* ledger = nullptr;
  base::wall_time begun{};  ///< isb_starttime: since when its packets are counted
};

/// Device counters by interface name; nothing where the device is gone.
using device_count_reader =
    std::function<std::optional<capture::device_counters>(const std::string&)>;

/// All members on the strand.
class port {
 public:
  port(std::uint32_t interface_id, output_interface what, const device_count_reader& device_counts);

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] const output_interface& what() const noexcept { return what_; }
  [[nodiscard]] ring_feed& feed() const noexcept { return *what_.feed; }
  [[nodiscard]] interface_ledger& ledger() const noexcept { return *what_.ledger; }
  [[nodiscard]] std::uint32_t interface_id() const noexcept { return interface_id_; }

  /// Reads the counters of ring and device into the ledger.
  void refresh(const device_count_reader& device_counts);
  /// Figures for a statistics block, as of the last `refresh`.
  [[nodiscard]] interface_figures figures() const;
  /// Totals as of now, for the notes of a file: what is in files or buffers counts as stored.
  [[nodiscard]] format::interface_totals totals() const;

  std::uint64_t encoded = 0;               ///< packets put into files since the recording began
  std::uint64_t losses_reported = 0;       ///< sum of all epb_dropcount
  std::uint64_t newest_ns = 0;             ///< stamp of the last packet
  base::steady_time loss_statistics_at{};  ///< not before this; see `loss_unsaid`
  bool loss_unsaid = false;                ///< a loss was met since the last statistics block

 private:
  std::uint32_t interface_id_;
  output_interface what_;
  std::string name_;
  std::optional<capture::device_counters> device_base_;
};

}  // namespace captured::pipeline
