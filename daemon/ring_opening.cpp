// SPDX-License-Identifier: MIT
#include "daemon/ring_opening.hpp"

#include <utility>
#include <vector>

#include "capture/hardware_time.hpp"
#include "daemon/interface_filter.hpp"

namespace captured::daemon {

namespace {

using ring_ptr = std::unique_ptr<capture::ring_group>;

base::result<interface_filter> prepare(const capture::interface_options& options,
                                       capture::device& from) {
  auto found = capture::find_device(options.name);
  if (!found) {
    return found.error();
  }
  from = std::move(*found);
  if (options.stamps == capture::stamp_source::hardware) {
    // On already where it could be switched on while there was the right to; else the reason.
    if (const auto enabled = capture::enable_hardware_time(from.name); !enabled) {
      return enabled.error();
    }
  }
  return compile_interface_filter(from, options);
}

base::result<ring_ptr> take_over(ring_request& wanted, const capture::device& from,
                                 const capture::filter_program& program) {
  std::vector<capture::left_ring>& left = wanted.left->rings;
  const capture::ring_make wanted_make = make_of(wanted.options, wanted.queues);
  for (const capture::left_ring& one : left) {
    const capture::ring_make& made = one.journal.make_of_ring();
    if (made.wanted != wanted_make.wanted) {
      return base::invalid_input("take over the socket of " + from.name, "it has another filter");
    }
    if (made != wanted_make) {
      return base::invalid_input("take over the socket of " + from.name,
                                 "its ring was made with other options");
    }
  }
  return capture::ring_group::take_over(std::move(left), from, wanted.options, program,
                                        wanted.dealt);
}

base::result<ring_ptr> open_new(const ring_request& wanted, const capture::device& from,
                                const capture::filter_program& program) {
  auto rings =
      capture::ring_group::open(from, wanted.options, wanted.queues, program, wanted.spares);
  if (rings && wanted.is_kept) {
    const auto kept = (*rings)->keep_journals(make_of(wanted.options, wanted.queues));
    if (!kept) {
      return kept.error();
    }
  }
  return rings;
}

}  // namespace

opened_ring open_ring(ring_request wanted) {
  opened_ring opened{.ring = base::failure{}, .from = {}, .options = {}, .output = wanted.output};
  const auto filter = prepare(wanted.options, opened.from);
  if (!filter) {
    opened.ring = filter.error();
    opened.left = std::move(wanted.left);
    return opened;
  }
  wanted.options = filter->options;
  opened.options = filter->options;
  if (wanted.left) {
    opened.waiting = count_waiting(*wanted.left, wanted.dealt);
    opened.in_no_ledger = wanted.in_no_ledger;
    const std::uint64_t given_back = wanted.left->progress().packets_total;
    if (given_back > wanted.dealt.packets_total) {
      opened.missing = given_back - wanted.dealt.packets_total;
    }
    opened.ring = wanted.is_kept
                      ? take_over(wanted, opened.from, filter->program)
                      : base::result<ring_ptr>(base::invalid_input(
                            "take over the socket of " + opened.from.name, "no ring is kept now"));
    opened.is_taken_over = opened.ring.has_value();
    if (opened.is_taken_over) {
      return opened;
    }
    opened.misfit = opened.ring.error().message();
    // Before a new one takes as much memory.
    wanted.left.reset();
    wanted.give_up_left();
  }
  opened.ring = open_new(wanted, opened.from, filter->program);
  return opened;
}

}  // namespace captured::daemon
