"""Arrays as those of JAX, PyTorch, CuPy and others.

CuPy and tensors of CUDA need a graphics card, and array-api-strict is not installed everywhere:
classes here behave as theirs do.
"""

from __future__ import annotations

import numpy as np
import pytest


class Device:
    """What arrays of other libraries have in common."""

    def __init__(self, values):
        self.values = np.asarray(values)

    shape = property(lambda self: self.values.shape)
    ndim = property(lambda self: self.values.ndim)
    dtype = property(lambda self: self.values.dtype)

    def __len__(self):
        return len(self.values)

    def __dlpack__(self, **how):
        return self.values.__dlpack__(**how)

    def __dlpack_device__(self):
        return self.values.__dlpack_device__()


class Cupy(Device):
    """Never an array of NumPy by itself."""

    def __array__(self, *args, **kwargs):
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()`")

    def __getitem__(self, rows):
        return Cupy(self.values[rows])

    def __dlpack__(self, **how):
        raise BufferError("not in the memory of the processor")

    def get(self):
        return self.values


class Tensor(Device):
    """On a graphics card, until it is brought from there."""

    home = False

    def __array__(self, *args, **kwargs):
        raise TypeError("can't convert cuda:0 device type tensor to numpy")

    def __getitem__(self, rows):
        return Tensor(self.values[rows])

    def detach(self):
        return self

    def cpu(self):
        tensor = Tensor(self.values)
        tensor.home = True
        return tensor

    def numpy(self):
        assert self.home
        return self.values


class Strict(Device):
    """Takes no index of NumPy."""

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype)

    def __array_namespace__(self, api_version=None):
        return StrictNamespace

    def __getitem__(self, key):
        if isinstance(key, np.ndarray):
            raise IndexError("only integers, slices and arrays of array_api_strict are indices")
        return Strict(self.values[key])


class StrictNamespace:
    asarray = Strict

    @staticmethod
    def take(x, indices, axis):
        assert isinstance(indices, Strict)
        return Strict(np.take(x.values, indices.values, axis=axis))


class Flow(Device):
    """Takes no index of NumPy, and has no array API."""

    def __array__(self, dtype=None, copy=None):
        return np.asarray(self.values, dtype)

    def __getitem__(self, key):
        raise TypeError("Only integers, slices and scalar tensors are valid indices")


class OnlyDLPack:
    """Has no rows, no shape, nothing but the protocol."""

    def __init__(self, values):
        self.values = np.ascontiguousarray(values)

    def __dlpack__(self, **how):
        return self.values.__dlpack__(**how)

    def __dlpack_device__(self):
        return self.values.__dlpack_device__()


class Elsewhere(OnlyDLPack):
    def __dlpack__(self, **how):
        raise BufferError("on device 3")


Cupy.__module__, Tensor.__module__, Strict.__module__ = "cupy", "torch", "array_api_strict"
Flow.__module__ = "tensorflow"


def jax_array(values):
    jnp = pytest.importorskip("jax.numpy", exc_type=ImportError)
    return jnp.asarray(values)


def torch_tensor(values):
    torch = pytest.importorskip("torch", exc_type=ImportError)
    tensor = torch.as_tensor(values)
    return tensor.requires_grad_() if tensor.is_floating_point() else tensor


KINDS = {
    "jax": jax_array,
    "torch": torch_tensor,
    "cuda": Tensor,
    "cupy": Cupy,
    "strict": Strict,
    "dlpack": OnlyDLPack,
}


def jax_doubles():
    """Context in which JAX makes arrays of double precision, as NumPy does."""
    jax = pytest.importorskip("jax", exc_type=ImportError)
    if hasattr(jax, "enable_x64"):
        return jax.enable_x64(True)
    from jax.experimental import enable_x64

    return enable_x64()


def as_plain(values):
    """What these arrays hold, as an array of NumPy."""
    return values.values if isinstance(values, Device | OnlyDLPack) else np.asarray(values)
