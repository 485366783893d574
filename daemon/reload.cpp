// SPDX-License-Identifier: MIT
#include "daemon/reload.hpp"

#include <chrono>
#include <tuple>
#include <utility>

#include <boost/asio/post.hpp>

namespace captured::daemon {

namespace {

// Less than capturectl waits for its answer.
constexpr auto settling_time = std::chrono::seconds(20);

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
  compare("streams", started.streams == wanted.streams);
  compare("user", started.user == wanted.user);
  compare("spare_sockets", started.spare_sockets == wanted.spare_sockets);
  compare("sandbox", started.sandbox == wanted.sandbox);
  compare("keep_rings", started.keep_rings == wanted.keep_rings);
  compare("control.socket", started.control.socket == wanted.control.socket);
  compare("control.group", started.control.group == wanted.control.group);
  compare("control.mode", started.control.mode == wanted.control.mode);
  return keys;
}

reload::reload(boost::asio::io_context& context, std::string file, hooks do_it)
    : context_(context), file_(std::move(file)), do_it_(std::move(do_it)), patience_(context) {}

void reload::async_run(std::function<void(const reload_outcome&)> done) {
  if (is_under_way()) {
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
  outcome_ = {};
  const unsigned mine = ++round_;
  be_patient();
  reader_ = std::make_unique<boost::asio::thread_pool>(1);
  boost::asio::post(*reader_, [this, mine] {
    boost::asio::post(context_,
                      [this, mine, read = check_configuration(settings::load(file_))]() mutable {
                        reader_->join();
                        reader_.reset();
                        if (mine == round_) {  // else it took too long, and nobody waits any more
                          on_read(std::move(read));
                        }
                      });
  });
}

/// Whoever asked gets an answer, whatever hangs.
void reload::be_patient() {
  patience_.expires_after(settling_time);
  patience_.async_wait([this, mine = round_](boost::system::error_code error) {
    if (error || mine != round_) {
      return;
    }
    if (reader_) {
      outcome_.errors.push_back("read " + file_ + ": this takes too long; nothing has changed");
    } else {
      outcome_.warnings.emplace_back("taken up, but not all has come to rest; see the status");
    }
    end();
  });
}

void reload::on_read(checked_configuration checked) {
  for (const settings::problem& each : checked.read.problems) {
    outcome_.errors.push_back(each.message());
  }
  for (const settings::problem& each : checked.warnings) {
    outcome_.warnings.push_back(each.message());
  }
  if (checked.read.settings) {
    carry_out(std::move(*checked.read.settings));
  } else {
    end();
  }
}

void reload::carry_out(settings::configuration wanted) {
  do_it_.override_by_command_line(wanted);
  for (const std::string& key : keys_of_a_start(started_, wanted)) {
    outcome_.warnings.push_back(key +
                                " has changed: it takes effect when the service is restarted");
  }
  do_it_.carry_out(wanted, [this, mine = round_](const std::vector<base::failure>& failures) {
    if (mine != round_) {
      return;
    }
    for (const base::failure& each : failures) {
      outcome_.errors.push_back(each.message());
    }
    end();
  });
}

void reload::end() {
  ++round_;
  patience_.cancel();
  std::exchange(done_, {})(outcome_);
}

}  // namespace captured::daemon
