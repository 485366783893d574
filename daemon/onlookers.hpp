// SPDX-License-Identifier: MIT
//
// All who see packets while they are recorded: live viewers and streams to collectors. Brings them
// to the recording and takes leave of them when it stops.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/thread_pool.hpp>
#include <boost/json/array.hpp>

#include "daemon/control_server.hpp"
#include "daemon/device_filters.hpp"
#include "daemon/live_stream.hpp"
#include "daemon/packet_stream.hpp"
#include "daemon/recording.hpp"

namespace captured::daemon {

/// All members on the thread that runs the context. To be destroyed before the recording.
class onlookers {
 public:
  /// Before the recording starts, which puts the calling thread to the reactor's processors:
  /// filters are compiled where the process may run, and not beside the reactor.
  onlookers(boost::asio::io_context& context, recording& of) : context_(context), recording_(of) {}

  /// Before the recording starts, too. A stream that cannot begin is said and stops nothing.
  void start_streams(const std::vector<settings::stream_settings>& wanted);
  /// Answers {"request":"live",…} with a stream, or refuses.
  void answer_live(const control_request& request, const control_reply& reply);
  /// No live view begins any more.
  void refuse_views() { refuses_ = true; }
  /// A thread may be held by a name server that does not answer.
  [[nodiscard]] bool is_compiling() const noexcept { return compiling_ != 0; }
  /// The recording has stopped, and all have got what they were to get.
  [[nodiscard]] bool have_left();

  /// One object for each stream, for the status.
  [[nodiscard]] boost::json::array streams_json() const;
  /// The ledger of each stream, into the log.
  void report() const;

 private:
  void show(live_wish wish, device_filters filters, const control_reply& reply);

  boost::asio::io_context& context_;
  recording& recording_;
  std::vector<std::unique_ptr<packet_stream>> streams_;
  std::vector<std::shared_ptr<live_stream>> live_;
  std::vector<std::weak_ptr<live_stream>> farewells_;  ///< ended, with something still to be sent
  bool refuses_ = false;
  std::size_t compiling_ = 0;             ///< views whose filters are being compiled
  boost::asio::thread_pool compiler_{1};  // last: what it does uses the rest
};

}  // namespace captured::daemon
