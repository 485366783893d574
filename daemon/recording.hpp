// SPDX-License-Identifier: MIT
//
// The wiring: makes sockets, rings, queues, strands and files out of a configuration, runs them,
// and brings them down in order. Not for options, signals or words for the operator.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>

#include "base/error.hpp"
#include "capture/packet_ring.hpp"
#include "daemon/ledger_report.hpp"
#include "pipeline/capture_reactor.hpp"
#include "pipeline/ledger.hpp"
#include "pipeline/ring_feed.hpp"
#include "pipeline/series.hpp"
#include "pipeline/writer.hpp"
#include "settings/configuration.hpp"
#include "storage/file_writer.hpp"
#include "storage/output_directory.hpp"

namespace captured::daemon {

/// How a recording went.
struct recording_outcome {
  bool required_failed = false;  ///< a required interface or an output could not be opened
  bool unwritten = false;        ///< the stop's time was over before the disk had taken everything
};

/// All members on the thread that runs `reactor_context`.
class recording {
 public:
  /// Opens folders and sockets; packets are received from here on. What cannot be opened is
  /// logged and left out; fails when nothing is left to be recorded.
  static base::result<std::unique_ptr<recording>> open(boost::asio::io_context& reactor_context,
                                                       const settings::configuration& wanted);
  ~recording();
  recording(const recording&) = delete;
  recording& operator=(const recording&) = delete;

  /// Starts reactor and writers; `ended` is called when every output has ended after a stop.
  base::result<> start(std::function<void()> ended);
  /// Ends the current file of every output.
  void rotate();
  /// The exact stop, `stop_timeout` at most.
  void stop();
  /// Reads all counters, then calls `done`.
  void refresh_ledger(std::function<void()> done);

  [[nodiscard]] std::vector<ledger_row> ledger() const;
  [[nodiscard]] std::size_t interface_count() const noexcept { return lines_.size(); }
  [[nodiscard]] std::size_t output_count() const noexcept { return outputs_.size(); }
  [[nodiscard]] recording_outcome outcome() const noexcept { return outcome_; }

 private:
  /// One captured interface with everything that is its own.
  struct line {
    std::string name;
    std::string output;
    capture::device from;
    capture::interface_options options;
    base::wall_time begun{};
    std::unique_ptr<capture::packet_ring> ring;
    std::unique_ptr<pipeline::ring_feed> feed;
    pipeline::interface_ledger ledger;
  };
  struct output {
    pipeline::output_options options;
    std::optional<storage::output_directory> folder;
    base::unique_fd claim;
    std::unique_ptr<pipeline::writer> writer;
    std::unique_ptr<storage::file_writer> files;
    bool ended = false;
  };

  recording(boost::asio::io_context& reactor_context, const settings::configuration& wanted,
            capture::poll_set rings);
  /// Does an opened interface go into this output?
  [[nodiscard]] bool is_used(const pipeline::output_options& options) const;
  base::result<> open_line(const settings::interface_settings& entry);
  /// Makes the folder ours and finds where its series goes on.
  base::result<pipeline::series_start> open_folder(output& one) const;
  base::result<> open_output(const pipeline::output_options& options);
  void on_output_ended(output& one, const pipeline::recorder_outcome& how);
  [[nodiscard]] pipeline::output_interface describe(line& one) const;

  boost::asio::io_context& reactor_context_;
  settings::configuration wanted_;
  std::string uuid_;
  std::vector<std::unique_ptr<line>> lines_;
  pipeline::capture_reactor reactor_;
  std::unique_ptr<boost::asio::thread_pool> writer_pool_;  // outlives the strands on it
  std::vector<std::unique_ptr<output>> outputs_;
  std::function<void()> ended_;
  recording_outcome outcome_;
};

}  // namespace captured::daemon
