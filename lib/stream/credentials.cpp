// SPDX-License-Identifier: MIT
#include "stream/credentials.hpp"

#include <cerrno>
#include <fstream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include <grpc/support/log.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_certificate_verifier.h>
#include <grpcpp/security/tls_credentials_options.h>

namespace captured::stream {

namespace {

constexpr std::size_t pem_bytes_max = std::size_t{4} << 20;  // all authorities of a system: 0.2 MiB

/// Empty for no file.
base::result<std::string> read_pem(const std::string& path) {
  if (path.empty()) {
    return std::string();
  }
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    return base::system_failure(errno, "read " + path);
  }
  std::string text;
  text.resize(pem_bytes_max);
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<std::size_t>(file.gcount()));
  if (text.find("-----BEGIN ") == std::string::npos || text.size() == pem_bytes_max) {
    return base::invalid_input(path, "it holds no certificate or key in PEM form");
  }
  return text;
}

struct pem_texts {
  std::string authorities;
  std::string certificate;
  std::string key;
};

base::result<pem_texts> read_texts(const tls_options& options) {
  if (options.certificate.empty() != options.key.empty()) {
    return base::invalid_input("TLS", "a certificate and its key are needed, not one of them");
  }
  pem_texts made;
  for (const auto& [path, text] :
       {std::pair(&options.authorities, &made.authorities),
        std::pair(&options.certificate, &made.certificate), std::pair(&options.key, &made.key)}) {
    auto read = read_pem(*path);
    if (!read) {
      return read.error();
    }
    *text = std::move(*read);
  }
  return made;
}

/// Believes anybody; for tests.
std::shared_ptr<grpc::ChannelCredentials> unchecked(const pem_texts& texts) {
  namespace tls = grpc::experimental;
  tls::TlsChannelCredentialsOptions options;
  options.set_verify_server_certs(false);
  options.set_check_call_host(false);
  options.set_certificate_verifier(std::make_shared<tls::NoOpCertificateVerifier>());
  if (!texts.certificate.empty()) {
    options.set_certificate_provider(std::make_shared<tls::StaticDataCertificateProvider>(
        std::vector{tls::IdentityKeyCertPair{texts.key, texts.certificate}}));
    options.watch_identity_key_cert_pairs();
  }
  return tls::TlsCredentials(options);
}

}  // namespace

void silence_grpc() {
  gpr_set_log_function([](gpr_log_func_args*) {});
}

base::result<std::shared_ptr<grpc::ChannelCredentials>> client_credentials(
    const client_options& options) {
  if (!options.to.is_encrypted) {
    return grpc::InsecureChannelCredentials();
  }
  const auto texts = read_texts(options.tls);
  if (!texts) {
    return texts.error();
  }
  if (!options.tls.check_certificate) {
    return unchecked(*texts);
  }
  return grpc::SslCredentials({.pem_root_certs = texts->authorities,
                               .pem_private_key = texts->key,
                               .pem_cert_chain = texts->certificate});
}

base::result<std::shared_ptr<grpc::ServerCredentials>> server_credentials(
    const server_options& options) {
  if (!options.is_encrypted) {
    return grpc::InsecureServerCredentials();
  }
  const auto texts = read_texts(options.tls);
  if (!texts) {
    return texts.error();
  }
  if (texts->certificate.empty()) {
    return base::invalid_input("TLS", "a server needs a certificate and its key");
  }
  grpc::SslServerCredentialsOptions made(
      texts->authorities.empty() ? GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE
                                 : GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY);
  made.pem_root_certs = texts->authorities;
  made.pem_key_cert_pairs.push_back({texts->key, texts->certificate});
  return grpc::SslServerCredentials(made);
}

}  // namespace captured::stream
