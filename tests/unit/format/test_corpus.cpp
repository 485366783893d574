// SPDX-License-Identifier: MIT
//
// Captures that other programs wrote, each with what is to be read from it.
#include "capture_text.hpp"
#include "format/capture_reader.hpp"
#include "support/catch.hpp"

using namespace captured;
using namespace captured::format;
using test::capture_text;
using test::first_difference;

namespace {

bool have_corpus(const std::vector<std::string>& paths) {
  if (paths.empty()) {
    WARN("SKIPPED: the folder with foreign captures is not here (CAPTURED_CORPUS)");
  }
  return !paths.empty();
}

/// The first `count` lines, for files of which less may be read than is listed.
test::lines first_of(const test::lines& all, std::size_t count) {
  return {all.begin(), all.begin() + static_cast<long>(std::min(count, all.size()))};
}

void check(const test::expectation& expected, const capture_text& found, const char* how) {
  INFO(expected.file << ", " << how << ": " << found.error);
  if (expected.outcome == "ok") {
    CHECK(found.error == "");
    CHECK(found.format == expected.text.format);
    CHECK(first_difference(found.sections, expected.text.sections) == "");
    if (found.format == "pcapng") {
      CHECK(first_difference(found.interfaces, expected.text.interfaces) == "");
    }
    CHECK(first_difference(found.statistics, expected.text.statistics) == "");
    CHECK(first_difference(found.packets, expected.text.packets) == "");
    CHECK(first_difference(found.custom, expected.text.custom) == "");
    CHECK(first_difference(found.secrets, expected.text.secrets) == "");
  } else {
    CHECK((!found.error.empty() || expected.outcome == "error_or_tolerated"));
    CHECK(first_difference(found.packets, first_of(expected.text.packets, found.packets.size())) ==
          "");
  }
  CHECK(found.compression == expected.text.compression);
}

}  // namespace

TEST_CASE("every foreign capture gives what is expected of it, mapped and streamed") {
  const auto paths = test::expectation_paths();
  if (!have_corpus(paths)) {
    return;
  }
  for (const std::string& path : paths) {
    const test::expectation expected = test::read_expectation(path);
    const auto octets = test::read_octets(std::string(CAPTURED_CORPUS) + "/" + expected.file);
    capture_reader mapped{std::span<const std::byte>(octets)};
    check(expected, test::text_of(mapped), "mapped");
    memory_source source(octets);
    capture_reader streamed(source);
    check(expected, test::text_of(streamed), "streamed");
  }
  CHECK(paths.size() >= 251);
}

TEST_CASE("every foreign capture gives the same octet by octet") {
  const auto paths = test::expectation_paths();
  if (!have_corpus(paths)) {
    return;
  }
  for (const std::string& path : paths) {
    const test::expectation expected = test::read_expectation(path);
    const auto octets = test::read_octets(std::string(CAPTURED_CORPUS) + "/" + expected.file);
    test::trickle_source source(octets, 1);
    capture_reader reader(source);
    check(expected, test::text_of(reader), "octet by octet");
  }
}

TEST_CASE("a foreign capture cut anywhere gives its whole packets and then an error or an end") {
  const auto paths = test::expectation_paths();
  if (!have_corpus(paths)) {
    return;
  }
  for (const std::string& path : paths) {
    const test::expectation expected = test::read_expectation(path);
    const auto octets = test::read_octets(std::string(CAPTURED_CORPUS) + "/" + expected.file);
    constexpr std::size_t small = 1500;
    if (octets.size() > small || expected.outcome != "ok") {
      continue;
    }
    for (std::size_t size = 0; size < octets.size(); ++size) {
      const std::span<const std::byte> cut(octets.data(), size);
      capture_reader reader(cut);
      const capture_text found = test::text_of(reader);
      INFO(expected.file << " cut to " << size);
      CHECK(first_difference(found.packets,
                             first_of(expected.text.packets, found.packets.size())) == "");
      CHECK((!found.error.empty() || found.packets.size() <= expected.text.packets.size()));
    }
  }
}
