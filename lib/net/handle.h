// Owners of libuv's handles: the inside of net/loop.h and its like.
#pragma once

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

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

// A turn of the loop has something to do. (For Loop::take_turn_began().)
void begin_turn(uv_loop_t* loop);

// Calls a handle's function, which may destroy the handle's owner or replace the function: it is moved out
// meanwhile. libuv keeps the handle itself until the end of the turn.
template <typename Raw>
void fire(Raw* raw, int value) {
  begin_turn(raw->loop);
  Handle<Raw>* const handle = Handle<Raw>::from(raw);
  auto call = std::exchange(handle->call, nullptr);
  if (!call) return;
  call(value);
  const bool closing = uv_is_closing(reinterpret_cast<const uv_handle_t*>(raw)) != 0;
  if (!closing && !handle->call) handle->call = std::move(call);
}

}  // namespace aribus::detail
