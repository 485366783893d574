// SPDX-License-Identifier: MIT
#include <csignal>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "storage/open_file.hpp"
#include "support/catch.hpp"
#include "support/faulty_calls.hpp"
#include "support/temporary_folder.hpp"

using namespace captured;
using storage::open_file;
using testing::faulty_calls;
using testing::octets_of;
using testing::temporary_folder;
using strings = std::vector<std::string>;

namespace {

struct bench {
  temporary_folder folder;
  base::unique_fd fd = folder.open();
  faulty_calls calls;
  open_file file;

  int create(const std::string& name, std::uint64_t bytes = 0) {
    return file.create(calls, fd.get(), name, bytes).value();
  }
  int publish(const std::string& name) { return file.publish(calls, fd.get(), name).value(); }
  open_file::written write(const std::string& text, std::uint64_t offset = 0) {
    return open_file::write(calls, file.fd(), octets_of(text), offset);
  }
  int finish(const std::string& name, std::uint64_t bytes, bool force = true) {
    return file.finish(calls, fd.get(), name, {bytes, force}).value();
  }
  int discard() { return file.discard(calls, fd.get()).value(); }
  [[nodiscard]] struct stat status(const std::string& name) const {
    struct stat result {};
    REQUIRE(::fstatat(fd.get(), name.c_str(), &result, AT_SYMLINK_NOFOLLOW) == 0);
    return result;
  }
};

}  // namespace

TEST_CASE("a file is made, published, written, and finished at its exact length") {
  bench b;
  REQUIRE(b.create("next", 1 << 20) == 0);
  CHECK(b.status("next").st_size == 0);
  REQUIRE(b.publish("a.part") == 0);
  CHECK(b.write("hello, padded").octets == 13);
  CHECK(b.folder.names() == strings{"a.part"});
  REQUIRE(b.finish("a", 5) == 0);
  CHECK_FALSE(b.file.is_open());
  CHECK(b.folder.names() == strings{"a"});
  CHECK(b.folder.read("a") == "hello");
  CHECK((b.status("a").st_mode & 0777 & ~0640u) == 0);
}

TEST_CASE("space reserved beyond the end is given back when a file is finished") {
  bench b;
  REQUIRE(b.create("a.part", 1 << 20) == 0);
  b.write("x");
  if (b.status("a.part").st_blocks * 512 < (1 << 20)) {
    WARN("SKIPPED: this file system does not reserve space");
    return;
  }
  REQUIRE(b.finish("a", 1) == 0);
  CHECK(b.status("a").st_blocks * 512 <= 64 << 10);
}

TEST_CASE("making a file never takes an existing one, nor follows a link") {
  bench b;
  b.folder.write("a", "old");
  REQUIRE(::symlinkat("elsewhere", b.fd.get(), "b") == 0);
  CHECK(b.create("a") == EEXIST);
  CHECK(b.create("b") == EEXIST);
  CHECK_FALSE(b.file.is_open());
  CHECK(b.folder.read("a") == "old");
  CHECK(b.folder.names() == strings{"a", "b"});
}

TEST_CASE("a vanished folder gives ENOENT, and the slot can be used again") {
  bench b;
  std::filesystem::remove(b.folder.path());
  CHECK(b.create("a") == ENOENT);
  CHECK_FALSE(b.file.is_open());
}

TEST_CASE("when reserving space fails the name is free again") {
  bench b;
  b.calls.fail_all("allocate", EIO);
  CHECK(b.create("a", 4096) == EIO);
  CHECK(b.folder.names().empty());
  b.calls.fail_all("allocate", 0);
  CHECK(b.create("a", 4096) == 0);
}

TEST_CASE("a file system that cannot reserve the space, or has less, is no error") {
  for (const int error : {EOPNOTSUPP, ENOSYS, EINVAL, ENOSPC, EDQUOT, EFBIG}) {
    bench b;
    b.calls.fail_all("allocate", error);
    CHECK(b.create("a", 4096) == 0);
    CHECK(b.folder.names() == strings{"a"});
  }
}

TEST_CASE("publishing and finishing never replace a file, and work under another name") {
  for (const int unsupported : {0, EINVAL, ENOSYS}) {
    bench b;
    b.calls.fail_all("rename", unsupported);
    b.folder.write("taken", "old");
    REQUIRE(b.create("next") == 0);
    CHECK(b.publish("taken") == EEXIST);
    REQUIRE(b.publish("a.part") == 0);
    b.write("new");
    CHECK(b.finish("taken", 3) == EEXIST);
    CHECK(b.file.is_open());
    CHECK(b.folder.read("taken") == "old");
    CHECK(b.finish("free", 3) == 0);
    CHECK(b.folder.names() == strings{"free", "taken"});
    CHECK(b.folder.read("free") == "new");
  }
}

TEST_CASE("without RENAME_NOREPLACE a failed second half of a rename is made up for") {
  bench b;
  b.calls.fail_all("rename", EINVAL);
  REQUIRE(b.create("a.part") == 0);
  b.write("x");
  b.calls.fail_all("remove", EIO);
  CHECK(b.finish("a", 1) == EIO);
  CHECK(b.folder.names() == strings{"a", "a.part"});
  b.calls.fail_all("remove", 0);
  CHECK(b.finish("a", 1) == 0);
  CHECK(b.folder.names() == strings{"a"});
}

TEST_CASE("a write goes to its offset, may be short, and is begun anew after an interruption") {
  bench b;
  REQUIRE(b.create("a") == 0);
  b.calls.fail_nth(1, EINTR);
  CHECK(b.write("world", 5).octets == 5);
  b.calls.shorten_writes(3);
  const auto first = b.write("hello");
  CHECK(first.octets == 3);
  CHECK_FALSE(first.error);
  CHECK(b.write("lo", 3).octets == 2);
  CHECK(b.folder.read("a") == "helloworld");
}

TEST_CASE("a write that takes nothing and gives no reason is an error") {
  bench b;
  REQUIRE(b.create("a") == 0);
  b.calls.shorten_writes(0);
  const auto done = b.write("x");
  CHECK(done.octets == 0);
  CHECK(done.error.value() == EIO);
}

TEST_CASE("a write across the largest size of a file comes short, the next one fails") {
  bench b;
  REQUIRE(b.create("a") == 0);
  const auto before = std::signal(SIGXFSZ, SIG_IGN);
  rlimit old{};
  REQUIRE(::getrlimit(RLIMIT_FSIZE, &old) == 0);
  const rlimit small{4096, old.rlim_max};
  REQUIRE(::setrlimit(RLIMIT_FSIZE, &small) == 0);
  const auto first = b.write(std::string(5000, 'x'));
  const auto second = b.write("x", 4096);
  ::setrlimit(RLIMIT_FSIZE, &old);
  std::signal(SIGXFSZ, before);
  CHECK(first.octets == 4096);
  CHECK_FALSE(first.error);
  CHECK(second.octets == 0);
  CHECK(second.error.value() == EFBIG);
}

TEST_CASE("steps of a finish that were done are not done twice") {
  bench b;
  REQUIRE(b.create("a.part") == 0);
  b.write("x");
  const auto made = b.calls.calls().size();
  b.calls.fail_nth(4, EIO);  // cut, sync, rename, sync of the folder
  CHECK(b.finish("a", 1) == EIO);
  CHECK(b.folder.names() == strings{"a"});
  CHECK(b.file.is_open());
  CHECK(b.finish("a", 1) == 0);
  auto calls = b.calls.calls();
  calls.erase(calls.begin(), calls.begin() + static_cast<std::ptrdiff_t>(made));
  CHECK(calls == strings{"cut", "sync", "rename", "sync", "sync"});
}

TEST_CASE("finishing without force touches neither the file's data nor the folder") {
  bench b;
  REQUIRE(b.create("a.part") == 0);
  CHECK(b.finish("a", 0, false) == 0);
  CHECK(b.calls.calls() == strings{"create", "cut", "rename"});
}

TEST_CASE("a folder that cannot be forced to the device is no error") {
  bench b;
  REQUIRE(b.create("a.part") == 0);
  b.calls.fail_nth(4, EINVAL);
  CHECK(b.finish("a", 0) == 0);
}

TEST_CASE("discarding removes the file, and closes it even when that fails") {
  bench b;
  REQUIRE(b.create("a") == 0);
  CHECK(b.discard() == 0);
  CHECK(b.folder.names().empty());
  REQUIRE(b.create("a") == 0);
  b.calls.fail_all("remove", EROFS);
  CHECK(b.discard() == EROFS);
  CHECK_FALSE(b.file.is_open());
}

TEST_CASE("a file that others removed can be discarded, but not finished") {
  bench b;
  REQUIRE(b.create("a.part") == 0);
  std::filesystem::remove(b.folder.path() / "a.part");
  CHECK(b.finish("a", 0) == ENOENT);
  CHECK(b.discard() == 0);
  CHECK_FALSE(b.file.is_open());
}

TEST_CASE("a file left as it is keeps its name and octets") {
  bench b;
  REQUIRE(b.create("a.part") == 0);
  b.write("x");
  b.file.leave();
  CHECK_FALSE(b.file.is_open());
  CHECK(b.folder.read("a.part") == "x");
}

TEST_CASE("whichever call of a file's life fails, with rename or without, repeating completes it") {
  for (const bool has_rename : {true, false}) {
    for (const int error : {EIO, ENOSPC, EINTR}) {
      bool reached_the_end = false;
      for (std::size_t nth = 1; !reached_the_end; ++nth) {
        REQUIRE(nth < 20);
        bench b;
        b.calls.fail_all("rename", has_rename ? 0 : ENOSYS);
        b.calls.fail_nth(nth, error);
        int failures = 0;
        const auto until_done = [&failures](const auto& act) {
          for (int attempts = 0; act() != 0; ++attempts) {
            REQUIRE(attempts < 2);
            ++failures;
          }
        };
        until_done([&] { return b.create(".next", 4096); });
        until_done([&] { return b.publish("a.part"); });
        until_done([&] { return b.write("hello world").error.value(); });
        until_done([&] { return open_file::sync(b.calls, b.file.fd()).value(); });
        // What the device refused once is not asked for again.
        until_done([&] { return b.finish("a", 5, !b.file.is_unproven()); });
        CHECK(b.folder.names() == strings{"a"});
        CHECK(b.folder.read("a") == "hello");
        CHECK_FALSE(b.file.is_open());
        CHECK(failures <= 1);
        CHECK((error != EINTR || failures == 0));
        reached_the_end = b.calls.calls().size() < nth;
      }
    }
  }
}
