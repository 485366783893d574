// SPDX-License-Identifier: MIT
//
// Everything that a capture says, as lines of text: every option of every block, names, secrets,
// what nobody knows. For copies that must lose nothing; what a file is expected to hold is for
// capture_text.hpp.
#pragma once

#include <string>
#include <vector>

#include "capture_text.hpp"

namespace captured::test {

struct whole_text {
  lines known;    ///< in the order of the file
  lines unknown;  ///< options and blocks whose octets only their owner understands
  std::string error;
};

/// Reads to the end or to the first error. Lengths of sections and versions are left out: they are
/// of the file, not of what it says.
whole_text whole_text_of(format::capture_reader& reader);

}  // namespace captured::test
