// SPDX-License-Identifier: MIT
//
// The part of open_files that has to do with acts that failed.
#include <cerrno>
#include <utility>

#include "pipeline/limits.hpp"
#include "pipeline/open_files.hpp"

namespace captured::pipeline {

namespace {

const char* word_for(storage::file_action action) {
  switch (action) {
    case storage::file_action::create:
      return "create";
    case storage::file_action::publish:
      return "name";
    case storage::file_action::write:
      return "write";
    case storage::file_action::grow:
      return "make longer";
    case storage::file_action::sync:
      return "sync";
    case storage::file_action::finish:
      return "close";
    case storage::file_action::discard:
    case storage::file_action::remove:
      return "remove";
    case storage::file_action::leave:
      return "leave";
    case storage::file_action::measure:
      return "measure";
  }
  return "use";
}

std::string describe(const storage::file_completion& done, const std::string& where,
                     const std::string& name) {
  return std::string(word_for(done.action)) + " " + where + "/" + name;
}

}  // namespace

void open_files::on_failure(const storage::file_completion& done, base::steady_time now) {
  open_file& file = slots_[done.slot];
  if (done.action == storage::file_action::create && file.unwanted) {
    file = {};
    return;
  }
  if (done.was_forcing) {
    return on_unproven(done);
  }
  // Left by an attempt that failed, and whose removal failed too: a later start removes it.
  if (done.action == storage::file_action::create && done.error.value() == EEXIST &&
      file.hidden_attempt < limits::name_attempts) {
    ++file.hidden_attempt;
    return request_create(done.slot);
  }
  const bool naming =
      done.action == storage::file_action::publish || done.action == storage::file_action::finish;
  if (naming && done.error.value() == EEXIST && file.attempt < limits::name_attempts) {
    ++file.attempt;
    done.action == storage::file_action::publish ? request_publish(done.slot)
                                                 : request_finish(done.slot);
    return;
  }
  if (is_file_gone(done)) {
    return;
  }
  is_writing_troubled_ |= done.action == storage::file_action::create ||
                          done.action == storage::file_action::publish ||
                          done.action == storage::file_action::write;
  failed_.push_back(done);
  retry_at_ = now + limits::retry_pause;
  if (!std::exchange(in_trouble_, true)) {
    const std::string name =
        done.action == storage::file_action::create ? hidden_name_of(file) : stem_of(file);
    events_.trouble({done.error, describe(done, options_.directory, name)});
  }
}

/// What the device did not take is lost for the kernel too, and a further attempt that succeeds
/// proves nothing. So the file never gets its final name: it is closed and set aside as it is.
void open_files::on_unproven(const storage::file_completion& done) {
  open_file& file = slots_[done.slot];
  any_unproven_ = true;
  if (!std::exchange(file.is_unproven, true) && events_.unproven) {
    events_.unproven({done.error, "force " + options_.directory + "/" + stem_of(file) +
                                      options_.extension + " to the disk"});
  }
  if (done.action == storage::file_action::finish) {
    return request_finish(done.slot);
  }
  file.sync_pending = false;
  finish_if_written(done.slot);
}

/// Somebody has removed or renamed the file under us; to try the same again would be in vain.
bool open_files::is_file_gone(const storage::file_completion& done) {
  open_file& file = slots_[done.slot];
  if (done.error.value() != ENOENT || (done.action != storage::file_action::publish &&
                                       done.action != storage::file_action::finish)) {
    return false;
  }
  if (!file.is_gone) {
    file.is_gone = true;  // once more, for the folder may be what is missing
    return false;
  }
  events_.trouble(
      {done.error, describe(done, options_.directory, stem_of(file)), "the file is gone"});
  // A file that had no name yet holds nothing either: another one takes its place.
  file.is_remade = done.action == storage::file_action::publish;
  file.at = stage::leaving;
  request({.action = storage::file_action::leave, .slot = done.slot, .name = {}});
  return true;
}

void open_files::note_success() {
  if (successes_to_recover_ > 0) {
    --successes_to_recover_;
  }
  if (in_trouble_ && failed_.empty() && successes_to_recover_ == 0) {
    in_trouble_ = false;
    is_writing_troubled_ = false;
    events_.recovered();
  }
}

void open_files::retry(base::steady_time now) {
  if (!retry_at_ || now < *retry_at_) {
    return;
  }
  retry_at_.reset();
  // Trouble is over when everything that is under way after this has gone well.
  const auto again = std::exchange(failed_, {});
  successes_to_recover_ = in_flight_ + static_cast<std::uint32_t>(again.size());
  for (const storage::file_completion& one : again) {
    switch (one.action) {
      case storage::file_action::create:
        if (slots_[one.slot].unwanted) {
          slots_[one.slot] = {};
        } else {
          request_create(one.slot);
        }
        break;
      case storage::file_action::publish:
        request_publish(one.slot);
        break;
      case storage::file_action::write:
        request_write(chunk_of(one.token));
        break;
      case storage::file_action::sync:
        request({.action = storage::file_action::sync, .slot = one.slot, .name = {}});
        break;
      case storage::file_action::finish:
        request_finish(one.slot);
        break;
      case storage::file_action::discard:
        slots_[one.slot] = {};  // closed already; a later start removes what is left of it
        break;
      case storage::file_action::grow:
      case storage::file_action::leave:
      case storage::file_action::remove:
      case storage::file_action::measure:
        break;
    }
  }
}

std::uint64_t open_files::bytes_without_room() const noexcept {
  std::uint64_t sum = 0;
  for (const storage::file_completion& one : failed_) {
    const int error = one.error.value();
    if (error == ENOSPC || error == EDQUOT) {
      sum += one.action == storage::file_action::write ? chunk_of(one.token).untaken().size() : 1;
    }
  }
  return sum;
}

}  // namespace captured::pipeline
