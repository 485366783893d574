// SPDX-License-Identifier: MIT
//
// Inputs that must be mapped, because their packets are wanted again or because many are open at
// once: what cannot be, a pipe or compressed octets, is laid down in a file without a name first.
#pragma once

#include <memory>
#include <string>

#include "capturectl_input.hpp"

namespace captured::capturectl {

/// The input, mapped in any case; "-" is standard input. The folder for what is laid down is that
/// of TMPDIR, else /var/tmp. `error` gets what was wrong with the input when it was laid down: what
/// is whole of it is there.
[[nodiscard]] base::result<std::unique_ptr<capture_input>> open_mapped(
    const std::string& path, const format::read_options& reading, std::string& error);

}  // namespace captured::capturectl
