// SPDX-License-Identifier: MIT
//
// A folder of a test's own, removed with all that is in it when the test is over.
#pragma once

#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <vector>

#include "base/unique_fd.hpp"

namespace captured::testing {

class temporary_folder {
 public:
  temporary_folder();
  temporary_folder(const temporary_folder&) = delete;
  temporary_folder& operator=(const temporary_folder&) = delete;
  ~temporary_folder();

  [[nodiscard]] const std::filesystem::path& path() const noexcept { return path_; }
  /// The folder, opened for the *at() calls.
  [[nodiscard]] base::unique_fd open() const;
  /// Names in it, sorted.
  [[nodiscard]] std::vector<std::string> names() const;
  [[nodiscard]] std::string read(const std::string& name) const;
  void write(const std::string& name, const std::string& text) const;

 private:
  std::filesystem::path path_;
};

/// The octets of a text, for calls that take octets.
[[nodiscard]] inline std::span<const std::byte> octets_of(const std::string& text) {
  return std::as_bytes(std::span(text));
}

}  // namespace captured::testing
