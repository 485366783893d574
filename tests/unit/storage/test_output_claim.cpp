// SPDX-License-Identifier: MIT
#include <fcntl.h>

#include "storage/output_claim.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using captured::base::unique_fd;
using captured::storage::claim_output;

TEST_CASE("an output is claimed once, others in the folder are free, and letting go ends it") {
  const captured::testing::temporary_folder folder;
  const std::string path = folder.path();
  const unique_fd fd(::open(path.c_str(), O_DIRECTORY | O_CLOEXEC));
  auto first = claim_output(fd.get(), path, "main");
  REQUIRE(first.has_value());
  const auto second = claim_output(fd.get(), path, "main");
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().message() ==
        "claim output main in " + path + ": another process is recording it there");
  CHECK(claim_output(fd.get(), path, "other").has_value());
  first->reset();
  CHECK(claim_output(fd.get(), path, "main").has_value());
}
