// SPDX-License-Identifier: MIT
//
// Several folders behind one file_operations: a file is made in the folder that its place has at
// that moment, and all further acts on it go there, also when the place has another folder by then
// (the disk was mounted again) or none. Decides nothing; which place is to be used is said by the
// asker.
#pragma once

#include <array>
#include <memory>
#include <span>
#include <vector>

#include "storage/file_operations.hpp"
#include "storage/options.hpp"

namespace captured::storage {

/// One thread at a time. A folder's operations live until nothing that was asked of them is under
/// way and no file of theirs is open; they may go on the asker's thread, so whoever gives them
/// should see to it that this does not block.
class file_router final : public file_operations {
 public:
  /// New files of the place are made here from now on.
  void attach(std::uint32_t place, std::shared_ptr<file_operations> folder);
  /// The place has no folder now.
  void detach(std::uint32_t place) noexcept { attached_[place].reset(); }
  [[nodiscard]] bool is_attached(std::uint32_t place) const noexcept {
    return attached_[place] != nullptr;
  }
  /// The open file of this slot lies in the folder that its place has now.
  [[nodiscard]] bool is_current(std::uint32_t slot, std::uint32_t place) const noexcept {
    return slots_[slot] == attached_[place];
  }
  [[nodiscard]] bool has_open_files(const file_operations& folder) const noexcept;

  /// `create`, `remove` and `measure` need an attached place; of `remove` and `measure` one at a
  /// time for each.
  void submit(file_request request) override;
  /// For the folders that there are, and those that come.
  base::error_code add_memory(std::span<std::byte> memory) override;
  void remove_memory(std::span<std::byte> memory) override;

  /// To be told of every completion before the next `submit`.
  void on_completion(const file_completion& done) noexcept;

 private:
  template <class Act>
  void each_folder(Act act) const;
  using folder_ptr = std::shared_ptr<file_operations>;  // shared by its place and by open files

  std::array<folder_ptr, places_max> attached_;
  std::array<folder_ptr, open_files_max> slots_;
  std::array<folder_ptr, places_max> removing_;
  std::array<folder_ptr, places_max> measuring_;
  std::vector<std::span<std::byte>> memory_;
};

}  // namespace captured::storage
