"""Arrays as tensors."""

import warnings

import numpy as np
import torch


def as_tensor(array: np.ndarray) -> torch.Tensor:
    """Share the memory of an array that may be read-only; who writes to it breaks a promise.

    Examples
    --------
    >>> array = np.ones(2, dtype=np.float32)
    >>> array.flags.writeable = False
    >>> as_tensor(array)
    tensor([1., 1.])
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        return torch.from_numpy(array)
