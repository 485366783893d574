// SPDX-License-Identifier: MIT
//
// One stream that `capturectl receive` takes, as files: names, rotation, interfaces as the sender
// described them. Each file is whole under its name or not there.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "capturectl_output.hpp"
#include "stream/server.hpp"

namespace captured::capturectl {

struct received_options {
  std::string directory;
  output_options output;  ///< format and compression
  std::uint64_t rotate_bytes = 0;
  std::uint64_t rotate_packets = 0;
  std::chrono::seconds rotate_interval{0};
  /// Of streams that say nothing of their interface, as the original does not.
  packet::link_type link = packet::link_type::ethernet;
};

/// What is to be said of a stream that has ended.
struct received_report {
  std::string peer;
  stream::stream_end end;
  std::vector<std::string> files;
  format::write_counts counts;
  std::string error;  ///< why packets could not be written
};

/// All on the stream's thread; `done` too.
class received_stream final : public stream::receiver {
 public:
  /// Begins the first file. The options must outlive it. When it cannot, `done` is told why, and
  /// the failure is for the peer, as all of this class are: it names no files.
  static base::result<std::unique_ptr<stream::receiver>> make(
      const received_options& options, std::string peer,
      std::function<void(const received_report&)> done);

  base::result<> take(const stream::packet_message& packet) override;
  base::result<> end(const stream::stream_end& how) override;

 private:
  received_stream(const received_options& options, std::string peer,
                  std::function<void(const received_report&)> done);
  base::result<> begin_file();
  base::result<> end_file();
  [[nodiscard]] bool rotation_due() const;
  [[nodiscard]] std::uint32_t interface_of(const stream::packet_message& packet);

  struct interface {
    format::capture_interface described;
    std::optional<std::uint32_t> in_file;  ///< its number in the current file
  };

  const received_options& options_;
  std::function<void(const received_report&)> done_;
  received_report report_;
  std::unique_ptr<capture_output> output_;
  std::string path_;
  std::vector<interface> interfaces_;
  std::uint64_t packets_in_file_ = 0;
  std::uint32_t descriptions_in_file_ = 0;
  std::chrono::steady_clock::time_point file_ends_at_;
};

}  // namespace captured::capturectl
