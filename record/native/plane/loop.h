// One I/O thread: waits for sockets, runs tasks from JavaScript, keeps time. Everything here but `post` and `stop` belongs to
// that thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <unordered_map>
#include <vector>

#include "buffer.h"
#include "events.h"
#include "unique_fd.h"

namespace xps::plane {

class channel;
class route;
class loop;

// Whoever owns a socket that the loop waits for.
class pollable {
 public:
  virtual ~pollable() = default;
  // `events` as of epoll, edge-triggered: to be remembered until the socket would block.
  virtual void on_ready(uint32_t events) = 0;
  // A turn that was asked for with `schedule`.
  virtual void on_turn() {}

 private:
  friend class loop;
  bool is_scheduled_ = false;
  bool is_buried_ = false;
};

// Something to do on the loop's thread. Moves only: it may carry keys and descriptors.
class task {
 public:
  template <class Action>
  task(Action action) : action_(std::make_unique<holder<Action>>(std::move(action))) {}  // NOLINT: conversion is the point
  void run(loop& on) { action_->run(on); }

 private:
  struct base {
    virtual ~base() = default;
    virtual void run(loop& on) = 0;
  };
  template <class Action>
  struct holder final : base {
    explicit holder(Action action) : action(std::move(action)) {}
    void run(loop& on) override { action(on); }
    Action action;
  };
  std::unique_ptr<base> action_;
};

class loop {
 public:
  explicit loop(event_queue& events);
  ~loop();
  loop(const loop&) = delete;
  loop& operator=(const loop&) = delete;

  // Throws std::system_error when the system has no descriptors or threads left.
  void start();
  // Ends the thread; sockets that are still here are reset. May be called twice.
  void stop() noexcept;
  // Any thread. Tasks run in order, before sockets are looked at again.
  void post(task what);

  void watch(pollable& who, int fd, uint32_t events);
  void rewatch(pollable& who, int fd, uint32_t events);
  // One more turn after the sockets that are ready now.
  void schedule(pollable& who);
  // Deleted at the end of the round: its events may still be in hand.
  void bury(std::unique_ptr<pollable> gone);

  void report(event e) { events_.push(std::move(e)); }
  buffer_pool& buffers() noexcept { return buffers_; }
  // Monotonic, of the beginning of this round.
  uint64_t now_ms() const noexcept { return now_ms_; }

  void add_channel(uint32_t id, std::unique_ptr<channel> added);
  channel* find_channel(uint32_t id) noexcept;
  void remove_channel(uint32_t id);
  void add_route(uint32_t id, std::unique_ptr<route> added);
  route* find_route(uint32_t id) noexcept;

 private:
  void run();
  void run_tasks();
  void run_turns();
  void tick();
  void read_clock() noexcept;

  event_queue& events_;
  buffer_pool buffers_;
  unique_fd epoll_;
  unique_fd wake_;
  std::thread thread_;
  std::mutex mutex_;
  std::vector<task> tasks_;
  std::atomic<bool> is_stopping_ = false;
  std::vector<pollable*> scheduled_;
  std::vector<pollable*> turns_;
  std::vector<std::unique_ptr<pollable>> graveyard_;
  std::unordered_map<uint32_t, std::unique_ptr<channel>> channels_;
  std::unordered_map<uint32_t, std::unique_ptr<route>> routes_;
  uint64_t now_ms_ = 0;
  uint64_t ticked_ms_ = 0;
};

}  // namespace xps::plane
