// SPDX-License-Identifier: MIT
//
// Keeps two processes from writing the same output into the same folder, where their sequences and
// prepared files would collide. An advisory lock (flock(2)); readers are not concerned.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "base/unique_fd.hpp"
#include "storage/file_rights.hpp"

namespace captured::storage {

/// Claims the output in the folder for as long as the descriptor is open; the kernel ends the claim
/// when the process dies. Leaves a hidden, empty file ".NAME.lock" there. Fails at once when
/// another process has the claim, or when files cannot be given `rights`: the claim's file gets
/// them as the first. `folder` is used during the call, `path` in messages only.
[[nodiscard]] base::result<base::unique_fd> claim_output(int folder, const std::string& path,
                                                         std::string_view output,
                                                         const file_rights& rights = {});

/// Ends the claim without closing the descriptor, which can take as long as a dead disk likes.
void end_claim(const base::unique_fd& claim) noexcept;

}  // namespace captured::storage
