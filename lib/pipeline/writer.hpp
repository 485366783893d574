// SPDX-License-Identifier: MIT
//
// The strand of one output: gives output_recorder its events and the time, and lets it be woken
// once for each burst of blocks. Decides nothing.
#pragma once

#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/posix/basic_stream_descriptor.hpp>
#include <boost/asio/strand.hpp>
#include <boost/asio/thread_pool.hpp>

#include "base/unique_fd.hpp"
#include "pipeline/kept_memory.hpp"
#include "pipeline/output_recorder.hpp"
#include "storage/polled_files.hpp"

namespace captured::pipeline {

/// Both clocks, now.
[[nodiscard]] base::moment read_clocks() noexcept;

/// Made and destroyed by the wiring. It must be destroyed after the executor's threads have ended
/// or can run no handler of it any more.
class writer {
 public:
  using ended_handler = std::function<void(const recorder_outcome&)>;
  /// Named, since to forget an executor's type takes memory from the heap at each wait.
  using pool_executor = boost::asio::thread_pool::executor_type;

  /// `ended` is called once, on the strand, when the output has ended.
  writer(const pool_executor& pool, ended_handler ended);
  writer(const writer&) = delete;
  writer& operator=(const writer&) = delete;

  /// Before `start`: the recorder that this strand drives.
  void attach(std::unique_ptr<output_recorder> recorder) { recorder_ = std::move(recorder); }
  /// Any thread. A disk that must be asked, from now on until it is gone; `event` is a copy of its
  /// event_fd.
  void watch(std::weak_ptr<storage::polled_files> disk, base::unique_fd event);
  /// When no handler of it can run any more: ends what the recorder holds, such as its folders.
  void drop_recorder() noexcept { recorder_.reset(); }
  /// Begins the first file.
  void start() { wake(); }

  using added_handler = std::function<void(const base::result<>&)>;

  /// Any thread. As the recorder's members of the same names, on the strand; `done` too.
  void add(output_interface what, added_handler done);
  void change(std::string interface, description_change to);
  void note(std::string interface, std::string text);
  void remove(std::string interface, std::string why);
  void reconfigure(output_options changed);
  void keep(storage::kept_file file);
  void attach_place(std::uint32_t place, output_folder folder);
  void lose_place(std::uint32_t place, base::failure why);
  void set_works(std::uint32_t place, bool works);

  /// Any thread. Blocks were queued. Costs one atomic exchange while the strand is awake.
  void wake() noexcept;
  /// Any thread. A finished act of the disk; to be given to the file_operations as handler. What a
  /// watched disk gives while it is asked is handled at once.
  void complete(const storage::file_completion& done);
  /// Any thread. Ends the current file.
  void rotate();
  /// Any thread. The rings are being closed; end at `deadline` at the latest.
  void stop(base::steady_time deadline);
  /// What an output is doing, for people.
  struct doing {
    std::string file;  ///< final name of the current one; empty without one
    bool in_trouble = false;
    std::uint32_t place = 0;  ///< where files are made
    /// What is wrong with each place; empty when nothing is.
    std::array<std::string, storage::places_max> place_troubles = {};
    kept_figures kept;
    bool progress = true;  ///< see output_recorder::made_progress
  };
  /// Any thread. Asks, and has the answer given on the strand; an output that has ended answers
  /// too.
  void ask(std::function<void(const doing&)> answer);

  /// Any thread. Reads the counters into the ledger, then calls `done` on the strand.
  void refresh_ledger(std::function<void()> done);

 private:
  /// Posts something to be done with the recorder while it runs.
  template <class Act>
  void command(Act act);
  void step();
  struct watched;
  void reap(base::moment now);
  [[nodiscard]] bool want_notices(bool wanted);
  bool waits_for_disk();
  void await_notice(const std::shared_ptr<watched>& one);
  template <class Act>
  void each_disk(Act act);
  void arm_timer(base::moment now);

  using strand = boost::asio::strand<pool_executor>;
  using timer = boost::asio::basic_waitable_timer<
      std::chrono::steady_clock, boost::asio::wait_traits<std::chrono::steady_clock>, strand>;

  pool_executor pool_;
  strand strand_;
  timer timer_;
  base::steady_time armed_for_ = base::steady_time::max();
  std::vector<std::shared_ptr<watched>> watched_;  ///< shared with the handlers that wait
  std::optional<base::moment> reaping_;            ///< the disk is being asked, at that time
  bool notices_wanted_ = false;
  ended_handler ended_;
  /// The recorder has ended, and that was told. Outlives this, for completions that come yet.
  std::shared_ptr<bool> is_over_ = std::make_shared<bool>(false);
  std::unique_ptr<output_recorder> recorder_;
  std::atomic<bool> woken_{false};
  std::shared_ptr<kept_memory> wake_memory_ = std::make_shared<kept_memory>();
};

}  // namespace captured::pipeline
