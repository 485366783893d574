// SPDX-License-Identifier: MIT
//
// One live view: the packets of recorded interfaces as pcapng over a control connection, while they
// are recorded. A client that reads slowly loses packets of its own and of nobody else.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include <boost/json/object.hpp>

#include "base/error.hpp"
#include "daemon/control_server.hpp"
#include "daemon/device_filters.hpp"
#include "daemon/tap_listener.hpp"
#include "daemon/tap_user.hpp"
#include "pipeline/live_copy.hpp"

namespace captured::daemon {

/// What the request {"request":"live",…} asks for.
struct live_wish {
  std::string interface;  ///< exact name; empty: all
  std::string output;     ///< of an interface that is recorded into several; empty: the first
  std::string filter;     ///< of this view alone; what the recording's filter rejects is not there
  std::uint32_t snaplen = 262144;
};

/// Fails, with the member's name, on values of a wrong kind. The filter is not looked at.
[[nodiscard]] base::result<live_wish> read_live_wish(const boost::json::object& request);

/// All on the reactor's thread. Shared by whoever lists it and by the operations of its connection.
class live_stream final : public tap_user, public std::enable_shared_from_this<live_stream> {
 public:
  /// `filters` are those of the wish, when it has a filter.
  live_stream(live_wish wish, device_filters filters, control_reply reply);
  ~live_stream();
  live_stream(const live_stream&) = delete;
  live_stream& operator=(const live_stream&) = delete;

  /// `ended` is called once, when nothing is attached any more.
  void on_end(std::function<void()> ended) { ended_ = std::move(ended); }
  /// After it was added to the recording: begins to send.
  void start();
  /// Sends what was copied, says how it went, and hangs up.
  void end(std::string why);

  void on_recorded(recorded_interface& one) override { follow(one, 0); }
  void on_moved(const recorded_interface& from, recorded_interface& to,
                std::uint64_t time_ns) override;
  void on_closed(const recorded_interface& one) override { taps_.detach(one); }
  void on_stopped() override { end("captured stops"); }
  /// Interfaces that it shows; none means that nothing fitted.
  [[nodiscard]] std::size_t interface_count() const noexcept { return taps_.size(); }
  /// Everything copied so far and not yet sent.
  void take(std::vector<std::byte>& octets) { copy_.take(octets); }

 private:
  /// What the viewer was told of.
  struct description {
    const recorded_interface* of = nullptr;
    packet::link_type link = packet::link_type::ethernet;
    std::uint32_t id = 0;
  };

  void follow(recorded_interface& one, std::uint64_t from_ns);
  std::optional<std::uint32_t> describe_to_viewer(const recorded_interface& one);
  void send();
  void send_last();

  live_wish wish_;
  device_filters filters_;
  control_reply reply_;
  std::function<void()> ended_;
  pipeline::live_copy copy_;
  std::vector<description> described_;
  tap_listeners taps_;
  std::vector<std::byte> sending_;
  bool started_ = false;
  bool busy_ = false;  ///< a piece is under way
  std::optional<std::string> why_;
};

}  // namespace captured::daemon
