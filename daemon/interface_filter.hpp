// SPDX-License-Identifier: MIT
//
// The filter of an interface as it can be had: what streams leave out of the capture is given up
// rather than the recording.
#pragma once

#include <optional>

#include "base/error.hpp"
#include "capture/device.hpp"
#include "capture/filter_program.hpp"
#include "capture/options.hpp"

namespace captured::daemon {

struct interface_filter {
  capture::filter_program program;
  capture::interface_options options;     ///< that it stands for: perhaps without `left_out`
  std::optional<base::failure> given_up;  ///< why it is without
};

/// Fails as capture::compile_filter does for the options without `left_out`.
[[nodiscard]] base::result<interface_filter> compile_interface_filter(
    const capture::device& from, const capture::interface_options& wanted);

}  // namespace captured::daemon
