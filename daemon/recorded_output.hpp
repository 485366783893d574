// SPDX-License-Identifier: MIT
//
// One series of files with all that is its own: folders, strand, disk threads. Opens without
// holding up anybody, for a folder on a dead disk can take for ever. Not for interfaces, nor for
// when to try again.
#pragma once

#include <array>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/thread_pool.hpp>

#include "base/error.hpp"
#include "daemon/log_record.hpp"
#include "daemon/output_place.hpp"
#include "daemon/part_repairs.hpp"
#include "pipeline/series.hpp"
#include "pipeline/writer.hpp"
#include "storage/file_backend.hpp"

namespace captured::daemon {

enum class output_state : std::uint8_t {
  closed,   ///< not opened yet, or not to be had: see `trouble`
  opening,  ///< a thread is at it
  open,
  closing,  ///< was told to end
  ended,
};

/// What an output tells its owner; all called on the reactor's thread.
struct output_events {
  std::function<void()> opened;  ///< or not: `state` tells
  std::function<void(const std::string& interface)> released;
  std::function<void(const pipeline::recorder_outcome&)> ended;
};

/// All members on the reactor's thread, but the destructor on any, once nothing of it runs on the
/// writer pool any more: that has stopped, or its strand has answered after the end.
class recorded_output {
 public:
  /// `family` is the output's name in the configuration; `options` holds the one of this series,
  /// which differs when an output is split by link type.
  /// `one_writer_thread` is whether the pool has only one.
  recorded_output(boost::asio::any_io_executor reactor,
                  const pipeline::writer::pool_executor& writer_pool, bool one_writer_thread,
                  std::string family, pipeline::output_options options);
  ~recorded_output();
  recorded_output(const recorded_output&) = delete;
  recorded_output& operator=(const recorded_output&) = delete;

  /// Before `open`.
  void listen(output_events events) { events_ = std::move(events); }

  /// Makes folder and claim ours and starts the strand. `recording` is the recording's identity;
  /// with `former` the series goes on where an earlier recorder of this process left it. What the
  /// last files of `left` tell, recordings that left rings behind, is found out first.
  void open(const std::string& recording, const std::optional<pipeline::series_start>& former,
            const std::vector<std::string>& left);
  /// Ends the output, by `deadline` at the latest. Its feeds must be closing.
  void stop(base::steady_time deadline);
  void reconfigure(const pipeline::output_options& changed);

  [[nodiscard]] output_state state() const noexcept { return state_; }
  [[nodiscard]] const std::string& family() const noexcept { return family_; }
  [[nodiscard]] const std::string& name() const noexcept { return options_.files.name; }
  [[nodiscard]] const pipeline::output_options& options() const noexcept { return options_; }
  /// Why it could not be opened; empty when it could.
  [[nodiscard]] const std::string& trouble() const noexcept { return trouble_; }
  [[nodiscard]] base::steady_time retry_at() const noexcept { return retry_at_; }
  /// How far a recording that left rings behind got with an interface here.
  [[nodiscard]] format::interface_totals left_off(const std::string& recording,
                                                  const std::string& interface) const;
  /// While open or closing.
  [[nodiscard]] pipeline::writer& writer() noexcept { return *writer_; }

 private:
  struct place_state {
    std::unique_ptr<output_place> watch;
    std::string directory;
    bool has_answered = false;
    std::optional<base::failure> failure;  ///< why it is not open
    std::optional<opened_place> opened;    ///< until it is attached
    bool has_lost_files = false;           ///< open in a folder that it has no more
    bool was_lost = false;                 ///< since this output was opened
    /// What is to be repaired when there are none any more, and where.
    std::vector<std::string> left_parts;
    std::vector<storage::prepared_file> left_prepared;
    std::shared_ptr<const storage::output_directory> left_in;
    std::set<std::string> refused;  ///< of those, the ones that the device did not take whole
    /// What could not be repaired and may be later, as on a full disk.
    std::vector<std::string> failed_parts;
    std::weak_ptr<const storage::output_directory> folder;  ///< while it is attached
  };

  [[nodiscard]] base::result<> watch_place(std::uint32_t place, const std::string& recording,
                                           bool repair);
  void on_opened(std::uint32_t place, base::result<opened_place> opened);
  void on_lost(std::uint32_t place, const base::failure& why);
  void on_left(std::uint32_t place);
  void begin_if_possible();
  void on_begun(const base::result<>& begun);
  base::result<> start();
  [[nodiscard]] pipeline::placement placement_for_all() const;
  base::result<> attach(std::uint32_t place);
  /// False when it could not be: then it is opened again.
  bool attach_or_say(std::uint32_t place);
  base::result<pipeline::output_folder> open_backend(std::uint32_t place,
                                                     const opened_place& opened);
  [[nodiscard]] pipeline::place_events follow_places();
  [[nodiscard]] log_fields about(std::uint32_t place) const;
  void log_move(std::uint32_t place, const std::string& why);
  void repair(const pipeline::found_parts& parts,
              const std::shared_ptr<const storage::output_directory>& folder, std::uint32_t place);
  void on_repaired(std::uint32_t place, const std::string& part,
                   const base::result<pipeline::repaired_part>& how,
                   const std::shared_ptr<const storage::output_directory>& folder);
  void on_unrepaired(std::uint32_t place, const std::string& part, const base::failure& why);
  void repair_again();
  void on_ended(const pipeline::recorder_outcome& how);
  /// Any thread; done only while this object is there.
  template <class Act>
  void post_to_reactor(Act act) {
    boost::asio::post(reactor_, [alive = std::weak_ptr(alive_), act = std::move(act)]() mutable {
      if (!alive.expired()) {
        act();
      }
    });
  }

  boost::asio::any_io_executor reactor_;
  pipeline::writer::pool_executor writer_pool_;
  bool one_writer_thread_;
  std::string family_;
  pipeline::output_options options_;
  storage::file_rights rights_;
  output_events events_;
  output_state state_ = output_state::closed;
  std::string trouble_;
  base::steady_time retry_at_{};
  std::optional<pipeline::series_start> former_;
  std::string recording_;
  std::vector<std::string> left_;
  std::map<std::string, format::recording_totals> left_off_;  ///< by recording

  std::array<place_state, storage::places_max> places_;
  boost::asio::steady_timer first_place_timer_;  ///< patience with a first place that hangs
  /// Ends folders that are not used any more: their threads are waited for.
  std::unique_ptr<boost::asio::thread_pool> disposer_;
  std::unique_ptr<pipeline::writer> writer_;
  /// Of what an earlier life left open.
  std::vector<std::unique_ptr<part_repairs>> repairs_;
  boost::asio::steady_timer repair_timer_;
  std::chrono::seconds repair_pause_{0};
  /// Tells handlers of `repairs_` that this object is still there; owned by it alone.
  std::shared_ptr<int> alive_ = std::make_shared<int>(0);
};

}  // namespace captured::daemon
