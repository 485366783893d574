// SPDX-License-Identifier: MIT
//
// A capture file as the subcommands write it: under NAME.PID.part until it is whole, then renamed;
// ^C and errors leave nothing behind. With the writer of its format and, where wanted, compression.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/unique_fd.hpp"
#include "capturectl_background.hpp"
#include "format/capture_writer.hpp"
#include "format/compression.hpp"
#include "format/pcap_writer.hpp"

namespace captured::capturectl {

struct unfinished_file;

/// Of a file that is open for writing.
struct file_place {
  int fd = -1;
  std::uint64_t offset = 0;
};

/// The octets of one file. "-" is standard output; devices and pipes are written as they are.
class file_sink final : public format::octet_sink {
 public:
  enum class mode : std::uint8_t { fresh, append };
  static base::result<std::unique_ptr<file_sink>> open(const std::string& path, mode how);
  ~file_sink() override;
  file_sink(const file_sink&) = delete;
  file_sink& operator=(const file_sink&) = delete;

  base::result<> write(std::span<const std::byte> octets) override;
  /// Where the next octets go; nothing when others cannot put some there.
  [[nodiscard]] std::optional<file_place> place() const noexcept;
  /// Others put octets there.
  void pass(std::uint64_t octets) noexcept { written_ += octets; }
  /// Gives the file its name.
  base::result<> commit();

 private:
  explicit file_sink(std::string path) : path_(std::move(path)) {}

  std::string path_;
  std::string part_;  ///< empty when there is nothing to rename
  std::uint64_t written_ = 0;
  unfinished_file* unfinished_ = nullptr;  ///< where a signal finds it
  base::unique_fd fd_;
};

struct output_options {
  /// "pcapng", "pcap" (resolution of the first interface), "pcap-us", "pcap-ns", "lpcap"; empty:
  /// by the name, else pcapng.
  std::string format;
  /// "gzip", "zstd", "none"; empty: by the name.
  std::string compression;
  /// pcap: add to a file that fits.
  bool append = false;
  std::optional<packet::link_type> link;
  std::uint32_t snaplen = 0;
  bool in_background = true;  ///< writing has a thread of its own; not for many files at once
};

class capture_output {
 public:
  /// Fails for names of formats that there are not, and when the file cannot be made.
  static base::result<std::unique_ptr<capture_output>> open(const std::string& path,
                                                            const output_options& options);

  [[nodiscard]] format::capture_writer& writer() noexcept { return *writer_; }
  /// For others who write into the file: writes what is held back, and tells where it goes on.
  /// Nothing when the octets of the file are not those of the format.
  [[nodiscard]] std::optional<file_place> place();
  /// They put plain packets (format/packet_run.hpp) there.
  void pass_run(std::uint64_t octets, std::uint64_t packets);
  /// Writes what is held back and gives the file its name.
  [[nodiscard]] base::result<> finish();

 private:
  std::unique_ptr<file_sink> sink_;
  std::unique_ptr<file_sink> sidecar_;
  std::unique_ptr<format::compressing_sink> compressor_;
  std::unique_ptr<background_sink> background_;
  std::unique_ptr<format::capture_writer> writer_;
};

/// Are the two one regular file, under whatever names? "-" is standard input and output. Reading
/// what one writes never ends.
[[nodiscard]] bool is_same_file(const std::string& in, const std::string& out);

/// Is there such an output? For messages before anything is opened.
[[nodiscard]] base::result<> check_output_options(const std::string& path,
                                                  const output_options& options);

/// On a terminal, from the second second on: how much is done, how fast, how long yet.
class progress {
 public:
  /// 0: not known; nothing: it is not wanted.
  explicit progress(std::optional<std::uint64_t> total_octets);
  /// For steps of many octets each.
  void step_to(std::uint64_t octets) {
    if (enabled_) {
      show(octets);
    }
  }
  ~progress();
  progress(const progress&) = delete;
  progress& operator=(const progress&) = delete;

  /// Call it often: most calls do nothing.
  void at(std::uint64_t octets) {
    if (enabled_ && (++calls_ & 0xFFF) == 0) {
      show(octets);
    }
  }

 private:
  void show(std::uint64_t octets);

  std::uint64_t total_;
  std::uint64_t calls_ = 0;
  std::int64_t begun_ns_;
  std::int64_t shown_ns_;
  bool enabled_;
  bool shown_ = false;
};

}  // namespace captured::capturectl
