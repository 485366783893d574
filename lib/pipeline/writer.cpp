// SPDX-License-Identifier: MIT
#include "pipeline/writer.hpp"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/require.hpp>
#include <fcntl.h>
#include <unistd.h>

#include "base/unique_fd.hpp"
#include "pipeline/limits.hpp"

namespace captured::pipeline {

base::moment read_clocks() noexcept {
  return {std::chrono::system_clock::now(), std::chrono::steady_clock::now()};
}

writer::writer(const pool_executor& pool, ended_handler ended)
    : pool_(pool),
      strand_(boost::asio::make_strand(pool)),
      timer_(strand_),
      ended_(std::move(ended)) {}

base::result<> writer::watch(storage::polled_files& disk) {
  base::unique_fd event(::fcntl(disk.event_fd(), F_DUPFD_CLOEXEC, 0));
  if (!event) {
    return base::system_failure(errno, "duplicate an event");
  }
  disk_ = &disk;
  notice_.emplace(strand_);
  boost::system::error_code error;
  notice_->assign(event.get(), error);
  if (error) {
    return base::failure{error, "watch the writes of an output", {}};
  }
  static_cast<void>(event.release());
  boost::asio::post(strand_, [this] { await_notice(); });
  return {};
}

void writer::await_notice() {
  notice_->async_wait(boost::asio::posix::descriptor_base::wait_read,
                      [this](boost::system::error_code error) {
                        if (error || recorder_->outcome().ended) {
                          return;
                        }
                        std::uint64_t count = 0;
                        static_cast<void>(::read(notice_->native_handle(), &count, sizeof count));
                        step();
                        if (!recorder_->outcome().ended) {
                          await_notice();
                        }
                      });
}

/// True when something may have completed before notices were wanted: look again.
bool writer::want_notices(bool wanted) {
  if (wanted == notices_wanted_) {
    return false;
  }
  notices_wanted_ = wanted;
  disk_->want_notices(wanted);
  return wanted;
}

void writer::wake() noexcept {
  // Exchanges on both sides: the strand's clearing one reads ours, so it sees what we queued.
  if (!woken_.exchange(true, std::memory_order_acq_rel)) {
    // To the pool first and from there to the strand, which takes memory that its thread keeps.
    boost::asio::require(
        pool_, boost::asio::execution::blocking.never,
        boost::asio::execution::allocator(kept_memory_allocator<void>(wake_memory_)))
        .execute([this] {
          boost::asio::dispatch(strand_, [this] {
            woken_.exchange(false, std::memory_order_acq_rel);
            step();
          });
        });
  }
}

void writer::complete(const storage::file_completion& done) {
  if (strand_.running_in_this_thread() && reaping_) {
    return recorder_->on_completion(done, *reaping_);
  }
  boost::asio::post(strand_, [this, done] {
    recorder_->on_completion(done, read_clocks());
    step();
  });
}

template <class Act>
void writer::command(Act act) {
  boost::asio::post(strand_, [this, act = std::move(act)]() mutable {
    if (!recorder_->outcome().ended) {
      act(*recorder_);
      step();
    }
  });
}

void writer::add(output_interface what, added_handler done) {
  boost::asio::post(strand_, [this, what = std::move(what), done = std::move(done)]() mutable {
    done(recorder_->add(std::move(what)));
    step();
  });
}

void writer::change(std::string interface, description_change to) {
  command([interface = std::move(interface), to = std::move(to)](output_recorder& recorder) {
    recorder.change(interface, to);
  });
}

void writer::note(std::string interface, std::string text) {
  command([interface = std::move(interface), text = std::move(text)](output_recorder& recorder) {
    recorder.note(interface, text);
  });
}

void writer::remove(std::string interface, std::string why) {
  command([interface = std::move(interface), why = std::move(why)](output_recorder& recorder) {
    recorder.remove(interface, why);
  });
}

void writer::reconfigure(output_options changed) {
  command([changed = std::move(changed)](output_recorder& recorder) {
    recorder.reconfigure(changed, read_clocks());
  });
}

void writer::keep(storage::kept_file file) {
  command([file = std::move(file)](output_recorder& recorder) { recorder.keep(file); });
}

void writer::rotate() {
  command([](output_recorder& recorder) { recorder.rotate(); });
}

void writer::stop(base::steady_time deadline) {
  command([deadline](output_recorder& recorder) { recorder.stop(deadline); });
}

void writer::ask(std::function<void(const doing&)> answer) {
  boost::asio::post(strand_, [this, answer = std::move(answer)] {
    if (recorder_->outcome().ended) {
      return answer({});
    }
    answer({.file = recorder_->current_name(),
            .in_trouble = recorder_->in_trouble(),
            .kept = recorder_->kept(),
            .progress = recorder_->made_progress()});
  });
}

void writer::refresh_ledger(std::function<void()> done) {
  boost::asio::post(strand_, [this, done = std::move(done)] {
    if (!recorder_->outcome().ended) {
      recorder_->refresh_ledger();
    }
    done();
  });
}

void writer::step() {
  if (is_over_) {
    return;  // nothing is asked of recorder and disk any more
  }
  const base::moment now = read_clocks();
  if (disk_ != nullptr) {
    reap(now);
  }
  recorder_->run(now);
  if (disk_ != nullptr) {
    disk_->flush();
    if (want_notices(recorder_->waits_for_disk())) {
      reap(now);
      disk_->flush();
    }
  }
  if (!recorder_->outcome().ended) {
    arm_timer(now);
  } else {
    timer_.cancel();
    if (notice_) {
      notice_->cancel();
    }
    is_over_ = true;
    if (ended_) {
      std::exchange(ended_, nullptr)(recorder_->outcome());
    }
  }
}

/// Hears of what has completed, and acts on it.
void writer::reap(base::moment now) {
  reaping_ = now;
  disk_->reap();
  reaping_.reset();
}

void writer::arm_timer(base::moment now) {
  // A timer that fires too early only asks again; so it is moved only to an earlier time.
  base::steady_time at = recorder_->wake_at(now);
  if (disk_ != nullptr && disk_->is_busy()) {
    at = std::min(at, now.steady + limits::longest_unasked);
  }
  if (armed_for_ <= at && armed_for_ > now.steady) {
    return;
  }
  armed_for_ = at;
  timer_.expires_at(at);
  timer_.async_wait([this](boost::system::error_code error) {
    if (!error) {
      armed_for_ = base::steady_time::max();
      step();
    }
  });
}

}  // namespace captured::pipeline
