// SPDX-License-Identifier: MIT
#include <array>
#include <cerrno>

#include <fcntl.h>
#include <unistd.h>

#include "base/error.hpp"
#include "base/unique_fd.hpp"
#include "settings/parse.hpp"
#include "settings/yaml_tree.hpp"

namespace captured::settings {

namespace {

/// The content, but no more than the parser would take, whatever is behind the name.
base::result<std::string> read_text(const std::string& path) {
  const base::unique_fd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) {
    return base::system_failure(errno, "it cannot be opened");
  }
  std::string text;
  std::array<char, 16 << 10> piece{};
  while (text.size() <= yaml_bytes_max) {
    const auto count = ::read(file.get(), piece.data(), piece.size());
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      return base::system_failure(errno, "it cannot be read");
    }
    if (count == 0) {
      break;
    }
    text.append(piece.data(), static_cast<std::size_t>(count));
  }
  return text;
}

}  // namespace

outcome load(const std::string& path) {
  const auto text = read_text(path);
  if (!text) {
    return {std::nullopt, {{path, {}, text.error().message()}}, path};
  }
  return parse(*text, path);
}

}  // namespace captured::settings
