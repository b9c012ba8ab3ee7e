// A cache that is made when it is first asked for.
//
//   (nothing)     std::call_once
//   -DFLAG        a flag that is set before the cache is there
#include <atomic>
#include <cassert>
#include <memory>
#include <mutex>
#include <thread>

namespace {

struct Cache {
  int entries = 7;
};

std::unique_ptr<Cache> cache;
#ifdef FLAG
std::atomic<bool> isMade{false};

Cache *get() {
  if (!isMade.exchange(true)) cache = std::make_unique<Cache>();
  return cache.get();
}
#else
std::once_flag once;

Cache *get() {
  std::call_once(once, [] { cache = std::make_unique<Cache>(); });
  return cache.get();
}
#endif

}  // namespace

int main() {
  auto racer = [] { assert(get() != nullptr && get()->entries == 7); };
  std::thread first(racer), second(racer);
  first.join();
  second.join();
  cache.reset();
}
