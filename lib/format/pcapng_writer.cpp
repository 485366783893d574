// SPDX-License-Identifier: MIT
#include "format/pcapng_writer.hpp"

#include <algorithm>

#include "format/pcap_codes.hpp"
#include "format/pcapng_codes.hpp"

namespace captured::format {

pcapng_writer::pcapng_writer(octet_sink& sink, pcapng_options options)
    : buffer_(sink), options_(std::move(options)) {}

/// Takes out what must not be copied, and what nobody can put into another byte order.
template <class Block>
void pcapng_writer::drop_private(Block& block) {
  if (options_.custom == copyability::drop_not_copyable) {
    const auto kept =
        std::remove_if(block.custom.begin(), block.custom.end(), [](const custom_option& each) {
          return each.code == option::custom_text_not_copyable ||
                 each.code == option::custom_binary_not_copyable;
        });
    counts_.not_copyable += static_cast<std::uint64_t>(block.custom.end() - kept);
    block.custom.erase(kept, block.custom.end());
  }
  counts_.options += std::erase_if(
      block.unknown, [this](const unknown_option& each) { return each.order != order_; });
}

void pcapng_writer::begin_section(const capture_section& section) {
  const bool native = section.format == capture_format::pcapng;
  const byte_order origin = native ? section.order : byte_order::little;
  order_ = options_.order.value_or(origin);
  scales_.clear();
  section_header_block header = section.header;
  header.section_length = -1;  // what follows may be longer or shorter than it was
  if (!header.application && !options_.application.empty()) {
    header.application = options_.application;
  }
  drop_private(header);
  scratch_.clear();
  append(scratch_, header, order_);
  buffer_.append(scratch_);
}

std::uint32_t pcapng_writer::add_interface(const capture_interface& interface) {
  interface_description_block description = interface.description;
  for (unknown_option& each : description.unknown) {
    transcode_filter(each, order_);
  }
  drop_private(description);
  scratch_.clear();
  append(scratch_, description, order_);
  buffer_.append(scratch_);
  scales_.push_back(interface.scale.value_or(tick_scale{}));
  return static_cast<std::uint32_t>(scales_.size() - 1);
}

bool pcapng_writer::copies_as_it_is(const capture_packet& packet) const noexcept {
  return packet.origin == packet_origin::enhanced_packet && packet.order == order_ &&
         !packet.record.empty() && packet.record.size() % 4 == 0 &&
         packet.record.size() <= block_bytes_max &&
         (packet.options_seen & option_bits::damaged) == 0 &&
         ((packet.options_seen & option_bits::not_copyable) == 0 ||
          options_.custom == copyability::keep_all);
}

void pcapng_writer::add_packet(const capture_packet& packet, std::uint32_t interface_id,
                               bool stable) {
  ++counts_.packets;
  if (copies_as_it_is(packet)) [[likely]] {
    add_record(packet.record, interface_id == packet.interface_id, interface_id, stable);
    return;
  }
  if (packet.origin == packet_origin::simple_packet && interface_id == 0 &&
      !packet.record.empty()) {
    encode_simple(packet);
    return;
  }
  encode_packet(packet, interface_id);
}

void pcapng_writer::add_plain(const plain_packet& packet, std::uint32_t interface_id, bool stable) {
  ++counts_.packets;
  add_record(packet.record, interface_id == packet.interface_id, interface_id, stable);
}

/// A block that is written as it lies, with another interface where it is not the same.
void pcapng_writer::add_record(std::span<const std::byte> record, bool same_id,
                               std::uint32_t interface_id, bool stable) {
  if (same_id && stable) {
    buffer_.append_stable(record);
    return;
  }
  if (same_id) {
    buffer_.append(record);
    return;
  }
  constexpr std::size_t id_ends = 12;  // behind type and length
  std::byte* const head = buffer_.extend(id_ends);
  std::copy_n(record.begin(), id_ends, head);
  store(head + 8, interface_id, order_);
  buffer_.append(record.subspan(id_ends));
}

void pcapng_writer::add_run(std::span<const std::byte> octets, std::uint64_t packets, bool stable) {
  counts_.packets += packets;
  if (stable) {
    buffer_.append_stable(octets);
  } else {
    buffer_.append(octets);
  }
}

void pcapng_writer::pass_run(std::uint64_t octets, std::uint64_t packets) {
  counts_.packets += packets;
  buffer_.pass(octets);
}

std::span<const std::byte> pcapng_writer::data_that_fits(const capture_packet& packet) {
  // Beside the data: the block's fields, two options that may be added, and those it has.
  constexpr std::size_t fixed_bytes = 96;
  constexpr std::size_t options_bytes_max = block_bytes_max / 2;
  const std::size_t options = std::min(packet.options.size(), options_bytes_max);
  const std::size_t room = block_bytes_max - fixed_bytes - options;
  counts_.packets_cut += packet.data.size() > room ? 1u : 0u;
  return packet.data.first(std::min(packet.data.size(), room));
}

/// Without a time, as it came; how much was captured follows from the snap length of interface 0.
void pcapng_writer::encode_simple(const capture_packet& packet) {
  scratch_.clear();
  block_appender to(scratch_, block_type::simple_packet, order_);
  to.number(packet.original_length);
  const std::size_t at = scratch_.size();
  to.apart(packet.data.size());
  to.finish();
  put_block(at, packet.data);
}

/// The block that was made, with the data in its place.
void pcapng_writer::put_block(std::size_t at, std::span<const std::byte> data) {
  constexpr std::byte zeros[4] = {};
  const std::span<const std::byte> block(scratch_);
  buffer_.append(block.first(at));
  buffer_.append(data);
  buffer_.append(std::span(zeros).first(base::align_up<std::size_t>(data.size(), 4) - data.size()));
  buffer_.append(block.subspan(at));
}

std::uint64_t pcapng_writer::ticks_of(const capture_packet& packet, std::uint32_t interface_id) {
  switch (packet.origin) {
    case packet_origin::enhanced_packet:
    case packet_origin::obsolete_packet:
      return packet.ticks;
    case packet_origin::simple_packet:
      ++counts_.times_missing;
      return 0;
    default:
      break;
  }
  const auto ticks = scales_[interface_id].to_ticks(packet.time);
  counts_.times_out_of_range += ticks ? 0u : 1u;
  return ticks.value_or(0);
}

void pcapng_writer::encode_packet(const capture_packet& packet, std::uint32_t interface_id) {
  scratch_.clear();
  block_appender to(scratch_, block_type::enhanced_packet, order_);
  to.number(interface_id);
  to.ticks(ticks_of(packet, interface_id));
  const auto data = data_that_fits(packet);
  to.number(static_cast<std::uint32_t>(data.size()));
  to.number(packet.original_length);
  const std::size_t at = scratch_.size();
  to.apart(data.size());
  if (packet.options.size() > block_bytes_max / 2) {
    ++counts_.packet_options;
  } else if (!packet.options.empty()) {
    const auto left_out =
        transcode_packet_options(to, packet.options, packet.order, options_.custom);
    counts_.not_copyable += left_out.not_copyable;
    counts_.packet_options += left_out.not_known != 0 ? 1u : 0u;
  }
  counts_.modified_fields += packet.origin == packet_origin::modified_pcap_record ? 1u : 0u;
  if (packet.origin != packet_origin::enhanced_packet) {
    if (packet.origin != packet_origin::obsolete_packet && packet.packet_flags != 0) {
      to.number_option(option::epb_flags, std::optional(packet.packet_flags));
    }
    to.number_option(option::epb_dropcount, packet.dropcount);
  }
  to.finish();
  put_block(at, data);
}

void pcapng_writer::add_statistics(const interface_statistics_block& statistics,
                                   std::uint32_t interface_id) {
  interface_statistics_block block = statistics;
  block.interface_id = interface_id;
  drop_private(block);
  scratch_.clear();
  append(scratch_, block, order_);
  buffer_.append(scratch_);
}

void pcapng_writer::add_block(capture_item item, const capture_block& block) {
  if (block.type == block_type::custom_not_copyable &&
      options_.custom == copyability::drop_not_copyable) {
    ++counts_.not_copyable;
    return;
  }
  // Not the record itself: a length that is no multiple of 4 must not be passed on.
  scratch_.clear();
  if (block.order == order_) {
    block_appender to(scratch_, block.type, order_);
    const std::size_t at = scratch_.size();
    to.apart(block.body.size());
    to.finish();
    put_block(at, block.body);
    return;
  }
  scratch_.reserve(block.total_bytes + 64);  // it may be large: not twice as much
  if (!transcode_block(scratch_, block, order_)) {
    count_block(item);
    return;
  }
  buffer_.append(scratch_);
}

base::result<> pcapng_writer::flush() {
  return buffer_.flush();
}

}  // namespace captured::format
