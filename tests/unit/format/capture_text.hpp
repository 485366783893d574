// SPDX-License-Identifier: MIT
//
// A capture as lines of text, one for each thing in it, so that two can be compared and a
// difference be read: what a reader gives, and what the corpus expects.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "format/capture_reader.hpp"

namespace captured::test {

using lines = std::vector<std::string>;

struct capture_text {
  lines sections;
  lines interfaces;
  lines statistics;
  lines packets;
  lines custom;
  lines secrets;
  std::string format;
  std::string compression;
  std::string error;  ///< empty when the end was reached
};

/// Empty when they are the same.
std::string first_difference(const lines& found, const lines& expected);

/// Reads to the end or to the first error.
capture_text text_of(format::capture_reader& reader);

/// What lies in tests' corpus as expected/NAME.json.
struct expectation {
  capture_text text;
  std::string file;     ///< below the corpus folder
  std::string outcome;  ///< "ok", "error", "error_or_tolerated"
};

/// All of them, by name; none when there is no corpus.
std::vector<std::string> expectation_paths();
expectation read_expectation(const std::string& path);

std::vector<std::byte> read_octets(const std::string& path);

/// Gives at most so many octets at a time.
class trickle_source final : public format::octet_source {
 public:
  trickle_source(std::span<const std::byte> octets, std::size_t at_once)
      : rest_(octets), at_once_(at_once) {}
  base::result<std::size_t> read(std::span<std::byte> room) override {
    const std::size_t count = std::min({room.size(), rest_.size(), at_once_});
    std::copy_n(rest_.begin(), count, room.begin());
    rest_ = rest_.subspan(count);
    return count;
  }

 private:
  std::span<const std::byte> rest_;
  std::size_t at_once_;
};

}  // namespace captured::test
