// SPDX-License-Identifier: MIT
//
// What all writers of capture formats have in common, and the counts of what a format could not
// hold. Reading is for capture_reader.hpp; whose packet becomes whose is for the caller.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "format/capture_model.hpp"
#include "format/output_buffer.hpp"
#include "format/packet_run.hpp"

namespace captured::format {

/// What was in the input and is not, or not as it was, in the output. In words and JSON:
/// count_meaning.hpp.
struct write_counts {
  std::uint64_t packets = 0;                 ///< written
  std::uint64_t packets_left_out = 0;        ///< of a link type that does not fit
  std::uint64_t packets_cut = 0;             ///< too long for the format
  std::uint64_t original_lengths = 0;        ///< of cut packets
  std::uint64_t times_out_of_range = 0;      ///< times that the format cannot express
  std::uint64_t times_cut = 0;               ///< fractions of a microsecond
  std::uint64_t times_rounded = 0;           ///< fractions of a nanosecond
  std::uint64_t times_wrapped = 0;           ///< lpcap without a sidecar: times modulo 2^32 ns
  std::uint64_t times_missing = 0;           ///< packets without a time got one of zero
  std::uint64_t comments = 0;                ///< of packets, interfaces and sections
  std::uint64_t flags = 0;                   ///< packets whose direction and kind is gone
  std::uint64_t dropcounts = 0;              ///< packets that told of a loss
  std::uint64_t packet_options = 0;          ///< packets with other options that are gone
  std::uint64_t modified_fields = 0;         ///< packets with what Kuznetsov's pcap has beyond pcap
  std::uint64_t interfaces_merged = 0;       ///< interfaces that cannot be told apart any more
  std::uint64_t interface_names = 0;         ///< interfaces that had one
  std::uint64_t interface_descriptions = 0;  ///< the same
  std::uint64_t interface_filters = 0;       ///< the same
  std::uint64_t interface_details = 0;       ///< interfaces with any other option that is gone
  std::uint64_t section_details = 0;  ///< sections with hardware, system, application or others
  std::uint64_t statistics = 0;       ///< blocks of them, and of the following
  std::uint64_t name_resolution = 0;
  std::uint64_t secrets = 0;
  std::uint64_t custom = 0;
  std::uint64_t blocks = 0;        ///< of unknown types
  std::uint64_t options = 0;       ///< of other blocks, unknown and in another byte order
  std::uint64_t not_copyable = 0;  ///< custom blocks and options that must not be copied
};

/// One line for each loss: "3 comments … are gone".
[[nodiscard]] std::vector<std::string> describe_losses(const write_counts& counts);

class capture_writer {
 public:
  virtual ~capture_writer() = default;

  /// A section begins. Formats without sections take the first only.
  virtual void begin_section(const capture_section& section) = 0;
  /// Its number for packets and statistics from now on.
  virtual std::uint32_t add_interface(const capture_interface& interface) = 0;
  /// `interface_id` is a number that add_interface gave in this section; `stable` says that the
  /// octets stay where they are until flush().
  virtual void add_packet(const capture_packet& packet, std::uint32_t interface_id,
                          bool stable) = 0;
  /// Does it take plain packets (packet_run.hpp) of this section as they lie?
  [[nodiscard]] virtual bool takes_runs() const noexcept { return false; }
  /// If so: their octets, with ids that add_interface gave.
  virtual void add_run(std::span<const std::byte> /*octets*/, std::uint64_t /*packets*/,
                       bool /*stable*/) {}
  /// The same, but the caller itself put that many octets behind what was flushed.
  virtual void pass_run(std::uint64_t /*octets*/, std::uint64_t /*packets*/) {}
  /// One of them, with any id that add_interface gave.
  virtual void add_plain(const plain_packet& /*packet*/, std::uint32_t /*interface_id*/,
                         bool /*stable*/) {}
  virtual void add_statistics(const interface_statistics_block& statistics,
                              std::uint32_t interface_id) = 0;
  /// Names, secrets, custom and unknown blocks.
  virtual void add_block(capture_item item, const capture_block& block) = 0;

  /// Hands everything to the sink. Call it at the end; also before octets that were said to be
  /// stable go away.
  [[nodiscard]] virtual base::result<> flush() = 0;
  [[nodiscard]] virtual bool failed() const noexcept = 0;
  [[nodiscard]] virtual std::uint64_t written() const noexcept = 0;
  [[nodiscard]] const write_counts& counts() const noexcept { return counts_; }

 protected:
  /// For formats that hold no such thing.
  void count_section(const section_header_block& header) noexcept;
  /// All of it but the name.
  void count_interface(const interface_description_block& description) noexcept;
  void count_block(capture_item item) noexcept;
  void count_options(const capture_packet& packet) noexcept;

  write_counts counts_;
};

}  // namespace captured::format
