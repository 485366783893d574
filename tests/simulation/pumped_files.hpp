// SPDX-License-Identifier: MIT
//
// What file_writer and uring_writer do with threads, done by hand: acts wait until the simulation
// carries one out, in any order that those could have. Each act is the real one (open_file), on a
// simulated disk. It also watches the asker: the octets of a write stay as they are until its
// completion, and the contract of file_operations holds.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <vector>

#include "breaches.hpp"
#include "random_source.hpp"
#include "simulated_disk.hpp"
#include "storage/file_operations.hpp"
#include "storage/open_file.hpp"

namespace captured::simulation {

class pumped_files final : public storage::file_operations {
 public:
  using removal_check = std::function<base::error_code(const std::string& name)>;

  /// `removal_asked` is told of each file that is to be removed, before it is under way.
  pumped_files(simulated_disk& disk, breaches& found, completion_handler handler,
               removal_check may_remove,
               std::function<void(const std::string& name)> removal_asked);

  void submit(storage::file_request request) override;

  /// Carries out one act that could be next; false when there is none.
  bool run_one(random_source& chance);
  /// Acts wait to be carried out.
  [[nodiscard]] bool has_work() const noexcept { return !waiting_.empty(); }
  /// Files whose removal is under way.
  [[nodiscard]] std::vector<std::string> removals() const;
  [[nodiscard]] bool has_open_files() const noexcept;
  /// What the folder was opened by is gone for good: every act fails from now on.
  void die() noexcept { is_dead_ = true; }
  /// What is asked for after the end of the process, by a recorder that does not know of it, is not
  /// under way: needed where the process can end between two acts of the disk.
  void end_exactly() noexcept { ends_exactly_ = true; }
  /// Nothing is carried out any more; what was under way may reach the disk all the same. To be
  /// called while the memory of the writes is there.
  void end_process(random_source& chance);

 private:
  struct waiting {
    storage::file_request request;
    std::uint64_t checksum = 0;
  };

  void check_contract(const storage::file_request& request);
  [[nodiscard]] bool could_be_next(std::size_t place) const;
  storage::file_completion carry_out(const storage::file_request& request);
  base::error_code fail(const storage::file_request& request);
  base::error_code remove(const storage::file_request& request, storage::file_completion& done);

  simulated_disk& disk_;
  breaches& breaches_;
  completion_handler handler_;
  removal_check may_remove_;
  std::function<void(const std::string& name)> removal_asked_;
  std::array<storage::open_file, storage::open_files_max> slots_;
  std::vector<waiting> waiting_;
  bool is_dead_ = false;
  bool ends_exactly_ = false;
};

}  // namespace captured::simulation
