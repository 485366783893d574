// SPDX-License-Identifier: MIT
#include "format/pcap_writer.hpp"

#include <algorithm>
#include <array>

#include "format/pcap_codes.hpp"
#include "format/pcap_reader.hpp"
#include "format/pcap_record.hpp"

namespace captured::format {
namespace {

using base::store_little;

bool wants_nanoseconds(const pcap_options& options, const interface_description_block& interface) {
  if (options.resolution != pcap_resolution::of_interface) {
    return options.resolution == pcap_resolution::nanoseconds;
  }
  constexpr unsigned binary_bit = 0x80;
  constexpr unsigned microsecond = 6;
  // 2^-n is a decimal fraction of n digits, but for whole seconds.
  return (interface.tsresol & ~binary_bit) >
         ((interface.tsresol & binary_bit) != 0 ? 0u : microsecond);
}

std::array<std::byte, pcap_file_header_bytes> file_header(
    const pcap_options& options, const interface_description_block& interface) {
  constexpr unsigned unit_bits = 16;
  const std::uint32_t own = interface.snaplen == 0
                                ? captured_length_max(options.link.value_or(interface.link))
                                : interface.snaplen;
  auto field = static_cast<std::uint32_t>(options.link.value_or(interface.link));
  if (interface.fcs_bits && *interface.fcs_bits % unit_bits == 0) {
    field |= pcap_fcs_present | static_cast<std::uint32_t>(*interface.fcs_bits / unit_bits)
                                    << pcap_fcs_shift;
  }
  return pcap_file_header(wants_nanoseconds(options, interface),
                          options.snaplen != 0 ? options.snaplen : own, field);
}

}  // namespace

pcap_writer::pcap_writer(octet_sink& sink, pcap_options options)
    : buffer_(sink),
      options_(options),
      nanoseconds_(options.resolution == pcap_resolution::nanoseconds) {}

pcap_writer::pcap_writer(octet_sink& sink, pcap_options options, pcap_append to)
    : pcap_writer(sink, options) {
  append_ = std::move(to);
  has_header_ = true;
}

base::result<> pcap_writer::check_append(const interface_description_block& interface) const {
  const auto expected = header_for(interface);
  const std::vector<std::byte>& header = append_->header;
  const auto refuse = [this](const char* why) {
    return base::invalid_input("append to " + append_->name, why);
  };
  const auto same = [&](std::size_t at, std::size_t count) {
    return std::equal(header.begin() + static_cast<std::ptrdiff_t>(at),
                      header.begin() + static_cast<std::ptrdiff_t>(at + count),
                      expected.begin() + static_cast<std::ptrdiff_t>(at));
  };
  if (header.size() < pcap_file_header_bytes) {
    return refuse("it is too short for a pcap file");
  }
  if (!same(0, 4)) {
    return refuse("it is not pcap of the same resolution in little endian");
  }
  if (!same(4, 4)) {
    return refuse("it is not of version 2.4");
  }
  if (!same(20, 4)) {
    return refuse("its link type, or what stands beside it, is another one");
  }
  if (!same(16, 4)) {
    return refuse("its snap length is another one");
  }
  return {};
}

void pcap_writer::begin_section(const capture_section& section) {
  count_section(section.header);
  // More interfaces with other snap lengths may follow, and readers cut packets to that of the
  // file.
  keeps_snaplen_ = section.format != capture_format::pcapng;
}

std::uint32_t pcap_writer::add_interface(const capture_interface& interface) {
  count_interface(interface.description);
  counts_.interface_names += interface.description.name ? 1u : 0u;
  const bool fits = !options_.link || *options_.link == interface.description.link;
  if (fits) {
    if (interfaces_ == 0) {
      take_first(interface.description);
    }
    options_.link = interface.description.link;
    counts_.interfaces_merged += interfaces_ != 0 ? 1u : 0u;
    ++interfaces_;
  }
  return 0;
}

/// The file is as the first interface wants it; one that is there already must be so.
void pcap_writer::take_first(const interface_description_block& interface) {
  nanoseconds_ = wants_nanoseconds(options_, interface);
  if (!has_header_) {
    write_header(interface);
  } else if (append_) {
    if (auto fits = check_append(interface); !fits) {
      buffer_.fail(fits.error());
    }
  }
}

std::array<std::byte, pcap_file_header_bytes> pcap_writer::header_for(
    const interface_description_block& interface) const {
  interface_description_block described;
  described.link = interface.link;
  described.tsresol = interface.tsresol;
  described.fcs_bits = interface.fcs_bits;
  described.snaplen = keeps_snaplen_ ? interface.snaplen : 0;
  return file_header(options_, described);
}

void pcap_writer::write_header(const interface_description_block& interface) {
  buffer_.append(header_for(interface));
  has_header_ = true;
}

void pcap_writer::add_packet(const capture_packet& packet, std::uint32_t /*interface_id*/,
                             bool /*stable*/) {
  if (options_.link && packet.link != *options_.link) {
    ++counts_.packets_left_out;
    return;
  }
  // Readers take longer records for damage.
  const std::uint32_t most = captured_length_max(packet.link);
  const auto captured = static_cast<std::uint32_t>(std::min<std::size_t>(packet.data.size(), most));
  counts_.packets_cut += captured < packet.data.size() ? 1u : 0u;
  // Times of this century fit 64 bits, and dividing those is what a packet costs here.
  std::uint64_t time = 0;
  if (packet.time >= 0 && packet.time < (time_ns{1} << 32) * nanoseconds_per_second) [[likely]] {
    time = static_cast<std::uint64_t>(packet.time);
  } else {
    ++counts_.times_out_of_range;
  }
  const auto seconds = static_cast<std::uint32_t>(time / nanoseconds_per_second);
  auto fraction = static_cast<std::uint32_t>(time % nanoseconds_per_second);
  if (!nanoseconds_) {
    const std::uint32_t nanoseconds = fraction;
    fraction /= 1000;
    counts_.times_cut += nanoseconds != fraction * 1000 ? 1u : 0u;
  }
  std::byte* const record = buffer_.extend(pcap_record_header_bytes);
  store_little(record, seconds);
  store_little(record + 4, fraction);
  store_little(record + 8, captured);
  store_little(record + 12, packet.original_length);
  buffer_.append(packet.data.first(captured));
  ++counts_.packets;
  count_losses(packet);
}

void pcap_writer::count_losses(const capture_packet& packet) noexcept {
  count_options(packet);
  counts_.flags += packet.packet_flags != 0 ? 1u : 0u;
}

void pcap_writer::add_statistics(const interface_statistics_block& /*statistics*/,
                                 std::uint32_t /*interface_id*/) {
  ++counts_.statistics;
}

void pcap_writer::add_block(capture_item item, const capture_block& /*block*/) {
  count_block(item);
}

base::result<> pcap_writer::flush() {
  if (!has_header_) {
    // A file without an interface still has to be a file.
    write_header({});
  }
  return buffer_.flush();
}

}  // namespace captured::format
