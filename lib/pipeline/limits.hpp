// SPDX-License-Identifier: MIT
//
// Every bound of the pipeline in one place, with its reason. Memory for them is taken at start.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>

namespace captured::pipeline::limits {

/// One write: large enough that the cost of the call vanishes, small enough to be filled soon.
inline constexpr std::size_t chunk_bytes = std::size_t{1} << 20;

/// Encoded but unwritten data of one output: some milliseconds of a fast link, so that a short
/// stall of the disk is not felt; a longer one is what the rings are for. 8 MiB for each folder.
inline constexpr std::uint32_t chunks_per_output = 8;

/// What waits for one folder leaves as much for another that is gone to meanwhile, and for the end
/// of the file that is left. That memory is taken when it is used.
inline constexpr std::uint32_t chunks_present = chunks_per_output + 1;
inline constexpr std::uint32_t chunks_in_pool = chunks_present + chunks_per_output;

/// Ring blocks of one output that are on their way to the disk as they lie: a quarter of that keeps
/// any disk busy, the rest are those of which is not yet known that they were written. When there
/// are more, packets are copied, which gives their blocks back early.
inline constexpr std::uint32_t blocks_per_output = 64;

/// Everything that can be on its way to the disks.
inline constexpr std::uint32_t writes_per_output = chunks_in_pool + blocks_per_output;

/// The disks carry out at most every write and one act on every open file at a time, and for
/// retention one removal and one look at the free space of each folder.
inline constexpr std::uint32_t requests_in_flight = writes_per_output + 8 + 2 * 2;

/// Average packet of a block from which on it is encoded in place. Around 512 octets both ways cost
/// the same processor time, and a copy saves the gap of some 50 octets for each packet.
inline constexpr std::size_t in_place_packet_bytes = 640;

/// The interface descriptions of one output; with the longest filters they still fit one chunk.
inline constexpr std::size_t file_head_bytes_max = chunk_bytes / 2;

/// Interfaces whose totals stand in the notes of a file: with the longest names and figures they
/// take half of what an option can hold. Beyond it those that are gone are left out.
inline constexpr std::size_t interfaces_in_notes = 256;

/// Interfaces recorded into one output at a time: the statistics of all fit one chunk.
inline constexpr std::size_t interfaces_of_output = 256;

/// Pause before a failed act is tried again: short enough to resume within two seconds, long
/// enough to cost nothing meanwhile.
inline constexpr std::chrono::milliseconds retry_pause{500};

/// A block counts as retired after three of its ring's timeouts, but not before this: kernels
/// before 6.18 count timeouts in ticks of up to 10 ms, and a busy processor runs timers late.
inline constexpr std::chrono::milliseconds shortest_drain{50};

/// After this a ring with that timeout has handed over all that it received before: the kernel's
/// timer runs freely, so one timeout until it fires, one for a block that was opened meanwhile, one
/// to be sure.
[[nodiscard]] constexpr std::chrono::milliseconds drain_time(std::chrono::milliseconds timeout) {
  return 3 * timeout < shortest_drain ? shortest_drain : 3 * timeout;
}

/// Longest sleep of an output: a step of the wall clock is noticed within this time.
inline constexpr std::chrono::seconds longest_wait{5};

/// A disk that tells of nothing by itself is asked after this at the latest, if nothing else
/// happens before. Rings have other blocks meanwhile: one that has lent half of them is told of.
inline constexpr std::chrono::milliseconds longest_unasked{50};

/// Statistics after a loss come no more often than this for one interface.
inline constexpr std::chrono::seconds loss_statistics_pause{1};

/// Changes of one interface's description that wait while the disk takes nothing.
inline constexpr std::size_t changes_waiting = 32;

/// Notes about one interface that wait to be written; the log has them all.
inline constexpr std::size_t notes_waiting = 8;

/// Names tried with another suffix when a file of the wanted name exists.
inline constexpr std::uint32_t name_attempts = 1000;

/// Time between two looks at the free space, at the least; a longer sleep is no reason to wake for
/// it. What is written meanwhile was mostly reserved before.
inline constexpr std::chrono::seconds space_pause{1};

/// A disk with less than this left, or than this part of it, counts as full where there is a second
/// folder to go to: what is under way then still finds room.
inline constexpr std::uint64_t space_low_bytes = std::uint64_t{64} << 20;
inline constexpr std::uint64_t space_low_share = 10;

/// A disk that gives no answer for so long, though it was asked to make a file or to write, is
/// stalled: the second folder is gone to. Shorter, and a disk that is merely slow would be left.
inline constexpr std::chrono::seconds stall_patience{2};

/// While it forces octets to the device it may take longer: what piled up in the page cache since
/// the last time has to get there, and writes wait behind it.
inline constexpr std::chrono::seconds sync_patience{15};

/// Trouble of the first folder lasts so long before the second one is gone to: a removal, or
/// another attempt, may have mended it.
inline constexpr std::chrono::milliseconds trouble_patience{1000};

/// What fails on a disk whose folder is gone is tried for so long: some attempts, in case that it
/// was only full. Then the disk is let go of, or nobody could check or replace it.
inline constexpr std::chrono::seconds lost_patience{3};

/// A folder that fails again within this time after it was come back to is trusted later each time.
inline constexpr std::chrono::seconds relapse_within{60};
inline constexpr std::chrono::milliseconds first_distrust{2'000};
inline constexpr std::chrono::milliseconds longest_distrust{300'000};

/// For so long the octets of a removed file count as coming back to the disk: a reader holds them,
/// or the file system is slow. Longer, and a reader would let the disk run full.
inline constexpr std::chrono::seconds space_comes_within{10};

/// After this a pinned file is looked at again: the pin may be gone.
inline constexpr std::chrono::seconds pin_memory{60};

/// Pause after a file could not be removed.
inline constexpr std::chrono::seconds removal_pause{5};

}  // namespace captured::pipeline::limits
