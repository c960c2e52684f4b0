"""Arrays as tensors."""

import warnings
from typing import Any

import numpy as np
import torch


def as_tensor(array: Any) -> Any:
    """Share the memory of an array that may be read-only; who writes to it breaks a promise.

    Rows that are not read yet stay so.

    Examples
    --------
    >>> array = np.ones(2, dtype=np.float32)
    >>> array.flags.writeable = False
    >>> as_tensor(array)
    tensor([1., 1.])
    """
    if not isinstance(array, np.ndarray):
        return array
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The given NumPy array is not writable")
        return torch.from_numpy(array)
