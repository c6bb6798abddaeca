#include "nats/connection.h"

#include <sstream>
#include <vector>

#include <nats/nats.h>
#include <spdlog/spdlog.h>

namespace aribus::nats {
namespace {

constexpr int64_t patience_ms = 5000;  // with what the server does not answer or does not read

// What the server says without being asked, as that it forbids a subject.
void log_error(natsConnection* connection, natsSubscription* /*subscription*/, natsStatus status,
               void* /*closure*/) {
  const char* text = nullptr;
  natsConnection_GetLastError(connection, &text);
  const bool has_text = text != nullptr && *text != '\0';
  spdlog::warn("NATS: {}{}", has_text ? text : natsStatus_GetText(status),
               status == NATS_NOT_PERMITTED ? ": the permissions of aribus-nats' user do not allow it" : "");
}

using Options = std::unique_ptr<natsOptions, Destroy<natsOptions, natsOptions_Destroy>>;

}  // namespace

void destroy_connection(natsConnection* connection) {
  natsConnection_Destroy(connection);
}

void destroy_message(natsMsg* message) {
  natsMsg_Destroy(message);
}

Result<Connection> connect(const NatsOptions& options, bool at_once) {
  natsOptions* made = nullptr;
  natsStatus status = natsOptions_Create(&made);
  const Options nats(made);
  const auto set = [&](natsStatus next) {
    if (status == NATS_OK) status = next;
  };
  std::vector<std::string> urls;
  for (std::istringstream list(options.url); std::getline(list, urls.emplace_back(), ',');) {
  }
  urls.pop_back();
  std::vector<const char*> servers;
  for (const std::string& url : urls) servers.push_back(url.c_str());
  set(natsOptions_SetServers(made, servers.data(), static_cast<int>(servers.size())));
  set(natsOptions_SetName(made, "aribus-nats"));
  set(natsOptions_SetAllowReconnect(made, false));
  set(natsOptions_SetTimeout(made, patience_ms));
  set(natsOptions_SetPingInterval(made, patience_ms));
  set(natsOptions_SetMaxPingsOut(made, 2));
  set(natsOptions_SetWriteDeadline(made, patience_ms));
  set(natsOptions_SetSendAsap(made, at_once));
  set(natsOptions_SetErrorHandler(made, log_error, nullptr));
  if (!options.credentials.empty())
    set(natsOptions_SetUserCredentialsFromFiles(made, options.credentials.c_str(), nullptr));
  if (!options.user.empty())
    set(natsOptions_SetUserInfo(made, options.user.c_str(), options.password.c_str()));
  if (!options.ca_file.empty()) {
    set(natsOptions_SetSecure(made, true));
    set(natsOptions_LoadCATrustedCertificates(made, options.ca_file.c_str()));
  }
  if (!options.cert_file.empty()) {
    set(natsOptions_SetSecure(made, true));
    set(natsOptions_LoadCertificatesChain(made, options.cert_file.c_str(), options.key_file.c_str()));
  }
  natsConnection* connection = nullptr;
  set(natsConnection_Connect(&connection, made));
  if (status != NATS_OK) return not_connected("no connection to NATS at " + options.url, status);
  return Connection(connection);
}

bool is_connected(natsConnection* connection) {
  return natsConnection_Status(connection) == NATS_CONN_STATUS_CONNECTED;
}

Error not_connected(const std::string& what, int status) {
  const auto code = static_cast<natsStatus>(status);
  natsStatus last = NATS_OK;
  const char* text = nats_GetLastError(&last);
  const std::string name = natsStatus_GetText(code);
  const bool has_text = text != nullptr && *text != '\0' && last == code;
  return {
      ErrorKind::not_connected, what + ": " + (has_text ? std::string(text) + " (" + name + ")" : name), {}};
}

}  // namespace aribus::nats
