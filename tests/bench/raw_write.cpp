// SPDX-License-Identifier: MIT
//
// How fast a disk takes one large file: O_DIRECT, sequential, so many writes of one buffer size
// under way at a time, through io_uring. The file grows by the writes themselves, or is made longer
// ahead of them. No ring, no packet, nothing looked at: what a recorder's file growth is held
// against. Prints one JSON object.
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <memory>
#include <string>
#include <vector>

#include <boost/program_options.hpp>
#include <fcntl.h>
#include <liburing.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/mapping.hpp"
#include "base/unique_fd.hpp"

namespace {

namespace po = boost::program_options;
using captured::base::unique_fd;

[[noreturn]] void fail(int error, const std::string& what) {
  throw po::error(captured::base::system_failure(error, what).message());
}

struct plan {
  std::string path;
  std::uint64_t octets_max = 0;
  double seconds = 0;
  unsigned depth = 0;
  std::size_t buffer_bytes = 0;
  std::uint64_t ahead_octets = 0;  ///< 0: the file grows by the writes themselves
};

/// The writes of one file, in order of their place in it.
class sequential_writer {
 public:
  explicit sequential_writer(const plan& how)
      : how_(how),
        file_(::open(how.path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_DIRECT | O_CLOEXEC, 0644)),
        buffers_(captured::base::mapping::anonymous(how.depth * how.buffer_bytes).value()) {
    if (!file_) {
      fail(errno, "open " + how.path);
    }
    std::memset(buffers_.bytes().data(), 0x5a, buffers_.bytes().size());
    if (const int error = io_uring_queue_init(how.depth, &ring_, 0); error < 0) {
      fail(-error, "set up io_uring");
    }
    const iovec all{buffers_.bytes().data(), buffers_.bytes().size()};
    known_ = io_uring_register_buffers(&ring_, &all, 1) == 0;
  }
  ~sequential_writer() { io_uring_queue_exit(&ring_); }
  sequential_writer(const sequential_writer&) = delete;
  sequential_writer& operator=(const sequential_writer&) = delete;

  std::uint64_t run() {
    const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(how_.seconds);
    for (unsigned i = 0; i < how_.depth; ++i) {
      begin(i);
    }
    unsigned under_way = how_.depth;
    while (under_way > 0) {
      io_uring_submit_and_wait(&ring_, 1);
      io_uring_cqe* done = nullptr;
      while (io_uring_peek_cqe(&ring_, &done) == 0) {
        const auto index = static_cast<unsigned>(io_uring_cqe_get_data64(done));
        if (done->res != static_cast<int>(how_.buffer_bytes)) {
          fail(done->res < 0 ? -done->res : EIO, "write");
        }
        io_uring_cqe_seen(&ring_, done);
        if (std::chrono::steady_clock::now() < end && offset_ < how_.octets_max) {
          begin(index);
        } else {
          --under_way;
        }
      }
    }
    return offset_;
  }

 private:
  void begin(unsigned index) {
    if (how_.ahead_octets != 0 && offset_ + how_.ahead_octets / 2 > length_ &&
        length_ < how_.octets_max) {
      length_ = offset_ + how_.ahead_octets;
      if (::fallocate(file_.get(), 0, 0, static_cast<off_t>(length_)) != 0) {
        fail(errno, "make " + how_.path + " longer");
      }
    }
    std::byte* const from = buffers_.bytes().data() + index * how_.buffer_bytes;
    const auto length = static_cast<unsigned>(how_.buffer_bytes);
    io_uring_sqe* const entry = io_uring_get_sqe(&ring_);
    if (known_) {
      io_uring_prep_write_fixed(entry, file_.get(), from, length, offset_, 0);
    } else {
      io_uring_prep_write(entry, file_.get(), from, length, offset_);
    }
    io_uring_sqe_set_data64(entry, index);
    offset_ += how_.buffer_bytes;
  }

  plan how_;
  unique_fd file_;
  captured::base::mapping buffers_;
  io_uring ring_{};
  bool known_ = false;
  std::uint64_t offset_ = 0;
  std::uint64_t length_ = 0;
};

int raw_write(int argc, char** argv) {
  plan how;
  std::uint64_t most_mib = 0;
  std::uint64_t ahead_mib = 0;
  std::size_t buffer_kib = 0;
  po::options_description options("raw_write --file PATH");
  auto add = options.add_options();
  add("file", po::value(&how.path)->required(), "is written anew, and stays");
  add("seconds", po::value(&how.seconds)->default_value(3), "begin no write after that");
  add("most", po::value(&most_mib)->default_value(8192), "MiB, nor after so many");
  add("depth", po::value(&how.depth)->default_value(16), "writes under way");
  add("buffer", po::value(&buffer_kib)->default_value(1024), "KiB of each write");
  add("ahead", po::value(&ahead_mib)->default_value(0),
      "MiB by which the file is made longer than what is in it, at a time");
  po::variables_map values;
  po::store(po::parse_command_line(argc, argv, options), values);
  po::notify(values);
  how.octets_max = most_mib << 20;
  how.ahead_octets = ahead_mib << 20;
  how.buffer_bytes = buffer_kib << 10;
  sequential_writer writer(how);
  const auto begun = std::chrono::steady_clock::now();
  const std::uint64_t octets = writer.run();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begun;
  std::cout << "{\"octets\": " << octets << ", \"seconds\": " << took.count()
            << ", \"mib_per_second\": " << static_cast<double>(octets) / 1048576 / took.count()
            << "}" << std::endl;
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return raw_write(argc, argv);
  } catch (const std::exception& error) {
    std::cerr << "raw_write: " << error.what() << '\n';
    return 2;
  }
}
