// SPDX-License-Identifier: MIT
#include "storage/output_directory.hpp"

#include <algorithm>
#include <cerrno>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/file_operations.hpp"
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

base::result<bool> output_directory::exists(const std::string& name) const {
  file_facts facts;
  const int error = look(name, facts);
  if (error != 0 && error != ENOENT) {
    return base::system_failure(error, "look at " + path_ + "/" + name);
  }
  return error == 0;
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
