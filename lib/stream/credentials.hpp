// SPDX-License-Identifier: MIT
//
// Certificates and keys from files as gRPC wants them. For the sources of this module alone, as it
// shows gRPC's types.
#pragma once

#include <memory>

#include <grpcpp/security/credentials.h>
#include <grpcpp/security/server_credentials.h>

#include "base/error.hpp"
#include "stream/options.hpp"

namespace captured::stream {

/// gRPC has a log of its own on standard error, which says again what is returned here. To be
/// called before anything else of it; more often does no harm.
void silence_grpc();

/// Fails when a file cannot be read, and on a certificate without key.
[[nodiscard]] base::result<std::shared_ptr<grpc::ChannelCredentials>> client_credentials(
    const client_options& options);

/// The same; encrypted needs certificate and key.
[[nodiscard]] base::result<std::shared_ptr<grpc::ServerCredentials>> server_credentials(
    const server_options& options);

}  // namespace captured::stream
