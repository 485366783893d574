// SPDX-License-Identifier: MIT
//
// Keeps the signals of the process away from threads that are begun: they are for the daemon's own
// thread, which waits for them. Not for handling signals.
#pragma once

#include <csignal>
#include <initializer_list>

namespace captured::base {

/// While it lives, the calling thread takes no signal, and threads that it begins inherit that for
/// good; SIGXFSZ becomes an error of the call. Those by which a fault of our own ends the process
/// still do.
class blocked_signals {
 public:
  blocked_signals() noexcept {
    sigset_t all;
    ::sigfillset(&all);
    for (const int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGTRAP}) {
      ::sigdelset(&all, fault);
    }
    ::pthread_sigmask(SIG_BLOCK, &all, &before_);
  }
  blocked_signals(const blocked_signals&) = delete;
  blocked_signals& operator=(const blocked_signals&) = delete;
  ~blocked_signals() { ::pthread_sigmask(SIG_SETMASK, &before_, nullptr); }

 private:
  sigset_t before_{};
};

}  // namespace captured::base
