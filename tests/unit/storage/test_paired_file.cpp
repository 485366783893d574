// SPDX-License-Identifier: MIT
#include "storage/paired_file.hpp"
#include "support/catch.hpp"
#include "support/faulty_calls.hpp"
#include "support/temporary_folder.hpp"

using namespace captured;
using storage::paired_file;
using testing::faulty_calls;
using testing::octets_of;
using testing::temporary_folder;
using strings = std::vector<std::string>;

namespace {

struct bench {
  temporary_folder folder;
  base::unique_fd fd = folder.open();
  faulty_calls calls;
  paired_file file;

  int create(const std::string& name) {
    return file.create(calls, fd.get(), name, 0, true).value();
  }
  int publish(const std::string& name) { return file.publish(calls, fd.get(), name).value(); }
  int write(const std::string& text, std::uint64_t offset, const std::string& aside = "",
            std::uint64_t aside_offset = 0) {
    return file.write(calls, octets_of(text), offset, {octets_of(aside), aside_offset})
        .error.value();
  }
  int finish(const std::string& name, std::uint64_t bytes, bool force = true) {
    return file.finish(calls, fd.get(), name, {bytes, force}).value();
  }
};

}  // namespace

TEST_CASE("a file and its sidecar are made, named, written and finished together") {
  bench b;
  REQUIRE(b.create(".next") == 0);
  CHECK(b.folder.names() == strings{".next", ".next.meta"});
  REQUIRE(b.publish("a.part") == 0);
  REQUIRE(b.write("12345", 0, "one", 0) == 0);
  REQUIRE(b.write("678--", 5) == 0);
  REQUIRE(b.write("9", 8, "two", 3) == 0);
  CHECK(b.folder.names() == strings{"a.part", "a.part.meta"});
  REQUIRE(b.finish("a", 9) == 0);
  CHECK(b.folder.names() == strings{"a", "a.meta"});
  CHECK(b.folder.read("a") == "123456789");
  CHECK(b.folder.read("a.meta") == "onetwo");
}

TEST_CASE("octets of the sidecar are written whole before those that need them") {
  bench b;
  REQUIRE(b.create("a.part") == 0);
  b.calls.shorten_writes(2);
  CHECK(b.file.write(b.calls, octets_of("12345"), 0, {octets_of("aside"), 0}).octets == 2);
  CHECK(b.folder.read("a.part.meta") == "aside");
  CHECK(b.folder.read("a.part") == "12");
  b.calls.fail_all("write", EIO);
  CHECK(b.write("x", 2, "more", 5) == EIO);
  CHECK(b.folder.read("a.part") == "12");
}

TEST_CASE("a name that the file or its sidecar cannot have is refused, and another one works") {
  bench b;
  b.folder.write("a.part", "x");
  b.folder.write("b.part.meta", "x");
  REQUIRE(b.create(".next") == 0);
  CHECK(b.publish("a.part") == EEXIST);
  CHECK(b.publish("b.part") == EEXIST);
  REQUIRE(b.publish("c.part") == 0);
  REQUIRE(b.write("1", 0, "2", 0) == 0);
  b.folder.write("c", "x");
  b.folder.write("d.meta", "x");
  CHECK(b.finish("c", 1) == EEXIST);
  CHECK(b.finish("d", 1) == EEXIST);
  REQUIRE(b.finish("e", 1) == 0);
  CHECK(b.folder.names() == strings{"a.part", "b.part.meta", "c", "d.meta", "e", "e.meta"});
  CHECK(b.folder.read("e.meta") == "2");
}

TEST_CASE("whichever call of closing fails once, no finished file is seen without its sidecar") {
  for (std::size_t nth = 1; nth <= 12; ++nth) {
    INFO("call " << nth);
    bench b;
    REQUIRE(b.create("a.part") == 0);
    REQUIRE(b.write("12", 0, "34", 0) == 0);
    b.calls.fail_nth(nth, ENOSPC);
    const int first = b.finish("a", 2, false);
    if (b.folder.names()[0] == "a") {
      CHECK(b.folder.names() == strings{"a", "a.meta"});
    }
    if (first != 0) {
      b.calls.fail_nth(0, 0);
      CHECK(b.finish("a", 2, false) == 0);
    }
    CHECK(b.folder.names() == strings{"a", "a.meta"});
    CHECK(b.folder.read("a") == "12");
    CHECK(b.folder.read("a.meta") == "34");
  }
}

TEST_CASE("a sidecar that the device refuses makes its file unproven") {
  bench b;
  REQUIRE(b.create("a.part") == 0);
  REQUIRE(b.write("12", 0, "34", 0) == 0);
  b.calls.fail_all("sync_data", EIO);
  CHECK(b.finish("a", 2) == EIO);
  CHECK(b.file.is_unproven());
  CHECK(b.finish("a.damaged", 2, false) == 0);
  CHECK(b.folder.names() == strings{"a.damaged", "a.damaged.meta"});
}

TEST_CASE("when one of the two cannot be made, neither is there, and both go together") {
  for (std::size_t nth = 1; nth <= 2; ++nth) {
    bench b;
    b.calls.fail_nth(nth, EMFILE);
    CHECK(b.create("a.part") == EMFILE);
    CHECK(b.folder.names().empty());
    REQUIRE(b.create("a.part") == 0);
    CHECK(b.file.discard(b.calls, b.fd.get()).value() == 0);
    CHECK(b.folder.names().empty());
  }
}
