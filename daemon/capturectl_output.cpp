// SPDX-License-Identifier: MIT
#include "capturectl_output.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "format/lpcap_writer.hpp"
#include "format/pcapng_writer.hpp"

namespace captured::capturectl {

/// What a signal has to undo.
struct unfinished_file {
  std::atomic<bool> is = false;
  const char* path = nullptr;  ///< to be removed; null: a file that was appended to
  int fd = -1;                 ///< of that one
  off_t size = 0;              ///< that it had
};

namespace {

// ---- What a signal has to remove. A handler may do little: names lie ready for unlink(). ----

constexpr std::size_t unfinished_max = 1024;  // more files than that cannot be open
std::array<unfinished_file, unfinished_max> unfinished{};

void undo(const unfinished_file& file) {
  if (file.path != nullptr) {
    ::unlink(file.path);
  } else if (::ftruncate(file.fd, file.size) != 0) {
    // Nothing is left to be done about it.
  }
}

extern "C" void remove_unfinished(int number) {
  for (const auto& each : unfinished) {
    if (each.is) {
      undo(each);
    }
  }
  constexpr int signal_status = 128;  // as shells have it
  ::_exit(signal_status + number);
}

/// Where it is noted; null when there is no room.
unfinished_file* note_unfinished(const char* path, int fd, off_t size) {
  static const bool installed = [] {
    for (const int number : {SIGINT, SIGTERM, SIGHUP}) {
      struct sigaction action {};
      if (::sigaction(number, nullptr, &action) != 0 || action.sa_handler == SIG_IGN) {
        continue;  // nohup, or a shell's background, means it
      }
      action = {};
      action.sa_handler = remove_unfinished;
      ::sigaction(number, &action, nullptr);
    }
    return true;
  }();
  static_cast<void>(installed);
  for (auto& each : unfinished) {
    if (!each.is) {
      each.path = path;
      each.fd = fd;
      each.size = size;
      each.is = true;
      return &each;
    }
  }
  return nullptr;
}

bool has_ending(const std::string& path, std::string_view ending) {
  return path.ends_with(ending);
}

/// The name without what says how it is compressed.
std::string without_compression(const std::string& path) {
  for (const std::string_view ending : {".gz", ".zst"}) {
    if (has_ending(path, ending)) {
      return path.substr(0, path.size() - ending.size());
    }
  }
  return path;
}

std::string format_by_name(const std::string& path) {
  const std::string name = without_compression(path);
  for (const std::string_view ending : {".pcap", ".cap", ".dmp"}) {
    if (has_ending(name, ending)) {
      return "pcap";
    }
  }
  return has_ending(name, ".lpcap") ? "lpcap" : "pcapng";
}

std::optional<format::capture_format> compression_of(const std::string& path,
                                                     const std::string& wanted) {
  if (wanted == "gzip" || (wanted.empty() && has_ending(path, ".gz"))) {
    return format::capture_format::gzip;
  }
  if (wanted == "zstd" || (wanted.empty() && has_ending(path, ".zst"))) {
    return format::capture_format::zstd;
  }
  return std::nullopt;
}

format::pcap_append existing(const std::string& path) {
  format::pcap_append to{.name = path, .header = std::vector<std::byte>(24)};
  const base::unique_fd fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  const ssize_t count = fd ? ::pread(fd.get(), to.header.data(), to.header.size(), 0) : 0;
  to.header.resize(static_cast<std::size_t>(std::max<ssize_t>(count, 0)));
  return to;
}

/// Of a regular file, "-" being `standard`; nothing for all else.
std::optional<std::pair<dev_t, ino_t>> identity(const std::string& path, int standard) {
  struct stat status {};
  const int done = path == "-" ? ::fstat(standard, &status) : ::stat(path.c_str(), &status);
  if (done != 0 || !S_ISREG(status.st_mode)) {
    return std::nullopt;
  }
  return std::pair(status.st_dev, status.st_ino);
}

std::int64_t now_ns() {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             std::chrono::steady_clock::now().time_since_epoch())
      .count();
}

}  // namespace

base::result<std::unique_ptr<file_sink>> file_sink::open(const std::string& path, mode how) {
  std::unique_ptr<file_sink> sink(new file_sink(path));
  if (path == "-") {
    if (::isatty(STDOUT_FILENO) == 1) {
      return base::invalid_input("standard output", "it is a terminal, and a capture is no text");
    }
    sink->fd_.reset(::fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 0));
  } else if (how == mode::append) {
    sink->fd_.reset(::open(path.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC));
    struct stat status {};
    if (sink->fd_ && ::fstat(sink->fd_.get(), &status) == 0) {
      sink->unfinished_ = note_unfinished(nullptr, sink->fd_.get(), status.st_size);
    }
  } else {
    struct stat status {};
    const bool exists = ::stat(path.c_str(), &status) == 0;
    const bool special = exists && !S_ISREG(status.st_mode);
    if (!special) {
      // With the process in its name: NAME.part may be a recording, even the one that is read.
      sink->part_ = path + "." + std::to_string(::getpid()) + ".part";
    }
    const std::string& name = special ? path : sink->part_;
    // What is replaced stays as closed as it was, from the first octet on.
    const mode_t rights = exists ? status.st_mode & 0777U : 0666U;
    sink->fd_.reset(::open(name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, rights));
    if (sink->fd_ && !special) {
      if (exists && ::fchmod(sink->fd_.get(), rights) != 0) {
        return base::system_failure(errno, "set the rights of " + name);
      }
      sink->unfinished_ = note_unfinished(sink->part_.c_str(), -1, 0);
    }
  }
  if (!sink->fd_) {
    sink->part_.clear();
    return base::system_failure(errno, "open " + path);
  }
  return sink;
}

file_sink::~file_sink() {
  if (unfinished_ != nullptr) {
    undo(*unfinished_);
    unfinished_->is = false;
  } else if (!part_.empty()) {
    ::unlink(part_.c_str());
  }
}

base::result<> file_sink::write(std::span<const std::byte> octets) {
  while (!octets.empty()) {
    const ssize_t count = part_.empty() ? ::write(fd_.get(), octets.data(), octets.size())
                                        : ::pwrite(fd_.get(), octets.data(), octets.size(),
                                                   static_cast<off_t>(written_));
    if (count < 0 && errno != EINTR) {
      return base::system_failure(errno, "write " + path_);
    }
    const std::size_t done = count < 0 ? 0 : static_cast<std::size_t>(count);
    written_ += done;
    octets = octets.subspan(done);
  }
  return {};
}

std::optional<file_place> file_sink::place() const noexcept {
  if (part_.empty()) {
    return std::nullopt;
  }
  return file_place{.fd = fd_.get(), .offset = written_};
}

base::result<> file_sink::commit() {
  if (!part_.empty() && ::fdatasync(fd_.get()) != 0) {
    return base::system_failure(errno, "write " + path_);  // else a crash could leave an empty file
  }
  if (!part_.empty() && ::rename(part_.c_str(), path_.c_str()) != 0) {
    return base::system_failure(errno, "rename " + part_ + " to " + path_);
  }
  if (unfinished_ != nullptr) {
    unfinished_->is = false;
    unfinished_ = nullptr;
  }
  part_.clear();
  return {};
}

bool is_same_file(const std::string& in, const std::string& out) {
  const auto from = identity(in, STDIN_FILENO);
  return from && from == identity(out, STDOUT_FILENO);
}

base::result<> check_output_options(const std::string& path, const output_options& options) {
  constexpr std::array<std::string_view, 6> formats{"",        "pcapng",  "pcap",
                                                    "pcap-us", "pcap-ns", "lpcap"};
  constexpr std::array<std::string_view, 4> compressions{"", "gzip", "zstd", "none"};
  if (std::find(formats.begin(), formats.end(), options.format) == formats.end()) {
    return base::invalid_input("format \"" + options.format + "\"",
                               "there are pcapng, pcap, pcap-us, pcap-ns and lpcap");
  }
  if (std::find(compressions.begin(), compressions.end(), options.compression) ==
      compressions.end()) {
    return base::invalid_input("compression \"" + options.compression + "\"",
                               "there are gzip, zstd and none");
  }
  for (const std::string_view ending : {".lz4", ".xz", ".bz2"}) {
    if (options.compression.empty() && has_ending(path, ending)) {
      return base::invalid_input("output " + path, "it can be compressed as .gz and .zst only");
    }
  }
  const bool is_pcap = options.format.starts_with("pcap") && options.format != "pcapng";
  if (options.append && (path == "-" || (!options.format.empty() && !is_pcap) ||
                         compression_of(path, options.compression))) {
    return base::invalid_input("output " + path, "only to plain pcap files can be appended");
  }
  return {};
}

base::result<std::unique_ptr<capture_output>> capture_output::open(const std::string& path,
                                                                   const output_options& options) {
  auto output = std::make_unique<capture_output>();
  auto sink =
      file_sink::open(path, options.append ? file_sink::mode::append : file_sink::mode::fresh);
  if (!sink) {
    return sink.error();
  }
  output->sink_ = std::move(*sink);
  format::octet_sink* to = output->sink_.get();
  if (const auto compression = compression_of(path, options.compression)) {
    output->compressor_ = format::make_compressor(*compression, *to);
    to = output->compressor_.get();
  }
  if (options.in_background &&
      !options.append) {  // of which a signal cuts off what was written, and no thread may go on
    output->background_ = std::make_unique<background_sink>(*to);
    to = output->background_.get();
  }
  const std::string by_name = options.append ? "pcap" : format_by_name(path);
  const std::string format = options.format.empty() ? by_name : options.format;
  if (format == "pcapng") {
    output->writer_ = std::make_unique<format::pcapng_writer>(
        *to, format::pcapng_options{.application = "capturectl " CAPTURED_VERSION});
  } else if (format == "lpcap") {
    if (path != "-") {
      auto sidecar = file_sink::open(path + ".meta", file_sink::mode::fresh);
      if (!sidecar) {
        return sidecar.error();
      }
      output->sidecar_ = std::move(*sidecar);
    }
    output->writer_ = std::make_unique<format::lpcap_writer>(*to, output->sidecar_.get());
  } else {
    const auto resolution = format == "pcap"      ? format::pcap_resolution::of_interface
                            : format == "pcap-ns" ? format::pcap_resolution::nanoseconds
                                                  : format::pcap_resolution::microseconds;
    const format::pcap_options wanted{
        .resolution = resolution, .snaplen = options.snaplen, .link = options.link};
    output->writer_ = options.append
                          ? std::make_unique<format::pcap_writer>(*to, wanted, existing(path))
                          : std::make_unique<format::pcap_writer>(*to, wanted);
  }
  return output;
}

std::optional<file_place> capture_output::place() {
  if (compressor_ || !writer_->takes_runs() || !writer_->flush()) {
    return std::nullopt;
  }
  return sink_->place();
}

void capture_output::pass_run(std::uint64_t octets, std::uint64_t packets) {
  sink_->pass(octets);
  writer_->pass_run(octets, packets);
}

base::result<> capture_output::finish() {
  if (auto done = writer_->flush(); !done) {
    return done;
  }
  if (compressor_) {
    if (auto done = compressor_->finish(); !done) {
      return done;
    }
  }
  // The sidecar first: a file is never without what belongs to it.
  if (sidecar_) {
    if (auto done = sidecar_->commit(); !done) {
      return done;
    }
  }
  return sink_->commit();
}

progress::progress(std::optional<std::uint64_t> total_octets)
    : total_(total_octets.value_or(0)),
      begun_ns_(now_ns()),
      shown_ns_(begun_ns_),
      enabled_(total_octets.has_value() && ::isatty(STDERR_FILENO) == 1) {}

progress::~progress() {
  if (shown_) {
    std::fputs("\r\033[K", stderr);
  }
}

void progress::show(std::uint64_t octets) {
  constexpr std::int64_t interval_ns = 200'000'000;
  constexpr std::int64_t quiet_ns = 1'000'000'000;
  const std::int64_t now = now_ns();
  if (now - begun_ns_ < quiet_ns || now - shown_ns_ < interval_ns) {
    return;
  }
  shown_ns_ = now;
  shown_ = true;
  const double seconds = static_cast<double>(now - begun_ns_) / 1e9;
  const double rate = static_cast<double>(octets) / seconds;
  if (total_ == 0) {
    std::fprintf(stderr, "\r\033[K%.0f MB, %.0f MB/s", static_cast<double>(octets) / 1e6,
                 rate / 1e6);
    return;
  }
  constexpr int width = 30;
  const double share = std::min(1.0, static_cast<double>(octets) / static_cast<double>(total_));
  const int done = static_cast<int>(share * width);
  const double left = (static_cast<double>(total_) - static_cast<double>(octets)) / rate;
  std::fprintf(stderr, "\r\033[K[%.*s%*s] %3.0f %%, %.0f MB/s, %.0f s left", done,
               "##############################", width - done, "", share * 100, rate / 1e6,
               std::max(0.0, left));
}

}  // namespace captured::capturectl
