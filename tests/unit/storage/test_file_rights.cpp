// SPDX-License-Identifier: MIT
#include <cerrno>
#include <filesystem>
#include <string>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/unique_fd.hpp"
#include "storage/file_rights.hpp"
#include "storage/output_claim.hpp"
#include "storage/output_directory.hpp"
#include "storage/system_calls.hpp"
#include "support/catch.hpp"
#include "support/temporary_folder.hpp"

using namespace captured;
using namespace captured::storage;
using captured::testing::temporary_folder;

namespace {

constexpr gid_t some_group = 54321;

struct stat look(const std::filesystem::path& path) {
  struct stat status {};
  REQUIRE(::lstat(path.c_str(), &status) == 0);
  return status;
}

/// The process's umask for a while.
class with_umask {
 public:
  explicit with_umask(mode_t mask) : before_(::umask(mask)) {}
  ~with_umask() { ::umask(before_); }
  with_umask(const with_umask&) = delete;
  with_umask& operator=(const with_umask&) = delete;

 private:
  mode_t before_;
};

}  // namespace

TEST_CASE("files and folders have the mode that was asked for, whatever the umask") {
  const temporary_folder folder;
  for (const mode_t mask : {0000u, 0022u, 0077u}) {
    const with_umask umask(mask);
    for (const std::uint32_t mode : {0600u, 0640u, 0644u, 0660u}) {
      const file_rights rights{.mode = mode};
      const std::string name = std::to_string(mask) + "-" + std::to_string(mode);
      const auto path = folder.path() / name / "below";
      REQUIRE(output_directory::open(path.string(), false, rights).has_value());
      CHECK((look(path).st_mode & 07777) == folder_mode(rights));
      CHECK((look(path.parent_path()).st_mode & 07777) == folder_mode(rights));
      const base::unique_fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY));
      system_calls calls(rights);
      const auto made = calls.create(fd.get(), "file");
      REQUIRE(made.error == 0);
      ::close(static_cast<int>(made.value));
      CHECK((look(path / "file").st_mode & 07777) == mode);
    }
  }
  CHECK(folder_mode({.mode = 0640}) == 0750);
  CHECK(folder_mode({.mode = 0600}) == 0700);
}

TEST_CASE("a folder that is there keeps its mode") {
  const temporary_folder folder;
  std::filesystem::create_directory(folder.path() / "mine");
  REQUIRE(::chmod((folder.path() / "mine").c_str(), 0777) == 0);
  REQUIRE(output_directory::open((folder.path() / "mine").string(), false).has_value());
  CHECK((look(folder.path() / "mine").st_mode & 07777) == 0777);
}

TEST_CASE("files and folders are given to the group, and who may not is told at once") {
  const temporary_folder folder;
  const file_rights rights{.mode = 0640, .group = some_group};
  const auto path = folder.path() / "made";
  const auto opened = output_directory::open(path.string(), false, rights);
  if (::geteuid() != 0) {
    CHECK_FALSE(opened.has_value());
    return;
  }
  REQUIRE(opened.has_value());
  CHECK(look(path).st_gid == some_group);
  const base::unique_fd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY));
  const auto claim = claim_output(fd.get(), path.string(), "main", rights);
  REQUIRE(claim.has_value());
  CHECK(look(path / ".main.lock").st_gid == some_group);
  system_calls calls(rights);
  const auto made = calls.create(fd.get(), "file");
  REQUIRE(made.error == 0);
  ::close(static_cast<int>(made.value));
  CHECK(look(path / "file").st_gid == some_group);
  CHECK((look(path / "file").st_mode & 07777) == 0640);
}

TEST_CASE("a file is never made through a symbolic link, nor over another file") {
  const temporary_folder folder;
  folder.write("victim", "precious");
  std::filesystem::create_symlink(folder.path() / "victim", folder.path() / "to-file");
  std::filesystem::create_symlink(folder.path() / "nowhere", folder.path() / "to-nothing");
  const auto fd = folder.open();
  system_calls calls({.mode = 0666});
  for (const char* const name : {"to-file", "to-nothing", "victim"}) {
    CHECK(calls.create(fd.get(), name).error == EEXIST);
    CHECK(calls.rename(fd.get(), "victim", name).error == EEXIST);
  }
  CHECK(std::filesystem::file_size(folder.path() / "victim") == 8);
  CHECK_FALSE(std::filesystem::exists(folder.path() / "nowhere"));
  std::filesystem::create_symlink(folder.path() / "nowhere", folder.path() / ".main.lock");
  CHECK_FALSE(claim_output(fd.get(), folder.path().string(), "main").has_value());
  CHECK_FALSE(std::filesystem::exists(folder.path() / "nowhere"));
}
