// SPDX-License-Identifier: MIT
#include "daemon/onlookers.hpp"

#include <algorithm>
#include <utility>

#include <boost/asio/post.hpp>

#include "daemon/logging.hpp"

namespace captured::daemon {

namespace {

constexpr std::size_t live_max = 8;  // of the control socket's 16: status and reload find a place

}  // namespace

void onlookers::start_streams(const std::vector<settings::stream_settings>& wanted) {
  for (const settings::stream_settings& each : wanted) {
    auto started =
        packet_stream::start(context_, each, [this, name = each.name](const std::string& packets) {
          recording_.leave_out(name, packets);
        });
    if (!started) {
      log_line(log_level::error, {{"stream", each.name}}, "{}; nothing is streamed",
               started.error().message());
      continue;
    }
    streams_.push_back(std::move(*started));
    recording_.add_tap_user(*streams_.back());
  }
}

void onlookers::answer_live(const control_request& request, const control_reply& reply) {
  if (live_.size() + compiling_ >= live_max) {
    return reply.finish(refusal({"too many live views at once; try again later"}));
  }
  auto wish = read_live_wish(request.values);
  if (!wish) {
    return reply.finish(refusal({wish.error().message()}));
  }
  if (wish->filter.empty()) {
    return show(std::move(*wish), {}, reply);
  }
  ++compiling_;
  boost::asio::post(compiler_, [this, wish = std::move(*wish), reply]() mutable {
    auto filters = device_filters::compile({wish.filter});
    boost::asio::post(context_, [this, wish = std::move(wish), filters = std::move(filters),
                                 reply = std::move(reply)]() mutable {
      --compiling_;
      if (!filters) {
        return reply.finish(refusal({filters.error().message()}));
      }
      show(std::move(wish), std::move(*filters), reply);
    });
  });
}

void onlookers::show(live_wish wish, device_filters filters, const control_reply& reply) {
  if (refuses_) {
    return reply.finish(refusal({"captured is stopping"}));
  }
  const auto made = std::make_shared<live_stream>(std::move(wish), std::move(filters), reply);
  recording_.add_tap_user(*made);
  if (made->interface_count() == 0) {
    recording_.remove_tap_user(*made);
    return reply.finish(refusal({"no such interface is being recorded"}));
  }
  made->on_end([this, watched = std::weak_ptr(made)] {
    // Later: it may be ended by a call of its own.
    boost::asio::post(context_, [this, watched] {
      if (const auto one = watched.lock()) {
        recording_.remove_tap_user(*one);
        farewells_.push_back(watched);
        std::erase(live_, one);
      }
      std::erase_if(farewells_, [](const auto& each) { return each.expired(); });
    });
  });
  log_line(log_level::info, {}, "live: {} interface(s) shown to {}", made->interface_count(),
           reply.peer());
  live_.push_back(made);
  made->start();
}

bool onlookers::have_left() {
  std::erase_if(farewells_, [](const auto& each) { return each.expired(); });
  return live_.empty() && farewells_.empty() &&
         std::all_of(streams_.begin(), streams_.end(),
                     [](const auto& each) { return each->has_ended(); });
}

boost::json::array onlookers::streams_json() const {
  boost::json::array told;
  for (const auto& each : streams_) {
    const stream::client_figures figures = each->figures();
    told.push_back({{"name", each->settings().name},
                    {"to", each->settings().to},
                    {"connected", figures.connected},
                    {"trouble", figures.trouble},
                    {"offered", figures.offered},
                    {"sent", figures.sent},
                    {"dropped", figures.dropped},
                    {"waiting", figures.waiting},
                    {"unconfirmed", figures.unconfirmed},
                    {"own", each->own_packets_seen()},
                    {"connections", figures.connections}});
  }
  return told;
}

void onlookers::report() const {
  for (const auto& each : streams_) {
    const stream::client_figures figures = each->figures();
    log_line(log_level::info, {{"stream", each->settings().name}},
             "offered {}, sent {}, dropped {}, unconfirmed {}, own {}", figures.offered,
             figures.sent, figures.dropped, figures.unconfirmed, each->own_packets_seen());
  }
}

}  // namespace captured::daemon
