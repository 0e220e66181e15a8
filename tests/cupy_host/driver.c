/* CUDA 13's runtime and driver as far as CuPy and our tests use them, on the host.
 *
 * Device memory is host memory and all work is done at once, but for what is asked of a stream
 * that is being captured: that is written down, and done by each launch of the graph. Kernels
 * come from g++ (see install.py). What CUDA refuses in a capture is refused here. A function
 * `emulated_X` takes the place of `X` in CuPy's copy of the runtime. */
#define _GNU_SOURCE
#include <malloc.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OUT_OF_MEMORY = 2, NOT_SUPPORTED = 801, CAPTURING = 900, LAUNCH_FAILED = 719 };
typedef void* Pointer;

/* Kernels. */

typedef const char* (*Run)(const unsigned* sizes, unsigned shared, Pointer* arguments);
typedef struct {
    int shared; /* dynamic shared memory that it may have */
    long module;
    Run run;
    char kinds[2048], name[512]; /* of its parameters: see cuda_host.hpp */
} Kernel;
typedef void (*Resolve)(Kernel*, long module, const char* name);
typedef void (*Callback)(long);

static Resolve resolve;
static Callback callback;
static char error[4096];

static int idle; /* kernels and products are asked for, but nothing is computed (steps.py) */
void emulated_idle(int is) { idle = is; }
static char noted[1 << 16]; /* the names of what was asked for, since they were last read */
static void note(const char* name) {
    size_t at = strlen(noted);
    snprintf(noted + at, sizeof noted - at, "%s ", name);
}
int emulated_cublas() { return 0; } /* stands for any of its functions */
int emulated_product() { note("product"); return 0; }
void emulated_noted(char* to, size_t n) { snprintf(to, n, "%s", noted); *noted = 0; }

void emulated_connect(Resolve r, Callback c) { resolve = r; callback = c; }
void emulated_fill(Kernel* k, Run run, const char* kinds) {
    k->run = run;
    snprintf(k->kinds, sizeof k->kinds, "%s", kinds);
}
const char* emulated_error(void) { return error; }

static pthread_mutex_t running = PTHREAD_MUTEX_INITIALIZER; /* a kernel's library has one state */

static int run_kernel(Kernel* k, unsigned* sizes, unsigned shared, Pointer* arguments) {
    if (!k->run) resolve(k, k->module, k->name);
    pthread_mutex_lock(&running);
    const char* wrong = k->run ? k->run(sizes, shared, arguments) : "not compiled";
    pthread_mutex_unlock(&running);
    if (!wrong || !*wrong) return 0;
    snprintf(error, sizeof error, "%s: %s", k->name, wrong);
    return LAUNCH_FAILED;
}

/* Captures: a list of what is to be done. */

enum Kind { LAUNCH, COPY, FILL, HOST };
typedef struct Node {
    enum Kind kind;
    Kernel* kernel;
    unsigned sizes[6], shared;
    Pointer* arguments;
    Pointer to;
    const void* from;
    size_t size;
    long value;
    struct Node* next;
} Node;
typedef struct { Node *first, *last; } Graph;

static Pointer capturing; /* the stream */
static Graph* open_graph;

static Node* add(enum Kind kind) {
    Node* node = calloc(1, sizeof *node);
    node->kind = kind;
    if (open_graph->last) open_graph->last->next = node;
    else open_graph->first = node;
    open_graph->last = node;
    return node;
}

/* Whether a host function was recorded, to be called by each launch. */
int emulated_record(long value) {
    if (!capturing) return 0;
    add(HOST)->value = value;
    return 1;
}

int emulated_cudaStreamIsCapturing(Pointer s, int* is) { *is = capturing && s == capturing; return 0; }
int emulated_cudaStreamBeginCapture(Pointer s, int mode) {
    if (!s || mode != 2) return CAPTURING; /* 2: others refuse to allocate */
    capturing = s;
    open_graph = calloc(1, sizeof *open_graph);
    return 0;
}
int emulated_cudaStreamEndCapture(Pointer s, Pointer* graph) {
    capturing = NULL;
    *graph = open_graph;
    return 0;
}
int emulated_cudaGraphInstantiate(Pointer* made, Pointer graph, unsigned long long f) { *made = graph; return 0; }
int emulated_cudaGraphDestroy(Pointer graph) { return 0; }
int emulated_cudaGraphExecDestroy(Pointer graph) { return 0; }
int emulated_cudaGraphLaunch(Pointer graph, Pointer s) {
    for (Node* n = ((Graph*)graph)->first; n; n = n->next) {
        int wrong = 0;
        if (n->kind == LAUNCH) wrong = run_kernel(n->kernel, n->sizes, n->shared, n->arguments);
        else if (n->kind == COPY) memmove(n->to, n->from, n->size);
        else if (n->kind == FILL) memset(n->to, (int)n->value, n->size);
        else callback(n->value);
        if (wrong) return wrong;
    }
    return 0;
}

/* The device. */

int emulated_cudaGetDeviceCount(int* n) { *n = 1; return 0; }
int emulated_cudaGetDevice(int* d) { *d = 0; return 0; }
int emulated_cudaSetDevice(int d) { return d ? 101 : 0; }
int emulated_cudaDriverGetVersion(int* v) { *v = 13000; return 0; }
int emulated_cudaRuntimeGetVersion(int* v) { *v = 13000; return 0; }
int emulated_cudaDeviceSynchronize(void) { return 0; }
int emulated_cudaGetLastError(void) { return 0; }
const char* emulated_cudaGetErrorName(int e) {
    return e == OUT_OF_MEMORY ? "cudaErrorMemoryAllocation"
           : e == CAPTURING   ? "cudaErrorStreamCaptureUnsupported" : "cudaErrorEmulated";
}
const char* emulated_cudaGetErrorString(int e) {
    return e == CAPTURING ? "operation not permitted when stream is capturing" : "emulated";
}
int emulated_cudaDeviceGetAttribute(int* v, int attribute, int device) {
    switch (attribute) {
        case 1: *v = 1024; break;      /* threads of a block */
        case 5: *v = 2147483647; break; /* blocks of a grid */
        case 6: case 7: *v = 65535; break;
        case 8: *v = 48 << 10; break;  /* shared memory */
        case 10: *v = 32; break;       /* lanes of a warp */
        case 12: *v = 65536; break;    /* registers */
        case 16: *v = 132; break;      /* multiprocessors */
        case 39: *v = 2048; break;
        case 75: *v = 9; break;        /* compute capability */
        case 76: *v = 0; break;
        case 97: *v = 227 << 10; break;
        default: *v = 1;
    }
    return 0;
}
int emulated_cudaGetDeviceProperties(char* p, int device) { /* as CUDA 13's cudaDeviceProp lies */
    struct { char name[256], uuid[16], luid[8]; unsigned mask; size_t memory, shared; int registers,
             warp; size_t pitch; int threads, block[3], grid[3]; size_t constant; int major, minor;
    } has = {.name = "Emulated GPU", .memory = 140ull << 30, .shared = 48 << 10,
             .registers = 65536, .warp = 32, .threads = 1024, .block = {1024, 1024, 64},
             .grid = {2147483647, 65535, 65535}, .major = 9};
    memcpy(p, &has, sizeof has);
    return 0;
}

/* Memory. */

int emulated_cudaMalloc(Pointer* p, size_t n) {
    *p = n > (8ul << 30) ? NULL : memalign(512, n ? n : 1);
    if (*p) memset(*p, idle ? 0 : 0xff, n); /* NaNs: nothing may be read that was not written */
    return *p ? 0 : OUT_OF_MEMORY;
}
int emulated_cudaFree(Pointer p) { free(p); return 0; }
int emulated_cudaHostAlloc(Pointer* p, size_t n, unsigned f) { *p = memalign(4096, n ? n : 1); return 0; }
int emulated_cudaFreeHost(Pointer p) { free(p); return 0; }
int emulated_cudaMemGetInfo(size_t* free, size_t* all) { *free = *all = 140ull << 30; return 0; }
int emulated_cudaMemcpy(Pointer to, const void* from, size_t n, int kind) { memmove(to, from, n); return 0; }
int emulated_cudaMemcpyAsync(Pointer to, const void* from, size_t n, int kind, Pointer s) {
    note("copy");
    if (idle && kind == 2) memset(to, 0, n); /* to the host: what nothing has computed */
    else if (!capturing || s != capturing) memmove(to, from, n);
    if (idle || !capturing || s != capturing) return 0;
    Node* node = add(COPY);
    node->to = to, node->from = from, node->size = n;
    return 0;
}
int emulated_cudaMemset(Pointer p, int value, size_t n) { memset(p, value, n); return 0; }
int emulated_cudaMemsetAsync(Pointer p, int value, size_t n, Pointer s) {
    note("fill");
    if (!capturing || s != capturing) { memset(p, value, n); return 0; }
    Node* node = add(FILL);
    node->to = p, node->value = value, node->size = n;
    return 0;
}
int emulated_cudaPointerGetAttributes(Pointer to, const void* p) {
    struct { int type, device; const void *on_device, *on_host; } is = {2, 0, p, NULL};
    memcpy(to, &is, sizeof is);
    return 0;
}

/* Streams and events: numbers. */

static intptr_t last_number = 0x1000;
static int number(Pointer* p) { *p = (Pointer)(last_number += 16); return 0; }
int emulated_cudaStreamCreate(Pointer* s) { return number(s); }
int emulated_cudaStreamCreateWithFlags(Pointer* s, unsigned f) { return number(s); }
int emulated_cudaStreamCreateWithPriority(Pointer* s, unsigned f, int p) { return number(s); }
int emulated_cudaStreamDestroy(Pointer s) { return 0; }
int emulated_cudaStreamSynchronize(Pointer s) { return capturing && s == capturing ? CAPTURING : 0; }
int emulated_cudaStreamQuery(Pointer s) { return capturing && s == capturing ? CAPTURING : 0; }
int emulated_cudaStreamWaitEvent(Pointer s, Pointer e, unsigned f) { return 0; }
int emulated_cudaEventCreate(Pointer* e) { return number(e); }
int emulated_cudaEventCreateWithFlags(Pointer* e, unsigned f) { return number(e); }
int emulated_cudaEventDestroy(Pointer e) { return 0; }
int emulated_cudaEventQuery(Pointer e) { return 0; }
int emulated_cudaEventRecord(Pointer e, Pointer s) { return 0; }
int emulated_cudaEventSynchronize(Pointer e) { return 0; }
int emulated_cudaEventElapsedTime(float* ms, Pointer a, Pointer b) { *ms = 1; return 0; }

/* The driver's own functions, which CuPy finds by their names in libcuda.so.1. A module's "code"
 * is its number in install.py. */

int cuInit(unsigned f) { return 0; }
int cuDriverGetVersion(int* v) { *v = 13000; return 0; }
int cuGetErrorName(int e, const char** s) { *s = "CUDA_ERROR_EMULATED"; return 0; }
int cuGetErrorString(int e, const char** s) { *s = error; return 0; }
int cuCtxGetCurrent(Pointer* c) { *c = (Pointer)1; return 0; }
int cuCtxSetCurrent(Pointer c) { return 0; }
int cuModuleLoadData(Pointer* m, const void* code) { *m = (Pointer)(atol(code) + 1); return 0; }
int cuModuleUnload(Pointer m) { return 0; }
int cuModuleGetFunction(Pointer* f, Pointer m, const char* name) {
    Kernel* k = calloc(1, sizeof *k);
    k->shared = 48 << 10;
    k->module = (long)m - 1;
    snprintf(k->name, sizeof k->name, "%s", name);
    *f = k;
    return 0;
}
int cuFuncGetAttribute(int* v, int attribute, Kernel* k) { *v = attribute == 8 ? k->shared : 1024; return 0; }
int cuFuncSetAttribute(Kernel* k, int attribute, int v) {
    if (attribute == 8) k->shared = v;
    return v > (227 << 10);
}
int cuLaunchKernel(Kernel* k, unsigned x, unsigned y, unsigned z, unsigned tx, unsigned ty,
                   unsigned tz, unsigned shared, Pointer s, Pointer* arguments, Pointer* extra) {
    unsigned sizes[6] = {x, y, z, tx, ty, tz};
    if (!x || !y || !z || x > 2147483647u || y > 65535 || z > 65535 || !tx || !ty || !tz ||
        (unsigned long)tx * ty * tz > 1024 || (int)shared > k->shared) {
        snprintf(error, sizeof error, "%s: launch of (%u, %u, %u), (%u, %u, %u), %u bytes shared",
                 k->name, x, y, z, tx, ty, tz, shared);
        return 1;
    }
    note(k->name);
    if (idle) return 0;
    if (!capturing || s != capturing) return run_kernel(k, sizes, shared, arguments);
    if (!k->run) resolve(k, k->module, k->name);
    Node* node = add(LAUNCH);
    node->kernel = k, node->shared = shared;
    memcpy(node->sizes, sizes, sizeof sizes);
    node->arguments = calloc(128, sizeof(Pointer));
    char kinds[sizeof k->kinds];
    memcpy(kinds, k->kinds, sizeof kinds);
    int i = 0;
    for (char* kind = strtok(kinds, " "); kind; kind = strtok(NULL, " "), i++) {
        size_t size = strchr(kind, '*') ? sizeof(Pointer) : atol(kind + 1);
        node->arguments[i] = memcpy(malloc(size), arguments[i], size);
    }
    return 0;
}
