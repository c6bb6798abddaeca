#include "nats/connection.h"

#include <chrono>
#include <map>
#include <mutex>
#include <regex>
#include <sstream>
#include <string_view>
#include <vector>

#include <nats/nats.h>
#include <spdlog/spdlog.h>

namespace aribus::nats {
namespace {

constexpr std::chrono::minutes told_again_after{10};
constexpr int64_t patience_ms = 5000;  // for the server to answer, and to read what is sent

// The connection's last error; "" when there was none.
std::string last_error(natsConnection* connection) {
  const char* text = nullptr;
  natsConnection_GetLastError(connection, &text);
  return text == nullptr ? "" : text;
}

// Logs errors that the server reports asynchronously. When this is called, the connection's text may already
// be that of a later error.
void log_error(natsConnection* connection, natsSubscription* /*subscription*/, natsStatus status,
               void* /*closure*/) {
  const std::string text = last_error(connection);
  if (status == NATS_NOT_PERMITTED && text.find("Subscription to") != std::string::npos &&
      text.find("_INBOX.") == std::string::npos)
    return;  // check_permitted() reports it
  // Log each kind at most once in ten minutes: programs can cause such errors by their reply subjects, and a
  // missing permission causes one per message.
  using Clock = std::chrono::steady_clock;
  static std::mutex mutex;
  static std::map<std::string, Clock::time_point> told;
  const std::string line = text.empty() ? natsStatus_GetText(status) : text;
  const std::lock_guard lock(mutex);
  std::erase_if(told, [](const auto& one) { return Clock::now() - one.second > told_again_after; });
  if (told.emplace(line.substr(0, line.find('"')), Clock::now()).second) spdlog::warn("NATS: {}", line);
}

using Options = std::unique_ptr<natsOptions, Destroy<natsOptions, natsOptions_Destroy>>;

// The cure; "": the reason is enough.
std::string_view cure_of(natsStatus status) {
  switch (status) {
    case NATS_NO_SERVER:
      return "; check that nats-server runs there, and that host and port in nats.url are right";
    case NATS_CONNECTION_AUTH_FAILED:
      return "; compare username and password, or credentials, with the users of the server";
    case NATS_SECURE_CONNECTION_WANTED:
      return "; the server has no TLS: give it a certificate, or write nats:// and no ca_file";
    case NATS_SECURE_CONNECTION_REQUIRED:
      return "; the server requires TLS: write tls://";
    case NATS_SSL_ERROR:
      return "; compare the server's certificate with the host in nats.url and with nats.ca_file";
    case NATS_NO_RESPONDERS:
      return "; JetStream is not enabled there, or not for this account, or has no leader at present";
    default:
      return "";
  }
}

// `what`: the server's word for the operation; `verb`: the one for our error.
Result<void> check_not_refused(natsConnection* connection, const std::string& what, const std::string& verb,
                               const std::string& subject) {
  if (const natsStatus status = natsConnection_FlushTimeout(connection, patience_ms); status != NATS_OK)
    return not_connected("NATS did not answer", status);
  if (last_error(connection).find(what + " to \"" + subject + '"') == std::string::npos) return {};
  return Error{ErrorKind::not_allowed,
               "NATS does not let aribus-nats " + verb + " to " + subject + ": its user needs the permission",
               {}};
}

// Removes the login from URLs (only --url may have one), so that it is not shown.
std::string without_login(const std::string& urls) {
  static const std::regex login("(^|,|//)[^/,]*@");
  return std::regex_replace(urls, login, "$1");
}

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
  // Otherwise libnats would continue unencrypted if the server has no TLS.
  if (options.url.find("tls://") != std::string::npos) set(natsOptions_SetSecure(made, true));
  natsConnection* connection = nullptr;
  set(natsConnection_Connect(&connection, made));
  if (status != NATS_OK)
    return not_connected("no connection to NATS at " + without_login(options.url), status);
  return Connection(connection);
}

bool is_connected(natsConnection* connection) {
  return natsConnection_Status(connection) == NATS_CONN_STATUS_CONNECTED;
}

std::string complaint(natsConnection* connection) {
  const std::string text = last_error(connection);
  if (text.find("ermissions Violation") == std::string::npos) return "";
  return ": " + text + "; its user in NATS needs the permission (config/nats-server.conf has all)";
}

Result<void> check_permitted(natsConnection* connection, const std::string& subject) {
  return check_not_refused(connection, "Subscription", "subscribe", subject);
}

Result<void> check_published(natsConnection* connection, const std::string& subject) {
  return check_not_refused(connection, "Publish", "publish", subject);
}

Error not_connected(const std::string& what, int status) {
  const auto code = static_cast<natsStatus>(status);
  natsStatus last = NATS_OK;
  const char* text = nats_GetLastError(&last);
  std::string reason = text != nullptr && last == code ? text : "";
  // libnats' texts begin with a position in its source: "(conn.c:733): ".
  if (const size_t end = reason.find("): "); reason.starts_with('(') && end != std::string::npos)
    reason.erase(0, end + 3);
  if (reason.empty()) reason = natsStatus_GetText(code);
  return {ErrorKind::not_connected, what + ": " + reason + std::string(cure_of(code)), {}};
}

}  // namespace aribus::nats
