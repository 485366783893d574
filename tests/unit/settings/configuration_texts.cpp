// SPDX-License-Identifier: MIT
#include "configuration_texts.hpp"

#include <fstream>
#include <iterator>

#include "support/catch.hpp"

namespace captured::testing {

std::filesystem::path shipped_folder() {
  return std::filesystem::path(CAPTURED_TEST_DATA).parent_path().parent_path() / "config";
}

std::filesystem::path broken_folder() {
  return std::filesystem::path(CAPTURED_TEST_DATA) / "configuration";
}

std::string read_text(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  REQUIRE(file.good());
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::vector<std::filesystem::path> files_with(const std::filesystem::path& folder,
                                              const std::string& extension) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == extension) {
      files.push_back(entry.path());
    }
  }
  return files;
}

std::string messages(const settings::outcome& result) {
  std::string text;
  for (const auto& each : result.problems) {
    text += each.message() + "\n";
  }
  return text;
}

settings::configuration parsed(const std::string& text) {
  auto result = settings::parse(text, "test.yaml");
  INFO(messages(result));
  REQUIRE(result.settings.has_value());
  return *result.settings;
}

}  // namespace captured::testing
