"""Faults of the kernels of CUDA, which the host runs (`cuda_host`), and of what launches them."""

from ._fault import equal, faults

K = "tinygrad_lite/backend/cuda/kernels/"
B = "tinygrad_lite/backend/cuda/"

FAULTS = [
    *faults(
        K + "common.cuh",
        "backend/test_cuda_host.py",
        (
            "    value = warp_sum(value);\n    __syncthreads();  // a sum before this one may still be read\n",
            "    value = warp_sum(value);\n",
            "backend/test_cuda_host.py",
        ),
        (
            "((u + 0x7fffu + ((u >> 16) & 1u)) >> 16)",
            "((u + 0x8000u) >> 16)",
            "backend/test_cuda_host.py backend/test_cuda_elementwise.py",
        ),
        (
            "for (int d = WARP / 2; d > 0; d /= 2) value += __shfl_xor_sync",
            "for (int d = WARP / 4; d > 0; d /= 2) value += __shfl_xor_sync",
        ),
    ),
    *faults(
        K + "elementwise.cu",
        "backend/test_cuda_elementwise.py",
        ("return A(v) <= A(0) ? T(A(0)) : v;", "return A(v) > A(0) ? v : T(A(0));"),
        ("return A(v) == A(0) ? T(A(0)) : c;", "return A(v) > A(0) ? c : T(A(0));"),
        (
            "for (Index i = packs * PACK + first_item(); i < count",
            "for (Index i = packs * PACK + first_item(); i < count - 1",
        ),
    ),
    *equal(
        K + "elementwise.cu",
        "aligned(a) && aligned(b) && aligned(y)",
        "aligned(a) && aligned(b)",
        "y is memory of its own, and begins where CuPy aligns it",
    ),
    *faults(
        K + "loss.cu",
        "backend/test_cuda_loss.py",
        (
            "p[first + c] = T(exp(A(x[first + c]) - of.highest) / of.total);",
            "p[first + c] = T(exp(A(x[first + c])) / of.total);",
        ),
        (
            "(A(p[i]) - hit) * (A(g[row * g_step]) * A(share))",
            "(A(p[i]) - hit) * A(g[row * g_step])",
        ),
        (
            "const bool known = t >= 0 && t < (long long)columns;",
            "const bool known = t >= 0 && t <= (long long)columns;",
        ),
        ("(A(p[at]) * total - A(q[at])) * cotangent", "(A(p[at]) - A(q[at])) * cotangent"),
        (
            "if (target[i] < 0 || target[i] >= (long long)n) *flag = 1;",
            "if (target[i] >= (long long)n) *flag = 1;",
        ),
        ("value = parts[lane < (int)blockDim.x / WARP ? lane : 0];", "value = parts[0];"),
    ),
    *faults(
        K + "amp.cu",
        "amp/test_grad_scaler.py -k kernel",
        ("bad |= A(value) - A(value) != A(0);", "bad = A(value) - A(value) != A(0);"),
        ("if (due && grown - grown == 0.0f) *scale = grown;", "if (due) *scale = grown;"),
        ("*tracker = due ? 0.0f : counted;", "*tracker = counted;"),
    ),
    *faults(
        K + "scatter.cu",
        "backend/test_cuda_scatter.py",
        ("if (m > 0 && places[order[m - 1]] == place) continue;", ""),
        ("|| seen + (long long)size == (long long)v)", ")"),
        (
            "k < items && places[order[k]] == place; k++",
            "k < items && places[order[k]] == place && k < m + 2; k++",
        ),
    ),
    *faults(
        K + "optim.cu",
        "backend/test_cuda_optim.py",
        (
            "const A b = first ? d : fma(keep, d, mu * A(e.s));",
            "const A b = fma(keep, d, mu * A(e.s));",
        ),
        ("d = nesterov ? fma(mu, b, d) : b;", "d = nesterov ? fma(mu, b, b) : b;"),
        ("l2 = A(decoupled ? 0.0 : decay)", "l2 = A(decay)"),
        (
            "            e.u = T(v);\n        }\n        e.p = T(fma(-rate, m / (sqrt(v) + eps), p));",
            "        }\n        e.p = T(fma(-rate, m / (sqrt(v) + eps), p));",
        ),
        ("v = fma(-m, m, v);", "v = fma(-m, v, v);"),
        ("&& aligned(of.u) && (of.stop - of.start) % PACK == 0", "&& aligned(of.u)"),
        (
            "table.entry[k + 1].first_block <= (long long)blockIdx.x",
            "table.entry[k + 1].first_block < (long long)blockIdx.x",
        ),
    ),
    *faults(
        K + "pool.cu",
        "backend/test_cuda_pool.py",
        (
            "if (a > best[v] || a != a || winner[v] == none) {",
            "if (a > best[v] || winner[v] == none) {",
        ),
        (
            "if (a > best[v] || a != a || winner[v] == none) {",
            "if (a >= best[v] || a != a || winner[v] == none) {",
        ),
        ("above > 0 ? (above + s - 1) / s : 0", "above > 0 ? above / s : 0"),
        (
            "if (met && ow >= columns.first && j * k.e == columns.at - ow * k.t)",
            "if (met && ow >= columns.first)",
        ),
        (
            "const Index low = border ? -p : 0, high = border ? n + p : n;",
            "const Index low = -p, high = n + p;",
        ),
        (
            "return (Index)(((long long)(i + 1) * n + bins - 1) / bins);",
            "return (Index)((long long)(i + 1) * n / bins);",
        ),
    ),
    *faults(
        K + "conv.cu",
        "backend/test_cuda_conv.py",
        (
            "if (top < 0 || oh >= down || oh * s != top) continue;",
            "if (top < 0 || oh >= down) continue;",
        ),
        (
            "const bool inside = within(row, height) && within(column, width);",
            "const bool inside = within(row, height) && within(column, width + 1);",
        ),
        (
            "const Index h = (top + oh) * s - p, w = ow * t - q;",
            "const Index h = (top + oh) * s - q, w = ow * t - p;",
        ),
        (
            "const Index block = c / together * together;\n            Pack<V>* to",
            "const Index block = c;\n            Pack<V>* to",
        ),
    ),
    *faults(
        K + "batch_norm.cu",
        "backend/test_cuda_norm.py",
        ("slope = moment * r * r / A(size);", "slope = moment * r / A(size);"),
        ("return y <= A(0) ? A(0) : y; }", "return y > A(0) ? y : A(0); }"),
        ("return along == 1 && size % PACK == 0 &&", "return along == 1 &&"),
        ("const A count = A(min(chunk, size - s * chunk));", "const A count = A(chunk);"),
    ),
    *faults(
        K + "layer_norm.cu",
        "backend/test_cuda_norm.py -k layer",
        (
            "    moment = block_sum(moment) / A(size);\n    for",
            "    moment = moment / A(size);\n    for",
        ),
        (
            "for (Index row = run * chunk + team; row < stop; row += 8) {",
            "for (Index row = run * chunk + team; row < rows; row += 8) {",
        ),
        ("for (int k = 1; k < 8; k++) {", "for (int k = 1; k < 7; k++) {"),
    ),
    *faults(
        K + "moments.cuh",
        "backend/test_cuda_norm.py",
        ("a.m2 + b.m2 + d * d * a.count * share", "a.m2 + b.m2"),
        ("m2 += k < loaded ? d * d : A(0);", "m2 += d * d;"),
    ),
    *faults(
        K + "sums.cu",
        "backend/test_cuda_sums.py",
        (
            "for (Index r = warp; r < rows; r += WARP)",
            "for (Index r = warp; r < rows - 1; r += WARP)",
        ),
        ("if (threadIdx.x == 0) *y = T(sum / A(count));", "if (threadIdx.x == 0) *y = T(sum);"),
    ),
    *faults(
        K + "batch_norm.cu",
        "backend/test_cuda_norm.py -k track",
        ("offset ? m.mean + offset[c] : m.mean", "m.mean"),
        ("if (tracked && c == 0) *tracked += 1;", "if (tracked) *tracked += 1;"),
    ),
    *faults(
        K + "sums.cu",
        "nn/test_joined_relu.py -k launch",
        ("const T passed = A(y[i]) == A(0) ? T(A(0)) : g[i];", "const T passed = g[i];"),
    ),
    *faults(
        B + "optim.py",
        "optim/test_again.py",
        ('table["entry"]["places"][:count, 1] =', 'table["entry"]["places"][:count, 2] ='),
    ),
    *faults(
        "tinygrad_lite/optim/_again.py",
        "optim/test_again.py",
        (
            "                if own.get(word) is not tensor or tensor.array",
            "                if tensor.array",
        ),
        ("            if len(steps) > 1:\n                return False\n", ""),
        ("param.array is not array or grad.array.strides", "grad.array.strides"),
        ("            or [*map(id, state.values())] != states\n", ""),
    ),
    *faults(
        "tinygrad_lite/ops/norm.py",
        "nn/test_joined.py -k once",
        ("relu, running.pop())", "relu, running[0])"),
    ),
    *faults(
        K + "conv_hopper.cu",
        "backend/test_cuda_hopper.py",
        ("T(sums[k] + (bias ? float(bias[row]) : 0.0f))", "T(sums[k])"),
        ("const bool valid = top + row < m;", "const bool valid = top + row < m - 1;"),
        ("if (row >= m || at >= places) continue;", "if (row >= m) continue;"),
        ("if (parts) parts += (Index)blockIdx.z * m * places;", ""),
    ),
    *faults(
        B + "optim.py",
        "backend/test_cuda_optim.py",
        ("if place in self._params:  # given twice: one update after the other", "if False:"),
        ("tuple(options.items()), id(scalars)", "tuple(options.items()), 0"),
    ),
    *equal(
        "tinygrad_lite/backend/cuda/optim.py",
        "blocks += -(-size // ELEMENTS)",
        "blocks += size // ELEMENTS + 1",
        "at most one block more, for elements that are none",
    ),
    *faults(
        B + "scatter.py",
        "backend/test_cuda_scatter.py",
        (
            'places = index[0].astype("int64") % max(head[0], 1)',
            'places = index[0].astype("int64")',
        ),
        ("if part != tuple(shape):", "if False:"),
    ),
    *faults(
        B + "columns.py",
        "backend/test_cuda_conv.py",
        ("        if a.data.ptr % 16:\n", "        if False:\n"),
        (
            "window.kernel == window.stride == (1, 1) and window.padding == (0, 0)",
            "window.kernel == window.stride == (1, 1)",
        ),
        ("step = -(-down // -(-down // step))", "step = down"),
    ),
    *faults(
        B + "graph.py",
        "cuda/test_graph.py cuda/test_graph_memory.py -k 'not convnet and not kernels'",
        ("        if self._waiting[self.turn]:\n", "        if False:\n"),
        ("        self.turn = (turn + 1) % TURNS\n", ""),
        ("            upload.changed = True\n", "            pass\n"),
        ("if error.status != OUT_OF_MEMORY:", "if True:"),
        (
            "if upload.kept == kept and upload.used + size <= upload.size:",
            "if upload.kept == kept:",
        ),
    ),
]
