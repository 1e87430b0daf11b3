#include "loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>

#include <cerrno>
#include <system_error>

#include "channel.h"
#include "route.h"

namespace xps::plane {
namespace {

constexpr int EVENTS_PER_ROUND = 128;
// How exact deadlines are. Nothing wakes up for it while no channel and no connection is here.
constexpr uint64_t TICK_MS = 250;

}  // namespace

loop::loop(event_queue& events) : events_(events) { read_clock(); }

loop::~loop() { stop(); }

void loop::start() {
  epoll_ = unique_fd(epoll_create1(EPOLL_CLOEXEC));
  wake_ = unique_fd(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!epoll_ || !wake_) throw std::system_error(errno, std::generic_category(), "a data plane cannot start");
  epoll_event event{};
  event.events = EPOLLIN;
  event.data.ptr = nullptr;
  if (epoll_ctl(*epoll_, EPOLL_CTL_ADD, *wake_, &event) != 0) throw std::system_error(errno, std::generic_category(), "epoll_ctl");
  thread_ = std::thread([this] { run(); });
}

void loop::stop() noexcept {
  if (!thread_.joinable()) return;
  is_stopping_.store(true, std::memory_order_release);
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(*wake_, &one, sizeof one);
  thread_.join();
}

void loop::post(task what) {
  bool was_empty;
  {
    const std::lock_guard hold(mutex_);
    was_empty = tasks_.empty();
    tasks_.push_back(std::move(what));
  }
  if (!was_empty) return;
  const uint64_t one = 1;
  [[maybe_unused]] const ssize_t written = ::write(*wake_, &one, sizeof one);
}

void loop::watch(pollable& who, int fd, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &who;
  if (epoll_ctl(*epoll_, EPOLL_CTL_ADD, fd, &event) != 0) throw std::system_error(errno, std::generic_category(), "epoll_ctl");
}

void loop::rewatch(pollable& who, int fd, uint32_t events) {
  epoll_event event{};
  event.events = events;
  event.data.ptr = &who;
  epoll_ctl(*epoll_, EPOLL_CTL_MOD, fd, &event);
}

void loop::schedule(pollable& who) {
  if (who.is_scheduled_ || who.is_buried_) return;
  who.is_scheduled_ = true;
  scheduled_.push_back(&who);
}

void loop::bury(std::unique_ptr<pollable> gone) {
  gone->is_buried_ = true;
  if (gone->is_scheduled_) std::erase(scheduled_, gone.get());
  graveyard_.push_back(std::move(gone));
}

void loop::add_channel(uint32_t id, std::unique_ptr<channel> added) {
  channel& here = *added;
  channels_.emplace(id, std::move(added));
  here.begin();
}

channel* loop::find_channel(uint32_t id) noexcept {
  const auto found = channels_.find(id);
  return found == channels_.end() ? nullptr : found->second.get();
}

void loop::remove_channel(uint32_t id) {
  const auto found = channels_.find(id);
  if (found == channels_.end()) return;
  bury(std::move(found->second));
  channels_.erase(found);
}

void loop::add_route(uint32_t id, std::unique_ptr<route> added) { routes_.emplace(id, std::move(added)); }

route* loop::find_route(uint32_t id) noexcept {
  const auto found = routes_.find(id);
  return found == routes_.end() ? nullptr : found->second.get();
}

void loop::run() {
  epoll_event ready[EVENTS_PER_ROUND];
  while (!is_stopping_.load(std::memory_order_acquire)) {
    const bool has_deadlines = !channels_.empty() || !routes_.empty();
    const int timeout = !scheduled_.empty() ? 0 : has_deadlines ? static_cast<int>(TICK_MS) : -1;
    const int count = epoll_wait(*epoll_, ready, EVENTS_PER_ROUND, timeout);
    read_clock();
    for (int i = 0; i < count; ++i) {
      auto* who = static_cast<pollable*>(ready[i].data.ptr);
      if (who == nullptr) run_tasks();
      else if (!who->is_buried_) who->on_ready(ready[i].events);
    }
    run_turns();
    if (now_ms_ - ticked_ms_ >= TICK_MS) tick();
    graveyard_.clear();
  }
  // In this order: channels let go of their applications, which routes own.
  run_tasks();
  channels_.clear();
  routes_.clear();
  graveyard_.clear();
}

void loop::run_tasks() {
  uint64_t count;
  [[maybe_unused]] const ssize_t taken = ::read(*wake_, &count, sizeof count);
  std::vector<task> tasks;
  {
    const std::lock_guard hold(mutex_);
    tasks.swap(tasks_);
  }
  for (task& t : tasks) t.run(*this);
}

void loop::run_turns() {
  turns_.clear();
  turns_.swap(scheduled_);
  for (pollable* who : turns_) {
    who->is_scheduled_ = false;
    if (!who->is_buried_) who->on_turn();
  }
}

void loop::tick() {
  ticked_ms_ = now_ms_;
  // Ticking may remove channels: the list is taken first.
  std::vector<channel*> all;
  all.reserve(channels_.size());
  for (const auto& [id, each] : channels_) all.push_back(each.get());
  for (channel* each : all) each->on_tick();
  for (const auto& [id, each] : routes_) each->on_tick();
  if (buffers_.in_use() == 0) buffers_.trim();
}

void loop::read_clock() noexcept {
  timespec now;
  clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
  now_ms_ = static_cast<uint64_t>(now.tv_sec) * 1000 + static_cast<uint64_t>(now.tv_nsec) / 1'000'000;
}

}  // namespace xps::plane
