// SPDX-License-Identifier: MIT
//
// One output with scripted rings, a disk in memory and a clock that moves when told: the whole
// pipeline behind its seams, on one thread. For tests that look at what reaches the files.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "pipeline/ledger.hpp"
#include "pipeline/output_recorder.hpp"
#include "pipeline/ring_feed.hpp"
#include "support/memory_files.hpp"
#include "support/scripted_source.hpp"

namespace captured::test {

using testing::memory_files;

struct rig_options {
  std::size_t interfaces = 1;
  scripted_options ring;
  pipeline::output_options output;
  memory_files::delivery delivery = memory_files::delivery::manual;
  pipeline::placement where = pipeline::placement::packed;
  std::vector<storage::kept_file> earlier = {};  ///< of an earlier life; to be put on the disk too
  bool is_ring_kept = false;                     ///< see pipeline::output_interface
  bool has_fallback = false;  ///< the second disk is the second place from the start
};

/// What is read back of a finished or open file.
struct read_back {
  std::uint64_t packets = 0;
  std::vector<std::uint32_t> numbers;  ///< of its frames, in the order of the file, all interfaces
  std::uint64_t dropcounts = 0;
  std::uint64_t statistics_blocks = 0;
  bool ended = false;  ///< has an end block
};

class recorder_rig {
 public:
  explicit recorder_rig(rig_options options = {});

  /// A frame with the next number arrives at an interface; false when its ring had no room.
  bool produce(std::size_t interface = 0, std::size_t frame_bytes = 64);
  /// The ring's timer fires: what was produced reaches the queue.
  void retire(std::size_t interface = 0);
  void retire_all();
  /// Time passes, then the recorder runs and the disk completes what it can.
  void pass(std::chrono::nanoseconds time);
  /// Runs recorder and disk in turns until both have nothing to do.
  void settle();
  /// The reactor's part of a stop: what is in the rings is offered, and the feeds close.
  void close_feeds();
  /// The same when the rings are left to another recorder.
  void hand_over_feeds();
  /// The whole stop; passes time up to `timeout` until the output has ended.
  void stop(std::chrono::milliseconds timeout = std::chrono::seconds(10));

  /// A further interface, named "if" and its number, which is returned.
  std::size_t add_interface(const scripted_options& ring = {});
  /// The reactor's part of a removal: what is in the ring is offered, and the feed closes.
  void close_feed(std::size_t interface);
  /// A new ring for an interface that was removed and released; the ledger goes on.
  void bring_back(std::size_t interface, const scripted_options& ring = {});
  /// Names that were removed and released.
  [[nodiscard]] const std::vector<std::string>& released() const { return released_; }

  [[nodiscard]] base::moment now() const { return now_; }
  void step_wall_clock(std::chrono::nanoseconds by) { now_.wall += by; }
  [[nodiscard]] pipeline::output_recorder& recorder() { return *recorder_; }
  /// There are two; without a fallback the second one is merely there.
  [[nodiscard]] memory_files& disk(std::uint32_t which = 0) {
    return which == 0 ? disk_ : second_disk_;
  }
  /// Makes a disk the folder of a place.
  void attach(std::uint32_t place, std::uint32_t disk);
  [[nodiscard]] scripted_source& ring(std::size_t interface) { return *lines_[interface]->source; }
  [[nodiscard]] pipeline::ledger_figures ledger(std::size_t interface = 0) const;
  [[nodiscard]] std::uint32_t produced(std::size_t interface = 0) const;

  /// Names of the finished files in the order in which they were closed.
  [[nodiscard]] const std::vector<std::string>& closed() const { return closed_; }
  [[nodiscard]] const std::vector<std::string>& troubles() const { return troubles_; }
  /// What was said of files whose octets the device refused.
  [[nodiscard]] const std::vector<std::string>& unproven() const { return unproven_; }
  /// Names of the files that retention removed, and why it could not.
  [[nodiscard]] const std::vector<std::string>& removed() const { return removed_; }
  [[nodiscard]] const std::vector<std::string>& removal_troubles() const {
    return removal_troubles_;
  }
  [[nodiscard]] std::uint64_t recoveries() const { return recoveries_; }
  /// "PLACE CAUSE" of each time files were made elsewhere.
  [[nodiscard]] const std::vector<std::string>& moves() const { return moves_; }
  [[nodiscard]] bool tests_wanted(std::uint32_t place) const { return tests_wanted_[place]; }
  /// Places that were left for good.
  [[nodiscard]] const std::vector<std::uint32_t>& left() const { return left_; }

 private:
  struct line {
    std::unique_ptr<scripted_source> source;
    std::unique_ptr<pipeline::ring_feed> feed;
    pipeline::interface_ledger ledger;
    std::uint32_t produced = 0;
  };

  [[nodiscard]] pipeline::output_interface describe(std::size_t interface);
  [[nodiscard]] std::unique_ptr<scripted_source> make_ring(const scripted_options& of) const;

  bool is_ring_kept_;
  std::vector<std::unique_ptr<line>> lines_;
  memory_files disk_;
  memory_files second_disk_;
  base::moment now_;
  std::vector<storage::file_completion> completions_;
  std::vector<std::string> closed_;
  std::vector<std::string> troubles_;
  std::vector<std::string> unproven_;
  std::vector<std::string> released_;
  std::vector<std::string> removed_;
  std::vector<std::string> removal_troubles_;
  std::uint64_t recoveries_ = 0;
  std::vector<std::string> moves_;
  std::array<bool, storage::places_max> tests_wanted_{};
  std::vector<std::uint32_t> left_;
  std::unique_ptr<pipeline::output_recorder> recorder_;
};

/// Walks the octets of a file that the recorder wrote, up to the last whole block.
[[nodiscard]] read_back read_file(std::span<const std::byte> octets);

/// All finished files one after the other, each of which must have an end block.
[[nodiscard]] read_back read_all(recorder_rig& rig);

/// 0, 1, … up to but not including `end`.
[[nodiscard]] std::vector<std::uint32_t> numbers_to(std::uint32_t end);

/// So many frames arrive at an interface.
void produce(recorder_rig& rig, std::uint32_t count, std::size_t interface = 0);

}  // namespace captured::test
