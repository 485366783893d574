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
  /// New files of the place are made here from now on. Fails as add_memory does, and is attached
  /// all the same.
  base::error_code attach(std::uint32_t place, std::shared_ptr<file_operations> folder);
  /// The place has no folder now.
  void detach(std::uint32_t place) noexcept { attached_[place].reset(); }
  [[nodiscard]] bool is_attached(std::uint32_t place) const noexcept {
    return attached_[place] != nullptr;
  }

  /// `create`, `remove` and `measure` need an attached place; `remove` and `measure` of one place
  /// that are under way in different folders need different tokens.
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
  /// Acts without an open file that are under way.
  struct asked {
    file_action action;
    std::uint32_t place;
    std::uint64_t token;
    folder_ptr folder;
  };
  std::vector<asked> asked_;
  std::vector<std::span<std::byte>> memory_;
};

}  // namespace captured::storage
