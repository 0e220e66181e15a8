"""Rows of what a program sets for all that follows, and of facts about dtypes and devices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from hypothesis import strategies as st

from .call import LIBRARIES, Given
from .draw import Draw, tensors
from .draw_layers import pick
from .experiment import Experiment, Steps
from .row import Row

# What is set, how, and how it is asked for.
SETTINGS: dict[str, tuple[str, str, list[Any]]] = {
    "default dtype": (
        "set_default_dtype",
        "get_default_dtype",
        ["float32", "float64", "float16", "int64", 3, None],
    ),
    "default tensor type": (
        "set_default_tensor_type",
        "get_default_dtype",
        ["FloatTensor", "DoubleTensor"],
    ),
    "default device": ("set_default_device", "get_default_device", ["'cpu'", "'cpu:0'", "'here'"]),
    "determinism": (
        "use_deterministic_algorithms",
        "are_deterministic_algorithms_enabled",
        [True, False],
    ),
    "warn only": (
        "use_deterministic_algorithms",
        "is_deterministic_algorithms_warn_only_enabled",
        [True, False],
    ),
    "debug mode": (
        "set_deterministic_debug_mode",
        "get_deterministic_debug_mode",
        [0, 1, 2, "'default'", "'warn'", "'error'", 3, "'no'"],
    ),
    "precision": (
        "set_float32_matmul_precision",
        "get_float32_matmul_precision",
        ["'highest'", "'high'", "'medium'", "'low'"],
    ),
    "warnings": ("set_warn_always", "is_warn_always_enabled", [True, False]),
    "threads": ("set_num_threads", "get_num_threads", [1, 2, 0, -1, 1.5]),
    "anomalies": ("autograd.set_detect_anomaly", "is_anomaly_enabled", [True, False]),
    "grad mode": ("set_grad_enabled", "is_grad_enabled", [True, False]),
    "threads of gradients": (
        "autograd.set_multithreading_enabled",
        "is_grad_enabled",
        [True, False],
    ),
}


def _of(m: Any, name: str) -> Any:
    for part in name.split("."):
        m = getattr(m, part)
    return m


def _value(m: Any, word: Any) -> Any:
    if isinstance(word, str):
        return word.strip("'") if word.startswith("'") else getattr(m, word)
    return word


def _word(value: Any) -> Any:
    plain = isinstance(value, bool | int) or value is None
    return value if plain else str(value).removeprefix("torch.")


def _reset(m: Any) -> None:
    m.set_default_dtype(m.float32)
    m.set_default_device(None)
    m.set_deterministic_debug_mode(0)
    m.set_float32_matmul_precision("highest")
    m.set_warn_always(False)
    m.set_num_threads(1)
    m.autograd.set_detect_anomaly(False)
    m.set_grad_enabled(True)


@st.composite
def setting(draw: Draw) -> Experiment:
    """Set something, once or twice, and ask for it."""
    what = pick(draw, *SETTINGS)
    setter, getter, choices = SETTINGS[what]
    chosen = draw(st.lists(st.sampled_from(choices), min_size=1, max_size=2))
    words = {"warn_only": True} if what == "warn only" and draw(st.booleans()) else {}

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        try:
            for word in chosen:
                _of(m, setter)(_value(m, word), **words)
                yield f"names of {getter}", [_word(_of(m, getter)())]
                yield "names of what is made", [_word(m.ones(1).dtype), str(m.ones(1).device)]
        finally:
            _reset(m)

    return Experiment("set_default_dtype", f"{setter}({chosen}, {words}), {getter}()", run)


MODES: dict[str, Callable[[Any], Any]] = {
    "no_grad": lambda m: m.no_grad(),
    "enable_grad": lambda m: m.enable_grad(),
    "inference_mode": lambda m: m.inference_mode(),
    "inference_mode False": lambda m: m.inference_mode(False),
    "set_grad_enabled False": lambda m: m.set_grad_enabled(False),
    "set_grad_enabled True": lambda m: m.set_grad_enabled(True),
    "detect_anomaly": lambda m: m.autograd.detect_anomaly(),
    "set_detect_anomaly": lambda m: m.autograd.set_detect_anomaly(True),
}


@st.composite
def nesting(draw: Draw) -> Experiment:
    """Modes within one another, as blocks, on functions and on generators."""
    names = draw(st.lists(st.sampled_from(list(MODES)), min_size=1, max_size=3))
    how = pick(draw, "block", "function", "generator", "error")
    if "inference_mode" in names[:-1]:  # in which PyTorch records nothing, whatever is enabled
        names = [*names[: names.index("inference_mode") + 1], "no_grad"]

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        told: list[Any] = []
        leaf = m.ones(2, requires_grad=True)

        def look(label: str) -> None:
            y = leaf * 2
            told.append((label, m.is_grad_enabled(), m.is_inference_mode_enabled()))
            told.append((m.is_anomaly_enabled(), m.is_anomaly_check_nan_enabled()))
            told.append((y.requires_grad, y.is_leaf, y.is_inference()))

        def within(left: list[str]) -> None:
            look("in")
            if not left:
                if how == "error":
                    raise KeyError("within")
                return
            if how in ("block", "error"):
                with MODES[left[0]](m):
                    within(left[1:])
            elif how == "function":
                MODES[left[0]](m)(within)(left[1:])
            else:

                def steps(rest: list[str]) -> Any:
                    within(rest)
                    yield 1

                for _ in MODES[left[0]](m)(steps)(left[1:]):
                    look("between")
            look("out")

        try:
            within(names)
        except KeyError:
            look("after")
        finally:
            m.set_grad_enabled(True)
            m.autograd.set_detect_anomaly(False)
        yield "names told", told

    return Experiment("no_grad", f"{names} as {how}", run)


KINDS = """bool uint8 int8 int16 int32 int64 float16 bfloat16 float32 float64""".split()


@st.composite
def limits(draw: Draw) -> Experiment:
    """`finfo`, `iinfo` and what a dtype says of itself."""
    name, kind = pick(draw, "finfo", "iinfo", "dtype"), pick(draw, *KINDS, "text", None)

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        of = getattr(m, kind) if kind in KINDS else kind
        if name == "dtype":
            asked = (of.is_floating_point, of.is_complex, of.is_signed, of.itemsize)
            yield "names of facts", [*asked, isinstance(of, m.dtype)]
            yield "names of text", [str(of)]
            return
        info = getattr(m, name)() if of is None else getattr(m, name)(of)
        asked = ("min", "max", "bits", "dtype") + (
            ("eps", "tiny", "smallest_normal", "resolution") if name == "finfo" else ()
        )
        yield "names of limits", [getattr(info, word) for word in asked]
        yield "names of text", [str(info)]

    return Experiment("finfo", f"{name} of {kind}", run)


@st.composite
def devices(draw: Draw) -> Experiment:
    """Names of devices, what they are equal to; layouts and memory formats."""
    args = pick(
        draw, ("cpu",), ("cpu:0",), ("cpu", 0), ("cuda",), ("cuda:1",), ("cuda", 1), ("gpu",), (),
        ("cpu:x",), ("cpu:0", 0), (3.5,), ("",), ("cpu:-1",),
    )  # fmt: skip

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        d = m.device(*args)
        yield "names of parts", [d.type, d.index, str(d), repr(d)]
        yield "names of being equal", [
            d == m.device(*args), d == "cpu", d == m.device("cpu"), isinstance(d, m.device),
            hash(d) == hash(m.device(*args)), m.device(d) == d,
        ]  # fmt: skip
        yield (
            "names of layouts",
            [
                isinstance(m.strided, m.layout),
                str(m.strided),
                isinstance(m.channels_last, m.memory_format),
                str(m.contiguous_format),
            ],
        )

    return Experiment("device", f"device{args}", run)


@st.composite
def built(draw: Draw) -> Experiment:
    """What the library is built with."""
    name = pick(draw, "is_vulkan_available", "compiled_with_cxx11_abi", "get_num_interop_threads",
                "set_flush_denormal")  # fmt: skip

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        if name == "set_flush_denormal":
            yield "names of what it says", [type(m.set_flush_denormal(False)).__name__]
            return
        found = getattr(m, name)()
        yield "names of what it says", [found if isinstance(found, bool) else found > 0]

    return Experiment("is_vulkan_available", f"{name}()", run)


@st.composite
def sizes(draw: Draw) -> Experiment:
    """`Size`, a tuple with a product."""
    shape = draw(st.lists(st.integers(0, 3), max_size=3))
    given = Given(draw(tensors(tuple(shape), grad=False)).values)

    def run(library: str) -> Steps:
        m = LIBRARIES[library]
        size = m.Size(shape)
        parts = [size[:1], (*size, 2), size * 2, (2, *size), size + size]
        yield "names of kinds", [type(p).__name__ for p in parts]
        yield "names of parts", [tuple(p) for p in parts]
        yield "names of facts", [size.numel(), str(size), size == tuple(shape), hash(size) == hash(
            tuple(shape)), len(size)]  # fmt: skip
        made = m.from_numpy(given.values.copy())
        yield "names of a tensor's", [made.shape == size, made.size() == size]

    return Experiment("Size", f"Size({shape})", run)


def rows() -> list[Row]:
    """All rows of this file."""
    called = {name for setter, getter, _ in SETTINGS.values() for name in (setter, getter)}
    modes = """enable_grad inference_mode is_inference_mode_enabled autograd.detect_anomaly
    is_anomaly_check_nan_enabled"""
    return [
        Row("set_default_dtype", setting(), "settings", " ".join(sorted(called))),
        Row("no_grad", nesting(), "modes", modes),
        Row("finfo", limits(), names="iinfo dtype"),
        Row("device", devices(), names="layout memory_format"),
        Row("Size", sizes()),
        Row(
            "is_vulkan_available",
            built(),
            names="compiled_with_cxx11_abi get_num_interop_threads set_flush_denormal",
        ),
    ]
