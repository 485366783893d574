// SPDX-License-Identifier: MIT
#include "capture/ring_group.hpp"

#include <algorithm>
#include <utility>

#include <fcntl.h>

#include "base/check.hpp"

namespace captured::capture {

ring_group::ring_group(std::vector<std::unique_ptr<packet_ring>> rings, filter_program program)
    : rings_(std::move(rings)), program_(std::move(program)) {
  CAPTURED_CHECK(!rings_.empty());
  blocks_of_each_ = rings_.front()->block_count();
}

base::result<std::unique_ptr<ring_group>> ring_group::open(
    const device& from, const interface_options& options, std::uint32_t queues,
    const filter_program& program, const std::shared_ptr<spare_sockets>& spares) {
  std::vector<std::unique_ptr<packet_ring>> rings;
  std::uint16_t group = 0;
  for (std::uint32_t i = 0; i < queues; ++i) {
    auto one =
        packet_ring::open(from, options, queues == 1 ? program : capture::reject_all(), spares);
    if (!one) {
      return one.error();
    }
    rings.push_back(std::move(*one));
    if (queues == 1) {
      continue;
    }
    if (i == 0) {
      const auto made = rings.front()->make_fanout(fanout_mode::hash);
      if (!made) {
        return made.error();
      }
      group = *made;
    } else if (const auto joined = rings.back()->join_fanout(group, fanout_mode::hash); !joined) {
      return joined.error();
    }
  }
  for (std::size_t i = 0; queues > 1 && i < rings.size(); ++i) {
    if (const auto attached = rings[i]->attach_filter(program); !attached) {
      return attached.error();
    }
  }
  return std::make_unique<ring_group>(std::move(rings), program);
}

namespace {

/// What is in the files stands in the journals afterwards.
base::result<> note_what_was_dealt_with(std::vector<left_ring>& left, const device& from,
                                        const interface_options& options, const dealt_with& dealt) {
  std::vector<base::mapping> mapped;
  std::vector<left_ring_memory> rings;
  for (const left_ring& one : left) {
    base::unique_fd copy(::fcntl(one.socket.get(), F_DUPFD_CLOEXEC, 0));
    auto memory =
        packet_socket::take_over(std::move(copy), from.name, framing_of(link_type_of(from)))
            .map_ring(options.ring);
    if (!memory) {
      return memory.error();
    }
    mapped.push_back(std::move(*memory));
    rings.push_back({.memory = mapped.back().bytes(),
                     .progress = one.journal.progress(),
                     .drops_total = one.journal.sums().drops_total});
    if (!fits_progress(rings.back(), options.ring.block_bytes)) {
      return base::invalid_input("take over the socket of " + from.name,
                                 "its ring does not fit its journal");
    }
  }
  const std::uint64_t turns_before = left.front().journal.use().turns_before;
  catch_up(rings, options.ring.block_bytes, turns_before, dealt);
  for (std::size_t i = 0; i < left.size(); ++i) {
    left[i].journal.set_progress(rings[i].progress);
  }
  return {};
}

}  // namespace

base::result<std::unique_ptr<ring_group>> ring_group::take_over(std::vector<left_ring> left,
                                                                const device& from,
                                                                const interface_options& options,
                                                                const filter_program& program,
                                                                const dealt_with& dealt) {
  if (const auto noted = note_what_was_dealt_with(left, from, options, dealt); !noted) {
    return noted.error();
  }
  std::uint64_t turns = left.front().journal.use().turns_before;
  std::vector<std::unique_ptr<packet_ring>> rings;
  for (left_ring& one : left) {
    auto ring = packet_ring::take_over(std::move(one.socket), std::move(one.journal), from, options,
                                       program);
    if (!ring) {
      return ring.error();
    }
    turns = std::max(turns, newest_turn((*ring)->memory(0), options.ring.block_bytes));
    rings.push_back(std::move(*ring));
  }
  auto group = std::make_unique<ring_group>(std::move(rings), program);
  group->has_journals_ = true;
  group->turns_ = turns;
  return group;
}

base::result<> ring_group::keep_journals(const ring_make& how) {
  for (const auto& one : rings_) {
    auto journal = ring_journal::make();
    if (!journal) {
      return journal.error();
    }
    journal->set_make(how);
    one->keep_journal(std::move(*journal));
  }
  has_journals_ = true;
  return {};
}

void ring_group::note_make(const ring_make& how) noexcept {
  for (const auto& one : rings_) {
    one->journal()->set_make(how);
  }
}

dealt_with ring_group::progress() const noexcept {
  dealt_with sum;
  for (const auto& one : rings_) {
    const ring_progress& its = one->journal()->progress();
    sum.packets_total += its.packets_total;
    sum.losses_told += its.losses_told;
  }
  return sum;
}

std::optional<std::uint32_t> ring_group::try_take() noexcept {
  for (std::size_t i = 0; i < rings_.size(); ++i) {
    const std::size_t ring = turn_;
    turn_ = turn_ + 1 == rings_.size() ? 0 : turn_ + 1;
    if (const auto index = rings_[ring]->try_take()) {
      return static_cast<std::uint32_t>(ring) * blocks_of_each_ + *index;
    }
  }
  return std::nullopt;
}

ring_statistics ring_group::statistics() noexcept {
  ring_statistics sum;
  for (const auto& one : rings_) {
    const ring_statistics its = one->statistics();
    sum.packets_total += its.packets_total;
    sum.drops_total += its.drops_total;
    sum.freezes_total += its.freezes_total;
  }
  return sum;
}

base::result<filter_change> ring_group::change_filter(const filter_program& program) {
  std::optional<filter_change> whole;
  for (const auto& one : rings_) {
    const auto changed = one->change_filter(program);
    if (!changed) {
      for (const auto& other : rings_) {
        static_cast<void>(other->change_filter(program_));
      }
      return changed.error();
    }
    whole = filter_change{whole ? whole->before : changed->before, changed->after};
  }
  program_ = program;
  return *whole;
}

base::result<> ring_group::reject_all() {
  base::result<> first;
  for (const auto& one : rings_) {
    if (const auto rejected = one->reject_all(); !rejected && first) {
      first = rejected;
    }
  }
  return first;
}

}  // namespace captured::capture
