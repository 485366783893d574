// SPDX-License-Identifier: MIT
//
// What a file says besides its packets: head and statistics. Octets only; no file, no clock.
// Sources: draft-ietf-opsawg-pcapng for the blocks, format/recording_note.hpp for the note.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/time.hpp"
#include "format/pcapng_blocks.hpp"
#include "format/recording_note.hpp"

namespace captured::pipeline {

/// Where a series of files goes on: its recording and the file before the first new one.
struct series_start {
  std::string recording;  ///< UUID of this recording
  std::uint64_t next_sequence = 1;
  std::optional<std::string> previous;  ///< file name of the predecessor
  format::recording_totals totals;      ///< of this recording up to here
  bool forgotten = false;               ///< see format::recording_note
};

/// What stays the same in the head of every file of an output.
struct file_identity {
  std::string hardware;
  std::string os;
  std::string application;
  std::string comment;
};

/// Describes this host and this program.
[[nodiscard]] file_identity describe_host();

/// Fails when the head of the output's files could get too long for a chunk or an option, with the
/// longest name before it and the largest figures.
[[nodiscard]] base::result<> check_head(
    const std::string& output, const std::string& recording,
    const std::vector<format::interface_description_block>& interfaces);

/// Figures of one interface at the moment of a statistics block.
struct interface_figures {
  std::uint32_t interface_id = 0;
  base::wall_time begun{};
  std::uint64_t filteraccept = 0;
  std::uint64_t osdrop = 0;
  std::uint64_t encoded = 0;  ///< isb_usrdeliv: packets in the recording's files up to here
  std::optional<std::uint64_t> received;
  std::optional<std::uint64_t> dropped;
  std::uint64_t unreported = 0;  ///< part of osdrop that no epb_dropcount has reported
};

enum class statistics_kind : std::uint8_t { running, closing };

/// Section header with the recording note, then one interface description for each interface. The
/// note must fit an option (see check_head).
void append_head(std::vector<std::byte>& out, const file_identity& identity,
                 const format::recording_note& note,
                 const std::vector<format::interface_description_block>& interfaces);

/// One Interface Statistics Block with comments. The closing one carries isb_endtime, and says in
/// a comment how many packets were lost behind the last stored one.
void append_statistics(std::vector<std::byte>& out, const interface_figures& figures,
                       statistics_kind kind, base::wall_time now,
                       std::vector<std::string> comments = {});

}  // namespace captured::pipeline
