// The result type of coroutines that serve calls.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

namespace aribus::client {

// Work that waits without blocking its thread and returns a T: `co_await` it once. It starts then; its
// exceptions are thrown there. Destroying it ends it where it waits.
template <typename T = void>
class [[nodiscard]] Task;

namespace task {

struct PromiseBase {
  std::coroutine_handle<> next = std::noop_coroutine();  // waits for the end
  std::exception_ptr error{};

  struct End {
    bool await_ready() noexcept { return false; }
    template <typename Promise>
    std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> ended) noexcept {
      return ended.promise().next;
    }
    void await_resume() noexcept {}
  };
  std::suspend_always initial_suspend() noexcept { return {}; }
  End final_suspend() noexcept { return {}; }
  void unhandled_exception() { error = std::current_exception(); }
};

template <typename T>
struct Promise : PromiseBase {
  std::optional<T> value{};
  Task<T> get_return_object();
  template <typename Value>
  void return_value(Value&& given) {
    value.emplace(std::forward<Value>(given));
  }
  T take() { return std::move(*value); }
};

template <>
struct Promise<void> : PromiseBase {
  Task<void> get_return_object();
  void return_void() {}
  void take() {}
};

}  // namespace task

template <typename T>
class [[nodiscard]] Task {
 public:
  using promise_type = task::Promise<T>;
  using Handle = std::coroutine_handle<promise_type>;

  explicit Task(Handle handle) : handle_(handle) {}
  Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
  Task& operator=(Task&& other) noexcept {
    std::swap(handle_, other.handle_);
    return *this;
  }
  ~Task() {
    if (handle_) handle_.destroy();
  }

  // For callers that are no coroutines.
  void start() { handle_.resume(); }
  [[nodiscard]] bool is_done() const { return handle_.done(); }
  // The result; throws the work's exception. Required: is_done(); call it once.
  T result() {
    if (handle_.promise().error) std::rethrow_exception(handle_.promise().error);
    return handle_.promise().take();
  }

  auto operator co_await() && {
    struct Wait {
      Task& work;
      bool await_ready() { return false; }
      std::coroutine_handle<> await_suspend(std::coroutine_handle<> waits) {
        work.handle_.promise().next = waits;
        return work.handle_;
      }
      T await_resume() { return work.result(); }
    };
    return Wait{*this};
  }

 private:
  Handle handle_;
};

namespace task {

template <typename T>
Task<T> Promise<T>::get_return_object() {
  return Task<T>(std::coroutine_handle<Promise>::from_promise(*this));
}
inline Task<void> Promise<void>::get_return_object() {
  return Task<void>(std::coroutine_handle<Promise>::from_promise(*this));
}

}  // namespace task
}  // namespace aribus::client
