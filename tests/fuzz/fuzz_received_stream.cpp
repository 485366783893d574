// SPDX-License-Identifier: MIT
//
// A whole stream as a peer may send it, into files as `capturectl receive` writes them: the first
// two octets say which format and when to begin another file, then come messages, each with its
// length in two octets before it. What was taken must stand in the files, which must be whole.
#include <filesystem>
#include <string>
#include <vector>

#include <stdlib.h>

#include "daemon/capturectl_input.hpp"
#include "daemon/capturectl_received.hpp"

using namespace captured;

namespace {

namespace fs = std::filesystem;

/// In memory where there is such a place; removed at the end of the process.
class work_folder {
 public:
  work_folder() {
    std::string name = fs::is_directory("/dev/shm") ? "/dev/shm" : fs::temp_directory_path();
    name += "/captured-fuzz-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) {
      __builtin_trap();
    }
    path_ = name;
  }
  ~work_folder() {
    std::error_code ignored;
    fs::remove_all(path_, ignored);
  }
  work_folder(const work_folder&) = delete;
  work_folder& operator=(const work_folder&) = delete;
  [[nodiscard]] const std::string& path() const noexcept { return path_; }

 private:
  std::string path_;
};

void demand(bool holds) {
  if (!holds) {
    __builtin_trap();
  }
}

capturectl::received_options choose(unsigned format, unsigned rotation, const std::string& folder) {
  constexpr const char* formats[] = {"pcapng", "pcap-us", "pcap-ns", "pcap", "lpcap"};
  constexpr const char* compressions[] = {"none", "none", "gzip", "zstd"};
  capturectl::received_options made;
  made.directory = folder;
  made.output.format = formats[format % 5];
  made.output.compression = compressions[format / 5 % 4];
  made.output.in_background = false;
  made.rotate_packets = rotation % 16;
  made.rotate_bytes = rotation / 16 * 64;
  made.link = packet::link_type{static_cast<std::uint16_t>(format / 20)};
  return made;
}

std::span<const std::byte> take_message(std::span<const std::byte>& from) {
  const std::size_t wanted =
      std::to_integer<std::size_t>(from[0]) | std::to_integer<std::size_t>(from[1]) << 8U;
  from = from.subspan(2);
  const auto message = from.first(std::min(wanted, from.size()));
  from = from.subspan(message.size());
  return message;
}

/// Packets in the file, which must be whole.
std::uint64_t packets_of(const std::string& path) {
  const auto input = capturectl::capture_input::open(path);
  demand(input.has_value());
  format::capture_reader& reader = (*input)->reader();
  std::uint64_t count = 0;
  format::capture_item item = reader.next();
  while (item != format::capture_item::end) {
    demand(item != format::capture_item::failed);
    count += item == format::capture_item::packet ? 1U : 0U;
    item = reader.next();
  }
  return count;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, std::size_t size) {
  static const work_folder folder;
  if (size < 2) {
    return 0;
  }
  const auto options = choose(data[0], data[1], folder.path());
  auto octets = std::as_bytes(std::span(data, size)).subspan(2);

  capturectl::received_report report;
  const auto made = capturectl::received_stream::make(options, "192.0.2.7:4711",
                                                      [&](const auto& told) { report = told; });
  demand(made.has_value());
  stream::message_decoder decoder;
  stream::stream_end end{.complete = true};
  while (octets.size() >= 2) {
    const auto packet = decoder.decode(take_message(octets));
    if (!packet || !(*made)->take(*packet)) {
      end.complete = false;
      break;
    }
    ++end.packets;
  }
  demand((*made)->end(end).has_value());

  std::uint64_t found = 0;
  for (const std::string& each : report.files) {
    found += packets_of(each);
    fs::remove(each);
    fs::remove(each + ".meta");
  }
  demand(found == report.counts.packets);
  demand(found + report.counts.packets_left_out == end.packets);
  demand(fs::is_empty(folder.path()));
  return 0;
}
