// SPDX-License-Identifier: MIT
//
// Preloaded into a program, counts the blocks of memory that it asks the C library for, and says
// the number on its standard error when it ends: "allocations N". What new asks for is among them.
#include <atomic>
#include <cstddef>
#include <cstdio>

#include <unistd.h>

extern "C" {
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* memory, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
}

namespace {

std::atomic<unsigned long> made;

[[gnu::destructor]] void tell() {
  char text[48];
  const int length = std::snprintf(text, sizeof text, "allocations %lu\n", made.load());
  static_cast<void>(!::write(STDERR_FILENO, text, static_cast<std::size_t>(length)));
}

}  // namespace

extern "C" {

void* malloc(std::size_t size) {
  made.fetch_add(1, std::memory_order_relaxed);
  return __libc_malloc(size);
}

void* calloc(std::size_t count, std::size_t size) {
  made.fetch_add(1, std::memory_order_relaxed);
  return __libc_calloc(count, size);
}

void* realloc(void* memory, std::size_t size) {
  made.fetch_add(1, std::memory_order_relaxed);
  return __libc_realloc(memory, size);
}

void* aligned_alloc(std::size_t alignment, std::size_t size) {
  made.fetch_add(1, std::memory_order_relaxed);
  return __libc_memalign(alignment, size);
}

int posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
  made.fetch_add(1, std::memory_order_relaxed);
  *memory = __libc_memalign(alignment, size);
  return *memory == nullptr ? 12 : 0;
}
}
