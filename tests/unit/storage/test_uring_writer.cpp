// SPDX-License-Identifier: MIT
//
// What the kernel refuses to whoever has the writer's ring.
#include <cerrno>
#include <filesystem>
#include <memory>
#include <string>

#include <fcntl.h>
#include <linux/io_uring.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "storage/uring_writer.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace captured;

namespace {

/// The io_uring of this process, or -1.
int ring_of_this_process() {
  for (const auto& each : std::filesystem::directory_iterator("/proc/self/fd")) {
    std::error_code gone;
    if (std::filesystem::read_symlink(each.path(), gone) == "anon_inode:[io_uring]") {
      return std::stoi(each.path().filename().string());
    }
  }
  return -1;
}

int error_of_registering(int ring, unsigned what, void* argument, unsigned count) {
  return ::syscall(__NR_io_uring_register, ring, what, argument, count) < 0 ? errno : 0;
}

}  // namespace

TEST_CASE("through the ring nothing can be done but what it was restricted to") {
  const testing::temporary_folder folder;
  base::unique_fd fd(::open(folder.path().c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  auto writer =
      storage::uring_writer::start(std::move(fd), [](const storage::file_completion&) {}, {});
  if (!writer) {
    WARN("SKIPPED: no io_uring here: " << writer.error().message());
    return;
  }
  const int ring = ring_of_this_process();
  REQUIRE(ring >= 0);
  // Enabled, as by the first write: from here on the restrictions hold.
  const int enabled = error_of_registering(ring, IORING_REGISTER_ENABLE_RINGS, nullptr, 0);
  REQUIRE((enabled == 0 || enabled == EBADFD || enabled == EACCES));
  int files[1] = {0};
  CHECK(error_of_registering(ring, IORING_REGISTER_FILES, files, 1) == EACCES);
  CHECK(error_of_registering(ring, IORING_UNREGISTER_EVENTFD, nullptr, 0) == EACCES);
  alignas(8) char probe[sizeof(io_uring_probe) + 16 * sizeof(io_uring_probe_op)] = {};
  CHECK(error_of_registering(ring, IORING_REGISTER_PROBE, probe, 16) == EACCES);
}
