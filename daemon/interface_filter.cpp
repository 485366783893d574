// SPDX-License-Identifier: MIT
#include "daemon/interface_filter.hpp"

#include <utility>

#include "capture/filter.hpp"

namespace captured::daemon {

base::result<interface_filter> compile_interface_filter(const capture::device& from,
                                                        const capture::interface_options& wanted) {
  interface_filter made{.program = {}, .options = wanted, .given_up = std::nullopt};
  auto program = capture::compile_filter(from, made.options);
  if (!program && !wanted.left_out.empty()) {
    made.given_up = program.error();
    made.options.left_out.clear();
    program = capture::compile_filter(from, made.options);
  }
  if (!program) {
    return program.error();
  }
  made.program = std::move(*program);
  return made;
}

}  // namespace captured::daemon
