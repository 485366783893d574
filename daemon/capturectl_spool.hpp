// SPDX-License-Identifier: MIT
//
// Inputs that must be mapped, because their packets are wanted again or because many are open at
// once: what cannot be, a pipe or compressed octets, is laid down in a file without a name first.
#pragma once

#include <memory>
#include <string>

#include "base/unique_fd.hpp"
#include "capturectl_input.hpp"

namespace captured::capturectl {

/// The input, mapped in any case; "-" is standard input. The folder for what is laid down is that
/// of TMPDIR, else /var/tmp. `error` gets what was wrong with the input when it was laid down: what
/// is whole of it is there.
[[nodiscard]] base::result<std::unique_ptr<capture_input>> open_mapped(
    const std::string& path, const format::read_options& reading, std::string& error);

/// All of standard input, octet by octet, in a file without a name in the same folder; path_of()
/// opens it as often as needed while it is held.
[[nodiscard]] base::result<base::unique_fd> spool_stream(const std::string& path);
[[nodiscard]] std::string path_of(const base::unique_fd& fd);

}  // namespace captured::capturectl
