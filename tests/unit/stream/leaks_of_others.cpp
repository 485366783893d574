// SPDX-License-Identifier: MIT
//
// The resolver that gRPC uses keeps a few octets for good once it has looked up a name.

extern "C" const char* __lsan_default_suppressions();  // NOLINT(bugprone-reserved-identifier)

extern "C" const char* __lsan_default_suppressions() {  // NOLINT(bugprone-reserved-identifier)
  return "leak:libcares";
}
