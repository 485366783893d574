// SPDX-License-Identifier: MIT
// The sandbox from inside: a child process enters it by the daemon's own functions and tries.
#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <functional>
#include <thread>

#include <fcntl.h>
#include <linux/if_packet.h>
#include <netinet/in.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/unique_fd.hpp"
#include "daemon/sandbox.hpp"
#include "daemon/system_call_filter.hpp"
#include "recording_into.hpp"
#include "storage/output_directory.hpp"
#include "support/catch.hpp"
#include "support/forked.hpp"
#include "support/temporary_folder.hpp"

namespace captured {
namespace {

using daemon::enter_sandbox;
using test::recording_into;

/// "open: Permission denied" or "open: done".
std::string told(const char* what, long result) {
  return std::string(what) + ": " + (result < 0 ? std::strerror(errno) : "done") + "\n";
}

std::string entered(const settings::configuration& wanted, const std::string& file = {}) {
  std::string text;
  for (const std::string& each : enter_sandbox(wanted, file, "").warnings) {
    text += "WARNING " + each + "\n";
  }
  return text;
}

bool is_lacking(const std::string& text) {
  if (text.find("this kernel") == std::string::npos) {
    return false;
  }
  WARN("SKIPPED: " + text);
  return true;
}

std::string program_calls() {
  const std::array<char*, 1> none{nullptr};
  std::string text = told("execve", ::execve("/bin/true", none.data(), none.data()));
  text += told("fork", ::fork());
  text += told("vfork", ::syscall(SYS_clone, CLONE_VM | CLONE_VFORK, 0, 0, 0, 0));
  text += told("clone3", ::syscall(SYS_clone3, nullptr, 0));
  text += told("ptrace", ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr));
  text += told("look into another process", ::syscall(SYS_process_vm_readv, 1, 0, 0, 0, 0, 0));
  text += told("kill", ::kill(::getppid(), 0));
  return text;
}

std::string system_calls() {
  std::string text = told("mount", ::mount("none", "/mnt", "tmpfs", 0, nullptr));
  text += told("unshare", ::unshare(CLONE_NEWUSER));
  text += told("chroot", ::chroot("/"));
  text += told("setuid", ::syscall(SYS_setuid, 0));
  text += told("bpf", ::syscall(SYS_bpf, 0, nullptr, 0));
  text += told("load module", ::syscall(SYS_finit_module, -1, "", 0));
  text += told("keyring", ::syscall(SYS_add_key, "user", "x", "x", 1, -1));
  text += told("type on terminal", ::ioctl(0, TIOCSTI, "x"));
  text += told("dumpable", ::prctl(PR_SET_DUMPABLE, 1, 0, 0, 0));
  return text;
}

std::string socket_calls() {
  std::string text = told("raw socket", ::socket(AF_INET, SOCK_RAW, IPPROTO_TCP));
  text += told("raw socket of IPv6", ::socket(AF_INET6, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMPV6));
  text += told("connection", ::socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0));
  text += told("vsock", ::socket(AF_VSOCK, SOCK_STREAM, 0));
  return text;
}

std::string memory_calls() {
  constexpr std::size_t page = 4096;
  void* const both =
      ::mmap(nullptr, page, PROT_READ | PROT_WRITE | PROT_EXEC, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  std::string text = told("memory to write and execute", both == MAP_FAILED ? -1 : 0);
  void* const data =
      ::mmap(nullptr, page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  text += told("execute what was written", ::mprotect(data, page, PROT_READ | PROT_EXEC));
  return text;
}

/// As often as the text has lines: each of them must end so.
void check_each(const std::string& text, std::initializer_list<const char*> endings) {
  for (std::size_t begin = 0; begin < text.size();) {
    const std::size_t end = std::min(text.find('\n', begin), text.size());
    const std::string line = text.substr(begin, end - begin);
    INFO(line);
    CHECK(std::any_of(endings.begin(), endings.end(),
                      [&line](const char* each) { return line.ends_with(each); }));
    begin = end + 1;
  }
}

TEST_CASE("no call outside the list gets through, in any thread, and the process goes on") {
  const std::string text = testing::in_child([] {
    std::string found = entered(recording_into("/tmp"));
    std::thread([&found] {
      found += program_calls() + system_calls() + socket_calls() + memory_calls();
    }).join();
    return found + "went on: Operation not permitted\n";
  });
  if (!is_lacking(text)) {
    CHECK(std::count(text.begin(), text.end(), '\n') == 23);
    check_each(text, {": Operation not permitted", "clone3: Function not implemented"});
  }
}

TEST_CASE("a thread that was there before is filtered too") {
  const std::string text = testing::in_child([] {
    std::atomic<bool> filtered = false;
    std::string found;
    std::thread earlier([&] {
      while (!filtered) {
        std::this_thread::yield();
      }
      found = told("unshare", ::unshare(CLONE_NEWUSER));
    });
    const auto how = daemon::filter_system_calls({});
    filtered = true;
    earlier.join();
    return !how ? how.error().message() : *how ? **how : found;
  });
  if (!is_lacking(text)) {
    CHECK(text == "unshare: Operation not permitted\n");
  }
}

TEST_CASE("connections can be had by who needs them") {
  CHECK(testing::in_child([] {
          (void)daemon::filter_system_calls({.tcp = true});
          return told("connection", ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) +
                 told("connection of IPv6", ::socket(AF_INET6, SOCK_STREAM, 0));
        }) == "connection: done\nconnection of IPv6: done\n");
}

TEST_CASE("who has sockets to spare makes no others") {
  CHECK(testing::in_child([] {
          (void)daemon::filter_system_calls({.packet_sockets = false});
          return told("packet socket", ::socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0)) +
                 told("netlink socket", ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, 0));
        }) == "packet socket: Operation not permitted\nnetlink socket: done\n");
}

TEST_CASE("no file becomes another user's or a program that runs as its owner") {
  const testing::temporary_folder folder;
  folder.write("file", "x");
  const std::string file = (folder.path() / "file").string();
  const gid_t group = ::getegid();
  CHECK(testing::in_child([&] {
          const base::unique_fd opened(::open(file.c_str(), O_RDWR | O_CLOEXEC));
          const auto how = daemon::filter_system_calls({});
          if (!how || *how) {
            return std::string("this kernel does not filter");
          }
          return told("run as owner", ::chmod(file.c_str(), 04755)) +
                 told("run as owner", ::fchmod(opened.get(), 04755)) +
                 told("run as group", ::fchmodat(AT_FDCWD, file.c_str(), 02755, 0)) +
                 told("owner", ::chown(file.c_str(), ::geteuid(), group)) +
                 told("owner", ::fchown(opened.get(), ::geteuid(), group)) +
                 told("mode", ::fchmod(opened.get(), 0640)) +
                 told("group", ::fchown(opened.get(), static_cast<uid_t>(-1), group));
        }) ==
        "run as owner: Operation not permitted\nrun as owner: Operation not permitted\n"
        "run as group: Operation not permitted\nowner: Operation not permitted\n"
        "owner: Operation not permitted\nmode: done\ngroup: done\n");
}

TEST_CASE("files outside are out of reach, and those inside are not") {
  const testing::temporary_folder folder;
  const std::filesystem::path base = std::filesystem::canonical(folder.path());
  for (const char* each : {"captures/main", "other", "etc", "run"}) {
    std::filesystem::create_directories(base / each);
  }
  folder.write("other/secret", "x");
  folder.write("etc/captured.yaml", "x");
  auto wanted = recording_into((base / "captures/main").string());
  wanted.control.socket = (base / "run/control").string();
  const std::string text = testing::in_child([&] {
    std::string found = entered(wanted, (base / "etc/captured.yaml").string());
    const auto open = [&found](const std::filesystem::path& path, int flags) {
      const base::unique_fd opened(::open(path.c_str(), flags, 0640));
      found += told((path.filename().string() + (flags == O_RDONLY ? "" : " to write")).c_str(),
                    opened.get());
    };
    open("/etc/shadow", O_RDONLY);
    open(base / "other/secret", O_RDONLY);
    open(base / "other/new", O_WRONLY | O_CREAT);
    open(base / "etc/captured.yaml", O_WRONLY);
    open("/proc/self/oom_score_adj", O_WRONLY);
    found += told("symlink", ::symlink("/etc", (base / "captures/main/link").c_str()));
    found += told("device", ::mknod((base / "captures/main/null").c_str(), S_IFCHR | 0600, 0x103));
    found += told("take away", ::unlink((base / "other/secret").c_str()));
    found += "--\n";
    open(base / "etc/captured.yaml", O_RDONLY);
    open(base / "captures/main/new", O_WRONLY | O_CREAT | O_EXCL);
    open("/etc/hosts", O_RDONLY);
    open("/proc/meminfo", O_RDONLY);
    found += told("rename", ::rename((base / "captures/main/new").c_str(),
                                     (base / "captures/main/newer").c_str()));
    found += told("take away", ::unlink((base / "captures/main/newer").c_str()));
    found += told("folder", ::mkdir((base / "captures/restored").c_str(), 0750));
    open(base / "captures/restored/new", O_WRONLY | O_CREAT);
    return found;
  });
  if (is_lacking(text)) {
    return;
  }
  const auto middle = text.find("--\n");
  check_each(text.substr(0, middle), {": Permission denied", ": Operation not permitted"});
  check_each(text.substr(middle + 3), {": done"});
  CHECK(std::count(text.begin(), text.end(), '\n') == 17);
}

TEST_CASE("a socket can be made in its own folder alone") {
  const testing::temporary_folder folder;
  std::filesystem::create_directories(folder.path() / "captures/main");
  auto wanted = recording_into((folder.path() / "captures/main").string());
  wanted.control.socket = (folder.path() / "run" / "control").string();  // its folder is made
  const std::string text = testing::in_child([&] {
    std::string found = entered(wanted);
    for (const char* each : {"run/control", "control", "captures/main/control"}) {
      const base::unique_fd made(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
      sockaddr_un address{};
      address.sun_family = AF_UNIX;
      (folder.path() / each).string().copy(address.sun_path, sizeof address.sun_path - 1);
      found += told(
          each, ::bind(made.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address));
    }
    return found;
  });
  if (!is_lacking(text)) {
    CHECK(text ==
          "run/control: done\ncontrol: Permission denied\n"
          "captures/main/control: Permission denied\n");
  }
}

TEST_CASE("a reload may use what lies beneath the folders of the start, and nothing else") {
  const testing::temporary_folder folder;
  const std::filesystem::path base = std::filesystem::canonical(folder.path());
  std::filesystem::create_directories(base / "disk/main");
  std::filesystem::create_directory_symlink("/usr", base / "disk/elsewhere");
  std::vector<std::string> remarks;
  daemon::sandbox inside{.confines = true};
  const auto rules =
      daemon::files_needed(recording_into((base / "disk/main").string()), "", "", remarks);
  // The folder itself too, for a disk that is unmounted while files are open on it.
  REQUIRE(rules.record ==
          std::vector<std::string>{(base / "disk").string(), (base / "disk/main").string()});
  inside.folders.assign(rules.record.begin(), rules.record.end());
  for (const char* each : {"disk/main", "disk/main/", "disk/new/deep", "disk/./x/../other"}) {
    INFO(each);
    CHECK(inside.refusals(recording_into((base / each).string())).empty());
  }
  for (const char* each : {"disk2", "disk/../other", "disk/elsewhere/local", "."}) {
    INFO(each);
    CHECK(inside.refusals(recording_into((base / each).string())).size() == 1);
  }
  const auto refused = inside.refusals(recording_into("/srv/captures"));
  REQUIRE(refused.size() == 1);
  CHECK(refused.front().message() ==
        "output main: directory /srv/captures lies outside of what this captured may write to "
        "since it was started (sandbox); restart it to take this up");
  inside.confines = false;
  CHECK(inside.refusals(recording_into("/srv/captures")).empty());
}

TEST_CASE("a reload asks for no stream when there was none at the start") {
  auto wanted = recording_into("/tmp/x");
  wanted.streams.push_back({.name = "away", .to = "http://192.0.2.1:80"});
  CHECK(daemon::sandbox{}.refusals(wanted).empty());
  const auto refused = daemon::sandbox{.lacks_tcp = true}.refusals(wanted);
  REQUIRE(refused.size() == 1);
  CHECK(refused.front().message() ==
        "stream away: this captured was started without streams and can make no connections any "
        "more (sandbox); restart it to take this up");
  wanted.streams.front().tls.key = "/usr/share/captured/key.pem";
  std::vector<std::string> remarks;
  const auto rules = daemon::files_needed(wanted, "", "", remarks);
  CHECK(rules.tcp);
  CHECK(std::ranges::find(rules.read, "/usr/share/captured") != rules.read.end());
}

TEST_CASE("what is opened is the folder above, unless that is the root") {
  std::vector<std::string> remarks;
  const auto opened = [&remarks](const std::string& directory) {
    return daemon::files_needed(recording_into(directory), "", "", remarks).record.front();
  };
  CHECK(opened("/usr/share/captures") == "/usr/share");
  CHECK(opened("/srv") == "/srv");
  CHECK(opened("/tmp/../srv/") == "/srv");
  CHECK(remarks.empty());
}

TEST_CASE("the folder that an output falls back to is opened too, and a reload may not move it") {
  const testing::temporary_folder folder;
  const std::filesystem::path base = std::filesystem::canonical(folder.path());
  for (const char* each : {"first/main", "second/main", "third"}) {
    std::filesystem::create_directories(base / each);
  }
  auto wanted = recording_into((base / "first/main").string());
  wanted.outputs.front().files.fallback = (base / "second/main").string();
  std::vector<std::string> remarks;
  const auto rules = daemon::files_needed(wanted, "", "", remarks);
  CHECK(rules.record ==
        std::vector<std::string>{(base / "first").string(), (base / "first/main").string(),
                                 (base / "second").string(), (base / "second/main").string()});
  daemon::sandbox inside{.confines = true};
  inside.folders.assign(rules.record.begin(), rules.record.end());
  CHECK(inside.refusals(wanted).empty());
  wanted.outputs.front().files.fallback = (base / "third").string();
  CHECK(inside.refusals(wanted).size() == 1);
  // A disk that must be mounted opens all above it; the second folder lies where it lies.
  wanted.outputs.front().files.require_mount = true;
  const auto opened = daemon::files_needed(wanted, "", "", remarks).record;
  CHECK(std::ranges::find(opened, base.string()) != opened.end());
}

TEST_CASE("a folder can be made, tried and looked at behind the door, with group and mode") {
  const testing::temporary_folder folder;
  const std::filesystem::path base = std::filesystem::canonical(folder.path());
  const auto wanted = recording_into((base / "disk/captures").string());
  const std::string text = testing::in_child([&] {
    std::string found = entered(wanted);
    const storage::file_rights rights{.mode = 0644, .group = ::getgid()};
    const auto note = [&found](const char* what, const auto& how) {
      found += std::string(what) + ": " + (how ? "done" : how.error().message()) + "\n";
    };
    const auto opened =
        storage::output_directory::open((base / "disk/captures").string(), false, rights);
    note("open", opened);
    if (opened) {
      note("test", opened->test_writing("main"));
      note("look", opened->check_path());
    }
    return found;
  });
  if (!is_lacking(text)) {
    CHECK(text == "open: done\ntest: done\nlook: done\n");
  }
}

TEST_CASE("a disk at the root that may come and go confines no files, and that is said") {
  auto wanted = recording_into("/nowhere-at-all/captures");
  wanted.outputs.front().files.require_mount = true;
  std::vector<std::string> remarks;
  const auto rules = daemon::files_needed(wanted, "", "", remarks);
  CHECK(rules.record == std::vector<std::string>{"/"});
  CHECK(remarks == std::vector<std::string>{
                       "output main: its disk is mounted below / itself, where it may come and "
                       "go; so files are confined to no folder"});
  wanted.outputs.front().files.directory = "/sys/kernel";  // a mount below the root, as /data is
  CHECK(daemon::files_needed(wanted, "", "", remarks).record ==
        std::vector<std::string>{"/", "/sys/kernel"});
}

TEST_CASE("off is off") {
  CHECK(testing::in_child([] {
          auto wanted = recording_into("/tmp/x");
          wanted.sandbox = settings::sandbox_mode::off;
          const auto inside = enter_sandbox(wanted, "", "");
          return told("trace", ::ptrace(PTRACE_TRACEME, 0, nullptr, nullptr)) +
                 (inside.confines ? "confines" : "");
        }) == "trace: done\n");
}

}  // namespace
}  // namespace captured
