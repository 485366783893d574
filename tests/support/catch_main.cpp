// SPDX-License-Identifier: MIT
//
// The runner. A test that cannot run here prints "SKIPPED: reason"; ctest then reports a skip.
#define CATCH_CONFIG_MAIN
#include "support/catch.hpp"
