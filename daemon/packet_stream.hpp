// SPDX-License-Identifier: MIT
//
// One output of type stream: the packets of recorded interfaces to a collector, beside the
// recording. What the collector does not take is dropped here alone and counted; no block of a ring
// is ever held for it.
#pragma once

#include <functional>
#include <list>
#include <memory>
#include <optional>
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

  void on_recorded(recorded_interface& one) override { (void)follow(one, 0); }
  void on_moved(const recorded_interface& from, recorded_interface& to,
                std::uint64_t time_ns) override;
  void on_closed(const recorded_interface& one) override { taps_.detach(one); }
  /// Nothing comes any more: what waits is sent, for a bounded time.
  void on_stopped() override;
  /// After `on_stopped`: all is sent or given up, the figures are final.
  [[nodiscard]] bool has_ended() const noexcept { return ended_; }

  [[nodiscard]] const settings::stream_settings& settings() const noexcept { return settings_; }
  [[nodiscard]] stream::client_figures figures() const { return client_->queue().figures(); }
  /// Packets that were not offered because they are the stream's own, on interfaces whose filter
  /// did not leave them out. Those that come while the queue is full are offered, and dropped.
  [[nodiscard]] std::uint64_t own_packets_seen() const noexcept { return own_seen_; }

 private:
  /// What is known of one interface that is streamed.
  struct source {
    std::uint32_t id = 0;
    std::string name;
    packet::link_type link = packet::link_type::ethernet;
    std::uint32_t drops = 0;  ///< not yet told to the collector
    std::uint32_t own = 0;    ///< seen since the collector was connected
  };
  /// Which packets are the stream's own.
  struct own_traffic {
    std::string packets;
    device_filters filters;
    bool is_of_address = false;  ///< and not of the port alone
  };

  packet_stream(boost::asio::io_context& context, settings::stream_settings wanted,
                own_traffic_hook leave_out);
  static base::result<own_traffic> own_traffic_with(const stream::collector_address& to);
  [[nodiscard]] bool follow(recorded_interface& one, std::uint64_t from_ns);
  source* source_for(const recorded_interface& one);
  void offer(source& from, const pipeline::shown_block& block);
  void gather(source& from, const pipeline::shown_block& block);
  [[nodiscard]] bool is_own(source& from, const pipeline::whole_packet& packet);
  void on_connected(std::optional<own_traffic> own);
  void on_ended();

  settings::stream_settings settings_;
  own_traffic_hook leave_out_;
  device_filters own_;  ///< none: all packets are wanted, or its address is not known yet
  std::uint64_t own_seen_ = 0;
  bool connected_once_ = false;
  std::list<source> sources_;  ///< described so far
  tap_listeners taps_;
  stream::packet_batch batch_;
  std::vector<std::byte> scratch_;
  boost::asio::steady_timer patience_;
  bool ended_ = false;
  /// Tells handlers that this object is still there; owned by it alone.
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
  std::unique_ptr<stream::client> client_;  // last: its thread calls what stands above
};

}  // namespace captured::daemon
