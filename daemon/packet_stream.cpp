// SPDX-License-Identifier: MIT
#include "daemon/packet_stream.hpp"

#include <utility>

#include <boost/asio/post.hpp>
#include <fnmatch.h>

#include "capture/frame_cursor.hpp"
#include "daemon/interface_text.hpp"
#include "daemon/logging.hpp"
#include "pipeline/live_copy.hpp"

namespace captured::daemon {

namespace {

constexpr auto last_words = std::chrono::seconds(5);  // for what waits when the recording stops

std::string own_packets(const stream::collector_address& to) {
  return "host " + to.host + " and tcp port " + std::to_string(to.port);
}

stream::client_options client_options_of(const settings::stream_settings& from) {
  // The configuration was checked: both can be read.
  return {.to = *stream::parse_collector(from.to),
          .path = *stream::parse_path(from.service),
          .tls = from.tls,
          .queue_bytes = from.queue_bytes};
}

}  // namespace

void leave_out_own_traffic(settings::configuration& wanted) {
  for (const settings::stream_settings& one : wanted.streams) {
    const auto to = stream::parse_collector(one.to);
    if (one.own_traffic || !to || !to->is_literal()) {
      continue;
    }
    for (settings::interface_settings& each : wanted.interfaces) {
      std::string& filter = each.device.filter;
      // First: after a "vlan" all that follows looks behind a tag.
      const std::string rest = "not (" + own_packets(*to) + ")";
      filter = filter.empty() ? rest : rest + " and (" + filter + ")";
    }
  }
}

packet_stream::packet_stream(boost::asio::io_context& context, settings::stream_settings wanted)
    : context_(context), settings_(std::move(wanted)), patience_(context) {
  const auto to = stream::parse_collector(settings_.to);
  filters_port_ = !settings_.own_traffic && to && !to->is_literal();
  port_ = to ? to->port : 0;
}

packet_stream::~packet_stream() {
  taps_.clear();
}

base::result<std::unique_ptr<packet_stream>> packet_stream::start(
    boost::asio::io_context& context, const settings::stream_settings& wanted) {
  std::unique_ptr<packet_stream> made(new packet_stream(context, wanted));
  const std::string name = wanted.name;
  // On the client's thread: handed over to ours, which may have lost interest by then.
  stream::client_events events;
  events.connected = [&context, name, to = wanted.to] {
    boost::asio::post(context, [name, to] {
      log_over({{"stream", name}}, "connect");
      log_line(log_level::info, {{"stream", name}}, "connected to {}", to);
    });
  };
  events.failed = [&context, name](const std::string& why) {
    boost::asio::post(context, [name, why] {
      log_trouble(log_level::warning, {{{"stream", name}}, "connect"}, "{}; tried again", why);
    });
  };
  events.ended = [&context, self = made.get(),
                  alive = std::weak_ptr(made->alive_)](const base::result<>&) {
    boost::asio::post(context, [self, alive] {
      if (!alive.expired()) {
        self->on_ended();
      }
    });
  };
  auto client = stream::client::start(client_options_of(wanted), std::move(events));
  if (!client) {
    return client.error();
  }
  made->client_ = std::move(*client);
  return made;
}

packet_stream::source packet_stream::source_of(const recorded_interface& one,
                                               std::uint32_t id) const {
  source made{.id = id};
  if (filters_port_) {
    const auto filter = capture::offline_filter::compile("not tcp port " + std::to_string(port_),
                                                         capture::link_type_of(one.from));
    if (filter) {
      made.wanted = *filter;
    }
  }
  return made;
}

void packet_stream::offer(source& from, std::span<std::byte> block, capture::framing form) {
  stream::send_queue& queue = client_->queue();
  if (!from.wanted && !queue.has_room(block.size())) {
    // No message is made that would be thrown away.
    const std::uint32_t packets = capture::read_block_head(block).packet_count;
    queue.drop(packets);
    from.drops += packets;
    return;
  }
  capture::frame_cursor cursor(block, form);
  for (packet::packet_view packet; cursor.next(packet);) {
    const pipeline::whole_packet whole = pipeline::make_whole(packet, scratch_);
    if (from.wanted && !from.wanted->matches(whole.data, whole.original_length)) {
      continue;
    }
    batch_.append({.time_ns = packet.timestamp_ns,
                   .data = whole.data,
                   .original_length = whole.original_length,
                   .interface_id = from.id,
                   .drops = batch_.packets() == 0 ? from.drops : 0});
  }
  const auto packets = static_cast<std::uint32_t>(batch_.packets());
  if (packets != 0) {
    from.drops = queue.offer(batch_) ? 0 : from.drops + packets;
  }
}

void packet_stream::on_recorded(recorded_interface& one) {
  if (::fnmatch(settings_.interface.c_str(), one.name().c_str(), 0) != 0 || is_shown(taps_, one)) {
    return;
  }
  const packet::link_type link = capture::link_type_of(one.from);
  if (link != packet::link_type::ethernet && !settings_.all_link_types) {
    log_line(log_level::warning, {{"stream", settings_.name}},
             "interface {} is not Ethernet and is left out (all_link_types)", one.name());
    return;
  }
  const auto id = static_cast<std::uint32_t>(taps_.size());
  if (id == stream::interfaces_max) {
    return;
  }
  client_->queue().describe(id, {.name = one.name(), .link = link});
  taps_.emplace_back(one, [this, from = source_of(one, id)](std::span<std::byte> block,
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
