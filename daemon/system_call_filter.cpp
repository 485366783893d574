// SPDX-License-Identifier: MIT
#include "daemon/system_call_filter.hpp"

#include <array>
#include <cerrno>
#include <initializer_list>
#include <memory>
#include <span>

#include <linux/if_packet.h>
#include <linux/membarrier.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace captured::daemon {

namespace {

struct release_filter {
  void operator()(scmp_filter_ctx filter) const noexcept { ::seccomp_release(filter); }
};
using filter_context = std::unique_ptr<void, release_filter>;

/// Calls whose arguments do not matter. Names that a processor or library does not know are left
/// out; the C library may choose any of those that do the same.
constexpr std::array always{
    // Memory, except to make it executable: see below.
    "brk", "munmap", "mremap", "madvise", "mincore", "memfd_create",
    // Threads, time and signals.
    "futex", "futex_waitv", "set_robust_list", "rseq", "set_tid_address", "exit", "exit_group",
    "sched_yield", "sched_getparam", "sched_getscheduler", "sched_getaffinity", "sched_setaffinity",
    "getcpu", "gettid", "getpid", "setpriority", "restart_syscall", "clock_gettime", "clock_getres",
    "clock_nanosleep", "nanosleep", "gettimeofday", "time", "timerfd_create", "timerfd_settime",
    "timerfd_gettime", "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "rt_sigpending",
    "rt_sigsuspend", "rt_sigtimedwait", "sigaltstack", "pause", "getrandom", "clock_adjtime",
    "adjtimex",
    // Waiting.
    "epoll_create", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait", "epoll_pwait2",
    "poll", "ppoll", "select", "pselect6", "eventfd2", "pipe2",
    // Files: where they may be, file_confinement says.
    "open", "openat", "close", "close_range", "read", "readv", "pread64", "preadv", "preadv2",
    "write", "writev", "pwrite64", "pwritev", "pwritev2", "lseek", "_llseek", "fsync", "fdatasync",
    "syncfs", "sync_file_range", "fallocate", "fadvise64", "ftruncate", "flock", "dup", "dup3",
    "fcntl", "fcntl64", "stat", "fstat", "lstat", "newfstatat", "fstatat64", "statx", "statfs",
    "fstatfs", "statfs64", "fstatfs64", "access", "faccessat", "faccessat2", "readlink",
    "readlinkat", "getdents64", "getcwd", "mkdir", "mkdirat", "rename", "renameat", "renameat2",
    "link", "linkat", "unlink", "unlinkat", "utimensat", "umask", "getxattr", "fgetxattr",
    "copy_file_range", "io_uring_setup", "io_uring_enter", "io_uring_register",
    // Sockets; which ones may be made, stands below.
    "bind", "connect", "listen", "accept", "accept4", "getsockname", "getpeername", "getsockopt",
    "setsockopt", "shutdown", "sendto", "sendmsg", "sendmmsg", "recvfrom", "recvmsg", "recvmmsg",
    // Asking who and where we are.
    "uname", "sysinfo", "getrusage", "getrlimit", "getuid", "geteuid", "getgid", "getegid",
    "getgroups", "capget"};

constexpr int type_mask = 0xf;  // SOCK_CLOEXEC and SOCK_NONBLOCK lie above

struct socket_kind {
  int family;
  int type;
};

/// Of AF_INET and AF_INET6 none that could send what it likes (SOCK_RAW), as CAP_NET_RAW would let
/// it: datagrams are for asking the kernel about devices and the name servers about names.
constexpr std::array kinds{
    socket_kind{AF_NETLINK, SOCK_RAW},    socket_kind{AF_NETLINK, SOCK_DGRAM},
    socket_kind{AF_UNIX, SOCK_STREAM},    socket_kind{AF_UNIX, SOCK_DGRAM},
    socket_kind{AF_UNIX, SOCK_SEQPACKET}, socket_kind{AF_INET, SOCK_DGRAM},
    socket_kind{AF_INET6, SOCK_DGRAM}};
constexpr std::array packet_kinds{socket_kind{AF_PACKET, SOCK_RAW},
                                  socket_kind{AF_PACKET, SOCK_DGRAM}};
constexpr std::array tcp_kinds{socket_kind{AF_INET, SOCK_STREAM},
                               socket_kind{AF_INET6, SOCK_STREAM}};

/// The first failure is kept, so that rules can be put one after another.
class rule_list {
 public:
  explicit rule_list(scmp_filter_ctx filter) noexcept : filter_(filter) {}

  void add(const char* name, std::initializer_list<scmp_arg_cmp> conditions = {},
           std::uint32_t action = SCMP_ACT_ALLOW) {
    const int number = ::seccomp_syscall_resolve_name(name);
    if (number < 0 || error_ != 0) {
      return;  // not on this processor
    }
    error_ = -::seccomp_rule_add_array(
        filter_, action, number, static_cast<unsigned>(conditions.size()), conditions.begin());
  }
  [[nodiscard]] int error() const noexcept { return error_; }

 private:
  scmp_filter_ctx filter_;
  int error_ = 0;
};

constexpr scmp_arg_cmp is(unsigned argument, std::uint64_t value) {
  return {argument, SCMP_CMP_EQ, value, 0};
}
constexpr scmp_arg_cmp masked(unsigned argument, std::uint64_t mask, std::uint64_t value) {
  return {argument, SCMP_CMP_MASKED_EQ, mask, value};
}

/// No memory that can be written can be executed: libraries come from files.
void allow_memory(rule_list& rules) {
  constexpr std::uint64_t both = PROT_WRITE | PROT_EXEC;
  for (const char* const name : {"mmap", "mmap2"}) {
    for (const std::uint64_t safe :
         {std::uint64_t{PROT_NONE}, std::uint64_t{PROT_WRITE}, std::uint64_t{PROT_EXEC}}) {
      rules.add(name, {masked(2, both, safe)});
    }
  }
  rules.add("mprotect", {masked(2, PROT_EXEC, 0)});
}

/// Threads but no processes. What a new call would make stands in memory, where a filter cannot
/// look: the C library takes the old one when there is no other.
void allow_threads(rule_list& rules) {
  constexpr std::uint64_t namespaces = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC |
                                       CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET;
#if defined(__s390__) || defined(__s390x__)
  constexpr unsigned flags = 1;
#else
  constexpr unsigned flags = 0;
#endif
  rules.add("clone", {masked(flags, namespaces | CLONE_THREAD, CLONE_THREAD)});
  rules.add("clone3", {}, SCMP_ACT_ERRNO(ENOSYS));
  rules.add("tgkill", {is(0, static_cast<std::uint64_t>(::getpid()))});  // abort(3)
  rules.add("membarrier", {is(0, MEMBARRIER_CMD_GLOBAL)});
  rules.add("membarrier", {is(0, MEMBARRIER_CMD_QUERY)});
  for (const int each : {PR_SET_NAME, PR_GET_NAME, PR_GET_DUMPABLE, PR_GET_NO_NEW_PRIVS,
                         PR_CAPBSET_READ, PR_GET_SECUREBITS}) {
    rules.add("prctl", {is(0, static_cast<std::uint64_t>(each))});
  }
  rules.add("prlimit64", {is(0, 0), is(2, 0)});  // to read one's own
}

/// Of devices and links (SIOC…, the wireless ones too), of descriptors, and whether it is a
/// terminal. Nothing that types on one.
void allow_requests(rule_list& rules) {
  constexpr std::uint64_t group = 0xff00;
  for (const std::uint64_t each : {0x8900u, 0x8b00u}) {
    rules.add("ioctl", {masked(1, group, each)});
  }
  for (const std::uint64_t each : {std::uint64_t{FIONBIO}, std::uint64_t{FIONREAD},
                                   std::uint64_t{TCGETS}, std::uint64_t{TIOCGWINSZ}}) {
    rules.add("ioctl", {is(1, each)});
  }
}

void allow_sockets(rule_list& rules, const call_needs& needs) {
  const auto allow = [&rules](std::span<const socket_kind> some) {
    for (const socket_kind& each : some) {
      rules.add("socket", {is(0, static_cast<std::uint64_t>(each.family)),
                           masked(1, type_mask, static_cast<std::uint64_t>(each.type))});
    }
  };
  allow(kinds);
  if (needs.packet_sockets) {
    allow(packet_kinds);
  }
  if (needs.tcp) {
    allow(tcp_kinds);
  }
}

/// Landlock confines neither: of modes those that let no program run as its owner or group, of
/// owners the group alone.
void allow_rights(rule_list& rules) {
  constexpr std::uint64_t special = 07000;
  constexpr std::uint64_t nobody = 0xffffffff;  // (uid_t)-1: the owner stays
  for (const char* const name : {"chmod", "fchmod"}) {
    rules.add(name, {masked(1, special, 0)});
  }
  rules.add("fchmodat", {masked(2, special, 0)});
  for (const char* const name : {"chown", "fchown", "lchown"}) {
    rules.add(name, {masked(1, nobody, nobody)});
  }
  rules.add("fchownat", {masked(2, nobody, nobody)});
}

/// An error of the kernel that says that it has no filters.
bool is_lacking(int error) {
  return error == ENOSYS || error == EINVAL || error == EOPNOTSUPP || error == ECANCELED;
}

}  // namespace

base::result<std::optional<std::string>> filter_system_calls(const call_needs& needs) {
  const char* const context = "filter system calls";
  const filter_context filter(::seccomp_init(SCMP_ACT_ERRNO(EPERM)));
  if (!filter) {
    return base::system_failure(ENOMEM, context);
  }
  rule_list rules(filter.get());
  for (const char* const each : always) {
    rules.add(each);
  }
  allow_memory(rules);
  allow_threads(rules);
  allow_requests(rules);
  allow_rights(rules);
  allow_sockets(rules, needs);
  if (rules.error() != 0) {
    return base::system_failure(rules.error(), context);
  }
  // Calls of another processor mode, such as i386's, are none of ours.
  int error = -::seccomp_attr_set(filter.get(), SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(EPERM));
  error = error != 0 ? error : -::seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_TSYNC, 1);
  error = error != 0 ? error : -::seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_OPTIMIZE, 2);
  if (error == 0) {
    // Not where the kernel cannot log.
    (void)::seccomp_attr_set(filter.get(), SCMP_FLTATR_CTL_LOG, 1);
    error = -::seccomp_load(filter.get());
  }
  if (error != 0 && is_lacking(error)) {
    return std::optional<std::string>("this kernel filters no system calls (seccomp)");
  }
  if (error != 0) {
    return base::system_failure(error, context);
  }
  return std::optional<std::string>();
}

}  // namespace captured::daemon
