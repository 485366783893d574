// SPDX-License-Identifier: MIT
//
// A capture file as the subcommands read it: mapped where it can be, else streamed, with the
// sidecar of lpcap where there is one.
#pragma once

#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mapping.hpp"
#include "capturectl_background.hpp"
#include "capturectl_output.hpp"
#include "capturectl_segments.hpp"
#include "format/capture_reader.hpp"
#include "pipeline/file_source.hpp"

namespace captured::capturectl {

class capture_input {
 public:
  /// Mapped octets stay where they are as long as the input lives; reading into a small ring
  /// costs less than the faults and the waits for memory of a mapping.
  /// The last two are for those who use next_run(), for its sums or to have runs copied.
  enum class access : std::uint8_t { mapped, streamed, sums, copied };

  /// Plain packets (format/packet_run.hpp), as many as can be had at once.
  struct run {
    format::packet_totals totals;
    /// Valid until the next item or run; none with access::sums.
    std::span<const std::byte> octets;
    std::uint64_t copied = 0;  ///< so many lie in the output instead
  };

  /// "-" is standard input. Fails only when the file cannot be opened; what it holds is for the
  /// reader to judge.
  static base::result<std::unique_ptr<capture_input>> open(const std::string& path,
                                                           format::read_options options = {},
                                                           access how = access::mapped);

  [[nodiscard]] format::capture_reader& reader() noexcept { return *reader_; }
  [[nodiscard]] const std::string& path() const noexcept { return path_; }
  /// Of the file, compressed or not; 0 for a pipe.
  [[nodiscard]] std::uint64_t size() const noexcept { return size_; }
  /// Those that follow the reader's last item, and the reader is behind them; none when what
  /// follows is anything else. Where the input was opened for it, and the output can have it so,
  /// they are copied there at once: capture_output::pass_run().
  [[nodiscard]] run next_run(capture_output* output = nullptr);
  /// Nothing is copied any more, also not by another thread: before an output is closed whose
  /// copying was ended by a failure.
  void end_runs() noexcept {
    segments_.reset();
    next_segment_ = std::numeric_limits<std::uint64_t>::max();
  }
  /// Says that the reader went on, for the thread that brings in pages. Most calls do nothing.
  void moved() {
    if (runner_ && (++calls_ & 0x3FF) == 0) {
      runner_->at(reader_->octets_read());
    }
  }

 private:
  explicit capture_input(std::string path) : path_(std::move(path)) {}

  std::string path_;
  std::uint64_t size_ = 0;
  base::mapping mapping_;
  std::optional<page_runner> runner_;
  std::uint32_t calls_ = 0;
  std::optional<pipeline::file_source> source_;
  std::optional<ahead_source> ahead_;
  base::unique_fd fd_;  ///< of the two that follow
  std::optional<placed_source> placed_;
  std::optional<segment_runs> segments_;
  std::uint64_t next_segment_ = std::numeric_limits<std::uint64_t>::max();  ///< where it begins
  std::optional<std::uint32_t> learnt_section_;  ///< that the segments are searched for
  std::size_t learnt_interfaces_ = 0;
  std::optional<pipeline::file_source> sidecar_;
  std::unique_ptr<format::capture_reader> reader_;
};

/// Standard input, a named pipe, a device: what can be read once only.
[[nodiscard]] bool is_stream(const std::string& path);

/// Of all that are files; 0 when one of them is a pipe.
[[nodiscard]] std::uint64_t total_size(const std::vector<std::string>& paths);

}  // namespace captured::capturectl
