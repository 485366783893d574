// SPDX-License-Identifier: MIT
#include <array>

#include "base/bytes.hpp"
#include "support/catch.hpp"

namespace base = captured::base;

TEST_CASE("numbers are read and written in the byte order asked for, at any alignment") {
  std::array<std::byte, 9> octets{};
  base::store_little<std::uint32_t>(octets.data() + 1, 0x01020304);
  CHECK(octets[1] == std::byte{4});
  CHECK(octets[4] == std::byte{1});
  CHECK(base::load_big<std::uint32_t>(octets.data() + 1) == 0x04030201);
  base::store_big<std::uint64_t>(octets.data() + 1, 0x0102030405060708);
  CHECK(octets[1] == std::byte{1});
  CHECK(base::load_little<std::uint64_t>(octets.data() + 1) == 0x0807060504030201);
}

TEST_CASE("rounding up keeps multiples and raises everything else") {
  CHECK(base::align_up(0u, 4u) == 0u);
  CHECK(base::align_up(1u, 4u) == 4u);
  CHECK(base::align_up(4u, 4u) == 4u);
  CHECK(base::align_up(std::uint64_t{4097}, std::uint64_t{4096}) == 8192);
}
