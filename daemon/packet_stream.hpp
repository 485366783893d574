// SPDX-License-Identifier: MIT
//
// One output of type stream: the packets of recorded interfaces to a collector, beside the
// recording. What the collector does not take is dropped here alone and counted; no block of a ring
// is ever held for it.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "base/error.hpp"
#include "daemon/device_filters.hpp"
#include "daemon/tap_listener.hpp"
#include "daemon/tap_user.hpp"
#include "pipeline/live_copy.hpp"
#include "settings/configuration.hpp"
#include "stream/client.hpp"

namespace captured::daemon {

/// All members on the thread that runs the context, which must outlive it.
class packet_stream final : public tap_user {
 public:
  /// Is told which packets are the stream's own (pcap-filter(7)), where these are not wanted: once
  /// the collector's address is known, and whenever it is another one.
  using own_traffic_hook = std::function<void(const std::string& packets)>;

  /// Begins to connect. Fails when a certificate cannot be read.
  static base::result<std::unique_ptr<packet_stream>> start(boost::asio::io_context& context,
                                                            const settings::stream_settings& wanted,
                                                            own_traffic_hook leave_out);
  ~packet_stream();
  packet_stream(const packet_stream&) = delete;
  packet_stream& operator=(const packet_stream&) = delete;

  void on_recorded(recorded_interface& one) override;
  /// Nothing comes any more: what waits is sent, for a bounded time.
  void on_stopped() override;
  /// After `on_stopped`: all is sent or given up, the figures are final.
  [[nodiscard]] bool has_ended() const noexcept { return ended_; }

  [[nodiscard]] const settings::stream_settings& settings() const noexcept { return settings_; }
  [[nodiscard]] stream::client_figures figures() const { return client_->queue().figures(); }

 private:
  /// What is known of one interface that is streamed.
  struct source {
    std::uint32_t id = 0;
    std::string name;
    packet::link_type link = packet::link_type::ethernet;
    std::uint32_t drops = 0;  ///< not yet told to the collector
    std::uint32_t own = 0;    ///< packets of the stream itself that its filter did not leave out
  };

  packet_stream(boost::asio::io_context& context, settings::stream_settings wanted,
                own_traffic_hook leave_out);
  void offer(source& from, std::span<std::byte> block, capture::framing form);
  void gather(source& from, std::span<std::byte> block, capture::framing form);
  [[nodiscard]] bool is_own(source& from, const pipeline::whole_packet& packet);
  void on_connected(const std::string& packets, device_filters filters);
  void on_ended();

  boost::asio::io_context& context_;
  settings::stream_settings settings_;
  own_traffic_hook leave_out_;
  device_filters all_but_own_;    ///< none: all packets are wanted
  std::uint32_t interfaces_ = 0;  ///< described so far
  std::list<tap_listener> taps_;
  stream::packet_batch batch_;
  std::vector<std::byte> scratch_;
  boost::asio::steady_timer patience_;
  bool ended_ = false;
  /// Tells handlers that this object is still there; owned by it alone.
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
  std::unique_ptr<stream::client> client_;  // last: its thread calls what stands above
};

}  // namespace captured::daemon
