// SPDX-License-Identifier: MIT
#include "daemon/packet_stream.hpp"

#include <utility>

#include <boost/asio/post.hpp>
#include <fnmatch.h>

#include "capture/frame_cursor.hpp"
#include "daemon/logging.hpp"
#include "daemon/own_traffic.hpp"

namespace captured::daemon {

namespace {

constexpr auto last_words = std::chrono::seconds(5);  // for what waits when the recording stops
/// Of a stream itself, after which it is said that they come: those of the first connection to a
/// collector that has a name come before its address is known.
constexpr std::uint32_t worth_a_warning = 1000;

stream::client_options client_options_of(const settings::stream_settings& from) {
  // The configuration was checked: both can be read.
  return {.to = *stream::parse_collector(from.to),
          .path = *stream::parse_path(from.service),
          .tls = from.tls,
          .queue_bytes = from.queue_bytes};
}

}  // namespace

packet_stream::packet_stream(boost::asio::io_context& context, settings::stream_settings wanted,
                             own_traffic_hook leave_out)
    : context_(context),
      settings_(std::move(wanted)),
      leave_out_(std::move(leave_out)),
      patience_(context) {}

packet_stream::~packet_stream() {
  taps_.clear();
}

base::result<std::unique_ptr<packet_stream>> packet_stream::start(
    boost::asio::io_context& context, const settings::stream_settings& wanted,
    own_traffic_hook leave_out) {
  std::unique_ptr<packet_stream> made(
      new packet_stream(context, wanted, wanted.own_traffic ? nullptr : std::move(leave_out)));
  const std::string name = wanted.name;
  const stream::client_options options = client_options_of(wanted);
  if (!wanted.own_traffic) {
    // With a name only the port is known yet. No name is looked up for these texts.
    const std::string packets = own_packets(options.to);
    auto filters = device_filters::compile(all_but(packets));
    if (!filters) {
      return filters.error();
    }
    made->all_but_own_ = std::move(*filters);
    if (options.to.is_literal()) {
      made->leave_out_(packets);
    }
  }
  // On the client's thread: handed over to ours, which may have lost interest by then.
  const std::weak_ptr alive = made->alive_;
  stream::client_events events;
  events.connected = [&context, alive, self = made.get(), name, to = options.to,
                      is_own_wanted = wanted.own_traffic](const auto& peer) {
    boost::asio::post(context, [name, to] {
      log_over({{"stream", name}}, "connect");
      log_line(log_level::info, {{"stream", name}}, "connected to {}", to.target());
    });
    if (is_own_wanted || to.is_literal() || !peer) {
      return;
    }
    const std::string packets = own_packets(*peer);
    auto filters = device_filters::compile(all_but(packets));
    if (filters) {
      boost::asio::post(context, [alive, self, packets, filters = std::move(*filters)]() mutable {
        if (!alive.expired()) {
          self->on_connected(packets, std::move(filters));
        }
      });
    }
  };
  events.failed = [&context, name](const std::string& why) {
    boost::asio::post(context, [name, why] {
      log_trouble(log_level::warning, {{{"stream", name}}, "connect"}, "{}; tried again", why);
    });
  };
  events.ended = [&context, self = made.get(), alive](const base::result<>&) {
    boost::asio::post(context, [self, alive] {
      if (!alive.expired()) {
        self->on_ended();
      }
    });
  };
  auto client = stream::client::start(options, std::move(events));
  if (!client) {
    return client.error();
  }
  made->client_ = std::move(*client);
  return made;
}

void packet_stream::on_connected(const std::string& packets, device_filters filters) {
  all_but_own_ = std::move(filters);
  leave_out_(packets);
}

void packet_stream::offer(source& from, std::span<std::byte> block, capture::framing form) {
  stream::send_queue& queue = client_->queue();
  if (settings_.own_traffic && !queue.has_room(block.size())) {
    // No message is made that would be thrown away.
    const std::uint32_t packets = capture::read_block_head(block).packet_count;
    queue.drop(packets);
    from.drops += packets;
    return;
  }
  gather(from, block, form);
  const auto packets = static_cast<std::uint32_t>(batch_.packets());
  if (packets != 0) {
    from.drops = queue.offer(batch_) ? 0 : from.drops + packets;
  }
}

/// Makes messages of what is wanted; counts it instead when there is no room for them.
void packet_stream::gather(source& from, std::span<std::byte> block, capture::framing form) {
  stream::send_queue& queue = client_->queue();
  const bool has_room = queue.has_room(block.size());
  std::uint32_t dropped = 0;
  capture::frame_cursor cursor(block, form);
  for (packet::packet_view packet; cursor.next(packet);) {
    const pipeline::whole_packet whole = pipeline::make_whole(packet, scratch_);
    if (is_own(from, whole)) {
      continue;
    }
    if (!has_room) {
      ++dropped;
      continue;
    }
    batch_.append({.time_ns = packet.timestamp_ns,
                   .data = whole.data,
                   .original_length = whole.original_length,
                   .interface_id = from.id,
                   .drops = batch_.packets() == 0 ? from.drops : 0});
  }
  if (dropped != 0) {
    queue.drop(dropped);
    from.drops += dropped;
  }
}

/// The interface's filter leaves them out, where it can. Those that come all the same would be
/// streamed for ever.
bool packet_stream::is_own(source& from, const pipeline::whole_packet& packet) {
  const capture::offline_filter* const filter = all_but_own_.find(from.link);
  if (filter == nullptr || filter->matches(packet.data, packet.original_length)) {
    return false;
  }
  if (++from.own == worth_a_warning) {
    log_line(log_level::warning, {{"stream", settings_.name}},
             "its own packets are recorded on {}: the filter there does not leave them out",
             from.name);
  }
  return true;
}

void packet_stream::on_recorded(recorded_interface& one) {
  if (::fnmatch(settings_.interface.c_str(), one.name().c_str(), 0) != 0) {
    return;
  }
  drop_former(taps_, one);
  if (is_shown(taps_, one)) {
    return;
  }
  const packet::link_type link = capture::link_type_of(one.from);
  if (link != packet::link_type::ethernet && !settings_.all_link_types) {
    log_line(log_level::warning, {{"stream", settings_.name}},
             "interface {} is not Ethernet and is left out (all_link_types)", one.name());
    return;
  }
  if (interfaces_ == stream::interfaces_max) {
    log_line(log_level::warning, {{"stream", settings_.name}},
             "interface {} is left out: a stream has {} at most", one.name(), interfaces_);
    return;
  }
  client_->queue().describe(interfaces_, {.name = one.name(), .link = link});
  source made{.id = interfaces_++, .name = one.name(), .link = link};
  taps_.emplace_back(one, [this, from = std::move(made)](std::span<std::byte> block,
                                                         capture::framing form) mutable {
    offer(from, block, form);
  });
}

void packet_stream::on_stopped() {
  taps_.clear();
  client_->end();
  patience_.expires_after(last_words);
  patience_.async_wait([this](boost::system::error_code error) {
    if (!error) {
      client_->cancel();
    }
  });
}

void packet_stream::on_ended() {
  ended_ = true;
  patience_.cancel();
}

}  // namespace captured::daemon
