// SPDX-License-Identifier: MIT
//
// What becomes of files that an earlier life made ready.
#include <filesystem>
#include <memory>
#include <utility>

#include "storage/output_directory.hpp"
#include "support/catch.hpp"
#include "support/faulty_calls.hpp"
#include "support/temporary_folder.hpp"

using namespace captured;
using storage::output_directory;
using storage::previous_file;
using testing::temporary_folder;
using strings = std::vector<std::string>;

namespace {

/// Files of these tests are ours when they say more than four octets, the first one an m.
storage::own_files own() {
  return {.names = *storage::file_name::parse("%Y-{output}-{sequence}", "main"),
          .output = "main",
          .read_origin = {},
          .names_tell_output = true,
          .is_beginning = [](std::span<const std::byte> octets) {
            return octets.size() > 4 && octets[0] == std::byte{'m'};
          }};
}

output_directory opened(const temporary_folder& folder,
                        std::shared_ptr<storage::system_calls> calls = nullptr) {
  auto directory = output_directory::open(folder.path().string(), false, {}, std::move(calls));
  REQUIRE(directory.has_value());
  return std::move(*directory);
}

}  // namespace

TEST_CASE("what was made ready and holds something is kept, also where its name is taken") {
  const temporary_folder folder;
  folder.write(storage::prepared_name("main", 7), "main 7");
  folder.write("main-000007.pcapng.part", "main 7 of an earlier life");
  folder.write(storage::prepared_name("main", 8), "main 8");
  const auto settled = opened(folder).remove_prepared(own());
  REQUIRE(settled.has_value());
  CHECK(settled->removed == 0);
  CHECK(settled->troubles.empty());
  CHECK(folder.names() ==
        strings{"main-000007+1.pcapng.part", "main-000007.pcapng.part", "main-000008.pcapng.part"});
}

TEST_CASE("what was made ready loses its hidden name when it has another one already") {
  const temporary_folder folder;
  const std::string hidden = storage::prepared_name("main", 7);
  folder.write(hidden, "main 7");
  std::filesystem::create_hard_link(folder.path() / hidden,
                                    folder.path() / "2018-main-000007.pcapng.part");
  CHECK(opened(folder).remove_prepared(own()).has_value());
  CHECK(folder.names() == strings{"2018-main-000007.pcapng.part"});
}

TEST_CASE("where names cannot be taken without a link, what was made ready is kept all the same") {
  const temporary_folder folder;
  folder.write(storage::prepared_name("main", 7), "main 7");
  const auto calls = std::make_shared<testing::faulty_calls>();
  calls->fail_all("rename", EINVAL);
  CHECK(opened(folder, calls).remove_prepared(own())->troubles.empty());
  CHECK(folder.names() == strings{"main-000007.pcapng.part"});
}

TEST_CASE(
    "what was made ready and can be neither kept nor removed keeps nothing from being opened") {
  const temporary_folder folder;
  folder.write(storage::prepared_name("main", 7), "main 7");
  folder.write(storage::prepared_name("main", 8), "");
  folder.write(storage::prepared_name("main", 9), "");
  const auto calls = std::make_shared<testing::faulty_calls>();
  calls->fail_all("rename", EACCES);
  calls->fail_all("remove", EPERM);
  const auto settled = opened(folder, calls).remove_prepared(own());
  REQUIRE(settled.has_value());
  CHECK(settled->removed == 0);
  CHECK(settled->troubles.size() == 3);
  CHECK(settled->left == previous_file{7, "main-000007.pcapng"});
}

TEST_CASE("what was made ready is judged by what it holds when the disk does not tell its size") {
  const temporary_folder folder;
  folder.write(storage::prepared_name("main", 7), "main 7");
  folder.write(storage::prepared_name("main", 8), "");
  const auto calls = std::make_shared<testing::faulty_calls>();
  calls->fail_all("look_at", EIO);
  calls->fail_all("rename", EIO);
  const auto settled = opened(folder, calls).remove_prepared(own());
  REQUIRE(settled.has_value());
  CHECK(settled->removed == 1);
  CHECK(settled->left == previous_file{7, "main-000007.pcapng"});
  CHECK(folder.names() == strings{storage::prepared_name("main", 7)});
}

TEST_CASE("what was made ready and has lost its beginning is kept, zeros are not") {
  const temporary_folder folder;
  folder.write(storage::prepared_name("main", 7), std::string(100, '\0') + "packets");
  folder.write(storage::prepared_name("main", 8), std::string(100, '\0'));
  folder.write(storage::prepared_name("main", storage::sequence_max), "what a test wrote");
  const auto settled = opened(folder).remove_prepared(own());
  REQUIRE(settled.has_value());
  CHECK(settled->removed == 2);
  CHECK(folder.names() == strings{"main-000007.pcapng.part"});
}

TEST_CASE("of more files than are read, the form of their names must do") {
  const temporary_folder folder;
  for (std::size_t i = 0; i < storage::unnamed_files_max + 2; ++i) {
    folder.write("2026-" + std::to_string(100000 + i) + ".pcapng", "");
  }
  auto unnamed = own();
  unnamed.names = *storage::file_name::parse("%Y-{sequence}", "main");
  unnamed.names_tell_output = false;
  unnamed.read_origin = [](const std::string& /*name*/, std::span<const std::byte> /*octets*/) {
    return std::optional(storage::file_origin{"main", 1});
  };
  CHECK(opened(folder).find_kept(unnamed).value().files.size() == storage::unnamed_files_max + 2);
}

TEST_CASE("of what lay ready in a folder that was away, what was used or is a new one stays") {
  const temporary_folder folder;
  for (const std::uint64_t number : {7u, 8u, 9u}) {
    folder.write(storage::prepared_name("main", number), number == 8 ? "main 8" : "");
  }
  const auto directory = opened(folder);
  const auto found = directory.find_prepared("main");
  REQUIRE(found.value().size() == 3);
  CHECK(directory.find_prepared("other").value().empty());
  const std::string renewed = folder.path() / storage::prepared_name("main", 9);
  std::filesystem::rename(renewed, folder.path() / "as before");  // which keeps its inode in use
  folder.write(storage::prepared_name("main", 9), "");
  CHECK(directory.remove_unused(*found) == 1);
  CHECK(folder.names() ==
        strings{storage::prepared_name("main", 8), storage::prepared_name("main", 9), "as before"});
}
