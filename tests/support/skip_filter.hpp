// SPDX-License-Identifier: MIT
//
// Between a test runner and its output: lines with "SKIPPED:", by which ctest knows a skip, wait
// until the tests are over, and come as they are only if nothing failed. A failure is never taken
// for a skip. What is said before a crash comes at once, but for those lines.
#pragma once

#include <ostream>
#include <streambuf>
#include <string>
#include <string_view>

namespace captured::test {

class skip_filter final : public std::streambuf {
 public:
  /// `to` must outlive it.
  explicit skip_filter(std::streambuf& to) : to_(to) {}

  /// The tests are over: what waits goes out. Call it once, at the end.
  void end(bool failed) {
    put_line();
    std::ostream out(&to_);
    if (!failed) {
      out << held_;
    } else if (!held_.empty()) {
      out << "Some of it could not be tested here, but a test failed:\n";
      for (std::size_t at = held_.find(word); at != std::string::npos; at = held_.find(word, at)) {
        held_.replace(at, word.size(), "not tested:");
      }
      out << held_;
    }
    out.flush();
  }

 protected:
  int_type overflow(int_type letter) override {
    if (!traits_type::eq_int_type(letter, traits_type::eof())) {
      line_ += traits_type::to_char_type(letter);
      if (line_.back() == '\n') {
        put_line();
      }
    }
    return traits_type::not_eof(letter);
  }
  int sync() override { return to_.pubsync(); }

 private:
  static constexpr std::string_view word = "SKIPPED:";

  void put_line() {
    if (line_.find(word) != std::string::npos) {
      held_ += line_;
    } else {
      to_.sputn(line_.data(), static_cast<std::streamsize>(line_.size()));
    }
    line_.clear();
  }

  std::streambuf& to_;
  std::string line_;
  std::string held_;
};

}  // namespace captured::test
