// SPDX-License-Identifier: MIT
//
// Copies a whole capture from a reader to a writer.
#pragma once

#include "format/capture_copier.hpp"
#include "support/catch.hpp"

namespace captured::test {

/// Copies all until the end or the first error.
inline void copy_all(format::capture_reader& from, format::capture_writer& to) {
  format::capture_copier copier(to);
  while (true) {
    const format::capture_item item = from.next();
    if (item == format::capture_item::end || item == format::capture_item::failed) {
      break;
    }
    copier.copy(from, item);
  }
  REQUIRE(to.flush().has_value());
}

}  // namespace captured::test
