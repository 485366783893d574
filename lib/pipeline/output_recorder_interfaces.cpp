// SPDX-License-Identifier: MIT
//
// The part of output_recorder that hears of interfaces which come, change and go.
#include <utility>

#include "base/check.hpp"
#include "pipeline/limits.hpp"
#include "pipeline/output_recorder.hpp"

namespace captured::pipeline {

base::result<> output_recorder::add(output_interface what) {
  const port* const former = ports_.find(*what.description.block.name);
  CAPTURED_CHECK(former == nullptr || !former->attached());
  if (ports_.attached_count() == limits::interfaces_of_output) {
    return base::invalid_input(
        "record " + *what.description.block.name + " into output " + options_.files.name,
        "it has " + std::to_string(limits::interfaces_of_output) +
            " interfaces already, which is all it can take");
  }
  const auto fits = check_fit(what.description);
  if (fits) {
    capture::block_source& source = what.feed->source();
    if (what.is_ring_kept) {
      stream_.files().write_in_order();
    }
    for (std::uint32_t queue = 0; !what.is_ring_kept && queue < source.queue_count(); ++queue) {
      add_memory(source.memory(queue));
    }
    ports_.attach(std::move(what));
    totals_at_switch_.merge(ports_.totals());
  }
  return fits;
}

base::result<> output_recorder::check_fit(const port_description& description) const {
  return check_head(options_.files.name, series_.recording,
                    ports_.descriptions_with(description.block));
}

void output_recorder::change(const std::string& interface, description_change to) {
  port* const one = ports_.find(interface);
  if (one == nullptr || !one->attached()) {
    return;
  }
  if (!check_fit(to.description)) {
    // The log has the story; what holds from here on is said as long as there is room for it.
    to.description.block.comments.clear();
    if (!check_fit(to.description)) {
      to.description.block.filter.reset();
      to.description.block.comments = {"the filter is too long to be told here"};
    }
  }
  if (one->changes.size() == limits::changes_waiting) {
    one->changes.pop_back();  // a disk that hangs: what held for a moment only is left out
  }
  one->changes.push_back(std::move(to));
  ports_.measure_texts();
}

void output_recorder::note(const std::string& interface, std::string text) {
  port* const one = ports_.find(interface);
  if (one != nullptr && one->attached() && one->notes.size() < limits::notes_waiting) {
    one->notes.push_back(std::move(text));
  }
}

void output_recorder::remove(const std::string& interface, std::string why) {
  if (port* const one = ports_.find(interface); one != nullptr && one->attached()) {
    one->leaving = std::move(why);
  }
}

}  // namespace captured::pipeline
