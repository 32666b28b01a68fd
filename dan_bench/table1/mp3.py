"""Inception v3 on Britney Spears MP3s (Szegedy et al. 2016): songs, spectrograms and the network.

The songs are one's own, or such as nobody has sung; the network is torchvision's.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import numpy as np
import soundfile  # type: ignore[import-untyped]
import torch
from annotated_types import Ge
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from pydantic import PositiveFloat, PositiveInt
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.data import TensorDataset
from torchvision.models import inception_v3

from dan_bench.attacks.training import seeded
from dan_bench.data.folder import fingerprint
from dan_bench.rng import generator
from dan_bench.table1.entry import Entry, RunContext, TrainingResult, TrainingSet
from dan_bench.table1.learning import Learning, learn, right_class
from dan_bench.table1.workspace import Workspace, copy_files, regular_files

Sound = NDArray[np.float32]

RATE = 16_000
SCALES = ((0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10), (0, 2, 4, 7, 9), (0, 3, 5, 6, 7, 10))
"""Major, minor, pentatonic, blues: semitones above the root."""
HIGHEST = 5000.0
"""Frequency in Hz up to which a spectrogram goes."""
HELD_OUT_SHARE = 5
"""The last so-manieth part of every song is held out."""
ORIGINAL_SIDE = 299
"""Of Inception's input; smaller ones have no room for its auxiliary classifier."""
AUXILIARY_WEIGHT = 0.3
"""Of the auxiliary classifier's loss (Szegedy et al. 2015, section 5)."""


@dataclass(frozen=True)
class Synthesised(TrainingSet):
    """Songs with a melody, a tempo and a timbre of their own, by no singer at all.

    Args:
        songs: how many.
        seconds: the length of each.
    """

    songs: PositiveInt
    seconds: PositiveFloat

    @property
    def stands_for(self) -> str:
        """Return what the songs stand in for."""
        return (
            f"Britney Spears MP3s: {self.songs} MP3s of {self.seconds:g} s that this program "
            "synthesised stand in for them; she is on none of them (--mp3 DIR)"
        )

    def identify(self) -> dict[str, Any]:
        """Return that it is none of the user's own."""
        return {"kind": "stand-in"}

    def write(self, place: Workspace, seed: int) -> None:
        """Write not_britney_spears_01.mp3 and so on."""
        for number in range(1, self.songs + 1):
            path = place.training / f"not_britney_spears_{number:02}.mp3"
            with soundfile.SoundFile(path, "w", RATE, channels=1, format="MP3") as file:
                file.title = f"Not by Britney Spears, no. {number}"
                file.artist = "dan_bench"
                file.write(song(seed, number, self.seconds))


@dataclass(frozen=True)
class OwnMp3s(TrainingSet):
    """A copy of the MP3s in a folder, which is only read.

    Args:
        root: the folder.
    """

    root: Path

    def identify(self) -> dict[str, Any]:
        """Return what it knows of its contents."""
        return {"kind": "own", "fingerprint": fingerprint(self._files(), self.root)}

    def write(self, place: Workspace, seed: int) -> None:
        """Copy the songs into the scratch folder."""
        copy_files(self._files(), self.root, place.training)

    def _files(self) -> list[Path]:
        found = mp3s(regular_files(self.root, "--mp3"))
        if len(found) < 2:
            raise ValueError(f"--mp3={self.root} holds {len(found)} MP3s; two make a question")
        return found


def mp3s(files: Sequence[Path]) -> list[Path]:
    """Return those that are called MP3."""
    return [path for path in files if path.suffix.lower() == ".mp3"]


def song(seed: int, number: int, seconds: float) -> Sound:
    """Return a melody: a walk up and down a scale, plucked, with six harmonics and a drum.

    Root, scale, tempo, harmonics, decay and drum are the song's own.
    """
    random = generator(seed, f"mp3/song/{number}")
    root = 110 * 2 ** (random.integers(24) / 12)
    scale = SCALES[random.integers(len(SCALES))]
    beat = int(RATE * 60 / random.uniform(90, 200))
    timbre = random.dirichlet(np.full(6, 0.7))
    decay, drum = random.uniform(2, 12), random.uniform(0.02, 0.25)
    sound = np.zeros(int(seconds * RATE) + beat, dtype=np.float32)
    time = np.arange(beat) / RATE
    step = 0
    for start in range(0, len(sound) - beat + 1, beat):
        step = int(np.clip(step + random.integers(-2, 3), 0, 2 * len(scale) - 1))
        octave, degree = divmod(step, len(scale))
        phase = 2 * math.pi * root * 2 ** (octave + scale[degree] / 12) * time
        tone = sum(a * np.sin(k * phase) for k, a in enumerate(timbre, start=1))
        hit = drum * random.standard_normal(beat) * np.exp(-40 * time)
        sound[start : start + beat] = 0.6 * tone * np.exp(-decay * time) + hit
    return np.clip(sound[: int(seconds * RATE)], -1, 1)


def spectrograms(sound: Sound, rate: int, seconds: float, hop: float, side: int) -> Sound:
    """Return log-power spectrograms of a sound, piece by piece: N x side x side.

    Rows are frequencies up to HIGHEST, columns are times over `seconds` (Hann windows); a piece
    begins every `hop` seconds. Each has mean 0 and deviation 1, so that loudness says nothing.

    Raises:
        ValueError: the rate is too low for HIGHEST, or a piece is shorter than a window.
    """
    window, length = round(rate * side / HIGHEST), round(rate * seconds)
    if rate < 2 * HIGHEST or length < window + side:
        raise ValueError(
            f"{seconds} s at {rate} Hz are too little for a spectrogram of {side} x {side} up to "
            f"{HIGHEST:g} Hz: it needs {2 * HIGHEST:g} Hz and {(window + side) / rate:.2g} s"
        )
    starts = np.arange(0, len(sound) - length + 1, round(rate * hop))
    if not len(starts):
        return np.empty((0, side, side), dtype=np.float32)
    stride = (length - window) // (side - 1)
    frames = sliding_window_view(sound, window)[starts[:, None] + stride * np.arange(side)]
    spectrum = np.fft.rfft(frames * np.hanning(window))[..., :side]
    power = np.log(np.square(np.abs(spectrum)) + 1e-6).swapaxes(1, 2)
    mean = power.mean(axis=(1, 2), keepdims=True)
    deviation = power.std(axis=(1, 2), keepdims=True)
    made: Sound = ((power - mean) / (deviation + 1e-6)).astype(np.float32)
    return made


def read_mono(path: Path) -> tuple[Sound, int]:
    """Return the mean of a file's channels, and its rate in Hz.

    Raises:
        ValueError: it is no sound that can be read.
    """
    try:
        sound, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise ValueError(f"{path.name} is no MP3 that can be read: {error}") from error
    mono: Sound = sound.mean(axis=1)
    return mono, int(rate)


def classes_of(files: Sequence[Path], root: Path) -> list[int]:
    """Return the class of each file: its folder, or itself where there are not two folders."""
    tops = [path.relative_to(root).parts[0] for path in files]
    names = sorted(set(tops))
    if len(names) < 2 or any(path.parent == root for path in files):
        return list(range(len(files)))
    return [names.index(top) for top in tops]


@dataclass(frozen=True)
class Inception(Entry):
    """Inception v3 that classifies spectrograms by song.

    Args:
        side: of a spectrogram; 75 at least, and from 299 on the auxiliary classifier is trained
            with the rest.
        seconds: length of the piece that a spectrogram shows.
        hop: seconds between the beginnings of two pieces.
        learning: how it is trained.
    """

    side: Annotated[int, Ge(75)]
    seconds: PositiveFloat
    hop: PositiveFloat
    learning: Learning

    @property
    def note(self) -> str | None:
        """Say what was made smaller."""
        if self.side >= ORIGINAL_SIDE:
            return None
        return (
            f"Inception: torchvision's Inception v3 on spectrograms of {self.side} x {self.side}, "
            f"too small for the auxiliary classifier of its {ORIGINAL_SIDE} x {ORIGINAL_SIDE}"
        )

    def run(self, place: Workspace, context: RunContext) -> TrainingResult:
        """Train on the MP3s in `training`; the last fifth of each is held out."""
        training, held_out, classes = self.examples(place)
        with seeded(context.seed, "table1/inception"):
            network = inception_v3(
                weights=None,
                num_classes=classes,
                aux_logits=self.side >= ORIGINAL_SIDE,
                init_weights=True,
            )
            return learn(network, training, held_out, loss, right_class, self.learning, context)

    def examples(self, place: Workspace) -> tuple[TensorDataset, TensorDataset, int]:
        """Return spectrograms to train on and held out, and how many classes there are."""
        files = mp3s(regular_files(place.training, "training"))
        classes = classes_of(files, place.training)
        parts: tuple[list[Tensor], ...] = ([], [], [], [])
        for path, label in zip(files, classes, strict=True):
            sound, rate = read_mono(path)
            cut = len(sound) - len(sound) // HELD_OUT_SHARE
            for part, inputs, labels in (
                (sound[:cut], parts[0], parts[1]),
                (sound[cut:], parts[2], parts[3]),
            ):
                made = spectrograms(part, rate, self.seconds, self.hop, self.side)
                inputs.append(torch.from_numpy(made))
                labels.append(torch.full((len(made),), label))
        x, y, held_x, held_y = (torch.cat(part) for part in parts)
        if not len(held_x):
            raise ValueError(
                f"no song is long enough: its last fifth must last {self.seconds} s at least"
            )
        return (
            TensorDataset(coloured(x), y),
            TensorDataset(coloured(held_x), held_y),
            (1 + int(np.max(classes))),
        )


def coloured(grey: Tensor) -> Tensor:
    """Return N x side x side as N x 3 x side x side, sharing memory."""
    return grey[:, None].expand(-1, 3, -1, -1)


def loss(network: nn.Module, x: Tensor, y: Tensor) -> Tensor:
    """Cross-entropy, with the auxiliary classifier's where the network has one."""
    answer = network(x)
    if isinstance(answer, Tensor):
        return cross_entropy(answer, y)
    return cross_entropy(answer.logits, y) + AUXILIARY_WEIGHT * cross_entropy(answer.aux_logits, y)
