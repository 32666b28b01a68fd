"""What is copied to a GPU, by tensors that claim to be on one (`FakeTensorMode`)."""

import torch
from torch.utils._python_dispatch import TorchDispatchMode

GPU = torch.device("cuda:0")


class Copies(TorchDispatchMode):
    """What is copied to the GPU: whether that waits."""

    def __init__(self):
        super().__init__()
        self.waiting = []

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func is torch.ops.aten._to_copy.default and kwargs.get("device") == GPU:
            self.waiting.append(not kwargs.get("non_blocking"))
        return func(*args, **kwargs)
