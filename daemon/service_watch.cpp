// SPDX-License-Identifier: MIT
#include "daemon/service_watch.hpp"

#include <chrono>
#include <utility>

namespace captured::daemon {

namespace {

constexpr auto status_interval = std::chrono::seconds(5);

}  // namespace

service_watch::service_watch(boost::asio::io_context& context, const service_notify& notify,
                             questions ask)
    : notify_(notify), ask_(std::move(ask)), watchdog_(context), status_(context) {}

void service_watch::start() {
  if (notify_.watchdog()) {
    notify_.alive();
    await_watchdog();
  }
  if (notify_.has_manager()) {
    await_status();
  }
}

void service_watch::stop() {
  watchdog_.cancel();
  status_.cancel();
}

void service_watch::await_watchdog() {
  watchdog_.expires_after(*notify_.watchdog() / 2);
  watchdog_.async_wait([this](boost::system::error_code error) {
    if (error) {
      return;
    }
    if (!asked_alive_) {  // one question at a time: a strand that hangs must not gather them
      asked_alive_ = true;
      ask_.is_alive([this](bool alive) {
        asked_alive_ = false;
        if (alive) {
          notify_.alive();
        }
      });
    }
    await_watchdog();
  });
}

void service_watch::await_status() {
  status_.expires_after(status_interval);
  status_.async_wait([this](boost::system::error_code error) {
    if (error) {
      return;
    }
    if (!asked_status_) {
      asked_status_ = true;
      ask_.describe([this](std::string line) {
        asked_status_ = false;
        if (line != said_) {
          notify_.status(line);
          said_ = std::move(line);
        }
      });
    }
    await_status();
  });
}

}  // namespace captured::daemon
