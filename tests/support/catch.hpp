// SPDX-License-Identifier: MIT
//
// The one place that names the test framework's header, so that a newer major version of it
// costs a change here only.
#pragma once

#if __has_include(<catch2/catch_all.hpp>)
#include <catch2/catch_all.hpp>
#else
#include <catch2/catch.hpp>
#endif
