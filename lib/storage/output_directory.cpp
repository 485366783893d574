// SPDX-License-Identifier: MIT
#include "storage/output_directory.hpp"

#include <algorithm>
#include <cerrno>
#include <memory>

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "storage/file_operations.hpp"

namespace captured::storage {

namespace {

constexpr int open_flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC;

/// File system and mount of a path (or of `fd` itself when the path is empty).
struct place {
  std::uint32_t device_major = 0;
  std::uint32_t device_minor = 0;
  std::uint64_t mount = 0;  // 0 where the kernel (before 5.8) does not tell
};

base::result<place> place_of(int fd, const char* path, const std::string& context) {
  struct statx status {};
  if (::statx(fd, path, AT_EMPTY_PATH, STATX_MNT_ID, &status) < 0) {
    return base::system_failure(errno, context);
  }
  const bool has_mount = (status.stx_mask & STATX_MNT_ID) != 0;
  return place{status.stx_dev_major, status.stx_dev_minor, has_mount ? status.stx_mnt_id : 0};
}

base::result<void> check_mounted(int fd, const char* path, const std::string& context) {
  const auto here = place_of(fd, path, context);
  if (!here) {
    return here.error();
  }
  const auto root = place_of(AT_FDCWD, "/", "look at /");
  if (!root) {
    return root.error();
  }
  const bool same_device =
      here->device_major == root->device_major && here->device_minor == root->device_minor;
  const bool same_mount = here->mount != 0 && here->mount == root->mount;
  if (same_device || same_mount) {
    return base::invalid_input(context, "it lies on the root file system, and require_mount is on");
  }
  return {};
}

/// The longest beginning of the path that exists; "." or "/" at the least.
std::string existing_part(std::string path) {
  while (::access(path.c_str(), F_OK) != 0) {
    const auto slash = path.find_last_of('/');
    if (slash == std::string::npos) {
      return ".";
    }
    path.resize(std::max<std::size_t>(slash, 1));
    if (slash == 0) {
      break;
    }
  }
  return path;
}

/// Makes the folder and those above it.
base::result<void> make_folders(const std::string& path, const file_rights& rights) {
  for (std::size_t end = 0; end != std::string::npos;) {
    end = path.find('/', end + 1);
    const auto part = path.substr(0, end);
    if (::mkdir(part.c_str(), folder_mode(rights)) == 0) {
      const base::unique_fd made(::open(part.c_str(), open_flags | O_NOFOLLOW));
      const int error = made ? apply_rights(made.get(), rights, folder_mode(rights)) : errno;
      if (error != 0) {
        return base::system_failure(error, "give directory " + part + " its group");
      }
    } else if (errno != EEXIST) {
      const int error = errno;
      // On a read-only disk mkdir says so even of folders that are there.
      if (::access(part.c_str(), F_OK) != 0) {
        return base::system_failure(error, "make directory " + part);
      }
    }
  }
  return {};
}

bool is_capture_name(std::string_view name) {
  return !name.starts_with('.') && name.find(final_suffix) != std::string_view::npos;
}

bool is_finished_name(std::string_view name) {
  return !name.starts_with('.') &&
         (name.ends_with(final_suffix) ||
          (name.ends_with(damaged_suffix) && name.find(final_suffix) != std::string_view::npos));
}

bool is_named_as_ours(std::string_view name, const own_files& own) {
  return own.names_tell_output && own.names.sequence_of(name).has_value();
}

/// Takes the one with the higher sequence; of two with the same one, that which says so itself.
void keep_later(std::optional<previous_file>& last, const previous_file& other,
                bool says_so_itself) {
  if (other.sequence <= sequence_max && (!last || other.sequence > last->sequence ||
                                         (says_so_itself && other.sequence == last->sequence))) {
    last = other;
  }
}

}  // namespace

base::result<output_directory> output_directory::open(const std::string& path, bool require_mount,
                                                      const file_rights& rights) {
  const std::string context = "open directory " + path;
  base::unique_fd fd(::open(path.c_str(), open_flags));
  if (!fd && errno == ENOENT && !path.empty()) {
    if (require_mount) {
      if (auto mounted = check_mounted(AT_FDCWD, existing_part(path).c_str(), context); !mounted) {
        return mounted.error();
      }
    }
    if (auto made = make_folders(path, rights); !made) {
      return made.error();
    }
    fd.reset(::open(path.c_str(), open_flags));
  }
  if (!fd) {
    return base::system_failure(errno, context);
  }
  if (require_mount) {
    if (auto mounted = check_mounted(fd.get(), "", context); !mounted) {
      return mounted.error();
    }
  }
  return output_directory(path, std::move(fd));
}

base::result<base::unique_fd> output_directory::duplicate() const {
  base::unique_fd copy(::fcntl(fd_.get(), F_DUPFD_CLOEXEC, 0));
  if (!copy) {
    return base::system_failure(errno, "duplicate the descriptor of " + path_);
  }
  return copy;
}

base::result<std::vector<std::string>> output_directory::names() const {
  const std::string context = "list directory " + path_;
  // Opened anew, since the position of a listing belongs to the open file.
  base::unique_fd listing(::openat(fd_.get(), ".", open_flags));
  if (!listing) {
    return base::system_failure(errno, context);
  }
  const std::unique_ptr<DIR, int (*)(DIR*)> stream(::fdopendir(listing.get()), &::closedir);
  if (!stream) {
    return base::system_failure(errno, context);
  }
  static_cast<void>(listing.release());  // the stream closes it
  std::vector<std::string> all;
  for (;;) {
    errno = 0;
    const dirent* const entry = ::readdir(stream.get());
    if (entry == nullptr) {
      break;
    }
    all.emplace_back(static_cast<const char*>(entry->d_name));
  }
  if (errno != 0) {
    return base::system_failure(errno, context);
  }
  return all;
}

std::optional<directory_file> output_directory::look_at(const std::string& name) const {
  struct stat status {};
  if (::fstatat(fd_.get(), name.c_str(), &status, AT_SYMLINK_NOFOLLOW) < 0 ||
      !S_ISREG(status.st_mode)) {
    return std::nullopt;
  }
  const auto changed = std::chrono::seconds(status.st_mtim.tv_sec) +
                       std::chrono::nanoseconds(status.st_mtim.tv_nsec);
  return directory_file{name, static_cast<std::uint64_t>(status.st_size),
                        static_cast<std::uint64_t>(status.st_blocks) * 512,
                        base::wall_time(changed)};
}

base::result<std::vector<directory_file>> output_directory::files() const {
  const auto all = names();
  if (!all) {
    return all.error();
  }
  std::vector<directory_file> found;
  for (const auto& name : *all) {
    if (!is_capture_name(name)) {
      continue;
    }
    if (auto file = look_at(name)) {
      found.push_back(std::move(*file));
    }
  }
  return found;
}

std::optional<std::vector<std::byte>> output_directory::read_beginning(
    const std::string& name) const {
  // Non-blocking: should the name have become a pipe meanwhile, opening it must not wait.
  const base::unique_fd file(
      ::openat(fd_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  if (!file) {
    return std::nullopt;
  }
  std::vector<std::byte> beginning(origin_bytes_max);
  std::size_t filled = 0;
  while (filled < beginning.size()) {
    const auto count = ::pread(file.get(), beginning.data() + filled, beginning.size() - filled,
                               static_cast<off_t>(filled));
    if (count < 0 && errno == EINTR) {
      continue;
    }
    if (count < 0) {
      return std::nullopt;
    }
    if (count == 0) {
      break;
    }
    filled += static_cast<std::size_t>(count);
  }
  beginning.resize(filled);
  return beginning;
}

base::result<std::optional<previous_file>> output_directory::find_previous(
    const file_name& names, std::string_view output, const origin_reader& read_origin) const {
  auto all = files();
  if (!all) {
    return all.error();
  }
  const std::size_t read_count = std::min(origins_max, all->size());
  const auto newest_end = all->begin() + static_cast<std::ptrdiff_t>(read_count);
  std::ranges::partial_sort(*all, newest_end, std::ranges::greater{}, &directory_file::changed);
  std::optional<previous_file> last;
  for (auto file = all->begin(); file != all->end(); ++file) {
    if (file < newest_end) {
      const auto beginning = read_beginning(file->name);
      const auto origin = beginning ? read_origin(*beginning) : std::nullopt;
      if (origin) {
        if (origin->output == output) {
          keep_later(last, {origin->sequence, file->name}, true);
        }
        continue;
      }
    }
    // An empty file that was set aside never was one of the series: its number is free.
    if (file->size_bytes == 0 && file->name.ends_with(damaged_suffix)) {
      continue;
    }
    if (const auto sequence = names.sequence_of(file->name)) {
      keep_later(last, {*sequence, file->name}, false);
    }
  }
  return last;
}

base::result<std::vector<kept_file>> output_directory::find_kept(const own_files& own) const {
  auto all = files();
  if (!all) {
    return all.error();
  }
  std::ranges::sort(*all, std::ranges::less{}, &directory_file::changed);
  std::vector<kept_file> kept;
  std::size_t reads_left = unnamed_files_max;
  for (directory_file& file : *all) {
    if (!is_finished_name(file.name)) {
      continue;
    }
    if (!is_named_as_ours(file.name, own)) {
      if (reads_left == 0 || (--reads_left, !says_it_is_ours(file.name, own))) {
        continue;
      }
    }
    kept.push_back(
        {std::move(file.name), file.size_bytes, file.allocated_bytes, file.changed, false});
  }
  return kept;
}

base::result<std::vector<open_part>> output_directory::find_parts(const own_files& own) const {
  auto all = files();
  if (!all) {
    return all.error();
  }
  std::ranges::sort(*all, std::ranges::less{}, &directory_file::changed);
  std::vector<open_part> parts;
  for (const directory_file& file : *all) {
    if (!file.name.ends_with(part_suffix)) {
      continue;
    }
    const auto beginning = read_beginning(file.name);
    const auto origin = beginning ? own.read_origin(*beginning) : std::nullopt;
    if (origin ? origin->output == own.output : is_named_as_ours(file.name, own)) {
      parts.push_back({file.name, origin.has_value()});
    }
  }
  return parts;
}

bool output_directory::exists(const std::string& name) const {
  return ::faccessat(fd_.get(), name.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

bool output_directory::says_it_is_ours(const std::string& name, const own_files& own) const {
  const auto beginning = read_beginning(name);
  const auto origin = beginning ? own.read_origin(*beginning) : std::nullopt;
  return origin && origin->output == own.output;
}

base::error_code output_directory::check_removable(const std::string& name,
                                                   const own_files& own) const {
  const auto code = [](int error) {
    return base::error_code(error, boost::system::system_category());
  };
  errno = 0;  // looking fails without one when it is no regular file
  const auto file = look_at(name);
  if (!file) {
    return errno == ENOENT ? base::error_code() : code(not_ours_error);
  }
  const bool is_damaged = name.ends_with(damaged_suffix);
  if (!is_finished_name(name) ||
      !(says_it_is_ours(name, own) || (is_damaged && is_named_as_ours(name, own)))) {
    return code(not_ours_error);
  }
  const std::string pin = name + std::string(pin_suffix);
  if (::faccessat(fd_.get(), pin.c_str(), F_OK, AT_SYMLINK_NOFOLLOW) == 0) {
    return code(pinned_error);
  }
  return errno == ENOENT ? base::error_code() : code(errno);
}

base::result<std::size_t> output_directory::remove_prepared(std::string_view output) const {
  const auto all = names();
  if (!all) {
    return all.error();
  }
  std::size_t removed = 0;
  for (const auto& name : *all) {
    const auto file = is_prepared_name(name, output) ? look_at(name) : std::nullopt;
    if (!file) {
      continue;
    }
    if (file->size_bytes > 0 && holds_section(name)) {
      // It was in use: a power cut took its new name, which had not reached the disk.
      if (auto kept = keep_prepared(name); !kept) {
        return kept.error();
      }
      continue;
    }
    if (auto gone = remove(name); !gone) {
      return gone.error();
    }
    ++removed;
  }
  return removed;
}

base::result<void> output_directory::remove(const std::string& name) const {
  if (::unlinkat(fd_.get(), name.c_str(), 0) < 0 && errno != ENOENT) {
    return base::system_failure(errno, "remove " + path_ + "/" + name);
  }
  return {};
}

base::result<disk_space> output_directory::space() const {
  struct statvfs status {};
  if (::fstatvfs(fd_.get(), &status) < 0) {
    return base::system_failure(errno, "ask for the free space of " + path_);
  }
  return disk_space{std::uint64_t{status.f_blocks} * status.f_frsize,
                    std::uint64_t{status.f_bavail} * status.f_frsize};
}

}  // namespace captured::storage
