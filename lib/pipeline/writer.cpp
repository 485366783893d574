// SPDX-License-Identifier: MIT
#include "pipeline/writer.hpp"

#include <chrono>
#include <utility>

#include <boost/asio/post.hpp>

namespace captured::pipeline {

base::moment read_clocks() noexcept {
  return {std::chrono::system_clock::now(), std::chrono::steady_clock::now()};
}

writer::writer(boost::asio::any_io_executor pool, ended_handler ended)
    : strand_(boost::asio::make_strand(std::move(pool))),
      timer_(strand_),
      ended_(std::move(ended)) {}

struct writer::watched {
  boost::asio::posix::stream_descriptor event;
  std::function<bool(bool)> reap;
};

void writer::watch(base::unique_fd event, std::function<bool(bool)> reap) {
  const auto fd = std::make_shared<base::unique_fd>(std::move(event));  // handlers can be copied
  boost::asio::post(strand_, [this, fd, reap = std::move(reap)] {
    watched_.push_back(std::make_shared<watched>(
        watched{boost::asio::posix::stream_descriptor(strand_, fd->release()), reap}));
    await_event(watched_.back());
  });
}

void writer::await_event(const std::shared_ptr<watched>& one) {
  // Not held by its own handler, or it would never go.
  one->event.async_wait(boost::asio::posix::stream_descriptor::wait_read,
                        [this, weak = std::weak_ptr(one)](boost::system::error_code error) {
                          const auto still = weak.lock();
                          if (!error && still && !recorder_->outcome().ended && still->reap(true)) {
                            await_event(still);
                          }
                        });
}

void writer::reap_all() {
  std::erase_if(watched_, [](const auto& one) { return !one->reap(false); });
}

void writer::wake() noexcept {
  // Exchanges on both sides: the strand's clearing one reads ours, so it sees what we queued.
  if (!woken_.exchange(true, std::memory_order_acq_rel)) {
    boost::asio::post(strand_, [this] {
      woken_.exchange(false, std::memory_order_acq_rel);
      step();
    });
  }
}

void writer::complete(const storage::file_completion& done) {
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
  reap_all();
  const base::moment now = read_clocks();
  recorder_->run(now);
  if (!recorder_->outcome().ended) {
    arm_timer(now);
  } else if (ended_) {
    timer_.cancel();
    watched_.clear();
    std::exchange(ended_, nullptr)(recorder_->outcome());
  }
}

void writer::arm_timer(base::moment now) {
  // A timer that fires too early only asks again; so it is moved only to an earlier time.
  const base::steady_time at = recorder_->wake_at(now);
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
