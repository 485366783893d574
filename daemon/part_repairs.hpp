// SPDX-License-Identifier: MIT
//
// Repairs what an earlier life of an output left open, on a thread of its own at the lowest
// priority: a file of many GiB must not hold up the recording. What repair does is in
// pipeline/part_repair.
#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "pipeline/part_repair.hpp"
#include "storage/output_directory.hpp"

namespace captured::daemon {

class part_repairs {
 public:
  using handler =
      std::function<void(const std::string& part, const base::result<pipeline::repaired_part>&)>;

  /// Removes what was made ready and holds nothing, and goes on with what is to be repaired, in
  /// its order. Files of which the device `refused` octets are set aside. `done` is called for each
  /// file that was to be repaired, on the thread. Without a thread nothing is repaired, and `done`
  /// is called for each file before this returns.
  part_repairs(std::shared_ptr<const storage::output_directory> folder,
               pipeline::found_parts wanted, std::set<std::string> refused, handler done);
  part_repairs(const part_repairs&) = delete;
  part_repairs& operator=(const part_repairs&) = delete;
  /// What is not done yet stays as it was, for the next start. `done` is not called any more. A
  /// thread that hangs on a dead disk is left to itself.
  ~part_repairs();

  /// All was done, and the folder let go.
  [[nodiscard]] bool has_finished() const noexcept;

 private:
  struct shared_state;
  std::shared_ptr<shared_state> state_;  // also owned by the thread, which may outlive this
};

}  // namespace captured::daemon
