// SPDX-License-Identifier: MIT
#include "capturectl_received.hpp"

#include <algorithm>
#include <atomic>
#include <ctime>
#include <mutex>
#include <utility>

#include "capturectl_arguments.hpp"

namespace captured::capturectl {
namespace {

using namespace format;

/// What a peer is told: the reason names files of ours, and stands in the report.
base::failure told_to_peer() {
  return base::invalid_input("collector", "it cannot write what it receives");
}

/// In one file; a peer may describe an interface anew in each packet, and all are kept in memory.
constexpr std::uint32_t descriptions_max = 2 * stream::interfaces_max;

/// "20240220T120000Z-192.0.2.7_4711-000001.pcapng"; unique in the life of the process.
std::string make_name(const received_options& options, const std::string& peer) {
  static std::atomic<std::uint32_t> count = 0;
  const std::time_t now = std::time(nullptr);
  std::tm parts{};
  ::gmtime_r(&now, &parts);
  char stamp[32];
  std::strftime(stamp, sizeof stamp, "%Y%m%dT%H%M%SZ", &parts);
  std::string from = peer;
  std::replace_if(
      from.begin(), from.end(), [](char each) { return each == '/' || each == ':'; }, '_');
  char number[16];
  std::snprintf(number, sizeof number, "%06u", ++count);
  const std::string& format = options.output.format;
  const bool is_pcap = format == "pcap" || format.starts_with("pcap-");
  std::string ending = is_pcap ? ".pcap" : format == "lpcap" ? ".lpcap" : ".pcapng";
  ending += options.output.compression == "gzip"   ? ".gz"
            : options.output.compression == "zstd" ? ".zst"
                                                   : "";
  return options.directory + "/" + stamp + "-" + from + "-" + number + ending;
}

}  // namespace

received_stream::received_stream(const received_options& options, std::string peer,
                                 std::function<void(const received_report&)> done)
    : options_(options), done_(std::move(done)) {
  report_.peer = std::move(peer);
}

base::result<std::unique_ptr<stream::receiver>> received_stream::make(
    const received_options& options, std::string peer,
    std::function<void(const received_report&)> done) {
  std::unique_ptr<received_stream> made(
      new received_stream(options, std::move(peer), std::move(done)));
  if (const auto begun = made->begin_file(); !begun) {
    made->report_.error = begun.error().message();
    made->report_.end.why = "nothing could be written";
    made->done_(made->report_);
    return told_to_peer();
  }
  return std::unique_ptr<stream::receiver>(std::move(made));
}

base::result<> received_stream::begin_file() {
  path_ = make_name(options_, report_.peer);
  static std::mutex opening;  // what is unfinished is noted in one table, for a signal
  const std::lock_guard lock(opening);
  auto opened = capture_output::open(path_, options_.output);
  if (!opened) {
    return opened.error();
  }
  output_ = std::move(*opened);
  capture_section section;
  section.format = capture_format::pcapng;
  section.major = 1;
  section.header.comments.push_back("received from " + report_.peer);
  output_->writer().begin_section(section);
  packets_in_file_ = 0;
  descriptions_in_file_ = 0;
  file_ends_at_ = std::chrono::steady_clock::now() + options_.rotate_interval;
  for (interface& each : interfaces_) {
    each.in_file.reset();
  }
  return {};
}

base::result<> received_stream::end_file() {
  const auto done = output_->finish();
  write_counts counts = output_->writer().counts();
  add_counts(report_.counts, counts);
  output_.reset();
  if (done) {
    report_.files.push_back(path_);
  } else {
    report_.error = done.error().message();
  }
  return done;
}

bool received_stream::rotation_due() const {
  if (packets_in_file_ == 0) {
    return false;
  }
  return descriptions_in_file_ >= descriptions_max ||
         (options_.rotate_packets != 0 && packets_in_file_ >= options_.rotate_packets) ||
         (options_.rotate_bytes != 0 && output_->writer().written() >= options_.rotate_bytes) ||
         (options_.rotate_interval.count() != 0 &&
          std::chrono::steady_clock::now() >= file_ends_at_);
}

/// Its number in the current file, where its description stands from then on.
std::uint32_t received_stream::interface_of(const stream::packet_message& packet) {
  if (packet.interface_id >= interfaces_.size()) {
    interface plain;
    plain.described.description.link = options_.link;
    interfaces_.resize(packet.interface_id + 1, plain);
  }
  interface& from = interfaces_[packet.interface_id];
  if (packet.interface) {
    interface_description_block described;
    described.link = packet.interface->link;
    if (!packet.interface->name.empty()) {
      described.name = printable(packet.interface->name);
    }
    if (!(described == from.described.description)) {
      from.described.description = std::move(described);
      from.in_file.reset();
    }
  }
  if (!from.in_file) {
    from.in_file = output_->writer().add_interface(from.described);
    ++descriptions_in_file_;
  }
  return *from.in_file;
}

base::result<> received_stream::take(const stream::packet_message& packet) {
  if (!output_) {
    return told_to_peer();
  }
  if (rotation_due()) {
    if (const auto ended = end_file(); !ended) {
      return told_to_peer();
    }
    if (const auto begun = begin_file(); !begun) {
      report_.error = begun.error().message();
      return told_to_peer();
    }
  }
  capture_packet made;
  const std::uint32_t id = interface_of(packet);
  made.time = packet.time_ns;
  made.data = packet.data;
  made.original_length = packet.original_length;
  made.link = interfaces_[packet.interface_id].described.description.link;
  if (packet.drops != 0) {
    made.dropcount = packet.drops;
  }
  output_->writer().add_packet(made, id, false);
  ++packets_in_file_;
  if (output_->writer().failed()) {
    (void)end_file();
    return told_to_peer();
  }
  return {};
}

base::result<> received_stream::end(const stream::stream_end& how) {
  const bool whole = !output_ || end_file().has_value();
  report_.end = how;
  done_(report_);
  return whole ? base::result<>() : told_to_peer();
}

}  // namespace captured::capturectl
