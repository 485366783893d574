// SPDX-License-Identifier: MIT
//
// Keeps what is recorded in step with what the configuration wants and which devices there are:
// interfaces and outputs that cannot be had are tried again, those that come are taken up, those
// that go are closed, and none holds up another. Not for options, signals or service managers.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include "base/error.hpp"
#include "capture/link_watch.hpp"
#include "daemon/interface_plan.hpp"
#include "daemon/kept_rings.hpp"
#include "daemon/ledger_report.hpp"
#include "daemon/recorded_interface.hpp"
#include "daemon/recorded_output.hpp"
#include "daemon/recording_status.hpp"
#include "daemon/ring_opening.hpp"
#include "daemon/silence_watch.hpp"
#include "daemon/tap_user.hpp"
#include "pipeline/capture_reactor.hpp"
#include "settings/configuration.hpp"

namespace captured::daemon {

/// How a recording went, as far as the exit status is concerned.
struct recording_outcome {
  bool required_failed =
      false;               ///< a required interface or an output was not recording at the stop
  bool unwritten = false;  ///< the stop's time was over before the disk had taken everything
  bool unproven = false;   ///< a disk refused octets that it had taken before
  bool inexact = false;    ///< an interface could not be ended exactly
  bool hanging = false;    ///< a thread hangs in the system: leave by _Exit, not by destructors
};

/// All members on the thread that runs `reactor_context`, which must outlive it.
class recording {
 public:
  /// Makes no thread, socket or folder yet. Rings are opened on `spares` when there are any. Fails
  /// when the system gives no descriptors. Rings that `kept` has are taken over; it must outlive
  /// the recording.
  static base::result<std::unique_ptr<recording>> make(
      boost::asio::io_context& reactor_context, const settings::configuration& wanted,
      std::shared_ptr<capture::spare_sockets> spares, kept_rings& kept);
  ~recording();
  recording(const recording&) = delete;
  recording& operator=(const recording&) = delete;

  /// Opens everything, without waiting for it. `ready` is called once, when every first attempt has
  /// succeeded or failed, or takes long; `ended` when every output has ended after a stop.
  base::result<> start(std::function<void()> ready, std::function<void()> ended);
  /// Ends the current file of every output.
  void rotate();
  /// The exact stop, `stop_timeout` at most. With `leave_rings` those that are kept go on receiving
  /// for the next life.
  void stop(bool leave_rings = false);
  /// Reads all counters, then calls `done`.
  void refresh_ledger(std::function<void()> done);

  /// Another configuration takes the place of the present one. What it does not touch goes on
  /// untouched. When a filter does not compile for its device nothing is changed at all, and `done`
  /// gets the failures; otherwise it is called when all has come to rest.
  void reload(const settings::configuration& wanted,
              std::function<void(const std::vector<base::failure>&)> done);
  /// Calls `alive` once every strand has answered, with what they said of their progress. A strand
  /// that hangs never answers; a disk that hangs does no harm.
  void check_progress(std::function<void(bool)> alive);
  /// Tells the user of every interface that is recorded, now and later, until it is removed.
  void add_tap_user(tap_user& one);
  void remove_tap_user(const tap_user& one) { std::erase(tap_users_, &one); }
  /// From now on the capture leaves these packets out (pcap-filter(7)), where it can: on devices
  /// that carry IP. What was said for the same stream before does not hold any more.
  void leave_out(const std::string& stream, const std::string& packets);
  /// Gathers what everything is doing.
  void ask_status(std::function<void(const recording_status&)> answer);

  /// Interfaces that were recorded at any time.
  [[nodiscard]] std::vector<ledger_row> ledger() const;
  /// Interfaces that are recorded now, and outputs that are open.
  [[nodiscard]] std::size_t interface_count() const;
  [[nodiscard]] std::size_t output_count() const;
  /// Why the first interface that is not recorded is not; empty when all are.
  [[nodiscard]] std::string first_trouble() const;
  [[nodiscard]] recording_outcome outcome() const noexcept { return outcome_; }
  /// The configuration in force.
  [[nodiscard]] const settings::configuration& wanted() const noexcept { return wanted_; }

 private:
  recording(boost::asio::io_context& reactor_context, const settings::configuration& wanted,
            capture::poll_set rings, std::shared_ptr<capture::spare_sockets> spares,
            kept_rings& kept);

  base::result<> start_threads();

  // Devices and interfaces: recording_devices.cpp and recording_interfaces.cpp.
  base::result<> watch_links();
  void await_links();
  void on_links();
  /// Brings all in step; to be called whenever something has changed.
  void reconcile();
  void reconcile_with(const std::vector<capture::device>& devices);
  [[nodiscard]] std::vector<planned_interface> plan(
      const std::vector<settings::interface_settings>& entries,
      const std::vector<capture::device>& devices) const;
  [[nodiscard]] bool leaves_out(const planned_interface& planned) const;
  static std::string story_of_absence(const recorded_interface& one,
                                      const std::vector<capture::device>& devices);
  recorded_interface& interface_for(const planned_interface& planned);
  void follow(recorded_interface& one, const planned_interface& planned);
  void follow_device(recorded_interface& one, const capture::device& listed);
  void follow_options(recorded_interface& one);
  void on_changed(recorded_interface& one, const capture::interface_options& to,
                  const base::result<capture::filter_change>& how);
  void wait(recorded_interface& one, std::string why);
  void refuse(recorded_interface& one, const base::failure& why);
  void open(recorded_interface& one, const capture::device& from);
  void on_ring(recorded_interface& one, opened_ring opened);
  [[nodiscard]] std::string why_not_kept(const recorded_interface& one) const;
  static void tell_of_left_ring(const recorded_interface& one, const opened_ring& opened);
  void forget_ring(recorded_interface& one);
  void on_described(recorded_interface& one, const base::result<>& how);
  void close(recorded_interface& one, const std::string& why);
  void move_tap_users(const recorded_interface& from);
  void tell_closed(const recorded_interface& one);
  void on_released(recorded_interface& one);
  void leave_ring(recorded_interface& one);
  void discard_ring(recorded_interface& one);

  // Outputs: recording_outputs.cpp.
  [[nodiscard]] const pipeline::output_options* options_of(const std::string& family) const;
  /// The series of files that takes the packets of this device.
  recorded_output* output_for(const std::string& family, const capture::device& from);
  void open_output(recorded_output& one);
  void retire(recorded_output& one);
  [[nodiscard]] bool is_served(const recorded_output& one) const;
  void note_counted(const recorded_output& one);
  void on_output_ended(recorded_output& one, const pipeline::recorder_outcome& how);
  std::unique_ptr<recorded_output> take_output(recorded_output& one);
  void drop_output(recorded_output& one);
  void follow_outputs(const std::vector<pipeline::output_options>& wanted);

  void take_up(const settings::configuration& wanted);
  [[nodiscard]] bool settled() const;
  void check_settled();
  void arm_retry(bool soon);
  void arm_silence();
  void feed_silence();
  void judge_requirements();
  void check_ended();
  void close_unwanted_rings();

  boost::asio::io_context& reactor_context_;
  settings::configuration wanted_;
  std::shared_ptr<capture::spare_sockets> spares_;  ///< also of each ring on one of them
  kept_rings& kept_;
  std::string uuid_;
  std::vector<std::unique_ptr<recorded_interface>> interfaces_;  ///< never shrinks
  std::vector<tap_user*> tap_users_;
  std::map<std::string, std::string> own_traffic_;  ///< packets to be left out, by stream
  pipeline::capture_reactor reactor_;
  bool one_writer_thread_ = false;                         ///< in the pool, whatever a reload wants
  std::unique_ptr<boost::asio::thread_pool> writer_pool_;  // outlives the strands on it
  std::vector<std::unique_ptr<recorded_output>> outputs_;
  std::vector<std::unique_ptr<recorded_output>> abandoned_;      ///< hang in the system
  std::map<std::string, pipeline::series_start> former_series_;  ///< by name, of ended outputs
  std::unique_ptr<boost::asio::thread_pool> opener_;             ///< makes, changes and frees rings

  std::optional<capture::link_watch> links_;
  boost::asio::posix::stream_descriptor watched_links_;
  std::set<int> known_at_start_;
  boost::asio::steady_timer retry_timer_;
  boost::asio::steady_timer silence_timer_;
  silence_watch silence_;
  boost::asio::steady_timer ready_timer_;
  std::function<void()> ready_;
  std::function<void()> ended_;
  std::vector<std::function<void()>> when_settled_;
  base::steady_time reconciled_at_{};
  std::optional<base::steady_time> deadline_;  ///< of the stop
  bool are_links_watched_ = true;
  bool are_devices_known_ = false;  ///< they could be listed once
  bool are_rings_judged_ = true;    ///< kept ones that nobody wants are closed
  bool started_ = false;
  bool stopping_ = false;
  bool leaves_rings_ = false;  ///< those that are kept, at the stop
  bool reactor_ended_ = false;
  base::wall_time started_at_{};
  recording_outcome outcome_;
};

}  // namespace captured::daemon
