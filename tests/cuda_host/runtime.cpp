// Runs the blocks of a kernel: what cuda_host.hpp declares. It is linked to each kernel's library.
#include "cuda_host.hpp"

#include <ucontext.h>

#include <cstdio>
#include <deque>
#include <map>
#include <memory>
#include <string>
#include <vector>

// Shared memory lies in one section of the library, so that it can be found and filled.
__attribute__((section("shared_memory"), used)) static char host_first_shared[16];
extern "C" char __start_shared_memory[] __attribute__((visibility("hidden")));
extern "C" char __stop_shared_memory[] __attribute__((visibility("hidden")));

namespace host {

struct Copy { void* to; const void* from; int bytes; };  // cp.async, under way

struct Fibre {
    ucontext_t context;
    std::unique_ptr<char[]> stack;
    Thread thread;
    std::deque<std::vector<Copy>> groups;  // of cp.async; the last one is open
    bool done = false;
};

struct Barrier { unsigned arrived = 0, generation = 0; std::vector<Fibre*> waiting; };
struct Exchange { Barrier barrier; Slot slots[2][32]; };

constexpr size_t STACK = 96 << 10;
Thread* thread = nullptr;
dim3 grid, block, block_index;
unsigned threads;

static std::string error;  // the first one
static ucontext_t scheduler;
static Fibre* current = nullptr;
static bool broken = false;  // the block is to be left as it is
static void (*body)(void*);
static void* context;
static unsigned started, finished;
static std::deque<Fibre*> ready;
static Barrier block_barrier;
static std::map<std::pair<unsigned, unsigned>, Exchange> exchanges;  // by warp and mask
static std::vector<std::unique_ptr<Fibre>> fibres;
static std::vector<unsigned char> dynamic;

void fail(const char* what) {
    if (error.empty()) error = what;
}

void* dynamic_shared() {
    return (void*)(((uintptr_t)dynamic.data() + 127) / 128 * 128);
}

static void run_threads() {  // one fibre: threads one after another, until one of them waits
    while (started < threads) {
        Thread& t = current->thread;
        current->groups.clear();
        t.number = started++;
        t.index = {t.number % block.x, t.number / block.x % block.y, t.number / block.x / block.y};
        body(context);
        ++finished;
    }
    current->done = true;
    Fibre* self = current;
    swapcontext(&self->context, &scheduler);
}

static void wait(Barrier& barrier, unsigned count) {
    if (++barrier.arrived == count) {
        barrier.arrived = 0;
        ++barrier.generation;
        for (Fibre* f : barrier.waiting) ready.push_back(f);
        barrier.waiting.clear();
        return;
    }
    barrier.waiting.push_back(current);
    Fibre* self = current;
    swapcontext(&self->context, &scheduler);
}

void wait_for_block() { wait(block_barrier, threads); }

static void resume(Fibre* fibre) {
    current = fibre;
    thread = &fibre->thread;
    swapcontext(&scheduler, &fibre->context);
}

static bool run_block() {
    started = finished = 0;
    ready.clear();
    block_barrier = Barrier();
    exchanges.clear();
    std::vector<Fibre*> idle;
    for (auto& f : fibres) idle.push_back(f.get());
    broken = false;
    while (true) {
        if (broken) return false;
        if (!ready.empty()) {
#ifdef HOST_LAST_FIRST  // a warp runs ahead of the others as far as barriers let it
            Fibre* next = ready.back();
            ready.pop_back();
#else
            Fibre* next = ready.front();
            ready.pop_front();
#endif
            resume(next);
        } else if (started < threads) {
            if (idle.empty()) {
                fibres.push_back(std::make_unique<Fibre>());
                fibres.back()->stack.reset(new char[STACK]);  // pages that are used alone cost
                idle.push_back(fibres.back().get());
            }
            Fibre* f = idle.back();
            idle.pop_back();
            f->done = false;
            getcontext(&f->context);
            f->context.uc_stack.ss_sp = f->stack.get();
            f->context.uc_stack.ss_size = STACK;
            f->context.uc_link = nullptr;
            makecontext(&f->context, (void (*)())run_threads, 0);
            resume(f);
#ifdef HOST_ENDED_THREADS_COUNT  // as on a GPU, where only CuPy's own kernels rely on it
        } else if (block_barrier.arrived && block_barrier.arrived + finished == threads) {
            wait(block_barrier, block_barrier.arrived + 1);
#endif
        } else {
            break;
        }
    }
    if (finished == threads) return true;
    const std::string waiting = std::to_string(threads - finished) + " of ";
    fail(("a barrier that " + waiting + std::to_string(threads) +
          " threads of the block wait at is never reached by the rest").c_str());
    return false;
}

const Slot* exchange_bytes(unsigned mask, const void* value, unsigned size) {
    const unsigned lane = thread->number % 32, warp = thread->number / 32;
    if (!(mask >> lane & 1)) fail("a lane is not in the mask that it gives");
    Exchange& e = exchanges[{warp, mask}];
    Slot* slots = e.slots[e.barrier.generation % 2];
    std::memcpy(slots[lane].bytes, value, size);
    wait(e.barrier, __builtin_popcount(mask));
    return slots;
}

char* write_kind(char* text, char letter, unsigned size, int pointer) {
    constexpr const char* ends[] = {" ", "* ", "const* "};
    return text + std::sprintf(text, "%c%u%s", letter, size, ends[pointer]);
}

const char* run(void (*call)(void*), void* with, const unsigned* sizes, unsigned shared) {
    error.clear();
    grid = {sizes[0], sizes[1], sizes[2]};
    block = {sizes[3], sizes[4], sizes[5]};
    threads = block.x * block.y * block.z;
    body = call;
    context = with;
    bool good = true;
    for (unsigned z = 0; z < grid.z && good; ++z)
        for (unsigned y = 0; y < grid.y && good; ++y)
            for (unsigned x = 0; x < grid.x && good; ++x) {
                std::memset(__start_shared_memory, 0xff,
                            __stop_shared_memory - __start_shared_memory);
                dynamic.assign(shared + 256, 0xff);
                block_index = {x, y, z};
                good = run_block();
            }
    if (!good) fibres.clear();
    return error.c_str();
}

static void sanitizer(const void* data, const char* what) {
    struct Place { const char* file; uint32_t line, column; };
    const Place* p = (const Place*)data;
    const std::string where = std::string(p->file ? p->file : "?") + ":" + std::to_string(p->line);
    fail((what + (" at " + where)).c_str());
    broken = true;  // going on may kill the process
    swapcontext(&current->context, &scheduler);
}

}  // namespace host

// What g++'s sanitizers call; defined here, so that no library of theirs is needed.
#define HOST_HANDLER(name, what) \
    extern "C" void __ubsan_handle_##name(void* d, ...) { host::sanitizer(d, what); }
HOST_HANDLER(type_mismatch_v1, "misaligned or null access")
HOST_HANDLER(out_of_bounds, "index out of bounds")
HOST_HANDLER(add_overflow, "integer overflow")
HOST_HANDLER(sub_overflow, "integer overflow")
HOST_HANDLER(mul_overflow, "integer overflow")
HOST_HANDLER(negate_overflow, "integer overflow")
HOST_HANDLER(divrem_overflow, "division by zero")
HOST_HANDLER(shift_out_of_bounds, "shift out of bounds")

void copy_16(Shared shared, const void* global, bool valid) {
    if (shared % 16 || (valid && (uintptr_t)global % 16))
        host::fail("an asynchronous copy is not aligned to 16 bytes");
    auto& groups = host::current->groups;
    if (groups.empty()) groups.emplace_back();
    groups.back().push_back({(void*)shared, valid ? global : nullptr, 16});
}
void copies_commit() {
    auto& groups = host::current->groups;
    if (groups.empty()) groups.emplace_back();
    groups.emplace_back();
}
void copies_wait_to(unsigned left) {
    auto& groups = host::current->groups;
    while (groups.size() > left + 1) {
        for (const host::Copy& c : groups.front()) {
            if (c.from) std::memcpy(c.to, c.from, c.bytes);
            else std::memset(c.to, 0, c.bytes);
        }
        groups.pop_front();
    }
}
