// SPDX-License-Identifier: MIT
#include "base/error.hpp"

#include <stdexcept>

#include <boost/system/system_category.hpp>

namespace captured::base {

std::string failure::message() const {
  return context + ": " + (detail.empty() ? code.message() : detail);
}

failure system_failure(int errno_value, std::string context) {
  return {error_code(errno_value, boost::system::system_category()), std::move(context), {}};
}

failure invalid_input(std::string context, std::string detail) {
  return {error_code(EINVAL, boost::system::system_category()), std::move(context),
          std::move(detail)};
}

void throw_exception_from_error(const failure& why, const boost::source_location&) {
  throw std::runtime_error(why.message());
}

}  // namespace captured::base
