// SPDX-License-Identifier: MIT
#include "archive.hpp"

#include <algorithm>
#include <charconv>
#include <utility>

#include "base/bytes.hpp"
#include "format/pcapng_codes.hpp"
#include "support/scripted_source.hpp"

namespace captured::simulation {

namespace {

constexpr std::uint32_t interface_description = 1;
constexpr std::uint32_t enhanced_packet = 6;

std::uint32_t word_at(std::span<const std::byte> octets, std::size_t offset) {
  return base::load_native<std::uint32_t>(octets.data() + offset);
}

/// The value of an option, or nothing. `options` is what stands before the block's last length.
std::span<const std::byte> option_of(std::span<const std::byte> options, std::uint16_t code) {
  while (options.size() >= 4) {
    const auto found = base::load_native<std::uint16_t>(options.data());
    const auto length = base::load_native<std::uint16_t>(options.data() + 2);
    const std::size_t padded = 4 + base::align_up<std::size_t>(length, 4);
    if (found == 0 || padded > options.size()) {
      break;
    }
    if (found == code) {
      return options.subspan(4, length);
    }
    options = options.subspan(padded);
  }
  return {};
}

std::uint64_t checksum_of(std::span<const std::byte> octets) {
  std::uint64_t sum = octets.size();
  for (; octets.size() >= 8; octets = octets.subspan(8)) {
    sum = (sum ^ base::load_native<std::uint64_t>(octets.data())) * 0x100000001b3;
    sum ^= sum >> 29;
  }
  for (const auto octet : octets) {
    sum = (sum ^ std::to_integer<std::uint64_t>(octet)) * 0x100000001b3;
  }
  return sum;
}

/// "NAME-000017.pcapng" → 17; files of the simulation are all named so.
std::uint64_t sequence_in(const std::string& name) {
  const auto end = name.find(".pcapng");
  const auto begin = name.rfind('-', end) + 1;
  std::uint64_t number = 0;
  std::from_chars(name.data() + begin, name.data() + end, number);
  return number;
}

/// "LABEL/OUTPUT-000017.pcapng"
std::string output_in(const std::string& name) {
  const auto begin = name.rfind('/') + 1;
  return name.substr(begin, name.rfind('-', name.find(".pcapng")) - begin);
}

/// ".OUTPUT-000017.next", perhaps with "+1" in it: a file that has no name yet.
bool is_unnamed(std::string_view name) {
  return name.starts_with('.') && name.ends_with(".next");
}

/// A number of a series and its output, from any name that a file of ours has; nothing from others.
std::optional<std::pair<std::string, std::uint64_t>> number_in(std::string_view name) {
  name.remove_prefix(name.starts_with('.') ? 1 : 0);
  const auto digits = name.find('-') + 1;
  std::uint64_t number = 0;
  if (digits == 0 || name.ends_with(".pin") ||
      std::from_chars(name.data() + digits, name.data() + name.size(), number).ec != std::errc()) {
    return std::nullopt;
  }
  return std::pair(std::string(name.substr(0, digits - 1)), number);
}

/// What it was called while it was open.
std::string part_of(const std::string& name) {
  return name.substr(0, name.find(".pcapng")) + ".pcapng.part";
}

/// The name that it has there, or nothing when it is a file of another disk.
std::optional<std::string> name_on(const simulated_disk& disk, const std::string& name) {
  const std::size_t begin = name.rfind('/') + 1;
  return name.substr(0, begin) == disk.label() ? std::optional(name.substr(begin)) : std::nullopt;
}

}  // namespace

/// Our last block; without its second length.
bool is_end_of_file(std::span<const std::byte> block) {
  return block.size() >= 16 && word_at(block, 0) == format::block_type::custom_not_copyable &&
         word_at(block, 8) == format::private_enterprise_number &&
         word_at(block, 12) == static_cast<std::uint32_t>(format::own_block::end_of_file);
}

std::vector<found_frame> find_frames(std::span<const std::byte> octets, const std::string& name,
                                     breaches& found) {
  std::vector<found_frame> frames;
  std::vector<std::uint32_t> interfaces;  // by their id: the number in "if3"
  const std::uint64_t end = whole_blocks(octets);
  const bool is_open = name.ends_with(".part");
  for (std::size_t at = 0; at < end;) {
    const std::uint32_t type = word_at(octets, at);
    const std::uint32_t length = word_at(octets, at + 4);
    const auto block = octets.subspan(at, length - 4);
    if (is_open && is_end_of_file(block)) {
      break;  // a repair got so far, and has not cut off what lies behind
    }
    if (type == interface_description) {
      const auto called = option_of(block.subspan(16), 2);
      interfaces.push_back(called.size() < 3 ? 0 : std::to_integer<std::uint32_t>(called[2]) - '0');
    } else if (type == enhanced_packet) {
      const std::uint32_t captured = word_at(block, 20);
      const auto number = test::number_of(block.subspan(28, captured));
      const std::uint32_t id = word_at(block, 8);
      if (!number || id >= interfaces.size() || interfaces[id] != *number >> number_bits) {
        found.add("a packet in " + name + " at " + std::to_string(at) + " is not what was sent");
      } else {
        const auto drops =
            option_of(block.subspan(28 + base::align_up<std::size_t>(captured, 4)), 4);
        frames.push_back(
            {*number, drops.size() == 8 ? base::load_native<std::uint64_t>(drops.data()) : 0});
      }
    }
    at += length;
  }
  return frames;
}

void archive::on_named(const std::string& name, std::span<const std::byte> octets, bool forced) {
  archived_file one;
  one.name = name;
  one.frames = find_frames(octets, name, breaches_);
  one.sequence = sequence_in(name);
  one.output = output_in(name);
  one.size_bytes = octets.size();
  one.checksum = checksum_of(octets);
  one.is_damaged = !name.ends_with(".pcapng");
  was_any_set_aside_ |= one.is_damaged;
  format::memory_source source(octets);
  one.report = format::verify_file(name, source);
  if (one.report.note) {
    one.recording = one.report.note->recording;
  }
  if (!one.is_damaged) {
    for (const format::finding& each : one.report.findings) {
      breaches_.check(each.level != format::severity::fault, [&] {
        return name + " at " + std::to_string(each.offset.value_or(0)) + ": " + each.text;
      });
    }
    breaches_.check(one.report.state == format::file_state::closed, [&] {
      return name + " gets its final name, but is " + format::describe(one.report.state);
    });
    breaches_.check(forced || !must_last_,
                    [&] { return name + " gets its final name before the device has all of it"; });
  }
  if (const auto former = files_.find(name); former != files_.end() && former->second.is_removed) {
    // All that told the number was removed, lost with the power, or in a folder that was away.
    breaches_.check(has_lost_power_ || has_gap_ || one.is_damaged,
                    [&] { return "the number of a file that was removed is used again: " + name; });
    has_gap_ = true;
    auto node = files_.extract(former);
    node.key() += " (" + std::to_string(files_.size()) + ")";
    files_.insert(std::move(node));
  }
  // Another folder may have had the number, too.
  has_gap_ |= has_lost_power_ && std::ranges::any_of(files_, [&one](const auto& each) {
                const archived_file& other = each.second;
                return other.is_removed && other.output == one.output &&
                       other.sequence == one.sequence && other.name != one.name;
              });
  files_[name] = std::move(one);
}

void archive::on_closed(const std::string& name) {
  if (const auto found = files_.find(name); found != files_.end()) {
    found->second.is_closed = !found->second.is_damaged;  // of those nothing is promised
  } else {
    breaches_.add("closed is said of a file that never got its name: " + name);
  }
}

void archive::on_removed(const std::string& name) {
  const auto found = files_.find(name);
  if (found != files_.end()) {
    found->second.is_removed = true;
  }
}

void archive::excuse_unnamed(const simulated_disk& disk, std::string_view output) {
  for (const std::string& name : disk.names()) {
    const auto number = is_unnamed(name) ? number_in(name) : std::nullopt;
    if (number && (output.empty() || number->first == output)) {
      excused_.insert(*number);
    }
  }
}

void archive::on_given_up(const simulated_disk& disk, const std::string& output) {
  for (const std::string& name : disk.names()) {
    const auto number = name.ends_with(".part") ? number_in(name) : std::nullopt;
    if (number && number->first == output) {
      given_up_.insert(*number);
    }
  }
}

void archive::on_given_up(const std::string& output, std::uint64_t last) {
  given_up_.insert({output, last});
}

void archive::on_power_lost(const simulated_disk& disk,
                            const std::vector<std::string>& names_before) {
  const auto names = disk.names();
  has_lost_power_ = true;
  excuse_unnamed(disk);  // they have lost their names, and perhaps all that they held
  for (const std::string& name : names_before) {
    if (const auto number = number_in(name); number && !std::ranges::binary_search(names, name)) {
      excused_.insert(*number);
    }
  }
  for (auto at = files_.begin(); at != files_.end();) {
    archived_file& one = at->second;
    const auto name = name_on(disk, one.name);
    if (!name || at->first != one.name) {
      ++at;  // its name has another one
      continue;
    }
    const bool is_there = std::ranges::binary_search(names, *name);
    if (is_there) {
      one.is_removed = false;
    }
    if (is_there && one.is_damaged) {
      // Nobody has promised anything of it.
      one.frames = find_frames(disk.octets(*name), one.name, breaches_);
      one.checksum = checksum_of(disk.octets(*name));
    }
    if (!is_there && !one.is_removed && one.is_closed && must_last_) {
      breaches_.add("a file that was closed is gone after a loss of power: " + one.name);
    }
    // One that was removed may be back, and even as it was called before it got its name: where
    // that is not another one of the same number.
    const bool is_back =
        std::ranges::binary_search(names, part_of(*name)) &&
        (one.is_damaged || !must_last_ || checksum_of(disk.octets(part_of(*name))) == one.checksum);
    at = is_there || (one.is_removed && !is_back) ? std::next(at) : files_.erase(at);
  }
}

void archive::forget_published(const std::vector<traffic*>& interfaces) {
  for (traffic* const one : interfaces) {
    std::ranges::replace(one->packets, packet_fate::published, packet_fate::accepted);
  }
}

void archive::mark_published(const simulated_disk& disk, bool power_is_lost,
                             const std::vector<traffic*>& interfaces) {
  for (const std::string& name : power_is_lost ? disk.lasting_names() : disk.names()) {
    if (name.find(".pcapng") == std::string::npos || name.ends_with(".pin")) {
      continue;
    }
    const auto octets = power_is_lost ? disk.lasting(name) : disk.published(name);
    for (const found_frame& frame : find_frames(octets, name, breaches_)) {
      const std::uint32_t interface = frame.number >> number_bits;
      auto& packets = interfaces[interface]->packets;
      if ((frame.number & number_mask) < packets.size()) {
        packets[frame.number & number_mask] = packet_fate::published;
      }
    }
  }
}

bool archive::is_left_unforced(const simulated_disk& disk, std::uint32_t interface,
                               std::uint32_t first) {
  return std::ranges::any_of(disk.names(), [&](const std::string& name) {
    return (name.ends_with(".part") || name.ends_with(".damaged")) &&
           std::ranges::any_of(find_frames(disk.published(name), name, breaches_),
                               [&](const found_frame& each) {
                                 return each.number >> number_bits == interface &&
                                        (each.number & number_mask) >= first;
                               });
  });
}

void archive::check_folder(const simulated_disk& disk) {
  for (const auto& each : files_) {
    const archived_file& one = each.second;
    const auto name = name_on(disk, one.name);
    if (!name || one.is_removed || each.first != one.name) {
      continue;
    }
    breaches_.check(checksum_of(disk.octets(*name)) == one.checksum,
                    [&] { return "a file has changed or gone: " + one.name; });
  }
  for (const std::string& name : disk.names()) {
    breaches_.check(!name.ends_with(".part") && !name.starts_with('.'),
                    [&] { return "left over: " + disk.label() + name; });
  }
}

}  // namespace captured::simulation
