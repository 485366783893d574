// SPDX-License-Identifier: MIT
//
// What an output keeps for each of its interfaces: where its blocks come from, how the file
// describes it, what was read from the counters of kernel and device, and what has been done with
// its packets. A port outlives its ring: an interface that vanishes and comes back under its name
// goes on with its figures.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "capture/block_source.hpp"
#include "capture/device_counters.hpp"
#include "format/pcapng_blocks.hpp"
#include "format/recording_note.hpp"
#include "pipeline/file_text.hpp"
#include "pipeline/ledger.hpp"
#include "pipeline/ring_feed.hpp"

namespace captured::pipeline {

/// How the packets of an interface are described in the file.
struct port_description {
  format::interface_description_block block;  ///< has a name
  std::uint32_t snaplen = 262144;             ///< the real one; the block's is the file's
  std::uint32_t kernel_index = 0;             ///< of the device; 0 when it is not known
};

/// One interface that is recorded into an output. The ledger must outlive the recorder, the feed
/// must live until the recorder has let it go.
struct output_interface {
  port_description description;
  ring_feed* feed = nullptr;
  interface_ledger* ledger = nullptr;
  base::wall_time begun{};  ///< isb_starttime: since when its packets are counted
  /// The ring outlives this process: its blocks are given back only when their packets, and all
  /// before them, are written, so that what is not can be taken from it again.
  bool is_ring_kept = false;
};

/// Another filter, snaplen or speed for an interface that goes on.
struct description_change {
  port_description description;  ///< its comments tell the interval of the change
  std::uint64_t after_ns = 0;  ///< holds for the packets from the first one stamped later than this
  base::steady_time settled_at;  ///< from now on no older packet can be offered
};

/// Device counters by interface name; nothing where the device is gone.
using device_count_reader =
    std::function<std::optional<capture::device_counters>(const std::string&)>;

/// All members on the strand.
class port {
 public:
  /// `first` gives name, ledger and beginning; the rest comes by `attach`. A ledger that another
  /// recorder has kept before goes on.
  explicit port(const output_interface& first);

  /// Blocks come from this feed from now on; none may be attached.
  void attach(output_interface what, const device_count_reader& device_counts);
  /// The feed is drained and let go; its figures stay. Refresh before.
  void detach();
  [[nodiscard]] bool attached() const noexcept { return feed_ != nullptr; }

  [[nodiscard]] const std::string& name() const noexcept { return name_; }
  [[nodiscard]] ring_feed& feed() const noexcept { return *feed_; }
  [[nodiscard]] interface_ledger& ledger() const noexcept { return ledger_; }
  [[nodiscard]] const port_description& description() const noexcept { return description_; }
  void set_description(port_description changed) { description_ = std::move(changed); }

  /// Reads the counters of ring and device into the ledger.
  void refresh(const device_count_reader& device_counts);
  /// What a ring that goes to another process still holds is not ours: what is left counts as all
  /// that there was. When nothing is in flight any more.
  void settle_handed_over() noexcept;
  [[nodiscard]] bool is_ring_kept() const noexcept { return is_ring_kept_; }
  /// Figures for a statistics block, as of the last `refresh`.
  [[nodiscard]] interface_figures figures() const;
  /// Totals as of now, for the notes of a file: what is in files or buffers counts as stored.
  /// Losses of a time in which no file describes it are left for the one that does: they have to
  /// stand in its statistics too.
  [[nodiscard]] format::interface_totals totals() const;
  /// The same once nothing is in flight any more: what the disk has taken, and what it has not.
  [[nodiscard]] format::interface_totals settled_totals() const;

  /// Of so many losses those that a packet of the present ring will tell of. What a ring lost
  /// behind its last packet, none ever tells.
  [[nodiscard]] std::uint64_t untold(std::uint64_t osdrop) const noexcept;

  // What is to be said of it in the file.
  bool listed = true;              ///< in the notes' totals
  bool described = false;          ///< the current file has its description, under `interface_id`
  std::uint32_t interface_id = 0;  ///< in the current file
  std::deque<description_change> changes;  ///< in their order, not yet in force
  std::vector<std::string> notes;          ///< comments for its next statistics
  std::optional<std::string> leaving;      ///< why it is let go once its feed is drained

  // What was done with its packets.
  std::uint64_t encoded = 0;               ///< packets put into files since the recording began
  std::uint64_t given_up = 0;              ///< of those, the ones that got into none after all
  std::uint64_t given_up_since = 0;        ///< further ones, known since the file was begun
  std::uint64_t losses_reported = 0;       ///< sum of all epb_dropcount
  std::uint64_t osdrop_said = 0;           ///< in the last statistics block
  std::vector<std::uint64_t> newest_ns;    ///< stamp of the last packet of each queue
  std::uint32_t blocks_lent = 0;           ///< of its ring, until they or their packets are written
  base::steady_time loss_statistics_at{};  ///< not before this; see `loss_unsaid`
  bool loss_unsaid = false;                ///< a loss was met since the last statistics block
  bool is_left = false;                    ///< what its ring holds is another process's

 private:
  /// Counters as they stood when the present ring or device began to count.
  struct earlier_counts {
    std::uint64_t filteraccept = 0;
    std::uint64_t osdrop = 0;
    std::uint64_t received = 0;
    std::uint64_t dropped = 0;
  };

  std::string name_;
  interface_ledger& ledger_;
  base::wall_time begun_;
  port_description description_;
  ring_feed* feed_ = nullptr;
  bool is_ring_kept_ = false;
  earlier_counts earlier_;
  std::uint64_t never_told_ = 0;  ///< of osdrop, what rings before the present one left untold
  std::optional<capture::device_counters> device_base_;
  bool device_counted_ = false;  ///< the device's counters were ever known
};

}  // namespace captured::pipeline
