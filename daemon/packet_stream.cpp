// SPDX-License-Identifier: MIT
#include "daemon/packet_stream.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include <boost/asio/post.hpp>
#include <fnmatch.h>

#include "daemon/logging.hpp"
#include "daemon/own_traffic.hpp"

namespace captured::daemon {

namespace {

constexpr auto last_words = std::chrono::seconds(5);  // for what waits when the recording stops
/// Of a stream itself, after which it is said that they come: those of the first moments of a
/// connection come before the filters are changed.
constexpr std::uint32_t worth_a_warning = 1000;

stream::client_options client_options_of(const settings::stream_settings& from) {
  // The configuration was checked: both can be read.
  return {.to = *stream::parse_collector(from.to),
          .path = *stream::parse_path(from.service),
          .tls = from.tls,
          .queue_bytes = from.queue_bytes};
}

/// The same for the same kind of trouble: sizes, ports and times in a collector's words differ.
std::string kind_of(const std::string& why) {
  constexpr std::size_t length_max = 250;
  std::string kind;
  std::ranges::copy_if(why, std::back_inserter(kind),
                       [](char each) { return each < '0' || each > '9'; });
  kind.resize(std::min(kind.size(), length_max));
  return kind;
}

}  // namespace

packet_stream::packet_stream(boost::asio::io_context& context, settings::stream_settings wanted,
                             own_traffic_hook leave_out)
    : settings_(std::move(wanted)), leave_out_(std::move(leave_out)), patience_(context) {}

packet_stream::~packet_stream() {
  taps_.clear();
}

/// No name is looked up for it.
base::result<packet_stream::own_traffic> packet_stream::own_traffic_with(
    const stream::collector_address& to) {
  own_traffic made{.packets = own_packets(to), .filters = {}, .is_of_address = to.is_literal()};
  auto filters = device_filters::compile(in_files(made.packets));
  if (!filters) {
    return filters.error();
  }
  made.filters = std::move(*filters);
  return made;
}

base::result<std::unique_ptr<packet_stream>> packet_stream::start(
    boost::asio::io_context& context, const settings::stream_settings& wanted,
    own_traffic_hook leave_out) {
  std::unique_ptr<packet_stream> made(
      new packet_stream(context, wanted, wanted.own_traffic ? nullptr : std::move(leave_out)));
  const std::string name = wanted.name;
  stream::client_options options = client_options_of(wanted);
  decltype(own_traffic::packets) left_out;
  const bool leaves_out = !wanted.own_traffic && options.to.is_literal();
  if (leaves_out) {
    auto own = own_traffic_with(options.to);
    if (!own) {
      return own.error();
    }
    made->own_ = std::move(own->filters);
    left_out = std::move(own->packets);
  }
  options.asks_peer = !wanted.own_traffic && !options.to.is_literal();
  // On the client's thread: handed over to ours, which may have lost interest by then.
  const std::weak_ptr alive = made->alive_;
  stream::client_events events;
  events.connected = [&context, alive, self = made.get(), name, to = options.to,
                      asks = options.asks_peer](const auto& peer) {
    std::optional<own_traffic> own;
    if (asks) {
      // Of a peer that cannot be told the port is known: better than to send what is sent for ever.
      if (auto known = own_traffic_with(peer.value_or(to))) {
        own = std::move(*known);
      }
    }
    boost::asio::post(context, [alive, self, name, to, own = std::move(own)]() mutable {
      log_over({{"stream", name}}, "connect");
      log_line(log_level::info, {{"stream", name}}, "connected to {}", to.target());
      if (!alive.expired()) {
        self->on_connected(std::move(own));
      }
    });
  };
  events.failed = [&context, name](const std::string& why) {
    boost::asio::post(context, [name, why] {
      // Another reason is said at once.
      log_trouble(log_level::warning, {{{"stream", name}}, kind_of(why)}, "{}; tried again", why);
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
  if (leaves_out) {
    made->leave_out_(left_out);  // not for a stream that there is not
  }
  return made;
}

void packet_stream::on_connected(std::optional<own_traffic> own) {
  connected_once_ = true;
  for (source& each : sources_) {
    each.own = 0;
  }
  if (own) {
    own_ = std::move(own->filters);
    if (own->is_of_address) {
      leave_out_(own->packets);
    }
  }
}

void packet_stream::offer(source& from, const pipeline::shown_block& block) {
  stream::send_queue& queue = client_->queue();
  if (!queue.has_room(block.memory.size())) {
    // No packet is looked at that would be thrown away: the collector may be away for long, and
    // this thread empties all rings.
    if (const auto packets = block.packet_count()) {
      queue.drop(*packets);
      from.drops += *packets;
      return;
    }
  }
  gather(from, block);
  const auto packets = static_cast<std::uint32_t>(batch_.packets());
  if (packets != 0) {
    from.drops = queue.offer(batch_) ? 0 : from.drops + packets;
  }
}

/// Makes messages of what is wanted.
void packet_stream::gather(source& from, const pipeline::shown_block& block) {
  pipeline::shown_packets packets(block);
  for (packet::packet_view packet; packets.next(packet);) {
    const pipeline::whole_packet whole = pipeline::make_whole(packet, scratch_);
    if (is_own(from, whole)) {
      continue;
    }
    batch_.append({.time_ns = packet.timestamp_ns,
                   .data = whole.data,
                   .original_length = whole.original_length,
                   .interface_id = from.id,
                   .drops = batch_.packets() == 0 ? from.drops : 0});
  }
}

/// The interface's filter leaves them out, where it can. Those that come all the same would be
/// streamed for ever. What is cut before that can be told is none.
bool packet_stream::is_own(source& from, const pipeline::whole_packet& packet) {
  const capture::offline_filter* const filter = own_.find(from.link);
  if (filter == nullptr || !filter->matches(packet.data, packet.original_length)) {
    return false;
  }
  ++own_seen_;
  if (connected_once_ && ++from.own == worth_a_warning) {
    log_line(log_level::warning, {{"stream", settings_.name}},
             "its own packets are recorded on {}: the filter there does not leave them out",
             from.name);
  }
  return true;
}

void packet_stream::on_moved(const recorded_interface& from, recorded_interface& to,
                             std::uint64_t time_ns) {
  if (taps_.follows(from) && follow(to, time_ns)) {
    taps_.end_at(from, time_ns);
  }
}

bool packet_stream::follow(recorded_interface& one, std::uint64_t from_ns) {
  if (::fnmatch(settings_.interface.c_str(), one.name().c_str(), 0) != 0 || taps_.shows(one)) {
    return false;
  }
  source* const from = source_for(one);
  if (from == nullptr) {
    return false;
  }
  taps_.attach(one, from_ns,
               [this, from](const pipeline::shown_block& block) { offer(*from, block); });
  return true;
}

/// Null, which is said, when its packets cannot be streamed. One of the same name and kind is the
/// same to the collector.
packet_stream::source* packet_stream::source_for(const recorded_interface& one) {
  const packet::link_type link = capture::link_type_of(one.from);
  for (source& each : sources_) {
    if (each.name == one.name() && each.link == link) {
      return &each;
    }
  }
  if (link != packet::link_type::ethernet && !settings_.all_link_types) {
    log_line(log_level::warning, {{"stream", settings_.name}},
             "interface {} is not Ethernet and is left out (all_link_types)", one.name());
    return nullptr;
  }
  const auto id = static_cast<std::uint32_t>(sources_.size());
  if (id == stream::interfaces_max) {
    log_line(log_level::warning, {{"stream", settings_.name}},
             "interface {} is left out: a stream has {} at most", one.name(), id);
    return nullptr;
  }
  client_->queue().describe(id, {.name = one.name(), .link = link});
  return &sources_.emplace_back(source{.id = id, .name = one.name(), .link = link});
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
