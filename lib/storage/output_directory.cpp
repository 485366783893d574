// SPDX-License-Identifier: MIT
#include "storage/output_directory.hpp"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/file_operations.hpp"
#include "storage/paired_file.hpp"
#include "storage/retried.hpp"

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

bool is_capture_name(std::string_view name, std::string_view extension) {
  return !name.starts_with('.') && !name.ends_with(pin_suffix) &&
         name.find(extension) != std::string_view::npos;
}

bool is_finished_name(std::string_view name, std::string_view extension) {
  return !name.starts_with('.') &&
         (name.ends_with(extension) ||
          (name.ends_with(damaged_suffix) && name.find(extension) != std::string_view::npos));
}

/// Of what has lost its name and got another one (remove_prepared).
std::optional<std::uint64_t> sequence_of_renamed(std::string_view name, const own_files& own) {
  const auto kept = file_name::parse("{output}-{sequence}", own.output, own.names.extension());
  return kept ? kept->sequence_of(name) : std::nullopt;
}

/// By the template, or as what has lost its name.
bool is_named_as_ours(std::string_view name, const own_files& own) {
  return (own.names_tell_output && own.names.sequence_of(name)) ||
         sequence_of_renamed(name, own).has_value();
}

/// Takes the one with the higher sequence; of two with the same one, that which was not set aside,
/// and then that which says so itself.
void keep_later(std::optional<previous_file>& last, const previous_file& other,
                bool says_so_itself) {
  if (other.sequence > sequence_max) {
    return;
  }
  if (last && other.sequence == last->sequence) {
    const bool is_aside = other.name.ends_with(damaged_suffix);
    const bool last_is_aside = last->name.ends_with(damaged_suffix);
    if (is_aside != last_is_aside ? is_aside : !says_so_itself) {
      return;
    }
  } else if (last && other.sequence < last->sequence) {
    return;
  }
  last = other;
}

}  // namespace

base::result<output_directory> output_directory::open(const std::string& path, bool require_mount,
                                                      const file_rights& rights,
                                                      std::shared_ptr<system_calls> calls) {
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
  if (!calls) {
    calls = std::make_shared<system_calls>(rights);
  }
  return output_directory(path, std::move(fd), std::move(calls));
}

base::result<base::unique_fd> output_directory::duplicate() const {
  base::unique_fd copy(::fcntl(fd_.get(), F_DUPFD_CLOEXEC, 0));
  if (!copy) {
    return base::system_failure(errno, "duplicate the descriptor of " + path_);
  }
  return copy;
}

base::result<std::vector<std::string>> output_directory::names() const {
  std::vector<std::string> all;
  if (const auto listed = calls_->list(fd_.get(), all); listed.error != 0) {
    return base::system_failure(listed.error, "list directory " + path_);
  }
  return all;
}

int output_directory::look(const std::string& name, file_facts& facts) const {
  constexpr int attempts = 4;  // a disk in trouble may fail now and then
  int error = 0;
  for (int i = 0; i < attempts; ++i) {
    error = retried([&] { return calls_->look_at(fd_.get(), name.c_str(), facts); }).error;
    if (error == 0 || error == ENOENT) {
      break;
    }
  }
  return error;
}

std::optional<directory_file> output_directory::look_at(const std::string& name) const {
  file_facts facts;
  const int error = look(name, facts);
  if (error == 0 && !facts.is_regular) {
    return std::nullopt;
  }
  if (error != 0) {
    // A number that is taken stays taken, though nothing more can be said of its file.
    return error == ENOENT ? std::nullopt
                           : std::optional(directory_file{.name = name, .is_known = false});
  }
  return directory_file{name, facts.size_bytes, facts.allocated_bytes, facts.changed, true};
}

base::result<std::vector<directory_file>> output_directory::files(
    std::string_view extension) const {
  const auto all = names();
  if (!all) {
    return all.error();
  }
  std::vector<directory_file> found;
  for (const auto& name : *all) {
    if (!is_capture_name(name, extension)) {
      continue;
    }
    if (auto file = look_at(name)) {
      found.push_back(std::move(*file));
    }
  }
  return found;
}

base::result<std::vector<std::byte>> output_directory::read_beginning(
    const std::string& name) const {
  const auto open =
      retried([&] { return calls_->open(fd_.get(), name.c_str(), file_access::read); });
  if (open.error != 0) {
    return base::system_failure(open.error, "open " + path_ + "/" + name);
  }
  const base::unique_fd file(static_cast<int>(open.value));
  std::vector<std::byte> beginning(origin_bytes_max);
  std::size_t filled = 0;
  while (filled < beginning.size()) {
    const auto room = std::span(beginning).subspan(filled);
    const auto count = retried([&] { return calls_->read(file.get(), room, filled); });
    if (count.error != 0) {
      return base::system_failure(count.error, "read " + path_ + "/" + name);
    }
    if (count.value == 0) {
      break;
    }
    filled += static_cast<std::size_t>(count.value);
  }
  beginning.resize(filled);
  return beginning;
}

base::result<std::optional<previous_file>> output_directory::find_previous(
    const file_name& names, std::string_view output, const origin_reader& read_origin) const {
  auto all = files(names.extension());
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
      const auto origin = beginning ? read_origin(file->name, *beginning) : std::nullopt;
      if (origin) {
        if (origin->output == output) {
          keep_later(last, {origin->sequence, file->name}, true);
        }
        continue;
      }
    }
    // An empty file that was set aside never was one of the series: its number is free.
    if (file->is_known && file->size_bytes == 0 && file->name.ends_with(damaged_suffix)) {
      continue;
    }
    if (const auto sequence = names.sequence_of(file->name)) {
      keep_later(last, {*sequence, file->name}, false);
    }
  }
  return last;
}

base::result<kept_listing> output_directory::find_kept(const own_files& own) const {
  auto all = files(own.names.extension());
  if (!all) {
    return all.error();
  }
  std::ranges::sort(*all, std::ranges::less{}, &directory_file::changed);
  kept_listing kept;
  std::size_t reads_left = unnamed_files_max;
  for (directory_file& file : *all) {
    if (!is_finished_name(file.name, own.names.extension())) {
      continue;
    }
    if (!file.is_known) {
      kept.unknown.push_back(std::move(file.name));
      continue;
    }
    // Of too many to be read, the name must do: before one is removed it is read all the same.
    auto sequence =
        own.names_tell_output || reads_left == 0 ? own.names.sequence_of(file.name) : std::nullopt;
    if (!sequence && file.name.ends_with(damaged_suffix)) {
      sequence = sequence_of_renamed(file.name, own);  // it may have no beginning to say so
    }
    if (!sequence) {
      if (reads_left == 0) {
        continue;
      }
      --reads_left;
      const auto origin = origin_of(file.name, own);
      if (!origin || !*origin || (*origin)->output != own.output) {
        continue;
      }
      sequence = (*origin)->sequence;
    }
    if (const auto aside = own.with_sidecars ? look_at(sidecar_of(file.name)) : std::nullopt) {
      file.size_bytes += aside->size_bytes;
      file.allocated_bytes += aside->allocated_bytes;
    }
    kept.files.push_back({std::move(file.name), file.size_bytes, file.allocated_bytes, file.changed,
                          false, *sequence});
  }
  return kept;
}

base::result<std::vector<open_part>> output_directory::find_parts(const own_files& own) const {
  auto all = files(own.names.extension());
  if (!all) {
    return all.error();
  }
  std::ranges::sort(*all, std::ranges::less{}, &directory_file::changed);
  std::vector<open_part> parts;
  for (const directory_file& file : *all) {
    if (!file.name.ends_with(own.names.extension() + std::string(open_suffix))) {
      continue;
    }
    const auto origin = origin_of(file.name, own);
    const bool says = origin && origin->has_value();
    if (says ? (*origin)->output == own.output : is_named_as_ours(file.name, own)) {
      parts.push_back({file.name, says, origin ? std::nullopt : std::optional(origin.error())});
    }
  }
  return parts;
}

base::result<bool> output_directory::exists(const std::string& name) const {
  file_facts facts;
  const int error = look(name, facts);
  if (error != 0 && error != ENOENT) {
    return base::system_failure(error, "look at " + path_ + "/" + name);
  }
  return error == 0;
}

base::result<std::optional<file_origin>> output_directory::origin_of(const std::string& name,
                                                                     const own_files& own) const {
  const auto beginning = read_beginning(name);
  if (!beginning) {
    return beginning.error();
  }
  return own.read_origin(name, *beginning);
}

base::error_code output_directory::check_removable(const std::string& name,
                                                   const own_files& own) const {
  const auto code = [](int error) {
    return base::error_code(error, boost::system::system_category());
  };
  file_facts facts;
  if (const int looked = look(name, facts); looked != 0) {
    return looked == ENOENT ? base::error_code() : code(looked);
  }
  if (!facts.is_regular || !is_finished_name(name, own.names.extension())) {
    return code(not_ours_error);
  }
  if (!name.ends_with(damaged_suffix) || !is_named_as_ours(name, own)) {
    const auto origin = origin_of(name, own);
    if (!origin) {
      return origin.error().code;
    }
    if (!*origin || (*origin)->output != own.output) {
      return code(not_ours_error);
    }
  }
  const int pin_looked = look(name + std::string(pin_suffix), facts);
  if (pin_looked == 0) {
    return code(pinned_error);
  }
  return pin_looked == ENOENT ? base::error_code() : code(pin_looked);
}

base::result<void> output_directory::remove(const std::string& name) const {
  const int error = calls_->remove(fd_.get(), name.c_str()).error;
  if (error != 0 && error != ENOENT) {
    return base::system_failure(error, "remove " + path_ + "/" + name);
  }
  return {};
}

base::result<disk_space> output_directory::space() const {
  disk_space found;
  if (const auto asked = calls_->measure(fd_.get(), found); asked.error != 0) {
    return base::system_failure(asked.error, "ask for the free space of " + path_);
  }
  return found;
}

}  // namespace captured::storage
