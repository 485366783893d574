// SPDX-License-Identifier: MIT
#include "format/capture_reader.hpp"

#include <utility>

#include "format/decompression.hpp"
#include "format/lpcap_reader.hpp"
#include "format/pcap_reader.hpp"
#include "format/pcapng_reader.hpp"
#include "format/snoop_reader.hpp"

namespace captured::format {
namespace {

/// Compression within compression; more is no capture but a trap.
constexpr std::size_t layers_max = 3;

std::unique_ptr<format_reader> make_reader(capture_format format) {
  switch (format) {
    case capture_format::pcap_us:
    case capture_format::pcap_ns:
    case capture_format::pcap_modified:
    case capture_format::ixia_us:
    case capture_format::ixia_ns:
      return std::make_unique<pcap_reader>(format);
    case capture_format::pcapng:
      return std::make_unique<pcapng_reader>();
    case capture_format::snoop:
      return std::make_unique<snoop_reader>();
    case capture_format::lpcap:
      return std::make_unique<lpcap_reader>();
    default:
      return nullptr;
  }
}

}  // namespace

capture_item reader_state::fail(std::uint64_t offset, std::string what) {
  failure = base::invalid_input("at offset " + std::to_string(offset), std::move(what));
  failure_offset = offset;
  return capture_item::failed;
}

capture_item reader_state::fail_cut(std::uint64_t offset, const std::string& what) {
  if (window.failure().code) {
    failure = window.failure();
    failure_offset = offset;
    return capture_item::failed;
  }
  return fail(offset, "the file is cut: " + what + " was expected, " +
                          std::to_string(window.ahead().size()) + " octets are there");
}

void reader_state::end_section() {
  if (std::exchange(section_open, false) && options.on_section_end) {
    options.on_section_end(section, interfaces);
  }
}

/// One decompressor with the window on what it gives.
struct capture_reader::layer {
  explicit layer(std::unique_ptr<octet_source> from) : source(std::move(from)), window(*source) {}
  std::unique_ptr<octet_source> source;
  octet_window window;
};

capture_reader::capture_reader(std::span<const std::byte> mapped, read_options options)
    : options_(std::move(options)),
      outer_(mapped),
      state_(std::make_unique<reader_state>(outer_, options_)) {}

capture_reader::capture_reader(octet_source& source, read_options options)
    : options_(std::move(options)),
      outer_(source),
      state_(std::make_unique<reader_state>(outer_, options_)) {}

capture_reader::~capture_reader() = default;

/// Tells the format, under as many layers of compression as there are.
capture_item capture_reader::begin() {
  octet_window* window = &outer_;
  while (true) {
    const bool more = window->require(detection_bytes);
    if (!more && window->failure().code) {
      state_->failure = window->failure();
      return capture_item::failed;
    }
    format_ = detect_format(window->ahead());
    if (!is_compression(format_)) {
      break;
    }
    if (layers_.size() == layers_max) {
      return state_->fail(0, "there is compression within compression, more than " +
                                 std::to_string(layers_max) + " times");
    }
    compression_ = compression_.value_or(format_);
    layers_.push_back(std::make_unique<layer>(make_decompressor(format_, *window)));
    window = &layers_.back()->window;
  }
  if (const auto why = why_not_read(format_); !why.empty()) {
    return state_->fail(0, std::string(why));
  }
  if (!layers_.empty()) {
    state_ = std::make_unique<reader_state>(*window, options_);
  }
  reader_ = make_reader(format_);
  return reader_->next(*state_);
}

capture_item capture_reader::next() {
  if (last_ == capture_item::end || last_ == capture_item::failed) {
    return last_;
  }
  while (true) {
    last_ = begun_ ? reader_->next(*state_) : begin();
    begun_ = true;
    if (last_ != capture_item::packet) {
      tell(last_);
    } else if (options_.link_types != link_type_choice::all && !is_wanted()) {
      if (unwanted() == capture_item::packet) {
        continue;
      }
      last_ = capture_item::failed;
    } else if (options_.clip_to_snaplen) [[unlikely]] {
      capture_packet& packet = state_->packet;
      const std::uint32_t snaplen = state_->interfaces[packet.interface_id].description.snaplen;
      if (snaplen != 0 && packet.data.size() > snaplen) {
        packet.data = packet.data.first(snaplen);
        packet.record = {};  // it is no longer what the packet is
      }
    }
    return last_;
  }
}

std::span<const std::byte> capture_reader::next_run(packet_totals& totals, std::uint64_t end) {
  return has_runs() ? reader_->next_run(*state_, end, totals) : std::span<const std::byte>();
}

const packet_run* capture_reader::run() const noexcept {
  return has_runs() && layers_.empty() ? reader_->run() : nullptr;
}

bool capture_reader::is_wanted() {
  return !first_link_ || state_->packet.link == *first_link_;
}

capture_item capture_reader::unwanted() {
  if (options_.link_types == link_type_choice::first_only) {
    ++state_->counts.packets_left_out;
    return capture_item::packet;
  }
  return state_->fail(
      state_->packet.offset,
      "the packet has link type " + std::to_string(static_cast<unsigned>(state_->packet.link)) +
          ", those before have " + std::to_string(static_cast<unsigned>(*first_link_)));
}

/// The callbacks, and the link type that counts as the first.
void capture_reader::tell(capture_item item) {
  switch (item) {
    case capture_item::interface:
      first_link_ = first_link_.value_or(state_->interfaces.front().description.link);
      break;
    case capture_item::statistics:
      if (options_.on_statistics) {
        options_.on_statistics(state_->section, state_->statistics);
      }
      break;
    case capture_item::end:
      state_->end_section();
      break;
    case capture_item::section:
      state_->section_open = true;
      break;
    default:
      break;
  }
}

}  // namespace captured::format
