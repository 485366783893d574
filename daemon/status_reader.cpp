// SPDX-License-Identifier: MIT
#include "daemon/status_reader.hpp"

#include <chrono>
#include <utility>

namespace captured::daemon {

namespace {

using namespace std::chrono_literals;

constexpr auto refresh_time = 1s;
constexpr auto rate_time = 1s;
constexpr auto rate_time_max = 15s;  // what was read longer ago gives no recent rates

}  // namespace

status_reader::status_reader(boost::asio::io_context& context, source ask)
    : ask_(std::move(ask)), patience_(context) {}

void status_reader::async_read(receiver done) {
  waiting_.push_back(std::move(done));
  if (!refreshing_) {
    refreshing_ = true;
    refresh();
  }
}

void status_reader::refresh() {
  const unsigned mine = ++round_;
  patience_.expires_after(refresh_time);
  patience_.async_wait([this, mine](boost::system::error_code error) {
    if (!error && mine == round_) {
      on_status();
    }
  });
  ask_([this, mine](const recording_status& status) {
    last_ = status;
    if (mine == round_) {
      patience_.cancel();
      on_status();
    }
  });
}

void status_reader::on_status() {
  ++round_;
  rates_.take(rate_meter::clock::now(), last_);
  if (rates_.span() == 0s || rates_.span() > rate_time_max) {
    patience_.expires_after(rate_time);
    patience_.async_wait([this](boost::system::error_code error) {
      if (!error) {
        refresh();
      }
    });
    return;
  }
  refreshing_ = false;
  for (const receiver& each : std::exchange(waiting_, {})) {
    each(last_, rates_);
  }
}

}  // namespace captured::daemon
