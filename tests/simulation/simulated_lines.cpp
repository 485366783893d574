// SPDX-License-Identifier: MIT
//
// The interfaces of a simulated output, and what the output is judged by.
#include <algorithm>
#include <utility>

#include "simulated_output.hpp"
#include "support/scripted_source.hpp"

namespace captured::simulation {

namespace {

constexpr std::chrono::milliseconds drain_time{150};

/// Of one file, at the most; not to be taken too exactly.
constexpr std::uint64_t octets_under_way = 32 << 10;
/// Of a packet's block; the same.
constexpr std::uint64_t packet_bytes = 400;

}  // namespace

pipeline::output_interface simulated_output::describe(std::uint32_t interface) {
  line& one = lines_[interface];
  pipeline::output_interface what;
  what.description.block.name = one.sent.name;
  what.feed = one.feed.get();
  what.ledger = one.ledger.get();
  what.begun = world_.now.wall;
  what.is_ring_kept = world_.keeps_rings;
  return what;
}

void simulated_output::add(std::uint32_t interface) {
  line& one = lines_[interface];
  if (world_.keeps_rings) {
    open_kept_ring(one);
  } else {
    one.ring = std::make_unique<test::scripted_source>(ring_);
  }
  one.feed = std::make_unique<pipeline::ring_feed>(*one.ring);
  one.state = line_state::recording;
  one.sent.rings.push_back(static_cast<std::uint32_t>(one.sent.packets.size()));
  world_.found.check(recorder_->add(describe(interface)).has_value(),
                     [&] { return one.sent.name + " is not taken"; });
  step();
}

void simulated_output::produce(std::uint32_t interface, std::size_t frame_bytes) {
  line& one = lines_[interface];
  const auto number = static_cast<std::uint32_t>(one.sent.packets.size());
  const auto frame =
      test::numbered_frame((first_interface_ + interface) << number_bits | number, frame_bytes);
  const bool taken =
      one.ring->produce({.timestamp_ns = base::to_epoch_ns(world_.now.wall), .data = frame});
  one.sent.packets.push_back(taken ? packet_fate::accepted : packet_fate::dropped);
}

void simulated_output::lose(std::uint32_t interface, std::uint32_t packets) {
  line& one = lines_[interface];
  one.ring->lose(packets);
  one.sent.has_loose_drops = true;
  one.sent.packets.insert(one.sent.packets.end(), packets, packet_fate::dropped);
}

void simulated_output::retire(std::uint32_t interface) {
  line& one = lines_[interface];
  if (one.state == line_state::absent || one.feed->closed()) {
    return;
  }
  one.ring->retire();
  if (one.feed->offer_finished_blocks() > 0) {
    step();
  }
}

void simulated_output::retire_all() {
  for (std::uint32_t i = 0; i < lines_.size(); ++i) {
    retire(i);
  }
}

void simulated_output::remove(std::uint32_t interface) {
  lines_[interface].state = line_state::leaving;
  recorder_->remove(lines_[interface].sent.name, "it was unplugged");
  step();
}

void simulated_output::close_feed(std::uint32_t interface) {
  line& one = lines_[interface];
  if (one.feed->closed()) {
    return;
  }
  one.ring->retire();
  one.feed->offer_finished_blocks();
  one.feed->close();
  one.state = line_state::leaving;
  step();
}

void simulated_output::change(std::uint32_t interface) {
  line& one = lines_[interface];
  pipeline::description_change to;
  to.description = describe(interface).description;
  to.description.block.filter = "port " + std::to_string(chance_.below(65536));
  to.description.block.comments = {"the filter was changed"};
  to.after_ns = base::to_epoch_ns(world_.now.wall);
  to.settled_at = world_.now.steady + drain_time;
  recorder_->change(one.sent.name, std::move(to));
  step();
}

void simulated_output::note(std::uint32_t interface) {
  recorder_->note(lines_[interface].sent.name, "the cable was moved");
  step();
}

/// Of the packets sent in this process.
std::uint64_t simulated_output::dropped_of(const line& one) const {
  return static_cast<std::uint64_t>(std::count(one.sent.packets.begin() + one.current.first,
                                               one.sent.packets.end(), packet_fate::dropped));
}

void simulated_output::check_ledger() {
  for (line& one : lines_) {
    if (world_.keeps_rings) {
      check_kept(one);
      continue;
    }
    const auto known = pipeline::read(*one.ledger);
    const std::uint64_t sent = one.sent.packets.size() - one.current.first;
    const std::uint64_t dropped = dropped_of(one);
    const auto words = [&](const char* what) {
      return one.sent.name + ": " + what + ": sent " + std::to_string(sent) + ", dropped " +
             std::to_string(dropped) + "; ledger: filteraccept " +
             std::to_string(known.filteraccept) + ", osdrop " + std::to_string(known.osdrop) +
             ", stored " + std::to_string(known.stored) + ", unwritten " +
             std::to_string(known.unwritten);
    };
    world_.found.check(known.filteraccept <= sent && known.osdrop <= dropped &&
                           known.stored + known.unwritten <= sent - dropped,
                       [&] { return words("the ledger counts what was not sent"); });
    world_.found.check(known.damaged == 0, [&] { return words("a block was not understood"); });
    if (recorder_ && recorder_->outcome().ended) {
      world_.found.check(known.balanced() && known.filteraccept == sent && known.osdrop == dropped,
                         [&] { return words("the ledger does not balance after the end"); });
    }
  }
}

void simulated_output::check_caught_up() {
  refresh_ledger();
  for (line& one : lines_) {
    const auto known = pipeline::read(*one.ledger);
    const std::uint64_t sent = one.sent.packets.size() - one.current.first;
    const bool is_all = known.filteraccept == sent || world_.keeps_rings;
    world_.found.check(known.balanced() && is_all, [&] {
      return one.sent.name + " has not caught up on a healthy disk: of " + std::to_string(sent) +
             " are stored " + std::to_string(known.stored) + ", dropped " +
             std::to_string(known.osdrop) + ", unwritten " + std::to_string(known.unwritten);
    });
  }
}

void simulated_output::check_packets() {
  for (std::uint32_t i = 0; i < lines_.size(); ++i) {
    line& one = lines_[i];
    const bool is_drained = !one.journal || one.was_taken;
    const auto all_from =
        world_.keeps_rings && is_drained ? std::optional(one.excused_to) : std::nullopt;
    world_.files.check_packets(first_interface_ + i, one.sent, one.accounts, all_from);
    if (all_from == 0) {
      world_.files.check_losses(one.sent, one.drops_excused);
    }
  }
}

/// By the archive's name.
bool simulated_output::is_among(std::set<std::string> simulated_place::*names,
                                const std::string& name) const {
  return std::ranges::any_of(places_, [&](const simulated_place& each) {
    const std::string& label = each.disk->label();
    return name.starts_with(label) && (each.*names).contains(name.substr(label.size()));
  });
}

/// What is being removed already is as good as gone: no further file may go for it.
void simulated_output::check_removal(std::uint32_t place, const std::string& name) {
  if (!std::ranges::binary_search(places_[place].disk->names(), name)) {
    return;  // it went by way of the mount before, and nothing is lost with it now
  }
  std::vector<std::string> leaving;
  for (const simulated_place& each : places_) {
    // What hangs in a folder that the place has no more is not counted on.
    if (each.folder) {
      for (const std::string& other : each.lives.back().files->removals()) {
        leaving.push_back(each.disk->label() + other);
      }
    }
  }
  const storage::retain_options& limits = options_.files.retain;
  std::uint64_t bytes = 0;
  std::uint64_t files = 0;
  for (const auto& [other, one] : world_.files.files()) {
    const bool is_gone = one.is_removed && !is_among(&simulated_place::removed_late, other);
    if (one.output == options_.files.name && !is_gone &&
        std::ranges::find(leaving, other) == leaving.end()) {
      bytes += one.size_bytes;
      ++files;
    }
  }
  std::uint64_t waiting = 0;
  for (const line& one : lines_) {
    waiting += pipeline::read(*one.ledger).in_flight() * packet_bytes;
  }
  bool is_any_open = false;
  for (const simulated_place& each : places_) {
    for (const std::string& other : each.disk->names()) {
      // Those that could not get a name yet as well.
      if ((other.ends_with(".part") && other.starts_with(options_.files.name + "-")) ||
          other.starts_with("." + options_.files.name + "-")) {
        // Of a file that is ending, octets count before the disk has them.
        bytes += each.disk->octets(other).size() + octets_under_way;
        ++files;
        is_any_open = true;
      }
    }
  }
  bytes += is_any_open ? waiting : 0;
  const bool is_needed =
      (limits.size_bytes > 0 && bytes > limits.size_bytes) ||
      (limits.files > 0 && files > limits.files) || limits.age.count() > 0 ||
      limits.free_bytes > 0 ||
      ((limits.size_bytes > 0 || limits.files > 0) && times_full() > times_full_at_open_);
  world_.found.check(is_needed, [&] {
    return "to be removed without need: " + name + ", of " + std::to_string(files) + " files of " +
           std::to_string(bytes) + " octets, where " + std::to_string(limits.files) +
           " files and " + std::to_string(limits.size_bytes) + " octets may be";
  });
}

/// By the archive's name.
std::span<const std::byte> simulated_output::octets_of(const std::string& name) const {
  const std::size_t begin = name.rfind('/') + 1;
  const auto at = std::ranges::find_if(places_, [&](const simulated_place& one) {
    return one.disk->label() == name.substr(0, begin);
  });
  return at->disk->octets(name.substr(begin));
}

void simulated_output::check_limits() {
  const storage::retain_options& limits = options_.files.retain;
  // One that was set aside unforced may be shorter by now: the power went.
  const auto size_of = [&](const auto& each) {
    const bool is_ours = each.second.output == options_.files.name && !each.second.is_removed;
    return is_ours ? octets_of(each.first).size() : 0;
  };
  std::uint64_t newest = 0;
  for (const auto& each : world_.files.files()) {
    newest = size_of(each) > 0 ? std::max(newest, each.second.sequence) : newest;
  }
  std::uint64_t bytes = 0;
  std::uint64_t files = 0;
  for (const auto& each : world_.files.files()) {
    const auto& name = each.first;
    // The newest one stays: from it the next life tells where the series goes on.
    if (size_of(each) > 0 && each.second.sequence != newest &&
        !is_among(&simulated_place::unknown, name) && octets_of(name + ".pin").empty()) {
      bytes += size_of(each);
      ++files;
    }
  }
  world_.found.check((limits.size_bytes == 0 || bytes <= limits.size_bytes) &&
                         (limits.files == 0 || files <= limits.files),
                     [&] {
                       return options_.files.name + " keeps " + std::to_string(files) +
                              " files of " + std::to_string(bytes) + " octets, more than " +
                              std::to_string(limits.files) + " and " +
                              std::to_string(limits.size_bytes);
                     });
}

}  // namespace captured::simulation
