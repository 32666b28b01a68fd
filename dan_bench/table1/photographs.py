"""Real photographs, freely licensed, that scikit-image ships in its wheel."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]


@dataclass(frozen=True)
class Photograph:
    """A photograph and whose it is, as scikit-image's documentation of it says."""

    name: str
    shows: str
    by: str
    licence: str

    def load(self) -> Picture:
        """Return rows x columns x 3 bytes."""
        import skimage.data

        shipped: Any = skimage.data
        pixels: Picture = np.asarray(getattr(shipped, self.name)())
        return np.repeat(pixels[..., None], 3, axis=2) if pixels.ndim == 2 else pixels[..., :3]


PHOTOGRAPHS = {
    photograph.name: photograph
    for photograph in (
        Photograph("astronaut", "Eileen Collins, astronaut", "NASA", "public domain"),
        Photograph("camera", "a man with a camera", "Lav Varshney", "CC0"),
        Photograph("chelsea", "Chelsea the cat", "Stefan van der Walt", "CC0"),
        Photograph("coffee", "a cup of coffee", "Rachel Michetti", "CC0"),
        Photograph("hubble_deep_field", "galaxies", "NASA", "public domain"),
        Photograph("rocket", "a rocket at its launch", "SpaceX", "public domain"),
        Photograph("retina", "a retina", "Mikael Häggström", "CC0"),
        Photograph("brick", "bricks", "CC0Textures", "CC0"),
        Photograph("grass", "grass", "linolafett", "CC0"),
        Photograph("gravel", "gravel", "CC0Textures", "CC0"),
    )
}
"""By the name of the function of skimage.data that returns it."""
