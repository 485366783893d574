// SPDX-License-Identifier: MIT
#include "pipeline/writer.hpp"

#include <algorithm>
#include <chrono>
#include <utility>

#include <boost/asio/dispatch.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/require.hpp>
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

struct writer::watched {
  std::weak_ptr<storage::polled_files> disk;
  boost::asio::posix::basic_stream_descriptor<strand> notice;  ///< a copy of the disk's event
};

void writer::watch(std::weak_ptr<storage::polled_files> disk, base::unique_fd event) {
  const auto fd = std::make_shared<base::unique_fd>(std::move(event));  // handlers can be copied
  boost::asio::post(strand_, [this, fd, disk = std::move(disk)] {
    const auto one = std::make_shared<watched>(watched{disk, decltype(watched::notice)(strand_)});
    watched_.push_back(one);
    boost::system::error_code error;
    one->notice.assign(fd->get(), error);
    if (error) {
      return;  // no notices: it is asked when the longest time without is over
    }
    static_cast<void>(fd->release());
    if (const auto there = disk.lock()) {
      there->want_notices(notices_wanted_);
    }
    await_notice(one);
  });
}

void writer::await_notice(const std::shared_ptr<watched>& one) {
  // Not held by its own handler, or it would never go.
  one->notice.async_wait(
      boost::asio::posix::descriptor_base::wait_read,
      [this, weak = std::weak_ptr(one)](boost::system::error_code error) {
        const auto still = weak.lock();
        if (error || !still || recorder_->outcome().ended) {
          return;
        }
        std::uint64_t count = 0;
        static_cast<void>(::read(still->notice.native_handle(), &count, sizeof count));
        step();
        if (!recorder_->outcome().ended) {
          await_notice(still);
        }
      });
}

template <class Act>
void writer::each_disk(Act act) {
  std::erase_if(watched_, [&act](const auto& one) {
    const auto disk = one->disk.lock();
    if (disk) {
      act(*disk);
    }
    return disk == nullptr;
  });
}

/// True when something may have completed before notices were wanted: look again.
bool writer::want_notices(bool wanted) {
  if (watched_.empty() || wanted == notices_wanted_) {
    return false;
  }
  notices_wanted_ = wanted;
  each_disk([wanted](storage::polled_files& disk) { disk.want_notices(wanted); });
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
  // An act that nobody waits for, such as measuring, may outlast the recorder, and this.
  boost::asio::post(strand_, [this, is_over = is_over_, done] {
    if (!*is_over) {
      recorder_->on_completion(done, read_clocks());
      step();
    }
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

void writer::attach_place(std::uint32_t place, output_folder folder) {
  command([place, folder = std::move(folder)](output_recorder& recorder) mutable {
    recorder.attach(place, std::move(folder), read_clocks());
  });
}

void writer::lose_place(std::uint32_t place, base::failure why) {
  command([place, why = std::move(why)](output_recorder& recorder) {
    recorder.lose(place, why, read_clocks());
  });
}

void writer::set_works(std::uint32_t place, bool works) {
  command([place, works](output_recorder& recorder) { recorder.set_works(place, works); });
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
    const base::steady_time now = read_clocks().steady;
    answer({.file = recorder_->current_name(),
            .in_trouble = recorder_->in_trouble(),
            .place = recorder_->place(),
            .place_troubles = {recorder_->trouble_of(0, now), recorder_->trouble_of(1, now)},
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
  if (*is_over_) {
    return;  // nothing is asked of recorder and disk any more
  }
  const base::moment now = read_clocks();
  const auto flush = [](storage::polled_files& disk) { disk.flush(); };
  reap(now);
  recorder_->run(now);
  each_disk(flush);
  if (want_notices(waits_for_disk())) {
    reap(now);
    each_disk(flush);
  }
  if (!recorder_->outcome().ended) {
    arm_timer(now);
  } else {
    timer_.cancel();
    watched_.clear();
    *is_over_ = true;
    if (ended_) {
      std::exchange(ended_, nullptr)(recorder_->outcome());
    }
  }
}

bool writer::waits_for_disk() {
  bool waits = recorder_->waits_for_disk();
  each_disk([&waits](storage::polled_files& disk) { waits |= disk.is_holding_back(); });
  return waits;
}

/// Hears of what has completed, and acts on it.
void writer::reap(base::moment now) {
  reaping_ = now;
  each_disk([](storage::polled_files& disk) { disk.reap(); });
  reaping_.reset();
}

void writer::arm_timer(base::moment now) {
  // A timer that fires too early only asks again; so it is moved only to an earlier time.
  base::steady_time at = recorder_->wake_at(now);
  bool is_busy = false;
  each_disk([&is_busy](storage::polled_files& disk) { is_busy |= disk.is_busy(); });
  if (is_busy) {
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
