# SPDX-License-Identifier: MIT
"""Faults of one file system, as the recorder's own calls meet them: a preloaded library that asks
a page of memory shared with the test before each call. Only for files written with `direct: off`:
what io_uring does is no call of the C library.
"""

import ctypes
import errno
import mmap
import os
import subprocess

import pytest

SOURCE = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static volatile struct { unsigned long device; int error; int stalls; long hits; }* page;

__attribute__((constructor)) static void begin(void) {
  const char* name = getenv("CAPTURED_FAULTS");
  int fd = name ? open(name, O_RDWR | O_CLOEXEC) : -1;
  void* at = fd < 0 ? MAP_FAILED
                    : mmap(0, sizeof *page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
  page = at == MAP_FAILED ? 0 : at;
  if (fd >= 0) close(fd);
}

/* The error that the call is to fail with, 0 for none; waits while the disk stalls. */
static int strike(int fd) {
  struct stat status;
  if (!page || fstat(fd, &status) != 0 || status.st_dev != page->device) return 0;
  const int error = page->error;
  if (error || page->stalls) __atomic_add_fetch(&page->hits, 1, __ATOMIC_RELAXED);
  while (page->stalls) {
    struct timespec pause = {0, 5000000};
    nanosleep(&pause, 0);
  }
  return error;
}

#define FAULTY(name, type, fd, parameters, arguments)                            \
  type name parameters {                                                         \
    const int error = strike(fd);                                                \
    if (error) { errno = error; return -1; }                                     \
    return ((type (*) parameters)dlsym(RTLD_NEXT, #name))arguments;              \
  }

FAULTY(pwrite, ssize_t, fd, (int fd, const void* from, size_t size, off_t at),
       (fd, from, size, at))
FAULTY(pwrite64, ssize_t, fd, (int fd, const void* from, size_t size, off64_t at),
       (fd, from, size, at))
FAULTY(ftruncate, int, fd, (int fd, off_t size), (fd, size))
FAULTY(ftruncate64, int, fd, (int fd, off64_t size), (fd, size))
FAULTY(fallocate, int, fd, (int fd, int mode, off_t at, off_t size), (fd, mode, at, size))
FAULTY(fallocate64, int, fd, (int fd, int mode, off64_t at, off64_t size), (fd, mode, at, size))
FAULTY(renameat2, int, folder,
       (int folder, const char* from, int other, const char* to, unsigned flags),
       (folder, from, other, to, flags))

/* Forcing stalls, but does not fail: that a file cannot be proven is another test's subject. */
int fsync(int fd) {
  strike(fd);
  return ((int (*)(int))dlsym(RTLD_NEXT, "fsync"))(fd);
}

int fdatasync(int fd) {
  strike(fd);
  return ((int (*)(int))dlsym(RTLD_NEXT, "fdatasync"))(fd);
}

#define OPENS(name)                                                              \
  int name(int folder, const char* path, int flags, ...) {                       \
    va_list rest;                                                                \
    va_start(rest, flags);                                                       \
    const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;\
    va_end(rest);                                                                \
    const int error = flags & O_CREAT ? strike(folder) : 0;                      \
    if (error) { errno = error; return -1; }                                     \
    return ((int (*)(int, const char*, int, ...))dlsym(RTLD_NEXT, #name))(       \
        folder, path, flags, mode);                                              \
  }

OPENS(openat)
OPENS(openat64)
"""


class _Page(ctypes.Structure):
    _fields_ = [("device", ctypes.c_ulong), ("error", ctypes.c_int), ("stalls", ctypes.c_int),
                ("hits", ctypes.c_long)]


class Faults:
    """Of the file system that `of` lies on; none until `begin`."""

    def __init__(self, folder, of):
        source, self.library = folder / "faults.c", folder / "faults.so"
        source.write_text(SOURCE, encoding="utf-8")
        try:
            subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", self.library, source, "-ldl"],
                           check=True)
        except (OSError, subprocess.CalledProcessError):
            pytest.skip("no C compiler for the library of faults")
        self.control = folder / "faults"
        self.control.write_bytes(bytes(mmap.PAGESIZE))
        with open(self.control, "r+b") as file:
            self._memory = mmap.mmap(file.fileno(), mmap.PAGESIZE)
        self._page = _Page.from_buffer(self._memory)
        self._page.device = os.stat(of).st_dev

    def environment(self):
        """For the recorder, and nobody else."""
        return {"LD_PRELOAD": str(self.library), "CAPTURED_FAULTS": str(self.control)}

    def begin(self, what):
        """`what` is the name of an error, such as EIO, or "stall"."""
        if what == "stall":
            self._page.stalls = 1
        else:
            self._page.error = getattr(errno, what)

    def end(self):
        self._page.stalls = self._page.error = 0

    def hits(self):
        """Calls that were struck."""
        return self._page.hits
