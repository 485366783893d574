// SPDX-License-Identifier: MIT
#include "daemon/reload.hpp"

#include <tuple>
#include <utility>

#include <boost/asio/post.hpp>

namespace captured::daemon {

namespace {

bool same(const settings::thread_settings& one, const settings::thread_settings& other) {
  return std::tie(one.threads, one.cpus) == std::tie(other.threads, other.cpus);
}

}  // namespace

std::vector<std::string> keys_of_a_start(const settings::configuration& started,
                                         const settings::configuration& wanted) {
  std::vector<std::string> keys;
  const auto compare = [&keys](const char* key, bool is_same) {
    if (!is_same) {
      keys.emplace_back(key);
    }
  };
  compare("reactor", same(started.reactor, wanted.reactor));
  compare("writer", same(started.writer, wanted.writer));
  compare("log.format", started.log.format == wanted.log.format);
  compare("user", started.user == wanted.user);
  compare("control.socket", started.control.socket == wanted.control.socket);
  compare("control.group", started.control.group == wanted.control.group);
  compare("control.mode", started.control.mode == wanted.control.mode);
  return keys;
}

reload::reload(boost::asio::io_context& context, std::string file, hooks do_it)
    : context_(context), file_(std::move(file)), do_it_(std::move(do_it)) {}

void reload::async_run(std::function<void(const reload_outcome&)> done) {
  if (done_) {
    done({{"another reload is under way; try again later"}, {}});
    return;
  }
  if (file_.empty()) {
    done({{"captured was started without a configuration file (--config): there is nothing to "
           "read again"},
          {}});
    return;
  }
  done_ = std::move(done);
  reader_ = std::make_unique<boost::asio::thread_pool>(1);
  boost::asio::post(*reader_, [this] {
    boost::asio::post(context_,
                      [this, read = check_configuration(settings::load(file_))]() mutable {
                        reader_->join();
                        reader_.reset();
                        on_read(std::move(read));
                      });
  });
}

void reload::on_read(checked_configuration checked) {
  reload_outcome outcome;
  for (const settings::problem& each : checked.read.problems) {
    outcome.errors.push_back(each.message());
  }
  for (const settings::problem& each : checked.warnings) {
    outcome.warnings.push_back(each.message());
  }
  if (!checked.read.settings) {
    end(outcome);
    return;
  }
  settings::configuration& wanted = *checked.read.settings;
  do_it_.override_by_command_line(wanted);
  for (const std::string& key : keys_of_a_start(started_, wanted)) {
    outcome.warnings.push_back(key + " has changed: it takes effect when the service is restarted");
  }
  do_it_.carry_out(wanted, [this, outcome](const std::vector<base::failure>& failures) mutable {
    for (const base::failure& each : failures) {
      outcome.errors.push_back(each.message());
    }
    end(outcome);
  });
}

void reload::end(const reload_outcome& outcome) {
  std::exchange(done_, {})(outcome);
}

}  // namespace captured::daemon
