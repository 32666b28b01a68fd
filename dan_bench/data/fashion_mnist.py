"""Fashion-MNIST: pictures of clothes (Xiao, Rasul & Vollgraf 2017)."""

from dataclasses import dataclass
from functools import partial

from dan_bench.data.idx import IdxPictures
from dan_bench.data.servers import from_debian

PACKAGE = "dataset-fashion-mnist"


@dataclass(frozen=True)
class FashionMnist(IdxPictures):
    """60,000 training and 10,000 test pictures of clothes; Debian and Ubuntu package the files.

    The published sums (in torchvision) are of the compressed files; these are of what they hold.
    Debian's differ from the originals in the header of gzip alone.
    """

    title = "fashion_mnist"
    dataset = "FashionMNIST"
    md5 = {  # noqa: RUF012
        "train-images-idx3-ubyte": "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "train-labels-idx1-ubyte": "9018921c3c673c538a1fc5bad174d6f9",
        "t10k-images-idx3-ubyte": "8181f5470baa50b63fa0f6fddb340f0a",
        "t10k-labels-idx1-ubyte": "15d484375f8d13e6eb1aabb0c3f46965",
    }
    package = (
        f"Debian's package {PACKAGE}",
        partial(from_debian, PACKAGE, "usr/share/datasets/fashion-mnist"),
    )
