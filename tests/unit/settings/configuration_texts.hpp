// SPDX-License-Identifier: MIT
//
// Where the tests of this folder find texts, and how they read them. Not for tests elsewhere.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

#include "settings/parse.hpp"

namespace captured::testing {

/// What is installed: captured.yaml, and a folder with examples.
[[nodiscard]] std::filesystem::path shipped_folder();
/// Broken configurations, NAME.yaml, and the words that each must give, NAME.expected.
[[nodiscard]] std::filesystem::path broken_folder();

[[nodiscard]] std::string read_text(const std::filesystem::path& path);
[[nodiscard]] std::vector<std::filesystem::path> files_with(const std::filesystem::path& folder,
                                                            const std::string& extension);

/// All messages, one a line.
[[nodiscard]] std::string messages(const settings::outcome& result);

/// The configuration that a text gives; the test fails when it has problems.
settings::configuration parsed(const std::string& text);

}  // namespace captured::testing
