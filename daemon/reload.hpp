// SPDX-License-Identifier: MIT
//
// Live reload: reads the configuration file again, checks it wholly, and only then has the
// recording take it up. Whatever is wrong with it leaves everything as it was.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include "base/error.hpp"
#include "daemon/check_configuration.hpp"
#include "settings/configuration.hpp"

namespace captured::daemon {

struct reload_outcome {
  std::vector<std::string> errors;    ///< one line each; with any, nothing has changed
  std::vector<std::string> warnings;  ///< one line each, such as what takes effect at a start only
};

/// All on the thread that runs the context. Reading and checking take place on a thread of their
/// own: the disk may hang, and libpcap looks up names in filters.
class reload {
 public:
  struct hooks {
    /// What the command line said holds over the file, here too.
    std::function<void(settings::configuration&)> override_by_command_line;
    /// Takes up a configuration that is good, then calls back with what went wrong.
    std::function<void(const settings::configuration&,
                       std::function<void(std::vector<base::failure>)>)>
        carry_out;
  };

  /// `file` is empty when the recording was started without one.
  reload(boost::asio::io_context& context, std::string file, hooks do_it);

  /// One at a time: a second one meanwhile is refused, by calling back at once. What has not come
  /// to rest after a while, because a disk hangs or a device does not answer, is left to itself,
  /// with a warning.
  void async_run(std::function<void(const reload_outcome&)> done);
  /// What the service was started with: some of it holds until its end.
  void set_started(const settings::configuration& started) { started_ = started; }
  /// Would another one be refused now?
  [[nodiscard]] bool is_under_way() const noexcept { return done_ || is_reading(); }
  /// Is a file being read? It may never end; then the process must not wait for it.
  [[nodiscard]] bool is_reading() const noexcept { return reader_ != nullptr; }

 private:
  void on_read(checked_configuration read);
  void be_patient();
  void carry_out(settings::configuration wanted);
  void end();

  boost::asio::io_context& context_;
  std::string file_;
  hooks do_it_;
  settings::configuration started_;
  std::function<void(const reload_outcome&)> done_;  ///< set while one is under way
  reload_outcome outcome_;                           ///< of the one under way
  unsigned round_ = 0;                               ///< tells a late end from the present one
  boost::asio::steady_timer patience_;
  std::unique_ptr<boost::asio::thread_pool> reader_;
};

/// Those keys, as "control.mode", that differ and take effect only when the service starts.
[[nodiscard]] std::vector<std::string> keys_of_a_start(const settings::configuration& started,
                                                       const settings::configuration& wanted);

}  // namespace captured::daemon
