"""Names that programs call for what is done, or decided, otherwise here."""

from __future__ import annotations

import importlib
import threading
from typing import Any

import numpy as np
import pytest

import tinygrad_lite as tg
from tinygrad_lite import backends, nn
from tinygrad_lite.nn.attention import SDPBackend, sdpa_kernel
from tinygrad_lite.utils.checkpoint import checkpoint, checkpoint_sequential
from tinygrad_lite.utils.hooks import RemovableHandle


def test_checkpoint_is_the_function_itself() -> None:
    a = tg.ones(2, requires_grad=True)
    checkpoint(lambda t, by: t * by, a, by=3, use_reentrant=False).sum().backward()
    assert a.grad is not None
    assert a.grad.tolist() == [3, 3]
    off = (tg.no_grad(), tg.no_grad())
    assert not checkpoint(lambda t: t * 3, a, context_fn=lambda: off).requires_grad
    model = nn.Sequential(nn.Linear(2, 2), nn.ReLU())
    assert checkpoint_sequential(model, 2, a, use_reentrant=False).tolist() == model(a).tolist()


def test_attention_kernels_may_be_named() -> None:
    q = tg.randn(1, 2, 3, 4)
    plain = nn.functional.scaled_dot_product_attention(q, q, q)
    with sdpa_kernel([SDPBackend.MATH, SDPBackend.FLASH_ATTENTION]):
        assert nn.functional.scaled_dot_product_attention(q, q, q).tolist() == plain.tolist()
    with pytest.raises(AssertionError, match="SDPBackend"), sdpa_kernel("math"):  # type: ignore[arg-type]
        pass
    with backends.cuda.sdp_kernel(enable_flash=False):
        assert not backends.cuda.flash_sdp_enabled()
        assert backends.cuda.math_sdp_enabled()
    assert backends.cuda.flash_sdp_enabled()
    backends.cuda.enable_flash_sdp(True)
    with backends.cudnn.flags(enabled=False, allow_tf32=False):
        assert not backends.cudnn.enabled
        assert not backends.cudnn.allow_tf32
    assert backends.cudnn.enabled
    assert backends.cudnn.allow_tf32


def test_scripted_functions_are_python() -> None:
    from tinygrad_lite import jit
    from tinygrad_lite.jit.annotations import List

    assert jit.annotate(List[int], [1]) == [1]
    assert jit.wait(jit.fork(lambda x: x + 1, 2)) == 3
    assert jit.script_if_tracing(len) is len
    with pytest.raises(NotImplementedError, match=r"jit.trace is not in tinygrad_lite"):
        jit.trace(nn.Linear(1, 1), tg.ones(1, 1))

    class Typed(nn.Module):
        size: jit.Final[int]

    assert Typed().training

    class Scripted(jit.ScriptModule):
        def __init__(self) -> None:
            super().__init__()
            self.inner = nn.Linear(1, 1)

        @jit.script_method
        def forward(self, x: tg.Tensor) -> tg.Tensor:
            return self.inner(x)

    model = nn.Sequential(Scripted())
    assert list(model.state_dict()) == ["0.inner.weight", "0.inner.bias"]
    assert model(tg.ones(2, 1)).shape == (2, 1)


def test_compilers_decorators_leave_functions_alone() -> None:
    from tinygrad_lite.absent import Absent

    fx = Absent("tinygrad_lite", "fx", "no compiler")
    assert fx.wrap(len) is len
    assert fx.disable()(len) is len
    with pytest.raises(NotImplementedError, match="no compiler"):
        fx.Tracer()


def test_dtypes_of_tables() -> None:
    assert tg.ones(1).dtype not in (tg.complex64, tg.complex128, tg.uint16, tg.uint32, tg.uint64)
    with pytest.raises(TypeError, match="no tensors of complex numbers of 16-bit parts"):
        tg.zeros(1, dtype=tg.complex32)
    with pytest.raises(AssertionError, match="so"):
        tg._assert(False, "so")
    tg._assert_async(tg.tensor(3.0), "so")
    with pytest.raises(RuntimeError, match="so"):
        tg._assert_async(tg.tensor(0), "so")


def test_a_handle_is_pytorchs() -> None:
    assert isinstance(nn.ReLU().register_forward_hook(print), RemovableHandle)


def test_custom_functions_under_autocast() -> None:
    seen = []

    class Double(tg.autograd.Function):
        @staticmethod
        @tg.amp.custom_fwd(device_type="cpu", cast_inputs=tg.float32)
        def forward(ctx, x):  # type: ignore[no-untyped-def]
            seen.append((x.dtype, tg.is_autocast_enabled("cpu")))
            return x * 2

        @staticmethod
        @tg.amp.custom_bwd(device_type="cpu")
        def backward(ctx, g):  # type: ignore[no-untyped-def]
            seen.append((g.dtype, tg.is_autocast_enabled("cpu")))
            return g * 2

    x = tg.ones(2, dtype=tg.float16, requires_grad=True)
    with tg.autocast("cpu", dtype=tg.float16):
        Double.apply(x).sum().backward()
    assert seen == [(tg.float32, False), (tg.float32, False)]
    assert x.grad is not None
    assert x.grad.tolist() == [2, 2]
    assert tg.amp.is_autocast_available("cpu")
    assert not tg.amp.is_autocast_available("mps")


def test_profiler_names_times_and_steps(tmp_path: Any) -> None:
    from tinygrad_lite.autograd.profiler import record_function as older
    from tinygrad_lite.profiler import (
        ProfilerActivity,
        emit_nvtx,
        profile,
        record_function,
        schedule,
        tensorboard_trace_handler,
    )

    assert older is record_function
    assert tg.autograd.profiler.profile is profile
    x = tg.ones(3, requires_grad=True)
    with profile(activities=[ProfilerActivity.CPU], record_shapes=True) as prof, emit_nvtx():
        with record_function("forward"):
            y = (x * 2).exp().sum()
        record_function("back")(y.backward)()
    text = prof.key_averages().table(sort_by="cpu_time_total", row_limit=10)
    averages = prof.key_averages()
    both = [f"{name}{end}" for name in ("mul", "exp", "sum") for end in ("", " backward")]
    assert {a.key: a.count for a in averages} == dict.fromkeys(("forward", "back", *both), 1)
    for average in averages:
        assert average.cpu_time_total >= average.self_cpu_time_total >= 0
        assert average.cpu_time == average.cpu_time_total / average.count
    assert "forward" in text
    assert "back" in text
    assert {"mul", "exp", "sum"} <= {event.name for event in prof.events()}
    with profile(enabled=False) as prof:
        x.exp()
    assert prof.events() == []

    plan = schedule(wait=1, warmup=1, active=2, repeat=2)
    assert [plan(i).value for i in range(9)] == [0, 1, 2, 3, 0, 1, 2, 3, 0]
    counts = []

    def ready(prof: Any) -> None:
        counts.append(len(prof.events()))
        tensorboard_trace_handler(tmp_path / "log")(prof)

    with profile(schedule=plan, on_trace_ready=ready) as prof:
        for _ in range(9):
            x.exp()
            prof.step()
    assert counts == [2, 2]
    assert len(list((tmp_path / "log").glob("*.pt.trace.json"))) == 2
    counts.clear()
    with profile(schedule=schedule(wait=0, warmup=0, active=2), on_trace_ready=ready) as prof:
        for _ in range(6):  # one cycle after another, without a pause
            x.exp()
            prof.step()
    assert counts == [2, 2, 2, 0]


def test_streams_without_a_gpu() -> None:
    with tg.cuda.stream(None) as none:
        assert none is None
    assert not tg.cuda.is_current_stream_capturing()
    assert len(tg.cuda.get_rng_state_all()) == tg.cuda.device_count()
    state = tg.cuda.get_rng_state()
    first = tg.rand(2)
    tg.cuda.set_rng_state_all([state])
    assert tg.equal(tg.rand(2), first)
    if not tg.cuda.is_available():
        assert tg.cuda.memory_stats() == {}
        for make in (tg.cuda.Stream, tg.cuda.Event, tg.cuda.current_stream):
            with pytest.raises(RuntimeError):
                make()
    with pytest.raises(AttributeError, match="missing here"):
        tg.cuda.no_such_name  # noqa: B018


@pytest.mark.gpu
@pytest.mark.skipif(not tg.cuda.is_available(), reason="needs a CUDA GPU")
def test_streams_are_the_one_stream() -> None:
    side, main = tg.cuda.Stream(), tg.cuda.current_stream()
    assert side == main
    side.wait_stream(main)
    with tg.cuda.stream(side):
        x = tg.ones(3, device="cuda") * 2
    done = side.record_event()
    main.wait_event(done)
    done.synchronize()
    assert done.query()
    assert side.query()
    assert x.sum().item() == 6


def test_too_little_memory_says_what_asked_for_it() -> None:
    x = tg.ones(1).expand(2**40)
    with pytest.raises(tg.cuda.OutOfMemoryError, match="exp: out of memory"):
        x.exp()
    assert issubclass(tg.OutOfMemoryError, RuntimeError)
    y = tg.ones(2, requires_grad=True)

    class Full(tg.autograd.Function):
        @staticmethod
        def forward(ctx: Any, t: Any) -> Any:
            return t.clone()

        @staticmethod
        def backward(ctx: Any, g: Any) -> Any:
            raise MemoryError("no")

    with pytest.raises(tg.OutOfMemoryError, match="backward pass"):
        Full.apply(y).sum().backward()


def test_a_timer_measures_a_statement() -> None:
    from tinygrad_lite.utils.benchmark import Compare, Measurement, Timer, select_unit

    threads = []
    timer = Timer(
        "look()", globals={"look": lambda: threads.append(tg.get_num_threads())}, label="looks"
    )
    before = tg.get_num_threads()
    once = timer.timeit(5)
    assert (once.number_per_run, len(once.times), len(threads)) == (5, 1, 7)  # 2 to warm up
    assert {*threads} == {1}
    assert tg.get_num_threads() == before
    assert "Measurement object at 0x" in repr(once)
    assert "\nlooks\n" in repr(once)
    runs: list[tuple[int, float]] = []
    ranged = timer.blocked_autorange(lambda n, t: runs.append((n, t)), min_run_time=0.01)
    assert [t for _, t in runs] == ranged.raw_times
    assert sum(ranged.raw_times) >= 0.01
    assert timer.adaptive_autorange(max_run_time=0.05).median > 0
    made = Measurement(2, [2.0, 4.0, 6.0, 8.0], ranged.task_spec)
    assert (made.mean, made.median, made.iqr) == (2.5, 2.5, 1.5)
    assert Measurement.merge([made, made])[0].times == made.times * 2
    assert [select_unit(t)[0] for t in (2, 0.5, 1e-5, 1e-12)] == ["s", "ms", "us", "ns"]
    assert repr(made).split("\n")[1:] == [
        "looks",
        "  Median: 2.50 s",
        "  IQR:    1.50 s (1.75 to 3.25)",
        "  4 measurements, 2 runs per measurement, 1 thread",
    ]
    task = made.task_spec._replace(description="d", setup="a\nb", sub_label="s", num_threads=4)
    assert repr(Measurement(2, [2.0], task)).split("\n")[1:] == [
        *("looks: s", "d", "setup:", "  a", "  b", "", "  1.00 s"),
        "  1 measurement, 2 runs , 4 threads",
    ]
    assert "\nsetup: a\n" in repr(Measurement(2, [2.0], task._replace(setup="a")))
    table = Compare([made])
    table.trim_significant_figures()
    assert str(table).splitlines() == [
        "[looks]", "           |    ", "look() (1) | 2.5", "Times are in s; (threads)."
    ]  # fmt: skip
    with pytest.raises(NotImplementedError, match="Python"):
        Timer("1;", language="c++")


def test_futures() -> None:
    futures = tg.futures
    first, second = futures.Future[int](), futures.Future[Any](devices=[])
    assert isinstance(first, tg.Future)
    twice = first.then(lambda done: 2 * done.wait())
    both = futures.collect_all([first, second])
    seen: list[Any] = []
    first.add_done_callback(lambda done: seen.append(done.value()))
    with pytest.raises(RuntimeError, match="not completed"):
        first.value()
    thread = threading.Thread(target=lambda: first.set_result(3))
    thread.start()
    assert (first.wait(), twice.wait(), both.done()) == (3, 6, False)
    thread.join()
    assert seen == [3]
    second.set_result("b")
    assert (both.wait(), futures.wait_all([first, twice])) == ([first, second], [3, 6])
    with pytest.raises(RuntimeError, match="complete again"):
        first.set_result(4)
    failed: Any = futures.Future()
    late = failed.then(lambda done: done.wait())
    with pytest.raises(TypeError, match="not an Exception"):
        failed.set_exception("no")
    failed.set_exception(ValueError("no"))
    for given in (failed.wait, failed.value, futures.collect_all([first, failed]).wait):
        with pytest.raises(ValueError, match="no"):
            given()
    with pytest.raises(RuntimeError, match="callback: ValueError: no"):
        late.wait()
    assert futures.collect_all([]).wait() == []


def test_hooks_on_several_gradients() -> None:
    graph = tg.autograd.graph
    a, b = (tg.ones(2, requires_grad=True) for _ in range(2))
    seen: list[Any] = []
    with graph.register_multi_grad_hook([a, b], lambda grads: seen.append(len(grads))):
        for _ in range(2):
            (a * 2 + b).sum().backward()
    assert seen == [2, 2]
    any_of = graph.register_multi_grad_hook(
        [a, b], lambda g: seen.append(g.sum().item()), mode="any"
    )
    (a * 2 + b * 2).sum().backward()
    any_of.remove()
    (a * 2).sum().backward()
    assert seen == [2, 2, 4]
    with pytest.raises(ValueError, match="mode"):
        graph.register_multi_grad_hook([a], print, mode="one")  # type: ignore[arg-type]
    with graph.save_on_cpu():
        y = (a * a).sum()
    assert isinstance(y.grad_fn, graph.Node)
    assert graph.get_gradient_edge(y).node is y.grad_fn
    with pytest.raises(RuntimeError, match="requires a gradient"):
        graph.get_gradient_edge(tg.ones(1))
    z = a * 2
    product = z * z
    graph.increment_version(z)
    with pytest.raises(RuntimeError, match="in-place"):
        product.sum().backward()


def test_the_environment_as_text() -> None:
    config = tg.__config__
    assert f"NumPy {np.__version__}" in config.show()
    assert str(tg.get_num_threads()) in config.parallel_info()
    with tg.cpu.stream(tg.cpu.current_stream()):
        tg.cpu.synchronize()
    groups = [*tg._utils._take_tensors([tg.ones(2), tg.ones(1).long(), tg.ones(2)], 8)]
    assert [[t.numel() for t in group] for group in groups] == [[2], [2], [1]]


def test_every_front_says_what_is_missing() -> None:
    places = """accelerator cpu random testing profiler compiler overrides utils.checkpoint
    utils.benchmark utils.hooks utils._pytree autograd.graph nn.parameter nn.utils.parametrize
    backends.cuda backends.cudnn functional utils.data utils onnx jit serialization types
    distributions.utils distributions.constraints nn.modules nn.modules.conv nn.parallel
    amp.grad_scaler autograd.functional multiprocessing signal.windows futures"""
    for place in places.split():
        module = importlib.import_module(f"tinygrad_lite.{place}")
        with pytest.raises(AttributeError, match="it is missing here, if PyTorch has it"):
            _ = module.something_else
    assert tg.functional.einsum is tg.einsum
    for path in ("nn.attention.flex_attention", "cuda.comm", "utils.data.graph"):
        with pytest.raises(NotImplementedError, match="is not in tinygrad_lite"):
            importlib.import_module(f"tinygrad_lite.{path}").Something()


def test_small_names_that_programs_import() -> None:
    serialization = importlib.import_module("tinygrad_lite.serialization")
    assert issubclass(serialization.SourceChangeWarning, Warning)
    storage = tg.ones(2).untyped_storage()
    assert serialization.default_restore_location(storage, "cpu") is storage
    assert [kind.name for kind in tg.onnx.TrainingMode] == ["EVAL", "PRESERVE", "TRAINING"]
    assert tg.onnx.OperatorExportTypes.ONNX.value == 0
    x = tg.ones(2, 2, requires_grad=True)
    assert (x._base, x[0]._base is x, x.T[0]._base is x) == (None, True, True)
    assert (x._is_view(), x[0]._is_view(), x.detach()._is_view()) == (False, True, False)
    assert tg.from_dlpack(tg.to_dlpack(tg.arange(3))).tolist() == [0, 1, 2]
    assert isinstance(tg.jit.RecursiveScriptModule(), tg.jit.ScriptModule)


def test_what_checkpoints_copy() -> None:
    checkpoint = importlib.import_module("tinygrad_lite.utils.checkpoint")
    x = tg.ones(2, requires_grad=True) * 2
    again, number = checkpoint.detach_variable((x, 3))
    assert (again.is_leaf, again.requires_grad, number) == (True, True, 3)
    with pytest.raises(RuntimeError, match="Only tuple of tensors is supported"):
        checkpoint.detach_variable([x])
    with pytest.warns(UserWarning, match="None of the inputs have requires_grad=True"):
        checkpoint.check_backward_validity([x.detach(), 3])
    checkpoint.check_backward_validity([x])
    for block in (*checkpoint.noop_context_fn(), checkpoint.set_checkpoint_early_stop(False)):
        with block:
            pass
