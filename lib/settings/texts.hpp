// SPDX-License-Identifier: MIT
//
// What a text of the configuration must be like to be the name of a thing. Each gives the words for
// what is wrong, or an empty text. Nothing is looked up on the system.
#pragma once

#include <string>

namespace captured::settings {

/// What the kernel takes as a name (dev_valid_name), or a pattern of such names.
[[nodiscard]] std::string check_device_name(const std::string& name);

/// Whether it is a text at all; what it means is libpcap's to say.
[[nodiscard]] std::string check_filter(const std::string& filter);

[[nodiscard]] std::string check_output(const std::string& name);

[[nodiscard]] std::string check_directory(const std::string& directory);

/// As a directory; empty for none.
[[nodiscard]] std::string check_fallback(const std::string& directory);

/// The name of a user or group as useradd(8) makes them, or its number; empty for none.
[[nodiscard]] std::string check_account(const std::string& name);

/// An absolute path that fits sockaddr_un; empty for none.
[[nodiscard]] std::string check_socket(const std::string& path);

}  // namespace captured::settings
