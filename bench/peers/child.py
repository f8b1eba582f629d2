"""numpy, scipy or torch, told what to do by `child.ts`: lines of JSON in and out, bytes behind them."""

import ctypes
import json
import platform
import sys
import time

import numpy as np

PEER = sys.argv[1]
# An exception is an answer too, but nothing else may be printed.
OUTPUT = sys.stdout.buffer
INPUT = sys.stdin.buffer


def versions():
    found = {"python": platform.python_version(), "numpy": np.__version__}
    if PEER == "torch":
        import torch

        torch.set_num_threads(1)
        found["torch"] = torch.__version__
        # Reference BLAS multiplies matrices by plain loops: a race against it would be one against nobody.
        if "mkl" not in torch.__config__.show().lower() and blas_core() is None:
            raise RuntimeError("it multiplies by reference BLAS, as libopenblas0-pthread is missing")
    else:
        try:
            import scipy.sparse

            found["scipy"] = scipy.__version__
        except ImportError:
            pass
    core = blas_core()
    return found if core is None else {**found, "OpenBLAS core": core}


def blas_core():
    """The processor that OpenBLAS takes this one for, or None if nobody has loaded it."""
    with open("/proc/self/maps") as maps:
        loaded = {line.split()[-1] for line in maps if "openblas" in line}
    for path in loaded:
        library = ctypes.CDLL(path)
        for name in ("scipy_openblas_get_corename64_", "openblas_get_corename"):
            if hasattr(library, name):
                get_name = getattr(library, name)
                get_name.restype = ctypes.c_char_p
                return get_name().decode()
    return None


def better_core(core):
    """What OpenBLAS might have taken the processor for: it may know too little to use its AVX-512."""
    try:
        with open("/proc/cpuinfo") as processors:
            wide = "avx512dq" in processors.read()
    except OSError:
        wide = False
    return {"core": "SkylakeX"} if wide and core in ("Haswell", "Zen") else {}


def attention(request, numbers):
    n, m, dim, value_dim = (request[key] for key in ("n", "m", "dim", "valueDim"))
    queries = numbers[: n * dim].reshape(n, dim)
    keys = numbers[n * dim : (n + m) * dim].reshape(m, dim)
    values = numbers[(n + m) * dim :].reshape(m, value_dim)
    return {"": (torch_attention if PEER == "torch" else numpy_attention)(queries, keys, values)}


def numpy_attention(queries, keys, values):
    """Into arrays that are kept, outputs divided rather than weights; of many keys, as many queries at a time as a cache holds."""
    n, m = len(queries), len(keys)
    scale = np.float32(1 / np.sqrt(queries.shape[1]))
    output = np.empty((n, values.shape[1]), np.float32)
    step = max(1, min(n, 2**20 // m))
    weights = np.empty((step, m), np.float32)

    def run():
        for start in range(0, n, step):
            some = queries[start : start + step] * scale
            part, result = weights[: len(some)], output[start : start + step]
            np.matmul(some, keys.T, out=part)
            np.subtract(part, part.max(axis=1, keepdims=True), out=part)
            np.exp(part, out=part)
            np.matmul(part, values, out=result)
            np.divide(result, part.sum(axis=1, keepdims=True), out=result)
        return output

    return run


def torch_attention(queries, keys, values):
    """Its own attention; versions before 2 have none, and get softmax and two products."""
    import torch

    q, k, v = (torch.from_numpy(rows.copy())[None, None] for rows in (queries, keys, values))
    functions = torch.nn.functional
    attend = getattr(functions, "scaled_dot_product_attention", None)
    if attend is None:
        scale = queries.shape[1] ** -0.5

        def attend(q, k, v):
            return torch.softmax((q * scale) @ k.transpose(-1, -2), -1) @ v

    def run():
        with torch.no_grad():
            return attend(q, k, v).numpy()

    return run


def scores(request, numbers):
    """Sparse keys by dense queries."""
    import scipy.sparse

    m, dim = request["m"], request["dim"]
    keys = scipy.sparse.csr_matrix(numbers[: m * dim].reshape(m, dim))
    queries = np.ascontiguousarray(numbers[m * dim :].reshape(-1, dim).T)
    return {"": lambda: keys @ queries}


def demo(request, numbers):
    """The published dynamic attention and its idea corrected; a call is a step of the demonstration."""
    n, dim = request["n"], request["dim"]
    rows = numbers.astype(np.float64).reshape(3, n, dim)
    return {
        "as written": as_written(*rows.copy(), request["steps"]),
        "corrected": corrected(*rows.copy(), request["steps"]),
    }


def as_written(queries, keys, values, steps):
    """A changed key recomputes the row of its number, and every flush inverts the diagonal matrix of the sums."""
    weights = np.exp(queries @ keys.T)
    sums = np.diag(weights.sum(axis=1))
    done = 0

    def run():
        nonlocal done
        step = steps[done % len(steps)]
        done += 1
        for i, j, delta in step["keys"]:
            keys[i, j] += delta
            weights[i, :] = np.exp(queries[i] @ keys.T)
            sums[i, i] = weights[i, :].sum()
        attended = np.linalg.inv(sums) @ weights @ values
        for i, j, delta in step["values"]:
            values[i, j] += delta
        attended = np.linalg.inv(sums) @ weights @ values
        return attended

    return run


def corrected(queries, keys, values, steps):
    """A changed key recomputes the column of its weights, and the outputs are divided by the sums."""
    weights = np.exp(queries @ keys.T)
    sums = weights.sum(axis=1)
    done = 0

    def run():
        nonlocal done
        step = steps[done % len(steps)]
        done += 1
        for i, j, delta in step["keys"]:
            keys[i, j] += delta
            column = np.exp(queries @ keys[i])
            sums[:] += column - weights[:, i]
            weights[:, i] = column
        attended = weights @ values / sums[:, None]
        for i, j, delta in step["values"]:
            values[i, j] += delta
        attended = weights @ values / sums[:, None]
        return attended

    return run


LOADS = {"attention": attention, "scores": scores, "demo": demo}
ways = {}


def answer(request):
    """What the request is answered with, and the bytes behind it."""
    global ways
    verb = request["do"]
    if verb == "hello":
        found = versions()
        return {"versions": found, **better_core(found.get("OpenBLAS core"))}, b""
    if verb == "load":
        numbers = np.frombuffer(INPUT.read(request["bytes"]), np.float32)
        ways = LOADS[request["what"]](request, numbers)
        return {}, b""
    run = ways[request["way"]]
    if verb == "answer":
        numbers = np.ascontiguousarray(run(), dtype=np.float64).tobytes()
        return {"bytes": len(numbers)}, numbers
    now = time.perf_counter_ns if request["clock"] == "wall" else time.process_time_ns
    start = now()
    for _ in range(request["calls"]):
        run()
    return {"ns": now() - start}, b""


while line := INPUT.readline():
    try:
        reply, tail = answer(json.loads(line))
    except Exception as error:
        reply, tail = {"error": f"{type(error).__name__}: {error}"}, b""
    OUTPUT.write(json.dumps(reply).encode() + b"\n" + tail)
    OUTPUT.flush()
