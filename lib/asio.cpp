// SPDX-License-Identifier: MIT
//
// Boost.Asio, compiled once for all who link captured_asio.
#include <boost/asio/impl/src.hpp>
