// SPDX-License-Identifier: MIT
//
// The files of one output that are open: the next one being prepared, the current one being
// written, earlier ones being closed. Drives the acts of storage::file_operations in their right
// order and tries again what failed. Not for what the files contain.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/time.hpp"
#include "pipeline/chunk.hpp"
#include "storage/file_operations.hpp"
#include "storage/options.hpp"

namespace captured::pipeline {

/// What became of a file, for the log.
struct closed_file {
  std::string name;
  std::uint64_t size_bytes = 0;
  std::uint64_t packets = 0;
  bool is_unproven = false;  ///< the device did not take it: it was set aside
  std::uint64_t sequence = 0;
  std::uint32_t place = 0;    ///< in which of the output's folders
  bool is_elsewhere = false;  ///< that folder is not the place's any more
  std::uint64_t sidecar_bytes = 0;
};

/// What the owner is told, on its own strand.
struct open_files_events {
  std::function<void(const std::string& name)> begun;
  std::function<void(const closed_file&)> closed;
  std::function<void(const base::failure&)> trouble;  ///< first failure of a time of trouble
  /// Said once of a file whose octets the device refused; it is going to be set aside.
  std::function<void(const base::failure&)> unproven;
  /// Such a file was left for repair, under this name, since its folder is gone.
  std::function<void(std::uint32_t place, const std::string& part)> left_unproven;
  std::function<void()> recovered;      ///< the failed acts have succeeded
  std::function<void(chunk&)> written;  ///< the disk has taken the whole chunk
  /// These chunks, all that is left of a file whose folder is gone, will never be taken whole; they
  /// go back to their pool.
  std::function<void(const std::vector<chunk*>&)> given_up;
};

struct open_files_options {
  std::string output;     ///< whose hidden names they have
  std::string directory;  ///< of the first place, for messages
  std::string extension;  ///< of finished files, with the dot
  std::uint64_t preallocate_bytes = 0;
  bool force_to_device = true;  ///< fsync before a file gets its final name
};

/// One thread (the strand) at a time. `files` must outlive it and must have no request in flight
/// when it is destroyed, unless it is known never to touch its memory again.
class open_files {
 public:
  open_files(storage::file_operations& files, open_files_options options, open_files_events events);

  /// For files that are made, or finished, from now on.
  void reconfigure(std::uint64_t preallocate_bytes, bool force_to_device) noexcept {
    options_.preallocate_bytes = preallocate_bytes;
    options_.force_to_device = force_to_device;
  }

  /// From now on the disk gets nothing of a file before it has taken its beginning, and all of the
  /// file before it: whatever kills us, what it has taken has no gap but in the last file.
  void write_in_order() noexcept { is_in_order_ = true; }

  /// Files are made in this place from now on; a next file that is ready elsewhere is removed.
  void use(std::uint32_t place);
  [[nodiscard]] std::uint32_t place() const noexcept { return place_; }
  void set_directory(std::uint32_t place, std::string directory) {
    places_[place].directory = std::move(directory);
  }
  /// The place has another folder now, or none. Files that are open in the one before are closed
  /// there if that can be done.
  void lose(std::uint32_t place);
  /// The place has a folder again: what failed in those before is not tried any more. Their files
  /// stay as they are, for repair.
  void give_up_lost(std::uint32_t place);
  /// What has failed for long in folders that their places do not have any more is not tried any
  /// more either: a dead disk cannot be checked or replaced while files are open on it.
  void give_up_hopeless(base::steady_time now);
  /// The current file lies in a folder that is not to be used any more.
  [[nodiscard]] bool is_current_elsewhere() const noexcept;
  /// The current file was given up.
  [[nodiscard]] bool is_current_given_up() const noexcept;
  /// It has got its name, or may yet get it.
  [[nodiscard]] bool may_current_be_named() const noexcept;
  /// What a file that was given up has cost is not known yet, but should be soon.
  [[nodiscard]] bool is_settling(base::steady_time now) const noexcept;
  /// In place of `end`, for a file that was given up.
  void abandon();
  /// Files of a lost folder of this place are still open.
  [[nodiscard]] bool has_lost(std::uint32_t place) const noexcept;
  /// Chunks of the pool's own memory that wait for the disk of the current file.
  [[nodiscard]] std::size_t unfinished_here() const noexcept;

  [[nodiscard]] bool next_ready() const noexcept;
  [[nodiscard]] bool next_pending() const noexcept;
  [[nodiscard]] bool slot_free() const noexcept;

  /// Has a file made under a hidden name, which tells its number. A slot must be free and no next
  /// file wanted already.
  void create_next(std::uint64_t sequence);
  /// Makes the next file the current one, to be called `stem` + extension when it is complete.
  void begin(const std::string& stem);
  /// Final name that the current file is going to have.
  [[nodiscard]] std::string current_name() const;

  /// Writes a chunk into the current file, when the file has its name.
  void submit(chunk& piece);
  /// Forces the current file's written octets to the device; at most one at a time.
  void sync();
  /// No chunk will follow for the current file: closes it under its final name once all is written.
  void end(std::uint64_t length, std::uint64_t packets);
  /// Removes the prepared next file, also one that is still being made.
  void discard_next();

  void on_completion(const storage::file_completion& done, base::steady_time now);
  /// Tries again what failed, when its pause is over.
  void retry(base::steady_time now);
  [[nodiscard]] std::optional<base::steady_time> retry_at() const noexcept { return retry_at_; }

  /// Octets that the disk has taken since the beginning.
  [[nodiscard]] std::uint64_t octets_written() const noexcept { return octets_written_; }
  /// Files that no chunk follows for, and that are not closed yet; not those in a folder that is
  /// lost, which are found there when it is back.
  [[nodiscard]] std::uint64_t ending_files() const noexcept;
  [[nodiscard]] std::uint64_t ending_bytes() const noexcept;
  /// The highest number that a file which is not closed yet can tell to a later life, since its
  /// beginning is written; 0 for none.
  [[nodiscard]] std::uint64_t told_sequence() const noexcept;
  /// Octets for which the disk has no room (or a quota none), to be tried again; 0 when it has.
  [[nodiscard]] std::uint64_t bytes_without_room(std::uint32_t place = 0) const noexcept;
  /// There may be room now: what failed is tried again at once.
  void retry_now(base::steady_time now) noexcept { retry_at_ = retry_at_ ? now : retry_at_; }

  /// Nothing is in flight, failed or waiting.
  [[nodiscard]] bool settled() const noexcept;
  [[nodiscard]] bool in_trouble() const noexcept;
  [[nodiscard]] bool in_trouble(std::uint32_t place) const noexcept {
    return places_[place].in_trouble;
  }
  /// What it does there has failed, or got no answer, for longer than another attempt could mend.
  [[nodiscard]] bool is_place_bad(std::uint32_t place, base::steady_time now) const noexcept;
  /// Why the last act there failed.
  [[nodiscard]] const base::failure& last_trouble(std::uint32_t place) const noexcept {
    return places_[place].why;
  }
  /// The device did not take octets of the current file, or of any: such a file is set aside when
  /// it is closed, and is better closed soon.
  [[nodiscard]] bool is_current_unproven() const noexcept;
  [[nodiscard]] bool any_unproven() const noexcept { return any_unproven_; }
  /// In trouble, and not only with closing earlier files: a further one would fare no better.
  [[nodiscard]] bool is_writing_troubled() const noexcept {
    return places_[place_].is_writing_troubled;
  }
  /// Chunks submitted and not yet taken by the disk, for the ledger of a stop that gives up.
  [[nodiscard]] const std::vector<chunk*>& unfinished() const noexcept { return unfinished_; }
  /// The last of them that is of the pool's own memory; none when there is no such.
  [[nodiscard]] chunk* newest_unfinished() const noexcept;

 private:
  enum class stage : std::uint8_t { free, creating, ready, publishing, open, finishing, leaving };
  struct open_file {
    stage at = stage::free;
    std::string stem;
    std::uint64_t sequence = 0;
    std::uint32_t attempt = 0;  ///< other names tried because one existed
    std::uint64_t length = 0;
    std::uint64_t packets = 0;
    std::uint64_t sidecar_bytes = 0;
    std::uint32_t writes = 0;    ///< chunks not yet taken
    bool has_beginning = false;  ///< its first chunk is written
    bool ended = false;
    bool unwanted = false;  ///< to be discarded once it is made
    bool sync_pending = false;
    bool is_unproven = false;           ///< forcing it to the device has failed
    bool is_gone = false;               ///< its name was not there when it was to be renamed
    bool is_remade = false;             ///< another file is being made in its stead
    bool is_lost = false;               ///< its folder is not its place's any more
    bool is_given_up = false;           ///< what fails is not tried again
    bool has_failed_finally = false;    ///< something did
    base::error_code failing{};         ///< why its last act failed; none when it went well
    base::steady_time failing_since{};  ///< when it has failed since the last success
    base::steady_time failed_at{};      ///< when it had failed finally
    std::uint32_t hidden_attempt = 0;   ///< as `attempt`, for the hidden name
    std::uint32_t place = 0;
    std::uint32_t in_flight = 0;
  };

  /// Of the folder that the place has now; files that are open in one before do not count.
  struct place_state {
    std::string directory;
    bool in_trouble = false;
    bool is_writing_troubled = false;
    base::failure why = {};
    base::steady_time troubled_since{};
    std::uint32_t in_flight = 0;
    std::uint32_t answers_to_recover = 0;
    std::uint32_t data_in_flight = 0;   ///< what makes and fills files: closing may take long
    base::steady_time answered_at{};    ///< of those, or when the first of them was asked
    std::uint32_t syncs_in_flight = 0;  ///< writes may have to wait for those
  };
  [[nodiscard]] static bool is_data(storage::file_action action) noexcept;

  void request(storage::file_request what);
  void note_answer(const storage::file_completion& done);
  void give_up(std::uint32_t slot);
  void settle_given_up(std::uint32_t slot);
  void leave_given_up(std::uint32_t slot);
  void leave_next_given_up();
  [[nodiscard]] bool is_behind_others(std::uint32_t slot) const noexcept;
  void settle_trouble(std::uint32_t place);
  [[nodiscard]] bool tells_of_trouble(const storage::file_completion& failed) const noexcept;
  [[nodiscard]] bool has_failed(std::uint32_t place) const noexcept;
  void request_create(std::uint32_t slot);
  void request_write(const chunk& piece);
  void request_publish(std::uint32_t slot);
  void request_finish(std::uint32_t slot);
  void request_discard(std::uint32_t slot);
  void finish_if_written(std::uint32_t slot);
  void on_failure(const storage::file_completion& done, base::steady_time now);
  void on_unproven(const storage::file_completion& done);
  bool is_file_gone(const storage::file_completion& done);
  void on_written(const storage::file_completion& done);
  void give_back_in_order();
  void write_what_waited();
  [[nodiscard]] bool may_write(const chunk& piece) const noexcept;
  void on_success(const storage::file_completion& done);
  void end_trouble_if_over(std::uint32_t place);
  [[nodiscard]] chunk& chunk_of(std::uint64_t token) const noexcept;
  [[nodiscard]] std::string stem_of(const open_file& file) const;
  [[nodiscard]] std::string hidden_name_of(const open_file& file) const;
  [[nodiscard]] std::string final_name_of(const open_file& file) const;
  [[nodiscard]] std::optional<std::uint32_t> slot_at(stage wanted) const noexcept;

  storage::file_operations& files_;
  open_files_options options_;
  open_files_events events_;
  std::array<open_file, storage::open_files_max> slots_;
  std::optional<std::uint32_t> next_;
  std::optional<std::uint32_t> current_;
  std::vector<chunk*> unfinished_;
  std::vector<chunk*> waiting_;  ///< for the file's name, or for their turn
  std::vector<storage::file_completion> failed_;
  std::uint64_t octets_written_ = 0;
  std::uint32_t in_flight_ = 0;
  std::optional<base::steady_time> retry_at_;
  bool any_unproven_ = false;
  bool is_in_order_ = false;
  std::uint32_t place_ = 0;
  std::array<place_state, storage::places_max> places_;
  base::steady_time now_{};  ///< of the event that is being worked on
};

}  // namespace captured::pipeline
