// SPDX-License-Identifier: MIT
#include "storage/file_backend.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace captured;
using storage::direct_mode;
using testing::temporary_folder;

namespace {

void unheard(const storage::file_completion&) {}

}  // namespace

TEST_CASE("an output that is to write directly is refused where that cannot be") {
  const temporary_folder folder;
  const auto refused = open_file_backend(folder.open(), direct_mode::on, false, unheard);
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().message().find("direct: on") != std::string::npos);
}

TEST_CASE("by itself an output takes the page cache where there is nothing better, and says so") {
  const temporary_folder folder;
  const auto chosen = open_file_backend(folder.open(), direct_mode::automatic, false, unheard);
  REQUIRE(chosen.has_value());
  CHECK_FALSE(chosen->direct);
  CHECK(chosen->polled == nullptr);
  CHECK(chosen->remark.find("page cache") != std::string::npos);
}

TEST_CASE("the page cache is used without a word where it was asked for") {
  const temporary_folder folder;
  const auto chosen = open_file_backend(folder.open(), direct_mode::off, true, unheard);
  REQUIRE(chosen.has_value());
  CHECK_FALSE(chosen->direct);
  CHECK(chosen->remark.empty());
}

TEST_CASE("direct writes take io_uring where the system allows it, and a thread where not") {
  const temporary_folder folder;
  for (const auto mode : {direct_mode::on, direct_mode::automatic}) {
    const auto chosen = open_file_backend(folder.open(), mode, true, unheard);
    REQUIRE(chosen.has_value());
    CHECK(chosen->direct);
    CHECK((chosen->polled != nullptr) == chosen->remark.empty());
  }
}
