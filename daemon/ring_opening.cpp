// SPDX-License-Identifier: MIT
#include "daemon/ring_opening.hpp"

#include <utility>
#include <vector>

#include "capture/filter.hpp"
#include "capture/hardware_time.hpp"

namespace captured::daemon {

namespace {

using ring_ptr = std::unique_ptr<capture::ring_group>;

base::result<capture::filter_program> prepare(const capture::interface_options& options,
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
  return capture::compile_filter(from, options);
}

base::result<ring_ptr> take_over(ring_request& wanted, const capture::device& from,
                                 const capture::filter_program& program) {
  if (wanted.left->journal.make_of_ring() != make_of(wanted.options)) {
    return base::invalid_input("take over the socket of " + from.name,
                               "its ring was made with other options");
  }
  auto ring = capture::packet_ring::take_over(std::move(wanted.left->socket),
                                              std::move(wanted.left->journal), from, wanted.options,
                                              program, wanted.dealt);
  if (!ring) {
    return ring.error();
  }
  std::vector<std::unique_ptr<capture::packet_ring>> only;
  only.push_back(std::move(*ring));
  return std::make_unique<capture::ring_group>(std::move(only), program);
}

base::result<ring_ptr> open_new(const ring_request& wanted, const capture::device& from,
                                const capture::filter_program& program) {
  auto ring =
      capture::ring_group::open(from, wanted.options, wanted.queues, program, wanted.spares);
  if (ring && wanted.is_kept) {
    auto journal = capture::ring_journal::make();
    if (!journal) {
      return journal.error();
    }
    journal->set_make(make_of(wanted.options));
    (*ring)->rings().front()->keep_journal(std::move(*journal));
  }
  return ring;
}

}  // namespace

opened_ring open_ring(ring_request wanted) {
  opened_ring opened{.ring = base::failure{}, .from = {}};
  const auto program = prepare(wanted.options, opened.from);
  if (!program) {
    opened.ring = program.error();
    opened.left = std::move(wanted.left);
    return opened;
  }
  if (wanted.left) {
    opened.waiting = count_waiting(*wanted.left, wanted.dealt);
    const std::uint64_t given_back = wanted.left->journal.progress().packets_total;
    if (given_back > wanted.dealt.packets_total) {
      opened.missing = given_back - wanted.dealt.packets_total;
    }
    opened.ring = wanted.is_kept
                      ? take_over(wanted, opened.from, *program)
                      : base::result<ring_ptr>(base::invalid_input(
                            "take over the socket of " + opened.from.name, "no ring is kept now"));
    opened.is_taken_over = opened.ring.has_value();
    if (opened.is_taken_over) {
      return opened;
    }
    opened.misfit = opened.ring.error().message();
    wanted.left.reset();  // before a new one takes as much memory
  }
  opened.ring = open_new(wanted, opened.from, *program);
  return opened;
}

}  // namespace captured::daemon
