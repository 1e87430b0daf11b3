// The applications at both ends of a measured pair, as cheap as they can be: the same for every proxy.
//
//   load serve                              prints its port, serves until its input ends
//   load bulk PORT STREAMS BYTES            seconds until all bytes of all streams have arrived
//   load ping PORT COUNT                    p50 and p99 of 1 KiB requests over one connection, in microseconds
//   load visit PORT SECONDS CONCURRENCY     short connections: how many, in how many seconds
//   load idle PORT COUNT                    opens connections, says "ready", holds them until its input ends
//
// The first byte of a connection says what it is: B bulk (and 8 bytes how much), P ping, V visit, I idle. Nothing depends on
// half-closes, which some proxies do not carry.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <unordered_map>
#include <vector>

namespace {

constexpr size_t BLOCK = 256 * 1024;
constexpr size_t REQUEST = 1024;
using steady = std::chrono::steady_clock;

[[noreturn]] void die(const char* what) {
  std::fprintf(stderr, "load: %s: %s\n", what, std::strerror(errno));
  std::exit(1);
}

double seconds_since(steady::time_point begin) { return std::chrono::duration<double>(steady::now() - begin).count(); }

void no_delay(int fd) {
  const int yes = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &yes, sizeof yes);
}

int connect_to(int port) {
  const int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_port = htons(static_cast<uint16_t>(port));
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (fd < 0 || connect(fd, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0) die("connect");
  no_delay(fd);
  return fd;
}

void write_all(int fd, const char* bytes, size_t length) {
  while (length > 0) {
    const ssize_t taken = send(fd, bytes, length, MSG_NOSIGNAL);
    if (taken < 0 && errno == EINTR) continue;
    if (taken <= 0) die("send");
    bytes += taken;
    length -= static_cast<size_t>(taken);
  }
}

void read_all(int fd, char* bytes, size_t length) {
  while (length > 0) {
    const ssize_t got = recv(fd, bytes, length, 0);
    if (got < 0 && errno == EINTR) continue;
    if (got == 0) {
      std::fprintf(stderr, "load: the connection ended early\n");
      std::exit(1);
    }
    if (got < 0) die("recv");
    bytes += got;
    length -= static_cast<size_t>(got);
  }
}

struct served {
  char kind = 0;
  size_t pending = 0;     // of a ping's request
  size_t header = 0;      // bytes of `announced` that came
  uint64_t announced = 0; // of a bulk transfer
  uint64_t arrived = 0;
};

// One thread, level-triggered: an application that is not the bottleneck.
int serve() {
  const int listener = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
  sockaddr_in at{};
  at.sin_family = AF_INET;
  at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  if (bind(listener, reinterpret_cast<sockaddr*>(&at), sizeof at) != 0 || listen(listener, 4096) != 0) die("listen");
  no_delay(listener);
  socklen_t length = sizeof at;
  getsockname(listener, reinterpret_cast<sockaddr*>(&at), &length);
  std::printf("%d\n", ntohs(at.sin_port));
  std::fflush(stdout);
  const int poll = epoll_create1(EPOLL_CLOEXEC);
  const auto watch = [poll](int fd) {
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
  };
  watch(listener);
  watch(STDIN_FILENO);
  std::unordered_map<int, served> connections;
  std::vector<char> block(BLOCK);
  epoll_event ready[256];
  for (;;) {
    const int count = epoll_wait(poll, ready, 256, -1);
    for (int i = 0; i < count; ++i) {
      const int fd = ready[i].data.fd;
      if (fd == STDIN_FILENO) return 0;
      if (fd == listener) {
        for (int arrived; (arrived = accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0;) {
          connections[arrived] = {};
          watch(arrived);
        }
        continue;
      }
      served& here = connections[fd];
      const ssize_t got = recv(fd, block.data(), block.size(), 0);
      if (got < 0 && (errno == EAGAIN || errno == EINTR)) continue;
      bool is_over = got <= 0;
      const char* at = block.data();
      size_t fresh = got > 0 ? static_cast<size_t>(got) : 0;
      if (here.kind == 0 && fresh > 0) {
        here.kind = *at++;
        --fresh;
        if (here.kind == 'I') write_all(fd, "i", 1);
        if (here.kind == 'V') {
          write_all(fd, block.data(), 64);
          is_over = true;
        }
      }
      if (here.kind == 'P') {
        for (here.pending += fresh; here.pending >= REQUEST; here.pending -= REQUEST) write_all(fd, block.data(), REQUEST);
      }
      if (here.kind == 'B') {
        for (; here.header < sizeof here.announced && fresh > 0; --fresh) reinterpret_cast<char*>(&here.announced)[here.header++] = *at++;
        here.arrived += fresh;
        if (here.header == sizeof here.announced && here.arrived == here.announced && fresh > 0) write_all(fd, "b", 1);
      }
      if (!is_over) continue;
      close(fd);
      connections.erase(fd);
    }
  }
}

int bulk(int port, size_t streams, uint64_t bytes) {
  std::vector<char> block(BLOCK, 'x');
  std::vector<int> fds;
  const int poll = epoll_create1(EPOLL_CLOEXEC);
  std::unordered_map<int, uint64_t> left;
  for (size_t i = 0; i < streams; ++i) {
    const int fd = connect_to(port);
    const uint64_t share = bytes / streams;
    write_all(fd, "B", 1);
    write_all(fd, reinterpret_cast<const char*>(&share), sizeof share);
    left[fd] = share;
    fds.push_back(fd);
  }
  const auto begin = steady::now();
  if (streams == 1) {
    for (uint64_t& rest = left[fds[0]]; rest > 0;) {
      const size_t piece = std::min<uint64_t>(rest, BLOCK);
      write_all(fds[0], block.data(), piece);
      rest -= piece;
    }
  } else {
    for (const int fd : fds) {
      epoll_event event{};
      event.events = EPOLLOUT;
      event.data.fd = fd;
      epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
    }
    for (size_t open = streams; open > 0;) {
      epoll_event ready[64];
      const int count = epoll_wait(poll, ready, 64, -1);
      for (int i = 0; i < count; ++i) {
        const int fd = ready[i].data.fd;
        uint64_t& rest = left[fd];
        const ssize_t taken = send(fd, block.data(), std::min<uint64_t>(rest, BLOCK), MSG_DONTWAIT | MSG_NOSIGNAL);
        if (taken < 0 && errno != EAGAIN) die("send");
        if (taken > 0) rest -= static_cast<uint64_t>(taken);
        if (rest > 0) continue;
        epoll_ctl(poll, EPOLL_CTL_DEL, fd, nullptr);
        --open;
      }
    }
  }
  for (const int fd : fds) {
    char done;
    read_all(fd, &done, 1);
  }
  std::printf("{\"seconds\":%.6f}\n", seconds_since(begin));
  return 0;
}

int ping(int port, size_t count) {
  const int fd = connect_to(port);
  write_all(fd, "P", 1);
  std::vector<char> message(REQUEST, 'p');
  std::vector<double> times;
  for (size_t i = 0; i < count + count / 10; ++i) {
    const auto begin = steady::now();
    write_all(fd, message.data(), REQUEST);
    read_all(fd, message.data(), REQUEST);
    if (i >= count / 10) times.push_back(seconds_since(begin) * 1e6);  // the first tenth warms up
  }
  std::sort(times.begin(), times.end());
  std::printf("{\"p50\":%.2f,\"p99\":%.2f}\n", times[times.size() / 2], times[times.size() * 99 / 100]);
  return 0;
}

int visit(int port, double seconds, size_t concurrency) {
  const int poll = epoll_create1(EPOLL_CLOEXEC);
  char request[64] = {'V'}, answer[128];
  const auto begin = steady::now();
  size_t visits = 0, open = 0, failures = 0;
  const auto start = [&] {
    const int fd = connect_to(port);
    write_all(fd, request, sizeof request);
    epoll_event event{};
    event.events = EPOLLIN;
    event.data.fd = fd;
    epoll_ctl(poll, EPOLL_CTL_ADD, fd, &event);
    ++open;
  };
  while (open < concurrency) start();
  while (open > 0) {
    epoll_event ready[256];
    const int count = epoll_wait(poll, ready, 256, 5000);
    if (count <= 0) {
      std::fprintf(stderr, "load: %zu connections got no answer\n", open);
      return 1;
    }
    for (int i = 0; i < count; ++i) {
      const int fd = ready[i].data.fd;
      const ssize_t got = recv(fd, answer, sizeof answer, MSG_DONTWAIT);
      if (got > 0 || (got < 0 && errno == EAGAIN)) continue;
      if (got == 0) ++visits;
      else ++failures;
      close(fd);
      --open;
      if (seconds_since(begin) < seconds) start();
    }
  }
  std::printf("{\"visits\":%zu,\"failures\":%zu,\"seconds\":%.6f}\n", visits, failures, seconds_since(begin));
  return 0;
}

int idle(int port, size_t count) {
  for (size_t i = 0; i < count; ++i) {
    const int fd = connect_to(port);
    write_all(fd, "I", 1);
    char answer;
    read_all(fd, &answer, 1);
  }
  std::printf("ready\n");
  std::fflush(stdout);
  char end;
  while (read(STDIN_FILENO, &end, 1) > 0) {
  }
  return 0;
}

}  // namespace

int main(int count, char** given) {
  signal(SIGPIPE, SIG_IGN);
  const std::string what = count > 1 ? given[1] : "";
  const auto number = [given](int at) { return std::strtoull(given[at], nullptr, 10); };
  if (what == "serve" && count == 2) return serve();
  if (what == "bulk" && count == 5) return bulk(static_cast<int>(number(2)), number(3), number(4));
  if (what == "ping" && count == 4) return ping(static_cast<int>(number(2)), number(3));
  if (what == "visit" && count == 5) return visit(static_cast<int>(number(2)), std::strtod(given[3], nullptr), number(4));
  if (what == "idle" && count == 4) return idle(static_cast<int>(number(2)), number(3));
  std::fprintf(stderr, "load: see the head of bench/load/load.cc\n");
  return 2;
}
