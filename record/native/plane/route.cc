#include "route.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <exception>
#include <utility>

#include "channel.h"

namespace xps::plane {
namespace {

// Of one round: channels get their turn although connections flood in.
constexpr int ACCEPTS_PER_ROUND = 64;
constexpr uint64_t FAILURE_REPORT_MS = 1000;

}  // namespace

route::~route() {
  for (channel* each : idle_) each->pool_index = channel::NOT_POOLED;
}

void route::listen(unique_fd listener) {
  listener_ = std::move(listener);
  is_accepting_ = true;
  loop_.watch(*this, *listener_, EPOLLIN);
}

void route::stop_listening() { listener_.reset(); }

void route::on_ready(uint32_t) {
  if (!listener_) return;
  try {
    accept_some();
  } catch (const std::exception&) {
    pause_accepting();
  }
}

void route::accept_some() {
  for (int i = 0; i < ACCEPTS_PER_ROUND; ++i) {
    unique_fd accepted(accept4(*listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!accepted) {
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
        pause_accepting();
      }
      return;
    }
    if (applications_.size() >= limits_.connections) {
      close_with_reset(accepted);
      counters_.add(route_counter::refused, 1);
      continue;
    }
    application& arrived = make_application();
    arrived.connected(std::move(accepted));
    serve(arrived);
  }
}

// No descriptors or memory are left. Asking again at once would spin; the next tick tries again.
void route::pause_accepting() {
  loop_.rewatch(*this, *listener_, 0);
  is_accepting_ = false;
  loop_.report({.kind = event_kind::listener_failed, .id = id_, .text = "no descriptors or memory left for a connection"});
}

void route::serve(application& who) {
  while (!idle_.empty()) {
    channel& taken = *idle_.back();
    forget(taken);
    if (!taken.carry(who, 0, {})) continue;
    counters_.add(route_counter::served_warm, 1);
    return;
  }
  waiting_.push_back(&who);
  counters_.set(route_counter::waiting, waiting_.size());
  loop_.report({.kind = event_kind::waiting, .id = id_, .number = waiting_.size()});
}

void route::give_back(channel& idle) {
  if (!waiting_.empty()) {
    application& first = *waiting_.front();
    waiting_.pop_front();
    counters_.set(route_counter::waiting, waiting_.size());
    if (!idle.carry(first, 0, {})) waiting_.push_front(&first);
    return;
  }
  idle.pool_index = idle_.size();
  idle_.push_back(&idle);
  count_pool();
}

void route::forget(channel& kept) {
  if (kept.pool_index == channel::NOT_POOLED) return;
  idle_[kept.pool_index] = idle_.back();
  idle_[kept.pool_index]->pool_index = kept.pool_index;
  idle_.pop_back();
  kept.pool_index = channel::NOT_POOLED;
  count_pool();
}

void route::refuse_waiting(size_t count) {
  for (; count > 0 && !waiting_.empty(); --count) {
    application& oldest = *waiting_.front();
    waiting_.pop_front();
    counters_.add(route_counter::refused, 1);
    oldest.abort();
  }
  counters_.set(route_counter::waiting, waiting_.size());
}

void route::drop_waiting(application& gone) {
  std::erase(waiting_, &gone);
  counters_.set(route_counter::waiting, waiting_.size());
  gone.abort();
}

void route::dial(application& who) {
  while (who.next_target < targets_.size()) {
    const target& next = targets_[who.next_target++];
    unique_fd fd(socket(next.address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
    who.target_tag = next.tag;
    if (!fd) {
      note_failure(next.tag, errno);
      continue;
    }
    if (next.address.ss_family != AF_UNIX) {
      const int yes = 1;
      setsockopt(*fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
    }
    if (connect(*fd, reinterpret_cast<const sockaddr*>(&next.address), next.length) == 0) {
      dialled(next.tag);
      who.connected(std::move(fd));
      return;
    }
    if (errno == EINPROGRESS) {
      who.dialling(std::move(fd));
      return;
    }
    note_failure(next.tag, errno);
  }
  counters_.add(route_counter::unreachable, 1);
  if (channel* carrier = who.carrier()) carrier->refuse(reset_reason::unreachable);
  else discard(who);
}

void route::dial_failed(application& who, int error) {
  note_failure(who.target_tag, error);
  dial(who);
}

void route::dialled(uint32_t tag) {
  target* found = find_target(tag);
  if (found == nullptr || !std::exchange(found->has_failed, false)) return;
  loop_.report({.kind = event_kind::target_worked, .id = id_, .number = tag});
}

// Reported often enough to let the target rest, and no more: a target that is down must not cost JavaScript per connection.
void route::note_failure(uint32_t tag, int error) {
  target* found = find_target(tag);
  if (found == nullptr) return;
  if (std::exchange(found->has_failed, true) && loop_.now_ms() - found->reported_ms < FAILURE_REPORT_MS) return;
  found->reported_ms = loop_.now_ms();
  loop_.report({.kind = event_kind::target_failed, .id = id_, .number = tag, .text = strerrorname_np(error)});
}

target* route::find_target(uint32_t tag) {
  const auto found = std::find_if(targets_.begin(), targets_.end(), [tag](const target& t) { return t.tag == tag; });
  return found == targets_.end() ? nullptr : &*found;
}

void route::set_targets(std::vector<target> targets) {
  for (target& each : targets) {
    if (const target* known = find_target(each.tag)) {
      each.has_failed = known->has_failed;
      each.reported_ms = known->reported_ms;
    }
  }
  targets_ = std::move(targets);
}

application& route::make_application() {
  application& made = *applications_.emplace_front(std::make_unique<application>(loop_, *this));
  made.where = applications_.begin();
  counters_.set(route_counter::open, applications_.size());
  counters_.add(route_counter::opened, 1);
  return made;
}

void route::discard(application& gone) {
  const application::place where = gone.where;
  std::unique_ptr<application> taken = std::move(*where);
  applications_.erase(where);
  taken->close_now();
  counters_.set(route_counter::open, applications_.size());
  loop_.bury(std::move(taken));
}

void route::count(ending how) {
  switch (how) {
    case ending::in_order:
      counters_.add(route_counter::ended_in_order, 1);
      break;
    case ending::reset:
      counters_.add(route_counter::ended_by_reset, 1);
      break;
    case ending::idle:
      counters_.add(route_counter::ended_idle, 1);
      break;
  }
}

void route::on_tick() {
  if (listener_ && !is_accepting_) {
    is_accepting_ = true;
    loop_.rewatch(*this, *listener_, EPOLLIN);
  }
  for (auto at = applications_.begin(); at != applications_.end();) {
    application& each = **at++;  // ticking may delete it
    each.on_tick();
  }
}

void route::count_pool() { counters_.set(route_counter::idle_channels, idle_.size()); }

}  // namespace xps::plane
