// SPDX-License-Identifier: MIT
#include "support/temporary_folder.hpp"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iterator>

#include <fcntl.h>

#include "base/check.hpp"

namespace captured::testing {

temporary_folder::temporary_folder() {
  std::string pattern = (std::filesystem::temp_directory_path() / "captured-test-XXXXXX").string();
  CAPTURED_CHECK(::mkdtemp(pattern.data()) != nullptr);
  path_ = pattern;
}

temporary_folder::~temporary_folder() {
  std::error_code ignored;  // a test may have removed it already
  std::filesystem::remove_all(path_, ignored);
}

base::unique_fd temporary_folder::open() const {
  base::unique_fd folder(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  CAPTURED_CHECK(folder);
  return folder;
}

std::vector<std::string> temporary_folder::names() const {
  std::vector<std::string> all;
  for (const auto& entry : std::filesystem::directory_iterator(path_)) {
    all.push_back(entry.path().filename().string());
  }
  std::ranges::sort(all);
  return all;
}

std::string temporary_folder::read(const std::string& name) const {
  std::ifstream file(path_ / name, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

void temporary_folder::write(const std::string& name, const std::string& text) const {
  std::ofstream(path_ / name, std::ios::binary) << text;
}

}  // namespace captured::testing
