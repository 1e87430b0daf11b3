// Two data planes joined by socket pairs, without JavaScript, for the sanitizers: threads of applications visit an echo server
// through them and behave well or badly, keys change all the time, channels are killed in every state. Ends with 0 when every byte
// was right and no descriptor is left.
//
//   plane_check SECONDS SEED
#include <dirent.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "../../record/native/plane/channel.h"
#include "../../record/native/plane/route.h"

namespace {

using namespace xps;
using namespace xps::plane;

constexpr size_t CHANNELS = 6;
constexpr size_t VISITORS = 8;

std::atomic<bool> is_over = false;
std::atomic<uint64_t> visits = 0, echoed_bytes = 0, rekeys = 0, kills = 0, mistakes = 0;

sockaddr_un address_of(const std::string& path) {
  sockaddr_un at{};
  at.sun_family = AF_UNIX;
  memcpy(at.sun_path, path.c_str(), path.size() + 1);
  return at;
}

unique_fd listen_at(const std::string& path) {
  const sockaddr_un at = address_of(path);
  unique_fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (bind(*fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0 || listen(*fd, 512) != 0) abort();
  return fd;
}

record_key key_of(uint32_t epoch, uint8_t direction) {
  uint8_t key[32] = {static_cast<uint8_t>(epoch), static_cast<uint8_t>(epoch >> 8), direction}, iv[12] = {direction};
  return record_key(record_cipher::create(aead::aes_256_gcm, key), epoch, iv, 0, 0);
}

std::vector<uint8_t> message_of(uint8_t type, size_t length) {
  std::vector<uint8_t> made(4 + length, 0x5a);
  made[0] = type;
  made[1] = 0;
  made[2] = static_cast<uint8_t>(length >> 8);
  made[3] = static_cast<uint8_t>(length);
  return made;
}

// One plane with its control thread: what TypeScript does in the product.
class controlled {
 public:
  controlled(plane::side which, std::string path)
      : side_(which), queue_([this] { wake(); }), io_(queue_), path_(std::move(path)), memory_(COUNTERS_PER_SLOT * 64) {
    io_.start();
    io_.post([this](loop& on) {
      auto made = std::make_unique<route>(on, 1, route_limits{.idle_ms = 3000}, counter_slot(memory_.data()));
      if (side_ == side::client) {
        made->listen(listen_at(path_));
      } else {
        target to{};
        const sockaddr_un at = address_of(path_);
        memcpy(&to.address, &at, sizeof at);
        to.length = sizeof at;
        made->set_targets({to});
      }
      on.add_route(1, std::move(made));
    });
  }

  void adopt(uint32_t id, unique_fd fd) {
    const uint8_t own = side_ == side::client ? 'c' : 's', other = side_ == side::client ? 's' : 'c';
    hand_over taken{.id = id, .side = side_, .record_limit = 65'536, .soft_records = 200, .soft_bytes = UINT64_MAX,
                    .send = key_of(1, own), .receive = key_of(1, other), .lane = {}, .may_open = true, .unread = {}, .unsent = {},
                    .fd = std::move(fd), .counters = counter_slot(memory_.data() + COUNTERS_PER_SLOT * (1 + id % 32))};
    epochs_[id] = 1;
    io_.post([taken = std::move(taken)](loop& on) mutable {
      const uint32_t channel_id = taken.id;
      on.add_channel(channel_id, std::make_unique<channel>(on, *on.find_route(1), std::move(taken)));
    });
  }

  void kill(uint32_t id) {
    io_.post([id](loop& on) {
      if (channel* found = on.find_channel(id)) found->kill();
    });
  }

  // Handles what has come up; the channels that are gone.
  std::vector<uint32_t> serve() {
    std::vector<uint32_t> gone;
    for (const event& e : queue_.take()) {
      switch (e.kind) {
        case event_kind::due:
          if (side_ == side::client) finish_rekey(e.id);
          break;
        case event_kind::message:
          if (side_ == side::server && e.bytes[0] == message_type::REKEY_FINISH) answer_rekey(e.id);
          break;
        case event_kind::failed:
          if (strcmp(e.reason, reason::CHANNEL_TRUNCATED) != 0) {
            std::fprintf(stderr, "a channel failed: %s %s\n", e.reason, e.text);
            ++mistakes;
          }
          kill(e.id);
          break;
        case event_kind::gone:
          epochs_.erase(e.id);
          gone.push_back(e.id);
          break;
        default:
          break;
      }
    }
    return gone;
  }

  void stop() { io_.stop(); }

  std::condition_variable woken;
  std::mutex mutex;
  bool has_events = false;

 private:
  void wake() {
    const std::lock_guard hold(mutex);
    has_events = true;
    woken.notify_one();
  }

  void finish_rekey(uint32_t id) {
    const uint32_t next = ++epochs_[id];
    ++rekeys;
    io_.post([id, next, message = message_of(message_type::REKEY_FINISH, 40'000)](loop& on) {
      channel* found = on.find_channel(id);
      if (found == nullptr) return;
      found->seal(message);
      found->install_send(key_of(next, 'c'));
      found->install_receive(key_of(next, 's'), true);
      found->end_operations();
    });
  }

  void answer_rekey(uint32_t id) {
    const uint32_t next = ++epochs_[id];
    io_.post([id, next, message = message_of(message_type::REKEY_DONE, 4)](loop& on) {
      channel* found = on.find_channel(id);
      if (found == nullptr) return;
      found->install_receive(key_of(next, 'c'), false);
      found->install_send(key_of(next, 's'));
      found->seal(message);
      found->end_operations();
    });
  }

  plane::side side_;
  event_queue queue_;
  loop io_;
  std::string path_;
  std::vector<double> memory_;
  std::map<uint32_t, uint32_t> epochs_;
};

// An echo server with a thread for each connection: it must not share the planes' code.
void echo(int fd) {
  std::vector<char> block(100'000);
  for (ssize_t got; (got = recv(fd, block.data(), block.size(), 0)) > 0;) {
    for (ssize_t at = 0; at < got;) {
      const ssize_t taken = send(fd, block.data() + at, static_cast<size_t>(got - at), MSG_NOSIGNAL);
      if (taken <= 0) {
        close(fd);
        return;
      }
      at += taken;
    }
  }
  close(fd);
}

void serve_echo(const unique_fd& listener) {
  std::vector<std::thread> threads;
  while (!is_over) {
    const int fd = accept4(*listener, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd >= 0) threads.emplace_back(echo, fd);
    else std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  for (std::thread& each : threads) each.join();
}

void set_patience(int fd) {
  const timeval patience{20, 0};
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience);
}

// One connection: bytes that come back must be those that went. Being cut off is nobody's mistake here.
void visit(const std::string& path, std::mt19937& random) {
  const sockaddr_un at = address_of(path);
  const unique_fd fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (connect(*fd, reinterpret_cast<const sockaddr*>(&at), sizeof at) != 0) return;
  set_patience(*fd);
  const size_t length = random() % 8 == 0 ? random() % 3'000'000 : random() % 5000;
  const auto seed = static_cast<uint8_t>(random());
  const bool leaves_early = random() % 5 == 0;
  std::thread writer([&, wait = random() % 3] {
    std::vector<uint8_t> block(60'000);
    for (size_t sent = 0; sent < length;) {
      const size_t piece = std::min(block.size(), length - sent);
      for (size_t i = 0; i < piece; ++i) block[i] = static_cast<uint8_t>(seed + (sent + i) * 7 + ((sent + i) >> 9));
      const ssize_t taken = send(*fd, block.data(), piece, MSG_NOSIGNAL);
      if (taken <= 0) return;
      sent += static_cast<size_t>(taken);
      if (leaves_early && sent > length / 2) return;
      if (wait == 0) std::this_thread::yield();
    }
    shutdown(*fd, SHUT_WR);
  });
  std::vector<uint8_t> block(50'000);
  size_t received = 0;
  for (ssize_t got; (got = recv(*fd, block.data(), block.size(), 0)) > 0;) {
    for (ssize_t i = 0; i < got; ++i, ++received) {
      if (block[static_cast<size_t>(i)] == static_cast<uint8_t>(seed + received * 7 + (received >> 9))) continue;
      std::fprintf(stderr, "byte %zu of %zu is wrong\n", received, length);
      ++mistakes;
      break;
    }
    echoed_bytes += static_cast<uint64_t>(got);
    if (leaves_early && received > length / 3) break;
  }
  if (leaves_early) shutdown(*fd, SHUT_RDWR);
  writer.join();
  ++visits;
}

size_t open_descriptors() {
  size_t count = 0;
  DIR* folder = opendir("/proc/self/fd");
  while (readdir(folder) != nullptr) ++count;
  closedir(folder);
  return count;
}

void join_planes(controlled& client, controlled& server, uint32_t id) {
  int ends[2];
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) abort();
  client.adopt(id, unique_fd(ends[0]));
  server.adopt(id, unique_fd(ends[1]));
}

}  // namespace

int main(int count, char** given) {
  const double seconds = count > 1 ? std::strtod(given[1], nullptr) : 5;
  std::mt19937 random(count > 2 ? static_cast<unsigned>(std::strtoul(given[2], nullptr, 10)) : 1u);
  char folder[] = "/tmp/xps-plane-XXXXXX";
  if (mkdtemp(folder) == nullptr) return 2;
  const std::string front = std::string(folder) + "/front", back = std::string(folder) + "/back";
  const size_t descriptors = open_descriptors();
  {
    const unique_fd listener = listen_at(back);
    std::thread echo_server([&] { serve_echo(listener); });
    controlled client(side::client, front), server(side::server, back);
    uint32_t next_id = 1;
    for (size_t i = 0; i < CHANNELS; ++i) join_planes(client, server, next_id++);
    std::vector<std::thread> visitors;
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    for (size_t i = 0; i < VISITORS; ++i) {
      visitors.emplace_back([&front, seed = random()] {
        std::mt19937 own(static_cast<unsigned>(seed));
        while (!is_over) visit(front, own);
      });
    }
    const auto begin = std::chrono::steady_clock::now();
    const auto age = [begin] { return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count(); };
    double next_kill = 0.05;
    const auto turn = [&] {
      for (const uint32_t id : client.serve()) {
        server.kill(id);
        join_planes(client, server, next_id++);
      }
      for (const uint32_t id : server.serve()) client.kill(id);
    };
    while (age() < seconds) {
      turn();
      if (age() > next_kill) {
        next_kill = age() + 0.05;
        ++kills;
        (random() % 2 == 0 ? client : server).kill(next_id - 1 - random() % CHANNELS);
      }
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    is_over = true;
    while (age() < seconds + 30 && !visitors.empty()) {
      turn();
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      if (age() < seconds + 1) continue;
      client.stop();
      server.stop();
      for (std::thread& each : visitors) each.join();
      visitors.clear();
    }
    echo_server.join();
  }
  unlink(front.c_str());
  unlink(back.c_str());
  rmdir(folder);
  const size_t left = open_descriptors();
  const locked_memory_usage keys = usage_of_locked_memory();
  std::printf("%llu visits, %llu bytes, %llu rekeys, %llu kills, %llu mistakes, %zu descriptors and %zu keys left\n",
              static_cast<unsigned long long>(visits), static_cast<unsigned long long>(echoed_bytes),
              static_cast<unsigned long long>(rekeys), static_cast<unsigned long long>(kills),
              static_cast<unsigned long long>(mistakes), left - descriptors, keys.slots_in_use);
  return mistakes == 0 && left == descriptors && keys.slots_in_use == 0 && visits > 0 && rekeys > 0 ? 0 : 1;
}
