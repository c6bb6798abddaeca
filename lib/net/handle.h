// Owners of libuv's handles: the inside of net/loop.h and its like.
#pragma once

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

#include <uv.h>

namespace aribus::detail {

// A libuv handle on the heap. uv_close() is asynchronous: libuv uses the handle until its close callback,
// which can come after the owner's end.
template <typename Raw>
struct Handle {
  Raw raw;
  std::function<void(int)> call;

  static Handle* from(Raw* raw) { return static_cast<Handle*>(raw->data); }
};

template <typename Raw>
struct CloseHandle {
  void operator()(Handle<Raw>* handle) const {
    handle->call = nullptr;
    const auto base = reinterpret_cast<uv_handle_t*>(&handle->raw);
    if (uv_is_closing(base)) return;  // the loop is being torn down
    uv_close(base, [](uv_handle_t* h) { delete static_cast<Handle<Raw>*>(h->data); });
  }
};

template <typename Raw>
using HandlePtr = std::unique_ptr<Handle<Raw>, CloseHandle<Raw>>;

// Throws std::runtime_error for an error of libuv.
inline void require(int status, const char* what) {
  if (status != 0) throw std::runtime_error(std::string(what) + ": " + uv_strerror(status));
}

// Makes a handle with `init(Raw*)`. A handle whose `init` failed is unknown to libuv and must not be closed.
template <typename Raw, typename Init>
HandlePtr<Raw> make_handle(const char* what, Init init) {
  auto handle = std::make_unique<Handle<Raw>>();
  require(init(&handle->raw), what);
  handle->raw.data = handle.get();
  return HandlePtr<Raw>(handle.release());
}

// Calls a handle's function through a copy, so that it may destroy the handle's owner.
template <typename Raw>
void fire(Raw* raw, int value) {
  const auto call = Handle<Raw>::from(raw)->call;
  if (call) call(value);
}

}  // namespace aribus::detail
