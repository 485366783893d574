// SPDX-License-Identifier: MIT
#include <algorithm>
#include <thread>

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "storage/file_operations.hpp"
#include "storage/output_directory.hpp"
#include "support/catch.hpp"
#include "support/faulty_calls.hpp"
#include "support/temporary_folder.hpp"

using namespace captured;
using namespace std::chrono_literals;
using storage::file_origin;
using storage::output_directory;
using storage::previous_file;
using testing::temporary_folder;
using strings = std::vector<std::string>;

namespace {

const std::string pattern = "%Y-{output}-{sequence}";

output_directory opened(const temporary_folder& folder) {
  auto directory = output_directory::open(folder.path().string(), false);
  REQUIRE(directory.has_value());
  return std::move(*directory);
}

/// Files of these tests say "output sequence" at their beginning.
std::optional<file_origin> read_origin(const std::string& /*name*/,
                                       std::span<const std::byte> octets) {
  const std::string text(reinterpret_cast<const char*>(octets.data()), octets.size());
  const auto space = text.find(' ');
  if (space == std::string::npos) {
    return std::nullopt;
  }
  return file_origin{text.substr(0, space), std::stoull(text.substr(space + 1))};
}

std::optional<previous_file> previous(const output_directory& directory,
                                      const storage::origin_reader& reader = read_origin) {
  const auto found =
      directory.find_previous(*storage::file_name::parse(pattern, "main"), "main", reader);
  REQUIRE(found.has_value());
  return *found;
}

storage::own_files own() {
  return {.names = *storage::file_name::parse(pattern, "main"),
          .output = "main",
          .read_origin = read_origin,
          .names_tell_output = true};
}

void set_changed(const temporary_folder& folder, const std::string& name, std::time_t seconds) {
  const timespec times[2] = {{seconds, 0}, {seconds, 0}};
  REQUIRE(::utimensat(AT_FDCWD, (folder.path() / name).c_str(), times, 0) == 0);
}

}  // namespace

TEST_CASE("a missing folder is made with those above it, for owner and group alone") {
  const temporary_folder folder;
  const auto path = folder.path() / "a" / "b" / "c";
  for (const auto* const end : {"", "/", "//", "/."}) {
    const auto directory = output_directory::open(path.string() + end, false);
    REQUIRE(directory.has_value());
    CHECK(directory->path() == path.string() + end);
  }
  struct stat status {};
  REQUIRE(::stat(path.c_str(), &status) == 0);
  CHECK(S_ISDIR(status.st_mode));
  CHECK((status.st_mode & 0777 & ~0750u) == 0);
}

TEST_CASE("what is not a folder is refused with its name and the cause") {
  const temporary_folder folder;
  folder.write("file", "x");
  const auto why = [](const std::string& path) {
    return output_directory::open(path, false).error().message();
  };
  const auto file = (folder.path() / "file").string();
  CHECK(why(file) == "open directory " + file + ": Not a directory");
  CHECK(why(file + "/x") == "open directory " + file + "/x: Not a directory");
  CHECK(why("") == "open directory : No such file or directory");
  const auto loop = folder.path() / "loop";
  std::filesystem::create_symlink(loop, loop);
  CHECK(why(loop.string()) ==
        "open directory " + loop.string() + ": Too many levels of symbolic links");
  CHECK(why((loop / "x").string()).find("Too many levels") != std::string::npos);
}

TEST_CASE("a folder on the root file system is refused when a mount is required") {
  const auto why = output_directory::open("/", true);
  REQUIRE_FALSE(why.has_value());
  CHECK(why.error().message() ==
        "open directory /: it lies on the root file system, and require_mount is on");
}

TEST_CASE("a missing folder on the root file system is not made when a mount is required") {
  const std::string top = "/captured-test-" + std::to_string(::getpid());
  CHECK_FALSE(output_directory::open(top + "/a", true).has_value());
  CHECK_FALSE(std::filesystem::exists(top));
}

TEST_CASE("a mounted file system satisfies require_mount, a bind mount of the root does not") {
  bool may_mount = true;
  bool bind_refused = false;
  bool mount_accepted = false;
  const temporary_folder folder;
  // In a thread with mounts of its own, which end with it.
  std::thread([&] {
    const char* const path = folder.path().c_str();
    may_mount = ::unshare(CLONE_NEWNS) == 0 &&
                ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
                ::mount(path, path, nullptr, MS_BIND, nullptr) == 0;
    if (may_mount) {
      bind_refused = !output_directory::open(folder.path().string(), true).has_value();
      may_mount = ::mount("captured-test", path, "tmpfs", 0, "size=1m") == 0;
      mount_accepted = output_directory::open(folder.path().string() + "/a/b", true).has_value();
    }
  }).join();
  struct stat root {};
  struct stat here {};
  REQUIRE(::stat("/", &root) == 0);
  REQUIRE(::stat(folder.path().c_str(), &here) == 0);
  if (!may_mount || root.st_dev != here.st_dev) {
    WARN("SKIPPED: needs the right to mount, and temporary files on the root file system");
    return;
  }
  CHECK(bind_refused);
  CHECK(mount_accepted);
}

TEST_CASE("listed are regular files that hold packets, with their sizes and times") {
  const temporary_folder folder;
  folder.write("a.pcapng", "12345");
  folder.write("b.pcapng.part", "");
  folder.write("c.pcapng.zst", "1");
  folder.write("d.txt", "1");
  folder.write(".e.pcapng", "1");
  std::filesystem::create_directory(folder.path() / "f.pcapng");
  std::filesystem::create_symlink("a.pcapng", folder.path() / "g.pcapng");
  REQUIRE(::mkfifo((folder.path() / "h.pcapng").c_str(), 0600) == 0);
  set_changed(folder, "a.pcapng", 1519128000);
  auto files = opened(folder).files();
  REQUIRE(files.has_value());
  std::ranges::sort(*files, {}, &storage::directory_file::name);
  REQUIRE(files->size() == 3);
  CHECK((*files)[0].name == "a.pcapng");
  CHECK((*files)[0].size_bytes == 5);
  CHECK((*files)[0].allocated_bytes % 512 == 0);
  CHECK((*files)[0].changed == base::wall_time(1519128000s));
  CHECK((*files)[1].name == "b.pcapng.part");
  CHECK((*files)[2].name == "c.pcapng.zst");
}

TEST_CASE("a folder can be listed again and again") {
  const temporary_folder folder;
  folder.write("a.pcapng", "1");
  const auto directory = opened(folder);
  for (int i = 0; i < 3; ++i) {
    CHECK(directory.files()->size() == 1);
  }
}

TEST_CASE("a folder that others renamed is still the one that was opened") {
  const temporary_folder folder;
  std::filesystem::create_directory(folder.path() / "a");
  const auto directory = output_directory::open((folder.path() / "a").string(), false);
  REQUIRE(directory.has_value());
  std::filesystem::rename(folder.path() / "a", folder.path() / "b");
  folder.write("b/x.pcapng", "1");
  CHECK(directory->files()->size() == 1);
  CHECK(directory->remove("x.pcapng").has_value());
  CHECK(directory->files()->empty());
}

TEST_CASE("in an empty folder, or one of others, there is no previous file") {
  const temporary_folder folder;
  CHECK_FALSE(previous(opened(folder)).has_value());
  folder.write("2018-other-000007.pcapng", "no-origin");
  folder.write("notes.txt", "main 9");
  CHECK_FALSE(previous(opened(folder)).has_value());
}

TEST_CASE("the previous file is the one with the highest sequence, whatever it is called") {
  const temporary_folder folder;
  folder.write("2018-main-000007.pcapng", "main 7");
  folder.write("renamed.pcapng", "main 12");
  folder.write("2018-main-000009.pcapng.part", "no-origin");
  CHECK(previous(opened(folder)) == previous_file{12, "renamed.pcapng"});
}

TEST_CASE("a file's own word counts more than its name") {
  const temporary_folder folder;
  folder.write("2018-main-000099.pcapng", "other 99");
  folder.write("2018-main-000098.pcapng", "main 3");
  CHECK(previous(opened(folder)) == previous_file{3, "2018-main-000098.pcapng"});
}

TEST_CASE("of two files with one number the one that was not set aside is the previous one") {
  const temporary_folder folder;
  const std::string finished = "2018-main-000002.pcapng";
  const std::string aside = "2017-main-000002.pcapng.damaged";
  const auto written = [&folder](const std::string& name, const std::string& text, int when) {
    folder.write(name, text);
    set_changed(folder, name, 1519128000 + when);
  };
  for (const int aside_is_newer : {0, 1}) {
    for (const auto* const finished_says : {"main 2", ""}) {
      written(finished, finished_says, 1 - aside_is_newer);
      written(aside, "main 2", aside_is_newer);
      CHECK(previous(opened(folder)) == previous_file{2, finished});
    }
  }
  written("2016-main-000003.pcapng.damaged", "main 3", 0);
  CHECK(previous(opened(folder)) == previous_file{3, "2016-main-000003.pcapng.damaged"});
}

TEST_CASE("names alone give the sequence of files that cannot be read") {
  const temporary_folder folder;
  folder.write("2018-main-000002.pcapng", "");
  const auto nothing = [](const std::string& /*name*/, std::span<const std::byte> /*octets*/) {
    return std::optional<file_origin>{};
  };
  CHECK(previous(opened(folder), nothing) == previous_file{2, "2018-main-000002.pcapng"});
}

TEST_CASE("only the newest files are read, the others are judged by name") {
  const temporary_folder folder;
  for (int i = 1; i <= 100; ++i) {
    const std::string name = "x" + std::to_string(i) + ".pcapng";
    folder.write(name, "main " + std::to_string(i <= 36 ? 1000 + i : i));
    set_changed(folder, name, 1519128000 + i);
  }
  folder.write("2018-main-000200.pcapng", "other 1");
  set_changed(folder, "2018-main-000200.pcapng", 1);
  std::size_t reads = 0;
  const auto counting = [&reads](const std::string& name, std::span<const std::byte> octets) {
    ++reads;
    return read_origin(name, octets);
  };
  CHECK(previous(opened(folder), counting) == previous_file{200, "2018-main-000200.pcapng"});
  CHECK(reads == 64);
  CHECK(opened(folder).remove("2018-main-000200.pcapng").has_value());
  CHECK(previous(opened(folder)) == previous_file{100, "x100.pcapng"});
}

TEST_CASE("no more than the beginning of a file is read") {
  const temporary_folder folder;
  folder.write("a.pcapng", std::string(100000, 'x'));
  folder.write("b.pcapng", std::string(65535, 'x'));
  std::vector<std::size_t> sizes;
  previous(opened(folder),
           [&sizes](const std::string& /*name*/, std::span<const std::byte> octets) {
             sizes.push_back(octets.size());
             return std::optional<file_origin>{};
           });
  std::ranges::sort(sizes);
  CHECK(sizes == std::vector<std::size_t>{65535, 65536});
}

TEST_CASE("a forged sequence cannot make the next one run over") {
  const temporary_folder folder;
  folder.write("a.pcapng", "main 18446744073709551615");
  folder.write("b.pcapng", "main 1000000000000000");
  folder.write("c.pcapng", "main 5");
  CHECK(previous(opened(folder)) == previous_file{5, "c.pcapng"});
}

TEST_CASE("what an earlier life made ready is removed, for this output alone") {
  const temporary_folder folder;
  folder.write(storage::prepared_name("main", 1), "");
  folder.write(storage::prepared_name("main", 2), "");
  folder.write(storage::prepared_name("other", 1), "");
  folder.write("2018-main-000002.pcapng", "");
  std::filesystem::create_directory(folder.path() / storage::prepared_name("main", 3));
  CHECK(opened(folder).remove_prepared(own()).value().removed == 2);
  CHECK(folder.names() ==
        strings{".main-000003.next", ".other-000001.next", "2018-main-000002.pcapng"});
  CHECK(opened(folder).remove_prepared(own()).value().removed == 0);
}

TEST_CASE("removing a file that is gone is no error, removing a folder is") {
  const temporary_folder folder;
  const auto directory = opened(folder);
  CHECK(directory.remove("gone").has_value());
  std::filesystem::create_directory(folder.path() / "sub");
  const auto refused = directory.remove("sub");
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().context == "remove " + folder.path().string() + "/sub");
}

TEST_CASE("free space is told in octets") {
  const temporary_folder folder;
  const auto space = opened(folder).space();
  REQUIRE(space.has_value());
  CHECK(space->total_bytes > 0);
  CHECK(space->available_bytes <= space->total_bytes);
  CHECK(std::filesystem::space(folder.path()).capacity == space->total_bytes);
}

TEST_CASE("a file of which the disk tells nothing has its number, and is none to be removed") {
  const temporary_folder folder;
  folder.write("2018-main-000001.pcapng", "main 1");
  folder.write("2018-main-000002.pcapng.damaged", "");
  const auto calls = std::make_shared<testing::faulty_calls>();
  const auto directory = output_directory::open(folder.path().string(), false, {}, calls);
  REQUIRE(directory.has_value());
  CHECK(previous(*directory) == previous_file{1, "2018-main-000001.pcapng"});
  CHECK(directory->find_kept(own()).value().files.size() == 2);
  calls->fail_all("look_at", EIO);
  CHECK(previous(*directory) == previous_file{2, "2018-main-000002.pcapng.damaged"});
  const auto untold = directory->find_kept(own());
  CHECK(untold.value().files.empty());
  CHECK(untold.value().unknown.size() == 2);
  CHECK_FALSE(directory->exists("2018-main-000001.pcapng").has_value());
}

TEST_CASE("kept files are the finished ones of this output, by name or by what they say") {
  const temporary_folder folder;
  folder.write("2026-main-000001.pcapng", "");  // believed for its name
  folder.write("2026-main-000002.pcapng.damaged", "cut");
  folder.write("2026-main-000003.pcapng.part", "main 3");
  folder.write("2026-main-000004.pcapng.gz", "main 4");
  folder.write("2026-other-000005.pcapng", "other 5");
  folder.write("renamed.pcapng", "main 6");
  folder.write("foreign.pcapng", "nothing");
  folder.write("2026-main-000001.pcapng.pin", "");
  REQUIRE(::symlink("renamed.pcapng", (folder.path() / "2026-main-000007.pcapng").c_str()) == 0);
  const auto kept = opened(folder).find_kept(own());
  REQUIRE(kept.has_value());
  strings names;
  for (const auto& one : kept->files) {
    names.push_back(one.name);
  }
  std::ranges::sort(names);
  CHECK(names ==
        strings{"2026-main-000001.pcapng", "2026-main-000002.pcapng.damaged", "renamed.pcapng"});
  auto unnamed = own();
  unnamed.names_tell_output = false;
  CHECK(opened(folder).find_kept(unnamed)->files.size() == 1);
}

TEST_CASE("only a finished file that says it is ours, and has no pin, may be removed") {
  const temporary_folder folder;
  folder.write("2026-main-000001.pcapng", "main 1");
  folder.write("2026-main-000002.pcapng", "other 2");
  folder.write("2026-main-000003.pcapng", "nothing");
  folder.write("2026-main-000004.pcapng.part", "main 4");
  folder.write("2026-main-000005.pcapng.damaged", "");
  folder.write("x.pcapng.damaged", "");
  folder.write("pinned.pcapng", "main 6");
  folder.write("pinned.pcapng.pin", "");
  REQUIRE(::symlink("2026-main-000001.pcapng", (folder.path() / "link.pcapng").c_str()) == 0);
  const auto directory = opened(folder);
  const auto answer = [&](const char* name) {
    return directory.check_removable(name, own()).value();
  };
  CHECK(answer("2026-main-000001.pcapng") == 0);
  CHECK(answer("gone.pcapng") == 0);
  CHECK(answer("2026-main-000002.pcapng") == storage::not_ours_error);
  CHECK(answer("2026-main-000003.pcapng") == storage::not_ours_error);
  CHECK(answer("2026-main-000004.pcapng.part") == storage::not_ours_error);
  CHECK(answer("2026-main-000005.pcapng.damaged") == 0);
  CHECK(answer("x.pcapng.damaged") == storage::not_ours_error);
  CHECK(answer("link.pcapng") == storage::not_ours_error);
  CHECK(answer("pinned.pcapng") == storage::pinned_error);
  std::filesystem::remove(folder.path() / "pinned.pcapng.pin");
  CHECK(answer("pinned.pcapng") == 0);
}

TEST_CASE("a duplicate of the folder lives on its own") {
  const temporary_folder folder;
  base::unique_fd copy;
  {
    const auto directory = opened(folder);
    copy = directory.duplicate().value();
  }
  CHECK(::faccessat(copy.get(), ".", F_OK, 0) == 0);
  CHECK((::fcntl(copy.get(), F_GETFD) & FD_CLOEXEC) != 0);
}
