// SPDX-License-Identifier: MIT
//
// Rings that outlive their process, as docs/restart.md has it: what kept_rings, ring_opening and
// output_place do with a service manager and threads. Every step that the next process could see
// may be the last one.
#include <algorithm>
#include <array>
#include <atomic>
#include <utility>

#include <fcntl.h>

#include "capture/ring_catch_up.hpp"
#include "pipeline/left_off.hpp"
#include "simulated_output.hpp"

namespace captured::simulation {

namespace {

base::unique_fd copy_of(int fd) {
  return base::unique_fd(::fcntl(fd, F_DUPFD_CLOEXEC, 0));
}

const std::atomic<bool> goes_on{false};

}  // namespace

std::vector<std::string> simulated_output::recordings_left() const {
  std::vector<std::string> all;
  for (const line& one : lines_) {
    if (one.journal) {
      const auto journal = capture::ring_journal::take_over(copy_of(one.journal.get())).value();
      all.emplace_back(journal.use().recording.data());
    }
  }
  std::ranges::sort(all);
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}

bool simulated_output::look_for_left_off(const storage::output_directory& folder,
                                         opened_place& opened) {
  const auto left = recordings_left();
  if (left.empty()) {
    return true;
  }
  for (const std::string& part : std::exchange(opened.parts, {})) {
    std::optional<pipeline::recording_end> end;
    static_cast<void>(pipeline::repair_part(folder, part, goes_on, &end));
    if (end) {
      ends_[part] = std::move(*end);
    }
  }
  auto found = pipeline::find_left_off(folder, *own_, left, ends_, goes_on);
  if (found) {
    left_off_ = std::move(found->totals);
  }
  return found.has_value();
}

void simulated_output::open_kept_ring(line& one) {
  const test::scripted_source::life is_over = [this] {
    process_end& end = world_.end;
    end.has_come |= end.calls_left > 0 && --end.calls_left == 0;
    return end.has_come;
  };
  one.was_taken = true;
  if (!one.journal) {
    auto made = capture::ring_journal::make().value();
    one.journal = copy_of(made.fd());
    one.kernel = std::make_shared<test::scripted_kernel>(ring_);
    one.ring_begin = static_cast<std::uint32_t>(one.sent.packets.size());
    one.sent.has_loose_drops = true;  // drops of a time without a process have no exact place
    one.ring = std::make_unique<test::scripted_source>(one.kernel, std::move(made), is_over);
  } else {
    auto journal = capture::ring_journal::take_over(copy_of(one.journal.get())).value();
    const auto at = left_off_.find(journal.use().recording.data());
    const auto totals = at == left_off_.end() ? format::interface_totals{}
                                              : format::totals_of(at->second, one.sent.name);
    std::array rings{capture::left_ring_memory{.memory = one.kernel->memory(),
                                               .progress = journal.progress(),
                                               .drops_total = journal.sums().drops_total}};
    capture::catch_up(rings, ring_.block_bytes, journal.use().turns_before,
                      pipeline::dealt_with_of(journal.use(), totals));
    journal.set_progress(rings[0].progress);
    one.ring = std::make_unique<test::scripted_source>(one.kernel, std::move(journal), is_over);
  }
  capture::ring_journal& journal = *one.ring->journal();
  const auto recorded = pipeline::read(*one.ledger);
  capture::ring_use use{.packets_before = journal.progress().packets_total,
                        .losses_before = journal.progress().losses_told,
                        .packets_recorded = recorded.stored + recorded.unwritten,
                        .losses_recorded = recorded.osdrop,
                        .turns_before = one.ring->turns()};
  std::ranges::copy(recording_, use.recording.begin());
  if (!is_over()) {
    journal.set_use(use);
  }
}

/// Its interface has left. All its packets are written; its last losses stand in what the file is
/// going to hold.
void simulated_output::let_go_of_ring(line& one) {
  const auto first = one.sent.packets.begin() + one.ring_begin;
  one.drops_let_go +=
      static_cast<std::uint64_t>(std::count(first, one.sent.packets.end(), packet_fate::dropped));
  one.kernel.reset();
  one.journal.reset();
}

/// The ring is closed with its output, unless it was left or the process is gone.
void simulated_output::end_kept_ring(line& one) {
  if (world_.end.has_come || gave_up_) {
    one.drops_excused += std::exchange(one.drops_let_go, 0);  // only the ledger knew of them
  }
  if (!one.journal || one.state == line_state::absent || std::exchange(one.is_to_be_left, false)) {
    return;
  }
  if (recorder_ && recorder_->outcome().gave_up) {
    one.excused_to = static_cast<std::uint32_t>(one.sent.packets.size());  // they are unwritten
  }
  if (world_.end.has_come) {
    return;
  }
  one.journal.reset();
  one.kernel.reset();
}

void simulated_output::receive_alone() {
  for (std::uint32_t i = 0; i < lines_.size(); ++i) {
    line& one = lines_[i];
    if (!one.journal) {
      continue;
    }
    for (std::uint64_t left = chance_.chance(500) ? chance_.between(1, 60) : 0; left > 0; --left) {
      const auto number = static_cast<std::uint32_t>(one.sent.packets.size());
      const auto frame = test::numbered_frame((first_interface_ + i) << number_bits | number,
                                              chance_.between(60, 400));
      const bool taken =
          one.kernel->produce({.timestamp_ns = base::to_epoch_ns(world_.now.wall), .data = frame});
      one.sent.packets.push_back(taken ? packet_fate::accepted : packet_fate::dropped);
    }
    one.kernel->retire();
  }
}

void simulated_output::check_kept(const line& one) {
  const auto known = pipeline::read(*one.ledger);
  world_.found.check(known.damaged == 0,
                     [&] { return one.sent.name + ": a block was not understood"; });
  world_.found.check(!recorder_ || !recorder_->outcome().ended || known.balanced(), [&] {
    return one.sent.name + ": the ledger does not balance after the end: filteraccept " +
           std::to_string(known.filteraccept) + ", osdrop " + std::to_string(known.osdrop) +
           ", stored " + std::to_string(known.stored) + ", unwritten " +
           std::to_string(known.unwritten);
  });
}

}  // namespace captured::simulation
