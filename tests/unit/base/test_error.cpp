// SPDX-License-Identifier: MIT
#include <stdexcept>

#include "base/error.hpp"
#include "support/catch.hpp"

namespace base = captured::base;

namespace {
base::result<int> half(int value) {
  if (value % 2 != 0) {
    return base::invalid_input("halve " + std::to_string(value), "it is odd");
  }
  return value / 2;
}
}  // namespace

TEST_CASE("a failure names the act and the cause") {
  CHECK(base::system_failure(ENODEV, "bind eth7").message() == "bind eth7: No such device");
  CHECK(half(3).error().message() == "halve 3: it is odd");
  CHECK(half(4).value() == 2);
}

TEST_CASE("taking the value of a failed result throws with the whole message") {
  CHECK_THROWS_WITH(half(5).value(), "halve 5: it is odd");
}
