// SPDX-License-Identifier: MIT
//
// Brings the status up to date when somebody asks: has the counters read, and keeps what rates
// need. Costs nothing while nobody asks.
#pragma once

#include <functional>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>

#include "daemon/rate_meter.hpp"
#include "daemon/recording_status.hpp"

namespace captured::daemon {

/// All on the thread that runs the context.
class status_reader {
 public:
  /// Gathers the status, then calls back, once.
  using source = std::function<void(std::function<void(const recording_status&)>)>;
  using receiver = std::function<void(const recording_status&, const rate_meter&)>;

  status_reader(boost::asio::io_context& context, source ask);

  /// Gives the status with recent rates; takes a second when none were read lately. Should it not
  /// be gathered within another second, the answer is the last one that was.
  void async_read(receiver done);

 private:
  void refresh();
  void on_status();

  source ask_;
  recording_status last_;
  rate_meter rates_;
  std::vector<receiver> waiting_;
  boost::asio::steady_timer patience_;
  bool refreshing_ = false;
  unsigned round_ = 0;  // tells a late refresh from the one that is waited for
};

}  // namespace captured::daemon
